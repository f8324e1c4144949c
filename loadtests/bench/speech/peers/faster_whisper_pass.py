"""One pass of faster-whisper, int8, over the clips of a corpus: prints a JSON object with the seconds each clip took
and its text. Loading, and a first clip to warm up, are not counted."""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--corpus", required=True, type=Path)
    arguments.add_argument("--beam", required=True, type=int)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--limit", type=int, default=0, help="clips at most; 0 for all")
    given = arguments.parse_args()
    model = WhisperModel(given.model, device="cpu", compute_type="int8", cpu_threads=given.threads, local_files_only=True)
    clips = json.loads((given.corpus / "corpus.json").read_text(encoding="utf-8"))["clips"]
    clips = clips[: given.limit] if given.limit else clips

    def recognise(clip):
        samples = np.fromfile(given.corpus / clip["file"], dtype="<f4")
        begun = time.perf_counter()
        segments, _ = model.transcribe(
            samples,
            language=clip["language"],
            beam_size=given.beam,
            without_timestamps=True,
            condition_on_previous_text=False,
            # No second try at a higher temperature, as in the engine it stands beside.
            temperature=0.0,
        )
        text = " ".join(segment.text.strip() for segment in segments)
        return {"seconds": time.perf_counter() - begun, "text": text}

    recognise(clips[0])
    begun = time.process_time()
    heard = [recognise(clip) for clip in clips]
    cpu = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"heard": heard, "cpu_seconds": cpu, "peak_rss_bytes": peak}, ensure_ascii=False))


if __name__ == "__main__":
    main()
