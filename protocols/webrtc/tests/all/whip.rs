//! What RFC 9725 says of requests that are not fine.

use crate::common::{Recorder, call, offer, server, server_with, session, spec, with_video};
use healthsync_webrtc::{Patched, VideoCodec, WhipError, WhipResourceId, WhipServer, client::OfferedPeer};
use uuid::Uuid;

const TRICKLE: &str = "application/trickle-ice-sdpfrag";

async fn refused(server: &WhipServer, offer: &str) -> WhipError {
    let (sink, listening) = Recorder::listen(None);
    let error = server.accept(session(), spec("patient"), sink, offer).await.unwrap_err();
    crate::common::heard_until(&mut listening.clone(), |heard| heard.closed).await;
    assert_eq!(server.connections(), 0, "a refused offer leaves nothing behind");
    error
}

#[tokio::test]
async fn a_malformed_offer_is_a_bad_request() {
    let server = server();
    assert_eq!(refused(&server, "not a session description").await.status(), 400);
    let (peer, good) = offer().await;
    // Fine for us line by line, and nonsense for the media stack.
    let bad = good.replace("o=-", "o=- - -");
    assert_eq!(refused(&server, &bad).await.status(), 400);
    peer.close().await;
}

#[tokio::test]
async fn an_offer_without_opus_as_webrtc_has_it_is_unprocessable() {
    let server = server();
    let (peer, good) = offer().await;
    for codec in ["G722/8000", "opus/16000/2", "opus/48000/1", "opus/48000"] {
        assert_eq!(refused(&server, &good.replace("opus/48000/2", codec)).await.status(), 422, "{codec}");
    }
    peer.close().await;
}

#[tokio::test]
async fn a_second_video_section_or_one_apart_is_unprocessable() {
    let server = server();
    let (peer, good) = OfferedPeer::offer(with_video(VideoCodec::Vp8)).await.unwrap();
    let second = &good[good.find("m=video").unwrap()..];
    assert_eq!(refused(&server, &format!("{good}{second}")).await.status(), 422);
    let group = good.lines().find(|line| line.starts_with("a=group:BUNDLE")).unwrap();
    assert_eq!(refused(&server, &good.replace(group, "a=group:BUNDLE 0")).await.status(), 422);
    peer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn video_that_we_do_not_forward_is_rejected_and_the_sound_goes_on() {
    let server = server();
    let (peer, good) = OfferedPeer::offer(with_video(VideoCodec::Vp8)).await.unwrap();
    let foreign = good.replace("VP8/90000", "VP9/90000").replace("H264/90000", "H265/90000");
    let (sink, mut listening) = Recorder::listen(None);
    let accepted = server.accept(session(), spec("patient"), sink, &foreign).await.unwrap();
    assert!(accepted.answer_sdp.contains("m=video 0 "), "{}", accepted.answer_sdp);
    let audio = peer.answer(accepted.answer_sdp).await.unwrap();
    assert!(audio.video().is_none());
    crate::common::heard_until(&mut listening, |heard| heard.frames.len() > 5).await;
    audio.close().await;
    server.close_all().await;
}

#[tokio::test]
async fn an_oversized_offer_is_too_large() {
    let server = server();
    let (peer, good) = offer().await;
    let padded = format!("{good}a=x:{}\r\n", "y".repeat(healthsync_events::limits::MAX_SDP_BYTES));
    assert_eq!(refused(&server, &padded).await.status(), 413);
    peer.close().await;
}

#[tokio::test]
async fn two_hundred_participants_are_refused_from_the_seventeenth_on() {
    let server = server();
    let session = session();
    let (peer, offer) = offer().await;
    let mut taken = 0;
    for i in 0..200 {
        let (sink, _) = Recorder::listen(None);
        let who = spec(&format!("participant-{i}"));
        let has_room = server.has_room(session, &who.participant);
        let accepted = server.accept(session, who, sink, &offer).await;
        assert_eq!(has_room.is_ok(), accepted.is_ok(), "who asks beforehand is told the same");
        match accepted {
            Ok(_) => taken += 1,
            Err(error) => {
                assert_eq!(error.status(), 503);
                assert!(error.to_string().contains("participants") && error.retry_after().is_some());
            }
        }
    }
    assert_eq!(taken, healthsync_events::limits::MAX_PARTICIPANTS);
    let (sink, _) = Recorder::listen(None);
    let again = server.accept(session, spec("participant-0"), sink, &offer).await;
    assert!(again.is_ok(), "one who is there may come again");
    server.close_all().await;
    assert_eq!(server.connections(), 0);
    peer.close().await;
}

#[tokio::test]
async fn a_full_server_says_when_to_come_back() {
    let server = server_with(|config| config.max_connections = 1);
    let first = call(&server, session(), "patient", None).await;
    let (peer, offer) = offer().await;
    let (sink, _) = Recorder::listen(None);
    assert_eq!(server.has_room(session(), &"clinician".parse().unwrap()).unwrap_err().status(), 503);
    let error = server.accept(session(), spec("clinician"), sink, &offer).await.unwrap_err();
    assert_eq!(error.status(), 503);
    assert!(error.retry_after().is_some());
    server.delete(first.accepted.resource).await.unwrap();
    let (sink, _) = Recorder::listen(None);
    assert!(server.accept(session(), spec("clinician"), sink, &offer).await.is_ok(), "there is room again");
    peer.close().await;
    server.close_all().await;
}

#[tokio::test]
async fn a_port_range_is_kept_and_when_it_is_taken_the_server_is_full() {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = server_with(|config| config.ports = Some(free..=free));
    let first = call(&server, session(), "patient", None).await;
    assert!(first.accepted.answer_sdp.contains(&format!("127.0.0.1 {free} typ host")));
    let (peer, offer) = offer().await;
    let (sink, _) = Recorder::listen(None);
    assert_eq!(server.accept(session(), spec("clinician"), sink, &offer).await.unwrap_err().status(), 503);
    peer.close().await;
    server.close_all().await;
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_answer_receives_opus_with_redundancy_and_holds_its_candidates() {
    let server = server_with(|config| config.advertise = vec!["203.0.113.9".parse().unwrap()]);
    let (peer, offer) = offer().await;
    let (sink, _) = Recorder::listen(None);
    let accepted = server.accept(session(), spec("patient"), sink, &offer).await.unwrap();
    let answer = &accepted.answer_sdp;
    for line in ["a=recvonly", "a=rtcp-mux", "a=rtcp-mux-only"] {
        assert_eq!(answer.lines().filter(|answered| *answered == line).count(), 1, "{line} in {answer}");
    }
    assert!(answer.contains("useinbandfec=1") && answer.contains("203.0.113.9") && !answer.contains("a=sendrecv"));
    assert!(accepted.etag.starts_with('"') && accepted.etag.ends_with('"'));
    peer.close().await;
    server.close_all().await;
}

#[tokio::test]
async fn candidates_are_trickled_under_the_rules_for_conditional_requests() {
    let server = server();
    let call = call(&server, session(), "patient", None).await;
    let (resource, etag) = (call.accepted.resource, call.accepted.etag.clone());
    let body = "a=mid:0\r\na=candidate:1 1 udp 2122260223 127.0.0.1 61764 typ host\r\na=end-of-candidates\r\n";
    let patch = |content_type: &'static str, if_match: Option<String>, body: String| {
        let server = server.clone();
        async move { server.patch(resource, content_type, if_match.as_deref(), &body).await.map_err(|e| e.status()) }
    };
    let current = Some(etag);
    assert_eq!(patch(TRICKLE, current.clone(), body.into()).await, Ok(Patched::Trickled));
    assert_eq!(patch(TRICKLE, None, body.into()).await, Err(428));
    assert_eq!(patch(TRICKLE, Some("\"other\"".into()), body.into()).await, Err(412));
    assert_eq!(patch("application/sdp", current.clone(), body.into()).await, Err(415));
    assert_eq!(patch(TRICKLE, current.clone(), "nonsense".into()).await, Err(400));
    let restart = format!("a=ice-ufrag:newone\r\na=ice-pwd:vw5LmwG4yzPAC9Gp5kabcdef\r\n{body}");
    assert_eq!(patch(TRICKLE, current.clone(), restart).await, Err(412), "a restart names no ICE session");
    let weak = format!("a=ice-ufrag:new\r\na=ice-pwd:short\r\n{body}");
    assert_eq!(patch(TRICKLE, Some("*".into()), weak).await, Err(400));
    let unresolvable = body.replace("127.0.0.1", "aaaa-bbbb.local");
    assert_eq!(patch(TRICKLE, current.clone(), unresolvable).await, Ok(Patched::Trickled), "silently discarded");
    let many: String = (1..=40).map(|i| body.replace("61764", &format!("{}", 50_000 + i))).collect();
    assert_eq!(patch(TRICKLE, current.clone(), many).await, Err(422));
    let unknown = WhipResourceId(Uuid::new_v4());
    assert_eq!(server.patch(unknown, TRICKLE, Some("*"), body).await, Err(WhipError::UnknownResource));
    assert!(call.audio.is_connected(), "no refused request ends the session");
    call.audio.close().await;
    server.close_all().await;
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_nothing_behind() {
    let server = server();
    let (peer, offer) = offer().await;
    let (sink, mut listening) = Recorder::listen(None);
    let session = session();
    let mut accepting = Box::pin(server.accept(session, spec("patient"), sink, &offer));
    // Once is enough to start it.
    assert!(futures_util::poll!(&mut accepting).is_pending());
    drop(accepting);
    crate::common::heard_until(&mut listening, |heard| heard.closed).await;
    server.close_all().await;
    assert_eq!(server.connections(), 0);
    peer.close().await;
}
