//! Follows a patient's consultations for one subscription, and notifies.
//!
//! Notifications are numbered as the log has the events they are of, so that their numbers are the same whenever they
//! are counted again. What was notified of is remembered after it has arrived: after a crash the last one may come twice,
//! and none is left out.

use super::{
    Channel, Followed, Status, Subscription,
    live::{Live, now},
    manager::Subscriptions,
    notice::{Happened, Type},
};
use crate::{chart::Charts, search::Whose};
use futures_util::StreamExt;
use healthsync_events::{Event, EventBody, EventStream, Refusal, Seq, SessionId};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

/// How often it is looked whether a consultation has begun.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest wait between two attempts.
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// What ends a subscription's work.
struct Over;

pub(super) struct Follower {
    pub live: Arc<Live>,
    pub owner: Arc<Subscriptions>,
}

impl Follower {
    /// Until the subscription is stopped, over, or cannot be delivered.
    pub async fn run(self) {
        let stop = self.live.stop.clone();
        let _over = self.live.over.clone().drop_guard();
        if stop.run_until_cancelled(self.work()).await.is_some() {
            tracing::info!("a FHIR subscription has come to its end");
        }
    }

    async fn work(&self) -> Result<Infallible, Over> {
        self.greet().await?;
        loop {
            let session = self.next_session().await?;
            self.follow(session).await?;
        }
    }

    /// The handshake, where it is still to be made.
    async fn greet(&self) -> Result<(), Over> {
        if self.live.status() != Status::Requested {
            return Ok(());
        }
        // A WebSocket gets its own when it binds.
        self.deliver(&self.live.notice(Type::Handshake, &[])).await?;
        let active = self.live.change(|subscription| subscription.status = Status::Active);
        self.owner.keep(&active).await;
        Ok(())
    }

    /// The consultation to follow: the one that was followed, if it goes on, or the next that begins.
    async fn next_session(&self) -> Result<Followed, Over> {
        loop {
            let subscription = self.live.subscription();
            if subscription.end.is_some_and(|end| end <= now()) {
                return Err(self.off().await);
            }
            let last = subscription.follows.last().copied();
            if let Some(last) = last
                && last.until.is_none()
                && self.goes_on(last).await
            {
                return Ok(last);
            }
            match &subscription.whose {
                Whose::Session(_) if last.is_some() => return Err(self.off().await),
                Whose::Session(session) => return Ok(self.begin(*session, Seq::FIRST).await),
                Whose::Patient(patient) => {
                    if let Ok(Some(session)) = self.owner.sessions().of_patient(patient).await
                        && let Some(from) = self.news_of(session, &subscription).await
                    {
                        return Ok(self.begin(session, from).await);
                    }
                }
            }
            self.beat_while_waiting().await?;
        }
    }

    /// The first event of a consultation that is news; none where all of it has been told.
    async fn news_of(&self, session: SessionId, subscription: &Subscription) -> Option<Seq> {
        if let Some(followed) = subscription.follows.iter().rev().find(|followed| followed.session == session) {
            return followed.until;
        }
        let summary = self.owner.sessions().summary(session).await.ok()?;
        // What was there before the subscription was is none.
        let older = summary.started_at < subscription.created;
        Some(if older { summary.head.next() } else { Seq::FIRST })
    }

    async fn goes_on(&self, followed: Followed) -> bool {
        match self.owner.sessions().summary(followed.session).await {
            Ok(summary) => !summary.ended || summary.head >= followed.next,
            Err(refusal) => refusal.retryable(),
        }
    }

    async fn begin(&self, session: SessionId, from: Seq) -> Followed {
        let mut followed = Followed { session, from, next: from, until: None, before: 0 };
        let kept = self.live.change(|subscription| {
            followed.before = subscription.sent;
            if subscription.follows.len() >= super::manager::MAX_FOLLOWED {
                subscription.follows.remove(0);
            }
            subscription.follows.push(followed);
        });
        self.owner.keep(&kept).await;
        followed
    }

    /// Whether the patient has a newer consultation: that is where what comes is recorded from then on, even if nobody
    /// has ended this one.
    async fn has_moved_on(&self, session: SessionId) -> bool {
        let Whose::Patient(patient) = self.live.subscription().whose else { return false };
        matches!(self.owner.sessions().of_patient(&patient).await, Ok(Some(newest)) if newest != session)
    }

    /// One consultation, until it ends or the patient has a newer one.
    async fn follow(&self, followed: Followed) -> Result<(), Over> {
        let mut events: EventStream = match self.owner.sessions().events(followed.session, followed.next).await {
            Ok(events) => events,
            Err(_) => return self.beat_while_waiting().await,
        };
        let beat = self.heartbeat();
        let mut silence = interval_at(Instant::now() + beat, beat);
        let mut look = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                // What is there already comes first: a consultation is left when all of it has been told.
                biased;
                event = events.next() => event,
                _ = silence.tick() => {
                    self.sign_of_life().await?;
                    continue;
                }
                _ = look.tick() => {
                    if self.has_moved_on(followed.session).await {
                        self.live.change(leave);
                        return Ok(());
                    }
                    continue;
                }
            };
            match event {
                Some(Ok(event)) => {
                    if self.take(&event).await? {
                        silence.reset();
                    }
                }
                Some(Err(_)) => return self.beat_while_waiting().await,
                None => return self.pause_if_it_goes_on().await,
            }
        }
    }

    /// The stream has ended, as it does when the consultation has.
    async fn pause_if_it_goes_on(&self) -> Result<(), Over> {
        match self.live.subscription().follows.last() {
            Some(last) if self.goes_on(*last).await => self.beat_while_waiting().await,
            _ => Ok(()),
        }
    }

    /// Notifies of the event if it is wanted; whether it was.
    async fn take(&self, event: &Event) -> Result<bool, Over> {
        let subscription = self.live.subscription();
        if subscription.end.is_some_and(|end| end <= now()) {
            return Err(self.off().await);
        }
        let next = event.seq.next();
        let step = |subscription: &mut Subscription| {
            if let Some(last) = subscription.follows.last_mut() {
                last.next = next;
            }
        };
        if !subscription.wants(event) {
            self.live.change(step);
            return Ok(false);
        }
        let resources = loop {
            match resources(&self.owner.charts(), event, &subscription).await {
                Ok(resources) => break resources,
                // The log is busy: the notification waits, as those behind it do.
                Err(_) => sleep(LOOK_EVERY).await,
            }
        };
        let happened = Happened { number: subscription.sent + 1, at: event.at, resources };
        self.deliver(&self.live.notice(Type::EventNotification, &[happened])).await?;
        let kept = self.live.change(|subscription| {
            step(subscription);
            subscription.sent += 1;
        });
        self.owner.keep(&kept).await;
        Ok(true)
    }

    async fn sign_of_life(&self) -> Result<(), Over> {
        let subscription = self.live.subscription();
        if subscription.end.is_some_and(|end| end <= now()) {
            return Err(self.off().await);
        }
        if subscription.heartbeat.is_some() {
            self.deliver(&self.live.notice(Type::Heartbeat, &[])).await?;
        }
        Ok(())
    }

    /// While no consultation is open.
    async fn beat_while_waiting(&self) -> Result<(), Over> {
        let mut waited = Duration::ZERO;
        let beat = self.heartbeat();
        loop {
            sleep(LOOK_EVERY).await;
            waited += LOOK_EVERY;
            let subscription = self.live.subscription();
            let open = match &subscription.whose {
                Whose::Patient(patient) => matches!(self.owner.sessions().of_patient(patient).await, Ok(Some(_))),
                Whose::Session(_) => true,
            };
            if open || subscription.end.is_some_and(|end| end <= now()) {
                return Ok(());
            }
            if waited >= beat {
                waited = Duration::ZERO;
                self.sign_of_life().await?;
            }
        }
    }

    /// Without one it is still looked now and then whether the subscription has come to its end.
    fn heartbeat(&self) -> Duration {
        self.live.subscription().heartbeat.map_or(MAX_BACKOFF, |seconds| Duration::from_secs(u64::from(seconds)))
    }

    async fn off(&self) -> Over {
        let kept = self.live.change(|subscription| subscription.status = Status::Off);
        self.owner.keep(&kept).await;
        Over
    }

    /// Delivers, again and again with pauses that double, and gives up after so many attempts.
    async fn deliver(&self, text: &str) -> Result<(), Over> {
        let Channel::RestHook { endpoint, headers } = self.live.subscription().channel else {
            self.live.publish(text.to_owned());
            return Ok(());
        };
        let settings = self.owner.settings();
        let mut pause = settings.backoff;
        for attempt in 1..=settings.attempts {
            let posted = match self.owner.endpoint(&endpoint) {
                Some(address) => settings.courier.post(&address, &headers, text.to_owned()).await,
                // The list may have become shorter since.
                None => return Err(self.give_up("the endpoint is no longer allowed").await),
            };
            let Err(error) = posted else {
                metrics::counter!("healthsync_fhir_notifications_total", "outcome" => "delivered").increment(1);
                return Ok(());
            };
            metrics::counter!("healthsync_fhir_notifications_total", "outcome" => "failed").increment(1);
            if attempt == settings.attempts {
                return Err(self.give_up(&error.to_string()).await);
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_BACKOFF);
        }
        Ok(())
    }

    async fn give_up(&self, why: &str) -> Over {
        tracing::warn!(why, "a FHIR subscription is given up");
        let kept = self.live.change(|subscription| {
            subscription.status = Status::Error;
            subscription.error = Some(why.to_owned());
        });
        self.owner.keep(&kept).await;
        Over
    }
}

/// What comes in the consultation from now on does not count, unless it becomes the patient's newest again.
fn leave(subscription: &mut Subscription) {
    if let Some(last) = subscription.follows.last_mut() {
        last.until = Some(last.next);
    }
}

/// The resources that an event is about, as they stand now.
pub(super) async fn resources(
    charts: &Charts,
    event: &Event,
    subscription: &Subscription,
) -> Result<Vec<serde_json::Value>, Refusal> {
    let held = charts.get(event.session).await?;
    let chart = held.chart()?;
    let EventBody::AlarmCleared(cleared) = &event.body else {
        let all = chart.resources(event);
        return Ok(all.into_iter().filter(|resource| subscription.shows(resource)).collect());
    };
    // The alarm that is over was raised by an earlier event.
    let Some(seq) = chart.alarm(cleared.alarm) else { return Ok(Vec::new()) };
    let raised = charts.event(event.session, seq).await?;
    Ok(raised.map(|raised| chart.resources(&raised)).unwrap_or_default())
}
