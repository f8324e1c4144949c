//! Records of the PhysioNet/Computing in Cardiology Challenge 2019 (Reyna et al., *Early Prediction of Sepsis From
//! Clinical Data*, Critical Care Medicine 48(2), 2020): one file a stay in intensive care, one line an hour, columns
//! separated by `|`, `NaN` where nothing was measured.

mod parse;
mod source;
mod split;

pub use parse::{ParseError, parse};
pub use source::{SourceError, read};
pub use split::{Part, part};

use crate::inputs::{INPUTS, Row};

/// Hours of one stay that are read: two and a half years. The data set ends at 336.
pub const MAX_HOURS: usize = 21_900;

/// Bytes of one record: what that many hours of the longest lines could take.
pub const MAX_RECORD_BYTES: usize = 8 << 20;

/// Stays of one set: some fifty times the data set's two hospitals together.
pub const MAX_STAYS: usize = 2_000_000;

/// Which kind of unit a patient lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Medical intensive care (`Unit1`).
    Medical,
    /// Surgical intensive care (`Unit2`).
    Surgical,
    Unknown,
}

/// What does not change during a stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Background {
    /// Years; the data set writes 100 for those above 89.
    pub age: Option<f32>,
    /// The data set's `Gender`: 0 female, 1 male.
    pub male: Option<bool>,
    pub unit: Unit,
    /// Hours between the admission to the hospital and to the unit.
    pub ward_hours: Option<f32>,
}

/// An hour of a stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hour {
    pub measured: Row,
    /// `ICULOS`: hours since the admission to the unit, from 1.
    pub icu_hour: f32,
    /// `SepsisLabel`: sepsis begins within the next 6 hours, or has begun.
    pub septic: bool,
}

/// A stay.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// File name without its ending: all that the data set says of who it was.
    pub id: String,
    pub background: Background,
    pub hours: Vec<Hour>,
}

impl Stay {
    pub fn ever_septic(&self) -> bool {
        self.hours.iter().any(|hour| hour.septic)
    }

    /// Takes away what no bedside monitor measures.
    pub fn keep_bedside(&mut self) {
        for hour in &mut self.hours {
            for (value, input) in hour.measured.0.iter_mut().zip(&INPUTS) {
                if !input.bedside {
                    *value = f32::NAN;
                }
            }
        }
    }
}
