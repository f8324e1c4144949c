use super::*;
use crate::forward::VideoCodec;
use proptest::prelude::*;

/// Shaped like a browser's, with documentation addresses (RFC 5737).
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0\r\nc=IN IP4 0.0.0.0\r\n\
    a=candidate:1 1 udp 2113937151 0b6d2b1c-aaaa-4bbb-8ccc-1234567890ab.local 40001 typ host\r\n\
    a=candidate:2 1 udp 1677729535 192.0.2.1 61764 typ srflx raddr 0.0.0.0 rport 0\r\n\
    a=candidate:3 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n\
    a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-options:trickle\r\n\
    a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n\
    a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n\
    a=rtpmap:0 PCMU/8000\r\n";

fn refusal(offer: &str) -> (u16, WhipError) {
    let error = Offer::parse(offer).unwrap_err();
    (error.status(), error)
}

#[test]
fn an_offer_of_one_opus_track_is_accepted() {
    let offer = Offer::parse(OFFER).unwrap();
    assert_eq!(offer.opus, [111]);
    assert_eq!(offer.ice, IceCredentials { ufrag: "EsAw".into(), pwd: "P2uYro0UCOQ4zxjKXaWCBui1".into() });
}

#[test]
fn candidates_that_we_cannot_send_to_are_left_out_of_the_offer() {
    let offer = Offer::parse(OFFER).unwrap();
    assert_eq!(offer.candidates, 1);
    assert!(!offer.sdp.contains(".local") && !offer.sdp.contains(" tcp ") && offer.sdp.contains("192.0.2.1 61764"));
}

#[test]
fn what_is_not_sdp_is_a_bad_request() {
    for text in ["", "\r\n\r\n", "hello", "{\"type\":\"offer\"}", "v=0\r\nnonsense", "v=0\r\ns=-\r\n"] {
        assert_eq!(refusal(text).0, 400, "{text:?}");
    }
    assert_eq!(refusal(&OFFER.replace("a=ice-ufrag:EsAw\r\n", "")).0, 400);
    assert_eq!(refusal(&OFFER.replace("a=fingerprint:sha-256 AA:BB\r\n", "")).0, 400);
}

#[test]
fn an_offer_without_opus_is_unprocessable() {
    let pcmu = OFFER.replace("UDP/TLS/RTP/SAVPF 111 63 0", "UDP/TLS/RTP/SAVPF 0");
    assert_eq!(refusal(&pcmu), (422, WhipError::Unacceptable("Opus is not offered")));
}

/// A video section as Chromium's, with what it has in several profiles.
const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 98 103 104 107 109 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\n\
    a=rtcp-mux\r\na=rtpmap:98 VP9/90000\r\na=rtpmap:103 H264/90000\r\n\
    a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n\
    a=rtpmap:104 H264/90000\r\na=fmtp:104 packetization-mode=0;profile-level-id=42e01f\r\n\
    a=rtpmap:107 H264/90000\r\na=fmtp:107 packetization-mode=1; profile-level-id=64001f\r\n\
    a=rtpmap:109 H264/90000\r\na=fmtp:109 level-asymmetry-allowed=1; packetization-mode=1; profile-level-id=42E01F\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";

fn with_video(video: &str) -> String {
    format!("{}{video}", OFFER.replace("BUNDLE 0", "BUNDLE 0 1"))
}

#[test]
fn of_video_one_payload_type_of_each_codec_we_forward_is_kept() {
    let offer = Offer::parse(&with_video(VIDEO)).unwrap();
    assert_eq!(offer.video, [(109, VideoCodec::H264), (96, VideoCodec::Vp8)], "in the offerer's order");
    assert!(offer.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 109 96\r\n"), "{}", offer.sdp);
    assert!(offer.sdp.contains("a=rtcp-fb:96 nack pli") && !offer.sdp.contains("VP9") && !offer.sdp.contains("rtx"));
    let baseline = Offer::parse(&with_video(&VIDEO.replace("42E01F", "4d001f"))).unwrap();
    assert_eq!(baseline.video, [(103, VideoCodec::H264), (96, VideoCodec::Vp8)]);
}

#[test]
fn video_of_unknown_codecs_or_turned_off_leaves_an_offer_of_audio() {
    let foreign = VIDEO.replace("VP8", "AV1").replace("H264", "H265");
    for video in [foreign, VIDEO.replace("m=video 9", "m=video 0")] {
        let offer = Offer::parse(&with_video(&video)).unwrap();
        assert!(offer.video.is_empty() && offer.opus == [111]);
    }
}

#[test]
fn a_section_that_waits_to_be_bundled_is_meant() {
    let waiting = VIDEO.replace("m=video 9", "m=video 0").replace("a=mid:1", "a=mid:1\r\na=bundle-only");
    let offer = Offer::parse(&with_video(&waiting)).unwrap();
    assert!(offer.sdp.contains("m=video 9 ") && offer.video.len() == 2);
}

#[test]
fn video_apart_from_the_audio_or_not_sent_is_unprocessable() {
    assert_eq!(refusal(&format!("{OFFER}{VIDEO}")).0, 422, "not bundled");
    assert_eq!(refusal(&with_video(&VIDEO.replace("a=rtcp-mux\r\n", ""))).0, 422);
    assert_eq!(refusal(&with_video(&VIDEO.replace("a=sendonly", "a=inactive"))).0, 422);
    assert_eq!(refusal(&with_video(&format!("{VIDEO}{}", VIDEO.replace("mid:1", "mid:2")))).0, 422);
}

#[test]
fn stereo_opus_and_a_direction_for_the_whole_description_are_fine() {
    let stereo = OFFER.replace("useinbandfec=1", "stereo=1;sprop-stereo=1;maxplaybackrate=8000");
    assert!(Offer::parse(&stereo).is_ok());
    let whole = OFFER.replace("a=sendonly\r\n", "").replace("t=0 0\r\n", "t=0 0\r\na=recvonly\r\n");
    assert_eq!(refusal(&whole).0, 422);
    assert!(Offer::parse_watch(&whole).is_ok());
}

#[test]
fn who_watches_receives_and_of_speech_there_are_no_pictures() {
    let watching = with_video(VIDEO).replace("a=sendonly", "a=recvonly");
    assert_eq!(Offer::parse_watch(&watching).unwrap().video.len(), 2);
    assert_eq!(Offer::parse_watch(&with_video(VIDEO)).unwrap_err().status(), 422);
    assert_eq!(Offer::parse_listen(&watching).unwrap_err().status(), 422);
    assert!(Offer::parse_listen(&OFFER.replace("a=sendonly", "a=recvonly")).is_ok());
}

#[test]
fn a_restart_changes_the_ice_session_and_nothing_else() {
    let body = "a=ice-ufrag:newone\r\na=ice-pwd:vw5LmwG4yzPAC9Gp5kabcdef\r\na=mid:0\r\n\
        a=candidate:9 1 udp 2122260223 192.0.2.77 50000 typ host\r\n";
    let fragment = Fragment::parse(body).unwrap();
    let changed = restarted(OFFER, &fragment);
    assert!(changed.contains("o=- 1 3 IN IP4") && changed.contains("a=ice-ufrag:newone\r\n"));
    assert!(!changed.contains("EsAw") && !changed.contains("61764") && changed.contains("192.0.2.77 50000"));
    let count = |text: &str| text.lines().filter(|line| !line.starts_with("a=candidate")).count();
    assert_eq!(count(&changed), count(OFFER));
    let told = Fragment::of(&changed).unwrap();
    assert_eq!(told, fragment);
    assert_eq!(Fragment::parse(&told.to_text()), Ok(fragment));
}

#[test]
fn video_data_or_a_second_track_make_an_offer_unprocessable() {
    for section in [
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
    ] {
        assert_eq!(refusal(&format!("{OFFER}{section}")).0, 422);
    }
    assert_eq!(refusal(&OFFER.replace("m=audio", "m=video")).0, 422);
}

#[test]
fn an_offer_that_only_receives_or_will_not_be_secured_is_unprocessable() {
    assert_eq!(refusal(&OFFER.replace("a=sendonly", "a=recvonly")).0, 422);
    assert_eq!(refusal(&OFFER.replace("a=setup:actpass", "a=setup:passive")).0, 422);
    assert_eq!(refusal(&OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")).0, 422);
}

#[test]
fn an_oversized_offer_is_refused() {
    let padded = format!("{OFFER}a=x:{}\r\n", "y".repeat(MAX_SDP_BYTES));
    assert_eq!(refusal(&padded).0, 413);
}

#[test]
fn a_refusal_does_not_repeat_what_was_sent() {
    let (_, error) = refusal("v=0\r\ns=Maria da Silva\r\nm=video 9 X 1\r\n");
    assert!(!error.to_string().contains("Maria"));
}

#[test]
fn a_fragment_gives_its_usable_candidates() {
    let text = "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:p\r\n\
        a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n\
        a=candidate:2 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n\
        a=candidate:3 1 udp 2122260223 abc.local 61764 typ host\r\na=end-of-candidates\r\n";
    let fragment = Fragment::parse(text).unwrap();
    assert_eq!(fragment.mid.as_deref(), Some("0"));
    assert_eq!(fragment.ice.ufrag, "EsAw");
    assert_eq!(
        fragment.candidates,
        ["candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1"]
    );
}

#[test]
fn a_fragment_with_more_candidates_than_any_client_has_is_refused() {
    let one = "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n";
    let error = Fragment::parse(&one.repeat(MAX_CANDIDATES + 1)).unwrap_err();
    assert_eq!(error.status(), 422);
}

#[test]
fn the_answer_is_told_under_the_advertised_addresses() {
    let answer = "v=0\r\na=rtcp-mux\r\na=candidate:1 1 udp 2130706431 10.0.0.5 39132 typ host\r\n\
        a=candidate:1 2 udp 2130706431 10.0.0.5 39132 typ host\r\n\
        a=candidate:2 1 udp 2130706431 10.0.0.6 39133 typ host\r\n";
    let told = finish_answer(answer, &["198.51.100.1".parse().unwrap()]);
    assert_eq!(told.matches("198.51.100.1 39132").count(), 1);
    assert_eq!(told.matches("198.51.100.1 39133").count(), 1);
    assert!(!told.contains("10.0.0."));
    assert_eq!(told.matches("a=rtcp-mux-only").count(), 1);
    assert_eq!(finish_answer(answer, &[]).matches("10.0.0.5").count(), 1);
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(([a-z]=)?[ -~]{0,40}\r?\n){0,12}") {
        let _ = Offer::parse(&text);
        let _ = Offer::parse_watch(&text);
        if let Ok(fragment) = Fragment::parse(&text) {
            let _ = restarted(&text, &fragment);
        }
        let _ = finish_answer(&text, &["192.0.2.9".parse().unwrap()]);
    }

    #[test]
    fn an_accepted_offer_is_still_accepted_after_sanitising(keep in proptest::collection::vec(any::<bool>(), 30)) {
        let kept = OFFER.lines().zip(keep.into_iter().chain(std::iter::repeat(true))).filter(|(_, keep)| *keep);
        let thinned = kept.map(|(line, _)| line).collect::<Vec<_>>().join("
");
        if let Ok(offer) = Offer::parse(&thinned) {
            prop_assert_eq!(Offer::parse(&offer.sdp).map(|again| again.sdp), Ok(offer.sdp));
        }
    }
}
