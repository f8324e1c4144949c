//! Sequences that join and leave between two pieces.

use super::*;
use healthsync_models::{SequenceModel, SequenceStep, SlotKey};

/// Counts down from its input, one a step, and answers how many steps it took. It tells what came of a step only with
/// the next one, as an engine does that computes ahead: so it speaks of sequences that have left.
struct Countdown {
    info: ModelInfo,
    slots: Vec<Option<(SlotKey, u32, u32)>>,
    told: Vec<(SlotKey, SequenceStep<u32>)>,
    gate: Arc<Mutex<Receiver<()>>>,
    saw: SyncSender<Vec<u32>>,
}

impl SequenceModel for Countdown {
    type Input = u32;
    type Output = u32;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn slots(&self) -> usize {
        self.slots.len()
    }

    fn join(&mut self, joining: Vec<(SlotKey, u32)>) -> Vec<Result<(), ModelError>> {
        let mut join = |(key, from): (SlotKey, u32)| {
            if from == REFUSED {
                return Err(ModelError::Input { model: "countdown".into(), reason: "odd".into() });
            }
            assert!(self.slots[key.slot].replace((key, from, 0)).is_none(), "a slot that is taken");
            Ok(())
        };
        joining.into_iter().map(&mut join).collect()
    }

    fn step(&mut self) -> Vec<(SlotKey, SequenceStep<u32>)> {
        self.saw.send(self.slots.iter().flatten().map(|(_, left, _)| *left).collect()).unwrap();
        self.gate.lock().unwrap().recv().unwrap();
        let mut news = Vec::new();
        for slot in &mut self.slots {
            let Some((key, left, steps)) = slot else { continue };
            assert_ne!(*left, PANICS, "thirteen");
            *steps += 1;
            *left = left.saturating_sub(1);
            if *left == 0 {
                news.push((*key, SequenceStep::Done(Ok(*steps))));
                *slot = None;
            } else {
                news.push((*key, SequenceStep::Grown));
            }
        }
        // Done is told at once; growth a step late.
        let (done, grown): (Vec<_>, Vec<_>) = news.into_iter().partition(|(_, s)| matches!(s, SequenceStep::Done(_)));
        let mut told = std::mem::replace(&mut self.told, grown);
        told.extend(done);
        told
    }

    fn leave(&mut self, key: SlotKey) {
        self.slots[key.slot] = None;
    }
}

struct Rig {
    pool: Pool<Doubler>,
    go: SyncSender<()>,
    saw: Receiver<Vec<u32>>,
}

fn rig(slots: usize) -> Rig {
    let (go, gate) = sync_channel(256);
    let (tell, saw) = sync_channel(256);
    let gate = Arc::new(Mutex::new(gate));
    let factory: SlotFactory<u32, u32> = Arc::new(move || {
        let slots = (0..slots).map(|_| None).collect();
        let (gate, saw) = (Arc::clone(&gate), tell.clone());
        Ok(Box::new(Countdown { info: info("1"), slots, told: Vec::new(), gate, saw }) as SlotModel<u32, u32>)
    });
    Rig { pool: Pool::start_slots(super::config(16, 8), factory).unwrap(), go, saw }
}

impl Rig {
    fn step(&self) -> Vec<u32> {
        self.saw.recv_timeout(PATIENCE).expect("the model makes a step")
    }

    fn go(&self, times: usize) {
        (0..times).for_each(|_| self.go.send(()).unwrap());
    }

    fn submit(&self, from: u32) -> Ticket<u32> {
        self.pool.submit(request(from)).unwrap()
    }
}

#[tokio::test]
async fn a_sequence_joins_those_under_way_and_leaves_without_waiting_for_them() {
    let rig = rig(2);
    let long = rig.submit(6);
    assert_eq!(rig.step(), [6]);
    let short = rig.submit(2);
    rig.go(1);
    assert_eq!(rig.step(), [5, 2], "it joined between two steps");
    rig.go(2);
    assert_eq!(short.answer().await.unwrap().output, 2);
    rig.step();
    // Its slot is taken by the next one while the long one goes on.
    assert_eq!(rig.step(), [3]);
    let next = rig.submit(1);
    rig.go(1);
    assert_eq!(rig.step(), [2, 1]);
    rig.go(2);
    assert_eq!(next.answer().await.unwrap().output, 1);
    assert_eq!(long.answer().await.unwrap().output, 6);
    until(&rig.pool, |_| rig.pool.is_idle()).await;
}

#[tokio::test]
async fn what_is_told_late_of_a_sequence_that_has_left_is_not_its_successors() {
    let rig = rig(1);
    let cancelled = rig.submit(50);
    rig.step();
    let next = rig.submit(3);
    drop(cancelled);
    rig.go(5);
    assert_eq!(next.answer().await.unwrap().output, 3);
    let stats = until(&rig.pool, |stats| stats.late_results > 0).await;
    assert_eq!(stats.classes[Class::Live as usize].answered, 1);
    assert_eq!(stats.classes[Class::Live as usize].dropped, [("cancelled".to_owned(), 1)]);
}

#[tokio::test]
async fn who_is_refused_by_the_model_leaves_its_slot_to_another() {
    let rig = rig(1);
    rig.go(10);
    assert!(matches!(rig.submit(REFUSED).answer().await, Err(Dropped::Failed(ModelError::Input { .. }))));
    assert_eq!(rig.submit(2).answer().await.unwrap().output, 2);
}

#[tokio::test]
async fn a_model_of_sequences_that_panics_is_made_again_and_those_under_way_are_told() {
    let rig = rig(2);
    let (first, second) = (rig.submit(PANICS + 1), rig.submit(40));
    rig.go(10);
    assert!(matches!(first.answer().await, Err(Dropped::Failed(ModelError::Engine { .. }))));
    assert!(matches!(second.answer().await, Err(Dropped::Failed(ModelError::Engine { .. }))));
    assert_eq!(rig.submit(3).answer().await.unwrap().output, 3);
}

#[tokio::test]
async fn a_step_that_hangs_fails_those_under_way_and_others_are_served() {
    let rig = rig(2);
    rig.pool.ready().await.unwrap();
    rig.pool.reconfigure(&SettingsPatch { hang_limit_ms: Some(20.0), ..SettingsPatch::default() }).unwrap();
    let hung = rig.submit(9);
    assert_eq!(rig.step(), [9]);
    assert!(matches!(hung.answer().await, Err(Dropped::Failed(ModelError::Hung { .. }))));
    rig.pool.reconfigure(&SettingsPatch { hang_limit_ms: Some(60_000.0), ..SettingsPatch::default() }).unwrap();
    let next = rig.submit(1);
    rig.go(2);
    assert_eq!(next.answer().await.unwrap().output, 1);
    until(&rig.pool, |stats| stats.abandoned == 0 && stats.late_results == 1).await;
}

#[tokio::test]
async fn no_more_join_than_there_are_slots_or_the_settings_allow() {
    let rig = rig(4);
    let first = rig.submit(3);
    rig.step();
    rig.pool.reconfigure(&SettingsPatch { max_batch: Some(2), ..SettingsPatch::default() }).unwrap();
    let rest: Vec<_> = (0..4).map(|_| rig.submit(3)).collect();
    rig.go(40);
    first.answer().await.unwrap();
    for ticket in rest {
        assert!(ticket.answer().await.unwrap().batch <= 2);
    }
}
