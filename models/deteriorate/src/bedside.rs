//! A patient at the bedside: observations at any time become the hours that the model counts in.

use crate::{
    challenge::{Background, Unit},
    features::Memory,
    inputs::{COUNT, Row, index_of},
    stream::State,
};
use healthsync_events::VitalSigns;
use std::{collections::VecDeque, sync::Arc};

/// Seconds of one step of the model.
const STEP_SECONDS: i64 = 3_600;

/// Hours without an observation after which a record begins anew: what was known then says little of now, and a clock
/// that jumps must not make the model compute hours that never were.
const LONGEST_GAP: i64 = 24;

/// Hours kept for a model that has not been asked yet: as many as the longest stay it was trained on.
const MAX_WAITING: usize = 336;

/// Diastolic pressure counts twice in the mean, because the heart rests longer than it beats.
const MEAN_PRESSURE: [f64; 2] = [1.0 / 3.0, 2.0 / 3.0];

/// What was known at the end of an hour.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub memory: Memory,
    /// Hours since the record began, from 1.
    pub hour: f32,
}

/// What became of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// At least one value is new to the model.
    Used,
    /// It has nothing that the model is told.
    Nothing,
    /// It is of an hour that is over.
    Late,
}

/// The fold of one patient's observations. It holds no weights: whoever has them is asked with [`Self::question`].
#[derive(Debug, Clone)]
pub struct Bedside {
    background: Background,
    /// Counts the records that began anew: what a model makes of one says nothing of the next.
    record: u32,
    /// Seconds since 1970 at which the record began, by the clock as it is now.
    began: Option<i64>,
    /// The hour that is still going on, from 0.
    hour: i64,
    /// What was known before it.
    memory: Memory,
    measured: Row,
    /// When each value of this hour was measured: an older one does not take a newer one's place.
    measured_at: [i64; COUNT],
    /// Hours that are over and not part of `state` yet, oldest first.
    waiting: VecDeque<Moment>,
    state: Option<Arc<State>>,
}

/// What a model is asked: to take in the hours that are over, and to score the present one.
#[derive(Debug, Clone)]
pub struct Question {
    pub background: Background,
    pub state: Option<Arc<State>>,
    pub over: Vec<Moment>,
    pub present: Moment,
    record: u32,
}

/// A patient of whom nothing is known but what monitors send.
pub const UNKNOWN: Background = Background { age: None, male: None, unit: Unit::Unknown, ward_hours: None };

impl Bedside {
    pub fn new(background: Background) -> Self {
        Self {
            background,
            record: 0,
            began: None,
            hour: 0,
            memory: Memory::default(),
            measured: Row::default(),
            measured_at: [i64::MIN; COUNT],
            waiting: VecDeque::new(),
            state: None,
        }
    }

    /// What is known of the patient, for the hours that the model has not been told of yet.
    pub fn know(&mut self, age: Option<f32>, male: Option<bool>) {
        self.background = Background { age, male, ..self.background };
    }

    /// Takes in vital signs measured at `seconds` since 1970.
    pub fn observe(&mut self, vitals: &VitalSigns, seconds: i64) -> Taken {
        self.take(&row(vitals), seconds)
    }

    /// Takes in values measured at `seconds` since 1970.
    pub fn take(&mut self, row: &Row, seconds: i64) -> Taken {
        if row.is_empty() {
            return Taken::Nothing;
        }
        let began = *self.began.get_or_insert(seconds - self.hour * STEP_SECONDS);
        let hour = seconds.saturating_sub(began).div_euclid(STEP_SECONDS);
        if hour < self.hour {
            return Taken::Late;
        }
        if hour - self.hour > LONGEST_GAP {
            *self = Self { record: self.record + 1, ..Self::new(self.background) };
            return self.take(row, seconds);
        }
        while self.hour < hour {
            self.close_hour();
        }
        for (input, value) in row.0.iter().enumerate() {
            if !value.is_nan() && self.measured_at[input] <= seconds && self.measured.set(input, *value) {
                self.measured_at[input] = seconds;
            }
        }
        Taken::Used
    }

    /// The monitor's clock was set back: what comes next belongs to the hour that is still going on.
    pub fn clock_set_back(&mut self) {
        self.began = None;
        self.measured_at = [i64::MIN; COUNT];
    }

    /// Takes back what was measured at `seconds` since 1970, as far as its hour is still going on.
    pub fn withdraw(&mut self, parameters: &[String], seconds: i64) {
        for parameter in parameters {
            // The mean was made from both.
            let mean = matches!(parameter.as_str(), "systolic_bp" | "diastolic_bp").then_some("mean_bp");
            for input in std::iter::once(parameter.as_str()).chain(mean).filter_map(index_of) {
                if self.measured_at[input] == seconds {
                    self.measured.0[input] = f32::NAN;
                    self.measured_at[input] = i64::MIN;
                }
            }
        }
    }

    fn close_hour(&mut self) {
        let over = self.present();
        self.memory = over.memory;
        self.measured = Row::default();
        self.measured_at = [i64::MIN; COUNT];
        self.waiting.push_back(over);
        if self.waiting.len() > MAX_WAITING {
            // The oldest hour is forgotten but for what was measured in it.
            self.waiting.pop_front();
        }
        self.hour += 1;
    }

    fn present(&self) -> Moment {
        let hour = (self.hour + 1) as f32;
        let mut memory = self.memory;
        memory.take(&self.measured, hour);
        Moment { memory, hour }
    }

    /// What to ask now; `None` while nothing has been measured.
    pub fn question(&self) -> Option<Question> {
        let present = self.present();
        present.memory.measured().next()?;
        let over = self.waiting.iter().cloned().collect();
        Some(Question { background: self.background, state: self.state.clone(), over, present, record: self.record })
    }

    /// Takes in what the model made of the hours that were over when it was asked.
    pub fn answered(&mut self, asked: &Question, state: Option<Arc<State>>) {
        let same = self.waiting.front().map(|first| first.hour) == asked.over.first().map(|first| first.hour);
        // A record that began anew since, or forgot hours, has nothing to do with the answer.
        if self.record == asked.record && (same || asked.over.is_empty()) {
            self.waiting.drain(..asked.over.len().min(self.waiting.len()));
            self.state = state;
        }
    }

    /// The last value of an input, and how many whole hours ago it was measured.
    pub fn last(&self, input: usize) -> Option<(f32, u32)> {
        let present = self.present();
        let (value, hour) = present.memory.last(input)?;
        Some((value, (present.hour - hour).max(0.0) as u32))
    }

    /// Hours since the record began, from 1.
    pub fn hours(&self) -> u32 {
        (self.hour + 1) as u32
    }
}

/// The model's inputs among vital signs. Consciousness and oxygen are none of them: the data set has neither.
fn row(vitals: &VitalSigns) -> Row {
    let mean = vitals.systolic_bp.zip(vitals.diastolic_bp);
    let mean = mean.map(|(systolic, diastolic)| MEAN_PRESSURE[0] * systolic + MEAN_PRESSURE[1] * diastolic);
    let values = [
        ("heart_rate", vitals.heart_rate),
        ("spo2", vitals.spo2),
        ("temperature", vitals.temperature),
        ("systolic_bp", vitals.systolic_bp),
        ("mean_bp", mean),
        ("diastolic_bp", vitals.diastolic_bp),
        ("respiratory_rate", vitals.respiratory_rate),
    ];
    let mut row = Row::default();
    for (parameter, value) in values {
        if let Some((input, value)) = index_of(parameter).zip(value) {
            row.set(input, value as f32);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(rate: f64) -> VitalSigns {
        VitalSigns { heart_rate: Some(rate), ..VitalSigns::default() }
    }

    fn heart_rate(bedside: &Bedside) -> Option<(f32, u32)> {
        bedside.last(index_of("heart_rate").unwrap())
    }

    #[test]
    fn the_newest_value_of_an_hour_stands_for_it() {
        let mut bedside = Bedside::new(UNKNOWN);
        assert!(bedside.question().is_none());
        assert_eq!(bedside.observe(&VitalSigns::default(), 0), Taken::Nothing);
        bedside.observe(&pulse(80.0), 1_000);
        bedside.observe(&pulse(90.0), 1_060);
        bedside.observe(&pulse(70.0), 1_030);
        assert_eq!(heart_rate(&bedside), Some((90.0, 0)), "an older one came later");
        let question = bedside.question().unwrap();
        assert_eq!((question.over.len(), question.present.hour), (0, 1.0));
    }

    #[test]
    fn an_hour_that_is_over_waits_for_the_model_and_takes_no_more() {
        let mut bedside = Bedside::new(UNKNOWN);
        bedside.observe(&pulse(80.0), 0);
        bedside.observe(&pulse(90.0), 3 * 3_600 + 5);
        assert_eq!(bedside.observe(&pulse(50.0), 2 * 3_600), Taken::Late);
        let question = bedside.question().unwrap();
        let hours: Vec<f32> = question.over.iter().map(|over| over.hour).collect();
        assert_eq!((hours, question.present.hour), (vec![1.0, 2.0, 3.0], 4.0));
        bedside.answered(&question, None);
        assert!(bedside.question().unwrap().over.is_empty());
        assert_eq!((heart_rate(&bedside), bedside.hours()), (Some((90.0, 0)), 4));
    }

    #[test]
    fn what_is_withdrawn_within_its_hour_was_never_measured() {
        let mut bedside = Bedside::new(UNKNOWN);
        bedside.observe(&pulse(80.0), 60);
        bedside.withdraw(&["heart_rate".to_owned()], 61);
        assert_eq!(heart_rate(&bedside), Some((80.0, 0)), "another moment's");
        bedside.withdraw(&["heart_rate".to_owned()], 60);
        assert_eq!(heart_rate(&bedside), None);
    }

    #[test]
    fn a_clock_that_jumps_ahead_begins_a_new_record() {
        let mut bedside = Bedside::new(UNKNOWN);
        bedside.observe(&pulse(80.0), 0);
        let asked = bedside.question().unwrap();
        bedside.observe(&pulse(90.0), 1 << 40);
        let question = bedside.question().unwrap();
        assert_eq!((question.over.len(), bedside.hours()), (0, 1));
        bedside.answered(&asked, None);
        assert_eq!(heart_rate(&bedside), Some((90.0, 0)));
    }

    #[test]
    fn what_a_model_made_of_an_earlier_record_is_not_taken_for_this_one() {
        let mut bedside = Bedside::new(UNKNOWN);
        bedside.observe(&pulse(80.0), 0);
        bedside.observe(&pulse(80.0), 3_600);
        let asked = bedside.question().unwrap();
        bedside.observe(&pulse(90.0), 1 << 40);
        bedside.observe(&pulse(90.0), (1 << 40) + 3_600);
        bedside.answered(&asked, None);
        assert_eq!(bedside.question().unwrap().over.len(), 1, "the first hour of the new one waits");
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on_in_the_hour_it_was_in() {
        let mut bedside = Bedside::new(UNKNOWN);
        bedside.observe(&pulse(80.0), 100_000);
        bedside.observe(&pulse(85.0), 100_000 + 2 * 3_600);
        assert_eq!(bedside.observe(&pulse(90.0), 50_000), Taken::Late);
        bedside.clock_set_back();
        assert_eq!(bedside.observe(&pulse(90.0), 50_000), Taken::Used);
        assert_eq!((heart_rate(&bedside), bedside.hours()), (Some((90.0, 0)), 3));
        bedside.observe(&pulse(95.0), 50_000 + 3_600);
        assert_eq!(bedside.hours(), 4);
    }

    #[test]
    fn what_waits_is_bounded_however_long_nobody_asks() {
        let mut bedside = Bedside::new(UNKNOWN);
        for hour in 0..1_000 {
            bedside.observe(&pulse(80.0), hour * 3_600);
        }
        assert_eq!(bedside.question().unwrap().over.len(), MAX_WAITING);
    }

    #[test]
    fn the_mean_pressure_is_made_from_both_pressures() {
        let vitals = VitalSigns { systolic_bp: Some(120.0), diastolic_bp: Some(60.0), ..VitalSigns::default() };
        assert_eq!(row(&vitals).0[index_of("mean_bp").unwrap()], 80.0);
        let half = VitalSigns { systolic_bp: Some(120.0), ..VitalSigns::default() };
        assert!(row(&half).0[index_of("mean_bp").unwrap()].is_nan());
    }
}
