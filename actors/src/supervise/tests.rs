use super::*;
use actix::{Handler, Message};
use tokio::sync::mpsc;

struct Fragile {
    lease: Lease,
    handled: u32,
}

impl Actor for Fragile {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "u32")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

#[derive(Message)]
#[rtype(result = "()")]
struct Finish;

impl Handler<Count> for Fragile {
    type Result = u32;
    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> u32 {
        self.handled += 1;
        self.handled
    }
}

impl Handler<Panic> for Fragile {
    type Result = ();
    fn handle(&mut self, _: Panic, _: &mut Context<Self>) {
        panic!("a handler that panics");
    }
}

impl Handler<Finish> for Fragile {
    type Result = ();
    fn handle(&mut self, _: Finish, context: &mut Context<Self>) {
        self.lease.finish();
        actix::ActorContext::stop(context);
    }
}

fn start(threads: &ActorThreads) -> (Supervised<Fragile>, mpsc::Receiver<Notice>) {
    let (told, notices) = mpsc::channel(64);
    let create = |lease| Fragile { lease, handled: 0 };
    let policy = RestartPolicy { backoff: Duration::ZERO, ..RestartPolicy::default() };
    let child = supervise(&threads.next(), policy, create, move |notice| told.try_send(notice).unwrap());
    (child, notices)
}

#[tokio::test]
async fn an_actor_whose_handler_panicked_answers_again() {
    let threads = ActorThreads::start(1).unwrap();
    let (child, mut notices) = start(&threads);
    assert_eq!(child.addr().await.unwrap().send(Count).await.unwrap(), 1);
    assert!(child.addr().await.unwrap().send(Panic).await.is_err());
    assert!(matches!(notices.recv().await, Some(Notice::Restarted(1))));
    assert_eq!(child.addr().await.unwrap().send(Count).await.unwrap(), 1);
    threads.stop();
}

#[tokio::test]
async fn an_actor_that_dies_too_often_is_given_up_and_callers_are_told() {
    let threads = ActorThreads::start(1).unwrap();
    let (child, mut notices) = start(&threads);
    for n in 1..=5 {
        assert!(child.addr().await.unwrap().send(Panic).await.is_err());
        assert!(matches!(notices.recv().await, Some(Notice::Restarted(k)) if k == n));
    }
    assert!(child.addr().await.unwrap().send(Panic).await.is_err());
    assert!(matches!(notices.recv().await, Some(Notice::GaveUp)));
    assert_eq!(child.addr().await.err(), Some(Refusal::unavailable("session")));
    threads.stop();
}

#[tokio::test]
async fn an_actor_that_finished_is_not_started_again() {
    let threads = ActorThreads::start(1).unwrap();
    let (child, mut notices) = start(&threads);
    child.addr().await.unwrap().send(Finish).await.unwrap();
    assert!(notices.recv().await.is_none(), "the supervisor ended without a restart");
    assert!(child.addr().await.is_err());
    threads.stop();
}

#[test]
fn restarts_are_counted_within_the_window_only_and_back_off() {
    let policy = RestartPolicy::default();
    let start = Instant::now();
    let mut intensity = Intensity::default();
    let waits: Vec<_> = (0..5).map(|_| intensity.admit(start, &policy).unwrap().as_millis()).collect();
    assert_eq!(waits, [0, 10, 20, 40, 80]);
    assert_eq!(intensity.admit(start, &policy), None);
    assert_eq!(intensity.admit(start + policy.within, &policy), Some(Duration::ZERO));
}
