//! Inputs and outputs of each task, the same whichever engine does it.

use crate::contract::{Model, ModelError};
use healthsync_events::{
    Language,
    speech::{Preservation, ReviewStatus},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Speech to text.
#[derive(Debug, Clone)]
pub struct TranscribeRequest {
    /// 16 kHz mono, at most 30 s: what Whisper's encoder takes in one window.
    pub samples: Arc<[f32]>,
    pub language: SpokenLanguage,
    /// Earlier text of the same participant, or terms to expect.
    pub prompt: Option<String>,
    pub effort: Effort,
    pub cancel: Cancel,
}

impl TranscribeRequest {
    /// A second of nothing, for engines to become warm on.
    pub fn silence() -> Option<Self> {
        Some(Self {
            samples: vec![0.0; 16_000].into(),
            language: SpokenLanguage::Known("en".parse().ok()?),
            prompt: None,
            effort: Effort::Draft,
            cancel: Cancel::default(),
        })
    }
}

/// Says that nobody waits for an answer any more. Engines look at it between steps and give up.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is known of the language before anything was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpokenLanguage {
    Known(Language),
    /// One of these, to be found out: at least one.
    OneOf(Vec<Language>),
}

/// How much work a text is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effort {
    /// The likeliest token each time: for a text that the next one replaces.
    Draft,
    /// The likeliest whole, where the likeliest token each time is not sure enough.
    Full,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Transcription {
    pub text: String,
    pub words: Vec<Word>,
    /// The language it was taken for.
    pub language: Language,
    /// Probability of that language among those it might have been, 0 to 1; 1 when it was known.
    pub language_probability: f32,
    /// Mean probability of the chosen tokens, 0 to 1.
    pub confidence: f32,
    /// Probability that the window holds no speech, 0 to 1.
    pub no_speech: f32,
}

impl Transcription {
    /// What no working recogniser says, if it is that.
    pub fn nonsense(&self) -> Option<&'static str> {
        let shares = [self.confidence, self.no_speech, self.language_probability];
        let words = self.words.iter().map(|word| word.probability);
        let is_share = |share: f32| (-0.001..=1.001).contains(&share);
        let sound = shares.into_iter().chain(words).all(is_share);
        (!sound).then_some("a probability that is none")
    }
}

/// A word with its times in milliseconds from the start of the samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    pub text: String,
    pub start_ms: u32,
    pub end_ms: u32,
    /// 0 to 1.
    pub probability: f32,
}

/// Text from one language to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslateRequest {
    pub text: String,
    pub source: Language,
    pub target: Language,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    pub text: String,
    pub engine: String,
    pub review: ReviewStatus,
    /// What did not survive, as far as a comparison with the source tells.
    pub preservation: Preservation,
    /// The weights of this direction: a translator holds several.
    pub model: healthsync_events::ModelInfo,
}

/// Text to speech.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeakRequest {
    pub text: String,
    pub language: Language,
    /// A voice of the registry; the language's default when absent.
    pub voice: Option<String>,
    /// 1.0 is the voice's own pace; 0.5 to 2.0.
    pub speed: f32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SpokenAudio {
    /// Mono, within -1.0 to 1.0.
    pub samples: Vec<f32>,
    /// Hertz.
    pub sample_rate: u32,
    pub voice: String,
    /// The weights of this voice: a speaker holds several.
    pub model: healthsync_events::ModelInfo,
}

pub type Transcriber = Box<dyn Model<Input = TranscribeRequest, Output = Transcription>>;
pub type Translator = Box<dyn Model<Input = TranslateRequest, Output = Translation>>;
pub type Speaker = Box<dyn Model<Input = SpeakRequest, Output = SpokenAudio>>;

/// Voice activity of one track: stateful, cheap enough to run where the audio arrives.
pub trait VoiceActivity: Send {
    /// Samples at 16 kHz each call takes.
    fn frame_len(&self) -> usize;

    /// Probability of speech in the next frame, 0 to 1.
    fn probability(&mut self, frame: &[f32]) -> Result<f32, ModelError>;
}

/// Makes a [`VoiceActivity`] for a new track.
pub type VoiceActivityFactory = Arc<dyn Fn() -> Result<Box<dyn VoiceActivity>, ModelError> + Send + Sync>;
