use super::*;

const END: u32 = 50;
const STAMP: u32 = 100;

/// Six seconds of audio.
const FRAME: Frame = Frame { end: END, first_stamp: STAMP, last_stamp: STAMP + 300 };

fn candidate(row: usize, token: u32, probability: f32) -> Candidate {
    Candidate { row, token, log_probability: probability.ln() }
}

/// Past the stamp that opens the text.
fn opened(beams: usize, limit: usize) -> Search {
    let mut search = Search::new(beams, limit, FRAME);
    assert_eq!(search.advance(vec![candidate(0, STAMP, 1.0)]), [0]);
    search
}

fn next_of(tokens: &[u32]) -> Next {
    let mut search = opened(1, 100);
    for token in tokens {
        assert_eq!(search.advance(vec![candidate(0, *token, 0.9)]), [0], "{token}");
    }
    search.next().next().unwrap()
}

#[test]
fn a_stamp_within_a_second_opens_a_text() {
    let next = Search::new(5, 10, FRAME).next().next().unwrap();
    assert_eq!(next, Next { wanted: 5, text: false, end: false, first: true, stamps: STAMP..=STAMP + 50 });
    let next = next_of(&[]);
    assert!(next.text && next.first && !next.end && next.stamps.is_empty());
}

#[test]
fn stamps_come_in_pairs_and_rise() {
    let next = next_of(&[7]);
    assert!(next.text && next.end && !next.first);
    assert_eq!(next.stamps, STAMP + 1..=STAMP + 300);
    let next = next_of(&[7, STAMP + 100]);
    assert!(!next.text && next.end);
    assert_eq!(next.stamps, STAMP + 100..=STAMP + 300);
    let next = next_of(&[7, STAMP + 100, STAMP + 120]);
    assert!(next.text && next.end && next.stamps.is_empty());
    assert_eq!(next_of(&[7, STAMP + 100, STAMP + 120, 8]).stamps, STAMP + 121..=STAMP + 300);
}

#[test]
fn a_stretch_that_closes_at_the_end_of_the_audio_ends_the_text_and_no_other_does() {
    let mut search = opened(1, 100);
    assert_eq!(search.advance(vec![candidate(0, 7, 0.9)]), [0]);
    assert_eq!(search.advance(vec![candidate(0, STAMP + 294, 0.9)]), [0]);
    let mut search = opened(1, 100);
    assert_eq!(search.advance(vec![candidate(0, 7, 0.9)]), [0]);
    assert!(search.advance(vec![candidate(0, STAMP + 295, 0.9)]).is_empty());
    assert_eq!(search.best().tokens, [7]);
}

#[test]
fn one_beam_takes_the_likeliest_each_time() {
    let mut search = opened(1, 10);
    assert_eq!(search.advance(vec![candidate(0, 1, 0.4), candidate(0, 2, 0.6)]), [0]);
    assert!(search.advance(vec![candidate(0, END, 0.5)]).is_empty());
    let best = search.best();
    assert_eq!(best.tokens, [2]);
    assert!((best.probabilities()[0] - 0.6).abs() < 1e-6);
}

#[test]
fn a_beam_finds_what_greed_misses() {
    let mut search = opened(2, 10);
    assert_eq!(search.advance(vec![candidate(0, 1, 0.6), candidate(0, 2, 0.4)]), [0, 0]);
    // After the likelier first token nothing is likely.
    let next = vec![candidate(0, 3, 0.2), candidate(0, 4, 0.2), candidate(1, 5, 0.9), candidate(1, 6, 0.05)];
    assert_eq!(search.advance(next), [1, 0]);
    assert!(search.advance(vec![candidate(0, END, 0.9), candidate(1, END, 0.9)]).is_empty());
    assert_eq!(search.best().tokens, [2, 5]);
}

#[test]
fn what_has_ended_leaves_the_batch_and_narrows_the_beam() {
    let mut search = opened(3, 10);
    search.advance(vec![candidate(0, 3, 0.9)]);
    let rows = search.advance(vec![candidate(0, END, 0.5), candidate(0, 1, 0.3), candidate(0, 2, 0.2)]);
    assert_eq!((rows.len(), search.rows()), (2, 2));
    assert!(search.next().all(|next| next.wanted == 2));
}

#[test]
fn a_text_that_ended_early_does_not_stop_one_that_goes_on_to_be_likelier() {
    let mut search = opened(2, 30);
    search.advance(vec![candidate(0, 1, 0.5)]);
    search.advance(vec![candidate(0, END, 0.2), candidate(0, 2, 0.05)]);
    for token in 3..9 {
        assert_eq!(search.advance(vec![candidate(0, token, 0.9)]), [0]);
    }
    assert!(search.advance(vec![candidate(0, END, 0.9)]).is_empty());
    assert_eq!(search.best().tokens, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_text_ends_at_its_limit() {
    let mut search = opened(1, 3);
    assert_eq!(search.advance(vec![candidate(0, 1, 0.9)]), [0]);
    assert!(search.advance(vec![candidate(0, 1, 0.9)]).is_empty());
    assert_eq!(search.best().tokens, [1, 1]);
}

#[test]
fn what_has_ended_is_better_than_what_would_not() {
    let mut search = opened(2, 3);
    search.advance(vec![candidate(0, 1, 0.5), candidate(0, 2, 0.5)]);
    search.advance(vec![candidate(0, END, 0.3), candidate(1, 2, 0.9)]);
    assert_eq!(search.best().tokens, [1]);
}

#[test]
fn what_is_abandoned_is_over() {
    let mut search = opened(2, 10);
    search.advance(vec![candidate(0, 1, 0.5), candidate(0, 2, 0.5)]);
    search.abandon();
    assert_eq!((search.rows(), search.best()), (0, Hypothesis::default()));
}

#[test]
fn a_circle_is_cut_to_its_first_round() {
    let phrase = [4, 1, 2, 3, 5, 6, 7, 8, 2];
    let mut search = opened(1, 200);
    let mut steps = 0;
    for token in [7, 7].into_iter().chain(phrase.into_iter().cycle()) {
        steps += 1;
        if search.advance(vec![candidate(0, token, 0.9)]).is_empty() {
            break;
        }
    }
    assert_eq!(steps, 2 + 3 * phrase.len());
    let best = search.best();
    assert_eq!(best.tokens, [7, 7, 4, 1, 2, 3, 5, 6, 7, 8, 2]);
    assert_eq!(best.probabilities().len(), best.tokens.len());
}

#[test]
fn saying_something_twice_is_no_circle() {
    let mut search = opened(1, 200);
    for token in (0..30).map(|n| n % 15 + 10).chain([3, 3, 3, 3]) {
        assert_eq!(search.advance(vec![candidate(0, token, 0.9)]), [0]);
    }
}

#[test]
fn candidates_that_cannot_be_are_no_reason_to_fail() {
    let mut search = Search::new(2, 2, FRAME);
    assert!(search.advance(vec![candidate(7, 1, 0.9), candidate(0, 1, f32::NAN)]).is_empty());
    assert_eq!(search.best(), Hypothesis::default());
}
