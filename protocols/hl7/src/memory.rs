//! What was answered lately, by sender: a message that comes again, on whatever connection, gets the same answer and is
//! not taken twice. Bounded. Pure.
//!
//! The log recognises repeats as well, across restarts; this also holds for messages that went into no session, and
//! spares the log. A number that comes again with other contents is a new message: devices count from 1 again after a
//! restart, and what they measure must not be taken for what they had measured.

use crate::{ack::Answer, clock::ClockWatch};
use healthsync_events::{Timestamp, clinical::ClockJump};
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

/// Senders (MSH-3, MSH-4) remembered; the one not heard longest gives way. A hospital of 1,000 beds whose monitors each
/// send for themselves.
const MAX_SENDERS: usize = 1_024;

/// Messages remembered of each. A sender repeats a message when an answer does not come: the last, or the few under way.
const MAX_MESSAGES: usize = 512;

#[derive(Default)]
pub struct Memory {
    senders: HashMap<(String, String), Sender>,
    keys: RandomState,
    /// Counts messages: which sender was heard last.
    heard: u64,
}

#[derive(Default)]
struct Sender {
    answers: HashMap<String, (u64, Arc<Answer>)>,
    order: VecDeque<String>,
    clock: ClockWatch,
    heard: u64,
}

/// A message as it is remembered.
pub struct Seen {
    pub digest: u64,
    /// What the same message was answered.
    pub answer: Option<Arc<Answer>>,
    pub jump: Option<ClockJump>,
}

impl Memory {
    /// Looks a message up, and at its sender's clock.
    pub fn look(
        &mut self,
        (application, facility): (&str, &str),
        control_id: &str,
        message: &[u8],
        received: Timestamp,
        sent: Option<Timestamp>,
    ) -> Seen {
        let digest = self.keys.hash_one(message);
        self.heard += 1;
        let key = (application.to_owned(), facility.to_owned());
        if self.senders.len() >= MAX_SENDERS && !self.senders.contains_key(&key) {
            self.forget_one();
        }
        let sender = self.senders.entry(key).or_default();
        sender.heard = self.heard;
        let known = sender.answers.get(control_id).filter(|(known, _)| *known == digest);
        let answer = known.map(|(_, answer)| Arc::clone(answer));
        // A repeat says what its sender's clock showed the first time.
        let jump = if answer.is_some() { None } else { sent.and_then(|sent| sender.clock.look(received, sent)) };
        Seen { digest, answer, jump }
    }

    pub fn remember(&mut self, sender: (&str, &str), control_id: &str, digest: u64, answer: Arc<Answer>) {
        let Some(sender) = self.senders.get_mut(&(sender.0.to_owned(), sender.1.to_owned())) else { return };
        if sender.answers.insert(control_id.to_owned(), (digest, answer)).is_none() {
            sender.order.push_back(control_id.to_owned());
        }
        if sender.order.len() > MAX_MESSAGES
            && let Some(oldest) = sender.order.pop_front()
        {
            sender.answers.remove(&oldest);
        }
    }

    fn forget_one(&mut self) {
        let oldest = self.senders.iter().min_by_key(|(_, sender)| sender.heard).map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.senders.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ack::Outcome;

    fn answer(outcome: Outcome) -> Arc<Answer> {
        Arc::new(Answer { outcome, problems: Vec::new() })
    }

    fn look(memory: &mut Memory, sender: &str, id: &str, message: &str) -> Seen {
        memory.look((sender, "ICU"), id, message.as_bytes(), Timestamp::from_millis(0), None)
    }

    #[test]
    fn a_repeat_is_known_by_sender_number_and_contents() {
        let mut memory = Memory::default();
        let seen = look(&mut memory, "A", "1", "hello");
        assert!(seen.answer.is_none());
        memory.remember(("A", "ICU"), "1", seen.digest, answer(Outcome::Kept));
        assert_eq!(look(&mut memory, "A", "1", "hello").answer.unwrap().outcome, Outcome::Kept);
        assert!(look(&mut memory, "A", "1", "other").answer.is_none(), "the number has been used again");
        assert!(look(&mut memory, "B", "1", "hello").answer.is_none(), "another sender");
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut memory = Memory::default();
        for n in 0..MAX_MESSAGES * 3 {
            let seen = look(&mut memory, "A", &n.to_string(), "x");
            memory.remember(("A", "ICU"), &n.to_string(), seen.digest, answer(Outcome::Accepted));
        }
        let sender = &memory.senders[&("A".to_owned(), "ICU".to_owned())];
        assert_eq!((sender.answers.len(), sender.order.len()), (MAX_MESSAGES, MAX_MESSAGES));
        for n in 0..MAX_SENDERS * 2 {
            look(&mut memory, &n.to_string(), "1", "x");
        }
        assert_eq!(memory.senders.len(), MAX_SENDERS);
        assert!(!memory.senders.contains_key(&("A".to_owned(), "ICU".to_owned())), "not heard longest");
    }
}
