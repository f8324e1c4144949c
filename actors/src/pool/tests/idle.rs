//! Models on threads that yield to everything.

use super::*;
use thread_priority::{
    NormalThreadSchedulePolicy::Idle, ThreadSchedulePolicy, ThreadSchedulePolicy::Normal, thread_schedule_policy,
};

/// Tells under which policy it was made, has warmed up and runs, and that of a thread that it starts.
struct Policies(ModelInfo, Vec<ThreadSchedulePolicy>);

impl Policies {
    fn note(&mut self) {
        self.1.push(thread_schedule_policy().unwrap());
    }
}

impl Model for Policies {
    type Input = ();
    type Output = Vec<ThreadSchedulePolicy>;

    fn info(&self) -> &ModelInfo {
        &self.0
    }

    fn run(&mut self, batch: &[()]) -> Vec<Result<Self::Output, ModelError>> {
        self.note();
        self.1.push(std::thread::spawn(|| thread_schedule_policy().unwrap()).join().unwrap());
        batch.iter().map(|()| Ok(self.1.clone())).collect()
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        self.note();
        Ok(())
    }
}

#[tokio::test]
async fn all_that_an_idle_model_does_yields_to_everything_and_nothing_that_another_does() {
    let make = || {
        let mut model = Policies(info("1"), Vec::new());
        model.note();
        Ok(model)
    };
    for idle in [true, false] {
        let placement = Placement { idle, ..Placement::default() };
        let pool = Pool::start(PoolConfig { placement, ..config(4, 1) }, Arc::new(make)).unwrap();
        let Request { session, class, deadline, supersedes, .. } = request(0);
        let answer = pool.submit(Request { session, class, input: (), deadline, supersedes }).unwrap().answer().await;
        let yields: Vec<bool> = answer.unwrap().output.into_iter().map(|policy| policy == Normal(Idle)).collect();
        assert_eq!(yields, [idle; 4]);
    }
}

#[tokio::test]
async fn an_idle_model_is_gone_when_its_pool_is() {
    struct Mortal(ModelInfo, SyncSender<()>);
    impl Model for Mortal {
        type Input = ();
        type Output = ();
        fn info(&self) -> &ModelInfo {
            &self.0
        }
        fn run(&mut self, batch: &[()]) -> Vec<Result<(), ModelError>> {
            batch.iter().map(|()| Ok(())).collect()
        }
    }
    impl Drop for Mortal {
        fn drop(&mut self) {
            self.1.send(()).unwrap();
        }
    }
    let (last_words, heard) = sync_channel(1);
    let placement = Placement { idle: true, ..Placement::default() };
    let make = move || Ok(Mortal(info("1"), last_words.clone()));
    let pool = Pool::start(PoolConfig { placement, ..config(4, 1) }, Arc::new(make)).unwrap();
    pool.ready().await.unwrap();
    assert!(heard.try_recv().is_err());
    drop(pool);
    heard.recv_timeout(PATIENCE).expect("it ends");
}

#[tokio::test]
async fn a_model_that_goes_piece_by_piece_is_refused_on_idle_threads() {
    let placement = Placement { idle: true, ..Placement::default() };
    let make = Arc::new(|| panic!("it is not made"));
    let pool = Pool::<Doubler>::start_slots(PoolConfig { placement, ..config(4, 1) }, make).unwrap();
    assert!(matches!(pool.ready().await, Err(ModelError::Engine { .. })));
}

/// Looks whether it is asked to make way each time it is told to, says what it was told, and ends when nobody tells it
/// anything any more.
struct Watchful {
    info: ModelInfo,
    preempt: Preempt,
    began: SyncSender<u32>,
    look: Arc<Mutex<Receiver<()>>>,
    saw: SyncSender<bool>,
}

impl Model for Watchful {
    type Input = u32;
    type Output = u32;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn run(&mut self, batch: &[u32]) -> Vec<Result<u32, ModelError>> {
        self.began.send(batch[0]).unwrap();
        for () in self.look.lock().unwrap().iter() {
            self.saw.send(self.preempt.is_asked()).unwrap();
        }
        batch.iter().map(|n| Ok(n * 2)).collect()
    }

    fn heed(&mut self, preempt: Preempt) {
        self.preempt = preempt;
    }
}

#[tokio::test]
async fn an_idle_model_waits_where_it_looks_while_another_pool_has_what_is_urgent_and_then_goes_on() {
    let ((begins, began), (look, looks), (sees, saw)) = (sync_channel(8), sync_channel(8), sync_channel(8));
    let looks = Arc::new(Mutex::new(looks));
    let make = move || {
        let (began, look, saw) = (begins.clone(), looks.clone(), sees.clone());
        Ok(Watchful { info: info("1"), preempt: Preempt::default(), began, look, saw })
    };
    let placement = Placement { precedence: Precedence::new(2), ..Placement::default() };
    let speech = rig_of(PoolConfig { placement: placement.clone(), ..config(8, 1) });
    let idle = Placement { idle: true, ..placement };
    let texts = Pool::start(PoolConfig { placement: idle, ..config(8, 1) }, Arc::new(make)).unwrap();
    let background = texts.submit(Request { class: Class::Background, ..request(3) }).unwrap();
    assert_eq!(began.recv_timeout(PATIENCE), Ok(3));
    look.send(()).unwrap();
    assert_eq!(saw.recv_timeout(PATIENCE), Ok(false), "nothing is urgent");

    let live = [speech.submit(1), speech.submit(2)];
    assert_eq!(speech.batch(), [1]);
    look.send(()).unwrap();
    let unseen = || saw.recv_timeout(Duration::from_millis(100)).is_err();
    assert!(unseen(), "it waits");
    speech.go(1);
    assert_eq!(speech.batch(), [2]);
    assert!(unseen(), "another one is there");
    speech.go(1);
    for (ticket, expected) in live.into_iter().zip([2, 4]) {
        assert_eq!(ticket.answer().await.unwrap().output, expected);
    }
    assert_eq!(saw.recv_timeout(PATIENCE), Ok(false), "it need not give up");
    drop(look);
    assert_eq!(background.answer().await.unwrap().output, 6);
    assert!(began.try_recv().is_err(), "it is not run again");
    assert_eq!(texts.stats().preempted, 0);
}
