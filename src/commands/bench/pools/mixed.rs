//! Live recognition alone, and beside a background that never has nothing to do.

use super::{
    options::PoolsOptions,
    pool_config,
    real::{Asking, Clip, recognitions, translations},
    tell,
};
use crate::{config::Config, wiring};
use healthsync_actors::{
    Pool, PoolConfig,
    pool::{Class, Placement},
};
use healthsync_events::audio::SAMPLE_RATE;
use healthsync_loadtests::pools::{
    closed::{self, Ask, Outcome, Period},
    report::MixedRun,
};
use healthsync_models::tasks::{Effort, Transcriber, Translator};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

/// Speakers at a time, each of whom asks for a draft of what was just said.
const SPEAKERS: usize = 2;

/// Between a draft and the request for the next.
const PAUSE: Duration = Duration::from_millis(500);

/// A draft's audio, in samples.
const WINDOW: usize = 4 * SAMPLE_RATE as usize;

/// Requests of the background that always wait or run, for each model.
const BACKGROUND: usize = 8;

/// One kind of background for so long, then the next: a shared machine is faster in one minute than in another.
const BLOCK: Period = Period { warm_up: Duration::from_secs(2), measured: Duration::from_secs(10) };

/// What there is to do beside live recognition, in pools for the background as a server has them.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    Translations,
    Recognitions,
    Both,
}

impl Beside {
    const ALL: [Self; 4] = [Self::Nothing, Self::Translations, Self::Recognitions, Self::Both];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Translations => "translations",
            Self::Recognitions => "recognitions",
            Self::Both => "translations and recognitions",
        }
    }

    fn has_translations(self) -> bool {
        matches!(self, Self::Translations | Self::Both)
    }

    fn has_recognitions(self) -> bool {
        matches!(self, Self::Recognitions | Self::Both)
    }
}

pub(super) async fn run(config: &Config, options: &PoolsOptions, clips: &[Clip]) -> anyhow::Result<Vec<MixedRun>> {
    let (factory, max_batch) = wiring::transcriber(config)?;
    let (background, threads) = wiring::background_transcriber(config)?;
    // They know of each other.
    let together = Placement::default();
    let idle = |threads| Placement { idle: true, threads, ..together.clone() };
    let start = |name, max_batch, placement| PoolConfig { placement, ..pool_config(name, max_batch, Duration::ZERO) };
    let live: Pool<Transcriber> = Pool::start(start("transcribe", max_batch, together.clone()), factory)?;
    let transcribe = Pool::start(start("transcribe-background", max_batch, idle(threads)), background)?;
    let translate: Pool<Translator> =
        Pool::start(start("translate-background", 8, idle(1)), wiring::translator(config)?)?;
    live.ready().await?;
    transcribe.ready().await?;
    translate.ready().await?;
    let drafts = recognitions(clips, Effort::Draft, WINDOW);
    let (whole, texts) = (recognitions(clips, Effort::Full, usize::MAX), translations()?);
    let blocks = options.real_period().measured.as_secs().div_ceil(BLOCK.measured.as_secs());
    let mut runs = Vec::new();
    for _ in 0..options.rounds() {
        let mut seen = Beside::ALL.map(|_| (Vec::new(), 0));
        for block in 0..blocks as usize {
            // Every second time backwards, so that none is always the one after the same other.
            let turns = 0..Beside::ALL.len();
            let turns: Vec<_> = if block % 2 == 0 { turns.collect() } else { turns.rev().collect() };
            for turn in turns {
                let answered = Arc::new(AtomicUsize::new(0));
                let mut background = JoinSet::new();
                for number in 0..BACKGROUND {
                    if Beside::ALL[turn].has_translations() {
                        let asking = Asking::new(&translate, Class::Background, &texts, number, Duration::ZERO);
                        background.spawn(go_on(asking, Arc::clone(&answered)));
                    }
                    if Beside::ALL[turn].has_recognitions() {
                        let asking = Asking::new(&transcribe, Class::Background, &whole, number, Duration::ZERO);
                        background.spawn(go_on(asking, Arc::clone(&answered)));
                    }
                }
                let speaker = |number| Asking::new(&live, Class::Live, &drafts, number, PAUSE);
                let latencies = closed::latencies((0..SPEAKERS).map(speaker).collect(), BLOCK).await?;
                background.shutdown().await;
                seen[turn].0.extend(latencies);
                seen[turn].1 += answered.load(Ordering::Relaxed);
                // What was under way when nobody waited any more is not the next one's.
                while !(live.is_idle() && transcribe.is_idle() && translate.is_idle()) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        for (beside, (latencies, background)) in Beside::ALL.into_iter().zip(seen) {
            let measured = BLOCK.measured * blocks as u32;
            let live = Outcome::of(SPEAKERS, &latencies, measured);
            tell(beside.name(), &live);
            runs.push(MixedRun { beside: beside.name().to_owned(), live, background });
        }
    }
    Ok(runs)
}

/// Asks until it is ended, whatever comes of it.
async fn go_on(mut client: impl Ask, answered: Arc<AtomicUsize>) {
    loop {
        match client.ask().await {
            Ok(()) => {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            // A refusal is not to be asked again at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
