//! The weights as a file: safetensors, whose header also holds what the numbers mean.

use crate::{calibrate::Platt, challenge::Stay, features::Recipe, forms::Form, network::Network};
use candle_core::{Device, Tensor, safetensors::Load as _};
use healthsync_events::ModelInfo;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Key of the safetensors header under which the rest lies, as JSON.
const HEADER: &str = "deteriorate";

/// The one form this code reads.
const FORMAT: u32 = 1;

/// Networks of one model, and hidden units of one network: bounds far above what is trained here.
const MAX_MEMBERS: usize = 64;
const MAX_HIDDEN: usize = 1_024;

/// Sequences scored together. Their lengths are alike, so that little is computed for nothing.
const BATCH: usize = 64;

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("it is no safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    #[error("its header has no {HEADER:?}")]
    NoHeader,
    #[error("its header cannot be read: {0}")]
    Header(#[from] serde_json::Error),
    #[error("{0}")]
    Content(String),
    #[error(transparent)]
    Engine(#[from] candle_core::Error),
}

/// How the weights came to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Data set and licence, in words.
    pub data: String,
    pub seed: u64,
    pub patients: usize,
    /// Area under the ROC curve on the validation patients.
    pub validation_auroc: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    #[serde(default)]
    form: Form,
    hidden: usize,
    members: usize,
    recipe: Recipe,
    calibration: Platt,
    warn_at: f32,
    training: Training,
}

/// A trained model: several networks whose log-odds are averaged, and how their mean becomes a probability.
#[derive(Debug, Clone)]
pub struct Weights {
    pub recipe: Recipe,
    pub members: Vec<Network>,
    pub calibration: Platt,
    /// Log-odds, before calibration, from which on a warning was most useful on the validation patients.
    pub warn_at: f32,
    pub training: Training,
}

impl Weights {
    /// Reads and checks a file.
    pub fn read(bytes: &[u8]) -> Result<Self, WeightsError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let header = metadata.metadata().as_ref().and_then(|map| map.get(HEADER)).ok_or(WeightsError::NoHeader)?;
        let header: Header = serde_json::from_str(header)?;
        check(&header).map_err(WeightsError::Content)?;
        let tensors = SafeTensors::deserialize(bytes)?;
        let mut members = Vec::with_capacity(header.members);
        for member in 0..header.members {
            let read = |name: &str| tensor(&tensors, &format!("{member}.{name}"));
            members.push(Network::read(header.recipe.width(), header.hidden, header.form, read)?);
        }
        let Header { recipe, calibration, warn_at, training, .. } = header;
        Ok(Self { recipe, members, calibration, warn_at, training })
    }

    /// The file's bytes: the same for the same weights.
    pub fn write(&self) -> Result<Vec<u8>, WeightsError> {
        let header = Header {
            format: FORMAT,
            form: self.form(),
            hidden: self.members.first().map_or(0, Network::hidden),
            members: self.members.len(),
            recipe: self.recipe.clone(),
            calibration: self.calibration,
            warn_at: self.warn_at,
            training: self.training.clone(),
        };
        let mut data = Vec::new();
        for (member, network) in self.members.iter().enumerate() {
            data.extend(network.stored()?.into_iter().map(|(name, tensor)| (format!("{member}.{name}"), tensor)));
        }
        let info = HashMap::from([(HEADER.to_owned(), serde_json::to_string(&header)?)]);
        Ok(safetensors::serialize(data, Some(info))?)
    }

    /// The form of its networks.
    pub fn form(&self) -> Form {
        self.members.first().map_or(Form::F32, Network::form)
    }

    /// The same model rounded to a form.
    pub fn in_form(&self, form: Form) -> Result<Self, WeightsError> {
        let members = self.members.iter().map(|network| network.in_form(form)).collect::<Result<_, _>>()?;
        Ok(Self { members, ..self.clone() })
    }

    /// Log-odds of every hour of every stay, before calibration.
    pub fn score(&self, stays: &[&Stay]) -> Result<Vec<Vec<f32>>, WeightsError> {
        let mut order: Vec<usize> = (0..stays.len()).collect();
        order.sort_by_key(|index| stays[*index].hours.len());
        let mut scores = vec![Vec::new(); stays.len()];
        for batch in order.chunks(BATCH) {
            let chosen: Vec<&Stay> = batch.iter().map(|index| stays[*index]).collect();
            for (index, logits) in batch.iter().zip(self.score_batch(&chosen)?) {
                scores[*index] = logits;
            }
        }
        Ok(scores)
    }

    fn score_batch(&self, stays: &[&Stay]) -> Result<Vec<Vec<f32>>, WeightsError> {
        let features: Vec<Vec<f32>> = stays.iter().map(|stay| self.recipe.stay(stay)).collect();
        let inputs = padded(&features, self.recipe.width())?;
        let mut sums: Vec<Vec<f32>> = stays.iter().map(|stay| vec![0.0; stay.hours.len()]).collect();
        let share = 1.0 / self.members.len().max(1) as f32;
        for network in &self.members {
            let logits = network.sequence(&inputs, None)?.to_vec2::<f32>()?;
            for (row, sums) in sums.iter_mut().enumerate() {
                sums.iter_mut().zip(&logits).for_each(|(sum, hour)| *sum += share * hour[row]);
            }
        }
        Ok(sums)
    }
}

/// Sequences of hours as one tensor (hours × sequences × width), the shorter ones followed by nought.
pub fn padded(features: &[Vec<f32>], width: usize) -> candle_core::Result<Tensor> {
    let (rows, hours) = (features.len(), features.iter().map(|one| one.len() / width).max().unwrap_or(0));
    let mut values = vec![0.0; hours * rows * width];
    for (row, one) in features.iter().enumerate() {
        for (hour, from) in one.chunks_exact(width).enumerate() {
            let at = (hour * rows + row) * width;
            values[at..at + width].copy_from_slice(from);
        }
    }
    Tensor::from_vec(values, (hours, rows, width), &Device::Cpu)
}

fn tensor(tensors: &SafeTensors<'_>, name: &str) -> Option<Tensor> {
    tensors.tensor(name).ok()?.load(&Device::Cpu).ok()
}

fn check(header: &Header) -> Result<(), String> {
    if header.format != FORMAT {
        return Err(format!("its format is {}, this program reads {FORMAT}", header.format));
    }
    if !(1..=MAX_MEMBERS).contains(&header.members) || !(1..=MAX_HIDDEN).contains(&header.hidden) {
        return Err(format!("{} networks of {} units are more than are read", header.members, header.hidden));
    }
    if !header.recipe.normaliser.is_whole() || !header.calibration.is_usable() || !header.warn_at.is_finite() {
        return Err("its normalisation or calibration has numbers that cannot be".to_owned());
    }
    Ok(())
}

/// The name and version under which weights score when they come from a file rather than from the registry.
pub fn info_of_file(name: &str, bytes: &[u8]) -> ModelInfo {
    use sha2::{Digest, Sha256};
    let sha256 = healthsync_models::hex(&Sha256::digest(bytes));
    ModelInfo { name: name.to_owned(), version: format!("file-{}", &sha256[..12]), weights_sha256: sha256 }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{challenge::parse, features::Normaliser, rng::Rng};
    use std::fmt::Write as _;

    /// A stay with something measured in most hours.
    pub(crate) fn stay(seed: u64, hours: usize) -> Stay {
        let mut rng = Rng::seeded(seed);
        let mut text = "HR|Temp|SBP|Resp|WBC|Age|Gender|Unit1|Unit2|HospAdmTime|ICULOS|SepsisLabel\n".to_owned();
        for hour in 1..=hours {
            let mut value = |centre: f32, spread: f32, chance: f32| {
                let value = centre + spread * rng.normal();
                if rng.chance(chance) { format!("{value:.1}") } else { "NaN".to_owned() }
            };
            let row = [value(85.0, 15.0, 0.9), value(37.0, 0.7, 0.4), value(120.0, 20.0, 0.8)];
            let more = [value(18.0, 4.0, 0.9), value(11.0, 3.0, 0.1)];
            let label = u8::from(hour + 3 > hours && seed % 2 == 1);
            let _ = writeln!(text, "{}|{}|60|1|1|0|-5|{hour}|{label}", row.join("|"), more.join("|"));
        }
        parse(&format!("p{seed}"), &text).unwrap()
    }

    /// Weights as good as any that were not trained.
    pub(crate) fn untrained(icu_hour: bool) -> Weights {
        let stays = [stay(1, 30), stay(2, 20)];
        let recipe = Recipe { normaliser: Normaliser::fit(stays.iter()), icu_hour };
        let mut rng = Rng::seeded(5);
        let members = (0..2).map(|_| Network::untrained(recipe.width(), 8, &mut rng).unwrap().0).collect();
        Weights { recipe, members, calibration: Platt::default(), warn_at: 0.0, training: Training::default() }
    }

    #[test]
    fn weights_come_back_from_their_file_as_they_were() {
        let stays = [stay(3, 12), stay(4, 40)];
        let stays: Vec<&Stay> = stays.iter().collect();
        let mut sizes = Vec::new();
        for form in Form::ALL {
            let weights = untrained(true).in_form(form).unwrap();
            let bytes = weights.write().unwrap();
            assert_eq!(bytes, weights.write().unwrap(), "the same weights are the same bytes");
            let read = Weights::read(&bytes).unwrap();
            assert_eq!((&read.recipe, read.form()), (&weights.recipe, form));
            assert_eq!(read.training, weights.training);
            assert_eq!(read.score(&stays).unwrap(), weights.score(&stays).unwrap());
            sizes.push(bytes.len());
        }
        // Their headers name the form, which takes a few bytes more or less.
        let alike = sizes[1].abs_diff(sizes[2]) < 64;
        assert!(sizes[1] < sizes[0] && alike && sizes[3] < sizes[1], "{sizes:?}");
    }

    #[test]
    fn a_score_does_not_depend_on_who_is_scored_beside() {
        let weights = untrained(false);
        let stays = [stay(3, 12), stay(4, 40), stay(5, 3)];
        let together = weights.score(&stays.iter().collect::<Vec<_>>()).unwrap();
        for (stay, scores) in stays.iter().zip(together) {
            let alone = weights.score(&[stay]).unwrap().remove(0);
            assert_eq!(alone.len(), stay.hours.len());
            assert!(alone.iter().zip(&scores).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn a_file_that_is_damaged_or_of_another_kind_is_refused() {
        let bytes = untrained(false).write().unwrap();
        assert!(Weights::read(&bytes[..bytes.len() / 2]).is_err());
        assert!(Weights::read(b"").is_err());
        let plain = safetensors::serialize(Vec::<(&str, Tensor)>::new(), None).unwrap();
        assert!(matches!(Weights::read(&plain), Err(WeightsError::NoHeader)));
    }
}
