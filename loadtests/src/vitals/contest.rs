//! Every system at every number of connections, in turn, several times.

use super::{
    load::{self, Level, Load, Sent, Window},
    message::Monitor,
    scores::{Follower, Seen},
    servers::{Server, Setup, System},
};
use crate::{ApiClient, speech::BenchError};
use healthsync_events::{NewSession, PatientId, SessionId, risk::Spo2Scale};
use serde::Serialize;
use std::time::Instant;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    pub levels: Vec<Level>,
    pub rounds: usize,
    pub window: Window,
    pub systems: Vec<System>,
}

/// One system at one number of connections, once.
#[derive(Debug, Clone, Serialize)]
pub struct RunResult {
    pub system: System,
    pub level: Level,
    pub round: usize,
    /// Messages answered a second.
    pub rate: f64,
    /// From sending to the answer, in milliseconds.
    pub ack_p50_ms: f64,
    pub ack_p99_ms: f64,
    /// From sending to the score on the WebSocket, in milliseconds; of HealthSync only.
    pub score_p50_ms: Option<f64>,
    pub score_p99_ms: Option<f64>,
    /// Scores on the wire a second.
    pub score_rate: Option<f64>,
    /// Processor seconds of the server for each second.
    pub server_cores: Option<f64>,
}

/// Runs all of it; `tell` hears of each run.
pub async fn hold(setup: &Setup, question: &Question, tell: impl Fn(&RunResult)) -> Result<Vec<RunResult>, BenchError> {
    let mut results = Vec::new();
    for round in 0..question.rounds {
        let mut servers = Vec::new();
        for system in &question.systems {
            servers.push(Server::start(setup, *system).await?);
        }
        for (step, level) in question.levels.iter().enumerate() {
            // Another one begins each time, so that none is always the one after the same other.
            let count = servers.len();
            for turn in 0..count {
                let server = &servers[(turn + round + step) % count];
                let result = one(server, *level, round, question.window).await?;
                tell(&result);
                results.push(result);
            }
        }
        for server in servers {
            server.stop().await;
        }
    }
    Ok(results)
}

async fn one(server: &Server, level: Level, round: usize, window: Window) -> Result<RunResult, BenchError> {
    let Level { connections, every } = level;
    let run = format!("{connections}-{}-{round}", if every.is_some() { "paced" } else { "full" });
    let mut monitors = Vec::with_capacity(connections);
    let mut followed = Vec::new();
    let from = Instant::now() + window.warm_up;
    for n in 0..connections {
        let patient: PatientId = format!("BENCH-{run}-{n}").parse().map_err(|_| BenchError::Material("a patient"))?;
        let sent = match &server.api {
            Some(api) => {
                let sent = Sent::default();
                let session = open(api, patient.clone()).await?;
                followed.push((session, Follower::start(api, session, Sent::clone(&sent), from).await?));
                Some(sent)
            }
            None => None,
        };
        monitors.push((Monitor::new(patient, format!("{run}-{n}")), sent));
    }
    let expect = if server.system == System::Loopback { load::echoed } else { load::accepted };
    let (cpu, begun) = (server.cpu_seconds(), Instant::now());
    let load = load::run(server.mllp, monitors, every, window, expect).await?;
    let server_cores =
        cpu.zip(server.cpu_seconds()).map(|(before, after)| (after - before) / begun.elapsed().as_secs_f64());
    let mut scores = Seen::default();
    for (session, follower) in followed {
        let seen = follower.finish().await?;
        scores.waits_us.extend(seen.waits_us);
        scores.scores += seen.scores;
        if let Some(api) = &server.api {
            api.end_session(session).await?;
        }
    }
    Ok(result(server.system, level, round, load, scores, server_cores))
}

async fn open(api: &ApiClient, patient: PatientId) -> Result<SessionId, BenchError> {
    let language = "en".parse().map_err(|_| BenchError::Material("a language"))?;
    let new = NewSession { patient, languages: vec![language], spo2_scale: Spo2Scale::default(), terms: Vec::new() };
    Ok(api.create_session(&new).await?.session)
}

fn result(
    system: System,
    level: Level,
    round: usize,
    mut load: Load,
    Seen { mut waits_us, scores }: Seen,
    server_cores: Option<f64>,
) -> RunResult {
    let any = !waits_us.is_empty();
    let (p50, p99) = (percentile(&mut load.waits_us, 50), percentile(&mut load.waits_us, 99));
    let (score_p50, score_p99) = (percentile(&mut waits_us, 50), percentile(&mut waits_us, 99));
    RunResult {
        system,
        level,
        round,
        rate: load.answered as f64 / load.seconds,
        ack_p50_ms: p50,
        ack_p99_ms: p99,
        score_p50_ms: any.then_some(score_p50),
        score_p99_ms: any.then_some(score_p99),
        score_rate: any.then_some(scores as f64 / load.seconds),
        server_cores,
    }
}

/// By nearest rank, of microseconds, in milliseconds; infinite of nothing.
fn percentile(values: &mut [u32], percent: usize) -> f64 {
    if values.is_empty() {
        return f64::INFINITY;
    }
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    f64::from(values[rank - 1]) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let mut values: Vec<u32> = (1..=1_000).rev().collect();
        assert!((percentile(&mut values, 99) - 0.99).abs() < 1e-9);
        assert!((percentile(&mut [7_000], 50) - 7.0).abs() < 1e-9);
        assert!(percentile(&mut [], 50).is_infinite());
    }
}
