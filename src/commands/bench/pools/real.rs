//! Real models with requests put together and one by one.

use super::{fake::Unanswered, options::PoolsOptions, pool_config, tell};
use crate::{
    commands::bench::speak_demo,
    config::{Config, TranscribeEngine},
    wiring,
};
use anyhow::Context as _;
use healthsync_actors::{
    Pool,
    pool::{Class, ModelFactory, Request},
};
use healthsync_deteriorate::{
    bedside::{Bedside, Question, UNKNOWN},
    stream::Deterioration,
};
use healthsync_evaluate::{audio, list};
use healthsync_events::{Language, SessionId, VitalSigns, audio::SAMPLE_RATE};
use healthsync_loadtests::{
    Script,
    pools::{
        closed::{self, Ask, Period},
        report::BatchingRun,
    },
    script::Speaker,
};
use healthsync_models::{
    Model,
    tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest, TranslateRequest},
};
use std::{sync::Arc, time::Duration};

/// Recordings used at most.
const MOST_CLIPS: usize = 24;

/// Longest recording used, in samples: utterances are seldom longer.
const LONGEST: usize = 12 * SAMPLE_RATE as usize;

/// Clients of each model: twice a full batch, so that the next one is there when the last is done.
const TRANSLATING: usize = 16;
const RECOGNISING: usize = 8;
const SCORING: usize = 64;

/// Hours since each scored patient's record began, of which the last is asked about: the others have been taken in.
const HOURS: usize = 12;

/// A recording of one utterance.
#[derive(Debug, Clone)]
pub(super) struct Clip {
    pub samples: Arc<[f32]>,
    pub language: Language,
}

/// Recordings for the recognisers, and where they are from.
pub(super) fn clips(config: &Config, options: &PoolsOptions) -> anyhow::Result<(Vec<Clip>, String)> {
    let (folder, source) = match &options.recordings {
        Some(folder) => (folder.clone(), "recordings given"),
        None => (speak_demo(config, &options.out.join("pools-voices"))?, "the demo's synthesised voices"),
    };
    let mut clips = Vec::new();
    for recording in list::recordings(&folder)? {
        if clips.len() == MOST_CLIPS {
            break;
        }
        let samples = audio::decode(&recording.file)?;
        if samples.len() <= LONGEST {
            clips.push(Clip { samples: samples.into(), language: recording.language });
        }
    }
    anyhow::ensure!(!clips.is_empty(), "{} has no recording of at most 12 s", folder.display());
    let seconds = clips.iter().map(|clip| clip.samples.len()).sum::<usize>() / SAMPLE_RATE as usize;
    let described = format!("{source}, {} clips, {seconds} s", clips.len());
    Ok((clips, described))
}

/// Asks a pool for one input after the other, each client beginning at another.
pub(super) struct Asking<M: Model> {
    pool: Pool<M>,
    session: SessionId,
    class: Class,
    inputs: Arc<Vec<M::Input>>,
    next: usize,
    pause: Duration,
}

impl<M: Model> Asking<M> {
    pub(super) fn new(
        pool: &Pool<M>,
        class: Class,
        inputs: &Arc<Vec<M::Input>>,
        number: usize,
        pause: Duration,
    ) -> Self {
        let session = SessionId(uuid::Uuid::now_v7());
        Self { pool: pool.clone(), session, class, inputs: Arc::clone(inputs), next: number, pause }
    }
}

impl<M: Model> Ask for Asking<M>
where
    M::Input: Clone + Sync,
{
    type Error = Unanswered;

    async fn ask(&mut self) -> Result<(), Unanswered> {
        let input = self.inputs[self.next % self.inputs.len()].clone();
        self.next += 1;
        let request = Request { session: self.session, class: self.class, input, deadline: None, supersedes: None };
        self.pool.submit(request)?.answer().await?;
        Ok(())
    }

    fn pause(&self) -> Duration {
        self.pause
    }
}

pub(super) fn recognitions(clips: &[Clip], effort: Effort, longest: usize) -> Arc<Vec<TranscribeRequest>> {
    let one = |clip: &Clip| TranscribeRequest {
        samples: clip.samples[..clip.samples.len().min(longest)].into(),
        language: SpokenLanguage::Known(clip.language.clone()),
        prompt: None,
        effort,
        cancel: Cancel::default(),
    };
    Arc::new(clips.iter().map(one).collect())
}

/// The demo's lines, each into the other language.
pub(super) fn translations() -> anyhow::Result<Arc<Vec<TranslateRequest>>> {
    let script = Script::demo();
    let mut requests = Vec::new();
    for (who, text) in script.lines() {
        let source: Language = Speaker::language(who).parse()?;
        let target = if source.primary() == "en" { "pt" } else { "en" };
        requests.push(TranslateRequest { text: text.to_owned(), source, target: target.parse()? });
    }
    Ok(Arc::new(requests))
}

/// What sessions ask of the learned risk: an observation of a patient whose earlier hours it knows.
fn questions(factory: &ModelFactory<Deterioration>) -> anyhow::Result<Arc<Vec<Question>>> {
    let mut model = factory()?;
    let mut patients = Vec::with_capacity(SCORING);
    for patient in 0..SCORING {
        let mut bedside = Bedside::new(UNKNOWN);
        for hour in 0..HOURS {
            let sway = ((patient + hour) % 7) as f64;
            let vitals = VitalSigns {
                heart_rate: Some(80.0 + sway),
                respiratory_rate: Some(16.0 + sway / 2.0),
                spo2: Some(97.0 - sway / 2.0),
                systolic_bp: Some(125.0 - sway),
                diastolic_bp: Some(75.0 - sway),
                temperature: Some(36.8 + sway / 10.0),
                ..VitalSigns::default()
            };
            bedside.observe(&vitals, hour as i64 * 3_600);
            let question = bedside.question().context("an observation the learned risk is not told of")?;
            if hour + 1 == HOURS {
                patients.push(question);
                break;
            }
            let scored = model.run(std::slice::from_ref(&question)).pop().context("no answer")??;
            bedside.answered(&question, Some(scored.state));
        }
    }
    Ok(Arc::new(patients))
}

pub(super) async fn run(config: &Config, options: &PoolsOptions, clips: &[Clip]) -> anyhow::Result<Vec<BatchingRun>> {
    let period = options.real_period();
    let translating = Batched {
        model: "translation",
        clients: TRANSLATING,
        max_batch: 8,
        inputs: translations()?,
        factory: wiring::translator(config)?,
    };
    let mut runs = translating.run(options.rounds(), period).await?;
    let (factory, max_batch) = wiring::scorer(config)?;
    let inputs = questions(&factory)?;
    let scoring = Batched { model: "learned risk", clients: SCORING, max_batch, inputs, factory };
    runs.extend(scoring.run(options.rounds(), period).await?);
    if !cfg!(feature = "candle") {
        println!("recognition is left out: this binary was built without the feature candle");
        return Ok(runs);
    }
    let mut candle = config.clone();
    candle.models.transcribe_engine = TranscribeEngine::Candle;
    let (factory, max_batch) = wiring::transcriber(&candle)?;
    for (model, effort) in [("recognition, draft, candle", Effort::Draft), ("recognition, full, candle", Effort::Full)]
    {
        let inputs = recognitions(clips, effort, LONGEST);
        let recognising = Batched { model, clients: RECOGNISING, max_batch, inputs, factory: Arc::clone(&factory) };
        runs.extend(recognising.run(options.rounds(), period).await?);
    }
    Ok(runs)
}

/// A model to be run both ways.
struct Batched<M: Model> {
    model: &'static str,
    clients: usize,
    max_batch: usize,
    inputs: Arc<Vec<M::Input>>,
    factory: ModelFactory<M>,
}

impl<M: Model> Batched<M>
where
    M::Input: Clone + Sync,
{
    /// One by one and put together, in turn.
    async fn run(&self, rounds: u32, period: Period) -> anyhow::Result<Vec<BatchingRun>> {
        let mut runs = Vec::new();
        for _ in 0..rounds {
            for max_batch in [1, self.max_batch] {
                let pool = Pool::start(pool_config("bench", max_batch, Duration::ZERO), Arc::clone(&self.factory))?;
                pool.ready().await?;
                let client = |number| Asking::new(&pool, Class::Background, &self.inputs, number, Duration::ZERO);
                let outcome = closed::run((0..self.clients).map(client).collect(), period).await?;
                tell(&format!("{}, {max_batch}", self.model), &outcome);
                runs.push(BatchingRun { model: self.model.to_owned(), max_batch, outcome });
            }
        }
        Ok(runs)
    }
}
