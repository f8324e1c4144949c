//! One patient of the ward: the fold of a session's log. Pure.

use healthsync_events::{
    Event, EventBody, Seq, SessionId, Timestamp, VitalSigns,
    clinical::VitalsObserved,
    limits::MAX_WARD_ALARMS,
    risk::{AlarmCleared, AlarmRaised, RiskScored},
    ward::{TrendPoint, WardAlarm, WardRow, WardScore, WardValue, WardVitals},
};

/// What the heart rate's trend shows.
const TREND_MILLIS: i64 = 30 * 60_000;

/// One point of the trend stands for this long: sixty points on a line as long as a thumb.
const TREND_STEP_MILLIS: i64 = 30_000;

/// Changes of NEWS2 kept: it changes a few times an hour.
const MAX_SCORES: usize = 60;

/// A monitor's clock that is further off than this is not believed.
const MAX_CLOCK_DIFFERENCE_MILLIS: i64 = 5 * 60_000;

/// The score that orders the ward.
const NEWS2: &str = "NEWS2";

#[derive(Debug, Clone, Default)]
pub(super) struct WardFold {
    head: Seq,
    /// There from `session.started` on.
    row: Option<WardRow>,
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
            EventBody::VitalsObserved(observed) => observe(row, observed, event.at),
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
        vitals: WardVitals::default(),
        news2: None,
        alarms: Vec::new(),
        heart_rate_trend: Vec::new(),
        news2_trend: Vec::new(),
    }
}

fn observe(row: &mut WardRow, observed: &VitalsObserved, received: Timestamp) {
    let off = observed.taken_at.millis().saturating_sub(received.millis()).saturating_abs();
    let at = if off <= MAX_CLOCK_DIFFERENCE_MILLIS { observed.taken_at } else { received };
    let VitalSigns {
        heart_rate,
        respiratory_rate,
        spo2,
        systolic_bp,
        diastolic_bp,
        temperature,
        consciousness,
        supplemental_oxygen,
    } = observed.vitals;
    let vitals = &mut row.vitals;
    take(&mut vitals.heart_rate, heart_rate, at);
    take(&mut vitals.respiratory_rate, respiratory_rate, at);
    take(&mut vitals.spo2, spo2, at);
    take(&mut vitals.systolic_bp, systolic_bp, at);
    take(&mut vitals.diastolic_bp, diastolic_bp, at);
    take(&mut vitals.temperature, temperature, at);
    take(&mut vitals.consciousness, consciousness, at);
    take(&mut vitals.supplemental_oxygen, supplemental_oxygen, at);
    if let Some(rate) = heart_rate {
        extend_trend(&mut row.heart_rate_trend, (at.millis(), rate as f32));
    }
}

/// What was measured before what is known already came late, and is not the newest value.
fn take<T: Copy>(slot: &mut Option<WardValue<T>>, value: Option<T>, at: Timestamp) {
    if let Some(value) = value
        && slot.as_ref().is_none_or(|known| known.at <= at)
    {
        *slot = Some(WardValue { value, at });
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
