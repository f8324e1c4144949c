//! Whisper on candle: the requests of a batch go through the encoder and the decoder together. Meant for a GPU; on a
//! CPU it is the reference that the other engine is held against.

mod align;
mod decode;
mod features;
mod layers;
mod merge;
mod network;
mod search;
mod sequences;
mod vocabulary;

use crate::{
    window::{MAX_PROMPT_CHARS, MAX_SAMPLES, MIN_SAMPLES, POSITIONS_PER_SECOND, SAMPLE_RATE, audio_context},
    words::Words,
};
use align::Attention;
use candle_core::{DType, Device, Error};
use decode::{Decoded, Job, MAX_TOKENS};
use features::LogMel;
use healthsync_events::{Language, ModelInfo};
use healthsync_models::{
    Model, ModelError, first_line,
    tasks::{Effort, SpokenLanguage, TranscribeRequest, Transcription},
};
use network::{Network, State};
use rayon::ThreadPool;
use std::path::PathBuf;
use vocabulary::Vocabulary;

pub use sequences::CandleSequences;

/// Requests decoded together; more wait. With five hypotheses each, their keys and values take at most 0.9 GB in
/// single precision.
const MAX_TOGETHER: usize = 16;

/// Hypotheses kept at a time, as in the other engine.
const BEAMS: usize = 5;

/// Tokens a second of audio may become, and those it may become anyhow: eight syllables a second are the fastest
/// speech (Pellegrino et al. 2011), and a syllable is seldom more than two tokens. Stamps and the end fit the rest.
const TOKENS_PER_SECOND: usize = 16;
const SPARE_TOKENS: usize = 16;

const SAMPLES_PER_POSITION: usize = SAMPLE_RATE / POSITIONS_PER_SECOND;
const MS_PER_POSITION: usize = 1_000 / POSITIONS_PER_SECOND;

/// Where the network is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandleDevice {
    /// In single precision.
    Cpu,
    /// The NVIDIA GPU of this index, in half precision. Loading fails unless built with the feature `cuda`.
    Cuda(usize),
}

impl CandleDevice {
    /// Requests worth waiting for each other. On a CPU four together take a third less processor time than one after the
    /// other with a beam, and as much without; eight take no less than four. A GPU has room for more.
    pub const fn batch(self) -> usize {
        match self {
            Self::Cpu => 4,
            Self::Cuda(_) => MAX_TOGETHER,
        }
    }
}

#[derive(Debug, Clone)]
pub struct CandleConfig {
    /// Of the CPU; at least one.
    pub threads: usize,
    pub device: CandleDevice,
}

/// The files of a model.
#[derive(Debug, Clone)]
pub struct CandleFiles {
    /// What `ct2-to-safetensors` makes of `model.bin`.
    pub weights: PathBuf,
    pub tokenizer: PathBuf,
    /// CTranslate2's `config.json`: alignment heads and tokens that are not speech.
    pub config: PathBuf,
}

/// A loaded recogniser.
pub struct CandleTranscriber {
    info: ModelInfo,
    engine: Engine,
    threads: ThreadPool,
}

/// All that the threads share.
struct Engine {
    network: Network,
    vocabulary: Vocabulary,
    log_mel: LogMel,
}

/// A request that can be answered.
struct Accepted<'a> {
    request: &'a TranscribeRequest,
    /// Languages it may be in, with their tokens.
    candidates: Vec<(&'a Language, u32)>,
    prompt: Vec<u32>,
}

impl CandleTranscriber {
    pub fn load(files: &CandleFiles, info: ModelInfo, config: CandleConfig) -> Result<Self, ModelError> {
        let failed = |reason: String| ModelError::Load { model: info.name.clone(), reason };
        let threads = rayon::ThreadPoolBuilder::new().num_threads(config.threads.max(1)).build();
        let threads = threads.map_err(|e| failed(e.to_string()))?;
        let (device, dtype) = match config.device {
            CandleDevice::Cpu => (Device::Cpu, DType::F32),
            CandleDevice::Cuda(index) => {
                let unusable = |e| failed(format!("GPU {index} cannot be used: {}", first_line(&e)));
                (Device::new_cuda(index).map_err(unusable)?, DType::F16)
            }
        };
        let weights = std::fs::read(&files.weights).map_err(|e| failed(format!("the weights cannot be read: {e}")))?;
        let network =
            threads.install(|| Network::load(&weights, dtype, &device)).map_err(|e| failed(first_line(&e)))?;
        let vocabulary = Vocabulary::load(&files.tokenizer, &files.config).map_err(failed)?;
        Ok(Self { info, engine: Engine { network, vocabulary, log_mel: LogMel::new() }, threads })
    }

    fn accept<'a>(&self, request: &'a TranscribeRequest) -> Result<Accepted<'a>, ModelError> {
        let refuse = |reason: &str| Err(ModelError::Input { model: self.info.name.clone(), reason: reason.into() });
        if request.samples.len() > MAX_SAMPLES {
            return refuse("more than 30 s of audio");
        }
        if request.samples.is_empty() {
            return refuse("no audio");
        }
        if request.samples.iter().any(|sample| !sample.is_finite()) {
            return refuse("audio that is not finite");
        }
        let spoken = match &request.language {
            SpokenLanguage::Known(language) => std::slice::from_ref(language),
            SpokenLanguage::OneOf(candidates) => candidates.as_slice(),
        };
        let token = |language: &'a Language| Some((language, self.engine.vocabulary.language(&language.primary())?));
        let candidates: Vec<_> = spoken.iter().filter_map(token).collect();
        if candidates.is_empty() {
            return refuse("a language Whisper does not know");
        }
        let prompt: String = request.prompt.iter().flat_map(|p| p.chars()).take(MAX_PROMPT_CHARS).collect();
        let prompt = match prompt.trim() {
            "" => Vec::new(),
            prompt => match self.engine.vocabulary.encode(&format!(" {prompt}")) {
                Ok(tokens) => tokens,
                Err(_) => return refuse("a prompt that is not text"),
            },
        };
        Ok(Accepted { request, candidates, prompt })
    }
}

impl Engine {
    /// One answer for each, in their order.
    fn transcribe(&self, accepted: &[Accepted<'_>]) -> Result<Vec<Transcription>, Error> {
        let mut state = self.encode(accepted)?;
        let languages = self.languages(accepted, &mut state)?;
        let jobs = jobs(accepted, &languages);
        let decoded = decode::decode(&self.network, &self.vocabulary, &mut state.clone(), &jobs)?;
        let begins = self.begins(accepted, &mut state, &jobs, &decoded)?;
        let all = accepted.iter().zip(languages).zip(decoded.into_iter().zip(begins));
        Ok(all.map(|((a, (language, p)), (decoded, begins))| self.read(a, language, p, decoded, &begins)).collect())
    }

    fn encode(&self, accepted: &[Accepted<'_>]) -> Result<State, Error> {
        let positions: Vec<usize> = accepted.iter().map(|a| audio_context(samples(a))).collect();
        let mels = accepted.iter().zip(&positions).map(|(a, p)| self.log_mel.features(&a.request.samples, 2 * p));
        self.network.encode(mels.collect(), &positions)
    }

    /// Which of its candidates each is in, and how probably.
    fn languages(&self, accepted: &[Accepted<'_>], state: &mut State) -> Result<Vec<(usize, f32)>, Error> {
        if accepted.iter().all(|accepted| accepted.candidates.len() == 1) {
            return Ok(vec![(0, 1.0); accepted.len()]);
        }
        let tokens: Vec<Vec<u32>> =
            accepted.iter().map(|accepted| accepted.candidates.iter().map(|(_, token)| *token).collect()).collect();
        let shares = decode::languages(&self.network, &self.vocabulary, state, &tokens)?;
        let likeliest = |shares: Vec<f32>| shares.into_iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        Ok(shares.into_iter().map(|shares| likeliest(shares).unwrap_or((0, 0.0))).collect())
    }

    /// Where each token of each text begins, in positions, and where its last one ends.
    fn begins(
        &self,
        accepted: &[Accepted<'_>],
        state: &mut State,
        jobs: &[Job],
        decoded: &[Decoded],
    ) -> Result<Vec<Vec<usize>>, Error> {
        let opening = |job: &Job| decode::transcript(&self.vocabulary, job.language);
        let texts: Vec<Vec<u32>> = jobs
            .iter()
            .zip(decoded)
            .map(|(job, decoded)| opening(job).into_iter().chain(decoded.text.tokens.iter().copied()).collect())
            .collect();
        let heads = &self.vocabulary.alignment_heads;
        let attention = self.network.attention(state, &texts, heads)?;
        let (_, heads, tokens, stride) = attention.dims4()?;
        let of = |(n, (accepted, text)): (usize, (&Accepted<'_>, &Vec<u32>))| {
            let scores = attention.get(n)?.narrow(1, 0, text.len())?.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
            let positions = accepted.request.samples.len().div_ceil(SAMPLES_PER_POSITION).min(stride);
            let attention = Attention { scores: &scores, heads, tokens: text.len(), stride, positions };
            // The row of the token before each is the one that says it.
            Ok(align::begins(&attention, opening(&jobs[n]).len() - 1))
        };
        debug_assert!(texts.iter().all(|text| text.len() <= tokens));
        accepted.iter().zip(&texts).enumerate().map(of).collect()
    }

    fn read(
        &self,
        accepted: &Accepted<'_>,
        language: usize,
        language_probability: f32,
        decoded: Decoded,
        begins: &[usize],
    ) -> Transcription {
        let end = accepted.request.samples.len() * 1_000 / SAMPLE_RATE;
        let ms = |token: usize| begins.get(token).map_or(end, |position| (position * MS_PER_POSITION).min(end)) as u32;
        let mut words = Words::default();
        for (n, (token, probability)) in decoded.text.tokens.iter().zip(decoded.text.probabilities()).enumerate() {
            words.push(self.vocabulary.bytes(*token), ms(n), ms(n + 1), probability);
        }
        words.conclude(decoded.no_speech, accepted.candidates[language].0.clone(), language_probability)
    }
}

fn samples(accepted: &Accepted<'_>) -> usize {
    accepted.request.samples.len().max(MIN_SAMPLES)
}

/// What is asked of the decoder, for recordings in these of their candidate languages.
fn jobs(accepted: &[Accepted<'_>], languages: &[(usize, f32)]) -> Vec<Job> {
    let job = |(accepted, (language, _)): (&Accepted<'_>, &(usize, f32))| Job {
        prompt: accepted.prompt.clone(),
        language: accepted.candidates[*language].1,
        beams: if accepted.request.effort == Effort::Full { BEAMS } else { 1 },
        limit: MAX_TOKENS.min(samples(accepted) * TOKENS_PER_SECOND / SAMPLE_RATE + SPARE_TOKENS),
        positions: samples(accepted) / SAMPLES_PER_POSITION,
        cancel: accepted.request.cancel.clone(),
    };
    accepted.iter().zip(languages).map(job).collect()
}

impl Model for CandleTranscriber {
    type Input = TranscribeRequest;
    type Output = Transcription;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[TranscribeRequest]) -> Vec<Result<Transcription, ModelError>> {
        let cancelled = || ModelError::Cancelled { model: self.info.name.clone() };
        let mut answers: Vec<Option<Result<Transcription, ModelError>>> = Vec::new();
        let mut accepted = Vec::new();
        for (n, request) in batch.iter().enumerate() {
            match self.accept(request) {
                Ok(_) if request.cancel.is_cancelled() => answers.push(Some(Err(cancelled()))),
                Ok(request) => {
                    accepted.push((n, request));
                    answers.push(None);
                }
                Err(refused) => answers.push(Some(Err(refused))),
            }
        }
        // Of similar length together: less is padded.
        accepted.sort_by_key(|(_, accepted)| accepted.request.samples.len());
        let (order, accepted): (Vec<usize>, Vec<Accepted<'_>>) = accepted.into_iter().unzip();
        let failed = |reason: String| ModelError::Engine { model: self.info.name.clone(), reason };
        for (order, accepted) in order.chunks(MAX_TOGETHER).zip(accepted.chunks(MAX_TOGETHER)) {
            let done = self.threads.install(|| self.engine.transcribe(accepted));
            match done {
                Ok(done) => order.iter().zip(done).for_each(|(n, answer)| {
                    answers[*n] = Some(if batch[*n].cancel.is_cancelled() { Err(cancelled()) } else { Ok(answer) });
                }),
                Err(e) => order.iter().for_each(|n| answers[*n] = Some(Err(failed(first_line(&e))))),
            }
        }
        answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(failed("no answer".into())))).collect()
    }

    /// Samples: a batch is encoded as long as its longest recording.
    fn length(&self, input: &TranscribeRequest) -> usize {
        input.samples.len()
    }

    fn nonsense(&self, _: &TranscribeRequest, output: &Transcription) -> Option<&'static str> {
        output.nonsense()
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        let silence: Vec<TranscribeRequest> = TranscribeRequest::silence().into_iter().collect();
        self.run(&silence).into_iter().try_for_each(|answer| answer.map(drop))
    }
}
