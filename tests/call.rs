//! Calls of two people through the real server: what each sees, hears and reads, and what a network does to it.

mod common;

use bytes::Bytes;
use common::{PATIENCE, recall, shared_server, speak, start_session, wait_for};
use healthsync_events::{
    Event, EventBody, SessionId,
    consultation::{MediaChanged, Sending},
};
use healthsync_loadtests::{ApiClient, client::Stream};
use healthsync_webrtc::{
    ClientConfig, VideoCodec, WhepClient, WhipClient,
    client::{Received, RtpPacket},
};

const ASKED: &str = "Good morning. Where does it hurt today?";
const ANSWERED: &str = "Estou com dor no peito desde ontem à noite.";

fn with_video() -> ClientConfig {
    ClientConfig { video: Some(VideoCodec::Vp8), ..ClientConfig::default() }
}

/// Somebody in a call: what they send.
async fn join(api: &ApiClient, session: SessionId, who: &str, language: &str) -> WhipClient {
    WhipClient::connect(&api.whip_url(session, who, language), with_video()).await.unwrap()
}

async fn receive(http: &str, session: SessionId, what: &str, config: ClientConfig) -> WhepClient {
    WhepClient::connect(&format!("{http}/api/v1/sessions/{session}/whep?{what}"), config).await.unwrap()
}

async fn sends(stream: &mut Stream, who: &str, audio: Sending, video: Sending) {
    let changed = |body: &EventBody| {
        matches!(body, EventBody::MediaChanged(MediaChanged { participant, audio: a, video: v })
            if participant.as_str() == who && (*a, *v) == (audio, video))
    };
    wait_for(stream, |event| changed(&event.body)).await;
}

async fn caption(stream: &mut Stream, who: &str) -> String {
    let theirs = |e: &Event| matches!(&e.body, EventBody::CaptionFinal(c) if c.participant.as_str() == who);
    let EventBody::CaptionFinal(caption) = wait_for(stream, theirs).await.body else { unreachable!() };
    caption.text
}

/// Frames of one packet each.
async fn show(whip: &WhipClient, payloads: &[Bytes], from: u32) {
    for (i, payload) in payloads.iter().enumerate() {
        whip.video().expect("video is taken").send(payload.clone(), from + i as u32 * 3_600, true).await.unwrap();
    }
}

fn pictures(seed: u8) -> Vec<Bytes> {
    (0..25_u8).map(|i| (0..200 + usize::from(i) * 30).map(|j| seed ^ i ^ j as u8).collect()).collect()
}

/// Receives until `ready` holds of the packets of pictures and the samples of sound.
async fn until(watcher: &mut WhepClient, what: &str, ready: impl Fn(&[RtpPacket], &[f32]) -> bool) -> Vec<RtpPacket> {
    let (mut pictures, mut sound) = (Vec::new(), Vec::new());
    let receiving = async {
        while !ready(&pictures, &sound) {
            match watcher.next().await.expect("still connected") {
                Received::Video(packet) => pictures.push(packet),
                Received::Audio { frames, .. } => sound.extend(frames.into_iter().flat_map(|frame| frame.samples)),
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, receiving).await.is_ok(), "no {what}");
    pictures
}

async fn sees(watcher: &mut WhepClient, payloads: &[Bytes]) {
    let count = payloads.len();
    let packets = until(watcher, "pictures", |pictures, _| pictures.len() >= count).await;
    assert!(packets.iter().map(|packet| &packet.payload).eq(payloads), "as they were sent");
}

/// Half a second of what is loud enough to be speech.
fn is_voice(samples: &[f32]) -> bool {
    samples.iter().filter(|sample| sample.abs() > 0.02).count() > 8_000
}

async fn hears(watcher: &mut WhepClient) {
    until(watcher, "voice", |_, sound| is_voice(sound)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_and_hear_each_other_and_the_interpreter_speaks_to_each() {
    let server = shared_server().await;
    let api = server.api();
    let session = start_session(&api, "CALL-1").await.session;
    let mut stream = api.follow(session, 1, None).await.unwrap();
    let clinician = join(&api, session, "clinician", "en").await;
    sends(&mut stream, "clinician", Sending::On, Sending::Off).await;
    show(&clinician, &pictures(1)[..1], 0).await;
    sends(&mut stream, "clinician", Sending::On, Sending::On).await;
    let patient = join(&api, session, "patient", "pt").await;

    let mut by_patient = receive(&server.http, session, "of=clinician", with_video()).await;
    let mut by_clinician = receive(&server.http, session, "of=patient", with_video()).await;
    let mut in_portuguese = receive(&server.http, session, "speech=pt", ClientConfig::default()).await;
    let mut in_english = receive(&server.http, session, "speech=en", ClientConfig::default()).await;

    show(&clinician, &pictures(1), 90_000).await;
    sees(&mut by_patient, &pictures(1)).await;
    show(&patient, &pictures(2), 0).await;
    sees(&mut by_clinician, &pictures(2)).await;

    let (samples, rate) = speak(ASKED, "en");
    let (said, (), heard) =
        tokio::join!(clinician.say(&samples, rate), hears(&mut by_patient), caption(&mut stream, "clinician"));
    said.unwrap();
    assert!(recall(ASKED, &heard) >= 0.8, "{heard}");
    hears(&mut in_portuguese).await;

    let (samples, rate) = speak(ANSWERED, "pt");
    let (said, (), heard) =
        tokio::join!(patient.say(&samples, rate), hears(&mut by_clinician), caption(&mut stream, "patient"));
    said.unwrap();
    assert!(heard.to_lowercase().contains("peito"), "{heard}");
    hears(&mut in_english).await;

    // Who leaves is seen to have left, and comes back to those who waited.
    clinician.close().await.unwrap();
    sends(&mut stream, "clinician", Sending::Off, Sending::Off).await;
    let clinician = join(&api, session, "clinician", "en").await;
    show(&clinician, &pictures(3), 7).await;
    sends(&mut stream, "clinician", Sending::On, Sending::On).await;
    sees(&mut by_patient, &pictures(3)).await;
    api.end_session(session).await.unwrap();
    let over = async { while by_patient.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, over).await.expect("the end of the session ends what is received of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_network_in_the_middle_of_a_sentence_costs_no_word() {
    let server = shared_server().await;
    let api = server.api();
    let session = start_session(&api, "CALL-2").await.session;
    let mut stream = api.follow(session, 1, None).await.unwrap();
    let clinician = join(&api, session, "clinician", "en").await;
    let mut by_patient = receive(&server.http, session, "of=clinician", with_video()).await;
    let (samples, rate) = speak(ASKED, "en");
    let (said, restarted) = tokio::join!(clinician.say(&samples, rate), async {
        clinician.restart_ice().await?;
        by_patient.restart_ice().await
    });
    said.unwrap();
    restarted.unwrap();
    let heard = caption(&mut stream, "clinician").await;
    assert!(recall(ASKED, &heard) >= 0.8, "{heard}");
    let (again, ()) = tokio::join!(clinician.say(&samples, rate), hears(&mut by_patient));
    again.unwrap();
    let events = common::all_events(&server.http, session).await;
    let off = |e: &&Event| matches!(&e.body, EventBody::MediaChanged(m) if m.audio == Sending::Off);
    assert_eq!(events.iter().filter(off).count(), 0, "nobody was seen to leave");
}
