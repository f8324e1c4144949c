//! A WFDB record from a stranger: a header, a zero byte, then one file of samples.
#![no_main]

use healthsync_waveform::{
    cut::Channel,
    wfdb::{Header, Record},
};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

fuzz_target!(|bytes: &[u8]| {
    let (header, samples) = bytes.split_at(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    let Ok(header) = Header::parse(&String::from_utf8_lossy(header)) else { return };
    let files: BTreeMap<String, Vec<u8>> =
        header.signals.iter().map(|signal| (signal.file.clone(), samples.to_vec())).collect();
    let Ok(record) = Record::of(header, &files) else { return };
    for channel in Channel::all_of(&record).unwrap_or_default() {
        for n in 0..4 {
            channel.block(n, 200, 0);
        }
    }
});
