//! `healthsync eval speech` with the real weights, on a list of one recording.

use serde_json::Value;
use std::{path::Path, process::Command};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/transcribe/tests/speech/address-1961.wav");

const LIST: &str = "language\tfile\tnote\ttranscript\ttranslation\ttranslation_language";

const SAID: &str = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your \
                    country.";

const IN_PORTUGUESE: &str = "E assim, meus compatriotas americanos, não perguntem o que seu país pode fazer por vocês, \
                             perguntem o que vocês podem fazer por seu país.";

fn evaluate(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_healthsync"))
        .args(["eval", "speech", "--recordings", "list.tsv"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn a_recording_is_measured_whole_in_real_time_and_translated() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = "source_language\tsource\ttarget_language\treference\npt\tNão tenho febre.\ten\tI have no fever.\n";
    let list = format!("{LIST}\nen\t{RECORDING}\tradio\t{SAID}\t{IN_PORTUGUESE}\tpt\n");
    std::fs::write(folder.path().join("list.tsv"), list).unwrap();
    std::fs::write(folder.path().join("pairs.tsv"), pairs).unwrap();
    let output = evaluate(
        folder.path(),
        &["--measure", "draft,streaming,translation", "--pairs", "pairs.tsv", "--json", "report.json"],
    );
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("whisper-base") && told.contains("committed text kept"), "{told}");

    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer}"));
    // The audience's noise before a clause is sometimes heard as a word.
    for rate in ["/offline/0/total/word_error_rate", "/streaming/total/word_error_rate"] {
        assert!(number(rate) < 0.15, "{rate} {}", number(rate));
    }
    assert!((number("/streaming/total/words/reference") - 22.0).abs() < f64::EPSILON);
    assert!((number("/streaming/timing/committed_kept") - 1.0).abs() < f64::EPSILON);
    assert!(number("/streaming/timing/utterances") >= 1.0 && number("/streaming/timing/frames_lost") < 1.0);
    // Nothing can be shown before it was said, nor be final before the pause that ends it.
    assert!(number("/streaming/timing/first_text_ms/p50") > 0.0 && number("/streaming/timing/final_ms/p50") > 200.0);
    assert!(number("/streaming/timing/mean_lagging_ms") > 0.0);
    let groups = report["translation"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group["group"].as_str().unwrap()).collect();
    assert_eq!(names, ["pairs pt → en", "transcripts en → pt", "streamed en → pt"]);
    assert!(groups.iter().all(|group| group["chrf2"].as_f64().unwrap() > 40.0), "{groups:?}");
    assert_eq!(report["models"][0][1]["weights_sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_recording_that_is_not_there_ends_it_with_its_line_before_any_model_loads() {
    let folder = tempfile::tempdir().unwrap();
    let list = format!("{LIST}\nen\t{RECORDING}\t\t{SAID}\t\t\nen\tmissing.wav\t\tHello.\t\t\n");
    std::fs::write(folder.path().join("list.tsv"), list).unwrap();
    let output = evaluate(folder.path(), &[]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("line 3 of the list") && told.contains("missing.wav: it cannot be read"), "{told}");
    assert!(!String::from_utf8_lossy(&evaluate(folder.path(), &["--language", "fi"]).stderr).contains("panicked"));
}
