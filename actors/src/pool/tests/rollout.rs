//! One version in another's place.

use super::*;

#[tokio::test]
async fn a_new_version_takes_over_and_what_is_under_way_keeps_the_old_one() {
    let rig = rig(16, 1);
    let under_way = rig.submit(1);
    rig.batch();
    let (factory, go, batches) = doublers("2");
    let info = rig.pool.roll_out(factory, 1.0).await.unwrap();
    assert_eq!(info.version, "2");
    let after = rig.submit(2);
    assert_eq!(batches.recv_timeout(PATIENCE).unwrap(), [2], "the new one has it, and the old one is still busy");
    go.send(()).unwrap();
    assert_eq!(after.answer().await.unwrap().model.version, "2");
    rig.go(1);
    assert_eq!(under_way.answer().await.unwrap().model.version, "1");
    let stats = until(&rig.pool, |stats| stats.instances.len() == 1).await;
    assert_eq!((stats.version, stats.model.unwrap().version), (2, "2".to_owned()));
}

#[tokio::test]
async fn a_version_that_cannot_be_loaded_leaves_the_old_one_in_its_place() {
    let rig = rig(16, 1);
    rig.pool.ready().await.unwrap();
    let refuse = ModelError::Load { model: "doubler".into(), reason: "no weights".into() };
    let error = refuse.clone();
    let factory: ModelFactory<Doubler> = Arc::new(move || Err(error.clone()));
    assert_eq!(rig.pool.roll_out(factory, 1.0).await.unwrap_err(), RolloutError::Load(refuse));
    rig.go(1);
    assert_eq!(rig.submit(1).answer().await.unwrap().model.version, "1");
    assert!(rig.pool.is_ready());
}

#[tokio::test]
async fn a_pool_without_a_model_serves_once_it_can_be_loaded() {
    let weights = Arc::new(Mutex::new(false));
    let there = Arc::clone(&weights);
    let (factory, go, _batches) = doublers("1");
    let make: ModelFactory<Doubler> = Arc::new(move || {
        let missing = ModelError::Load { model: "doubler".into(), reason: "no weights".into() };
        if *there.lock().unwrap() { factory() } else { Err(missing) }
    });
    let pool = Pool::start(config(4, 1), make).unwrap();
    assert!(pool.ready().await.is_err());
    *weights.lock().unwrap() = true;
    pool.reload(1.0).await.unwrap();
    assert!(pool.is_ready());
    go.send(()).unwrap();
    assert_eq!(pool.submit(request(3)).unwrap().answer().await.unwrap().output, 6);
}

/// Serves so many requests one after the other, and counts whose they were.
async fn serve(rig: &Rig, requests: u32) -> (usize, usize) {
    let mut versions = Vec::new();
    for n in 0..requests {
        versions.push(rig.submit(n).answer().await.unwrap().model.version);
    }
    let new = versions.iter().filter(|version| *version == "2").count();
    (versions.len() - new, new)
}

#[tokio::test]
async fn a_canary_gets_its_share_until_it_is_promoted() {
    let rig = rig(16, 1);
    rig.go(60);
    let (factory, go, _batches) = doublers("2");
    (0..60).for_each(|_| go.send(()).unwrap());
    rig.pool.ready().await.unwrap();
    rig.pool.roll_out(factory, 0.25).await.unwrap();
    let (old, new) = serve(&rig, 40).await;
    assert!((9..=12).contains(&new), "{old} and {new}");
    let canary = rig.pool.stats().canary.unwrap();
    assert_eq!((canary.version, canary.requests, canary.taken), (2, 40, new as u64));
    let other = rig.pool.reload(1.0).await.unwrap_err();
    assert_eq!(other, RolloutError::InProgress);
    PoolControl::promote(&rig.pool).unwrap();
    assert_eq!(serve(&rig, 10).await, (0, 10));
    assert_eq!(PoolControl::promote(&rig.pool).unwrap_err(), RolloutError::NoCanary);
}

#[tokio::test]
async fn a_canary_that_fails_serves_nothing_more_and_its_requests_are_served_by_the_old_version() {
    let rig = rig(16, 1);
    rig.go(60);
    let broken: ModelFactory<Doubler> = {
        let (make, _go, _batches) = doublers("2");
        // Nobody lets it go on: its gate is closed, so that it panics on its first batch.
        make
    };
    rig.pool.ready().await.unwrap();
    rig.pool.roll_out(broken, 0.5).await.unwrap();
    assert_eq!(serve(&rig, 10).await, (10, 0));
    let stats = until(&rig.pool, |stats| stats.canary.is_none()).await;
    assert_eq!((stats.version, stats.retried, stats.ready), (1, 1, true));
}

#[tokio::test]
async fn a_canary_can_be_rolled_back() {
    let rig = rig(16, 1);
    rig.go(60);
    let (factory, go, _batches) = doublers("2");
    (0..60).for_each(|_| go.send(()).unwrap());
    rig.pool.ready().await.unwrap();
    rig.pool.roll_out(factory, 0.5).await.unwrap();
    PoolControl::roll_back(&rig.pool).unwrap();
    assert_eq!(serve(&rig, 10).await, (10, 0));
    until(&rig.pool, |stats| stats.instances.len() == 1).await;
    assert_eq!(rig.pool.roll_out(doublers("3").0, 0.0).await.unwrap_err(), RolloutError::Share);
}
