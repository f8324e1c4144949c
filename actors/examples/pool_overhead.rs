//! What a request costs on its way through a pool that has nothing else to do, with a model that does nothing: from
//! before it is submitted until its answer is there. Prints microseconds as JSON.
//!
//! `cargo run -p healthsync-actors --example pool_overhead -- [requests]`

use healthsync_actors::{
    Class, Pool, PoolConfig,
    pool::{PoolControl, Request},
};
use healthsync_events::{ModelInfo, SessionId};
use healthsync_models::{Model, ModelError};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Requests before those that count.
const WARM_UP: usize = 2_000;

struct Nothing(ModelInfo);

impl Model for Nothing {
    type Input = u32;
    type Output = u32;

    fn info(&self) -> &ModelInfo {
        &self.0
    }

    fn run(&mut self, batch: &[u32]) -> Vec<Result<u32, ModelError>> {
        batch.iter().map(|input| Ok(*input)).collect()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let requests: usize = std::env::args().nth(1).map_or(Ok(20_000), |count| count.parse())?;
    let info = ModelInfo { name: "nothing".into(), version: "1".into(), weights_sha256: "0".repeat(64) };
    let config = PoolConfig { name: "nothing", max_batch: 8, ..PoolConfig::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (took, stats) = runtime.block_on(async move {
        let pool: Pool<Nothing> = Pool::start(config, Arc::new(move || Ok(Nothing(info.clone()))))?;
        pool.ready().await?;
        let asking = tokio::spawn(async move {
            let mut took: Vec<Duration> = Vec::with_capacity(requests);
            for n in 0..WARM_UP + requests {
                let began = Instant::now();
                ask(&pool, n as u32).await?;
                if n >= WARM_UP {
                    took.push(began.elapsed());
                }
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((took, pool.stats()))
        });
        asking.await?.map_err(|error| -> Box<dyn std::error::Error> { error })
    })?;
    println!("{}", report(took, stats.batch_size.mean().unwrap_or(0.0)));
    Ok(())
}

async fn ask(pool: &Pool<Nothing>, input: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    let session = SessionId(uuid::Uuid::nil());
    let request = Request { session, class: Class::Live, input, deadline: None, supersedes: None };
    Ok(pool.submit(request)?.answer().await?.output)
}

fn report(mut took: Vec<Duration>, batch: f64) -> serde_json::Value {
    took.sort_unstable();
    let us = |share: f64| {
        let at = ((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1));
        took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e6)
    };
    serde_json::json!({
        "requests": took.len(), "mean_batch": batch, "p50_us": us(0.5), "p95_us": us(0.95), "p99_us": us(0.99),
    })
}
