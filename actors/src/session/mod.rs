//! A session and the actors that fold its log.

mod actor;
mod cell;
mod deterioration;
mod fold;
mod imaging;
mod interpreter;
mod ration;
mod scribe;
mod speech_hub;
mod tail;
mod track;
mod vitals;
mod wave_hub;

pub(crate) use actor::load;
pub(crate) use cell::SessionCell;
pub(crate) use tail::{Place, Tail};
