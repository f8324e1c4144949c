//! Whether a sender's clock jumps. Pure.
//!
//! A clock that was set back and one whose messages were held up or are sent once more look the same at first: times
//! go back. Those of a clock go on from there in step with ours; those of a replay run faster. Only the first is a jump.

use healthsync_events::{Timestamp, clinical::ClockJump};

/// How far two clocks may be apart, in milliseconds, before it is remarked on: two minutes are more than drift between
/// corrections and less than what makes a chart misleading.
const TOLERANCE: i64 = 120_000;

/// How long times must go on in step after they went back, in milliseconds.
const IN_STEP_FOR: i64 = 10_000;

/// What times in step may differ by: so much, in milliseconds, and a fifth of the time passed.
const STEP_SLACK: i64 = 2_000;

/// The clock of one sender.
#[derive(Debug, Default)]
pub struct ClockWatch {
    /// The newest time sent, before it went back if it has.
    newest: Option<i64>,
    /// Received and sent, where times went back.
    back_since: Option<(i64, i64)>,
    ahead: bool,
}

impl ClockWatch {
    /// Looks at a message; a jump is told once.
    pub fn look(&mut self, received: Timestamp, sent: Timestamp) -> Option<ClockJump> {
        let (received, sent) = (received.millis(), sent.millis());
        if sent - received > TOLERANCE {
            self.newest = Some(sent);
            self.back_since = None;
            return (!std::mem::replace(&mut self.ahead, true)).then_some(ClockJump::Ahead);
        }
        let newest = *self.newest.get_or_insert(sent);
        // From ahead to right is set back as well.
        if newest - sent <= TOLERANCE {
            self.newest = Some(newest.max(sent));
            self.back_since = None;
            return None;
        }
        let (since_received, since_sent) = *self.back_since.get_or_insert((received, sent));
        let (passed, advanced) = (received - since_received, sent - since_sent);
        if (advanced - passed).abs() > STEP_SLACK + passed / 5 {
            self.back_since = Some((received, sent));
            return None;
        }
        if passed < IN_STEP_FOR {
            return None;
        }
        *self = Self { newest: Some(sent), back_since: None, ahead: false };
        Some(ClockJump::Back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends every `step` seconds of ours, `advance` of theirs; the jumps told, by message.
    fn run(
        watch: &mut ClockWatch,
        from: (i64, i64),
        step: f64,
        advance: f64,
        messages: usize,
    ) -> Vec<(usize, ClockJump)> {
        let at =
            |start: i64, each: f64, n: usize| Timestamp::from_millis(start * 1_000 + (each * n as f64 * 1e3) as i64);
        (0..messages)
            .filter_map(|n| watch.look(at(from.0, step, n), at(from.1, advance, n)).map(|jump| (n, jump)))
            .collect()
    }

    #[test]
    fn a_clock_that_runs_is_no_jump_however_late_it_is() {
        let mut watch = ClockWatch::default();
        assert!(run(&mut watch, (10_000, 10_000), 1.0, 1.0, 100).is_empty());
        assert!(run(&mut watch, (10_100, 10_040), 1.0, 1.0, 100).is_empty(), "a minute back");
        assert!(run(&mut ClockWatch::default(), (90_000, 10_000), 1.0, 1.0, 100).is_empty(), "always behind");
    }

    #[test]
    fn a_clock_set_back_is_told_once_it_has_gone_on_from_there() {
        let mut watch = ClockWatch::default();
        run(&mut watch, (10_000, 10_000), 1.0, 1.0, 10);
        assert_eq!(run(&mut watch, (10_010, 1_000), 1.0, 1.0, 60), [(10, ClockJump::Back)]);
    }

    #[test]
    fn a_replay_of_old_messages_is_no_jump() {
        let mut watch = ClockWatch::default();
        run(&mut watch, (10_000, 10_000), 1.0, 1.0, 10);
        assert!(run(&mut watch, (10_010, 1_000), 0.05, 1.0, 2_000).is_empty());
        assert!(run(&mut watch, (10_200, 10_200), 1.0, 1.0, 50).is_empty());
    }

    #[test]
    fn a_clock_ahead_is_told_once_and_being_set_right_is_told_too() {
        let mut watch = ClockWatch::default();
        assert_eq!(run(&mut watch, (10_000, 20_000), 1.0, 1.0, 50), [(0, ClockJump::Ahead)]);
        assert_eq!(run(&mut watch, (10_050, 10_050), 1.0, 1.0, 50), [(10, ClockJump::Back)]);
    }
}
