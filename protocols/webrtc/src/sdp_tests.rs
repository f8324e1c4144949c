use super::*;
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
        let _ = Fragment::parse(&text);
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
