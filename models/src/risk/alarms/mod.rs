//! Alarms as a state machine: a fold of a session's events that says what is owed at a time. It looks at no clock; who
//! owns it asks at the times it names. A restarted owner folds the same events and owes the same, under the same names,
//! so that what was recorded already is not recorded again.

mod condition;
mod limit;
mod score;
mod standing;
mod technical;

use super::{
    bedside::OWED_FOR_MS,
    limits,
    policy::AlarmPolicy,
    readings::{Amended, Readings, Taken},
};
use condition::{Condition, Level, Side};
use healthsync_events::{
    Event, EventBody, Seq, SessionId, Timestamp, VitalSign,
    alarm::{AlarmClearReason, AlarmCleared, AlarmLatched, EscalationReason},
    body::Identity,
    monitoring::Monitoring,
    risk::{RiskBand, ScoreName},
};
use limit::LimitTrack;
use score::ScoreTrack;
use standing::Standing;
use std::collections::BTreeMap;
use technical::{CONTINUOUS, Rhythms, is_artefact};

/// The charts whose scores alarm.
const CHARTS: [ScoreName; 2] = [ScoreName::News2, ScoreName::Pews];

/// What alarms depend on beside what they fold.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub policy: &'a AlarmPolicy,
    pub readings: &'a Readings,
    /// The scores that run.
    pub scores: &'a [ScoreName],
}

/// The alarms of a session.
#[derive(Debug)]
pub(super) struct Alarms {
    session: SessionId,
    standing: BTreeMap<Condition, Standing>,
    scores: BTreeMap<ScoreName, ScoreTrack>,
    limits: BTreeMap<(VitalSign, Side), LimitTrack>,
    rhythms: Rhythms,
    /// Called for and not recorded yet, and since when; at most one alarm for each condition.
    owed: Vec<(Timestamp, EventBody)>,
}

impl Alarms {
    pub fn new(session: SessionId) -> Self {
        Self {
            session,
            standing: BTreeMap::new(),
            scores: BTreeMap::new(),
            limits: BTreeMap::new(),
            rhythms: Rhythms::default(),
            owed: Vec::new(),
        }
    }

    pub fn observed(&mut self, taken: &Taken, monitoring: &Monitoring, at: Timestamp, seq: Seq) {
        let sensed =
            |sign: VitalSign| taken.believed.iter().any(|(of, _)| *of == sign) || taken.doubted.contains(&sign);
        self.rhythms.take(sensed, at, seq);
        for (sign, value) in &taken.believed {
            self.limit(*sign, *value, monitoring, at, seq);
        }
    }

    /// Earlier values turned out to be others, or none.
    pub fn amended(&mut self, amended: &Amended, monitoring: &Monitoring, at: Timestamp, seq: Seq) {
        for (sign, value) in &amended.values {
            self.limit(*sign, *value, monitoring, at, seq);
        }
        for ((sign, _), track) in &mut self.limits {
            if amended.withdrawn.contains(sign) {
                track.withdraw();
            }
        }
    }

    pub fn scored(&mut self, chart: ScoreName, (total, band): (f64, RiskBand), event: &Event, policy: &AlarmPolicy) {
        let track = self.scores.entry(chart).or_insert_with(ScoreTrack::new);
        track.take(total, Level::of(band), event.at, event.seq, policy);
    }

    /// Somebody changed the limits: what is known is held against the new ones.
    pub fn monitoring_changed(&mut self, monitoring: &Monitoring, known: &Readings, at: Timestamp, seq: Seq) {
        for sign in VitalSign::ALL {
            if let Some(value) = known.value(sign) {
                self.limit(sign, value, monitoring, at, seq);
            }
        }
    }

    fn limit(&mut self, sign: VitalSign, value: f64, monitoring: &Monitoring, at: Timestamp, seq: Seq) {
        let limits = limits::of(sign, monitoring);
        for side in [Side::Low, Side::High] {
            self.limits.entry((sign, side)).or_default().take(side, value, &limits, at, seq);
        }
    }

    /// Takes in what was recorded about alarms.
    pub fn recorded(&mut self, event: &Event) {
        self.forget(event.body.identity().as_ref());
        match &event.body {
            EventBody::AlarmRaised(raised) => {
                // One for the same condition under another name, as an earlier version gave it, is as good.
                self.owed.retain(|(_, owed)| !is_same(owed, &event.body));
                if let Some(condition) = Condition::of(raised) {
                    self.standing.insert(condition, Standing::new(raised, event.at));
                }
            }
            EventBody::AlarmCleared(cleared) => {
                let of = |(_, standing): &(&Condition, &Standing)| standing.alarm == cleared.alarm;
                if let Some(condition) = self.standing.iter().find(of).map(|(condition, _)| *condition) {
                    self.standing.remove(&condition);
                    self.cleared(condition);
                }
            }
            EventBody::AlarmLatched(latched) => self.change(|alarm, _| {
                alarm.latched |= alarm.alarm == latched.alarm;
            }),
            EventBody::AlarmAcknowledged(acknowledged) => self.change(|alarm, total| {
                if alarm.alarm == acknowledged.alarm {
                    alarm.acknowledge(event.at, total);
                }
            }),
            EventBody::AlarmSilenced(silenced) => self.change(|alarm, _| {
                if silenced.alarm.is_none_or(|one| one == alarm.alarm) {
                    alarm.silence(event.at, silenced.seconds);
                }
            }),
            EventBody::AlarmEscalated(escalated) => self.change(|alarm, _| {
                if alarm.alarm == escalated.alarm {
                    alarm.escalated(escalated, event.at);
                }
            }),
            _ => {}
        }
    }

    /// Nothing of this identity is owed any longer.
    pub fn forget(&mut self, identity: Option<&Identity>) {
        self.owed.retain(|(_, owed)| identity.is_none() || owed.identity().as_ref() != identity);
    }

    /// Each alarm that stands, with the total of its chart.
    fn change(&mut self, change: impl Fn(&mut Standing, f64)) {
        for (condition, standing) in &mut self.standing {
            let total = match condition {
                Condition::Score(chart, _) => self.scores.get(chart).map_or(0.0, |track| track.total),
                _ => 0.0,
            };
            change(standing, total);
        }
    }

    fn cleared(&mut self, condition: Condition) {
        let Condition::Score(chart, level) = condition else { return };
        if let Some(track) = self.scores.get_mut(&chart) {
            track.forget(level);
        }
    }

    /// What is owed and not recorded yet, in the order in which it was called for.
    pub fn owed(&self) -> impl Iterator<Item = &EventBody> {
        self.owed.iter().map(|(_, body)| body)
    }

    /// Works out what is called for at `now`.
    pub fn step(&mut self, now: Timestamp, context: Context<'_>) {
        let mut called = Vec::new();
        for chart in CHARTS {
            self.step_score(chart, now, context, &mut called);
        }
        for ((sign, side), track) in &self.limits {
            let condition = Condition::Limit(*sign, *side);
            let standing = self.standing.get(&condition);
            match track.step(now, standing, self.emergency(context.policy)) {
                Some(limit::Step::Raise(seq, broken)) => called.push(self.raise(condition, seq, Some(broken))),
                Some(limit::Step::Over(seq)) => called.extend(standing.and_then(|standing| over(standing, seq))),
                Some(limit::Step::Again(seq)) => {
                    called.extend(standing.map(|standing| clear(standing, seq, AlarmClearReason::Superseded)));
                }
                Some(limit::Step::Unlimited(seq)) => {
                    called.extend(standing.map(|standing| clear(standing, seq, AlarmClearReason::MonitoringChanged)));
                }
                None => {}
            }
        }
        self.step_technical(now, context, &mut called);
        for standing in self.standing.values() {
            if standing.next_call(context.policy).is_some_and(|due| now >= due) {
                let again = standing.escalate(EscalationReason::Unacknowledged, standing.because);
                called.push(EventBody::AlarmEscalated(again));
            }
        }
        self.owed.retain(|(since, _)| now.millis() - since.millis() <= OWED_FOR_MS);
        for body in called {
            if !self.owed.iter().any(|(_, owed)| is_same(owed, &body)) {
                self.owed.push((now, body));
            }
        }
    }

    fn step_score(&self, chart: ScoreName, now: Timestamp, context: Context<'_>, called: &mut Vec<EventBody>) {
        let Some(track) = self.scores.get(&chart) else { return };
        if !context.scores.contains(&chart) {
            let of = |condition: &&Condition| matches!(condition, Condition::Score(of, _) if *of == chart);
            let all = self.standing.iter().filter(|(condition, _)| of(condition));
            called.extend(all.map(|(_, standing)| clear(standing, track.seq, AlarmClearReason::MonitoringChanged)));
            return;
        }
        for step in track.steps(now, context.policy, self.stand(chart)) {
            match step {
                score::Step::Raise(level, seq) => called.push(self.raise(Condition::Score(chart, level), seq, None)),
                score::Step::Clear(level, seq, reason) => {
                    let standing = self.standing.get(&Condition::Score(chart, level));
                    called.extend(standing.map(|standing| clear(standing, seq, reason)));
                }
                score::Step::Worse(level, seq) => {
                    let standing = self.standing.get(&Condition::Score(chart, level));
                    let again = standing.map(|standing| standing.escalate(EscalationReason::Worse, seq));
                    called.extend(again.map(EventBody::AlarmEscalated));
                }
            }
        }
    }

    fn step_technical(&self, now: Timestamp, context: Context<'_>, called: &mut Vec<EventBody>) {
        let mut settle = |condition: Condition, wrong: Option<Seq>, newest: Option<Seq>| match (
            self.standing.get(&condition),
            wrong,
        ) {
            (None, Some(seq)) => called.push(self.raise(condition, seq, None)),
            (Some(standing), None) => {
                if let Some(seq) = newest.filter(|seq| *seq > standing.because) {
                    called.push(clear(standing, seq, AlarmClearReason::ConditionOver));
                }
            }
            _ => {}
        };
        let newest = self.rhythms.messages.as_ref().map(|messages| messages.seq);
        settle(Condition::NoData, self.rhythms.no_data(now), newest);
        for sign in CONTINUOUS {
            settle(Condition::SensorOff(sign), self.rhythms.sensor_off(sign, now), self.rhythms.newest(sign));
        }
        for sign in VitalSign::ALL {
            let doubt = context.readings.doubt(sign);
            let wrong = doubt.filter(|doubt| is_artefact(doubt.count, doubt.since, now)).map(|doubt| doubt.seq);
            // Values that are doubted, if not often enough yet, do not clear it.
            settle(Condition::Artefact(sign), wrong, newest.filter(|_| doubt.is_none()));
        }
    }

    /// The next time after `now` at which something may be called for though nothing happens.
    pub fn next_due(&self, now: Timestamp, context: Context<'_>) -> Option<Timestamp> {
        let scores = CHARTS.into_iter().filter(|chart| context.scores.contains(chart)).filter_map(|chart| {
            let track = self.scores.get(&chart)?;
            track.next_due(context.policy, self.stand(chart))
        });
        let limits = self.limits.iter().filter_map(|((sign, side), track)| {
            track.next_due(self.standing.get(&Condition::Limit(*sign, *side)), self.emergency(context.policy))
        });
        let calls = self.standing.values().filter_map(|standing| standing.next_call(context.policy));
        let sensors = self.rhythms.sensors.values().flatten().chain(&self.rhythms.messages);
        let silences = sensors.filter_map(technical::Rhythm::silent_from);
        scores.chain(limits).chain(calls).chain(silences).filter(|due| *due > now).min()
    }

    fn raise(&self, condition: Condition, because: Seq, broken: Option<(f64, f64)>) -> EventBody {
        EventBody::AlarmRaised(condition.raise(self.session, because, broken))
    }

    fn stand(&self, chart: ScoreName) -> score::Standings<'_> {
        Level::ALL.map(|level| self.standing.get(&Condition::Score(chart, level)))
    }

    /// An emergency that calls for somebody, or that somebody has answered. One that has called in vain to the end of
    /// its ladder is silent, and must keep nothing else silent.
    fn emergency(&self, policy: &AlarmPolicy) -> Option<&Standing> {
        let mut stand =
            CHARTS.into_iter().filter_map(|chart| self.standing.get(&Condition::Score(chart, Level::Emergency)));
        stand.find(|standing| standing.acknowledged.is_some() || standing.next_call(policy).is_some())
    }
}

/// Whether one of two makes the other superfluous.
fn is_same(owed: &EventBody, called: &EventBody) -> bool {
    match (owed, called) {
        (EventBody::AlarmRaised(one), EventBody::AlarmRaised(other)) => Condition::of(one) == Condition::of(other),
        _ => owed.identity() == called.identity(),
    }
}

fn clear(standing: &Standing, because: Seq, reason: AlarmClearReason) -> EventBody {
    EventBody::AlarmCleared(AlarmCleared { alarm: standing.alarm, kind: standing.kind, because, reason })
}

/// A latching alarm waits for somebody to have seen it.
fn over(standing: &Standing, because: Seq) -> Option<EventBody> {
    match (standing.latching && standing.acknowledged.is_none(), standing.latched) {
        (true, true) => None,
        (true, false) => Some(EventBody::AlarmLatched(AlarmLatched { alarm: standing.alarm, because })),
        (false, true) => Some(clear(standing, because, AlarmClearReason::Acknowledged)),
        (false, false) => Some(clear(standing, because, AlarmClearReason::ConditionOver)),
    }
}

#[cfg(test)]
mod tests;
