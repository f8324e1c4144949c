//! Audio from our client to our server over real ICE, DTLS and SRTP on loopback.

use crate::common::{Heard, call, heard_until, server, server_with, session};
use healthsync_events::{Refusal, audio::SAMPLE_RATE};
use healthsync_webrtc::{ClientConfig, WhipError, client::OfferedPeer};
use std::{f32::consts::TAU, net::Ipv4Addr, time::Duration};

/// A chirp from 300 to 3,000 Hz, mono.
fn chirp(seconds: f32, rate: u32) -> Vec<f32> {
    let count = (seconds * rate as f32) as usize;
    (0..count)
        .map(|i| {
            let t = i as f32 / rate as f32;
            0.5 * (TAU * (300.0 * t + 2_700.0 * t * t / (2.0 * seconds))).sin()
        })
        .collect()
}

/// Power of one frequency (Goertzel), relative to the power of all.
fn share(samples: &[f32], hertz: f32) -> f32 {
    let coefficient = 2.0 * (TAU * hertz / SAMPLE_RATE as f32).cos();
    let (mut s1, mut s2) = (0.0_f32, 0.0_f32);
    for sample in samples {
        (s1, s2) = (sample + coefficient * s1 - s2, s1);
    }
    let power = (s1 * s1 + s2 * s2 - coefficient * s1 * s2) * 2.0 / samples.len() as f32;
    power / samples.iter().map(|s| s * s).sum::<f32>().max(1e-9)
}

fn assert_contiguous(heard: &Heard) {
    let mut at = 0;
    for frame in &heard.frames {
        assert_eq!(frame.at, at, "media time is continuous");
        at += frame.samples.len() as u64;
    }
}

/// Samples before `sample` in which nothing was above a whisper.
fn onset(samples: &[f32]) -> usize {
    samples.iter().position(|sample| sample.abs() > 0.1).expect("something was said")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chirp_arrives_whole_in_place_and_in_tune() {
    let server = server();
    let mut call = call(&server, session(), "patient", None).await;
    let seconds = 2.0;
    let played = call.audio.say(&chirp(seconds, 24_000), 24_000).await.unwrap();
    assert!((played.last_packet - played.first_packet).as_secs_f32() > seconds - 0.1, "sent in real time");

    let begin = played.at_ms as usize * 16;
    let end = begin + (seconds * SAMPLE_RATE as f32) as usize;
    let heard = heard_until(&mut call.listening, |heard| heard.samples().len() > end + 1_600).await;
    assert_contiguous(&heard);
    let samples = heard.samples();

    // Opus delays by its look-ahead, 6.5 ms, and the decoder by its own share of it.
    let late = onset(&samples).abs_diff(begin);
    assert!(late < 480, "the chirp begins {late} samples from where it was sent");
    let expected = 0.5_f32.powi(2) / 2.0;
    let energy = samples[begin..end].iter().map(|s| s * s).sum::<f32>() / (end - begin) as f32;
    assert!((energy / expected - 1.0).abs() < 0.15, "energy {energy}, expected {expected}");
    // 40 ms around each quarter: the frequency there, and not that of another quarter.
    for quarter in 1..4_usize {
        let t = quarter as f32 * seconds / 4.0;
        let hertz = 300.0 + 2_700.0 * t / seconds;
        let middle = begin + (t * SAMPLE_RATE as f32) as usize + 100;
        let window = &samples[middle - 320..middle + 320];
        let best = (30..310).map(|f| f as f32 * 10.0).max_by(|a, b| share(window, *a).total_cmp(&share(window, *b)));
        assert!(best.is_some_and(|best| (best - hertz).abs() < 40.0), "{best:?} Hz where {hertz} Hz was sent");
    }
    let after = &samples[end + 800..];
    assert!(after.iter().all(|sample| sample.abs() < 0.02), "silence follows");
    call.audio.close().await;
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clips_of_any_rate_follow_each_other_without_a_break_in_media_time() {
    let server = server();
    let mut call = call(&server, session(), "patient", None).await;
    let mut ends = 0;
    for rate in [16_000, 22_050, 24_000, 48_000] {
        let played = call.audio.say(&chirp(0.3, rate), rate).await.unwrap();
        assert!(played.at_ms >= ends);
        ends = played.at_ms + 300;
    }
    let heard = heard_until(&mut call.listening, |heard| heard.samples().len() as u64 > (ends + 100) * 16).await;
    assert_contiguous(&heard);
    assert!(heard.frames.iter().all(|frame| !frame.concealed), "nothing is lost on loopback");
    call.audio.close().await;
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_connection_leaves_nothing_behind() {
    let server = server();
    let mut call = call(&server, session(), "patient", None).await;
    heard_until(&mut call.listening, |heard| !heard.frames.is_empty()).await;
    assert_eq!(server.connections(), 1);
    server.delete(call.accepted.resource).await.unwrap();
    assert_eq!(server.connections(), 0);
    assert!(call.listening.borrow().closed, "the sink is dropped");
    assert_eq!(server.delete(call.accepted.resource).await, Ok(()), "it is gone, as was asked");
    assert_eq!(
        server.delete("6f2a9f0e-54a9-4b43-9d4f-6f5b6f3f0a11".parse().unwrap()).await,
        Err(WhipError::UnknownResource)
    );
    let ended = tokio::time::timeout(crate::common::PATIENCE, call.audio.ended()).await;
    assert!(ended.is_ok(), "the client is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_ends_the_connection_without_a_delete_and_a_late_one_does_not_fail() {
    let server = server();
    let mut call = call(&server, session(), "patient", None).await;
    heard_until(&mut call.listening, |heard| !heard.frames.is_empty()).await;
    call.audio.close().await;
    heard_until(&mut call.listening, |heard| heard.closed).await;
    assert_eq!(server.delete(call.accepted.resource).await, Ok(()), "whoever is overtaken by their own goodbye");
    server.close_all().await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_falls_silent_is_given_up() {
    let server = server_with(|config| config.idle_timeout = Duration::from_millis(5));
    let mut call = call(&server, session(), "patient", None).await;
    // Packets are 20 ms apart.
    let heard = heard_until(&mut call.listening, |heard| heard.closed).await;
    assert!(!heard.frames.is_empty());
    server.close_all().await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_comes_is_given_up() {
    let server = server_with(|config| config.connect_timeout = Duration::from_millis(200));
    let (peer, offer) = crate::common::offer().await;
    let (sink, mut listening) = crate::common::Recorder::listen(None);
    server.accept(session(), crate::common::spec("patient"), sink, &offer).await.unwrap();
    let heard = heard_until(&mut listening, |heard| heard.closed).await;
    assert!(heard.frames.is_empty());
    peer.close().await;
    server.close_all().await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_refuses_closes_the_connection() {
    let server = server();
    let mut call = call(&server, session(), "patient", Some(Refusal::SessionEnded)).await;
    let heard = heard_until(&mut call.listening, |heard| heard.closed).await;
    assert_eq!(heard.pushes, 1);
    server.close_all().await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_is_overloaded_misses_frames_and_keeps_its_connection() {
    let server = server();
    let overloaded = Refusal::Overloaded { queue: "track".into(), retry_after_ms: 1 };
    let mut call = call(&server, session(), "patient", Some(overloaded)).await;
    let heard = heard_until(&mut call.listening, |heard| heard.pushes > 20).await;
    assert!(!heard.closed);
    call.audio.close().await;
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_connection_of_a_participant_replaces_the_older_and_leaves_others_alone() {
    let server = server();
    let session = session();
    let mut first = call(&server, session, "patient", None).await;
    let mut other = call(&server, session, "clinician", None).await;
    let mut second = call(&server, session, "patient", None).await;
    heard_until(&mut first.listening, |heard| heard.closed).await;
    heard_until(&mut second.listening, |heard| heard.frames.len() > 5).await;
    let before = other.listening.borrow().frames.len();
    heard_until(&mut other.listening, |heard| heard.frames.len() > before + 5 && !heard.closed).await;
    assert_eq!(server.close_session(session).await, 2);
    assert_eq!(server.connections(), 0);
    assert!(other.listening.borrow().closed && second.listening.borrow().closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_everything_ends_every_connection_and_refuses_new_ones() {
    let server = server();
    let calls = [call(&server, session(), "a", None).await, call(&server, session(), "b", None).await];
    server.close_all().await;
    assert_eq!(server.connections(), 0);
    assert!(calls.iter().all(|call| call.listening.borrow().closed));
    let (peer, offer) = crate::common::offer().await;
    let (sink, _) = crate::common::Recorder::listen(None);
    let refused = server.accept(session(), crate::common::spec("a"), sink, &offer).await.unwrap_err();
    assert_eq!(refused.status(), 503);
    peer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_arrives_on_the_interfaces_of_the_machine_too() {
    let server = server_with(|config| config.bind = vec![Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into()]);
    let config = ClientConfig { bind: vec![Ipv4Addr::UNSPECIFIED.into()], ..ClientConfig::default() };
    let (peer, offer) = OfferedPeer::offer(config).await.unwrap();
    // Like a browser that hides its addresses behind a name: the server learns them from what arrives.
    let hide = |line: &str| match line.strip_prefix("a=candidate:") {
        Some(_) => {
            "a=candidate:1 1 udp 2113937151 0b6d2b1c-aaaa-4bbb-8ccc-1234567890ab.local 40001 typ host\r\n".into()
        }
        None => format!("{line}\r\n"),
    };
    let hidden: String = offer.lines().map(hide).collect();
    let (sink, mut listening) = crate::common::Recorder::listen(None);
    let accepted = server.accept(session(), crate::common::spec("patient"), sink, &hidden).await.unwrap();
    let audio = peer.answer(accepted.answer_sdp).await.unwrap();
    heard_until(&mut listening, |heard| heard.frames.len() > 10).await;
    audio.close().await;
    server.close_all().await;
}
