//! A closed loop: so many clients, each of which sends its next request when it has the answer to the last.

use crate::speech::score::percentile;
use futures_util::future::try_join_all;
use serde::Serialize;
use std::time::{Duration, Instant};

/// One client's way to ask once.
pub trait Ask: Send + 'static {
    type Error: Send + 'static;

    fn ask(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// How long it waits after an answer before it asks again.
    fn pause(&self) -> Duration {
        Duration::ZERO
    }
}

/// How long a loop goes on.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Period {
    /// In front; nothing of it counts.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What a loop came to. Times in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub clients: usize,
    pub requests: usize,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub most_ms: f64,
}

/// Runs the loop, each client a task of its own on the current runtime. The first error ends it.
pub async fn run<A: Ask>(clients: Vec<A>, period: Period) -> Result<Outcome, A::Error> {
    let count = clients.len();
    Ok(Outcome::of(count, &latencies(clients, period).await?, period.measured))
}

/// The same: what each request took, in milliseconds.
pub async fn latencies<A: Ask>(clients: Vec<A>, period: Period) -> Result<Vec<f64>, A::Error> {
    let from = Instant::now() + period.warm_up;
    let until = from + period.measured;
    let tasks = clients.into_iter().map(|mut client| {
        let task = tokio::spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let sent = Instant::now();
                if sent >= until {
                    return Ok::<_, A::Error>(latencies);
                }
                client.ask().await?;
                let answered = Instant::now();
                if answered >= from && answered <= until {
                    latencies.push((answered - sent).as_secs_f64() * 1e3);
                }
                if !client.pause().is_zero() {
                    tokio::time::sleep(client.pause()).await;
                }
            }
        });
        async move {
            // A panic of a task is one of this program's own, and goes on.
            task.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
        }
    });
    Ok(try_join_all(tasks).await?.concat())
}

impl Outcome {
    /// Of so many clients' latencies, in milliseconds. What did not come is infinite.
    pub fn of(clients: usize, latencies: &[f64], measured: Duration) -> Self {
        let at = |percent| percentile(latencies, percent).unwrap_or(f64::INFINITY);
        Self {
            clients,
            requests: latencies.len(),
            per_second: latencies.len() as f64 / measured.as_secs_f64(),
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            most_ms: at(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    struct Counting(Arc<AtomicUsize>, usize);

    impl Ask for Counting {
        type Error = &'static str;

        async fn ask(&mut self) -> Result<(), &'static str> {
            tokio::task::yield_now().await;
            if self.0.fetch_add(1, Ordering::Relaxed) >= self.1 { Err("enough") } else { Ok(()) }
        }
    }

    const SHORT: Period = Period { warm_up: Duration::from_millis(5), measured: Duration::from_millis(20) };

    #[tokio::test]
    async fn every_client_asks_until_the_time_is_over_and_the_warm_up_does_not_count() {
        let asked = Arc::new(AtomicUsize::new(0));
        let clients = (0..4).map(|_| Counting(Arc::clone(&asked), usize::MAX)).collect();
        let outcome = run(clients, SHORT).await.unwrap();
        assert!(outcome.requests > 4 && outcome.requests < asked.load(Ordering::Relaxed), "{outcome:?}");
        assert!(outcome.p50_ms <= outcome.p99_ms && outcome.p99_ms <= outcome.most_ms, "{outcome:?}");
    }

    #[tokio::test]
    async fn an_error_ends_the_loop() {
        assert_eq!(run(vec![Counting(Arc::default(), 3)], SHORT).await.unwrap_err(), "enough");
    }
}
