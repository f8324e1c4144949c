//! Cuts a track into utterances by voice activity. Pure: no clock, no I/O.

use crate::level::Leveller;
use healthsync_models::{ModelError, tasks::VoiceActivity};
use std::collections::VecDeque;

const fn ms(milliseconds: u64) -> u64 {
    milliseconds * 16
}

/// All lengths in samples at 16 kHz.
#[derive(Debug, Clone, Copy)]
pub struct SegmenterConfig {
    /// Probability from which a frame begins speech; and from which it continues speech (hysteresis).
    pub onset: f32,
    pub offset: f32,
    /// Voice before speech is taken to have begun: a click is shorter, a lone "sim" longer.
    pub min_voice: u64,
    /// Kept from before the onset: plosives and fricatives begin before the voice does.
    pub pre_roll: u64,
    /// Silence that ends an utterance. Pauses within a Portuguese or English clause rarely reach it.
    pub hangover: u64,
    /// Kept of that silence, so that the recogniser hears the last word end.
    pub tail: u64,
    /// Longest utterance: Whisper's window is 30 s, and a reader should not wait longer.
    pub max_utterance: u64,
    /// At the end of a longest utterance, where its quietest place is looked for.
    pub cut_search: u64,
}

impl Default for SegmenterConfig {
    fn default() -> Self {
        Self {
            onset: 0.6,
            offset: 0.35,
            min_voice: ms(128),
            pre_roll: ms(300),
            hangover: ms(560),
            tail: ms(200),
            max_utterance: ms(25_000),
            cut_search: ms(5_000),
        }
    }
}

/// A finished utterance. Times are media time in samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub start: u64,
    /// End of the last voice in it.
    pub end: u64,
    pub samples: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SegmentEvent {
    /// Someone began to speak; `at` is where the utterance's audio begins.
    Started {
        at: u64,
    },
    Ended(Segment),
}

/// The utterance being spoken.
#[derive(Debug, Clone, Copy)]
pub struct OpenUtterance<'a> {
    pub start: u64,
    pub samples: &'a [f32],
    /// Media time of the end of the last voice so far.
    pub voiced_end: u64,
}

struct Open {
    start: u64,
    samples: Vec<f32>,
    voiced_end: u64,
}

/// Cuts one track.
pub struct Segmenter {
    config: SegmenterConfig,
    activity: Box<dyn VoiceActivity>,
    leveller: Leveller,
    /// Media time of the end of the frames taken; `None` before the first sample.
    clock: Option<u64>,
    /// Samples after that, too few for a frame.
    rest: Vec<f32>,
    /// The newest frames while nobody speaks.
    recent: VecDeque<f32>,
    /// Length of the voice just heard while nobody is taken to speak.
    voice: u64,
    open: Option<Open>,
    keep_until: u64,
}

impl Segmenter {
    pub fn new(config: SegmenterConfig, activity: Box<dyn VoiceActivity>) -> Self {
        let leveller = Leveller::default();
        Self {
            config,
            activity,
            leveller,
            clock: None,
            rest: Vec::new(),
            recent: VecDeque::new(),
            voice: 0,
            open: None,
            keep_until: 0,
        }
    }

    /// Takes samples in at media time `at`. What is missing before them counts as silence; what was taken
    /// already is left out.
    pub fn push(&mut self, at: u64, samples: &[f32]) -> Result<Vec<SegmentEvent>, ModelError> {
        let mut events = Vec::new();
        let next = *self.clock.get_or_insert(at) + self.rest.len() as u64;
        let repeated = next.saturating_sub(at).min(samples.len() as u64) as usize;
        let missing = at.saturating_sub(next);
        if missing > 0 {
            // Silence longer than this ends any utterance; more of it would change nothing but the clock.
            let filled = missing.min(self.config.hangover + self.config.pre_roll);
            self.take(&vec![0.0; filled as usize], &mut events)?;
            if missing > filled {
                self.jump(at, &mut events);
            }
        }
        self.take(&samples[repeated..], &mut events)?;
        Ok(events)
    }

    /// The utterance being spoken, if someone speaks.
    pub fn open(&self) -> Option<OpenUtterance<'_>> {
        let open = self.open.as_ref()?;
        Some(OpenUtterance { start: open.start, samples: &open.samples, voiced_end: open.voiced_end })
    }

    /// What the utterance will have been if nobody goes on speaking, as soon as all of it has been heard: a
    /// pause of `tail` in, well before `hangover` says that it is over.
    pub fn pausing(&self) -> Option<OpenUtterance<'_>> {
        let open = self.open()?;
        let length = open.voiced_end - open.start + self.config.tail;
        Some(OpenUtterance { samples: open.samples.get(..length as usize)?, ..open })
    }

    /// Says that the utterance being spoken is not to be cut before this media time: its words up to there are
    /// committed, and would be heard twice.
    pub fn keep_until(&mut self, at: u64) {
        self.keep_until = at;
    }

    /// Ends the track, and with it the utterance being spoken.
    pub fn finish(&mut self) -> Option<SegmentEvent> {
        let open = self.open.take()?;
        Some(SegmentEvent::Ended(self.close(open)))
    }

    fn take(&mut self, samples: &[f32], events: &mut Vec<SegmentEvent>) -> Result<(), ModelError> {
        self.rest.extend_from_slice(samples);
        let len = self.activity.frame_len();
        let whole = self.rest.len() / len * len;
        let frames: Vec<f32> = self.rest.drain(..whole).collect();
        for frame in frames.chunks_exact(len) {
            let probability = self.activity.probability(&self.leveller.level(frame))?;
            self.clock = self.clock.map(|clock| clock + len as u64);
            self.frame(frame, probability, events);
        }
        Ok(())
    }

    /// Goes on at another media time, with nothing in between.
    fn jump(&mut self, at: u64, events: &mut Vec<SegmentEvent>) {
        events.extend(self.finish());
        self.recent.clear();
        self.rest.clear();
        self.voice = 0;
        self.clock = Some(at);
    }

    fn frame(&mut self, frame: &[f32], probability: f32, events: &mut Vec<SegmentEvent>) {
        let now = self.clock.unwrap_or_default();
        let Some(open) = &mut self.open else {
            return self.listen(frame, probability, now, events);
        };
        open.samples.extend_from_slice(frame);
        if probability >= self.config.offset {
            open.voiced_end = now;
        }
        if now - open.voiced_end >= self.config.hangover {
            events.extend(self.finish());
        } else if open.samples.len() as u64 >= self.config.max_utterance {
            self.cut(events);
        }
    }

    fn listen(&mut self, frame: &[f32], probability: f32, now: u64, events: &mut Vec<SegmentEvent>) {
        self.recent.extend(frame);
        self.voice = if probability >= self.config.onset { self.voice + frame.len() as u64 } else { 0 };
        let keep = (self.config.pre_roll + self.voice) as usize;
        let surplus = self.recent.len().saturating_sub(keep);
        self.recent.drain(..surplus);
        if self.voice < self.config.min_voice {
            return;
        }
        let samples: Vec<f32> = self.recent.drain(..).collect();
        let start = now - samples.len() as u64;
        self.voice = 0;
        self.open = Some(Open { start, samples, voiced_end: now });
        events.push(SegmentEvent::Started { at: start });
    }

    /// Cuts an utterance that has become too long at its quietest place near the end. No sample is lost or
    /// used twice.
    fn cut(&mut self, events: &mut Vec<SegmentEvent>) {
        let Some(mut open) = self.open.take() else { return };
        let kept = (self.keep_until.saturating_sub(open.start) as usize).min(open.samples.len());
        let from = open.samples.len().saturating_sub(self.config.cut_search as usize).max(kept);
        let at = from + quietest(&open.samples[from..]);
        let rest = open.samples.split_off(at);
        let middle = open.start + at as u64;
        let end = open.voiced_end;
        events.push(SegmentEvent::Ended(Segment { start: open.start, end: middle.min(end), samples: open.samples }));
        events.push(SegmentEvent::Started { at: middle });
        self.open = Some(Open { start: middle, samples: rest, voiced_end: end.max(middle) });
    }

    fn close(&self, open: Open) -> Segment {
        let mut samples = open.samples;
        samples.truncate((open.voiced_end - open.start + self.config.tail) as usize);
        Segment { start: open.start, end: open.voiced_end, samples }
    }
}

/// The middle of the quietest 100 ms.
fn quietest(samples: &[f32]) -> usize {
    const WINDOW: usize = 1_600;
    let energy = |window: &[f32]| window.iter().map(|s| s * s).sum::<f32>();
    samples
        .windows(WINDOW)
        .step_by(WINDOW / 4)
        .enumerate()
        .min_by(|(_, a), (_, b)| energy(a).total_cmp(&energy(b)))
        .map_or(samples.len(), |(index, _)| index * WINDOW / 4 + WINDOW / 2)
}

#[cfg(test)]
mod tests;
