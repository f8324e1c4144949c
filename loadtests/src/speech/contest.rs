//! Who holds how many streams: a search for each system, then runs in turn at what the search found.

use super::{
    BenchError,
    corpus::Corpus,
    ladder::Ladder,
    run::{Bounds, Lag, Pace, RunResult, run},
    servers::{Setup, System},
};
use serde::Serialize;

/// Share of the runs at a number of streams that have to hold for the number to count.
const HELD_SHARE: f64 = 0.8;

/// What is asked.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    pub pace: Pace,
    pub bounds: Bounds,
    /// The lag that decides.
    pub lag: Lag,
    pub most_streams: u32,
    /// Runs at the number found, of each system in turn.
    pub repeats: u32,
    /// Runs at a number that was not held before it counts as not held: a machine may hiccup.
    pub tries: u32,
    pub seed: u64,
}

/// What one system came to.
#[derive(Debug, Clone, Serialize)]
pub struct Contender {
    pub system: System,
    /// Streams held, confirmed by the runs in turn. 0: not even one.
    pub held: u32,
    pub search: Vec<RunResult>,
    /// At `held` streams, or at one where none is held.
    pub runs: Vec<RunResult>,
}

impl Contender {
    /// The most streams of any run that held by another kind of lag. The search stops where the deciding lag fails.
    pub fn held_by(&self, lag: Lag, bounds: &Bounds) -> u32 {
        let runs = self.search.iter().chain(&self.runs);
        runs.filter(|run| run.held(lag, bounds)).map(|run| run.streams).max().unwrap_or(0)
    }
}

pub struct Contest<'a> {
    pub setup: &'a Setup,
    pub corpus: &'a Corpus,
    pub question: &'a Question,
    /// Told of every run.
    pub tell: &'a (dyn Fn(&RunResult) + Sync),
}

impl Contest<'_> {
    /// HealthSync, then the better of the peer's two ways.
    pub async fn hold(&self) -> Result<Vec<Contender>, BenchError> {
        let mut ours = self.search(System::HealthSync).await?;
        let single = self.search(System::WhisperLive).await?;
        let batched = self.search(System::WhisperLiveBatched).await?;
        let (mut peer, other) = if self.better(&batched, &single) { (batched, single) } else { (single, batched) };
        self.confirm(&mut ours, &mut peer).await?;
        Ok(vec![ours, peer, other])
    }

    /// More streams, or as many with less lag at one.
    fn better(&self, one: &Contender, other: &Contender) -> bool {
        let at_one = |contender: &Contender| {
            let first = contender.search.iter().find(|run| run.streams == 1);
            first.and_then(|run| run.lag_p95_ms(self.question.lag)).unwrap_or(f64::INFINITY)
        };
        one.held > other.held || (one.held == other.held && at_one(one) < at_one(other))
    }

    async fn run(&self, system: System, streams: u32, seed: u64) -> Result<RunResult, BenchError> {
        let result = run(self.setup, self.corpus, system, streams, self.question.pace, seed).await?;
        (self.tell)(&result);
        Ok(result)
    }

    fn held(&self, result: &RunResult) -> bool {
        result.held(self.question.lag, &self.question.bounds)
    }

    async fn search(&self, system: System) -> Result<Contender, BenchError> {
        let mut ladder = Ladder::new(self.question.most_streams);
        let mut search = Vec::new();
        while let Some(streams) = ladder.to_try() {
            let mut held = false;
            for attempt in 0..self.question.tries.max(1) {
                let result = self.run(system, streams, self.question.seed + u64::from(attempt)).await?;
                held = self.held(&result);
                search.push(result);
                if held {
                    break;
                }
            }
            ladder.tell(streams, held);
        }
        Ok(Contender { system, held: ladder.held(), search, runs: Vec::new() })
    }

    /// Runs both in turn at what they hold. Who does not hold it again and again steps down, and runs on alone.
    async fn confirm(&self, ours: &mut Contender, peer: &mut Contender) -> Result<(), BenchError> {
        for repeat in 0..u64::from(self.question.repeats) {
            for contender in [&mut *ours, &mut *peer] {
                self.repeat(contender, repeat).await?;
            }
        }
        for contender in [ours, peer] {
            while contender.held > 0 && !self.confirmed(contender) {
                contender.held -= 1;
                contender.search.append(&mut contender.runs);
                for repeat in 0..u64::from(self.question.repeats) {
                    self.repeat(contender, repeat).await?;
                }
            }
        }
        Ok(())
    }

    async fn repeat(&self, contender: &mut Contender, repeat: u64) -> Result<(), BenchError> {
        // Orders the search has not used.
        let seed = self.question.seed + 100 + repeat;
        let result = self.run(contender.system, contender.held.max(1), seed).await?;
        contender.runs.push(result);
        Ok(())
    }

    fn confirmed(&self, contender: &Contender) -> bool {
        let held = contender.runs.iter().filter(|run| self.held(run)).count();
        held as f64 >= HELD_SHARE * contender.runs.len() as f64
    }
}
