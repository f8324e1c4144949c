//! What arrives at the media ports is seldom what one wishes for.

mod common;
#[path = "common/path.rs"]
mod path;

use common::{PATIENCE, recall, shared_server, speak, start_session, wait_for};
use healthsync_events::{Event, EventBody, SessionId};
use healthsync_loadtests::{ApiClient, client::Stream};
use healthsync_webrtc::{
    ClientConfig, WhipClient,
    client::{AudioSender, OfferedPeer},
};
use path::{RoughPath, Weather};
use reqwest::header;
use std::{f32::consts::TAU, net::SocketAddr};
use tokio::net::UdpSocket;

const ASKED: &str = "Good morning. Where does it hurt today?";

async fn final_caption(stream: &mut Stream) -> String {
    let wanted = |e: &Event| matches!(e.body, EventBody::CaptionFinal(_));
    let EventBody::CaptionFinal(caption) = wait_for(stream, wanted).await.body else { unreachable!() };
    caption.text
}

/// Where an answer says to send.
fn candidate(sdp: &str) -> SocketAddr {
    let line = sdp.lines().find(|line| line.starts_with("a=candidate:")).expect("a candidate");
    let fields: Vec<&str> = line.split_whitespace().collect();
    format!("{}:{}", fields[4], fields[5]).parse().unwrap()
}

/// Offers without a candidate that the server could reach past the path.
fn hidden(offer: &str) -> String {
    let hide = |line: &str| match line.strip_prefix("a=candidate:") {
        Some(_) => {
            "a=candidate:1 1 udp 2113937151 0b6d2b1c-aaaa-4bbb-8ccc-1234567890ab.local 40001 typ host\r\n".to_owned()
        }
        None => format!("{line}\r\n"),
    };
    offer.lines().map(hide).collect()
}

/// A connection over a path of that weather; the path lasts as long as the test holds it.
async fn connect_over(url: &str, weather: Weather) -> (AudioSender, RoughPath) {
    let (peer, offer) = OfferedPeer::offer(ClientConfig::default()).await.unwrap();
    let request = reqwest::Client::new().post(url).header(header::CONTENT_TYPE, "application/sdp").body(hidden(&offer));
    let answer = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    let server = candidate(&answer);
    let path = RoughPath::to(server, weather).await;
    let there = format!("{} {}", server.ip(), server.port());
    let detour = format!("{} {}", path.address.ip(), path.address.port());
    (peer.answer(answer.replace(&there, &detour)).await.unwrap(), path)
}

async fn metric(http: &str, line: &str) -> u64 {
    let metrics = reqwest::get(format!("{http}/metrics")).await.unwrap().text().await.unwrap();
    let value = metrics.lines().find_map(|l| l.strip_prefix(line));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

async fn begin(api: &ApiClient, patient: &str) -> (SessionId, Stream) {
    let session = start_session(api, patient).await.session;
    (session, api.follow(session, 1, None).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_is_understood_over_a_path_that_loses_packets_and_changes_their_order() {
    let server = shared_server().await;
    let (session, mut stream) = begin(&server.api(), "PATH-1").await;
    let recovered = "healthsync_webrtc_filled_samples_total{how=\"recovered\"}";
    let before = metric(&server.http, recovered).await;
    // 6 % are lost, and a quarter of the rest comes after those that were sent later.
    let weather = Weather { burst_every: 33, overtaken: 25 };
    let (audio, _path) = connect_over(&server.api().whip_url(session, "clinician", "en"), weather).await;
    // Five seconds: something is lost in one of its vowels, whose packets alone carry the ones before again.
    let asked = "Good morning. Where does it hurt today, and since when have you had this pain in your chest?";
    let (samples, rate) = speak(asked, "en");
    audio.say(&samples, rate).await.unwrap();
    let heard = final_caption(&mut stream).await;
    assert!(recall(asked, &heard) >= 0.8, "{heard}");
    // Connections are counted now and then.
    let came_back = async { while metric(&server.http, recovered).await <= before {} };
    tokio::time::timeout(PATIENCE, came_back).await.expect("what was lost came back out of what followed");
    audio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_at_the_media_port_disturbs_nobody() {
    let server = shared_server().await;
    let (session, mut stream) = begin(&server.api(), "PATH-2").await;
    let (peer, offer) = OfferedPeer::offer(ClientConfig::default()).await.unwrap();
    let url = server.api().whip_url(session, "clinician", "en");
    let request = reqwest::Client::new().post(url).header(header::CONTENT_TYPE, "application/sdp").body(offer);
    let answer = request.send().await.unwrap().text().await.unwrap();
    let port = candidate(&answer);
    let audio = peer.answer(answer).await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (samples, rate) = speak(ASKED, "en");
    let garbage = async {
        for i in 0..4_000_usize {
            // STUN, DTLS, RTP, RTCP and nothing known, by their first byte, of every length.
            let first = [0, 22, 128, 200, 255][i % 5];
            let packet: Vec<u8> = (0..i % 1_400).map(|j| if j == 0 { first } else { (i * 31 + j * 7) as u8 }).collect();
            stranger.send_to(&packet, port).await.unwrap();
            if i % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    let (said, ()) = tokio::join!(audio.say(&samples, rate), garbage);
    said.unwrap();
    let heard = final_caption(&mut stream).await;
    assert!(recall(ASKED, &heard) >= 0.8, "{heard}");
    audio.close().await;
}

/// Ten seconds of chords on a plucked string, with a beat.
fn music() -> Vec<f32> {
    const RATE: f32 = 24_000.0;
    let chords = [[220.0, 277.2, 329.6], [196.0, 246.9, 293.7], [174.6, 220.0, 261.6], [164.8, 207.7, 246.9]];
    (0..240_000)
        .map(|i| {
            let t = i as f32 / RATE;
            let (beat, chord) = (t % 0.5, chords[(t / 1.0) as usize % chords.len()]);
            let note = |hertz: f32| (1..5).map(|k| (TAU * hertz * k as f32 * t).sin() / k as f32).sum::<f32>();
            let drum = (TAU * 60.0 * beat).sin() * (-beat * 30.0).exp();
            0.08 * chord.iter().map(|hertz| note(*hertz)).sum::<f32>() * (-beat * 3.0).exp() + 0.3 * drum
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn music_is_not_put_into_words_and_the_sentence_after_it_is() {
    let server = shared_server().await;
    let (session, mut stream) = begin(&server.api(), "PATH-3").await;
    let url = server.api().whip_url(session, "clinician", "en");
    let whip = WhipClient::connect(&url, ClientConfig::default()).await.unwrap();
    whip.say(&music(), 24_000).await.unwrap();
    let (samples, rate) = speak(ASKED, "en");
    whip.say(&vec![0.0; 24_000], 24_000).await.unwrap();
    whip.say(&samples, rate).await.unwrap();
    let heard = final_caption(&mut stream).await;
    assert!(recall(ASKED, &heard) >= 0.8, "{heard}");
    assert!(common::words(&heard).len() < 12, "no more than was said: {heard}");
    whip.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_tag_that_is_none_is_refused_and_one_nobody_recognises_leaves_the_session_alive() {
    let server = shared_server().await;
    let (session, mut stream) = begin(&server.api(), "PATH-4").await;
    let url = server.api().whip_url(session, "patient", "not_a_tag");
    let offered = reqwest::Client::new().post(url).header(header::CONTENT_TYPE, "application/sdp").body("v=0");
    assert_eq!(offered.send().await.unwrap().status(), 422);

    // Klingon is a language by its tag, and none that Whisper knows.
    let url = server.api().whip_url(session, "patient", "tlh");
    let whip = WhipClient::connect(&url, ClientConfig::default()).await.unwrap();
    let (samples, rate) = speak(ASKED, "en");
    whip.say(&samples, rate).await.unwrap();
    let told = |e: &Event| matches!(e.body, EventBody::CaptionDropped(_) | EventBody::CaptionFinal(_));
    let event = wait_for(&mut stream, told).await;
    assert!(matches!(event.body, EventBody::CaptionDropped(_)), "{}", event.body.kind());
    whip.close().await.unwrap();

    let url = server.api().whip_url(session, "patient", "en");
    let whip = WhipClient::connect(&url, ClientConfig::default()).await.unwrap();
    whip.say(&samples, rate).await.unwrap();
    let heard = tokio::time::timeout(PATIENCE, final_caption(&mut stream)).await.unwrap();
    assert!(recall(ASKED, &heard) >= 0.8, "{heard}");
    whip.close().await.unwrap();
}
