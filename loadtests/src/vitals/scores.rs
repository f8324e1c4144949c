//! Clients that follow sessions: when the score of a message is on the WebSocket, after the message was sent.

use super::load::Sent;
use crate::{ApiClient, ClientError, speech::BenchError};
use futures_util::StreamExt;
use healthsync_events::SessionId;
use serde::Deserialize;
use std::{
    collections::VecDeque,
    sync::PoisonError,
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, task::JoinHandle};

/// How long the last scores may take once monitors have stopped.
const TAIL: Duration = Duration::from_secs(10);

/// What a client saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// From sending to the score that was the first to stand for a message, in microseconds.
    pub waits_us: Vec<u32>,
    /// Scores on the wire.
    pub scores: u64,
}

/// What is read of an event: which one it is, and which came before it.
#[derive(Deserialize)]
struct Read<'a> {
    seq: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    source: Option<Source<'a>>,
    provenance: Option<Provenance>,
}

#[derive(Deserialize)]
struct Source<'a> {
    message_id: &'a str,
}

#[derive(Deserialize)]
struct Provenance {
    inputs: Vec<u64>,
}

/// A client of one session.
pub struct Follower {
    stop: oneshot::Sender<()>,
    reading: JoinHandle<Result<Seen, ClientError>>,
}

impl Follower {
    pub async fn start(api: &ApiClient, session: SessionId, sent: Sent, from: Instant) -> Result<Self, BenchError> {
        let mut stream = api.follow(session, 1, None).await?.into_texts();
        let (stop, mut stopped) = oneshot::channel();
        let reading = tokio::spawn(async move {
            let mut scores = Scores { sent, from, observed: VecDeque::new(), seen: Seen::default() };
            let mut until = None;
            loop {
                if until.is_some() && scores.complete() {
                    break;
                }
                let next = tokio::select! {
                    next = stream.next() => next,
                    _ = &mut stopped, if until.is_none() => {
                        until = Some(tokio::time::Instant::now() + TAIL);
                        continue;
                    }
                    () = tokio::time::sleep_until(until.unwrap_or_else(tokio::time::Instant::now)), if until.is_some() => break,
                };
                let Some(text) = next else { break };
                scores.see(&text?, Instant::now())?;
            }
            Ok(scores.seen)
        });
        Ok(Self { stop, reading })
    }

    /// Reads the scores of what has been sent, then stops.
    pub async fn finish(self) -> Result<Seen, BenchError> {
        // Whoever has stopped reading has said why.
        let _ = self.stop.send(());
        Ok(self.reading.await.map_err(|e| BenchError::Stream(e.to_string()))??)
    }
}

struct Scores {
    sent: Sent,
    from: Instant,
    /// Observations seen and not scored yet: their numbers, and when their messages were sent.
    observed: VecDeque<(u64, Instant)>,
    seen: Seen,
}

impl Scores {
    /// Whether everything that was sent has been scored.
    fn complete(&self) -> bool {
        self.observed.is_empty() && self.sent.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn see(&mut self, text: &str, now: Instant) -> Result<(), ClientError> {
        let bad = ClientError::failed("reading events");
        let read: Read<'_> = match serde_json::from_str(text) {
            Ok(read) => read,
            // Other events have other fields of these names.
            Err(_) if !text.contains("\"risk.scored\"") && !text.contains("\"vitals.observed\"") => return Ok(()),
            Err(error) => return Err(bad(error.to_string())),
        };
        match (read.kind, read.source, read.provenance) {
            ("vitals.observed", Some(source), _) => {
                let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(at) = sent.iter().position(|(id, _)| id == source.message_id) {
                    // One monitor sends in order: what was sent before has been seen.
                    let (_, sent_at) = sent.drain(..=at).next_back().unwrap_or_else(|| (String::new(), now));
                    self.observed.push_back((read.seq, sent_at));
                }
            }
            ("risk.scored", _, Some(provenance)) => {
                let newest = provenance.inputs.into_iter().max().unwrap_or(0);
                self.seen.scores += u64::from(now >= self.from);
                // A score stands for every observation up to its newest: none between was on the wire before it.
                while self.observed.front().is_some_and(|(seq, _)| *seq <= newest) {
                    let Some((_, sent_at)) = self.observed.pop_front() else { break };
                    if sent_at >= self.from {
                        self.seen.waits_us.push(now.duration_since(sent_at).as_micros() as u32);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_score_is_matched_with_the_message_it_is_of() {
        let begun = Instant::now();
        let sent: Sent =
            Arc::new(Mutex::new(vec![("a".into(), begun), ("b".into(), begun + Duration::from_millis(5))]));
        let mut client = Scores { sent, from: begun, observed: VecDeque::new(), seen: Seen::default() };
        let at = |ms| begun + Duration::from_millis(ms);
        let observed =
            |seq, id| format!("{{\"seq\":{seq},\"type\":\"vitals.observed\",\"source\":{{\"message_id\":\"{id}\"}}}}");
        let scored =
            |inputs| format!("{{\"seq\":9,\"type\":\"risk.scored\",\"provenance\":{{\"inputs\":[{inputs}]}}}}");
        assert!(!client.complete(), "what was sent has not been seen");
        client.see(&observed(2, "a"), at(1)).unwrap();
        client.see("{\"seq\":3,\"type\":\"alarm.raised\",\"source\":7}", at(1)).unwrap();
        client.see(&observed(4, "b"), at(8)).unwrap();
        client.see(&scored("2"), at(10)).unwrap();
        assert!(!client.complete(), "the second has no score");
        client.see(&scored("2,4"), at(12)).unwrap();
        assert_eq!((client.seen.waits_us.as_slice(), client.seen.scores), ([10_000, 7_000].as_slice(), 2));
        assert!(client.complete());
    }
}
