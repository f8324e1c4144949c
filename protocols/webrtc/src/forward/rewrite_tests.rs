use super::*;
use proptest::prelude::*;

const TICKS: u32 = 960;

fn source(connection: u64) -> SourceId {
    SourceId { connection, ssrc: 100 + connection as u32 }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn rewriter() -> Rewriter {
    Rewriter::new(48_000, 65_534, u32::MAX - 1_000)
}

#[test]
fn one_stream_keeps_its_steps_across_both_wrap_arounds() {
    let mut rewriter = rewriter();
    let mut last: Option<(u16, u32)> = None;
    for i in 0..200_000_u64 {
        let (sequence, timestamp) = ((40_000 + i) as u16, (i as u32).wrapping_mul(TICKS));
        let out = rewriter.rewrite(source(1), sequence, timestamp, ms(i * 20)).unwrap();
        if let Some((sequence, timestamp)) = last {
            assert_eq!(out, (sequence.wrapping_add(1), timestamp.wrapping_add(TICKS)));
        }
        last = Some(out);
    }
}

#[test]
fn a_lost_packet_leaves_its_place_and_takes_it_when_it_is_sent_again() {
    let mut rewriter = rewriter();
    assert_eq!(rewriter.rewrite(source(1), 7, 0, ms(0)).unwrap().0, 65_534);
    assert_eq!(rewriter.rewrite(source(1), 9, 1_920, ms(40)).unwrap().0, 0);
    let again = rewriter.rewrite(source(1), 8, 960, ms(60)).unwrap();
    assert_eq!(again, (65_535, (u32::MAX - 1_000).wrapping_add(960)));
    assert_eq!(rewriter.rewrite(source(1), 10, 2_880, ms(60)).unwrap().0, 1);
}

#[test]
fn a_participant_who_comes_back_continues_the_numbers_and_the_time() {
    let mut rewriter = rewriter();
    let (sequence, timestamp) = rewriter.rewrite(source(1), 500, 77, ms(0)).unwrap();
    let (next, later) = rewriter.rewrite(source(2), 12_345, 4_000_000_000, ms(3_000)).unwrap();
    assert_eq!(next, sequence.wrapping_add(1));
    assert_eq!(later.wrapping_sub(timestamp), 3 * 48_000, "three seconds passed");
    let (third, latest) = rewriter.rewrite(source(2), 12_346, 4_000_000_960, ms(3_020)).unwrap();
    assert_eq!((third.wrapping_sub(next), latest.wrapping_sub(later)), (1, 960));
}

#[test]
fn late_packets_of_a_stream_that_was_left_go_nowhere() {
    let mut rewriter = rewriter();
    rewriter.rewrite(source(1), 500, 0, ms(0)).unwrap();
    rewriter.rewrite(source(2), 9, 0, ms(20)).unwrap();
    assert_eq!(rewriter.rewrite(source(1), 501, 960, ms(21)), None, "the older connection");
    assert_eq!(rewriter.rewrite(source(2), 8, 0, ms(22)), None, "from before the first");
    let other = SourceId { ssrc: 1, ..source(2) };
    assert!(rewriter.rewrite(other, 0, 0, ms(40)).is_some(), "a sender may change its source");
    assert_eq!(rewriter.rewrite(source(2), 10, 960, ms(41)), None, "and not back by a late packet");
}

#[test]
fn a_sender_that_numbers_anew_is_followed_and_one_stray_packet_is_not() {
    let mut rewriter = rewriter();
    let (sequence, _) = rewriter.rewrite(source(1), 500, 0, ms(0)).unwrap();
    assert_eq!(rewriter.rewrite(source(1), 40_000, 5, ms(20)), None);
    assert_eq!(rewriter.rewrite(source(1), 501, 960, ms(20)).unwrap().0, sequence.wrapping_add(1));
    assert_eq!(rewriter.rewrite(source(1), 40_000, 5, ms(40)), None);
    let (next, _) = rewriter.rewrite(source(1), 40_001, 965, ms(60)).unwrap();
    assert_eq!(next, sequence.wrapping_add(2));
}

proptest! {
    /// Whatever comes, no two packets that arrive in order share a number, and time never steps back at a change.
    #[test]
    fn numbers_are_unique_and_time_goes_on(
        changes in proptest::collection::vec((1_usize..40, any::<u16>(), any::<u32>(), 1_u64..10_000), 1..12)
    ) {
        let mut rewriter = rewriter();
        let mut now = Duration::ZERO;
        let mut last: Option<(u16, u32)> = None;
        for (connection, (packets, sequence, timestamp, pause)) in changes.into_iter().enumerate() {
            now += ms(pause);
            for i in 0..packets {
                let incoming = (sequence.wrapping_add(i as u16), timestamp.wrapping_add(i as u32 * TICKS));
                let out = rewriter.rewrite(source(connection as u64), incoming.0, incoming.1, now);
                let out = out.expect("packets in order are sent");
                if let Some((sequence, timestamp)) = last {
                    prop_assert_eq!(out.0, sequence.wrapping_add(1));
                    prop_assert!((out.1.wrapping_sub(timestamp) as i32) > 0);
                }
                last = Some(out);
                now += ms(20);
            }
        }
    }

    #[test]
    fn arbitrary_packets_never_panic(
        packets in proptest::collection::vec((0_u64..3, 0_u32..3, any::<u16>(), any::<u32>(), any::<u32>()), 0..200)
    ) {
        let mut rewriter = rewriter();
        for (connection, ssrc, sequence, timestamp, at) in packets {
            rewriter.rewrite(SourceId { connection, ssrc }, sequence, timestamp, ms(u64::from(at)));
        }
    }
}
