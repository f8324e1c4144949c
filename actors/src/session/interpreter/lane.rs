//! What is spoken in one language, one translation after the other.

use super::{
    floor::Floor,
    packets::{PACKET_MS, Packets},
    refusal_of,
    turn::{Turn, Waiting},
};
use crate::{
    pool::{Class, Request, Ticket},
    session::cell::SessionCell,
};
use healthsync_events::{
    EventBody, Language, ParticipantId, Refusal, Seq, SpeechId, UtteranceId,
    consultation::Component,
    speech::{AudioCodec, SpeechAnnounced, SpeechCompleted, SpeechFrame, SpeechSkipReason, SpeechSkipped},
};
use healthsync_models::tasks::{SpeakRequest, SpokenAudio};
use healthsync_speak::{clauses, with_pause};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

/// Translations waiting to be spoken in one language. What waits behind this many would be heard a minute late.
pub(super) const MAX_UNSPOKEN: usize = 8;

/// How long a translation may wait for those before it. One that comes later is about something long past.
const MAX_WAIT: Duration = Duration::from_secs(20);

const FRAME: Duration = Duration::from_millis(PACKET_MS);

/// A translation to be spoken.
#[derive(Debug)]
pub(super) struct Line {
    pub translation: Seq,
    pub utterance: UtteranceId,
    /// Whose words they are.
    pub speaker: ParticipantId,
    pub language: Language,
    pub text: String,
    pub voice: Option<String>,
    /// Wall-clock milliseconds at which the last voiced sample reached the server.
    pub spoken_at: i64,
    pub queued: Instant,
}

/// Speaks until no more lines can come. Not bound to the interpreter's life: what is being said is said to its end.
pub(super) async fn speak_all(
    cell: Arc<SessionCell>,
    mut lines: mpsc::Receiver<Box<Line>>,
    floor: watch::Receiver<Floor>,
) {
    while let Some(line) = lines.recv().await {
        let voice = cell.speech.voice(&line.language);
        let _speaking = voice.lock().await;
        match Speech::new(&cell, &line, floor.clone()).say().await {
            Ok(()) | Err(Refusal::SessionEnded) => {}
            Err(error) => cell.raise(Component::Speak, error, Some(line.translation)).await,
        }
    }
}

/// Records that a translation stays text.
pub(super) async fn skip(cell: &SessionCell, line: &Line, reason: SpeechSkipReason) {
    let skipped =
        SpeechSkipped { utterance: line.utterance, of: line.translation, language: line.language.clone(), reason };
    metrics::counter!("healthsync_speech_skipped_total", "reason" => format!("{reason:?}")).increment(1);
    if let Err(refusal) = cell.record(EventBody::SpeechSkipped(skipped)).await {
        tracing::warn!(session = %cell.id, %refusal, "a skipped speech could not be told");
    }
}

/// A line on its way to being heard.
struct Speech<'a> {
    cell: &'a SessionCell,
    line: &'a Line,
    turn: Waiting,
    synthesis: Synthesis<'a>,
    sent: Option<Sent>,
}

/// What has been announced and sent.
struct Sent {
    speech: SpeechId,
    packets: Packets,
    frames: u32,
    closed: bool,
}

impl<'a> Speech<'a> {
    fn new(cell: &'a SessionCell, line: &'a Line, floor: watch::Receiver<Floor>) -> Self {
        let turn = Waiting::new(floor, line.speaker.clone(), line.translation, cell.models.speech.pace.clone());
        Self { cell, line, turn, synthesis: Synthesis::new(cell, line), sent: None }
    }

    async fn say(mut self) -> Result<(), Refusal> {
        if self.cell.is_over() || !self.cell.speech.has_listener(&self.line.language) {
            return Ok(());
        }
        if self.turn.is_taken() {
            skip(self.cell, self.line, SpeechSkipReason::TurnTaken).await;
            return Ok(());
        }
        let waited = self.cell.models.speech.pace.now().duration_since(self.line.queued);
        if waited > MAX_WAIT {
            skip(self.cell, self.line, SpeechSkipReason::Backlog).await;
            return Ok(());
        }
        let outcome = self.send_clauses().await;
        // However it ended, listeners are told so.
        let completed = self.complete(outcome == Ok(Turn::Taken)).await;
        outcome.and(completed)
    }

    /// The next clause is made while the one before it is sent.
    async fn send_clauses(&mut self) -> Result<Turn, Refusal> {
        while let Some(audio) = self.synthesis.next().await? {
            if audio.samples.is_empty() {
                continue;
            }
            match &mut self.sent {
                None => {
                    let latency_ms = (self.cell.clock.now().millis() - self.line.spoken_at).max(0) as u64;
                    if self.turn.clear().await == Turn::Taken {
                        skip(self.cell, self.line, SpeechSkipReason::TurnTaken).await;
                        return Ok(Turn::Taken);
                    }
                    self.announce(&audio, latency_ms).await?;
                }
                Some(sent) if sent.packets.sample_rate() == audio.sample_rate => sent.packets.push(&audio.samples),
                Some(_) => return Err(Refusal::unavailable("one sample rate for a whole speech")),
            }
            if self.send_packets().await? == Turn::Taken {
                return Ok(Turn::Taken);
            }
            // Nobody is left to hear the rest.
            if self.cell.is_over() || !self.cell.speech.has_listener(&self.line.language) {
                break;
            }
        }
        Ok(Turn::Clear)
    }

    /// Sends what has been synthesised, as it is due.
    async fn send_packets(&mut self) -> Result<Turn, Refusal> {
        let Some(sent) = &mut self.sent else { return Ok(Turn::Clear) };
        let ends = self.synthesis.is_done();
        if ends {
            sent.packets.finish().map_err(|_| unencodable())?;
        }
        while sent.packets.is_ready() {
            if self.turn.due(FRAME).await == Turn::Taken {
                return Ok(Turn::Taken);
            }
            if self.cell.is_over() {
                return Ok(Turn::Clear);
            }
            let Some(packet) = sent.packets.next() else { break };
            let last = ends && sent.packets.is_empty();
            sent.frame(self.cell, &self.line.language, packet.map_err(|_| unencodable())?, last, false);
        }
        Ok(Turn::Clear)
    }

    async fn announce(&mut self, audio: &SpokenAudio, latency_ms: u64) -> Result<(), Refusal> {
        let mut packets = Packets::new(audio.sample_rate).map_err(|_| unencodable())?;
        packets.push(&audio.samples);
        metrics::histogram!("healthsync_speech_latency_seconds").record(latency_ms as f64 / 1_000.0);
        let speech = SpeechId(uuid::Uuid::now_v7());
        let announced = SpeechAnnounced {
            speech,
            utterance: self.line.utterance,
            of: self.line.translation,
            language: self.line.language.clone(),
            voice: audio.voice.clone(),
            codec: AudioCodec::Opus,
            sample_rate: audio.sample_rate,
            latency_ms,
            provenance: audio.model.with_inputs(vec![self.line.translation]),
        };
        self.cell.record(EventBody::SpeechAnnounced(announced)).await?;
        self.sent = Some(Sent { speech, packets, frames: 0, closed: false });
        Ok(())
    }

    async fn complete(&mut self, interrupted: bool) -> Result<(), Refusal> {
        let Some(mut sent) = self.sent.take() else { return Ok(()) };
        let duration_ms = u64::from(sent.frames) * PACKET_MS;
        if !sent.closed {
            sent.frame(self.cell, &self.line.language, Vec::new(), true, interrupted);
        }
        let completed = SpeechCompleted { speech: sent.speech, duration_ms, interrupted };
        self.cell.record(EventBody::SpeechCompleted(completed)).await.map(|_| ())
    }
}

impl Sent {
    fn frame(&mut self, cell: &SessionCell, language: &Language, payload: Vec<u8>, last: bool, interrupted: bool) {
        let frame = SpeechFrame { speech: self.speech, index: self.frames, last, interrupted, payload };
        cell.speech.send(language, frame);
        self.frames += 1;
        self.closed = last;
    }
}

fn unencodable() -> Refusal {
    Refusal::unavailable("speech encoding")
}

/// A line's clauses on their way to being sound, one ahead of what is asked for.
struct Synthesis<'a> {
    cell: &'a SessionCell,
    line: &'a Line,
    clauses: VecDeque<String>,
    ahead: Option<Ticket<SpokenAudio>>,
}

impl<'a> Synthesis<'a> {
    fn new(cell: &'a SessionCell, line: &'a Line) -> Self {
        let cut = clauses(&line.text);
        let clauses = cut.iter().enumerate().map(|(index, clause)| with_pause(clause, index + 1 == cut.len()));
        Self { cell, line, clauses: clauses.collect(), ahead: None }
    }

    /// Whether all of it has been handed out.
    fn is_done(&self) -> bool {
        self.clauses.is_empty() && self.ahead.is_none()
    }

    async fn next(&mut self) -> Result<Option<SpokenAudio>, Refusal> {
        self.begin()?;
        let Some(ticket) = self.ahead.take() else { return Ok(None) };
        let answer = ticket.answer().await.map_err(|dropped| refusal_of("speech synthesis", &dropped))?;
        self.begin()?;
        Ok(Some(answer.output))
    }

    fn begin(&mut self) -> Result<(), Refusal> {
        if self.ahead.is_some() {
            return Ok(());
        }
        let Some(text) = self.clauses.pop_front() else { return Ok(()) };
        let input = SpeakRequest {
            text,
            language: self.line.language.clone(),
            voice: self.line.voice.clone(),
            speed: self.cell.models.speech.speed,
        };
        let request = Request { session: self.cell.id, class: Class::Live, input, deadline: None, supersedes: None };
        self.ahead = Some(self.cell.models.speak.submit(request)?);
        Ok(())
    }
}
