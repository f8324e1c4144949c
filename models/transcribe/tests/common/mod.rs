//! What recognition tests hear with.

use healthsync_transcribe::{EarshotActivity, Segment, SegmentEvent, Segmenter, SegmenterConfig};

/// 20 ms at 16 kHz, as a call delivers audio.
const FRAME: usize = 320;

/// What voice activity cuts out of a recording.
pub fn utterances(samples: &[f32]) -> Vec<Segment> {
    let mut segmenter = Segmenter::new(SegmenterConfig::default(), Box::new(EarshotActivity::default()));
    let mut events = Vec::new();
    for (index, frame) in samples.chunks(FRAME).enumerate() {
        events.extend(segmenter.push((index * FRAME) as u64, frame).unwrap());
    }
    events.extend(segmenter.finish());
    let ended = |event| if let SegmentEvent::Ended(segment) = event { Some(segment) } else { None };
    events.into_iter().filter_map(ended).collect()
}
