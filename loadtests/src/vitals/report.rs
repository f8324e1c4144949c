//! The result as Markdown and JSON.

use super::{contest::RunResult, load::Level, servers::System};
use crate::{
    figures::{of_medians, show},
    machine::Machine,
};
use serde::Serialize;
use std::fmt::Write as _;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub rounds: usize,
    pub seconds: f64,
    pub runs: Vec<RunResult>,
}

impl Report {
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let about = format!("{} runs of {:.0} s each in turn, medians (ranges).", self.rounds, self.seconds);
        self.machine.head("Vitals benchmark", &about, text)?;
        let mut levels: Vec<Level> = self.runs.iter().map(|run| run.level).collect();
        levels.sort_unstable_by_key(|level| (level.every, level.connections));
        levels.dedup();
        for level in levels {
            self.write_table(text, level)?;
        }
        Ok(())
    }

    fn write_table(&self, text: &mut String, level: Level) -> std::fmt::Result {
        let pace = level.every.map_or_else(
            || "each as fast as it is answered".to_owned(),
            |every| format!("a message every {} ms each", every.as_millis()),
        );
        writeln!(text, "\n## {} connections, {pace}\n", level.connections)?;
        writeln!(
            text,
            "| | messages a second | to python-hl7 | of loopback | acknowledged p50 | p99 | score on the wire p50 | p99 | scores a second | server cores |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|---|---|")?;
        let of = |system: System, value: fn(&RunResult) -> Option<f64>| -> Vec<f64> {
            let runs = self.runs.iter().filter(|run| run.level == level && run.system == system);
            runs.filter_map(value).collect()
        };
        let rates = |system| of(system, |run| Some(run.rate));
        for system in System::ALL {
            if rates(system).is_empty() {
                continue;
            }
            let ratio = |other| {
                let ratio = of_medians(&rates(system), &rates(other));
                ratio.filter(|_| system != other).map_or_else(|| "–".into(), |ratio| format!("{ratio:.2}"))
            };
            let ms = |value: fn(&RunResult) -> Option<f64>| {
                let values = of(system, value);
                if values.is_empty() { "–".into() } else { show(&values, 2, " ms") }
            };
            let score_rates = of(system, |run| run.score_rate);
            let cores = of(system, |run| run.server_cores);
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                system.name(),
                show(&rates(system), 0, ""),
                ratio(System::PythonHl7),
                ratio(System::Loopback),
                ms(|run| Some(run.ack_p50_ms)),
                ms(|run| Some(run.ack_p99_ms)),
                ms(|run| run.score_p50_ms),
                ms(|run| run.score_p99_ms),
                if score_rates.is_empty() { "–".into() } else { show(&score_rates, 0, "") },
                if cores.is_empty() { "–".into() } else { show(&cores, 2, "") },
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_compares_medians_at_the_same_number_of_connections() {
        let run = |system, connections, rate| RunResult {
            system,
            level: Level { connections, every: None },
            round: 0,
            rate,
            ack_p50_ms: 1.0,
            ack_p99_ms: 2.0,
            score_p50_ms: None,
            score_p99_ms: None,
            score_rate: None,
            server_cores: None,
        };
        let machine = Machine::here(2, "v".into(), String::new());
        let runs = vec![
            run(System::PythonHl7, 8, 100.0),
            run(System::Durable, 8, 900.0),
            run(System::Durable, 8, 700.0),
            run(System::Durable, 8, 800.0),
            run(System::Durable, 1, 5.0),
        ];
        let text = Report { machine, rounds: 3, seconds: 1.0, runs }.markdown();
        assert!(text.contains("| HealthSync, durable | 800 (700–900) | 8.00 |"), "{text}");
        assert!(text.contains("| HealthSync, durable | 5 (5–5) | – |"), "{text}");
    }
}
