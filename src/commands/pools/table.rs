//! Pools as a table: a line for each class of each that has anything to show.

use healthsync_actors::pool::{ClassStats, Histogram, InstanceState, PoolStats};
use std::{fmt::Write as _, time::Duration};

/// Ends a line and clears what an earlier, longer one left there.
const END: &str = "\x1b[K\n";

/// The figures since the server started.
pub(super) fn since_start(pools: &[PoolStats]) -> String {
    draw(pools, None, "since the server started").replace("\x1b[K", "")
}

/// The figures of the time that passed between two looks.
pub(super) fn between(before: &[PoolStats], now: &[PoolStats], passed: Duration) -> String {
    let title = format!("in the last {:.1} s", passed.as_secs_f64());
    draw(now, Some((before, passed)), &title)
}

fn draw(pools: &[PoolStats], before: Option<(&[PoolStats], Duration)>, title: &str) -> String {
    let mut text = String::new();
    let _ = write!(text, "Pools {title}; waits and service in milliseconds{END}{END}");
    let _ = write!(
        text,
        "{:<12} {:<10} {:>9} {:>9} {:>8} {:>8} {:>8}  dropped{END}",
        "pool", "class", "waiting", "answered", "p50", "p95", "p99"
    );
    for pool in pools {
        let earlier = before.and_then(|(pools, passed)| Some((pools.iter().find(|p| p.name == pool.name)?, passed)));
        // A server that was started anew counts from nothing.
        let earlier = earlier.filter(|(earlier, _)| earlier.batch_size.count <= pool.batch_size.count);
        for (index, class) in pool.classes.iter().enumerate() {
            let was = earlier.and_then(|(earlier, passed)| Some((earlier.classes.get(index)?, passed)));
            line(&mut text, pool, class, was);
        }
        let was = earlier.map(|(earlier, _)| earlier);
        summary(&mut text, pool, was);
        text.push_str(END);
    }
    text
}

fn line(text: &mut String, pool: &PoolStats, class: &ClassStats, was: Option<(&ClassStats, Duration)>) {
    let wait = was.map_or_else(|| class.wait_us.clone(), |(was, _)| class.wait_us.since(&was.wait_us));
    let answered = was.map_or(class.answered, |(was, _)| class.answered.saturating_sub(was.answered));
    let before = |reason: &str| {
        let count = was.and_then(|(was, _)| was.dropped.iter().find(|(of, _)| of == reason));
        count.map_or(0, |(_, count)| *count)
    };
    let dropped = class.dropped.iter().map(|(reason, count)| (reason, count.saturating_sub(before(reason))));
    let dropped: Vec<String> =
        dropped.filter(|(_, count)| *count > 0).map(|(reason, count)| format!("{count} {reason}")).collect();
    if class.depth == 0 && answered == 0 && dropped.is_empty() {
        return;
    }
    let rate = match was {
        Some((_, passed)) => format!("{:.1}/s", answered as f64 / passed.as_secs_f64().max(1e-3)),
        None => answered.to_string(),
    };
    let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| milliseconds(&wait, share));
    let _ = write!(
        text,
        "{:<12} {:<10} {:>9} {rate:>9} {p50:>8} {p95:>8} {p99:>8}  {}{END}",
        pool.name,
        class.class.name(),
        format!("{}/{}", class.depth, class.limit),
        dropped.join(", ")
    );
}

fn summary(text: &mut String, pool: &PoolStats, was: Option<&PoolStats>) {
    let batch = was.map_or_else(|| pool.batch_size.clone(), |was| pool.batch_size.since(&was.batch_size));
    let service = was.map_or_else(|| pool.service_us.clone(), |was| pool.service_us.since(&was.service_us));
    let states = pool.instances.iter().map(|instance| match instance.state {
        InstanceState::Loading => "loading".to_owned(),
        InstanceState::Idle => "idle".to_owned(),
        InstanceState::Busy => format!("busy {} ms", instance.busy_ms.unwrap_or(0)),
        InstanceState::Retiring => "retiring".to_owned(),
    });
    let states: Vec<String> = states.collect();
    let model =
        pool.model.as_ref().map_or("no model yet".to_owned(), |model| format!("{} {}", model.name, model.version));
    let _ = write!(
        text,
        "{:<12} batches {} of {} on average, service p50 {} p95 {}; {model}, [{}]",
        pool.name,
        batch.count,
        batch.mean().map_or("-".to_owned(), |mean| format!("{mean:.1}")),
        milliseconds(&service, 0.5),
        milliseconds(&service, 0.95),
        states.join(", ")
    );
    if let Some(canary) = &pool.canary {
        let _ = write!(text, "; version {} is tried: {} of {}", canary.version, canary.taken, canary.requests);
    }
    for (reason, count) in &pool.restarts {
        let _ = write!(text, "; restarted {count} times by {reason}");
    }
    let preempted = pool.preempted.saturating_sub(was.map_or(0, |was| was.preempted));
    if preempted > 0 {
        let _ = write!(text, "; {preempted} made way");
    }
    if pool.abandoned > 0 {
        let _ = write!(text, "; {} given up", pool.abandoned);
    }
    if let Some(failure) = &pool.failure {
        let _ = write!(text, "; FAILED: {failure}");
    }
    text.push_str(END);
}

fn milliseconds(of: &Histogram, share: f64) -> String {
    of.quantile(share).map_or("-".to_owned(), |us| match us / 1_000.0 {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms => format!("{ms:.0}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_actors::pool::{Class, InstanceStats, SettingsPatch};

    fn histogram(bucket: f64, count: u64) -> Histogram {
        Histogram { count, sum: bucket * count as f64, buckets: vec![(bucket, count)] }
    }

    fn pool(answered: u64) -> PoolStats {
        let live = ClassStats {
            class: Class::Live,
            depth: 3,
            limit: 61,
            answered,
            wait_us: histogram(2_048.0, answered),
            dropped: vec![("late".into(), answered / 10)],
        };
        let background = ClassStats {
            class: Class::Background,
            depth: 0,
            limit: 48,
            answered: 0,
            wait_us: histogram(1.0, 0),
            dropped: Vec::new(),
        };
        PoolStats {
            name: "transcribe".into(),
            ready: true,
            failure: None,
            model: None,
            version: 1,
            canary: None,
            instances: vec![InstanceStats {
                id: 1,
                version: 1,
                state: InstanceState::Busy,
                busy_ms: Some(7),
                batches: 4,
            }],
            classes: vec![live, background],
            batch_size: histogram(2.0, answered),
            service_us: histogram(131_072.0, answered),
            restarts: vec![("hang".into(), 1)],
            retried: 0,
            preempted: 12,
            late_results: 0,
            abandoned: 1,
            settings: SettingsPatch::default(),
        }
    }

    #[test]
    fn between_two_looks_only_what_happened_then_is_counted() {
        let text = between(&[pool(100)], &[pool(150)], Duration::from_secs(10));
        assert!(text.contains("3/61"), "{text}");
        assert!(text.contains("5.0/s") && text.contains("2.05") && text.contains("5 late"), "{text}");
        assert!(text.contains("batches 50 of 2.0 on average, service p50 131"), "{text}");
        assert!(text.contains("busy 7 ms") && text.contains("restarted 1 times by hang"), "{text}");
        assert!(!text.contains("background") && !text.contains("made way"), "nothing to show of it");
    }

    #[test]
    fn a_server_that_was_started_anew_is_counted_from_nothing() {
        let text = between(&[pool(100)], &[pool(20)], Duration::from_secs(1));
        assert!(text.contains("20") && text.contains("2 late"), "{text}");
    }

    #[test]
    fn once_it_is_plain_text() {
        let text = since_start(&[pool(10)]);
        assert!(!text.contains('\x1b') && text.contains("; 12 made way"), "{text}");
    }
}
