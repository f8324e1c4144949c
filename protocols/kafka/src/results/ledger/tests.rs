use super::*;
use healthsync_events::Standing;

fn session(n: u128) -> SessionId {
    SessionId(uuid::Uuid::from_u128(n))
}

fn done(job: &Job, position: u64) -> Worked {
    Worked { session: job.session, position: Some(Seq(position)), patient: None, sent: true }
}

fn failed(job: &Job, position: u64) -> Worked {
    Worked { sent: false, ..done(job, position) }
}

#[test]
fn a_session_is_worked_on_once_at_a_time_and_until_it_is_caught_up() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.appended(session(1), Seq(1));
    let job = ledger.next().unwrap();
    assert_eq!((job.session, job.position, job.window), (session(1), None, WINDOW));
    ledger.appended(session(1), Seq(2));
    assert_eq!(ledger.next(), None, "it is being worked on");
    ledger.worked(done(&job, 1), now);
    assert_eq!(ledger.left(), 1);
    let job = ledger.next().unwrap();
    assert_eq!(job.position, Some(Seq(1)));
    ledger.worked(done(&job, 2), now);
    assert_eq!((ledger.next(), ledger.left()), (None, 0));
}

#[test]
fn sessions_take_turns() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.appended(session(1), Seq(500));
    ledger.appended(session(2), Seq(1));
    let first = ledger.next().unwrap();
    ledger.worked(done(&first, 64), now);
    assert_eq!(ledger.next().unwrap().session, session(2));
    assert_eq!(ledger.next().unwrap().session, session(1));
}

#[test]
fn after_a_failure_a_session_waits_and_then_goes_event_by_event() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.appended(session(1), Seq(9));
    let job = ledger.next().unwrap();
    ledger.worked(failed(&job, 3), now);
    assert_eq!(ledger.next(), None);
    assert_eq!(ledger.left(), 6);
    let later = now + FIRST_WAIT;
    ledger.wake(later);
    let job = ledger.next().unwrap();
    assert_eq!((job.position, job.window), (Some(Seq(3)), 1));
    ledger.worked(failed(&job, 3), later);
    ledger.wake(later + FIRST_WAIT);
    assert_eq!(ledger.next(), None, "the wait grows");
    ledger.wake(later + FIRST_WAIT * 2);
    let job = ledger.next().unwrap();
    ledger.worked(done(&job, 4), later);
    assert_eq!(ledger.next().unwrap().window, 2, "it goes again, carefully");
}

#[test]
fn what_does_not_fit_is_found_again_in_the_log() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    for n in 0..MAX_KNOWN as u128 {
        ledger.appended(session(n), Seq(1));
    }
    ledger.appended(session(u128::MAX), Seq(1));
    assert!(ledger.wants_scan());
    assert_eq!(ledger.left(), MAX_KNOWN as u64 + 1);
    while let Some(job) = ledger.next() {
        ledger.worked(done(&job, 1), now);
    }
    let standing =
        |n: u128| Standing { session: session(n), patient: "P".parse().unwrap(), position: Seq(0), head: Seq(3) };
    ledger.appended(session(u128::MAX - 1), Seq(1));
    ledger.found(Backlog { sessions: vec![standing(u128::MAX)], events: 10 });
    assert_eq!(ledger.left(), 1 + 3 + 7);
    let jobs: Vec<_> = std::iter::from_fn(|| ledger.next()).map(|job| job.session).collect();
    assert_eq!(jobs, [session(u128::MAX - 1), session(u128::MAX)]);
    assert!(ledger.wants_scan(), "there is more than was listed");
}

#[test]
fn a_scan_during_work_does_not_start_it_twice() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.appended(session(1), Seq(1));
    let job = ledger.next().unwrap();
    ledger.missed();
    assert!(ledger.wants_scan());
    let standing = Standing { session: session(1), patient: "P".parse().unwrap(), position: Seq(0), head: Seq(2) };
    ledger.found(Backlog { sessions: vec![standing], events: 2 });
    assert!(!ledger.wants_scan());
    assert_eq!(ledger.next(), None);
    ledger.worked(done(&job, 2), now);
    assert_eq!((ledger.left(), ledger.next()), (0, None));
}
