//! Where a server's time went during a run: by thread, as Linux counts it, and by kind of work, as the server's own
//! metrics count it.

use super::process::cpu_seconds;
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _};

/// Kinds of threads in the report: the rest have next to nothing to do.
const SHOWN_THREADS: usize = 8;

/// What can be seen of a server at one moment.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    /// Processor seconds of the threads that are there, by name.
    pub threads: BTreeMap<String, f64>,
    /// Processor seconds of the whole process, threads that have ended included.
    pub process_seconds: f64,
    /// The server's metrics in the Prometheus text format.
    pub metrics: String,
}

/// What the time between two probes went into. Seconds of recognition are of the one thread that recognises, waiting
/// for its cores included; those of processors are not.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    pub drafts: Work,
    pub finals: Work,
    /// All recognition, what was abandoned included.
    pub recognition: Work,
    pub translation: Work,
    pub synthesis: Work,
    /// Requests for recognition that a newer one replaced, that came too late, that found the queue full.
    pub superseded: f64,
    pub late: f64,
    pub refused: f64,
    /// Processor seconds by thread, the busiest first; threads that have ended together as `ended`.
    pub threads: Vec<(String, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Work {
    pub count: f64,
    pub seconds: f64,
}

impl Probe {
    /// Processor seconds of the threads of the process with this folder, such as `/proc/self`.
    pub fn threads_of(folder: &str) -> BTreeMap<String, f64> {
        let mut threads = BTreeMap::new();
        for entry in std::fs::read_dir(format!("{folder}/task")).into_iter().flatten().flatten() {
            // A thread may end while it is looked at.
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some((name, seconds)) = thread_name(&stat).zip(cpu_seconds(&stat)) else { continue };
            *threads.entry(name).or_default() += seconds;
        }
        threads
    }
}

/// Without the number at its end, so that threads of one kind count together.
fn thread_name(stat: &str) -> Option<String> {
    let (_, rest) = stat.split_once('(')?;
    let (name, _) = rest.rsplit_once(')')?;
    Some(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned())
}

impl Profile {
    pub fn between(before: &Probe, after: &Probe) -> Self {
        let added = |name: &str, label: &str| value(&after.metrics, name, label) - value(&before.metrics, name, label);
        let work = |metric: &str, label: &str| Work {
            count: added(&format!("{metric}_count"), label),
            seconds: added(&format!("{metric}_sum"), label),
        };
        let pool = |name: &str| work("healthsync_pool_service_seconds", &format!("pool=\"{name}\""));
        let dropped = |reason: &str| {
            let metric = "healthsync_pool_dropped_total";
            let of = |text: &str| value(text, metric, &format!("reason=\"{reason}\""));
            of(&after.metrics) - of(&before.metrics)
        };
        Self {
            drafts: work("healthsync_recognition_seconds", "effort=\"draft\""),
            finals: work("healthsync_recognition_seconds", "effort=\"full\""),
            recognition: pool("transcribe"),
            translation: pool("translate"),
            synthesis: pool("speak"),
            superseded: dropped("superseded"),
            late: dropped("late"),
            refused: dropped("overloaded"),
            threads: threads(before, after),
        }
    }

    /// Recognition whose answer nobody waited for any more.
    pub fn abandoned(&self) -> Work {
        Work {
            count: (self.recognition.count - self.drafts.count - self.finals.count).max(0.0),
            seconds: (self.recognition.seconds - self.drafts.seconds - self.finals.seconds).max(0.0),
        }
    }
}

impl Profile {
    /// As Markdown.
    pub fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "| work | requests | seconds | seconds each |\n|---|---|---|---|")?;
        for (name, Work { count, seconds }) in [
            ("drafts", self.drafts),
            ("finals", self.finals),
            ("recognition abandoned", self.abandoned()),
            ("translation", self.translation),
            ("synthesis", self.synthesis),
        ] {
            writeln!(text, "| {name} | {count:.0} | {seconds:.1} | {:.2} |", seconds / count.max(1.0))?;
        }
        let threads: Vec<String> =
            self.threads.iter().take(SHOWN_THREADS).map(|(name, seconds)| format!("{name} {seconds:.1} s")).collect();
        writeln!(
            text,
            "\nRequests for recognition superseded: {:.0}, late: {:.0}, refused: {:.0}. Processor time by thread: {}.",
            self.superseded,
            self.late,
            self.refused,
            threads.join(", ")
        )
    }
}

fn threads(before: &Probe, after: &Probe) -> Vec<(String, f64)> {
    let mut threads: Vec<(String, f64)> = after
        .threads
        .iter()
        .map(|(name, seconds)| (name.clone(), seconds - before.threads.get(name).copied().unwrap_or_default()))
        .collect();
    let alive: f64 = threads.iter().map(|(_, seconds)| seconds).sum();
    threads.push(("ended".into(), (after.process_seconds - before.process_seconds - alive).max(0.0)));
    threads.retain(|(_, seconds)| *seconds > 0.0);
    threads.sort_by(|a, b| b.1.total_cmp(&a.1));
    threads
}

/// Sum of the samples of a metric that have this label; 0 where there is none yet.
fn value(metrics: &str, name: &str, label: &str) -> f64 {
    let samples = metrics.lines().filter_map(|line| {
        let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} ")?;
        labels.split(',').any(|own| own == label).then(|| value.trim().parse::<f64>().ok()).flatten()
    });
    samples.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(drafts: u32, seconds: f64) -> Probe {
        let metrics = format!(
            "# TYPE healthsync_recognition_seconds histogram\n\
             healthsync_recognition_seconds_sum{{effort=\"draft\"}} {seconds}\n\
             healthsync_recognition_seconds_count{{effort=\"draft\"}} {drafts}\n\
             healthsync_pool_service_seconds_sum{{pool=\"transcribe\"}} {}\n\
             healthsync_pool_service_seconds_count{{pool=\"transcribe\"}} {}\n\
             healthsync_pool_dropped_total{{pool=\"transcribe\",reason=\"late\"}} 3\n",
            seconds + 1.0,
            drafts + 2,
        );
        let threads = [("transcribe".to_owned(), seconds), ("tokio-rt-worker".to_owned(), seconds / 4.0)];
        Probe { threads: threads.into(), process_seconds: seconds * 2.0, metrics }
    }

    #[test]
    fn what_was_counted_before_the_run_is_left_out() {
        let before = Probe { metrics: String::new(), ..probe(0, 1.0) };
        let profile = Profile::between(&before, &probe(10, 5.0));
        assert_eq!(profile.drafts, Work { count: 10.0, seconds: 5.0 });
        assert_eq!(profile.finals, Work { count: 0.0, seconds: 0.0 });
        assert_eq!(profile.abandoned(), Work { count: 2.0, seconds: 1.0 });
        assert!((profile.late - 3.0).abs() < 1e-9);
        assert_eq!(profile.threads[0], ("transcribe".to_owned(), 4.0));
        assert_eq!(profile.threads[1], ("ended".to_owned(), 3.0));
    }

    #[test]
    fn threads_of_a_kind_count_together() {
        assert_eq!(thread_name("7 (transcribe-0) S 1").as_deref(), Some("transcribe"));
        assert_eq!(thread_name("7 (odd) name (x)3) S 1").as_deref(), Some("odd) name (x)"));
        assert_eq!(thread_name("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_threads() {
        assert!(!Probe::threads_of("/proc/self").is_empty());
    }
}
