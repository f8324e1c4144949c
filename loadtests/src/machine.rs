//! The machine that a benchmark ran on, as every report begins.

use crate::figures::or_dash;
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Debug, Serialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    /// Cores a server could use.
    pub cores_used: usize,
    /// Load average of the minute before it began: more than a fraction of a core makes every figure a guess.
    pub load_before: Option<f64>,
    pub versions: String,
    pub recordings: String,
}

impl Machine {
    /// What `/proc` says of it.
    pub fn here(cores_used: usize, versions: String, recordings: String) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        Self {
            processor: model.trim_start_matches(['\t', ' ', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cores_used,
            load_before: read("/proc/loadavg").split_whitespace().next().and_then(|load| load.parse().ok()),
            versions,
            recordings,
        }
    }

    /// The beginning of a report; `about`, its own words on how it was made.
    pub fn head(&self, title: &str, about: &str, text: &mut String) -> std::fmt::Result {
        let Self { processor, cores, cores_used, load_before, versions, recordings } = self;
        writeln!(text, "# {title}\n")?;
        let load = or_dash(*load_before, 2);
        writeln!(text, "{processor}, {cores} cores, servers on {}; load before: {load}.", cores_used.min(cores))?;
        let recordings = if recordings.is_empty() { String::new() } else { format!(" Recordings: {recordings}.") };
        let about = if about.is_empty() { String::new() } else { format!(" {about}") };
        writeln!(text, "{versions}.{recordings}{about}")?;
        if load_before.is_some_and(|load| load > 0.5) {
            writeln!(text, "\n**The machine was not idle: the figures are not to be quoted.**")?;
        }
        Ok(())
    }
}
