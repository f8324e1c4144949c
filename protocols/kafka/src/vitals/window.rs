//! Which offset of a partition may be committed. Pure.

use std::collections::VecDeque;

/// Messages of a partition that a crash would bring again: in work, or done and not committed. They must all be
/// remembered by the sessions they went to, which remember
/// [`REMEMBERED_MESSAGES`](healthsync_events::limits::REMEMBERED_MESSAGES) each; half of that leaves room for what comes
/// by other doors meanwhile.
pub(super) const MAX_UNCOMMITTED: u64 = healthsync_events::limits::REMEMBERED_MESSAGES as u64 / 2;

/// A partition's messages in work, in the order of their offsets, which may have gaps.
#[derive(Debug, Default)]
pub(super) struct Window {
    messages: VecDeque<(i64, bool)>,
    /// The offset after the last message up to which all are done.
    next: Option<i64>,
    /// Done since the last offset that was asked to be committed.
    done: u64,
    /// The offset asked to be committed, and how many messages it makes safe.
    asked: Option<(i64, u64)>,
}

impl Window {
    /// A message is in work from now on. `false` for one that is not beyond those seen, which is a redelivery within one
    /// assignment: it must not be counted twice.
    pub(super) fn begin(&mut self, offset: i64) -> bool {
        let newest = self.messages.back().map(|(offset, _)| *offset);
        let newest = newest.or(self.next.map(|next| next - 1));
        if newest.is_some_and(|newest| offset <= newest) {
            return false;
        }
        self.messages.push_back((offset, false));
        true
    }

    /// The message is durable.
    pub(super) fn finish(&mut self, offset: i64) {
        if let Ok(index) = self.messages.binary_search_by_key(&offset, |(offset, _)| *offset) {
            self.messages[index].1 = true;
        }
        while let Some((offset, true)) = self.messages.front() {
            self.next = Some(offset + 1);
            self.done += 1;
            self.messages.pop_front();
        }
    }

    /// The offset to commit, when there is something new and no commit is under way. It counts as asked for.
    pub(super) fn ask(&mut self) -> Option<i64> {
        if self.done == 0 || self.asked.is_some() {
            return None;
        }
        let next = self.next?;
        self.asked = Some((next, std::mem::take(&mut self.done)));
        Some(next)
    }

    /// The offset to commit last, whatever is under way.
    pub(super) fn last(&self) -> Option<i64> {
        self.next.filter(|_| self.done > 0 || self.asked.is_some())
    }

    /// The last offset has been committed.
    pub(super) fn settled(&mut self) {
        (self.done, self.asked) = (0, None);
    }

    /// What was asked for has been committed, or has not.
    pub(super) fn answered(&mut self, committed: bool) {
        if let Some((_, messages)) = self.asked.take()
            && !committed
        {
            self.done += messages;
        }
    }

    pub(super) fn uncommitted(&self) -> u64 {
        self.messages.len() as u64 + self.done + self.asked.map_or(0, |(_, messages)| messages)
    }

    pub(super) fn is_full(&self) -> bool {
        self.uncommitted() >= MAX_UNCOMMITTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_offset_is_committed_only_after_all_before_it_are_done() {
        let mut window = Window::default();
        assert!([5, 6, 9].into_iter().all(|offset| window.begin(offset)));
        window.finish(6);
        window.finish(9);
        assert_eq!(window.ask(), None);
        window.finish(5);
        assert_eq!(window.ask(), Some(10), "offsets may have gaps");
        assert_eq!(window.ask(), None, "one commit at a time");
        window.answered(true);
        assert_eq!((window.uncommitted(), window.ask()), (0, None));
    }

    #[test]
    fn a_commit_that_failed_is_asked_for_again() {
        let mut window = Window::default();
        window.begin(1);
        window.finish(1);
        assert_eq!(window.ask(), Some(2));
        window.answered(false);
        assert_eq!(window.uncommitted(), 1);
        assert_eq!(window.ask(), Some(2));
        assert_eq!(window.last(), Some(2));
        window.settled();
        assert_eq!((window.last(), window.uncommitted()), (None, 0));
    }

    #[test]
    fn a_message_that_comes_again_is_not_counted_again() {
        let mut window = Window::default();
        assert!(window.begin(1));
        assert!(!window.begin(1));
        window.finish(1);
        assert!(!window.begin(1));
        assert!(window.begin(2));
    }

    #[test]
    fn a_window_is_full_until_a_commit_is_confirmed() {
        let mut window = Window::default();
        for offset in 0..MAX_UNCOMMITTED as i64 {
            window.begin(offset);
            window.finish(offset);
        }
        window.ask();
        assert!(window.is_full());
        window.answered(true);
        assert!(!window.is_full());
    }

    proptest! {
        #[test]
        fn nothing_unfinished_is_ever_below_what_is_committed(
            gaps in proptest::collection::vec(1i64..4, 1..60),
            order in proptest::collection::vec((any::<prop::sample::Index>(), any::<Option<bool>>()), 0..120),
        ) {
            let mut window = Window::default();
            let mut offset = 0;
            let mut open: BTreeSet<i64> = gaps.iter().map(|gap| { offset += gap; offset }).collect();
            prop_assert!(open.iter().all(|offset| window.begin(*offset)));
            for (pick, commit) in order {
                if let Some(offset) = (!open.is_empty()).then(|| *pick.get(&open.iter().copied().collect::<Vec<_>>())) {
                    open.remove(&offset);
                    window.finish(offset);
                }
                if let Some(committed) = commit {
                    if let Some(asked) = window.ask() {
                        prop_assert!(open.first().is_none_or(|open| *open >= asked));
                    }
                    window.answered(committed);
                }
            }
            for offset in std::mem::take(&mut open) {
                window.finish(offset);
            }
            window.answered(true);
            window.ask();
            window.answered(true);
            prop_assert_eq!(window.uncommitted(), 0);
        }
    }
}
