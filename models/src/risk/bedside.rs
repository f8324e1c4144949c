//! Everything that watches over one patient: the fold of a session's events from which scores and alarms follow. It looks
//! at no clock; who owns it records what is owed, and asks again at the time named.

use super::{
    alarms::{Alarms, Context},
    policy::{Policy, effective, is_child, known_age},
    readings::Readings,
    scores::{self, Patient},
};
use healthsync_events::{
    Event, EventBody, Seq, SessionId, Timestamp,
    clinical::{ClockJump, VitalsObserved},
    monitoring::Monitoring,
    risk::{RiskScored, ScoreName, ScoresComputed, Spo2Scale},
};
use std::{collections::VecDeque, sync::Arc};

/// Scores owed at most. They are recorded within milliseconds of being owed; where that fails for long the oldest give
/// way to newer ones, which say more.
const MAX_OWED_SCORES: usize = 64;

/// What is owed is recorded within milliseconds. A score or an alarm that was called for longer ago than this and never
/// recorded is left out, unless it is still called for: a log from before there was such a score or alarm gives none for
/// what is long over.
pub(super) const OWED_FOR_MS: i64 = 10 * 60_000;

/// A patient's readings, scores and alarms.
#[derive(Debug)]
pub struct Bedside {
    policy: Arc<Policy>,
    readings: Readings,
    monitoring: Monitoring,
    /// `YYYY-MM-DD`, as the hospital says.
    birth_date: Option<String>,
    scale: Spo2Scale,
    alarms: Alarms,
    /// The other scores as last recorded or owed.
    others: Option<Arc<ScoresComputed>>,
    /// Scores to be recorded, and since when.
    owed: VecDeque<(Timestamp, EventBody)>,
    holding: bool,
    /// What a score was called for by while they were held back.
    unscored: Option<(Seq, Timestamp)>,
}

impl Bedside {
    pub fn new(session: SessionId, policy: Arc<Policy>) -> Self {
        Self {
            policy,
            readings: Readings::default(),
            monitoring: Monitoring::default(),
            birth_date: None,
            scale: Spo2Scale::default(),
            alarms: Alarms::new(session),
            others: None,
            owed: VecDeque::new(),
            holding: false,
            unscored: None,
        }
    }

    /// Takes a recorded event in, and works out what it calls for. Events come in the order of the log.
    pub fn apply(&mut self, event: &Event) {
        if !Self::concerns(&event.body) {
            return;
        }
        if let Some(identity) = event.body.identity() {
            self.owed.retain(|(_, owed)| owed.identity().as_ref() != Some(&identity));
        }
        if let EventBody::RiskScored(newer) = &event.body {
            // A score stands for what came before it: an older one must not take its place.
            let newest = newer.provenance.inputs.iter().max();
            let older = |old: &RiskScored| old.score == newer.score && old.provenance.inputs.iter().max() < newest;
            self.owed.retain(|(_, owed)| !matches!(owed, EventBody::RiskScored(scored) if older(scored)));
        }
        match &event.body {
            EventBody::SessionStarted(started) => self.scale = started.spo2_scale,
            EventBody::VitalsObserved(observed) => self.observed(observed, event.seq, event.at),
            EventBody::VitalsAmended(amended) => {
                let amended = self.readings.amend(amended, event.seq, event.at);
                self.alarms.amended(&amended, &self.effective(event.at), event.at, event.seq);
                if amended.anything {
                    self.score(event.seq, event.at);
                }
            }
            EventBody::MonitorClockJumped(jumped) if jumped.jump == ClockJump::Back => self.readings.clock_set_back(),
            EventBody::PatientChanged(changed) => {
                if changed.birth_date.is_some() && changed.birth_date != self.birth_date {
                    self.birth_date.clone_from(&changed.birth_date);
                    self.watched_otherwise(event);
                }
            }
            EventBody::RiskScored(scored) => self.scored(scored, event),
            EventBody::ScoresComputed(computed) => {
                self.others = Some(Arc::clone(computed));
                if let Some(pews) = computed.scores.iter().find(|score| score.score == ScoreName::Pews) {
                    let scored = (pews.value, pews.band);
                    self.alarms.scored(ScoreName::Pews, scored, event, &self.policy.alarms);
                }
            }
            EventBody::MonitoringChanged(change) => {
                self.monitoring.apply(event.seq, event.at, change);
                self.watched_otherwise(event);
            }
            _ => self.alarms.recorded(event),
        }
        self.step(event.at);
    }

    /// Whether an event can call for anything here.
    pub fn concerns(body: &EventBody) -> bool {
        matches!(
            body,
            EventBody::SessionStarted(_)
                | EventBody::VitalsObserved(_)
                | EventBody::VitalsAmended(_)
                | EventBody::MonitorClockJumped(_)
                | EventBody::PatientChanged(_)
                | EventBody::RiskScored(_)
                | EventBody::ScoresComputed(_)
                | EventBody::MonitoringChanged(_)
                | EventBody::AlarmRaised(_)
                | EventBody::AlarmCleared(_)
                | EventBody::AlarmLatched(_)
                | EventBody::AlarmAcknowledged(_)
                | EventBody::AlarmSilenced(_)
                | EventBody::AlarmEscalated(_)
        )
    }

    fn observed(&mut self, observed: &VitalsObserved, seq: Seq, at: Timestamp) {
        let taken = self.readings.take(observed, seq, at);
        self.alarms.observed(&taken, &self.effective(at), at, seq);
        if taken.anything {
            self.score(seq, at);
        }
    }

    /// Limits or the age are others: what is known is held against them, and scored anew.
    fn watched_otherwise(&mut self, event: &Event) {
        let effective = self.effective(event.at);
        self.alarms.monitoring_changed(&effective, &self.readings, event.at, event.seq);
        self.score(event.seq, event.at);
    }

    /// How the patient is monitored at a time.
    fn effective(&self, at: Timestamp) -> Monitoring {
        effective(&self.monitoring, self.birth_date.as_deref(), at)
    }

    /// What somebody said of the age, or else what the hospital's date of birth says.
    fn age_months(&self, at: Timestamp) -> Option<u16> {
        known_age(self.monitoring.age_months, self.birth_date.as_deref(), at)
    }

    /// Only NEWS2 alarms: an event of another name may be another model's.
    fn scored(&mut self, scored: &RiskScored, event: &Event) {
        if scored.score == "NEWS2" {
            let scored = (f64::from(scored.total), scored.band);
            self.alarms.scored(ScoreName::News2, scored, event, &self.policy.alarms);
        }
    }

    fn score(&mut self, seq: Seq, at: Timestamp) {
        if self.holding {
            self.unscored = Some((seq, at));
            return;
        }
        let mut known = self.readings.as_of(at, &self.policy.scores.max_age);
        if known.inputs.is_empty() {
            return;
        }
        if known.inputs.last() != Some(&seq) {
            known.inputs.push(seq);
        }
        let age_months = self.age_months(at);
        let chosen = self.chosen(age_months).to_vec();
        let patient = Patient { scores: &chosen, age_months, scale: self.scale };
        let news2 = scores::news2(&known, patient);
        let before = self.others.as_ref().map_or(&[][..], |others| &others.scores);
        let others = scores::computed(&known, patient, seq, before);
        if let Some(EventBody::ScoresComputed(computed)) = &others {
            self.others = Some(Arc::clone(computed));
        }
        self.owed.extend(news2.into_iter().chain(others).map(|body| (at, body)));
        while self.owed.len() > MAX_OWED_SCORES {
            self.owed.pop_front();
        }
    }

    fn chosen(&self, age_months: Option<u16>) -> &[ScoreName] {
        let for_age = self.policy.scores.for_age(age_months);
        self.monitoring.scores.as_deref().unwrap_or(for_age)
    }

    fn step(&mut self, now: Timestamp) {
        self.owed.retain(|(since, _)| now.millis() - since.millis() <= OWED_FOR_MS);
        let running = self.running(now);
        let context = Context { policy: &self.policy.alarms, readings: &self.readings, scores: &running };
        self.alarms.step(now, context);
    }

    /// The scores that run, less those that are not meant for the patient's age.
    fn running(&self, now: Timestamp) -> Vec<ScoreName> {
        let age_months = self.age_months(now);
        let child = is_child(age_months);
        let meant = |score: &&ScoreName| match score {
            ScoreName::News2 => !child,
            ScoreName::Pews => child,
            _ => true,
        };
        self.chosen(age_months).iter().filter(meant).copied().collect()
    }

    /// What is called for at `now` and not recorded yet, scores before alarms. The answer is the same however often it
    /// is asked for, until [`Self::apply`] is given what was recorded of it.
    pub fn due(&mut self, now: Timestamp) -> Vec<EventBody> {
        self.step(now);
        self.owed.iter().map(|(_, body)| body).chain(self.alarms.owed()).cloned().collect()
    }

    /// Makes no more scores until [`Self::release_scores`]: more are owed than shall be recorded, and the newest stands for
    /// those before it.
    pub fn hold_scores(&mut self) {
        self.holding = true;
        self.supersede_scores();
    }

    /// Makes the score that was held back, if one is called for.
    pub fn release_scores(&mut self) {
        self.holding = false;
        if let Some((seq, at)) = self.unscored.take() {
            self.score(seq, at);
        }
    }

    /// Lets go of the scores for which newer ones stand: there are more than shall be recorded.
    pub fn supersede_scores(&mut self) {
        let kinds = self.owed.iter().map(|(_, body)| std::mem::discriminant(body)).collect::<Vec<_>>();
        let mut index = 0;
        self.owed.retain(|_| {
            index += 1;
            !kinds[index..].contains(&kinds[index - 1])
        });
    }

    /// What was owed cannot be recorded, or had been before: it is owed no longer, unless it is called for anew.
    pub fn forget(&mut self, body: &EventBody) {
        let identity = body.identity();
        self.owed.retain(|(_, owed)| owed.identity() != identity);
        self.alarms.forget(identity.as_ref());
    }

    /// The next time after `now` at which something may be called for though nothing is recorded.
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let running = self.running(now);
        let context = Context { policy: &self.policy.alarms, readings: &self.readings, scores: &running };
        self.alarms.next_due(now, context)
    }

    /// How the patient is monitored.
    pub fn monitoring(&self) -> &Monitoring {
        &self.monitoring
    }
}
