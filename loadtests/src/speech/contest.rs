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
    /// Instead of a search: the number of streams that every run has.
    pub fixed_streams: Option<u32>,
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
    /// At the number the other one holds, where that is another.
    pub beside: Vec<RunResult>,
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

    /// More streams, or as many with less lag at the number the search begins with.
    fn better(&self, one: &Contender, other: &Contender) -> bool {
        // Every search begins with the same number.
        let at_first = |contender: &Contender| {
            let first = contender.search.first();
            first.and_then(|run| run.lag_p95_ms(self.question.lag)).unwrap_or(f64::INFINITY)
        };
        one.held > other.held || (one.held == other.held && at_first(one) < at_first(other))
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
        if let Some(streams) = self.question.fixed_streams {
            let result = self.run(system, streams, self.question.seed).await?;
            let held = if self.held(&result) { streams } else { 0 };
            return Ok(Contender { system, held, search: vec![result], runs: Vec::new(), beside: Vec::new() });
        }
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
        Ok(Contender { system, held: ladder.held(), search, runs: Vec::new(), beside: Vec::new() })
    }

    /// Runs both in turn at what they hold, and ours at what the peer holds. Who does not hold it again and again steps
    /// down, and runs on alone.
    async fn confirm(&self, ours: &mut Contender, peer: &mut Contender) -> Result<(), BenchError> {
        for repeat in 0..u64::from(self.question.repeats) {
            self.repeat(ours, repeat).await?;
            self.repeat(peer, repeat).await?;
            self.stand_beside(ours, peer, repeat).await?;
        }
        if self.question.fixed_streams.is_some() {
            for contender in [ours, peer] {
                contender.held = if self.confirmed(contender) { self.streams(contender) } else { 0 };
            }
            return Ok(());
        }
        for contender in [&mut *ours, &mut *peer] {
            while contender.held > 0 && !self.confirmed(contender) {
                contender.held -= 1;
                contender.search.append(&mut contender.runs);
                for repeat in 0..u64::from(self.question.repeats) {
                    self.repeat(contender, repeat).await?;
                }
            }
        }
        let streams = self.streams(peer);
        ours.beside.retain(|run| run.streams == streams);
        for repeat in ours.beside.len() as u64..u64::from(self.question.repeats) {
            self.stand_beside(ours, peer, repeat).await?;
        }
        Ok(())
    }

    /// How many streams a contender is to run with.
    fn streams(&self, contender: &Contender) -> u32 {
        self.question.fixed_streams.unwrap_or(contender.held.max(1))
    }

    async fn repeat(&self, contender: &mut Contender, repeat: u64) -> Result<(), BenchError> {
        let streams = self.streams(contender);
        let result = self.run(contender.system, streams, self.seed(repeat)).await?;
        contender.runs.push(result);
        Ok(())
    }

    /// Ours at the peer's number, unless its own is the same.
    async fn stand_beside(&self, ours: &mut Contender, peer: &Contender, repeat: u64) -> Result<(), BenchError> {
        let streams = self.streams(peer);
        if streams != self.streams(ours) {
            ours.beside.push(self.run(ours.system, streams, self.seed(repeat)).await?);
        }
        Ok(())
    }

    /// Orders the search has not used.
    fn seed(&self, repeat: u64) -> u64 {
        self.question.seed + 100 + repeat
    }

    fn confirmed(&self, contender: &Contender) -> bool {
        let held = contender.runs.iter().filter(|run| self.held(run)).count();
        held as f64 >= HELD_SHARE * contender.runs.len() as f64
    }
}
