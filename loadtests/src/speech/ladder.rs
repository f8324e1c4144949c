//! The largest number of streams that is held: up in steps until one is not, then the gap halved.

/// Steps up; each is at most half as many again as the one before, from four on.
const STEPS: [u32; 11] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

/// Which number to try next, from which were held. Holding is taken to be monotone.
#[derive(Debug, Clone)]
pub struct Ladder {
    held: u32,
    failed: Option<u32>,
    most: u32,
}

impl Ladder {
    /// Never goes beyond `most`.
    pub fn new(most: u32) -> Self {
        Self { held: 0, failed: None, most }
    }

    /// The next number to try; `None` when the answer is known.
    pub fn to_try(&self) -> Option<u32> {
        match self.failed {
            Some(failed) if failed <= self.held + 1 => None,
            Some(failed) => Some(self.held.midpoint(failed)),
            None if self.held >= self.most => None,
            None => STEPS.into_iter().find(|step| *step > self.held).map(|step| step.min(self.most)),
        }
    }

    pub fn tell(&mut self, streams: u32, held: bool) {
        if held {
            self.held = self.held.max(streams);
        } else {
            self.failed = Some(self.failed.map_or(streams, |failed| failed.min(streams)));
            self.held = self.held.min(streams.saturating_sub(1));
        }
    }

    /// The most that was held so far.
    pub fn held(&self) -> u32 {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn climb(most: u32, truth: u32) -> (u32, usize) {
        let mut ladder = Ladder::new(most);
        let mut tries = 0;
        while let Some(streams) = ladder.to_try() {
            assert!((1..=most).contains(&streams), "{streams}");
            ladder.tell(streams, streams <= truth);
            tries += 1;
        }
        (ladder.held(), tries)
    }

    #[test]
    fn a_system_that_holds_nothing_is_asked_once() {
        assert_eq!(climb(48, 0), (0, 1));
    }

    proptest! {
        #[test]
        fn the_largest_number_held_is_found_in_few_tries(most in 1_u32..48, truth in 0_u32..60) {
            let (found, tries) = climb(most, truth);
            prop_assert_eq!(found, truth.min(most));
            prop_assert!(tries <= 15, "{} tries", tries);
        }
    }
}
