use super::*;
use proptest::prelude::*;

/// Takes loudness for voice.
struct Loudness;

impl VoiceActivity for Loudness {
    fn frame_len(&self) -> usize {
        256
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ModelError> {
        Ok(if frame.iter().any(|s| s.abs() > 0.1) { 1.0 } else { 0.0 })
    }
}

fn segmenter() -> Segmenter {
    Segmenter::new(SegmenterConfig::default(), Box::new(Loudness))
}

fn track(parts: &[(u64, f32)]) -> Vec<f32> {
    parts.iter().flat_map(|(millis, level)| std::iter::repeat_n(*level, ms(*millis) as usize)).collect()
}

fn segments(samples: &[f32], chunk: usize) -> Vec<SegmentEvent> {
    let mut segmenter = segmenter();
    let mut events = Vec::new();
    for (index, chunk_samples) in samples.chunks(chunk).enumerate() {
        events.extend(segmenter.push((index * chunk) as u64, chunk_samples).unwrap());
    }
    events.extend(segmenter.finish());
    events
}

fn ended(events: &[SegmentEvent]) -> Vec<&Segment> {
    events
        .iter()
        .filter_map(|event| match event {
            SegmentEvent::Ended(segment) => Some(segment),
            SegmentEvent::Started { .. } => None,
        })
        .collect()
}

#[test]
fn two_stretches_of_speech_are_two_utterances() {
    let events = segments(&track(&[(500, 0.0), (1_000, 0.5), (800, 0.0), (1_000, 0.5), (800, 0.0)]), 320);
    assert_eq!(ended(&events).len(), 2);
    assert!(matches!(events[0], SegmentEvent::Started { .. }));
}

#[test]
fn a_pause_within_a_clause_does_not_end_it() {
    let events = segments(&track(&[(500, 0.0), (1_000, 0.5), (400, 0.0), (1_000, 0.5), (800, 0.0)]), 320);
    assert_eq!(ended(&events).len(), 1);
}

#[test]
fn a_lone_short_word_survives_and_a_click_does_not() {
    assert_eq!(ended(&segments(&track(&[(500, 0.0), (300, 0.5), (900, 0.0)]), 320)).len(), 1);
    assert_eq!(ended(&segments(&track(&[(500, 0.0), (40, 0.5), (900, 0.0)]), 320)).len(), 0);
}

#[test]
fn an_utterance_begins_before_its_voice_and_ends_soon_after_it() {
    let events = segments(&track(&[(1_000, 0.0), (1_000, 0.5), (1_000, 0.0)]), 320);
    let segment = ended(&events)[0];
    assert!(segment.start <= ms(720) && segment.start >= ms(680), "{}", segment.start / 16);
    assert!(segment.end >= ms(2_000) && segment.end <= ms(2_016));
    let trailing = segment.start + segment.samples.len() as u64 - segment.end;
    assert!(trailing <= ms(200));
}

#[test]
fn a_monologue_is_cut_without_losing_or_repeating_a_sample() {
    let samples: Vec<f32> = (0..ms(60_000)).map(|n| 0.5 + (n % 1_000) as f32 / 10_000.0).collect();
    let events = segments(&samples, 320);
    let pieces = ended(&events);
    assert!(pieces.len() >= 3);
    let joined: Vec<f32> = pieces.iter().flat_map(|segment| segment.samples.iter().copied()).collect();
    let first = pieces[0].start as usize;
    assert_eq!(joined, samples[first..first + joined.len()]);
    assert!(pieces.iter().all(|segment| segment.samples.len() as u64 <= ms(25_100)));
}

#[test]
fn a_gap_in_the_track_counts_as_silence() {
    let mut segmenter = segmenter();
    let voice = track(&[(1_000, 0.5)]);
    let mut events = segmenter.push(0, &voice).unwrap();
    events.extend(segmenter.push(ms(10_000), &voice).unwrap());
    events.extend(segmenter.finish());
    let pieces = ended(&events);
    assert_eq!(pieces.len(), 2);
    assert!(pieces[1].start >= ms(9_900) && pieces[1].end <= ms(11_000));
}

proptest! {
    #[test]
    fn utterances_do_not_depend_on_how_the_track_is_chopped(
        parts in proptest::collection::vec((16u64..1_500, prop_oneof![Just(0.0f32), Just(0.5f32)]), 1..12),
        chunk in 1usize..4_000,
    ) {
        let samples = track(&parts);
        prop_assert_eq!(segments(&samples, chunk), segments(&samples, 320));
    }

    #[test]
    fn utterances_follow_one_another_and_hold_the_tracks_samples(
        parts in proptest::collection::vec((16u64..1_500, prop_oneof![Just(0.0f32), Just(0.5f32)]), 1..12),
    ) {
        let samples: Vec<f32> = track(&parts).iter().enumerate().map(|(n, s)| s + n as f32 * 1e-7).collect();
        let events = segments(&samples, 320);
        let mut before = 0;
        for segment in ended(&events) {
            prop_assert!(segment.start >= before);
            let (start, end) = (segment.start as usize, segment.start as usize + segment.samples.len());
            prop_assert_eq!(&segment.samples[..], &samples[start..end]);
            before = segment.end;
        }
    }
}
