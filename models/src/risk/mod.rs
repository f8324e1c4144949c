//! Risk of deterioration: NEWS2, and the alarms it raises.

pub mod alarms;
pub mod news2;

pub use alarms::AlarmLogic;
