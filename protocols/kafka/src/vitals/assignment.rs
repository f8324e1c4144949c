//! The partitions assigned to this reader and what of them is in work, shared between the thread that reads, the tasks
//! that take messages, and librdkafka's callbacks.

use super::window::Window;
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A message in work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    pub partition: i32,
    pub offset: i64,
    /// Of the partition's assignment: what was begun in an earlier one says nothing of this one.
    epoch: u64,
}

#[derive(Debug, Default)]
struct Partition {
    epoch: u64,
    window: Window,
    /// Messages in work.
    working: usize,
    /// Messages whose session does not take them now.
    stalled: usize,
    /// Has its share of the room in work while there is no room, and not been down to half of it since.
    over: bool,
    paused: bool,
}

#[derive(Debug, Default)]
struct Assigned {
    partitions: BTreeMap<i32, Partition>,
    /// Messages in work, those of partitions that were taken away included.
    working: usize,
    epochs: u64,
    /// There is no room, and half of it has not been free since.
    choked: bool,
}

/// Partitions to stop and to go on reading.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Turns {
    pub pause: Vec<i32>,
    pub resume: Vec<i32>,
}

pub(super) struct Assignment {
    /// Messages in work before partitions are held to their share of it: then there are at most twice as many.
    room: usize,
    assigned: Mutex<Assigned>,
    changed: Condvar,
}

impl Assignment {
    pub(super) fn new(room: usize) -> Self {
        Self { room: room.max(1), assigned: Mutex::default(), changed: Condvar::new() }
    }

    pub(super) fn assign(&self, partitions: impl IntoIterator<Item = i32>) {
        let mut assigned = self.lock();
        for partition in partitions {
            assigned.epochs += 1;
            let epoch = assigned.epochs;
            assigned.partitions.insert(partition, Partition { epoch, ..Partition::default() });
        }
    }

    pub(super) fn revoke(&self, partitions: &[i32]) {
        let mut assigned = self.lock();
        assigned.partitions.retain(|partition, _| !partitions.contains(partition));
    }

    pub(super) fn partitions(&self) -> Vec<i32> {
        self.lock().partitions.keys().copied().collect()
    }

    /// Takes a message into work; `None` where its partition is not, or no longer, assigned.
    pub(super) fn begin(&self, partition: i32, offset: i64) -> Option<Ticket> {
        let mut assigned = self.lock();
        let place = assigned.partitions.get_mut(&partition)?;
        if !place.window.begin(offset) {
            return None;
        }
        place.working += 1;
        let epoch = place.epoch;
        assigned.working += 1;
        Some(Ticket { partition, offset, epoch })
    }

    /// The message is no longer in work: it is durable, or it is left for the next reader.
    pub(super) fn end(&self, ticket: Ticket, durable: bool) {
        let mut assigned = self.lock();
        assigned.working -= 1;
        if let Some(place) = current(&mut assigned, ticket) {
            place.working -= 1;
            if durable {
                place.window.finish(ticket.offset);
            }
        }
        drop(assigned);
        self.changed.notify_all();
    }

    /// The partition is not read on for as long as the guard lives.
    pub(super) fn stall(self: &Arc<Self>, ticket: Ticket) -> Stall {
        if let Some(place) = current(&mut self.lock(), ticket) {
            place.stalled += 1;
        }
        Stall { assignment: Arc::clone(self), ticket }
    }

    /// What has to be paused or resumed; it counts as done.
    pub(super) fn turns(&self) -> Turns {
        let mut assigned = self.lock();
        let choked = assigned.choked;
        let share = (self.room / assigned.partitions.len().max(1)).max(1);
        let mut turns = Turns::default();
        for (number, partition) in &mut assigned.partitions {
            let bound = if partition.over { share / 2 + 1 } else { share };
            partition.over = choked && partition.working >= bound;
            let pause = partition.over || partition.stalled > 0 || partition.window.is_full();
            if pause != partition.paused {
                partition.paused = pause;
                if pause { turns.pause.push(*number) } else { turns.resume.push(*number) }
            }
        }
        turns
    }

    /// Waits for room, at most so long. Where there is none by then, partitions that have their share in work are not
    /// read on, so that one whose messages nobody takes leaves room for the others.
    pub(super) fn regulate(&self, at_most: Duration) {
        let mut assigned = self.lock();
        if !assigned.choked {
            let full = |assigned: &mut Assigned| assigned.working >= self.room;
            assigned =
                self.changed.wait_timeout_while(assigned, at_most, full).unwrap_or_else(PoisonError::into_inner).0;
        }
        let bound = if assigned.choked { self.room / 2 + 1 } else { self.room };
        assigned.choked = assigned.working >= bound;
    }

    /// Waits, at most so long, until nothing of these partitions is in work.
    pub(super) fn wait_until_idle(&self, partitions: &[i32], at_most: Duration) {
        let busy = |assigned: &mut Assigned| {
            partitions.iter().any(|number| assigned.partitions.get(number).is_some_and(|place| place.working > 0))
        };
        drop(self.changed.wait_timeout_while(self.lock(), at_most, busy));
    }

    /// Waits so long, or until something is no longer in work.
    pub(super) fn wait(&self, at_most: Duration) {
        drop(self.changed.wait_timeout(self.lock(), at_most));
    }

    /// Offsets to commit now.
    pub(super) fn ask(&self) -> Vec<(i32, i64)> {
        let mut assigned = self.lock();
        assigned.partitions.iter_mut().filter_map(|(number, p)| Some((*number, p.window.ask()?))).collect()
    }

    /// Offsets to commit last of these partitions.
    pub(super) fn last(&self, partitions: &[i32]) -> Vec<(i32, i64)> {
        let assigned = self.lock();
        let of = |number: &i32| Some((*number, assigned.partitions.get(number)?.window.last()?));
        partitions.iter().filter_map(of).collect()
    }

    /// The last offsets of these partitions have been committed.
    pub(super) fn settled(&self, partitions: &[i32]) {
        let mut assigned = self.lock();
        for number in partitions {
            if let Some(partition) = assigned.partitions.get_mut(number) {
                partition.window.settled();
            }
        }
    }

    pub(super) fn answered(&self, partitions: impl IntoIterator<Item = i32>, committed: bool) {
        let mut assigned = self.lock();
        for number in partitions {
            if let Some(partition) = assigned.partitions.get_mut(&number) {
                partition.window.answered(committed);
            }
        }
    }

    /// Whether a partition waits for its commit: then it is not a matter of when the next is due.
    pub(super) fn waits_for_commit(&self) -> bool {
        self.lock().partitions.values().any(|partition| partition.window.is_full())
    }

    pub(super) fn gauge(&self) {
        let assigned = self.lock();
        let paused = assigned.partitions.values().filter(|partition| partition.paused).count();
        metrics::gauge!("healthsync_kafka_vitals_in_flight").set(assigned.working as f64);
        metrics::gauge!("healthsync_kafka_vitals_paused_partitions").set(paused as f64);
        metrics::gauge!("healthsync_kafka_vitals_partitions").set(assigned.partitions.len() as f64);
    }

    fn lock(&self) -> MutexGuard<'_, Assigned> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn current(assigned: &mut Assigned, ticket: Ticket) -> Option<&mut Partition> {
    assigned.partitions.get_mut(&ticket.partition).filter(|partition| partition.epoch == ticket.epoch)
}

/// Keeps a partition from being read on.
pub(super) struct Stall {
    assignment: Arc<Assignment>,
    ticket: Ticket,
}

impl Drop for Stall {
    fn drop(&mut self) {
        if let Some(place) = current(&mut self.assignment.lock(), self.ticket) {
            place.stalled -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(room: usize) -> Arc<Assignment> {
        let assignment = Arc::new(Assignment::new(room));
        assignment.assign([0, 1]);
        assignment
    }

    #[test]
    fn a_session_that_takes_nothing_stops_its_partition_and_no_other() {
        let assignment = assignment(10);
        let ticket = assignment.begin(0, 1).unwrap();
        let stall = assignment.stall(ticket);
        assert_eq!(assignment.turns(), Turns { pause: vec![0], resume: vec![] });
        assert_eq!(assignment.turns(), Turns::default(), "once");
        drop(stall);
        assert_eq!(assignment.turns(), Turns { pause: vec![], resume: vec![0] });
    }

    #[test]
    fn without_room_who_has_his_share_waits_until_half_of_it_is_free() {
        let assignment = assignment(4);
        let tickets: Vec<_> = (0..4).map(|offset| assignment.begin(0, offset).unwrap()).collect();
        assignment.regulate(Duration::ZERO);
        assert_eq!(assignment.turns(), Turns { pause: vec![0], resume: vec![] }, "the other has none in work");
        let others = [assignment.begin(1, 0).unwrap(), assignment.begin(1, 1).unwrap()];
        assert_eq!(assignment.turns().pause, [1], "its share is two");
        assignment.end(others[0], true);
        assert_eq!(assignment.turns().resume, [1]);
        for ticket in tickets {
            assignment.end(ticket, true);
        }
        assignment.regulate(Duration::ZERO);
        assert_eq!(assignment.turns().resume, [0]);
    }

    #[test]
    fn what_was_begun_before_a_partition_was_taken_away_says_nothing_of_it_after() {
        let assignment = assignment(10);
        let old = assignment.begin(0, 7).unwrap();
        assignment.revoke(&[0]);
        assert_eq!(assignment.begin(0, 8), None);
        assignment.assign([0]);
        let new = assignment.begin(0, 7).unwrap();
        assignment.end(old, true);
        assert!(assignment.ask().is_empty(), "it is the new one's to finish");
        assignment.end(new, true);
        assert_eq!(assignment.ask(), [(0, 8)]);
    }

    #[test]
    fn what_was_left_undone_is_not_committed() {
        let assignment = assignment(10);
        let ticket = assignment.begin(0, 7).unwrap();
        assignment.end(ticket, false);
        assert_eq!((assignment.ask(), assignment.last(&[0, 1])), (vec![], vec![]));
    }
}
