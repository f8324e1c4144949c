//! Real pools with real threads, and models that do what a test wants.

mod health;
#[cfg(target_os = "linux")]
mod idle;
mod precedence;
mod rollout;
mod sequences;

use super::{precedence::MOST_GIVEN_UP, *};
use healthsync_models::Preempt;
use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

/// How long anything a test waits for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Doubles numbers when told to go on; reports the batches it saw. Some numbers are special.
struct Doubler {
    info: ModelInfo,
    gate: Arc<Mutex<Receiver<()>>>,
    batches: SyncSender<Vec<u32>>,
}

/// It panics on a batch that holds it.
const PANICS: u32 = 13;
/// Answered with what is no answer.
const NONSENSE: u32 = 77;
/// A batch that holds it gets no answers at all.
const MUTE: u32 = 78;
/// It cannot handle it.
const REFUSED: u32 = 79;

impl Model for Doubler {
    type Input = u32;
    type Output = u32;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[u32]) -> Vec<Result<u32, ModelError>> {
        self.batches.send(batch.to_vec()).unwrap();
        self.gate.lock().unwrap().recv().unwrap();
        assert!(!batch.contains(&PANICS), "thirteen");
        if batch.contains(&MUTE) {
            return Vec::new();
        }
        let answer = |n: &u32| match *n {
            REFUSED => Err(ModelError::Input { model: "doubler".into(), reason: "odd".into() }),
            NONSENSE => Ok(u32::MAX),
            n => Ok(n * 2),
        };
        batch.iter().map(answer).collect()
    }

    fn nonsense(&self, _: &u32, output: &u32) -> Option<&'static str> {
        (*output == u32::MAX).then_some("a number out of range")
    }

    fn length(&self, input: &u32) -> usize {
        *input as usize
    }
}

struct Rig {
    pool: Pool<Doubler>,
    go: SyncSender<()>,
    batches: Receiver<Vec<u32>>,
}

fn info(version: &str) -> ModelInfo {
    ModelInfo { name: "doubler".into(), version: version.into(), weights_sha256: "0".repeat(64) }
}

/// A factory with who lets its models go on and who sees their batches.
fn doublers(version: &str) -> (ModelFactory<Doubler>, SyncSender<()>, Receiver<Vec<u32>>) {
    let (go, gate) = sync_channel(64);
    let (saw, batches) = sync_channel(64);
    let (gate, info) = (Arc::new(Mutex::new(gate)), info(version));
    let make = move || Ok(Doubler { info: info.clone(), gate: gate.clone(), batches: saw.clone() });
    (Arc::new(make), go, batches)
}

fn config(capacity: usize, max_batch: usize) -> PoolConfig {
    PoolConfig { name: "doubler", capacity, max_batch, ..PoolConfig::default() }
}

fn rig_of(config: PoolConfig) -> Rig {
    let (factory, go, batches) = doublers("1");
    Rig { pool: Pool::start(config, factory).unwrap(), go, batches }
}

fn rig(capacity: usize, max_batch: usize) -> Rig {
    rig_of(config(capacity, max_batch))
}

impl Rig {
    /// The next batch the model sees.
    fn batch(&self) -> Vec<u32> {
        self.batches.recv_timeout(PATIENCE).expect("the model is given a batch")
    }

    fn go(&self, times: usize) {
        (0..times).for_each(|_| self.go.send(()).unwrap());
    }

    fn submit(&self, input: u32) -> Ticket<u32> {
        self.pool.submit(request(input)).unwrap()
    }
}

fn request(input: u32) -> Request<u32> {
    let session = SessionId(uuid::Uuid::from_u128(u128::from(input)));
    Request { session, class: Class::Live, input, deadline: None, supersedes: None }
}

fn superseding(input: u32) -> Request<u32> {
    let key = (SessionId(uuid::Uuid::nil()), "patient".parse().unwrap());
    Request { supersedes: Some(key), ..request(input) }
}

/// Waits until the pool's own figures say so.
async fn until(pool: &impl PoolControl, wanted: impl Fn(&PoolStats) -> bool) -> PoolStats {
    let search = async {
        loop {
            let stats = pool.stats();
            if wanted(&stats) {
                return stats;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("it comes to be so")
}

#[tokio::test]
async fn requests_that_wait_while_a_batch_runs_form_the_next_batch() {
    let rig = rig(16, 8);
    let first = rig.submit(1);
    assert_eq!(rig.batch(), [1]);
    let rest: Vec<_> = (2..6).map(|n| rig.submit(n)).collect();
    rig.go(2);
    assert_eq!(first.answer().await.unwrap().output, 2);
    for (ticket, expected) in rest.into_iter().zip([4, 6, 8, 10]) {
        let answer = ticket.answer().await.unwrap();
        assert_eq!((answer.output, answer.batch), (expected, 4));
    }
}

#[tokio::test]
async fn a_full_queue_refuses_with_a_reason_and_keeps_what_it_admitted() {
    let rig = rig(1, 1);
    let running = rig.submit(1);
    rig.batch();
    let queued = rig.submit(2);
    assert!(matches!(rig.pool.submit(request(3)), Err(Refusal::Overloaded { retry_after_ms: 1.., .. })));
    rig.go(2);
    assert_eq!(running.answer().await.unwrap().output, 2);
    assert_eq!(queued.answer().await.unwrap().output, 4);
    let stats = rig.pool.stats();
    assert_eq!(stats.classes[Class::Live as usize].dropped, [("overloaded".to_owned(), 1)]);
}

#[tokio::test]
async fn a_newer_partial_takes_the_place_of_the_queued_older_one() {
    let rig = rig(1, 1);
    let running = rig.pool.submit(superseding(1)).unwrap();
    rig.batch();
    let older = rig.pool.submit(superseding(2)).unwrap();
    let newer = rig.pool.submit(superseding(3)).unwrap();
    assert_eq!(older.answer().await.unwrap_err(), Dropped::Superseded);
    rig.go(2);
    assert_eq!(running.answer().await.unwrap().output, 2);
    assert_eq!(newer.answer().await.unwrap().output, 6);
}

#[tokio::test]
async fn a_dropped_ticket_frees_its_place_and_is_never_run() {
    let rig = rig(1, 8);
    let running = rig.submit(1);
    rig.batch();
    drop(rig.submit(2));
    let queued = rig.submit(3);
    rig.go(2);
    assert_eq!(running.answer().await.unwrap().output, 2);
    assert_eq!(queued.answer().await.unwrap().output, 6);
    assert_eq!(rig.batch(), [3]);
}

#[tokio::test]
async fn a_partial_makes_way_for_an_alarm_and_is_told() {
    let rig = rig(2, 1);
    let running = rig.submit(1);
    rig.batch();
    let deadline = Some(Instant::now() + PATIENCE);
    let partial = rig.pool.submit(Request { deadline, class: Class::Background, ..request(2) }).unwrap();
    let kept = rig.submit(3);
    let alarm = rig.pool.submit(Request { class: Class::Alarm, ..request(4) }).unwrap();
    assert_eq!(partial.answer().await.unwrap_err(), Dropped::Shed);
    rig.go(3);
    for (ticket, expected) in [(running, 2), (alarm, 8), (kept, 6)] {
        assert_eq!(ticket.answer().await.unwrap().output, expected);
    }
    assert_eq!([rig.batch(), rig.batch()], [[4], [3]]);
}

#[tokio::test]
async fn settings_change_while_it_runs_and_what_cannot_be_set_changes_nothing() {
    let rig = rig(16, 1);
    let running = rig.submit(0);
    rig.batch();
    let change = SettingsPatch { max_batch: Some(4), ..SettingsPatch::default() };
    assert_eq!(rig.pool.reconfigure(&change).unwrap().max_batch, Some(4));
    let nothing = SettingsPatch { max_batch: Some(2), capacity: Some(0), ..SettingsPatch::default() };
    assert!(matches!(rig.pool.reconfigure(&nothing), Err(Refusal::Invalid { .. })));
    let tickets: Vec<_> = (1..5).map(|n| rig.submit(n)).collect();
    rig.go(2);
    assert_eq!(rig.batch(), [1, 2, 3, 4]);
    running.answer().await.unwrap();
    for ticket in tickets {
        ticket.answer().await.unwrap();
    }
}

#[tokio::test]
async fn who_holds_requests_lets_them_go_when_the_delay_is_taken_away() {
    let rig = rig_of(PoolConfig { max_queue_delay: Duration::from_mins(50), ..config(16, 8) });
    rig.pool.ready().await.unwrap();
    let held = rig.submit(1);
    until(&rig.pool, |stats| stats.classes[Class::Live as usize].depth == 1).await;
    let change = SettingsPatch { max_queue_delay_ms: Some(0.0), ..SettingsPatch::default() };
    rig.pool.reconfigure(&change).unwrap();
    rig.go(1);
    assert_eq!(held.answer().await.unwrap().output, 2);
}

#[tokio::test]
async fn lengths_are_asked_of_the_model_and_kept_apart() {
    let rig = rig(16, 8);
    let buckets = SettingsPatch { buckets: Some(vec![10, 100]), ..SettingsPatch::default() };
    rig.pool.reconfigure(&buckets).unwrap();
    let running = rig.submit(1);
    rig.batch();
    let tickets: Vec<_> = [50, 2, 60, 3].map(|n| rig.submit(n)).into();
    rig.go(3);
    assert_eq!([rig.batch(), rig.batch()], [[50, 60], [2, 3]]);
    running.answer().await.unwrap();
    for ticket in tickets {
        ticket.answer().await.unwrap();
    }
}

#[tokio::test]
async fn what_waits_in_a_pool_that_closes_is_told_so() {
    let rig = rig(16, 1);
    let running = rig.submit(1);
    rig.batch();
    let waiting = rig.submit(2);
    let Rig { pool, go, .. } = rig;
    drop(pool);
    assert_eq!(waiting.answer().await.unwrap_err(), Dropped::Closed);
    go.send(()).unwrap();
    assert_eq!(running.answer().await.unwrap().output, 2, "what runs is finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_many_threads_is_answered_once_by_several_instances() {
    struct Echo(ModelInfo);
    impl Model for Echo {
        type Input = u32;
        type Output = u32;
        fn info(&self) -> &ModelInfo {
            &self.0
        }
        fn run(&mut self, batch: &[u32]) -> Vec<Result<u32, ModelError>> {
            batch.iter().map(|n| Ok(*n)).collect()
        }
    }
    let config = PoolConfig { instances: 3, ..config(4_096, 16) };
    let pool: Pool<Echo> = Pool::start(config, Arc::new(|| Ok(Echo(info("1"))))).unwrap();
    let ask = |start: u32| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for n in start..start + 500 {
                let answer = pool.submit(request(n)).unwrap().answer().await.unwrap();
                assert_eq!(answer.output, n);
            }
        })
    };
    let asking: Vec<_> = (0..8).map(|client| ask(client * 1_000)).collect();
    for client in asking {
        client.await.unwrap();
    }
    let stats = pool.stats();
    assert_eq!(stats.classes[Class::Live as usize].answered, 4_000);
    assert_eq!(stats.batch_size.sum.round() as u64, 4_000);
    until(&pool, |_| pool.is_idle()).await;
}
