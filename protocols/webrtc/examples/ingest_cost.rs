//! What receiving audio costs: processor time of one track, and time from an offer to the first audio.
//!
//! `cargo run -p healthsync-webrtc --example ingest_cost -- [TRACKS] [SECONDS]`
//!
//! Server and clients run in one process on runtimes of their own, told apart by the names of their threads.
//! Processor time is the kernel's (`/proc/self/task/*/schedstat`), so this runs on Linux only.

use healthsync_events::{AudioFrame, AudioSink, AudioTrackSpec, Refusal, SessionId};
use healthsync_webrtc::{ClientConfig, WhipConfig, WhipServer, client::OfferedPeer};
use std::{
    error::Error,
    fs,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::mpsc};
use uuid::Uuid;

const SERVER: &str = "whip-server";
const CLIENT: &str = "whip-client";

/// Tells of the first frame, counts the rest.
struct Meter {
    first: Option<mpsc::Sender<Instant>>,
}

impl AudioSink for Meter {
    fn push(&mut self, _: AudioFrame) -> Result<(), Refusal> {
        if let Some(first) = self.first.take() {
            first.try_send(Instant::now()).map_err(|_| Refusal::unavailable("meter"))?;
        }
        Ok(())
    }
}

fn runtime(name: &str) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()
}

/// Processor time of all threads of a name, so far.
fn processor_time(name: &str) -> std::io::Result<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let path = task?.path();
        if fs::read_to_string(path.join("comm"))?.trim() == name {
            let stat = fs::read_to_string(path.join("schedstat"))?;
            nanos += stat.split(' ').next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        }
    }
    Ok(Duration::from_nanos(nanos))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let tracks: usize = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let (serving, calling) = (runtime(SERVER)?, runtime(CLIENT)?);
    let config = WhipConfig { bind: vec![Ipv4Addr::LOCALHOST.into()], ..WhipConfig::default() };
    let server = WhipServer::new(config);
    let mut to_answer = Vec::new();
    let mut to_audio = Vec::new();
    let mut senders = Vec::new();
    for _ in 0..tracks {
        let (peer, offer) = calling.block_on(calling.spawn(OfferedPeer::offer(ClientConfig::default())))??;
        let (first, mut heard) = mpsc::channel(1);
        let spec = AudioTrackSpec { participant: "patient".parse()?, language: "en".parse()? };
        let (server, began) = (server.clone(), Instant::now());
        let accepting = async move {
            server.accept(SessionId(Uuid::new_v4()), spec, Box::new(Meter { first: Some(first) }), &offer).await
        };
        let accepted = serving.block_on(serving.spawn(accepting))??;
        to_answer.push(began.elapsed());
        senders.push(calling.block_on(calling.spawn(peer.answer(accepted.answer_sdp)))??);
        let heard = calling.block_on(heard.recv()).ok_or("no audio")?;
        to_audio.push(heard - began);
    }
    report("offer to answer", &mut to_answer);
    report("offer to first audio", &mut to_audio);

    let speech: Vec<f32> = speech_like(24_000 * seconds as usize);
    let before = (processor_time(SERVER)?, processor_time(CLIENT)?, Instant::now());
    calling.block_on(futures_util::future::try_join_all(senders.iter().map(|sender| sender.say(&speech, 24_000))))?;
    let elapsed = before.2.elapsed();
    for (name, before) in [(SERVER, before.0), (CLIENT, before.1)] {
        let share = processor_time(name)?.saturating_sub(before).as_secs_f64() / elapsed.as_secs_f64() / tracks as f64;
        println!("{name}: {:.2} % of a core for each of {tracks} tracks over {elapsed:.1?}", share * 100.0);
    }
    serving.block_on(serving.spawn(async move { server.close_all().await }))?;
    Ok(())
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!("{what}: p50 {:.1?}, p95 {:.1?}, max {:.1?}", at(0.5), at(0.95), at(1.0));
}

/// A voice-like buzz whose loudness comes and goes, so that Opus works as it does on speech.
fn speech_like(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|i| {
            let t = i as f32 / 24_000.0;
            let buzz: f32 =
                (1_u8..12).map(|n| (t * 120.0 * f32::from(n) * std::f32::consts::TAU).sin() / f32::from(n)).sum();
            0.2 * buzz * (0.5 + 0.5 * (t * 4.0 * std::f32::consts::TAU).sin())
        })
        .collect()
}
