//! The interpreter's voice as a track, over real ICE, DTLS and SRTP on loopback.

use crate::common::{Watcher, server, session};
use healthsync_events::{SpeechId, SpeechStream, speech::SpeechFrame};
use healthsync_webrtc::{ClientConfig, WhipServer, client::OfferedViewer};
use opus::{Application, Channels, Encoder};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Opus packets of a tone, 20 ms each.
fn packets(count: usize) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(24_000, Channels::Mono, Application::Voip).unwrap();
    let tone = |i: usize| 0.4 * (i as f32 * 0.1).sin();
    (0..count)
        .map(|frame| (0..480).map(|i| tone(frame * 480 + i)).collect::<Vec<f32>>())
        .map(|frame| encoder.encode_vec_float(&frame, 1_275).unwrap())
        .collect()
}

fn speech(id: u128, payloads: &[Vec<u8>]) -> Vec<SpeechFrame> {
    let frame = |(index, payload): (usize, &Vec<u8>)| SpeechFrame {
        speech: SpeechId(Uuid::from_u128(id)),
        index: index as u32,
        last: index + 1 == payloads.len(),
        interrupted: false,
        payload: payload.clone(),
    };
    payloads.iter().enumerate().map(frame).collect()
}

struct Interpreter {
    frames: mpsc::Sender<Arc<SpeechFrame>>,
}

impl Interpreter {
    async fn says(&self, frames: Vec<SpeechFrame>) {
        for frame in frames {
            self.frames.send(Arc::new(frame)).await.unwrap();
        }
    }
}

async fn listen(server: &WhipServer) -> (Interpreter, Watcher) {
    let (frames, queue) = mpsc::channel(1_000);
    let stream: SpeechStream = Box::pin(futures_util::stream::unfold(queue, |mut queue| async move {
        queue.recv().await.map(|frame| (frame, queue))
    }));
    let (peer, offer) = OfferedViewer::offer(ClientConfig::default()).await.unwrap();
    let accepted = server.listen(session(), stream, &offer).await.unwrap();
    let viewer = peer.answer(accepted.answer_sdp.clone()).await.unwrap();
    (Interpreter { frames }, Watcher::new(accepted, viewer))
}

/// Says something until the first packet comes: the server may be a moment behind its client in being connected.
async fn greeted(interpreter: &Interpreter, listener: &mut Watcher) {
    let greeting = packets(1);
    for id in 0.. {
        interpreter.says(speech(id, &greeting)).await;
        if tokio::time::timeout(Duration::from_millis(100), listener.audio(1)).await.is_ok() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speech_made_at_once_is_heard_in_real_time_as_it_was_encoded() {
    let server = server();
    let (interpreter, mut listener) = listen(&server).await;
    greeted(&interpreter, &mut listener).await;
    let payloads = packets(50);
    let before = listener.audio.len();
    interpreter.says(speech(1_000, &payloads)).await;
    listener.until("speech", |listener| listener.audio.iter().any(|packet| packet.payload == payloads[49])).await;
    let begin = listener.audio.len() - 50;
    assert!(begin >= before);
    let heard = &listener.audio[begin..];
    assert!(heard.iter().map(|packet| &packet.payload[..]).eq(payloads.iter().map(Vec::as_slice)));
    assert!(heard.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
    assert!(heard.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) >= 960));
    assert!(heard[0].marker, "the first after silence");
    let took = heard[49].arrived - heard[0].arrived;
    assert!(took >= Duration::from_millis(800), "one second of speech in {took:?}");
    assert!(listener.samples.iter().any(|sample| sample.abs() > 0.2));
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_silences_what_was_not_sent_and_the_next_speech_follows() {
    let server = server();
    let (interpreter, mut listener) = listen(&server).await;
    greeted(&interpreter, &mut listener).await;
    let (first, second) = (packets(100), packets(107).split_off(100));
    let frames = speech(1_000, &first);
    let cut = SpeechFrame { index: 100, last: true, interrupted: true, payload: Vec::new(), ..frames[0].clone() };
    interpreter.says(frames).await;
    listener.until("beginning", |listener| listener.audio.iter().any(|packet| packet.payload == first[5])).await;
    interpreter.says(vec![cut]).await;
    interpreter.says(speech(1_001, &second)).await;
    listener.until("next", |listener| listener.audio.iter().any(|packet| packet.payload == second[6])).await;
    let begin = listener.audio.iter().position(|packet| packet.payload == second[0]).unwrap();
    assert!(listener.audio[begin].marker);
    assert!(!listener.audio.iter().any(|packet| packet.payload == first[99]), "its end was not sent");
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_all_speech_ends_the_connection() {
    let server = server();
    let (interpreter, mut listener) = listen(&server).await;
    drop(interpreter);
    let ended = tokio::time::timeout(crate::common::PATIENCE, listener.viewer.next()).await;
    assert!(ended.expect("in time").is_none());
    server.close_all().await;
    assert_eq!(server.viewers(), 0);
}
