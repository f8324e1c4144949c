//! The report for people.

use super::{
    Measure,
    report::{Group, Recognised, Report, Spread, Streaming, Translated},
};

/// Recordings named as the worst.
const WORST: usize = 5;

pub(super) fn print(report: &Report) {
    println!("\n── Models ──");
    for (task, model) in &report.models {
        println!("{task:<12} {} {}  {}", model.name, model.version, model.weights_sha256);
    }
    let settings = &report.settings;
    println!(
        "{:?} ({:?}) on {} threads of {} cores for recognition, {} at a time in real time",
        settings.transcribe_engine,
        settings.transcribe_precision,
        settings.transcribe_threads,
        settings.cores,
        settings.streams
    );
    for run in &report.offline {
        let title = match run.measure {
            Measure::Draft => "Whole recordings, likeliest token each time",
            _ => "Whole recordings, as final captions",
        };
        recognition(title, &run.groups, &run.total);
        if let (Some(cpu), Some(bytes)) = (run.cpu_factor, run.peak_resident_bytes) {
            let mebibytes = bytes >> 20;
            println!("{cpu:.3} s of processor time a second of audio; {mebibytes} MiB resident at most, all models");
        }
        worst(run.recordings.iter());
    }
    if let Some(streaming) = &report.streaming {
        recognition("In real time", &streaming.groups, &streaming.total);
        worst(streaming.recordings.iter().map(|one| &one.recognised));
        if let Some(difference) = report.streaming_less_full {
            println!("word error rate in real time less whole recordings: {:+.1} points", difference * 100.0);
        }
        timing(streaming);
    }
    translation(&report.translation);
}

fn recognition(title: &str, groups: &[Group], total: &Group) {
    println!("\n── {title} ──");
    println!(
        "{:<16} {:>5} {:>7} {:>6} {:>7} {:>15} {:>8} {:>7} {:>5} {:>5} {:>5} {:>6}",
        "group", "files", "seconds", "words", "WER %", "95 %", "lenient", "CER %", "sub", "del", "ins", "RTF"
    );
    for group in groups.iter().chain([total]) {
        let interval = group
            .interval
            .map_or_else(|| "-".to_owned(), |found| format!("{:.1} to {:.1}", found.low * 100.0, found.high * 100.0));
        println!(
            "{:<16} {:>5} {:>7.0} {:>6} {:>7.1} {:>15} {:>8.1} {:>7.1} {:>5} {:>5} {:>5} {:>6}",
            group.name,
            group.recordings,
            group.seconds,
            group.words.reference,
            group.word_error_rate * 100.0,
            interval,
            group.lenient_word_error_rate * 100.0,
            group.character_error_rate * 100.0,
            group.words.substitutions,
            group.words.deletions,
            group.words.insertions,
            group.real_time_factor.map_or_else(|| "-".to_owned(), |factor| format!("{factor:.3}")),
        );
    }
}

fn worst<'a>(recordings: impl Iterator<Item = &'a Recognised>) {
    let mut wrong: Vec<&Recognised> = recordings.filter(|one| one.words.errors() > 0).collect();
    wrong.sort_by(|a, b| b.words.rate().total_cmp(&a.words.rate()));
    for one in wrong.iter().take(WORST) {
        println!("  {:>3.0} %  {}: {}", one.words.rate() * 100.0, one.name, one.text);
    }
}

fn timing(streaming: &Streaming) {
    let timing = &streaming.timing;
    let spread = |what: &str, found: Option<Spread>| {
        let Some(found) = found else { return println!("{what:<46} not known") };
        println!("{what:<46} p50 {:>6.0} ms   p95 {:>6.0} ms", found.p50, found.p95);
    };
    spread("first voice → first text", timing.first_text_ms);
    spread("last voice → last final caption", timing.final_ms);
    spread("end of utterance → its caption, as it says", timing.stated_ms);
    spread("end of word → word committed", timing.word_delay_ms);
    if let Some(lagging) = timing.mean_lagging_ms {
        println!("{:<46} {lagging:.0} ms", "lagging of committed words (StreamLAAL)");
    }
    let stability = timing.stability;
    println!(
        "{:<46} {:.1} % ({} of {} updates changed it)",
        "committed text kept",
        timing.committed_kept * 100.0,
        stability.changed,
        stability.updates
    );
    println!("{:<46} {:.2}", "words shown and taken back, a final word", timing.erasure);
    println!("{:<46} {:.2}", "partials a second of audio", timing.partials_a_second);
    println!(
        "{} utterances, {} without a caption; {} frames lost; {} errors; {} translations, {} flagged",
        timing.utterances, timing.dropped, timing.frames_lost, timing.errors, timing.translations, timing.flagged
    );
    let errors = streaming.recordings.iter().flat_map(|one| one.errors.iter().map(move |e| (&one.recognised.name, e)));
    errors.for_each(|(name, error)| println!("  {name}: {error}"));
}

fn translation(groups: &[Translated]) {
    if groups.is_empty() {
        return;
    }
    println!("\n── Translation ──");
    println!("{:<24} {:>6} {:>7} {:>7} {:>8}", "group", "texts", "chrF2", "BLEU", "flagged");
    for group in groups {
        let (name, flagged) = (&group.group, group.flagged);
        println!("{name:<24} {:>6} {:>7.1} {:>7.1} {flagged:>8}", group.len(), group.chrf2, group.bleu);
    }
}
