//! The result as Markdown and JSON.

use super::{contest::RunResult, servers::System};
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
        let mut connections: Vec<usize> = self.runs.iter().map(|run| run.connections).collect();
        connections.sort_unstable();
        connections.dedup();
        for connections in connections {
            self.write_table(text, connections)?;
        }
        Ok(())
    }

    fn write_table(&self, text: &mut String, connections: usize) -> std::fmt::Result {
        writeln!(text, "\n## {connections} connections\n")?;
        writeln!(
            text,
            "| | messages a second | to python-hl7 | of loopback | acknowledged p50 | p99 | score on the wire p50 | p99 | server cores |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|---|")?;
        let of = |system: System, value: fn(&RunResult) -> Option<f64>| -> Vec<f64> {
            let runs = self.runs.iter().filter(|run| run.connections == connections && run.system == system);
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
            let cores = of(system, |run| run.server_cores);
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                system.name(),
                show(&rates(system), 0, ""),
                ratio(System::PythonHl7),
                ratio(System::Loopback),
                ms(|run| Some(run.ack_p50_ms)),
                ms(|run| Some(run.ack_p99_ms)),
                ms(|run| run.score_p50_ms),
                ms(|run| run.score_p99_ms),
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
            connections,
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
