//! The result as Markdown and JSON.

use super::{
    contest::{Contender, Question},
    engine::{Engine, Pass},
    run::{Lag, RunResult},
};
use crate::{
    figures::{of_medians, or_dash, show},
    machine::Machine,
};
use serde::Serialize;
use std::fmt::Write as _;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: Machine,
    pub question: Question,
    pub contenders: Vec<Contender>,
    pub passes: Vec<Pass>,
}

impl Report {
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        self.machine.head("Speech benchmark", "", text)?;
        if !self.contenders.is_empty() {
            self.write_streams(text)?;
        }
        if !self.passes.is_empty() {
            self.write_engines(text)?;
        }
        Ok(())
    }

    fn write_streams(&self, text: &mut String) -> std::fmt::Result {
        let Question { pace, bounds, lag, repeats, .. } = &self.question;
        writeln!(text, "\n## Live streams held\n")?;
        writeln!(
            text,
            "Held: {} lag p95 at most {:.1} s, coverage at least {:.0} %, recall at least {:.0} %. Streams of {} s and \
             {} s of silence; {repeats} runs of each in turn, medians (ranges).\n",
            lag.name(),
            bounds.lag_p95_ms / 1e3,
            bounds.coverage * 100.0,
            bounds.recall * 100.0,
            pace.seconds,
            pace.drain_seconds,
        )?;
        let confirmed: Vec<&Contender> = self.contenders.iter().filter(|c| !c.runs.is_empty()).collect();
        if let [ours, peer] = confirmed[..] {
            self.write_pair(text, ours, peer)?;
            if let Some((run, profile)) = ours.runs.iter().rev().find_map(|run| Some((run, run.profile.as_ref()?))) {
                writeln!(text, "\n### Where HealthSync's time went, {} streams, the last run\n", run.streams)?;
                profile.write(text)?;
            }
        }
        self.write_search(text)
    }

    /// Ours beside the peer at the numbers each holds, and at the peer's number, where the ratios are taken.
    fn write_pair(&self, text: &mut String, ours: &Contender, peer: &Contender) -> std::fmt::Result {
        let Question { bounds, lag, .. } = &self.question;
        let same = if ours.beside.is_empty() { &ours.runs } else { &ours.beside };
        let at = |name: &str, runs: &[RunResult]| format!("{name}, {}", streams(runs));
        let (own, peers) = (at(ours.system.name(), &ours.runs), at(peer.system.name(), &peer.runs));
        writeln!(text, "| | {own} | {} | {peers} | ours to theirs, {} |", at("the same", same), streams(&peer.runs))?;
        writeln!(text, "|---|---|---|---|---|")?;
        writeln!(
            text,
            "| **streams held** | **{}** | | **{}** | {} |",
            ours.held,
            peer.held,
            ratio(ours.held, peer.held)
        )?;
        for other in Lag::ALL.into_iter().filter(|other| other != lag) {
            let most = |contender: &Contender| contender.held_by(other, bounds);
            writeln!(
                text,
                "| most streams of a run within the bounds by {} lag | {} | | {} | {} |",
                other.name(),
                most(ours),
                most(peer),
                ratio(most(ours), most(peer))
            )?;
        }
        for (name, of, unit) in MEASURES {
            let [own, same, theirs] =
                [&ours.runs, same, &peer.runs].map(|runs| runs.iter().map(of).collect::<Vec<_>>());
            let cell = |values: &[f64]| show(values, unit.decimals, unit.name);
            let ratio = or_dash(of_medians(&same, &theirs), 2);
            writeln!(text, "| {name} | {} | {} | {} | {ratio} |", cell(&own), cell(&same), cell(&theirs))?;
        }
        Ok(())
    }

    fn write_search(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n### Every run of the search\n")?;
        writeln!(
            text,
            "| system | streams | piece lag p95 | moment lag p95 | word lag p95 | coverage | recall | held |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|")?;
        for run in self.contenders.iter().flat_map(|contender| &contender.search) {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {:.1} % | {:.1} % | {} |",
                run.system.name(),
                run.streams,
                seconds(run.piece_lag_p95_ms),
                seconds(run.moment_lag_p95_ms),
                seconds(run.word_lag_p95_ms),
                run.coverage * 100.0,
                run.recall * 100.0,
                if run.held(self.question.lag, &self.question.bounds) { "yes" } else { "no" },
            )?;
        }
        Ok(())
    }

    fn write_engines(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n## Engines\n")?;
        writeln!(text, "The same weights and recordings, {} threads, passes in turn.\n", self.machine.cores_used)?;
        writeln!(text, "| engine | real-time factor | processor seconds | word errors | peak memory | passes |")?;
        writeln!(text, "|---|---|---|---|---|---|")?;
        for engine in Engine::ALL {
            let passes: Vec<&Pass> = self.passes.iter().filter(|pass| pass.engine == engine).collect();
            let Some(last) = passes.last() else { continue };
            let factors: Vec<f64> = passes.iter().map(|pass| pass.real_time_factor).collect();
            let memory: Vec<f64> =
                passes.iter().filter_map(|pass| pass.peak_rss_bytes).map(|b| b as f64 / 1e6).collect();
            let errors: Vec<String> = last
                .word_error_rates
                .iter()
                .map(|(language, rate)| format!("{language} {:.1} %", rate * 100.0))
                .collect();
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                engine.name(),
                show(&factors, 3, ""),
                show(&passes.iter().map(|pass| pass.cpu_factor).collect::<Vec<_>>(), 3, ""),
                errors.join(", "),
                show(&memory, 0, " MB"),
                passes.len()
            )?;
        }
        for (ours, theirs) in [(Engine::Draft, Engine::FasterWhisperBeam1), (Engine::Full, Engine::FasterWhisperBeam5)]
        {
            let by_time = self.times_faster(ours, theirs, |pass| pass.real_time_factor);
            let by_processor = self.times_faster(ours, theirs, |pass| pass.cpu_factor);
            if !by_time.is_empty() {
                writeln!(
                    text,
                    "\n{} is {} times as fast as {}; by processor time {}.",
                    ours.name(),
                    show(&by_time, 2, ""),
                    theirs.name(),
                    show(&by_processor, 2, "")
                )?;
            }
        }
        Ok(())
    }

    /// The other engine's figure over ours, for each round.
    fn times_faster(&self, ours: Engine, theirs: Engine, of: fn(&Pass) -> f64) -> Vec<f64> {
        let figures = |engine: Engine| self.passes.iter().filter(move |pass| pass.engine == engine).map(of);
        figures(ours).zip(figures(theirs)).map(|(ours, theirs)| theirs / ours).collect()
    }
}

fn streams(runs: &[RunResult]) -> String {
    match runs.first().map_or(0, |run| run.streams) {
        1 => "1 stream".into(),
        streams => format!("{streams} streams"),
    }
}

struct Unit {
    name: &'static str,
    decimals: usize,
}

const SECONDS: Unit = Unit { name: " s", decimals: 2 };
const PERCENT: Unit = Unit { name: " %", decimals: 1 };

type Measure = (&'static str, fn(&RunResult) -> f64, &'static Unit);

/// What has no value never came: infinite.
fn s(ms: Option<f64>) -> f64 {
    ms.map_or(f64::INFINITY, |ms| ms / 1e3)
}

const MEASURES: [Measure; 17] = [
    ("piece lag p50", |r| s(r.piece_lag_p50_ms), &SECONDS),
    ("piece lag p95", |r| s(r.piece_lag_p95_ms), &SECONDS),
    ("piece lag p95, second halves", |r| s(r.late_piece_lag_p95_ms), &SECONDS),
    ("piece lag p95, worst stream", |r| s(r.worst_stream_piece_lag_p95_ms), &SECONDS),
    ("moment lag p50", |r| s(r.moment_lag_p50_ms), &SECONDS),
    ("moment lag p95", |r| s(r.moment_lag_p95_ms), &SECONDS),
    ("word lag p50", |r| s(r.word_lag_p50_ms), &SECONDS),
    ("word lag p95", |r| s(r.word_lag_p95_ms), &SECONDS),
    ("coverage", |r| r.coverage * 100.0, &PERCENT),
    ("word recall", |r| r.recall * 100.0, &PERCENT),
    ("time to first text p50", |r| s(r.first_text_p50_ms), &SECONDS),
    ("time to first text p95", |r| s(r.first_text_p95_ms), &SECONDS),
    ("end of speech to final p50", |r| s(r.final_p50_ms), &SECONDS),
    ("end of speech to final p95", |r| s(r.final_p95_ms), &SECONDS),
    ("clips without a final text", |r| 100.0 * r.finals_missing as f64 / r.clips.max(1) as f64, &PERCENT),
    (
        "server memory, peak",
        |r| r.peak_rss_bytes.map_or(f64::INFINITY, |bytes| bytes as f64 / 1e6),
        &Unit { name: " MB", decimals: 0 },
    ),
    (
        "server processor time for a second of audio",
        |r| r.cpu_seconds_per_audio_second.unwrap_or(f64::INFINITY),
        &SECONDS,
    ),
];

fn seconds(ms: Option<f64>) -> String {
    ms.map_or_else(|| "never".into(), |ms| format!("{:.2} s", ms / 1e3))
}

fn ratio(ours: u32, theirs: u32) -> String {
    if theirs == 0 {
        return format!("{ours} to 0: the peer holds none by these bounds on this machine");
    }
    format!("{:.1} ({ours} to {theirs})", f64::from(ours) / f64::from(theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_holds_nothing_gives_no_ratio() {
        assert_eq!(ratio(6, 2), "3.0 (6 to 2)");
        assert!(ratio(6, 0).contains("holds none"));
    }
}
