//! One patient of the ward: the fold of a session's log. Pure.

use healthsync_events::{
    Event, EventBody, Seq, SessionId, Timestamp,
    alarm::{AlarmCleared, AlarmRaised},
    clinical::{ClockJump, VitalsObserved},
    limits::MAX_WARD_ALARMS,
    readings::Readings,
    risk::RiskScored,
    ward::{TrendPoint, WardAlarm, WardRow, WardScore, WardValue, WardVitals},
};

/// What the heart rate's trend shows.
const TREND_MILLIS: i64 = 30 * 60_000;

/// One point of the trend stands for this long: sixty points on a line as long as a thumb.
const TREND_STEP_MILLIS: i64 = 30_000;

/// Changes of NEWS2 kept: it changes a few times an hour.
const MAX_SCORES: usize = 60;

/// The score that orders the ward.
const NEWS2: &str = "NEWS2";

#[derive(Debug, Clone, Default)]
pub(super) struct WardFold {
    head: Seq,
    /// There from `session.started` on.
    row: Option<WardRow>,
    readings: Readings,
    /// Every alarm that stands; the row shows the most urgent.
    alarms: Vec<WardAlarm>,
    over: bool,
}

impl WardFold {
    pub(super) fn head(&self) -> Seq {
        self.head
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn row(&self) -> Option<&WardRow> {
        self.row.as_ref()
    }

    /// Takes the next event in; says whether a view would show anything else than before. Events come in order; one at
    /// or below the head changes nothing.
    pub(super) fn apply(&mut self, event: &Event) -> bool {
        if event.seq <= self.head {
            return false;
        }
        self.head = event.seq;
        if let EventBody::SessionStarted(started) = &event.body {
            self.row = Some(new_row(event.session, started.patient.clone(), event.at));
        }
        let Some(row) = &mut self.row else { return false };
        row.head = event.seq;
        match &event.body {
            EventBody::SessionStarted(_) => {}
            EventBody::SessionEnded(_) => self.over = true,
            EventBody::VitalsObserved(observed) => {
                self.readings.observe(event.seq, event.at, observed);
                row.vitals = newest(&self.readings);
                trace(row, observed, event.at);
            }
            EventBody::VitalsAmended(amended) => {
                self.readings.amend(event.seq, event.at, amended);
                row.vitals = newest(&self.readings);
            }
            EventBody::MonitorClockJumped(jumped) if jumped.jump == ClockJump::Back => self.readings.clock_set_back(),
            EventBody::PatientChanged(changed) => {
                row.patient = changed.patient.clone();
                row.location = changed.location.clone().or(row.location.take());
            }
            EventBody::RiskScored(scored) if scored.score == NEWS2 => score(row, scored, event),
            EventBody::AlarmRaised(raised) => {
                raise(&mut self.alarms, raised, event.at);
                row.alarms = most_urgent(&self.alarms);
            }
            EventBody::AlarmCleared(AlarmCleared { alarm, .. }) => {
                self.alarms.retain(|standing| standing.alarm != *alarm);
                row.alarms = most_urgent(&self.alarms);
            }
            _ => return false,
        }
        true
    }
}

fn new_row(session: SessionId, patient: healthsync_events::PatientId, started_at: Timestamp) -> WardRow {
    WardRow {
        session,
        patient,
        started_at,
        head: Seq(0),
        location: None,
        vitals: WardVitals::default(),
        news2: None,
        alarms: Vec::new(),
        heart_rate_trend: Vec::new(),
        news2_trend: Vec::new(),
    }
}

/// The newest values, each with when it was measured.
fn newest(readings: &Readings) -> WardVitals {
    let vitals = readings.current();
    let dated = |name: &str, value: Option<f64>| {
        value.zip(readings.measured_at(name)).map(|(value, at)| WardValue { value, at })
    };
    WardVitals {
        heart_rate: dated("heart_rate", vitals.heart_rate),
        respiratory_rate: dated("respiratory_rate", vitals.respiratory_rate),
        spo2: dated("spo2", vitals.spo2),
        systolic_bp: dated("systolic_bp", vitals.systolic_bp),
        diastolic_bp: dated("diastolic_bp", vitals.diastolic_bp),
        temperature: dated("temperature", vitals.temperature),
        consciousness: (vitals.consciousness.zip(readings.measured_at("consciousness")))
            .map(|(value, at)| WardValue { value, at }),
        supplemental_oxygen: (vitals.supplemental_oxygen.zip(readings.measured_at("supplemental_oxygen")))
            .map(|(value, at)| WardValue { value, at }),
    }
}

/// What was observed becomes a point where it was measured; a later correction of it moves no line.
fn trace(row: &mut WardRow, observed: &VitalsObserved, recorded: Timestamp) {
    if let Some(rate) = observed.vitals.heart_rate {
        extend_trend(&mut row.heart_rate_trend, (observed.taken_at.min(recorded).millis(), rate as f32));
    }
}

/// Keeps one point for each step of time: the newest of it.
fn extend_trend(trend: &mut Vec<TrendPoint>, point: TrendPoint) {
    let step = |at: i64| at.div_euclid(TREND_STEP_MILLIS);
    match trend.last_mut() {
        // Late: the line has gone on.
        Some(last) if point.0 < last.0 => return,
        Some(last) if step(last.0) == step(point.0) => *last = point,
        _ => trend.push(point),
    }
    let oldest = point.0.saturating_sub(TREND_MILLIS);
    let keep = trend.partition_point(|(at, _)| *at < oldest);
    trend.drain(..keep);
}

fn score(row: &mut WardRow, scored: &RiskScored, event: &Event) {
    let total = f32::from(scored.total);
    row.news2 = Some(WardScore {
        total: scored.total,
        band: scored.band,
        missing: u8::try_from(scored.missing.len()).unwrap_or(u8::MAX),
        at: event.at,
        seq: event.seq,
    });
    // A score holds until another: points are where it changes.
    if row.news2_trend.last().is_none_or(|(_, last)| (last - total).abs() > f32::EPSILON) {
        row.news2_trend.push((event.at.millis(), total));
        let over = row.news2_trend.len().saturating_sub(MAX_SCORES);
        row.news2_trend.drain(..over);
    }
}

fn raise(alarms: &mut Vec<WardAlarm>, raised: &AlarmRaised, at: Timestamp) {
    alarms.retain(|standing| standing.alarm != raised.alarm);
    alarms.push(WardAlarm {
        alarm: raised.alarm,
        kind: raised.kind,
        priority: raised.priority,
        message: raised.message.clone(),
        since: at,
    });
    alarms.sort_by(|a, b| b.priority.cmp(&a.priority).then(b.since.cmp(&a.since)));
}

fn most_urgent(alarms: &[WardAlarm]) -> Vec<WardAlarm> {
    alarms.iter().take(MAX_WARD_ALARMS).cloned().collect()
}

#[cfg(test)]
mod tests;
