//! Models that panic, hang, answer nonsense or do not fit.

use super::*;

/// A model on its worker's thread, and one aside.
fn wherever(capacity: usize, max_batch: usize) -> [Rig; 2] {
    let placed = |idle| Placement { idle, ..Placement::default() };
    [false, true].map(|idle| rig_of(PoolConfig { placement: placed(idle), ..config(capacity, max_batch) }))
}

#[tokio::test]
async fn a_model_that_panics_is_made_again_and_only_what_it_panics_on_fails() {
    for rig in wherever(16, 8) {
        let first = rig.submit(1);
        rig.batch();
        let unlucky = rig.submit(PANICS);
        let beside = rig.submit(2);
        rig.go(4);
        assert_eq!(first.answer().await.unwrap().output, 2);
        assert!(matches!(unlucky.answer().await, Err(Dropped::Failed(ModelError::Engine { .. }))));
        let answer = beside.answer().await.unwrap();
        assert_eq!((answer.output, answer.batch), (4, 1), "it was tried again, alone");
        let stats = until(&rig.pool, |stats| stats.restarts == [("panic".to_owned(), 2)]).await;
        assert_eq!((stats.retried, stats.ready), (2, true));
    }
}

#[tokio::test]
async fn a_model_that_answers_nonsense_is_made_again_and_the_rest_of_the_batch_keeps_its_answers() {
    for rig in wherever(16, 8) {
        let first = rig.submit(1);
        rig.batch();
        let (unlucky, beside, refused) = (rig.submit(NONSENSE), rig.submit(2), rig.submit(REFUSED));
        rig.go(3);
        first.answer().await.unwrap();
        assert_eq!(beside.answer().await.unwrap().batch, 3, "it was not asked for again");
        assert!(matches!(refused.answer().await, Err(Dropped::Failed(ModelError::Input { .. }))));
        let told = unlucky.answer().await.unwrap_err();
        assert!(matches!(told, Dropped::Failed(ModelError::Nonsense { .. })), "{told:?}");
        until(&rig.pool, |stats| stats.restarts == [("nonsense".to_owned(), 2)]).await;
    }
}

#[tokio::test]
async fn a_batch_without_answers_is_tried_again_one_by_one() {
    for rig in wherever(16, 8) {
        let first = rig.submit(1);
        rig.batch();
        let (mute, beside) = (rig.submit(MUTE), rig.submit(2));
        rig.go(4);
        first.answer().await.unwrap();
        assert!(matches!(mute.answer().await, Err(Dropped::Failed(ModelError::Nonsense { .. }))));
        assert_eq!(beside.answer().await.unwrap().output, 4);
    }
}

#[tokio::test]
async fn a_model_that_hangs_is_given_up_and_its_late_answer_is_nobodys() {
    for rig in wherever(16, 1) {
        let change = SettingsPatch { hang_limit_ms: Some(20.0), ..SettingsPatch::default() };
        rig.pool.ready().await.unwrap();
        rig.pool.reconfigure(&change).unwrap();
        let hanging = rig.submit(1);
        rig.batch();
        assert_eq!(
            hanging.answer().await.unwrap_err(),
            Dropped::Failed(ModelError::Hung { model: "doubler".into(), limit_ms: 20 })
        );
        let patient = SettingsPatch { hang_limit_ms: Some(60_000.0), ..SettingsPatch::default() };
        rig.pool.reconfigure(&patient).unwrap();
        assert_eq!(rig.pool.stats().abandoned, 1);
        // Its successor serves while the one that hangs still does.
        let next = rig.submit(2);
        assert_eq!(rig.batch(), [2]);
        rig.go(2);
        assert_eq!(next.answer().await.unwrap().output, 4);
        let stats = until(&rig.pool, |stats| stats.late_results == 1).await;
        assert_eq!((stats.abandoned, stats.classes[Class::Live as usize].answered), (0, 1));
        assert_eq!(stats.restarts, [("hang".to_owned(), 1)]);
    }
}

#[tokio::test]
async fn a_pool_whose_every_model_hangs_says_so_and_serves_again_when_one_comes_back() {
    let rig = rig(16, 1);
    rig.pool.ready().await.unwrap();
    rig.pool.reconfigure(&SettingsPatch { hang_limit_ms: Some(20.0), ..SettingsPatch::default() }).unwrap();
    for n in 1..=3 {
        let hung = rig.submit(n);
        rig.batch();
        assert!(matches!(hung.answer().await, Err(Dropped::Failed(ModelError::Hung { .. }))));
    }
    until(&rig.pool, |stats| stats.failure.is_some()).await;
    assert!(matches!(rig.submit(4).answer().await, Err(Dropped::Failed(ModelError::Hung { .. }))));
    rig.pool.reconfigure(&SettingsPatch { hang_limit_ms: Some(60_000.0), ..SettingsPatch::default() }).unwrap();
    rig.go(1);
    until(&rig.pool, |stats| stats.ready).await;
    let served = rig.submit(5);
    rig.go(3);
    assert_eq!(served.answer().await.unwrap().output, 10);
}

#[tokio::test]
async fn a_pool_whose_model_cannot_be_loaded_says_so_to_all() {
    let refuse = ModelError::Load { model: "doubler".into(), reason: "no weights".into() };
    let error = refuse.clone();
    let pool: Pool<Doubler> = Pool::start(config(4, 1), Arc::new(move || Err(error.clone()))).unwrap();
    assert_eq!(pool.ready().await.unwrap_err(), refuse);
    let ticket = pool.submit(request(1)).unwrap();
    assert_eq!(ticket.answer().await.unwrap_err(), Dropped::Failed(refuse));
    assert!(pool.is_idle() && !pool.is_ready());
}

#[tokio::test]
async fn a_factory_that_panics_is_a_model_that_cannot_be_loaded() {
    let pool: Pool<Doubler> = Pool::start(config(4, 1), Arc::new(|| panic!("a broken factory"))).unwrap();
    assert!(matches!(pool.ready().await.unwrap_err(), ModelError::Load { .. }));
}

#[tokio::test]
async fn a_model_that_always_panics_is_not_tried_for_ever() {
    let rig = rig(16, 1);
    rig.go(20);
    let tickets: Vec<_> = (0..6).map(|_| rig.submit(PANICS)).collect();
    for ticket in tickets {
        assert!(ticket.answer().await.is_err());
    }
    let stats = until(&rig.pool, |stats| stats.failure.is_some()).await;
    assert_eq!(stats.restarts, [("panic".to_owned(), 5)]);
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_refused_and_the_rest_goes_on() {
    let budget = MemoryBudget::new(100);
    let placement = Placement { memory_mb: 60, memory_budget: Some(budget.clone()), ..Placement::default() };
    let rig = rig_of(PoolConfig { placement: placement.clone(), ..config(4, 1) });
    rig.pool.ready().await.unwrap();
    let (factory, _go, _batches) = doublers("1");
    let other = Pool::start(PoolConfig { placement, ..config(4, 1) }, factory).unwrap();
    let refused = ModelError::Memory { model: "doubler".into(), needed_mb: 60, free_mb: 40 };
    assert_eq!(other.ready().await.unwrap_err(), refused);
    // Nor does a second version beside the first.
    assert_eq!(rig.pool.reload(1.0).await.unwrap_err(), RolloutError::Load(refused));
    assert_eq!(budget.usage_mb(), (60, 100));
    rig.go(1);
    assert_eq!(rig.submit(1).answer().await.unwrap().output, 2);
}

#[tokio::test]
async fn a_model_is_warm_before_its_pool_is_ready_and_told_how_many_threads_it_has() {
    struct Told(ModelInfo, Arc<Mutex<Vec<&'static str>>>, usize);
    impl Model for Told {
        type Input = ();
        type Output = usize;
        fn info(&self) -> &ModelInfo {
            &self.0
        }
        fn run(&mut self, batch: &[()]) -> Vec<Result<usize, ModelError>> {
            batch.iter().map(|()| Ok(self.2)).collect()
        }
        fn warm_up(&mut self) -> Result<(), ModelError> {
            self.1.lock().unwrap().push("warm");
            Ok(())
        }
        fn set_threads(&mut self, threads: usize) {
            self.2 = threads;
        }
    }
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let budget = ThreadBudget::new(4);
    let other = budget.lease(Class::Live, 3);
    let placement = Placement { threads: 4, thread_budget: Some(budget), ..Placement::default() };
    let config = PoolConfig { placement, ..config(4, 1) };
    let pool: Pool<Told> = Pool::start(config, Arc::new(move || Ok(Told(info("1"), Arc::clone(&heard), 0)))).unwrap();
    pool.ready().await.unwrap();
    assert_eq!(*said.lock().unwrap(), ["warm"]);
    let ask = || {
        let request = Request {
            session: SessionId(uuid::Uuid::nil()),
            class: Class::Live,
            input: (),
            deadline: None,
            supersedes: None,
        };
        pool.submit(request).unwrap()
    };
    assert_eq!(ask().answer().await.unwrap().output, 1, "three of four cores are in use");
    drop(other);
    assert_eq!(ask().answer().await.unwrap().output, 4);
}
