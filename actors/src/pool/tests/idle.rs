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
