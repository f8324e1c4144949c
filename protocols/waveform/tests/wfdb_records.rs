//! Real records, and records as python's `wfdb` writes them, read by us and by it.

use healthsync_waveform::{
    cut::Channel,
    encode,
    wfdb::{Format, Record},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn tools() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/wfdb");
    assert!(tools.join(".installed").is_file(), "wfdb is missing: run `make setup-test`");
    tools
}

/// What python's `wfdb` says.
fn reference(arguments: &[&Path]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference.py");
    let output = Command::new(tools().join("venv/bin/python")).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every step of every signal, and the physical value of some, as python reads them.
fn assert_read_alike(expected: &Value) -> Record {
    let name = expected["record"].as_str().unwrap();
    let record = Record::open(Path::new(name)).unwrap();
    assert!((record.header.frame_rate - expected["rate"].as_f64().unwrap()).abs() < 1e-9, "{name}");
    let signals = expected["signals"].as_array().unwrap();
    assert_eq!(record.samples.len(), signals.len(), "{name}");
    for ((signal, samples), expected) in record.header.signals.iter().zip(&record.samples).zip(signals) {
        let no_value = match signal.format {
            Format::F212 => -2_048,
            Format::F16 => i16::MIN,
            Format::F80 => -128,
        };
        let steps: Vec<u8> = samples.iter().flat_map(|step| step.unwrap_or(no_value).to_le_bytes()).collect();
        assert_eq!(samples.len() as u64, expected["samples"].as_u64().unwrap(), "{name}");
        let theirs: Vec<u8> = serde_json::from_value(expected["sha256"].clone()).unwrap();
        assert_eq!(Sha256::digest(&steps)[..], theirs[..], "{name}: every step of {}", signal.description);
        assert_eq!(signal.unit, expected["unit"].as_str().unwrap());
        assert_eq!(signal.description, expected["description"].as_str().unwrap());
        for picked in expected["picked"].as_array().unwrap() {
            let step = samples[picked[0].as_u64().unwrap() as usize];
            let value = step.map(|step| (f64::from(step) - f64::from(signal.baseline)) / signal.gain);
            let close = match (value, picked[1].as_f64()) {
                (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-6,
                (None, None) => true,
                _ => false,
            };
            assert!(close, "{name} at {}: {value:?} and {}", picked[0], picked[1]);
        }
    }
    record
}

#[test]
fn real_records_are_read_as_pythons_wfdb_reads_them() {
    let source = tools().join("source");
    let names = ["tmp_dl_dir/0201", "tmp_dl_dir/data/001a", "ecg-record", "test01_00s_framex"];
    let paths: Vec<PathBuf> = names.iter().map(|name| source.join(name)).collect();
    let expected = reference(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    assert_eq!(expected.len(), names.len());
    let records: Vec<Record> = expected.iter().map(assert_read_alike).collect();
    let formats: Vec<_> = records.iter().map(|record| record.header.signals[0].format).collect();
    assert_eq!(formats, [Format::F212, Format::F16, Format::F16, Format::F16]);
    assert!(records[0].mismatched.is_empty(), "half a million samples add up to the header's checksum");
    assert_eq!(records[3].header.signals[1].per_frame, 2);
}

#[test]
fn records_with_missing_values_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let expected = reference(&[Path::new("--write"), folder.path()]);
    let records: Vec<Record> = expected.iter().map(assert_read_alike).collect();
    let formats: Vec<_> = records.iter().map(|record| record.header.signals[0].format).collect();
    assert_eq!(formats, [Format::F80, Format::F212, Format::F16]);
    for record in &records {
        assert_eq!(record.samples[0].iter().filter(|step| step.is_none()).count(), 20);
        assert!(record.mismatched.is_empty());
    }
}

#[test]
fn every_real_record_can_be_sent_as_blocks() {
    let source = tools().join("source");
    for name in ["tmp_dl_dir/0201", "tmp_dl_dir/data/001a", "ecg-record", "test01_00s_framex"] {
        let record = Record::open(&source.join(name)).unwrap();
        for channel in Channel::all_of(&record).unwrap() {
            let mut sent = 0;
            for block in (0..).map_while(|n| channel.block(n, 200, 0)) {
                encode(&block).unwrap();
                sent += block.samples.len();
            }
            assert_eq!(sent, channel.samples.len(), "{name}");
        }
    }
}
