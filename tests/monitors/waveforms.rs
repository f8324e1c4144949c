//! Waveforms through the real binary: a source, those who watch, and what the log keeps.

use crate::common::{PATIENCE, all_events, shared_server, start_session};
use futures_util::{SinkExt, StreamExt};
use healthsync_events::{EventBody, MdcCode, Refusal, SessionId, WaveformBlock, waveform::WaveformNotice};
use healthsync_loadtests::{
    ApiClient,
    replay::{Recording, replay},
};
use healthsync_waveform::{cut::Channel, decode, encode, wfdb::Record};
use std::{path::Path, process::Command};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const BEGAN: i64 = 1_795_000_000_000_000;

/// The `n`-th block of 200 ms at 250 Hz.
fn block(channel: MdcCode, n: u32) -> WaveformBlock {
    WaveformBlock {
        channel,
        unit: MdcCode::MILLIVOLT,
        sequence: n,
        first: n == 0,
        rate_millihertz: 250_000,
        scale: 0.005,
        offset: 0.0,
        start_micros: BEGAN + i64::from(n) * 200_000,
        samples: (0..50).map(|i| (n as i16 * 50 + i) % 400 - 200).collect(),
    }
}

async fn watch(api: &ApiClient, session: SessionId) -> Socket {
    api.socket("watching waveforms", &format!("/api/v1/sessions/{session}/waveforms")).await.unwrap()
}

async fn send(source: &mut Socket, block: &WaveformBlock) {
    source.send(Message::Binary(encode(block).unwrap().into())).await.unwrap();
}

/// The next message that `take` makes something of.
async fn next<T>(socket: &mut Socket, take: impl Fn(Message) -> Option<T>) -> T {
    let search = async {
        loop {
            if let Some(found) = take(socket.next().await.expect("the socket stays open").unwrap()) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("it came in time")
}

async fn next_block(socket: &mut Socket) -> WaveformBlock {
    next(socket, |message| match message {
        Message::Binary(bytes) => Some(decode(&bytes).unwrap()),
        _ => None,
    })
    .await
}

async fn next_notice(socket: &mut Socket) -> WaveformNotice {
    next(socket, |message| match message {
        Message::Text(text) => Some(serde_json::from_str(text.as_str()).unwrap()),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_reach_those_who_watch_who_comes_late_gets_ten_seconds_and_loss_is_told() {
    let server = shared_server().await;
    let api = server.api();
    let session = start_session(&api, "WAVE-1").await.session;
    let mut early = watch(&api, session).await;
    let mut source = api.waveform_source(session).await.unwrap();
    for n in (0..100).filter(|n| !(40..43).contains(n)) {
        send(&mut source, &block(MdcCode::ECG_II, n)).await;
        assert_eq!(next_block(&mut early).await, block(MdcCode::ECG_II, n), "as it was sent, and in order");
    }
    let told = loop {
        let WaveformNotice::Received { channels } = next_notice(&mut source).await else {
            panic!("nothing is refused")
        };
        if channels[0].blocks == 97 {
            break channels;
        }
    };
    assert_eq!((told[0].lost_blocks, told[0].sequence), (3, 99));

    let mut late = watch(&api, session).await;
    assert_eq!(next_block(&mut late).await.sequence, 50, "10 s are 50 blocks");
    drop(source);
    let recorded = async {
        loop {
            let events = all_events(&server.http, session).await;
            let stretches: Vec<_> = events
                .into_iter()
                .filter_map(|event| match event.body {
                    EventBody::WaveformRecorded(stretch) => Some(stretch),
                    _ => None,
                })
                .collect();
            if stretches.iter().map(|s| s.samples).sum::<u32>() == 97 * 50 {
                return stretches;
            }
            tokio::task::yield_now().await;
        }
    };
    let stretches = tokio::time::timeout(PATIENCE, recorded).await.expect("every sample is accounted for in the log");
    assert!(stretches.len() <= 3, "20 s are two or three events, not a hundred");
    assert_eq!(stretches.iter().map(|s| s.lost).sum::<u32>(), 150);
    assert!(stretches.iter().all(|s| s.range.is_some_and(|r| r.min >= -1.001 && r.max <= 1.001)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_blocks_are_refused_by_name_a_second_source_waits_and_noise_is_cut_off() {
    let server = shared_server().await;
    let api = server.api();
    let session = start_session(&api, "WAVE-2").await.session;
    let mut source = api.waveform_source(session).await.unwrap();
    send(&mut source, &block(MdcCode::PLETH, 0)).await;
    let mut bytes = encode(&block(MdcCode::PLETH, 1)).unwrap();
    bytes[16..20].copy_from_slice(&900_000_u32.to_le_bytes());
    source.send(Message::Binary(bytes.into())).await.unwrap();
    let refused = async |socket: &mut Socket| loop {
        if let WaveformNotice::Refused { error } = next_notice(socket).await {
            return error;
        }
    };
    let error = refused(&mut source).await.to_string();
    assert!(error.contains("samples a second"), "{error}");

    let mut second = api.waveform_source(session).await.unwrap();
    send(&mut second, &block(MdcCode::PLETH, 0)).await;
    assert!(matches!(refused(&mut second).await, Refusal::Conflict { .. }));
    for _ in 0..15 {
        second.send(Message::Binary(vec![0; 99].into())).await.unwrap();
    }
    let closed = next(&mut second, |message| match message {
        Message::Close(frame) => Some(frame.unwrap().reason.to_string()),
        _ => None,
    })
    .await;
    assert_eq!(closed, "waveform blocks are expected");
    // The first source is none the worse.
    let mut watcher = watch(&api, session).await;
    send(&mut source, &block(MdcCode::PLETH, 1)).await;
    assert_eq!(next_block(&mut watcher).await.sequence, 0);
    assert_eq!(next_block(&mut watcher).await.sequence, 1);
    api.end_session(session).await.unwrap();
    next(&mut watcher, |message| matches!(message, Message::Close(_)).then_some(())).await;
}

fn sample_records() -> std::path::PathBuf {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/wfdb/source");
    assert!(records.is_dir(), "wfdb's records are missing: run `make setup-test`");
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_heart_is_played_into_a_session_sample_by_sample() {
    let server = shared_server().await;
    let api = server.api();
    let session = start_session(&api, "WAVE-3").await.session;
    let record = Record::open(&sample_records().join("test01_00s_framex")).unwrap();
    let channels = Channel::all_of(&record).unwrap();
    let expected: Vec<Vec<i16>> = channels.iter().map(|channel| channel.samples.clone()).collect();
    let codes: Vec<MdcCode> = channels.iter().map(|channel| channel.code).collect();
    let mut watcher = watch(&api, session).await;
    let heard = tokio::spawn(async move {
        let mut heard: Vec<Vec<i16>> = vec![Vec::new(); codes.len()];
        while heard.iter().zip(&expected).any(|(heard, expected)| heard.len() < expected.len()) {
            let block = next_block(&mut watcher).await;
            let place = codes.iter().position(|code| *code == block.channel).unwrap();
            heard[place].extend(block.samples);
        }
        (heard, expected)
    });
    let recording = Recording { channels, block_ms: 100, speed: 20.0, length: None, origin_micros: BEGAN };
    let replayed = replay(&api, session, &recording).await.unwrap();
    assert!(replayed.is_confirmed(), "{replayed:?}");
    let (heard, expected) = tokio::time::timeout(PATIENCE, heard).await.unwrap().unwrap();
    assert_eq!(heard, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_plays_a_record_for_a_new_patient() {
    let server = shared_server().await;
    let (url, record) = (server.http.clone(), sample_records().join("tmp_dl_dir/0201.hea"));
    let output = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_healthsync"))
            .args(["replay", "wfdb", "--patient", "HEART-1", "--speed", "20", "--seconds", "30", "--url", &url])
            .arg(record)
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    // 30 s of two signals at 250 Hz, in blocks of 200 ms.
    assert!(text.contains("300 blocks, 15000 samples"), "{text}");
}
