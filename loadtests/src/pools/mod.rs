//! The pool benchmark: how well requests are batched, beside NVIDIA's Triton. What is measured, and how, is defined in
//! `loadtests/README.md`.

pub mod closed;
pub mod door;
pub mod report;
pub mod servers;

use serde::Serialize;
use std::time::Duration;

/// Name, input and output of the model that both servers run.
pub const MODEL: &str = "fake";
pub const INPUT: &str = "INPUT";
pub const OUTPUT: &str = "OUTPUT";

/// A model of our own server with the same input and output, which answers at once and has no pool: what is left is HTTP.
pub const ECHO: &str = "echo";

/// Floats of an item: small, so that batching is measured and not copying.
pub const ITEM: usize = 16;

/// The model of the benchmark, which sleeps instead of working, and how its requests are batched.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FakeModel {
    /// What a run takes whatever its size.
    pub base: Duration,
    /// What each item adds to it.
    pub per_item: Duration,
    pub max_batch: usize,
    /// How long the first request of a batch waits for others.
    pub max_queue_delay: Duration,
}

impl FakeModel {
    /// How long a run of so many items takes.
    pub fn service(&self, items: usize) -> Duration {
        self.base + self.per_item * items as u32
    }

    /// The best there is with so many clients, each of which sends its next request when it has its answer.
    ///
    /// With `b = min(clients, max_batch)` and `s(b) = base + per_item · b`, a batcher that costs nothing runs full batches
    /// of `b` one after the other: `b / s(b)` requests a second. By Little's law (`L = λW`) a request then takes
    /// `clients / (b / s(b))`.
    pub fn ideal(&self, clients: usize) -> Ideal {
        let batch = clients.min(self.max_batch).max(1);
        let per_second = batch as f64 / self.service(batch).as_secs_f64();
        Ideal::of(clients, per_second)
    }

    /// The same where asking and answering cost time: server and clients manage so many round trips a second when nothing
    /// else is done.
    ///
    /// With all clients in one batch, the round trips of all come between two batches. With more, those of the others come
    /// while a batch runs, and the slower of the two decides.
    pub fn ideal_over(&self, clients: usize, round_trips: f64) -> Ideal {
        let ideal = self.ideal(clients).per_second;
        let one_after_the_other = 1.0 / (1.0 / ideal + 1.0 / round_trips);
        Ideal::of(clients, if clients <= self.max_batch { one_after_the_other } else { ideal.min(round_trips) })
    }
}

/// What a batcher that costs nothing would do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ideal {
    pub per_second: f64,
    pub latency_ms: f64,
}

impl Ideal {
    /// By Little's law.
    fn of(clients: usize, per_second: f64) -> Self {
        Self { per_second, latency_ms: clients as f64 / per_second * 1e3 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ideal_is_full_batches_one_after_the_other() {
        let model = FakeModel {
            base: Duration::from_millis(5),
            per_item: Duration::from_micros(100),
            max_batch: 32,
            max_queue_delay: Duration::ZERO,
        };
        let near = |ideal: Ideal, per_second: f64, latency_ms: f64| {
            assert!((ideal.per_second - per_second).abs() < 0.1, "{ideal:?}");
            assert!((ideal.latency_ms - latency_ms).abs() < 0.01, "{ideal:?}");
        };
        near(model.ideal(1), 196.08, 5.1);
        near(model.ideal(32), 3902.44, 8.2);
        near(model.ideal(64), 3902.44, 16.4);
        // 32 round trips of 40 µs take 1.28 ms, in which no batch runs; 64 clients make theirs meanwhile.
        near(model.ideal_over(32, 25_000.0), 3375.53, 9.48);
        near(model.ideal_over(64, 25_000.0), 3902.44, 16.4);
        near(model.ideal_over(64, 2_000.0), 2000.0, 32.0);
    }
}
