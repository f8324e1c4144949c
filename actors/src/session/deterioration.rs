//! Deterioration: what the learned model expects from what monitors have observed.

use super::{
    cell::SessionCell,
    fold::{self, Fold, Follower, Item},
    ration::Ration,
};
use crate::{
    pool::{Answer, Class, Dropped, Request},
    supervise::Lease,
};
use actix::{Actor, ActorFutureExt, AsyncContext, Context, StreamHandler, WrapFuture};
use healthsync_deteriorate::{
    OUTCOME, WITHIN_HOURS,
    bedside::{Bedside, Question, Taken, UNKNOWN},
    inputs::INPUTS,
    stream::Scored,
};
use healthsync_events::{
    Event, EventBody, Seq, Timestamp, VitalSigns,
    clinical::{Amendment, ClockJump},
    consultation::Component,
    patient::Sex,
    prediction::{Contribution, RiskPredicted},
};
use healthsync_models::risk::policy::{is_child, known_age};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// What is observed within this time of the last question is scored together: monitors measure once a second at most,
/// and a sender that catches up on hours must not take the processors from everybody's alarms.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// In years; the data set that the model learned from writes [`VERY_OLD`] for whoever is older.
const OLD: f32 = 89.0;
const VERY_OLD: f32 = 100.0;

/// What the model is told of a patient beside observations.
#[derive(Default)]
struct Patient {
    birth_date: Option<String>,
    /// Somebody's word on the age comes before the hospital's date of birth.
    told_months: Option<u16>,
    sex: Option<Sex>,
}

impl Patient {
    fn age_months(&self, at: Timestamp) -> Option<u16> {
        known_age(self.told_months, self.birth_date.as_deref(), at)
    }

    fn age(&self, at: Timestamp) -> Option<f32> {
        let years = f32::from(self.age_months(at)?) / 12.0;
        Some(if years > OLD { VERY_OLD } else { years })
    }
}

pub(super) struct Deterioration {
    follower: Follower,
    bedside: Bedside,
    patient: Patient,
    /// Which event gave each vital sign its newest value.
    measured_by: BTreeMap<&'static str, Seq>,
    /// Observed and not scored yet.
    unscored: Option<Seq>,
    /// A score is being made, or the time for the next has not come. What is observed meanwhile is scored together,
    /// afterwards.
    asking: bool,
    questions: Ration,
}

impl Deterioration {
    pub(super) fn new(cell: Arc<SessionCell>, lease: Lease) -> Self {
        Self {
            follower: Follower::new(cell, lease),
            bedside: Bedside::new(UNKNOWN),
            patient: Patient::default(),
            measured_by: BTreeMap::new(),
            unscored: None,
            asking: false,
            questions: Ration::new(ASK_EVERY, 1),
        }
    }

    fn ask(&mut self, context: &mut Context<Self>) {
        if self.asking || self.unscored.is_none() {
            return;
        }
        let cell = Arc::clone(&self.follower.cell);
        let now = cell.clock.now();
        // It learned from adults, and has nothing to say of children.
        if is_child(self.patient.age_months(now)) {
            return;
        }
        let pace = &cell.models.monitoring.pace;
        let time = pace.now();
        if let Some(next) = self.questions.next(time) {
            return self.ask_at(next, context);
        }
        let male = self.patient.sex.map(|sex| sex == Sex::Male);
        self.bedside.know(self.patient.age(now), male);
        let Some(question) = self.bedside.question() else { return };
        let Some(pool) = &cell.models.deterioration else { return };
        let request = Request {
            session: cell.id,
            class: Class::Alarm,
            input: question.clone(),
            deadline: None,
            supersedes: None,
        };
        // Refused at the door: the next observation asks again, and the pool has counted this.
        let Ok(ticket) = pool.submit(request) else { return };
        self.asking = true;
        self.questions.take(1, time);
        self.unscored = None;
        let inputs = self.inputs();
        let answer = async move { ticket.answer().await };
        context.spawn(answer.into_actor(self).map(move |answer, actor, context| {
            actor.answered(&question, inputs, answer, context);
        }));
    }

    fn ask_at(&mut self, at: Instant, context: &mut Context<Self>) {
        self.asking = true;
        let pace = self.follower.cell.models.monitoring.pace.clone();
        let slept = async move { pace.sleep_until(at).await };
        context.spawn(slept.into_actor(self).map(|(), actor, context| {
            actor.asking = false;
            actor.ask(context);
        }));
    }

    /// A clock that runs ahead is held to when `event` was recorded: one wrong year must not make everything that comes
    /// after it come late.
    fn observe(&mut self, vitals: &VitalSigns, taken_at: Timestamp, event: &Event) {
        if self.bedside.observe(vitals, seconds(taken_at.min(event.at))) != Taken::Used {
            return;
        }
        for sign in vitals.measured() {
            self.measured_by.insert(sign, event.seq);
        }
        self.unscored = Some(event.seq);
    }

    /// The events whose values the next score rests on.
    fn inputs(&self) -> Vec<Seq> {
        let mut inputs: Vec<Seq> = self.measured_by.values().copied().collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }

    fn answered(
        &mut self,
        question: &Question,
        inputs: Vec<Seq>,
        answer: Result<Answer<Scored>, Dropped>,
        context: &mut Context<Self>,
    ) {
        let cell = Arc::clone(&self.follower.cell);
        let Ok(answer) = answer else {
            metrics::counter!("healthsync_predictions_failed_total").increment(1);
            self.asking = false;
            return;
        };
        let scored = answer.output;
        self.bedside.answered(question, Some(Arc::clone(&scored.state)));
        let body = EventBody::RiskPredicted(predicted(question, &scored, inputs));
        let record = async move { cell.record_surely(Component::Deterioration, body).await };
        context.spawn(record.into_actor(self).map(|_, actor, context| {
            actor.asking = false;
            actor.ask(context);
        }));
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.millis().div_euclid(1_000)
}

/// The score in words and numbers that explain themselves.
fn predicted(question: &Question, scored: &Scored, inputs: Vec<Seq>) -> RiskPredicted {
    let contribution = |(input, effect): &(usize, f32)| {
        let known = INPUTS.get(*input)?;
        let (value, hour) = question.present.memory.last(*input)?;
        let value = format!("{value:.*} {}", known.decimals, known.unit);
        Some(Contribution {
            parameter: known.parameter.to_owned(),
            value: value.trim_end().to_owned(),
            hours_ago: (question.present.hour - hour).max(0.0) as u32,
            effect: f64::from(*effect),
        })
    };
    let known: Vec<usize> = question.present.memory.measured().collect();
    let missing = INPUTS.iter().enumerate().filter(|(input, _)| !known.contains(input));
    RiskPredicted {
        outcome: OUTCOME.to_owned(),
        within_hours: WITHIN_HOURS,
        probability: scored.probability,
        log_odds: f64::from(scored.score),
        record_hours: question.present.hour as u32,
        contributions: scored.effects.iter().filter_map(contribution).collect(),
        missing: missing.map(|(_, input)| input.parameter.to_owned()).collect(),
        provenance: scored.model.with_inputs(inputs),
    }
}

impl Fold for Deterioration {
    fn follower(&mut self) -> &mut Follower {
        &mut self.follower
    }

    fn fold(&mut self, event: &Event) {
        match &event.body {
            EventBody::VitalsObserved(observed) => self.observe(&observed.vitals, observed.taken_at, event),
            EventBody::PatientChanged(changed) => {
                if changed.birth_date.is_some() {
                    self.patient.birth_date.clone_from(&changed.birth_date);
                }
                self.patient.sex = changed.sex.or(self.patient.sex);
            }
            EventBody::MonitoringChanged(changed) => {
                self.patient.told_months = changed.age_months.or(self.patient.told_months);
            }
            EventBody::MonitorClockJumped(jumped) if jumped.jump == ClockJump::Back => self.bedside.clock_set_back(),
            EventBody::VitalsAmended(amended) => {
                for amendment in &amended.amendments {
                    match amendment {
                        Amendment::Earlier { taken_at, vitals } | Amendment::Corrected { taken_at, vitals } => {
                            self.observe(vitals, *taken_at, event);
                        }
                        Amendment::Withdrawn { taken_at, parameters } => {
                            self.bedside.withdraw(parameters, seconds((*taken_at).min(event.at)));
                        }
                    }
                }
            }
            EventBody::RiskPredicted(predicted)
                if self.unscored.is_some_and(|seq| predicted.provenance.inputs.contains(&seq)) =>
            {
                self.unscored = None;
            }
            _ => {}
        }
    }

    fn recover(&mut self, context: &mut Context<Self>) {
        self.ask(context);
    }

    fn react(&mut self, event: &Event, context: &mut Context<Self>) {
        if matches!(event.body, EventBody::VitalsObserved(_) | EventBody::VitalsAmended(_)) {
            self.ask(context);
        }
    }
}

impl Actor for Deterioration {
    type Context = Context<Self>;
    fn started(&mut self, context: &mut Context<Self>) {
        fold::start(self, context);
    }
}

impl StreamHandler<Item> for Deterioration {
    fn handle(&mut self, item: Item, context: &mut Context<Self>) {
        fold::handle(self, item, context);
    }
}
