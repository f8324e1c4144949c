//! How patients are watched over, and by whose time.

use crate::clock::Pace;
use healthsync_models::risk::Policy;
use std::sync::Arc;

/// The same for every session of a process.
#[derive(Clone)]
pub struct MonitoringSettings {
    pub policy: Arc<Policy>,
    pub pace: Pace,
}

impl Default for MonitoringSettings {
    fn default() -> Self {
        Self { policy: Arc::default(), pace: Pace::system() }
    }
}
