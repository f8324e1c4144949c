"""Makes a corpus for the speech benchmark from recordings listed in an index.tsv (columns `file`, `language`,
`transcript`, further ones ignored): every recording as 16 kHz mono little-endian float32, and a corpus.json with
where each word of its transcript is spoken.

Words get their times by forced alignment of the given transcript, not of anything recognised, with the same Whisper
weights. Speech is where the level is that of a voice within what the alignment leaves to words: no system's own voice
activity detector is the reference, and neither breath nor a noisy room after the last word is speech.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import decode_audio, pad_or_trim
from faster_whisper.tokenizer import Tokenizer

RATE = 16_000
# Whisper's window is 30 s; the recogniser under test ends an utterance after 25 s.
LONGEST_S = 25.0
SHORTEST_S = 1.0
FRAME_S = 0.02
# Speech is what lies less than this under the loudest frame and more than that over the recording's noise: FLEURS
# recordings have between 15 and 50 dB from one to the other.
SPEECH_DB = -35.0
OVER_NOISE_DB = 6.0
# Share of the frames of a recording taken for its noise: every recording has as much of pauses and stops.
NOISE_SHARE = 10
# An aligned word ends up to two of Whisper's time steps before its last sound does, and a burst comes before a word.
ALIGNMENT_S = 0.1
# Level of the speech of every recording, RMS in dB of full scale: what a microphone with gain control gives.
LEVEL_DB = -23.0
# Shorter gaps are stops and pauses between words.
GAP_S = 0.4


def speech_spans(samples, words):
    """Spans of speech in milliseconds: by level, within the words' times."""
    size = int(FRAME_S * RATE)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    level = 20 * np.log10(np.sqrt((frames**2).mean(axis=1)) + 1e-9)
    threshold = max(level.max() + SPEECH_DB, np.percentile(level, NOISE_SHARE) + OVER_NOISE_DB)
    within = np.zeros(len(level), dtype=bool)
    for word in words:
        start, end = (word["start_ms"] / 1000 - ALIGNMENT_S) / FRAME_S, (word["end_ms"] / 1000 + ALIGNMENT_S) / FRAME_S
        within[max(0, round(start)) : max(0, round(end))] = True
    spans = []
    for index in np.flatnonzero((level > threshold) & within):
        start, end = index * FRAME_S, (index + 1) * FRAME_S
        if spans and start - spans[-1][1] < GAP_S:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    # A lone click is no speech.
    return [[round(s * 1000), round(e * 1000)] for s, e in spans if e - s >= 0.06]


def levelled(samples, spans):
    """Brings the speech to LEVEL_DB, or as near as full scale allows."""
    within = np.zeros(len(samples), dtype=bool)
    for start, end in spans:
        within[start * RATE // 1000 : end * RATE // 1000] = True
    spoken = samples[within] if within.any() else samples
    gain = 10 ** (LEVEL_DB / 20) / (np.sqrt((spoken**2).mean()) + 1e-9)
    return samples * min(gain, 1.0 / (np.abs(samples).max() + 1e-9))


def word_times(model, samples, language, transcript):
    """Every word of the transcript with its span in milliseconds."""
    tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
    features = model.feature_extractor(samples)
    frames = features.shape[-1] - 1
    encoded = model.encode(pad_or_trim(features))
    tokens = tokenizer.encode(" " + transcript.strip())
    words = model.find_alignment(tokenizer, [tokens], encoded, min(frames, 3000))[0]
    return [
        {"text": word["word"].strip(), "start_ms": round(float(word["start"]) * 1000), "end_ms": round(float(word["end"]) * 1000)}
        for word in words
        if word["word"].strip()
    ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--recordings", required=True, type=Path)
    arguments.add_argument("--out", required=True, type=Path)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--as-recorded", action="store_true", help="leave every recording at its own level")
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    index = (given.recordings / "index.tsv").read_text(encoding="utf-8")
    # A change to this file makes the corpus anew as well.
    made_from = f"{given.as_recorded}{index}{Path(__file__).read_text(encoding='utf-8')}"
    made_from = hashlib.sha256(made_from.encode()).hexdigest()
    corpus = given.out / "corpus.json"
    if corpus.is_file() and json.loads(corpus.read_text(encoding="utf-8")).get("made_from") == made_from:
        print("the corpus is there")
        return
    model = WhisperModel(given.model, device="cpu", compute_type="int8", cpu_threads=given.threads, local_files_only=True)
    clips = []
    for line in index.splitlines()[1:]:
        file, language, transcript = (line.split("\t") + ["", ""])[:3]
        path = given.recordings / file
        if not transcript.strip() or not path.is_file():
            print(f"passed over: {file}")
            continue
        samples = decode_audio(str(path), sampling_rate=RATE)
        if not SHORTEST_S <= len(samples) / RATE <= LONGEST_S:
            print(f"passed over, {len(samples) / RATE:.1f} s: {file}")
            continue
        raw = f"{len(clips):04}.f32"
        words = word_times(model, samples, language, transcript)
        speech = speech_spans(samples, words)
        samples = samples if given.as_recorded else levelled(samples, speech)
        samples.astype("<f4").tofile(given.out / raw)
        clips.append(
            {
                "file": raw,
                "source": file,
                "language": language,
                "transcript": transcript,
                "words": words,
                "speech": speech,
            }
        )
    if not clips:
        raise SystemExit("no recording can be used")
    written = {"made_from": made_from, "clips": clips}
    corpus.write_text(json.dumps(written, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"{len(clips)} recordings")


if __name__ == "__main__":
    main()
