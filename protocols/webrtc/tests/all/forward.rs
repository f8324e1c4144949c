//! From one participant to those who watch, over real ICE, DTLS and SRTP on loopback.

use crate::common::{Call, call, counted, server, server_with, session, video_call, watch, with_video};
use bytes::Bytes;
use healthsync_webrtc::{
    VideoCodec,
    client::{OfferedViewer, RtpPacket, VideoSender},
};

/// Ticks of the video clock from frame to frame, at 25 a second.
const FRAME: u32 = 3_600;

/// Payloads of every length and content that a packetiser may make.
fn canned(count: usize) -> Vec<Bytes> {
    (0..count).map(|i| (0..40 + i * 19 % 1_100).map(|j| (i * 31 + j * 7) as u8).collect()).collect()
}

/// Frames of three packets.
async fn send(video: &VideoSender, payloads: &[Bytes], from: u32) {
    for (i, payload) in payloads.iter().enumerate() {
        let timestamp = from.wrapping_add(i as u32 / 3 * FRAME);
        video.send(payload.clone(), timestamp, i % 3 == 2).await.unwrap();
    }
}

fn video(call: &Call) -> &VideoSender {
    call.audio.video().expect("the server takes video")
}

fn assert_numbered(packets: &[RtpPacket]) {
    for pair in packets.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].ssrc, pair[0].ssrc);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_and_pictures_reach_every_viewer_byte_for_byte() {
    let server = server();
    let session = session();
    let call = video_call(&server, session, "patient", VideoCodec::Vp8).await;
    let mut viewers = [watch(&server, session, "patient").await, watch(&server, session, "patient").await];
    for viewer in &mut viewers {
        viewer.audio(1).await;
    }
    let payloads = canned(90);
    send(video(&call), &payloads, 77_000).await;
    let mut sound = Vec::new();
    for viewer in &mut viewers {
        let packets = viewer.video(payloads.len()).await;
        assert!(packets.iter().map(|packet| &packet.payload).eq(&payloads), "payloads pass untouched");
        assert_numbered(&packets);
        assert!(packets.iter().enumerate().all(|(i, packet)| packet.marker == (i % 3 == 2)));
        let since = packets.iter().map(|packet| packet.timestamp.wrapping_sub(packets[0].timestamp));
        assert!(since.eq((0..90).map(|i| i / 3 * FRAME)));
        let packets = viewer.audio(50).await;
        assert_numbered(&packets);
        assert!(packets.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) == 960));
        sound.push(packets);
    }
    let both: Vec<&Bytes> = sound[0].iter().map(|packet| &packet.payload).collect();
    let begin = both.iter().position(|payload| **payload == sound[1][0].payload).expect("they hear the same");
    assert!(sound[1].iter().zip(&both[begin..]).all(|(one, other)| one.payload == **other));
    assert_eq!(server.viewers(), 2);
    call.audio.close().await;
    server.close_all().await;
    assert_eq!((server.connections(), server.viewers()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn either_codec_is_forwarded_under_the_viewers_own_payload_type() {
    let server = server();
    let session = session();
    let mut watcher = watch(&server, session, "patient").await;
    for (codec, payload_type) in [(VideoCodec::H264, 126), (VideoCodec::Vp8, 120)] {
        let call = video_call(&server, session, "patient", codec).await;
        watcher.audio(1).await;
        let payloads = canned(9);
        send(video(&call), &payloads, 0).await;
        let packets = watcher.video(9).await;
        assert!(packets.iter().all(|packet| packet.payload_type == payload_type), "{codec:?}");
        assert!(packets.iter().map(|packet| &packet.payload).eq(&payloads));
        assert!(watcher.audio(3).await.iter().all(|packet| packet.payload_type == 109));
        call.audio.close().await;
    }
    assert_eq!(server.stats(watcher.accepted.resource).unwrap().dropped, 0);
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_may_come_first_and_stays_while_the_participant_leaves_and_comes_back() {
    let server = server();
    let session = session();
    let mut watcher = watch(&server, session, "patient").await;
    let payloads = canned(30);
    for round in 0..3_u32 {
        let call = video_call(&server, session, "patient", VideoCodec::Vp8).await;
        watcher.audio(1).await;
        send(video(&call), &payloads, round.wrapping_mul(1_400_000_007)).await;
        assert!(watcher.video(payloads.len()).await.iter().map(|packet| &packet.payload).eq(&payloads));
        watcher.audio(10).await;
        call.audio.close().await;
    }
    for (packets, rate) in [(&watcher.audio, 48_000), (&watcher.video, 90_000)] {
        assert_numbered(packets);
        let mut ticks = 0;
        for pair in packets.windows(2) {
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
            assert!(step < rate * 30, "time neither stands nor steps back");
            ticks += step;
        }
        let (first, last) = (&packets[0], packets.last().unwrap());
        let told = f64::from(ticks) / f64::from(rate);
        let passed = (last.arrived - first.arrived).as_secs_f64();
        assert!((told - passed).abs() < 2.0, "{told} s of media in {passed} s");
    }
    assert!(watcher.viewer.is_connected());
    watcher.viewer.close().await;
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewers_wish_for_a_keyframe_reaches_the_participant_but_not_too_often() {
    let server = server();
    let session = session();
    let call = video_call(&server, session, "patient", VideoCodec::Vp8).await;
    let mut asked = video(&call).keyframe_requests();
    let payloads = canned(300);
    send(video(&call), &payloads[..3], 0).await;
    let mut first = watch(&server, session, "patient").await;
    counted(&mut asked, 1).await;
    let mut second = watch(&server, session, "patient").await;
    counted(&mut asked, 2).await;
    send(video(&call), &payloads[3..6], FRAME).await;
    first.video(3).await;
    second.video(3).await;
    let began = std::time::Instant::now();
    let before = *asked.borrow();
    // Every answer to a wish is followed by another wish, as fast as they are granted.
    for wish in 1..=3_u64 {
        first.viewer.request_keyframe();
        second.viewer.request_keyframe();
        counted(&mut asked, before + wish).await;
    }
    let least = healthsync_webrtc::forward::MIN_INTERVAL * 2;
    assert!(began.elapsed() >= least, "three requests in {:?}", began.elapsed());
    let wishes = server.stats(first.accepted.resource).unwrap().keyframe_requests;
    assert!(wishes >= 3, "{wishes}");
    assert!(server.stats(call.accepted.resource).unwrap().keyframe_requests >= 5);
    call.audio.close().await;
    server.close_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_for_viewers_run_out_in_a_session_and_in_all() {
    let server = server_with(|config| (config.max_session_viewers, config.max_viewers) = (1, 2));
    let (crowded, quiet) = (session(), session());
    let (peer, offer) = OfferedViewer::offer(with_video(VideoCodec::Vp8)).await.unwrap();
    let patient = "patient".parse().unwrap();
    let first = server.watch(crowded, &patient, &offer).await.unwrap();
    let refused = server.watch(crowded, &patient, &offer).await.unwrap_err();
    assert!(refused.status() == 503 && refused.to_string().contains("of the session"), "{refused}");
    server.watch(quiet, &patient, &offer).await.unwrap();
    let refused = server.watch(session(), &patient, &offer).await.unwrap_err();
    assert!(refused.status() == 503 && refused.retry_after().is_some(), "{refused}");
    server.delete(first.resource).await.unwrap();
    assert!(server.watch(crowded, &patient, &offer).await.is_ok());
    assert_eq!(server.close_session(crowded).await, 1);
    server.close_all().await;
    assert_eq!(server.viewers(), 0);
    peer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_hears_without_pictures_is_fine_and_so_is_a_participant_without() {
    let server = server();
    let session = session();
    let call = call(&server, session, "patient", None).await;
    let mut watcher = watch(&server, session, "patient").await;
    let tone: Vec<f32> = (0..8_000).map(|i| 0.5 * (i as f32 * 0.3).sin()).collect();
    call.audio.say(&tone, 8_000).await.unwrap();
    watcher.until("tone", |watcher| watcher.samples.iter().any(|sample| sample.abs() > 0.2)).await;
    let (peer, offer) = OfferedViewer::offer(healthsync_webrtc::ClientConfig::default()).await.unwrap();
    let accepted = server.watch(session, &"patient".parse().unwrap(), &offer).await.unwrap();
    let viewer = peer.answer(accepted.answer_sdp.clone()).await.unwrap();
    let mut listener = crate::common::Watcher::new(accepted, viewer);
    listener.audio(5).await;
    call.audio.close().await;
    server.close_all().await;
}
