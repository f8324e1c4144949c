//! The result as Markdown and JSON.

use super::{FakeModel, closed::Outcome, servers::System};
use crate::{
    figures::{of_medians, or_dash, show, spread},
    machine::Machine,
};
use serde::Serialize;
use std::fmt::Write as _;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub model: FakeModel,
    /// Through each server's HTTP door, in the order they ran.
    pub door: Vec<DoorRun>,
    /// The same clients at our own door, of a model that answers at once and has no pool.
    pub http: Vec<Outcome>,
    /// The pool asked within its own process.
    pub in_process: Vec<Outcome>,
    /// Requests one after the other to an idle pool whose model does nothing.
    pub overhead: Vec<Outcome>,
    /// The same to a thread that hands back what it is handed: the least that could be.
    pub handed: Vec<Outcome>,
    pub batching: Vec<BatchingRun>,
    pub mixed: Vec<MixedRun>,
}

#[derive(Debug, Serialize)]
pub struct DoorRun {
    pub system: System,
    pub outcome: Outcome,
}

/// A real model with requests put together, or one by one.
#[derive(Debug, Serialize)]
pub struct BatchingRun {
    pub model: String,
    /// 1 is without.
    pub max_batch: usize,
    pub outcome: Outcome,
}

/// Live recognition beside other work.
#[derive(Debug, Serialize)]
pub struct MixedRun {
    /// What else there was to do.
    pub beside: String,
    pub live: Outcome,
    /// Requests of the background that were answered meanwhile.
    pub background: usize,
}

impl Report {
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        self.machine.head("Pool benchmark", "Figures are medians of runs in turn (ranges).", text)?;
        if !self.door.is_empty() {
            self.write_door(text)?;
        }
        if !self.in_process.is_empty() {
            self.write_in_process(text)?;
        }
        if !self.overhead.is_empty() {
            self.write_overhead(text)?;
        }
        if !self.batching.is_empty() {
            self.write_batching(text)?;
        }
        if !self.mixed.is_empty() {
            self.write_mixed(text)?;
        }
        Ok(())
    }

    fn write_door(&self, text: &mut String) -> std::fmt::Result {
        let FakeModel { base, per_item, max_batch, max_queue_delay } = self.model;
        writeln!(text, "\n## Beside Triton, over HTTP\n")?;
        writeln!(
            text,
            "A model that sleeps {:.1} ms and {:.2} ms an item; batches of at most {max_batch}, {:.1} ms of delay. Clients \
             ask again when they are answered. The ideal is b / (base + per_item · b) with b = min(clients, {max_batch}), \
             and clients / that. HTTP is the same clients at our own door, of a model that answers at once and has no pool: \
             what server and clients, on the same cores, manage at most. The ideal over HTTP is the ideal with those round \
             trips between two batches, or beside them where there are more clients than a batch takes.\n",
            base.as_secs_f64() * 1e3,
            per_item.as_secs_f64() * 1e3,
            max_queue_delay.as_secs_f64() * 1e3,
        )?;
        writeln!(
            text,
            "| clients | | answers /s | of the ideal | of that over HTTP | ours to theirs | p50 ms | ours to theirs | p99 ms |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|---|")?;
        for clients in clients(self.door.iter().map(|run| &run.outcome)) {
            let ideal = self.model.ideal(clients);
            writeln!(text, "| {clients} | ideal | {:.0} | | | | {:.2} | | |", ideal.per_second, ideal.latency_ms)?;
            let over_http = self.write_http(clients, text)?;
            let of = |system| {
                let runs = self.door.iter().filter(move |run| run.system == system && run.outcome.clients == clients);
                figures(runs.map(|run| &run.outcome))
            };
            let ours = of(System::Adaptive);
            for system in System::ALL {
                let [rate, p50, p99] = of(system);
                let peer = system != System::Adaptive;
                let ratio = |ours: &[f64], theirs: &[f64]| or_dash(of_medians(ours, theirs).filter(|_| peer), 2);
                writeln!(
                    text,
                    "| | {} | {} | {} | {} | {} | {} | {} | {} |",
                    system.name(),
                    show(&rate, 0, ""),
                    share(&rate, ideal.per_second),
                    over_http.map_or_else(|| "–".into(), |over| share(&rate, over)),
                    ratio(&ours[0], &rate),
                    show(&p50, 2, ""),
                    ratio(&ours[1], &p50),
                    show(&p99, 1, ""),
                )?;
            }
        }
        Ok(())
    }

    /// What HTTP alone allows so many clients, and the answers a second that are ideal with it.
    fn write_http(&self, clients: usize, text: &mut String) -> Result<Option<f64>, std::fmt::Error> {
        let [rate, p50, p99] = figures(self.http.iter().filter(|run| run.clients == clients));
        let Some(round_trips) = spread(&rate) else { return Ok(None) };
        let (rate, p50, p99) = (show(&rate, 0, ""), show(&p50, 2, ""), show(&p99, 1, ""));
        writeln!(text, "| | HTTP | {rate} | | | | {p50} | | {p99} |")?;
        let over = self.model.ideal_over(clients, round_trips.median);
        let share = over.per_second / self.model.ideal(clients).per_second * 100.0;
        writeln!(
            text,
            "| | ideal over HTTP | {:.0} | {share:.1} % | | | {:.2} | | |",
            over.per_second, over.latency_ms
        )?;
        Ok(Some(over.per_second))
    }

    fn write_in_process(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## The pool itself\n")?;
        writeln!(
            text,
            "The same with a latency target, asked within the process: nothing to compare with a server.\n"
        )?;
        writeln!(text, "| clients | ideal /s | /s | of the ideal | ideal ms | p50 ms | p99 ms |")?;
        writeln!(text, "|---|---|---|---|---|---|---|")?;
        for clients in clients(&self.in_process) {
            let ideal = self.model.ideal(clients);
            let runs = self.in_process.iter().filter(|outcome| outcome.clients == clients);
            let [rate, p50, p99] = figures(runs);
            writeln!(
                text,
                "| {clients} | {:.0} | {} | {} | {:.1} | {} | {} |",
                ideal.per_second,
                show(&rate, 0, ""),
                share(&rate, ideal.per_second),
                ideal.latency_ms,
                show(&p50, 2, ""),
                show(&p99, 2, "")
            )?;
        }
        Ok(())
    }

    fn write_overhead(&self, text: &mut String) -> std::fmt::Result {
        let micros =
            |runs: &[Outcome], of: fn(&Outcome) -> f64| runs.iter().map(|run| of(run) * 1e3).collect::<Vec<_>>();
        let (pool, handed) = (micros(&self.overhead, |run| run.p50_ms), micros(&self.handed, |run| run.p50_ms));
        writeln!(text, "\n## What a request costs\n")?;
        let requests: usize = self.overhead.iter().map(|run| run.requests).sum();
        writeln!(
            text,
            "From submission to answer through an idle pool whose model does nothing, one after the other, {requests} \
             requests: p50 {}, p99 {}. To hand something to a thread and back takes p50 {}, p99 {}: the pool's is {} times \
             as long.",
            show(&pool, 1, " µs"),
            show(&micros(&self.overhead, |run| run.p99_ms), 1, " µs"),
            show(&handed, 1, " µs"),
            show(&micros(&self.handed, |run| run.p99_ms), 1, " µs"),
            or_dash(of_medians(&pool, &handed), 2)
        )
    }

    fn write_batching(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## Real models, batching on and off\n")?;
        writeln!(text, "| model | clients | batch of at most | /s | p50 ms | p99 ms | times as many as one by one |")?;
        writeln!(text, "|---|---|---|---|---|---|---|")?;
        let key = |run: &BatchingRun| (run.model.clone(), run.max_batch);
        for (model, max_batch) in distinct(self.batching.iter().map(key)) {
            let of = |batch| self.batching.iter().filter(move |run| run.max_batch == batch);
            let model = &model;
            let runs = |batch| of(batch).filter(move |run| run.model == *model).map(|run| &run.outcome);
            let [rate, p50, p99] = figures(runs(max_batch));
            let [alone, ..] = figures(runs(1));
            writeln!(
                text,
                "| {model} | {} | {max_batch} | {} | {} | {} | {} |",
                runs(max_batch).next().map_or(0, |run| run.clients),
                show(&rate, 2, ""),
                show(&p50, 1, ""),
                show(&p99, 1, ""),
                or_dash(of_medians(&rate, &alone), 2)
            )?;
        }
        Ok(())
    }

    fn write_mixed(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## Live recognition beside the background\n")?;
        writeln!(text, "| beside | live p50 ms | live p95 ms | p95 to that alone | background requests answered |")?;
        writeln!(text, "|---|---|---|---|---|")?;
        let p95 = |beside: &str| -> Vec<f64> {
            self.mixed.iter().filter(|run| run.beside == beside).map(|run| run.live.p95_ms).collect()
        };
        let besides = distinct(self.mixed.iter().map(|run| run.beside.clone()));
        let alone = besides.first().map(|first| p95(first)).unwrap_or_default();
        for beside in &besides {
            let runs = self.mixed.iter().filter(|run| run.beside == *beside);
            let p50: Vec<f64> = runs.clone().map(|run| run.live.p50_ms).collect();
            writeln!(
                text,
                "| {beside} | {} | {} | {} | {} |",
                show(&p50, 1, ""),
                show(&p95(beside), 1, ""),
                or_dash(of_medians(&p95(beside), &alone), 2),
                runs.map(|run| run.background).sum::<usize>()
            )?;
        }
        Ok(())
    }
}

/// Throughput, p50 and p99 of runs.
fn figures<'a>(runs: impl Iterator<Item = &'a Outcome> + Clone) -> [Vec<f64>; 3] {
    let of = |figure: fn(&Outcome) -> f64| runs.clone().map(figure).collect();
    [of(|run| run.per_second), of(|run| run.p50_ms), of(|run| run.p99_ms)]
}

/// The median as a share of the ideal.
fn share(rates: &[f64], ideal: f64) -> String {
    spread(rates).map_or_else(|| "–".into(), |rate| format!("{:.1} %", rate.median / ideal * 100.0))
}

fn clients<'a>(runs: impl IntoIterator<Item = &'a Outcome>) -> Vec<usize> {
    distinct(runs.into_iter().map(|outcome| outcome.clients))
}

/// Each once, in the order they first came.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut seen, one| {
        if !seen.contains(&one) {
            seen.push(one);
        }
        seen
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn outcome(clients: usize, per_second: f64, p50_ms: f64) -> Outcome {
        Outcome {
            clients,
            requests: 1,
            per_second,
            p50_ms,
            p95_ms: p50_ms * 2.0,
            p99_ms: p50_ms * 3.0,
            most_ms: p50_ms,
        }
    }

    fn report() -> Report {
        let door = |system, per_second, p50| DoorRun { system, outcome: outcome(8, per_second, p50) };
        let batched = |max_batch, per_second| BatchingRun {
            model: "translation".into(),
            max_batch,
            outcome: outcome(16, per_second, 10.0),
        };
        let mixed = |beside: &str, p50| MixedRun { beside: beside.into(), live: outcome(2, 1.0, p50), background: 7 };
        Report {
            machine: Machine::here(2, "versions".into(), "none".into()),
            model: FakeModel {
                base: Duration::from_millis(5),
                per_item: Duration::from_micros(100),
                max_batch: 64,
                max_queue_delay: Duration::from_millis(1),
            },
            door: vec![door(System::Adaptive, 1250.0, 6.0), door(System::Triton, 650.0, 12.0)],
            http: vec![outcome(8, 20_000.0, 0.4)],
            in_process: vec![outcome(8, 1310.0, 6.0)],
            overhead: vec![outcome(1, 9.0, 0.012)],
            handed: vec![outcome(1, 9.0, 0.008)],
            batching: vec![batched(1, 10.0), batched(8, 30.0)],
            mixed: vec![mixed("nothing", 100.0), mixed("recognition", 110.0)],
        }
    }

    #[test]
    fn ours_stands_beside_theirs_and_the_ideal() {
        let text = report().markdown();
        for row in [
            "| 8 | ideal | 1379 | | | | 5.80 | | |",
            "| | HTTP | 20000 (20000–20000) | | | | 0.40 (0.40–0.40) | | 1.2 (1.2–1.2) |",
            "| | ideal over HTTP | 1290 | 93.5 % | | | 6.20 | | |",
            "| | HealthSync, latency target | 1250 (1250–1250) | 90.6 % | 96.9 % | – | 6.00 (6.00–6.00) | – | 18.0 (18.0–18.0) |",
            "| | Triton | 650 (650–650) | 47.1 % | 50.4 % | 1.92 | 12.00 (12.00–12.00) | 0.50 | 36.0 (36.0–36.0) |",
            "| | PyTriton | never | – | – | – | never | – | never |",
        ] {
            assert!(text.contains(row), "{row}\n{text}");
        }
    }

    #[test]
    fn each_part_says_what_it_is_compared_with() {
        let text = report().markdown();
        assert!(text.contains("p50 12.0 µs (12.0–12.0)") && text.contains("is 1.50 times as long"), "{text}");
        assert!(text.contains("| translation | 16 | 8 | 30.00 (30.00–30.00) |") && text.contains("| 3.00 |"), "{text}");
        assert!(text.contains("| recognition | 110.0 (110.0–110.0) | 220.0 (220.0–220.0) | 1.10 | 7 |"), "{text}");
    }
}
