use super::*;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Doubles numbers when told to go on; panics on 13; reports the batches it saw.
struct Doubler {
    info: ModelInfo,
    gate: Arc<Mutex<Receiver<()>>>,
    batches: SyncSender<Vec<u32>>,
}

impl Model for Doubler {
    type Input = u32;
    type Output = u32;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[u32]) -> Vec<Result<u32, ModelError>> {
        self.batches.send(batch.to_vec()).unwrap();
        self.gate.lock().unwrap().recv().unwrap();
        assert!(!batch.contains(&13), "thirteen");
        batch.iter().map(|n| Ok(n * 2)).collect()
    }
}

struct Rig {
    pool: Pool<Doubler>,
    go: SyncSender<()>,
    batches: Receiver<Vec<u32>>,
}

fn rig(capacity: usize, max_batch: usize) -> Rig {
    let (go, gate) = sync_channel(64);
    let (saw, batches) = sync_channel(64);
    let gate = Arc::new(Mutex::new(gate));
    let info = ModelInfo { name: "doubler".into(), version: "1".into(), weights_sha256: "0".repeat(64) };
    let factory: ModelFactory<Doubler> =
        Arc::new(move || Ok(Doubler { info: info.clone(), gate: gate.clone(), batches: saw.clone() }));
    let config = PoolConfig { name: "doubler", capacity, max_batch, max_queue_delay: Duration::ZERO, instances: 1 };
    Rig { pool: Pool::start(config, factory).unwrap(), go, batches }
}

fn request(input: u32) -> Request<u32> {
    let session = SessionId(uuid::Uuid::from_u128(u128::from(input)));
    Request { session, class: Class::Live, input, deadline: None, supersedes: None }
}

fn superseding(input: u32) -> Request<u32> {
    let key = (SessionId(uuid::Uuid::nil()), "patient".parse().unwrap());
    Request { supersedes: Some(key), ..request(input) }
}

#[tokio::test]
async fn requests_that_wait_while_a_batch_runs_form_the_next_batch() {
    let rig = rig(16, 8);
    let first = rig.pool.submit(request(1)).unwrap();
    assert_eq!(rig.batches.recv().unwrap(), [1]);
    let rest: Vec<_> = (2..6).map(|n| rig.pool.submit(request(n)).unwrap()).collect();
    rig.go.send(()).unwrap();
    rig.go.send(()).unwrap();
    assert_eq!(first.answer().await.unwrap().output, 2);
    for (ticket, expected) in rest.into_iter().zip([4, 6, 8, 10]) {
        let answer = ticket.answer().await.unwrap();
        assert_eq!((answer.output, answer.batch), (expected, 4));
    }
}

#[tokio::test]
async fn a_full_queue_refuses_with_a_reason_and_keeps_what_it_admitted() {
    let rig = rig(1, 1);
    let running = rig.pool.submit(request(1)).unwrap();
    rig.batches.recv().unwrap();
    let queued = rig.pool.submit(request(2)).unwrap();
    assert!(matches!(rig.pool.submit(request(3)), Err(Refusal::Overloaded { .. })));
    rig.go.send(()).unwrap();
    rig.go.send(()).unwrap();
    assert_eq!(running.answer().await.unwrap().output, 2);
    assert_eq!(queued.answer().await.unwrap().output, 4);
}

#[tokio::test]
async fn a_newer_partial_takes_the_place_of_the_queued_older_one() {
    let rig = rig(1, 1);
    let running = rig.pool.submit(superseding(1)).unwrap();
    rig.batches.recv().unwrap();
    let older = rig.pool.submit(superseding(2)).unwrap();
    let newer = rig.pool.submit(superseding(3)).unwrap();
    assert_eq!(older.answer().await.unwrap_err(), Dropped::Superseded);
    rig.go.send(()).unwrap();
    rig.go.send(()).unwrap();
    assert_eq!(running.answer().await.unwrap().output, 2);
    assert_eq!(newer.answer().await.unwrap().output, 6);
}

#[tokio::test]
async fn a_dropped_ticket_frees_its_place_and_is_never_run() {
    let rig = rig(1, 8);
    let running = rig.pool.submit(request(1)).unwrap();
    rig.batches.recv().unwrap();
    drop(rig.pool.submit(request(2)).unwrap());
    let queued = rig.pool.submit(request(3)).unwrap();
    rig.go.send(()).unwrap();
    rig.go.send(()).unwrap();
    assert_eq!(running.answer().await.unwrap().output, 2);
    assert_eq!(queued.answer().await.unwrap().output, 6);
    assert_eq!(rig.batches.recv().unwrap(), [3]);
}

#[tokio::test]
async fn a_model_that_panics_is_made_again_and_its_batch_is_told() {
    let rig = rig(16, 1);
    let unlucky = rig.pool.submit(request(13)).unwrap();
    rig.go.send(()).unwrap();
    assert!(matches!(unlucky.answer().await, Err(Dropped::Failed(ModelError::Engine { .. }))));
    let next = rig.pool.submit(request(4)).unwrap();
    rig.go.send(()).unwrap();
    assert_eq!(next.answer().await.unwrap().output, 8);
}

#[tokio::test]
async fn a_pool_whose_model_cannot_be_loaded_says_so_to_all() {
    let refuse = ModelError::Load { model: "doubler".into(), reason: "no weights".into() };
    let error = refuse.clone();
    let config =
        PoolConfig { name: "doubler", capacity: 4, max_batch: 1, max_queue_delay: Duration::ZERO, instances: 1 };
    let pool: Pool<Doubler> = Pool::start(config, Arc::new(move || Err(error.clone()))).unwrap();
    assert_eq!(pool.ready().await.unwrap_err(), refuse);
    let ticket = pool.submit(request(1)).unwrap();
    assert_eq!(ticket.answer().await.unwrap_err(), Dropped::Failed(refuse));
}
