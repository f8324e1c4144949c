use super::*;
use opus::{Application, Channels, Encoder};
use proptest::prelude::*;
use uuid::Uuid;

fn packet() -> Vec<u8> {
    let mut encoder = Encoder::new(16_000, Channels::Mono, Application::Voip).unwrap();
    encoder.encode_vec_float(&[0.1; 320], 1_275).unwrap()
}

fn frame(speech: u128, index: u32) -> SpeechFrame {
    let speech = SpeechId(Uuid::from_u128(speech));
    SpeechFrame { speech, index, last: false, interrupted: false, payload: packet() }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Everything sent until `until`, looking every millisecond.
fn sent(pacer: &mut SpeechPacer, from: u64, until: u64) -> Vec<(u64, SpokenPacket)> {
    (from..until).flat_map(|at| std::iter::from_fn(|| pacer.pop(ms(at))).map(|p| (at, p)).collect::<Vec<_>>()).collect()
}

#[test]
fn a_speech_made_at_once_goes_out_every_20_ms() {
    let mut pacer = SpeechPacer::new(5);
    (0..10).for_each(|i| pacer.push(&frame(1, i)));
    let out = sent(&mut pacer, 0, 1_000);
    assert_eq!(out.iter().map(|(at, _)| *at).collect::<Vec<_>>(), (0..10).map(|i| i * 20).collect::<Vec<_>>());
    assert!(out[0].1.marker && out[1..].iter().all(|(_, packet)| !packet.marker));
    assert!(out.windows(2).all(|pair| pair[1].1.timestamp.wrapping_sub(pair[0].1.timestamp) == 960));
    assert_eq!(pacer.due(), None, "silence is nothing");
}

#[test]
fn the_clock_goes_on_between_speeches_and_the_next_begins_with_the_marker() {
    let mut pacer = SpeechPacer::new(u32::MAX - 10_000);
    pacer.push(&frame(1, 0));
    let first = sent(&mut pacer, 0, 100);
    pacer.push(&frame(2, 0));
    let second = sent(&mut pacer, 2_000, 2_100);
    assert!(second[0].1.marker);
    assert_eq!(second[0].1.timestamp.wrapping_sub(first[0].1.timestamp), 2 * 48_000);
}

#[test]
fn an_interruption_takes_away_what_was_not_sent() {
    let mut pacer = SpeechPacer::new(0);
    (0..10).for_each(|i| pacer.push(&frame(1, i)));
    assert_eq!(sent(&mut pacer, 0, 50).len(), 3);
    pacer.push(&SpeechFrame { last: true, interrupted: true, payload: Vec::new(), ..frame(1, 10) });
    assert_eq!(pacer.due(), None);
    pacer.push(&frame(2, 0));
    let next = sent(&mut pacer, 50, 100);
    assert!(next.len() == 1 && next[0].1.marker);
    assert!(next[0].1.timestamp >= 3 * 960, "time does not step back");
}

#[test]
fn an_interruption_of_another_speech_changes_nothing() {
    let mut pacer = SpeechPacer::new(0);
    (0..3).for_each(|i| pacer.push(&frame(2, i)));
    pacer.push(&SpeechFrame { last: true, interrupted: true, payload: Vec::new(), ..frame(1, 10) });
    assert_eq!(sent(&mut pacer, 0, 100).len(), 3);
}

#[test]
fn a_short_hitch_is_made_up_for_and_a_pause_is_not() {
    let mut pacer = SpeechPacer::new(0);
    pacer.push(&frame(1, 0));
    sent(&mut pacer, 0, 80);
    (1..3).for_each(|i| pacer.push(&frame(1, i)));
    let late = sent(&mut pacer, 80, 100);
    assert_eq!(late.len(), 2, "both at once");
    assert!(!late[0].1.marker && late[1].1.timestamp == 2 * 960);
    pacer.push(&frame(1, 3));
    let paused = sent(&mut pacer, 1_000, 1_100);
    assert!(paused[0].1.marker && paused[0].1.timestamp == 48_000);
}

#[test]
fn what_is_no_opus_packet_and_what_is_too_much_is_dropped_and_counted() {
    let mut pacer = SpeechPacer::new(0);
    pacer.push(&SpeechFrame { payload: vec![0xff; 3], ..frame(1, 0) });
    assert_eq!((pacer.dropped(), pacer.due()), (1, None));
    (0..MAX_QUEUED as u32 + 7).for_each(|i| pacer.push(&frame(1, i)));
    assert_eq!(pacer.dropped(), 8);
    pacer.push(&SpeechFrame { last: true, payload: Vec::new(), ..frame(1, 999) });
    assert_eq!(sent(&mut pacer, 0, 6_000).len(), MAX_QUEUED);
}

proptest! {
    #[test]
    fn never_faster_than_real_time_and_never_back_in_time(
        steps in proptest::collection::vec((0_u64..60, 0_u128..3, 0_u32..4), 1..300)
    ) {
        let mut pacer = SpeechPacer::new(77);
        let mut out: Vec<SpokenPacket> = Vec::new();
        let mut now = 0;
        for (wait, speech, kind) in steps {
            now += wait;
            let interrupted = kind == 0;
            pacer.push(&SpeechFrame { interrupted, last: interrupted, ..frame(speech, 0) });
            out.extend(std::iter::from_fn(|| pacer.pop(ms(now))));
        }
        prop_assert!(out.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) as i32 >= 960));
        // An interruption frees the line at once, so each may put one packet more than real time allows.
        prop_assert!(pacer.queue.len() <= MAX_QUEUED);
    }
}
