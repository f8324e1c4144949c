//! The model that sleeps, and its pool asked from within the process.

use super::{options::PoolsOptions, pool_config, tell};
use healthsync_actors::{
    Pool,
    pool::{Class, Dropped, Request},
};
use healthsync_events::{ModelInfo, Refusal, SessionId};
use healthsync_loadtests::pools::{
    FakeModel, ITEM,
    closed::{self, Ask, Outcome},
};
use healthsync_models::{Model, ModelError};
use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Sleeps as long as it is told, then gives its input back. Told nothing, it does nothing.
pub(super) struct Fake {
    info: ModelInfo,
    timing: FakeModel,
}

impl Model for Fake {
    type Input = Vec<f32>;
    type Output = Vec<f32>;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[Vec<f32>]) -> Vec<Result<Vec<f32>, ModelError>> {
        let takes = self.timing.service(batch.len());
        if !takes.is_zero() {
            std::thread::sleep(takes);
        }
        batch.iter().map(|item| Ok(item.clone())).collect()
    }
}

pub(super) fn start(timing: FakeModel, latency_target: Option<Duration>) -> std::io::Result<Pool<Fake>> {
    let info = ModelInfo { name: "fake".into(), version: "1".into(), weights_sha256: String::new() };
    let mut config = pool_config("fake", timing.max_batch, timing.max_queue_delay);
    config.tuning.latency_target = latency_target;
    Pool::start(config, Arc::new(move || Ok(Fake { info: info.clone(), timing })))
}

/// Why a request that nothing should have refused was not answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Dropped(#[from] Dropped),
}

/// A client within the process, a session of its own.
struct Direct {
    pool: Pool<Fake>,
    session: SessionId,
}

impl Ask for Direct {
    type Error = Unanswered;

    async fn ask(&mut self) -> Result<(), Unanswered> {
        let request = Request {
            session: self.session,
            class: Class::Background,
            input: vec![1.0; ITEM],
            deadline: None,
            supersedes: None,
        };
        self.pool.submit(request)?.answer().await?;
        Ok(())
    }
}

fn client(pool: &Pool<Fake>) -> Direct {
    Direct { pool: pool.clone(), session: SessionId(uuid::Uuid::now_v7()) }
}

/// The loops that the doors are asked in as well.
pub(super) async fn loops(options: &PoolsOptions) -> anyhow::Result<Vec<Outcome>> {
    let pool = start(options.model(), options.latency_target())?;
    pool.ready().await?;
    let mut outcomes = Vec::new();
    for _ in 0..options.rounds() {
        for &clients in &options.clients {
            let asking = (0..clients).map(|_| client(&pool)).collect();
            let outcome = closed::run(asking, options.period()).await?;
            tell("in the process", &outcome);
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

/// Requests that a measurement of their cost makes.
const REQUESTS: usize = 20_000;

/// Those in front of it, which do not count.
const WARM_UP: usize = 2_000;

/// A thread that hands back what it is handed: what every pool whose model has a thread does at least.
struct Handed(mpsc::SyncSender<oneshot::Sender<()>>);

impl Handed {
    fn start() -> Self {
        let (to, from) = mpsc::sync_channel::<oneshot::Sender<()>>(1);
        // It ends with the last sender.
        std::thread::spawn(move || from.into_iter().for_each(|back| _ = back.send(())));
        Self(to)
    }
}

impl Ask for Handed {
    type Error = Unanswered;

    async fn ask(&mut self) -> Result<(), Unanswered> {
        let (back, answer) = oneshot::channel();
        self.0.send(back).map_err(|_| Dropped::Closed)?;
        Ok(answer.await.map_err(|_| Dropped::Closed)?)
    }
}

/// What a request costs: one after the other, to an idle pool whose model does nothing and that waits for nobody. Beside
/// it, in turn, what it costs to hand something to a thread and back.
pub(super) async fn overhead(options: &PoolsOptions) -> anyhow::Result<(Vec<Outcome>, Vec<Outcome>)> {
    let nothing = FakeModel {
        base: Duration::ZERO,
        per_item: Duration::ZERO,
        max_queue_delay: Duration::ZERO,
        ..options.model()
    };
    let pool = start(nothing, None)?;
    pool.ready().await?;
    let tell = |what: &str, outcome: &Outcome| {
        println!("{what}: p50 {:.1} µs, p99 {:.1} µs", outcome.p50_ms * 1e3, outcome.p99_ms * 1e3);
    };
    let (mut pools, mut handed) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds() {
        // As a door's handler: on a thread of the runtime.
        let outcome = tokio::spawn(one_by_one(client(&pool))).await??;
        tell("idle pool", &outcome);
        pools.push(outcome);
        let outcome = tokio::spawn(one_by_one(Handed::start())).await??;
        tell("handed to a thread and back", &outcome);
        handed.push(outcome);
    }
    Ok((pools, handed))
}

async fn one_by_one<A: Ask>(mut client: A) -> Result<Outcome, A::Error> {
    let (mut latencies, mut begun) = (Vec::with_capacity(REQUESTS), Instant::now());
    for index in 0..WARM_UP + REQUESTS {
        if index == WARM_UP {
            begun = Instant::now();
        }
        let sent = Instant::now();
        client.ask().await?;
        if index >= WARM_UP {
            latencies.push(sent.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(Outcome::of(1, &latencies, begun.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_fake_model_gives_back_what_it_got_after_as_long_as_it_was_told() {
        let timing = FakeModel {
            base: Duration::from_millis(5),
            per_item: Duration::from_millis(1),
            max_batch: 4,
            max_queue_delay: Duration::ZERO,
        };
        let pool = start(timing, None).unwrap();
        let request = Request {
            session: SessionId(uuid::Uuid::now_v7()),
            class: Class::Live,
            input: vec![1.5, 2.5],
            deadline: None,
            supersedes: None,
        };
        let answer = pool.submit(request).unwrap().answer().await.unwrap();
        assert_eq!((answer.output, answer.batch), (vec![1.5, 2.5], 1));
        assert!(answer.service >= Duration::from_millis(6));
    }
}
