//! How often a sender is asked for a keyframe.

use std::time::Duration;

/// Between two requests. A keyframe is several times the size of another frame: one for each of many viewers that
/// join or lose packets together would cost the picture it is to restore. Half a second is also longer than a
/// request and the frame it asks for take on a path fit for conversation.
pub const MIN_INTERVAL: Duration = Duration::from_millis(500);

/// Merges the requests of all viewers of one sender.
#[derive(Debug, Default)]
pub struct KeyframeGate {
    asked_at: Option<Duration>,
    is_wanted: bool,
}

impl KeyframeGate {
    /// Somebody wants a keyframe.
    pub fn want(&mut self) {
        self.is_wanted = true;
    }

    /// When the sender is to be asked, if at all; in the past means now. Times are counted from any fixed instant.
    pub fn due(&self) -> Option<Duration> {
        self.is_wanted.then(|| self.asked_at.map_or(Duration::ZERO, |at| at + MIN_INTERVAL))
    }

    /// Whether to ask now. What was wanted until now is answered by that.
    pub fn ask(&mut self, now: Duration) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.asked_at = Some(now);
            self.is_wanted = false;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_request_passes_and_those_that_follow_are_one_later() {
        let mut gate = KeyframeGate::default();
        assert_eq!(gate.due(), None);
        gate.want();
        assert!(gate.ask(Duration::from_millis(7)));
        (0..10).for_each(|_| gate.want());
        assert!(!gate.ask(Duration::from_millis(100)));
        assert_eq!(gate.due(), Some(Duration::from_millis(507)));
        assert!(gate.ask(Duration::from_millis(507)));
        assert!(!gate.ask(Duration::from_secs(9)), "nobody wants another");
    }

    proptest! {
        #[test]
        fn requests_are_never_closer_than_the_interval_and_none_is_forgotten(
            steps in proptest::collection::vec((0_u64..200, any::<bool>()), 1..200)
        ) {
            let mut gate = KeyframeGate::default();
            let mut now = Duration::ZERO;
            let mut asked: Vec<Duration> = Vec::new();
            for (wait, wants) in steps {
                now += Duration::from_millis(wait);
                if wants {
                    gate.want();
                }
                if gate.ask(now) {
                    asked.push(now);
                } else {
                    prop_assert!(gate.due().is_none_or(|due| due > now));
                }
            }
            prop_assert!(asked.windows(2).all(|pair| pair[1] >= pair[0] + MIN_INTERVAL));
        }
    }
}
