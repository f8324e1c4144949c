//! Background requests that make way for what is urgent, here and in other pools.

use super::*;
use std::sync::mpsc::RecvTimeoutError;

/// Doubles numbers when told to go on, and makes way when asked to.
struct Polite {
    doubler: Doubler,
    preempt: Preempt,
}

impl Model for Polite {
    type Input = u32;
    type Output = u32;

    fn info(&self) -> &ModelInfo {
        &self.doubler.info
    }

    /// Half a batch is done when it makes way.
    fn run(&mut self, batch: &[u32]) -> Vec<Result<u32, ModelError>> {
        self.doubler.batches.send(batch.to_vec()).unwrap();
        let gate = self.doubler.gate.lock().unwrap();
        while gate.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
            if self.preempt.is_asked() {
                let makes_way = || Err(ModelError::Preempted { model: "doubler".into() });
                let done = batch.len() / 2;
                return (0..).zip(batch).map(|(n, of)| if n < done { Ok(of * 2) } else { makes_way() }).collect();
            }
        }
        batch.iter().map(|of| Ok(of * 2)).collect()
    }

    fn heed(&mut self, preempt: Preempt) {
        self.preempt = preempt;
    }
}

struct Pair {
    speech: super::Rig,
    texts: Pool<Polite>,
    go: SyncSender<()>,
    batches: Receiver<Vec<u32>>,
}

/// Two pools of one process.
fn pair(max_batch: usize) -> Pair {
    let placement = Placement { precedence: Precedence::new(2), ..Placement::default() };
    let (factory, go, batches) = doublers("1");
    let polite: ModelFactory<Polite> =
        Arc::new(move || Ok(Polite { doubler: factory()?, preempt: Preempt::default() }));
    let config = |max_batch| PoolConfig { placement: placement.clone(), ..config(16, max_batch) };
    let texts = Pool::start(config(max_batch), polite).unwrap();
    Pair { speech: rig_of(config(8)), texts, go, batches }
}

impl Pair {
    fn background(&self, input: u32) -> Ticket<u32> {
        self.texts.submit(Request { class: Class::Background, ..request(input) }).unwrap()
    }

    fn batch(&self) -> Vec<u32> {
        self.batches.recv_timeout(PATIENCE).expect("the model is given a batch")
    }
}

#[tokio::test]
async fn what_made_way_for_another_pool_is_run_again_when_that_is_done_and_answered_once() {
    let pair = pair(4);
    pair.texts.ready().await.unwrap();
    let first = pair.background(1);
    assert_eq!(pair.batch(), [1]);
    let rest = [2, 3, 4, 5].map(|n| pair.background(n));
    pair.go.send(()).unwrap();
    assert_eq!(first.answer().await.unwrap().output, 2);
    assert_eq!(pair.batch(), [2, 3, 4, 5]);
    let live = pair.speech.submit(7);
    assert_eq!(pair.speech.batch(), [7]);
    let stats = until(&pair.texts, |stats| stats.preempted == 2).await;
    assert_eq!(stats.classes[Class::Background as usize].depth, 2, "two were done and two wait again");
    assert!(pair.batches.try_recv().is_err(), "nothing begins beside what is urgent");
    pair.speech.go(1);
    assert_eq!(live.answer().await.unwrap().output, 14);
    assert_eq!(pair.batch(), [4, 5]);
    pair.go.send(()).unwrap();
    for (ticket, expected) in rest.into_iter().zip([4, 6, 8, 10]) {
        assert_eq!(ticket.answer().await.unwrap().output, expected);
    }
    let stats = until(&pair.texts, |_| pair.texts.is_idle()).await;
    assert_eq!((stats.classes[Class::Background as usize].answered, stats.preempted), (5, 2));
}

#[tokio::test]
async fn who_has_made_way_often_enough_runs_to_the_end() {
    let pair = pair(1);
    let given = pair.background(1);
    for times in 0..MOST_GIVEN_UP {
        assert_eq!(pair.batch(), [1]);
        let live = pair.speech.submit(times);
        until(&pair.texts, |stats| stats.preempted == u64::from(times) + 1).await;
        pair.speech.go(1);
        live.answer().await.unwrap();
    }
    assert_eq!(pair.batch(), [1]);
    let live = pair.speech.submit(9);
    pair.speech.go(1);
    live.answer().await.unwrap();
    pair.go.send(()).unwrap();
    assert_eq!(given.answer().await.unwrap().output, 2);
    assert_eq!(pair.texts.stats().preempted, u64::from(MOST_GIVEN_UP));
}

#[tokio::test]
async fn live_requests_do_not_wait_for_the_background_of_their_own_pool() {
    let pair = pair(1);
    let background = pair.background(1);
    assert_eq!(pair.batch(), [1]);
    let live = pair.texts.submit(request(2)).unwrap();
    assert_eq!(pair.batch(), [2]);
    pair.go.send(()).unwrap();
    assert_eq!(live.answer().await.unwrap().output, 4);
    assert_eq!(pair.batch(), [1]);
    pair.go.send(()).unwrap();
    assert_eq!(background.answer().await.unwrap().output, 2);
}

#[tokio::test]
async fn an_urgent_request_that_nobody_waits_for_any_more_holds_nobody_off() {
    let pair = pair(1);
    let running = pair.speech.submit(1);
    pair.speech.batch();
    let abandoned = pair.speech.submit(2);
    let background = pair.background(3);
    drop((running, abandoned));
    pair.speech.go(1);
    assert_eq!(pair.batch(), [3]);
    pair.go.send(()).unwrap();
    assert_eq!(background.answer().await.unwrap().output, 6);
}

#[tokio::test]
async fn a_pool_that_closes_holds_nobody_off_and_tells_those_who_made_way() {
    let pair = pair(1);
    let background = pair.background(3);
    assert_eq!(pair.batch(), [3]);
    let live = pair.speech.submit(1);
    pair.speech.batch();
    until(&pair.texts, |stats| stats.preempted == 1).await;
    let super::Rig { pool, go, .. } = pair.speech;
    drop(pool);
    go.send(()).unwrap();
    live.answer().await.unwrap();
    assert_eq!(pair.batches.recv_timeout(PATIENCE).unwrap(), [3]);
    drop(pair.texts);
    pair.go.send(()).unwrap();
    assert_eq!(background.answer().await.unwrap().output, 6, "what runs is finished");
}

#[tokio::test]
async fn a_partial_of_the_background_is_told_that_it_is_late_though_nothing_of_it_is_taken() {
    let pair = pair(1);
    let live = pair.speech.submit(1);
    pair.speech.batch();
    let deadline = Some(Instant::now() + Duration::from_millis(20));
    let partial = pair.texts.submit(Request { class: Class::Background, deadline, ..request(2) }).unwrap();
    assert_eq!(partial.answer().await.unwrap_err(), Dropped::Late);
    pair.speech.go(1);
    live.answer().await.unwrap();
}
