//! Continuous batching: sequences of a model that makes its outputs piece by piece join and leave between two pieces.

use super::{
    meters::Restart,
    precedence::Running,
    request::{Answer, Served},
    scheduler::Class,
    state::Shared,
    turn::Ready,
    worker::Ended,
};
use healthsync_models::{Model, ModelError, SequenceModel, SequenceStep, SlotKey};
use std::{
    collections::HashMap,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

/// A model of sequences that takes what another takes in batches.
pub type SlotModel<I, O> = Box<dyn SequenceModel<Input = I, Output = O>>;

/// Makes the model on the thread that will run it.
pub type SlotFactory<I, O> = Arc<dyn Fn() -> Result<SlotModel<I, O>, ModelError> + Send + Sync>;

/// Which slots are taken, and by whom. Slots are used again; generations are not, so that what is said of a sequence that
/// has left is never taken for the one that has its slot now.
#[derive(Debug)]
struct SlotTable {
    slots: Vec<Option<u64>>,
    generation: u64,
}

impl SlotTable {
    fn new(slots: usize) -> Self {
        Self { slots: vec![None; slots.max(1)], generation: 0 }
    }

    fn taken(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// `None`: all are taken.
    fn occupy(&mut self) -> Option<SlotKey> {
        let slot = self.slots.iter().position(Option::is_none)?;
        self.generation += 1;
        self.slots[slot] = Some(self.generation);
        Some(SlotKey { slot, generation: self.generation })
    }

    /// Whether the sequence is the one in its slot.
    fn holds(&self, key: SlotKey) -> bool {
        self.slots.get(key.slot).is_some_and(|taken| *taken == Some(key.generation))
    }

    /// `false`: it had left already.
    fn release(&mut self, key: SlotKey) -> bool {
        let held = self.holds(key);
        if held {
            self.slots[key.slot] = None;
        }
        held
    }
}

/// What a worker knows of the sequences under way.
struct Slots {
    table: SlotTable,
    joined: HashMap<u64, (SlotKey, Instant)>,
    /// Those that joined because one of them was overdue, as long as any is under way.
    overdue: Option<(Running, Vec<u64>)>,
}

/// Serves sequences until the model breaks or is not wanted any more.
pub(super) fn serve<M: Model>(
    shared: &Shared<M>,
    id: u64,
    model: &mut dyn SequenceModel<Input = M::Input, Output = M::Output>,
    failures: &mut u32,
) -> Ended {
    let mut slots = Slots { table: SlotTable::new(model.slots()), joined: HashMap::new(), overdue: None };
    let served = catch_unwind(AssertUnwindSafe(|| {
        loop {
            slots.overdue.take_if(|(_, of)| !of.iter().any(|generation| slots.joined.contains_key(generation)));
            let Some(joining) = admit(shared, id, &mut slots) else { return stopped(shared, id, &slots) };
            join(shared, id, model, joining, &mut slots);
            leave(shared, id, model, &mut slots);
            if slots.joined.is_empty() {
                continue;
            }
            if !busy(shared, id) {
                return Ended::Abandoned(slots.joined.len());
            }
            match settle(shared, id, model, &mut slots) {
                ControlFlow::Continue(()) => *failures = 0,
                ControlFlow::Break(ended) => return ended,
            }
        }
    }));
    served.unwrap_or_else(|_| {
        // Their inputs are the model's and went with it.
        let Some(served) = shared.lock().recall(id) else { return Ended::Abandoned(slots.joined.len()) };
        for (_, Served { meta, pending }) in served {
            shared.fail(meta.class, pending, shared.engine_error("it panicked"));
        }
        Ended::Broken(Restart::Panic)
    })
}

/// The watchdog counts each step anew. `false`: the worker was given up.
fn busy<M: Model>(shared: &Shared<M>, id: u64) -> bool {
    shared.lock().workers.get_mut(&id).map(|worker| worker.busy = Some(Instant::now())).is_some()
}

fn stopped<M: Model>(shared: &Shared<M>, id: u64, slots: &Slots) -> Ended {
    let abandoned = !slots.joined.is_empty() && shared.lock().recall(id).is_none();
    if abandoned { Ended::Abandoned(slots.joined.len()) } else { Ended::Stopped }
}

/// Those that join now: waits for some if none is under way. `None`: the worker is not wanted any more, and has nothing
/// under way.
fn admit<M: Model>(shared: &Shared<M>, id: u64, slots: &mut Slots) -> Option<Vec<(SlotKey, M::Input)>> {
    let mut state = shared.lock();
    let idle = slots.joined.is_empty();
    if idle {
        state.rest(id);
    }
    let version = loop {
        let worker = state.workers.get(&id)?;
        let version = worker.version;
        if worker.retiring || state.closed {
            if idle {
                state.dismissed(id);
                return None;
            }
            // What is under way is answered; nothing joins.
            return Some(Vec::new());
        }
        match state.ready(&shared.member, version) {
            Ready::Now => break version,
            _ if !idle => break version,
            Ready::Held(until) => state = shared.hold(state, until),
            Ready::Asleep(until) => state = shared.sleep(state, until),
        }
    };
    let taken = slots.table.taken();
    let most = slots.table.slots.len().min(state.settings.max_batch).saturating_sub(taken);
    if most == 0 || state.scheduler.len() == 0 || !state.may_take(version) {
        return Some(Vec::new());
    }
    let now = Instant::now();
    let (taken, running) = state.take_batch(&shared.member, id, None, now, most);
    let mut joining = Vec::new();
    state.begin(id, now, taken.batch, |input| {
        // As many slots are free as were asked for.
        let key = slots.table.occupy().unwrap_or(SlotKey { slot: usize::MAX, generation: u64::MAX });
        joining.push((key, input));
        key.generation
    });
    if let Some(running) = running {
        slots.overdue = Some((running, joining.iter().map(|(key, _)| key.generation).collect()));
    }
    slots.joined.extend(joining.iter().map(|(key, _)| (key.generation, (*key, now))));
    let depths = state.scheduler.depths();
    shared.wake(state);
    shared.meters.depths(depths);
    shared.drop_all(taken.dropped);
    Some(joining)
}

fn join<M: Model>(
    shared: &Shared<M>,
    id: u64,
    model: &mut dyn SequenceModel<Input = M::Input, Output = M::Output>,
    joining: Vec<(SlotKey, M::Input)>,
    slots: &mut Slots,
) {
    if joining.is_empty() {
        return;
    }
    let keys: Vec<SlotKey> = joining.iter().map(|(key, _)| *key).collect();
    let mut results = model.join(joining).into_iter();
    for key in keys {
        let refused = match results.next() {
            Some(Ok(())) => continue,
            Some(Err(error)) => error,
            None => shared.engine_error("it took fewer sequences than it was given"),
        };
        slots.table.release(key);
        slots.joined.remove(&key.generation);
        if let Some(Served { meta, pending }) = take(shared, id, key) {
            shared.fail(meta.class, pending, refused);
        }
    }
}

/// Those that nobody waits for any more leave.
fn leave<M: Model>(
    shared: &Shared<M>,
    id: u64,
    model: &mut dyn SequenceModel<Input = M::Input, Output = M::Output>,
    slots: &mut Slots,
) {
    let mut state = shared.lock();
    let Some(worker) = state.workers.get_mut(&id) else { return };
    let gone: Vec<(u64, Served<M::Output>)> =
        worker.served.extract_if(.., |(_, served)| served.pending.reply.is_closed()).collect();
    drop(state);
    for (generation, Served { meta, pending }) in gone {
        let Some((key, _)) = slots.joined.remove(&generation) else { continue };
        slots.table.release(key);
        model.leave(key);
        shared.fail(meta.class, pending, ModelError::Cancelled { model: shared.name.into() });
    }
}

/// One piece further, and answers for those that are done.
fn settle<M: Model>(
    shared: &Shared<M>,
    id: u64,
    model: &mut dyn SequenceModel<Input = M::Input, Output = M::Output>,
    slots: &mut Slots,
) -> ControlFlow<Ended> {
    let together = slots.joined.len();
    let steps = model.step();
    if !shared.lock().workers.contains_key(&id) {
        return ControlFlow::Break(Ended::Abandoned(together));
    }
    let mut nonsense = false;
    for (key, step) in steps {
        if !slots.table.holds(key) {
            shared.meters.late_results(1);
            continue;
        }
        let SequenceStep::Done(result) = step else { continue };
        slots.table.release(key);
        let Some((_, started)) = slots.joined.remove(&key.generation) else { continue };
        let Some(Served { meta, pending }) = take(shared, id, key) else { continue };
        let (waited, service) = (started - meta.queued_at, started.elapsed());
        let result = result.and_then(|output| match model.nonsense(&output) {
            Some(reason) => Err(ModelError::Nonsense { model: shared.name.into(), reason: reason.into() }),
            None => Ok(output),
        });
        shared.lock().service.observe(together, service);
        shared.meters.served(&[(meta.class, waited)], service);
        match result {
            Ok(output) => {
                shared.meters.answered(Class::ALL.map(|class| u64::from(class == meta.class)));
                let answer = Answer { output, model: model.info().clone(), waited, service, batch: together };
                pending.span.record("waited_us", waited.as_micros() as u64);
                pending.span.record("batch", together);
                pending.settle("answered", Ok(answer));
            }
            Err(error) => {
                nonsense |= matches!(error, ModelError::Nonsense { .. });
                shared.fail(meta.class, pending, error);
            }
        }
    }
    if !nonsense {
        return ControlFlow::Continue(());
    }
    // Whatever else it is making is as doubtful.
    let under_way = shared.lock().recall(id).unwrap_or_default();
    for (_, Served { meta, pending }) in under_way {
        let reason = "what was made beside it was nonsense".to_owned();
        shared.fail(meta.class, pending, ModelError::Nonsense { model: shared.name.into(), reason });
    }
    ControlFlow::Break(Ended::Broken(Restart::Nonsense))
}

fn take<M: Model>(shared: &Shared<M>, id: u64, key: SlotKey) -> Option<Served<M::Output>> {
    let mut state = shared.lock();
    let served = &mut state.workers.get_mut(&id)?.served;
    let at = served.iter().position(|(generation, _)| *generation == key.generation)?;
    Some(served.swap_remove(at).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_said_of_a_sequence_that_has_left_is_not_taken_for_the_one_in_its_slot_now() {
        let mut table = SlotTable::new(1);
        let first = table.occupy().unwrap();
        assert!(table.occupy().is_none());
        assert!(table.release(first));
        let second = table.occupy().unwrap();
        assert_eq!(first.slot, second.slot);
        assert!(!table.holds(first) && table.holds(second));
        assert!(!table.release(first));
        assert_eq!(table.taken(), 1);
    }

    proptest! {
        #[test]
        fn a_slot_is_never_held_by_two_and_a_generation_never_given_twice(
            slots in 1usize..6,
            moves in proptest::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..80),
        ) {
            let mut table = SlotTable::new(slots);
            let (mut held, mut given): (Vec<SlotKey>, Vec<SlotKey>) = (Vec::new(), Vec::new());
            for (joins, which) in moves {
                if joins {
                    let key = table.occupy();
                    prop_assert_eq!(key.is_some(), held.len() < slots);
                    if let Some(key) = key {
                        prop_assert!(given.iter().all(|other| other.generation != key.generation));
                        prop_assert!(held.iter().all(|other| other.slot != key.slot));
                        held.push(key);
                        given.push(key);
                    }
                } else if !given.is_empty() {
                    let key = *which.get(&given);
                    let was_held = held.contains(&key);
                    prop_assert_eq!(table.release(key), was_held);
                    held.retain(|other| *other != key);
                }
                prop_assert_eq!(table.taken(), held.len());
            }
        }
    }
}
