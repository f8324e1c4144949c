//! The model as it runs in a pool: hours of many patients, step by step, and what moved each score.
//!
//! Beside the patient's own state there is one for each input that was ever measured, which has been told everything
//! but that input. The difference between the two scores is what the input did, over the whole record and not only in
//! this hour; it costs one more row in the matrix products.

use crate::{
    bedside::{Moment, Question},
    calibrate::Platt,
    features::Recipe,
    network::Network,
    weights::{Weights, WeightsError},
};
use candle_core::{Device, Result, Tensor};
use healthsync_events::ModelInfo;
use healthsync_models::{Model, ModelError, first_line};
use std::sync::{Arc, PoisonError, RwLock};

/// Where the recurrence of a patient stands after the hours that are over.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Inputs that have a row of their own, after the patient's.
    omitted: Vec<usize>,
    /// Of each network, the hidden values of each row.
    hidden: Vec<Vec<f32>>,
}

/// A score and what made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// After the hours that were over.
    pub state: Arc<State>,
    /// Log-odds before calibration.
    pub score: f32,
    /// The weights, and the calibration that made the probability.
    pub model: ModelInfo,
    /// Calibrated chance that sepsis begins within the next 6 hours, or has begun.
    pub probability: f64,
    /// By input: how much the log-odds would be lower had it never been measured, strongest first.
    pub effects: Vec<(usize, f32)>,
}

/// How scores become probabilities, and what that is called: replaced while the model runs, when outcomes have taught a
/// better one.
pub type Calibration = Arc<RwLock<Calibrated>>;

#[derive(Debug, Clone, PartialEq)]
pub struct Calibrated {
    pub platt: Platt,
    /// Added to the version of the weights; empty for the calibration that they came with.
    pub version: String,
}

/// The model on its thread.
pub struct Deterioration {
    weights: Weights,
    info: ModelInfo,
    calibration: Calibration,
}

impl Deterioration {
    /// An error where the weights want to be told the ICU hour, which no bedside tells.
    pub fn new(weights: Weights, info: ModelInfo) -> std::result::Result<Self, WeightsError> {
        if weights.recipe.icu_hour {
            return Err(WeightsError::Content("these weights need the ICU hour, which a session does not know".into()));
        }
        let calibrated = Calibrated { platt: weights.calibration, version: String::new() };
        Ok(Self { weights, info, calibration: Arc::new(RwLock::new(calibrated)) })
    }

    /// With a calibration that may be replaced while it runs.
    #[must_use]
    pub fn calibrated(mut self, calibration: Calibration) -> Self {
        self.calibration = calibration;
        self
    }

    /// The calibration at the moment. A writer that panicked left it as it was.
    fn calibration(&self) -> Calibrated {
        self.calibration.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn initial(&self) -> State {
        let hidden = self.weights.members.iter().map(|network| vec![0.0; network.hidden()]).collect();
        State { omitted: Vec::new(), hidden }
    }

    fn batch(&self, questions: &[Question]) -> Result<Vec<Scored>> {
        let kept = |question: &Question| question.state.as_deref().cloned().unwrap_or_else(|| self.initial());
        let mut states: Vec<State> = questions.iter().map(kept).collect();
        let longest = questions.iter().map(|question| question.over.len()).max().unwrap_or(0);
        for hour in 0..longest {
            let going: Vec<usize> = (0..questions.len()).filter(|at| questions[*at].over.len() > hour).collect();
            let moments: Vec<_> = going.iter().map(|at| (&questions[*at], &questions[*at].over[hour])).collect();
            let before: Vec<&State> = going.iter().map(|at| &states[*at]).collect();
            let after = self.step(&moments, &before)?;
            for (at, (state, _)) in going.into_iter().zip(after) {
                states[at] = state;
            }
        }
        let present: Vec<_> = questions.iter().map(|question| (question, &question.present)).collect();
        let scores = self.step(&present, &states.iter().collect::<Vec<_>>())?;
        let calibrated = self.calibration();
        let explained =
            |(state, (now, scores)): (State, (State, Vec<f32>))| self.scored(state, &now, &scores, &calibrated);
        Ok(states.into_iter().zip(scores).map(explained).collect())
    }

    /// One hour of several patients: their new states, and the scores of the rows of each.
    fn step(&self, moments: &[(&Question, &Moment)], before: &[&State]) -> Result<Vec<(State, Vec<f32>)>> {
        let recipe = &self.weights.recipe;
        let mut inputs = Vec::new();
        let mut after: Vec<(State, Vec<f32>)> = Vec::new();
        for ((question, moment), state) in moments.iter().zip(before) {
            let state = widened(state, moment);
            features(recipe, question, moment, &state.omitted, &mut inputs);
            let rows = 1 + state.omitted.len();
            after.push((state, vec![0.0; rows]));
        }
        let rows = inputs.len() / recipe.width();
        let inputs = Tensor::from_vec(inputs, (rows, recipe.width()), &Device::Cpu)?;
        let share = 1.0 / self.weights.members.len() as f32;
        for (member, network) in self.weights.members.iter().enumerate() {
            advance(network, member, &inputs, &mut after, share)?;
        }
        Ok(after)
    }

    fn scored(&self, state: State, now: &State, scores: &[f32], calibrated: &Calibrated) -> Scored {
        let score = scores.first().copied().unwrap_or_default();
        let slope = calibrated.platt.slope as f32;
        let effect = |(input, without): (&usize, &f32)| (*input, slope * (score - without));
        let mut effects: Vec<(usize, f32)> = now.omitted.iter().zip(&scores[1..]).map(effect).collect();
        effects.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        let mut model = self.info.clone();
        model.version += &calibrated.version;
        Scored { state: Arc::new(state), score, probability: calibrated.platt.probability(score), model, effects }
    }
}

/// The state with a row for every input that has been measured by now. One that is measured for the first time had
/// made no difference until then: its row begins as the patient's own.
fn widened(state: &State, moment: &Moment) -> State {
    let mut wide = state.clone();
    for input in moment.memory.measured() {
        if !wide.omitted.contains(&input) {
            wide.omitted.push(input);
            for hidden in &mut wide.hidden {
                let own = hidden.len() / wide.omitted.len();
                hidden.extend_from_within(..own);
            }
        }
    }
    wide
}

/// The rows of one patient: with everything, then without each input.
fn features(recipe: &Recipe, question: &Question, moment: &Moment, omitted: &[usize], rows: &mut Vec<f32>) {
    let mut whole = vec![0.0; recipe.width()];
    recipe.write(&moment.memory, &question.background, moment.hour, moment.hour, &mut whole);
    rows.extend_from_slice(&whole);
    for input in omitted {
        let start = rows.len();
        rows.extend_from_slice(&whole);
        Recipe::omit(&mut rows[start..], *input);
    }
}

/// Takes all rows one hour further in one network.
fn advance(
    network: &Network,
    member: usize,
    inputs: &Tensor,
    patients: &mut [(State, Vec<f32>)],
    share: f32,
) -> Result<()> {
    let hidden: Vec<f32> = patients.iter().flat_map(|(state, _)| state.hidden[member].iter().copied()).collect();
    let states = Tensor::from_vec(hidden, (inputs.dim(0)?, network.hidden()), &Device::Cpu)?;
    let (next, scores) = network.step(inputs, &states)?;
    let next = next.flatten_all()?.to_vec1::<f32>()?;
    let mut row = 0;
    for (state, sums) in patients {
        let rows = row..row + sums.len();
        state.hidden[member] = next[rows.start * network.hidden()..rows.end * network.hidden()].to_vec();
        sums.iter_mut().zip(&scores[rows]).for_each(|(sum, score)| *sum += share * score);
        row += sums.len();
    }
    Ok(())
}

impl Model for Deterioration {
    type Input = Question;
    type Output = Scored;

    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn nonsense(&self, _: &Question, scored: &Scored) -> Option<&'static str> {
        let finite = scored.score.is_finite() && scored.effects.iter().all(|(_, effect)| effect.is_finite());
        (!finite).then_some("a score that is no number")
    }

    fn run(&mut self, batch: &[Question]) -> Vec<std::result::Result<Scored, ModelError>> {
        match self.batch(batch) {
            Ok(scored) => scored.into_iter().map(Ok).collect(),
            Err(error) => {
                let failed = ModelError::Engine { model: self.info.name.clone(), reason: first_line(&error) };
                batch.iter().map(|_| Err(failed.clone())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bedside::Bedside,
        challenge::Stay,
        inputs::index_of,
        weights::{
            info_of_file,
            tests::{stay, untrained},
        },
    };

    fn model() -> Deterioration {
        let weights = untrained(false);
        let info = info_of_file("deteriorate", &weights.write().unwrap());
        Deterioration::new(weights, info).unwrap()
    }

    /// Hour by hour, each observed half an hour into itself, with the state kept in between as the actor does.
    fn stream(model: &mut Deterioration, stay: &Stay, ask: impl Fn(usize) -> bool) -> Vec<Option<Scored>> {
        let mut bedside = Bedside::new(stay.background);
        let mut scores = Vec::new();
        for (index, hour) in stay.hours.iter().enumerate() {
            let seconds = (index as i64) * 3_600 + 60;
            bedside.take(&hour.measured, seconds);
            let asked = bedside.question().filter(|question| ask(index) && question.present.hour == hour.icu_hour);
            scores.push(asked.map(|asked| {
                let answer = model.run(std::slice::from_ref(&asked)).remove(0).unwrap();
                bedside.answered(&asked, Some(Arc::clone(&answer.state)));
                answer
            }));
        }
        scores
    }

    /// With something measured in every hour, so that every hour has an observation.
    fn full_stay(seed: u64, hours: usize) -> Stay {
        let mut stay = stay(seed, hours);
        stay.hours.iter_mut().for_each(|hour| assert!(hour.measured.set(0, 80.0 + hour.icu_hour)));
        stay
    }

    #[test]
    fn the_stream_says_what_the_whole_record_says() {
        let (mut model, stay) = (model(), full_stay(3, 40));
        let offline = model.weights.score(&[&stay]).unwrap().remove(0);
        let streamed = stream(&mut model, &stay, |_| true);
        for (streamed, offline) in streamed.iter().zip(&offline) {
            let streamed = streamed.as_ref().unwrap();
            assert!((streamed.score - offline).abs() < 1e-5, "{} {offline}", streamed.score);
        }
    }

    #[test]
    fn hours_taken_in_late_or_after_a_restart_give_the_same_score() {
        let (mut model, stay) = (model(), full_stay(4, 30));
        let every_hour = stream(&mut model, &stay, |_| true).pop().unwrap().unwrap();
        let only_once = stream(&mut model, &stay, |index| index == 29).pop().unwrap().unwrap();
        assert!((every_hour.score - only_once.score).abs() < 1e-5);
        for ((input, effect), (same, other)) in every_hour.effects.iter().zip(&only_once.effects) {
            assert!(input == same && (effect - other).abs() < 1e-4);
        }
    }

    #[test]
    fn patients_scored_together_do_not_touch_each_other() {
        let mut model = model();
        let ask = |seed: u64, hours: usize| {
            let mut bedside = Bedside::new(crate::bedside::UNKNOWN);
            for (index, hour) in full_stay(seed, hours).hours.iter().enumerate() {
                bedside.take(&hour.measured, index as i64 * 3_600);
            }
            bedside.question().unwrap()
        };
        let questions = [ask(1, 5), ask(2, 1), ask(3, 17)];
        let together = model.run(&questions);
        for (question, together) in questions.iter().zip(together) {
            let alone = model.run(std::slice::from_ref(question)).remove(0).unwrap();
            assert!((alone.score - together.unwrap().score).abs() < 1e-5);
        }
    }

    #[test]
    fn an_effect_is_what_the_score_would_lose_without_the_input() {
        let (mut model, stay) = (model(), full_stay(6, 20));
        let scored = stream(&mut model, &stay, |_| true).pop().unwrap().unwrap();
        let pulse = index_of("heart_rate").unwrap();
        let mut without = stay.clone();
        without.hours.iter_mut().for_each(|hour| hour.measured.0[pulse] = f32::NAN);
        let offline = model.weights.score(&[&without]).unwrap().remove(0);
        let effect = scored.effects.iter().find(|(input, _)| *input == pulse).unwrap().1;
        assert!((effect - (scored.score - offline.last().unwrap())).abs() < 1e-4);
        assert!(scored.effects.is_sorted_by(|a, b| a.1.abs() >= b.1.abs()));
    }

    #[test]
    fn weights_that_need_the_icu_hour_are_refused() {
        let weights = untrained(true);
        let info = info_of_file("deteriorate", b"");
        assert!(Deterioration::new(weights, info).is_err());
    }
}
