//! What is spoken: recordings with the times of their words, and streams made of them.

use super::{BenchError, text};
use serde::Deserialize;
use std::{path::Path, sync::Arc};

/// Hertz, of everything in a corpus.
pub const SAMPLE_RATE: u32 = 16_000;

/// Between two recordings: long enough to end an utterance, as between turns.
pub const PAUSE_MS: u64 = 800;

/// A span within a recording or a stream, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    pub start_ms: f64,
    pub end_ms: f64,
}

/// A word of a transcript as [`text::words`] makes them, and when it is spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedWord {
    pub text: String,
    pub span: Span,
}

/// A recording.
#[derive(Debug, Clone)]
pub struct Clip {
    /// Between -1 and 1, at [`SAMPLE_RATE`].
    pub samples: Arc<[f32]>,
    pub language: String,
    pub transcript: String,
    pub words: Vec<TimedWord>,
    /// Where there is voice, in order and apart.
    pub speech: Vec<Span>,
}

impl Clip {
    pub fn length_ms(&self) -> u64 {
        self.samples.len() as u64 * 1_000 / u64::from(SAMPLE_RATE)
    }
}

/// What one client says: recordings of one language with a pause after each.
#[derive(Debug, Clone)]
pub struct Script {
    pub language: String,
    pub clips: Vec<Arc<Clip>>,
}

impl Script {
    pub fn length_ms(&self) -> u64 {
        self.clips.iter().map(|clip| clip.length_ms() + PAUSE_MS).sum()
    }
}

#[derive(Deserialize)]
struct File {
    clips: Vec<FileClip>,
}

#[derive(Deserialize)]
struct FileClip {
    file: String,
    language: String,
    transcript: String,
    words: Vec<FileWord>,
    speech: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct FileWord {
    text: String,
    start_ms: f64,
    end_ms: f64,
}

/// The recordings that `prepare.py` made ready.
#[derive(Debug, Clone)]
pub struct Corpus {
    pub clips: Vec<Arc<Clip>>,
}

impl Corpus {
    pub fn load(folder: &Path) -> Result<Self, BenchError> {
        let path = folder.join("corpus.json");
        let json = std::fs::read_to_string(&path).map_err(BenchError::file(&path))?;
        let file: File = serde_json::from_str(&json).map_err(|e| BenchError::File { path, reason: e.to_string() })?;
        let clips = file.clips.into_iter().map(|clip| clip.read(folder).map(Arc::new));
        Ok(Self { clips: clips.collect::<Result<_, _>>()? })
    }

    /// What each of `count` clients says, about `seconds` long: languages in turn, the recordings of a language in
    /// an order of the client's own. The same arguments give the same scripts.
    pub fn scripts(&self, count: u32, seconds: u32, seed: u64) -> Result<Vec<Script>, BenchError> {
        let mut languages: Vec<&str> = self.clips.iter().map(|clip| clip.language.as_str()).collect();
        languages.sort_unstable();
        languages.dedup();
        if languages.is_empty() {
            return Err(BenchError::Material("there are no recordings"));
        }
        let script = |client: u32| {
            let language = languages[client as usize % languages.len()];
            let spoken: Vec<_> = self.clips.iter().filter(|clip| clip.language == language).collect();
            let mut order = Shuffle(seed.wrapping_mul(0x9e37_79b9).wrapping_add(u64::from(client)));
            let mut clips = Vec::new();
            let mut length = 0;
            while length < u64::from(seconds) * 1_000 {
                for index in order.of(spoken.len()) {
                    if length >= u64::from(seconds) * 1_000 {
                        break;
                    }
                    clips.push(Arc::clone(spoken[index]));
                    length += spoken[index].length_ms() + PAUSE_MS;
                }
            }
            Script { language: language.to_owned(), clips }
        };
        Ok((0..count).map(script).collect())
    }

    /// The shortest recording: to warm a server up with.
    pub fn warm_up(&self) -> Option<Script> {
        let clip = self.clips.iter().min_by_key(|clip| clip.samples.len())?;
        Some(Script { language: clip.language.clone(), clips: vec![Arc::clone(clip)] })
    }
}

impl FileClip {
    fn read(self, folder: &Path) -> Result<Clip, BenchError> {
        let path = folder.join(&self.file);
        let bytes = std::fs::read(&path).map_err(BenchError::file(&path))?;
        let samples: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if samples.is_empty() {
            return Err(BenchError::File { path, reason: "no samples".into() });
        }
        let span = |start_ms, end_ms| Span { start_ms, end_ms };
        let words = self.words.iter().flat_map(|word| {
            let span = span(word.start_ms, word.end_ms);
            text::words(&word.text).into_iter().map(move |text| TimedWord { text, span })
        });
        Ok(Clip {
            samples: samples.into(),
            words: words.collect(),
            speech: self.speech.iter().map(|(start, end)| span(*start, *end)).collect(),
            language: self.language,
            transcript: self.transcript,
        })
    }
}

/// Orders that look random and can be had again: `SplitMix64` (Steele, Lea and Flood 2014) under Fisher and Yates.
struct Shuffle(u64);

impl Shuffle {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Corpus {
        let clip = |language: &str, seconds: usize| {
            Arc::new(Clip {
                samples: vec![0.0; seconds * SAMPLE_RATE as usize].into(),
                language: language.into(),
                transcript: format!("{language} {seconds}"),
                words: Vec::new(),
                speech: Vec::new(),
            })
        };
        Corpus { clips: (2..9).flat_map(|seconds| [clip("pt", seconds), clip("en", seconds)]).collect() }
    }

    fn transcripts(script: &Script) -> Vec<String> {
        script.clips.iter().map(|clip| clip.transcript.clone()).collect()
    }

    #[test]
    fn clients_speak_long_enough_in_orders_of_their_own() {
        let scripts = corpus().scripts(4, 50, 7).unwrap();
        assert_eq!(scripts.iter().map(|s| s.language.as_str()).collect::<Vec<_>>(), ["en", "pt", "en", "pt"]);
        assert!(scripts.iter().all(|script| (50_000..60_000).contains(&script.length_ms())));
        assert_ne!(transcripts(&scripts[0]), transcripts(&scripts[2]));
    }

    #[test]
    fn the_same_seed_gives_the_same_scripts() {
        let (one, two) = (corpus().scripts(3, 30, 5).unwrap(), corpus().scripts(3, 30, 5).unwrap());
        assert!(one.iter().zip(&two).all(|(a, b)| transcripts(a) == transcripts(b)));
        let other = corpus().scripts(3, 30, 6).unwrap();
        assert!(one.iter().zip(&other).any(|(a, b)| transcripts(a) != transcripts(b)));
    }

    #[test]
    fn without_recordings_there_is_no_script() {
        assert!(Corpus { clips: Vec::new() }.scripts(1, 10, 0).is_err());
    }
}
