//! All subscriptions: kept durably, started again with the server, bounded in number.

use super::{
    Allowed, Channel, Content, Courier, Followed, Status, Subscription,
    allow::Endpoint,
    follow::{self, Follower},
    live::{Live, now},
    notice::{self, Happened, Type},
    resource::{self, Asked},
};
use crate::{
    chart::Charts,
    issue::{Code, Failure, Issue},
    limits::MAX_EVENTS,
    search::Whose,
};
use futures_util::StreamExt;
use healthsync_events::{Documents, Refusal, Seq, Sessions, Timestamp};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// Where subscriptions are kept.
const SHELF: &str = "fhir-subscriptions";

/// Consultations of one subscription that are remembered for `$events`.
pub(super) const MAX_FOLLOWED: usize = 64;

/// Subscriptions that follow one patient or one consultation at a time. Each reads its events as a page does, and a
/// session has places for so many readers.
const MAX_OF_ONE: usize = 16;

/// Subscriptions taken up again, even if fewer are allowed by now.
const MAX_KEPT: usize = 1_024;

/// How long a token binds, and tokens at a time.
const TOKEN_LIVES: Duration = Duration::from_mins(5);
const MAX_TOKENS: usize = 256;

/// What the operator decides.
#[derive(Clone)]
pub struct Settings {
    pub allowed: Allowed,
    pub courier: Courier,
    /// Attempts for one notification, the first included.
    pub attempts: u32,
    /// Between the first two; doubles from then on, up to a minute.
    pub backoff: Duration,
    /// Each follows its patient's consultations.
    pub max: usize,
}

/// The subscriptions of this server.
pub struct Subscriptions {
    sessions: Arc<dyn Sessions>,
    documents: Arc<dyn Documents>,
    charts: Arc<Charts>,
    settings: Settings,
    live: Mutex<BTreeMap<String, Arc<Live>>>,
    tokens: Mutex<HashMap<String, (String, Timestamp)>>,
    /// Held from counting subscriptions until there is one more.
    creating: tokio::sync::Mutex<()>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Subscriptions {
    pub fn new(
        sessions: Arc<dyn Sessions>,
        documents: Arc<dyn Documents>,
        charts: Arc<Charts>,
        settings: Settings,
        stop: CancellationToken,
    ) -> Self {
        let (live, tokens, creating) = (Mutex::default(), Mutex::default(), tokio::sync::Mutex::default());
        Self { sessions, documents, charts, settings, live, tokens, creating, stop, tasks: TaskTracker::new() }
    }

    /// Takes up the subscriptions that an earlier run has left.
    pub async fn resume(self: &Arc<Self>) -> Result<(), Refusal> {
        for (name, body) in self.documents.on_shelf(SHELF, self.settings.max.max(MAX_KEPT)).await? {
            let Ok(subscription) = serde_json::from_str::<Subscription>(&body) else {
                // Its content is not logged: it names a patient.
                tracing::warn!(subscription = name, "a FHIR subscription cannot be read and rests");
                continue;
            };
            self.start(subscription);
        }
        Ok(())
    }

    /// Waits until nothing is under way any more.
    pub async fn settle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(super) fn sessions(&self) -> &dyn Sessions {
        &*self.sessions
    }

    pub(super) fn charts(&self) -> Arc<Charts> {
        Arc::clone(&self.charts)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The address, if it is allowed.
    pub(super) fn endpoint(&self, text: &str) -> Option<Endpoint> {
        text.parse().ok().filter(|endpoint| self.settings.allowed.allows(endpoint))
    }

    /// Whether notifications may be posted anywhere.
    pub fn has_endpoints(&self) -> bool {
        !self.settings.allowed.is_empty()
    }

    /// Remembers how things stand. That it could not be means that notifications may come twice after a restart.
    pub(super) async fn keep(&self, subscription: &Subscription) {
        if self.put(subscription).await.is_err() {
            tracing::warn!("a FHIR subscription's progress could not be kept");
        }
    }

    async fn put(&self, subscription: &Subscription) -> Result<(), Refusal> {
        let body = serde_json::to_string(subscription).map_err(|_| Refusal::unavailable("subscriptions"))?;
        self.documents.put(SHELF, subscription.id.clone(), body).await
    }

    /// Makes a subscription; it is durable when this returns.
    pub async fn create(self: &Arc<Self>, resource: &Value, base: &str) -> Result<Value, Failure> {
        let id = Uuid::now_v7().to_string();
        let mut subscription =
            resource::read(resource, Asked { id, base, now: now(), allowed: &self.settings.allowed })?;
        let _alone = self.creating.lock().await;
        self.has_room(&subscription.whose)?;
        if let Some(followed) = self.now_open(&subscription.whose).await? {
            subscription.follows.push(followed);
        }
        if subscription.channel == Channel::Websocket {
            subscription.status = Status::Active;
        }
        self.put(&subscription).await?;
        let shown = resource::write(&subscription);
        self.start(subscription);
        Ok(shown)
    }

    fn has_room(&self, whose: &Whose) -> Result<(), Failure> {
        let all = self.lock();
        let full = |many: String| Err(Failure::new(429, Issue::error(Code::Throttled, many)));
        if all.len() >= self.settings.max {
            return full(format!("there are {} subscriptions already", self.settings.max));
        }
        let follows = |live: &&Arc<Live>| !live.over.is_cancelled() && live.subscription().whose == *whose;
        if all.values().filter(follows).count() >= MAX_OF_ONE {
            return full(format!("{MAX_OF_ONE} subscriptions follow the same already"));
        }
        Ok(())
    }

    /// What is in the consultation already is no news.
    async fn now_open(&self, whose: &Whose) -> Result<Option<Followed>, Failure> {
        let session = match whose {
            Whose::Patient(patient) => self.sessions.of_patient(patient).await?,
            Whose::Session(session) => Some(*session),
        };
        let Some(session) = session else { return Ok(None) };
        let summary = match self.sessions.summary(session).await {
            Err(Refusal::UnknownSession) => {
                return Err(Failure::new(422, Issue::error(Code::NotFound, "there is no such consultation")));
            }
            other => other?,
        };
        let from = summary.head.next();
        Ok(Some(Followed { session, from, next: from, until: None, before: 0 }))
    }

    fn start(self: &Arc<Self>, subscription: Subscription) {
        let working = matches!(subscription.status, Status::Requested | Status::Active);
        let live = Arc::new(Live::new(subscription, self.stop.child_token()));
        let id = live.subscription().id;
        let count = {
            let mut all = self.lock();
            all.insert(id, Arc::clone(&live));
            all.len()
        };
        metrics::gauge!("healthsync_fhir_subscriptions").set(count as f64);
        if working {
            self.tasks.spawn(Follower { live, owner: Arc::clone(self) }.run());
        } else {
            live.over.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: &str) -> Result<Arc<Live>, Failure> {
        self.lock().get(id).map(Arc::clone).ok_or_else(|| Failure::not_found("there is no such subscription"))
    }

    pub fn read(&self, id: &str) -> Result<Value, Failure> {
        Ok(resource::write(&self.find(id)?.subscription()))
    }

    /// All of them, as a searchset.
    pub fn list(&self, base: &str) -> Value {
        let all: Vec<Subscription> = self.lock().values().map(|live| live.subscription()).collect();
        let entry = |subscription: &Subscription| {
            let address = format!("{base}/Subscription/{}", subscription.id);
            json!({ "fullUrl": address, "resource": resource::write(subscription), "search": { "mode": "match" } })
        };
        let entries: Vec<Value> = all.iter().map(entry).collect();
        let link = json!([{ "relation": "self", "url": format!("{base}/Subscription") }]);
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": all.len(), "link": link });
        if !entries.is_empty() {
            bundle["entry"] = entries.into();
        }
        bundle
    }

    /// Ends a subscription and forgets it.
    pub async fn delete(&self, id: &str) -> Result<(), Failure> {
        let live = self.find(id)?;
        live.stop.cancel();
        // Its last word on how things stand must not be kept after it is removed.
        live.over.cancelled().await;
        self.documents.remove(SHELF, id.to_owned()).await?;
        let count = {
            let mut all = self.lock();
            all.remove(id);
            all.len()
        };
        metrics::gauge!("healthsync_fhir_subscriptions").set(count as f64);
        Ok(())
    }

    /// `$status`.
    pub fn status(&self, id: &str) -> Result<Value, Failure> {
        Ok(notice::status_bundle(&self.find(id)?.subscription()))
    }

    /// `$events`: notifications from `since` to `until`, counted again from the log; at most [`MAX_EVENTS`]. They hold as
    /// much as the subscription's do, or as is asked for.
    pub async fn events(&self, id: &str, since: u64, until: u64, content: Option<Content>) -> Result<Value, Failure> {
        let mut subscription = self.find(id)?.subscription();
        subscription.content = content.unwrap_or(subscription.content);
        let until = until.min(subscription.sent);
        let mut happened = Vec::new();
        for (index, followed) in subscription.follows.iter().enumerate() {
            let ends_before = subscription.follows.get(index + 1).is_some_and(|next| next.before < since);
            if ends_before || followed.before >= until {
                continue;
            }
            self.count(&subscription, *followed, since..=until, &mut happened).await?;
        }
        Ok(notice::bundle(&subscription, Type::QueryEvent, &happened, now()))
    }

    async fn count(
        &self,
        subscription: &Subscription,
        followed: Followed,
        wanted: std::ops::RangeInclusive<u64>,
        happened: &mut Vec<Happened>,
    ) -> Result<(), Failure> {
        let head = self.sessions.summary(followed.session).await?.head;
        let head = followed.until.map_or(head, |until| head.min(Seq(until.0.saturating_sub(1))));
        if followed.from > head {
            return Ok(());
        }
        let events = self.sessions.events(followed.session, followed.from).await?;
        let mut events = events.take((head.0 - followed.from.0 + 1) as usize);
        let mut number = followed.before;
        while let Some(event) = events.next().await {
            let event = event?;
            if !subscription.wants(&event) {
                continue;
            }
            number += 1;
            if number > *wanted.end() || happened.len() >= MAX_EVENTS {
                break;
            }
            if wanted.contains(&number) {
                let resources = follow::resources(&self.charts, &event, subscription).await?;
                happened.push(Happened { number, at: event.at, resources });
            }
        }
        Ok(())
    }

    /// `$get-ws-binding-token`: binds a WebSocket to this subscription, once or more, for five minutes.
    pub fn token(&self, id: &str, websocket: &str) -> Result<Value, Failure> {
        let live = self.find(id)?;
        if live.subscription().channel != Channel::Websocket {
            return Err(Failure::new(
                422,
                Issue::error(Code::BusinessRule, "the subscription's channel is no websocket"),
            ));
        }
        let expires = Timestamp::from_millis(now().millis() + TOKEN_LIVES.as_millis() as i64);
        let token = Uuid::new_v4().simple().to_string();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let present = now();
        tokens.retain(|_, (_, until)| *until > present);
        if tokens.len() >= MAX_TOKENS {
            return Err(Failure::new(429, Issue::error(Code::Throttled, "too many tokens have not expired")));
        }
        tokens.insert(token.clone(), (id.to_owned(), expires));
        Ok(json!({
            "resourceType": "Parameters",
            "parameter": [
                { "name": "token", "valueString": token },
                { "name": "expiration", "valueDateTime": expires.to_string() },
                { "name": "subscription", "valueString": id },
                { "name": "websocket-url", "valueUrl": websocket },
            ],
        }))
    }

    /// Whom the token binds to.
    pub(super) fn bound(&self, token: &str) -> Option<Arc<Live>> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, until) = tokens.get(token)?;
        if *until <= now() {
            return None;
        }
        self.lock().get(id).map(Arc::clone)
    }
}
