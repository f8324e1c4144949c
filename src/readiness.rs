//! Whether the server should be sent work, and if not, what it waits for.

use serde::Serialize;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// One thing the server needs before it is ready.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    pub name: &'static str,
    pub ready: bool,
    /// Why it never will be, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What does not work at the moment, where the server is of use without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
}

/// Shared between those who prepare the server and the door that tells.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    parts: Mutex<Vec<Part>>,
    closing: AtomicBool,
}

impl Readiness {
    /// Names something to wait for.
    pub fn expect(&self, name: &'static str) {
        self.lock().push(Part { name, ready: false, failure: None, degraded: None });
    }

    pub fn settle(&self, name: &'static str, result: Result<(), String>) {
        if let Some(part) = self.lock().iter_mut().find(|part| part.name == name) {
            part.ready = result.is_ok();
            part.failure = result.err();
        }
    }

    /// Says of something that the server is of use without, that it does not work at the moment, or that it does.
    pub fn degrade(&self, name: &'static str, degraded: Option<String>) {
        let mut parts = self.lock();
        match parts.iter_mut().find(|part| part.name == name) {
            Some(part) => part.degraded = degraded,
            None => parts.push(Part { name, ready: true, failure: None, degraded }),
        }
    }

    /// From now on the server is not ready: it is shutting down.
    pub fn close(&self) {
        self.0.closing.store(true, Ordering::Release);
    }

    pub fn parts(&self) -> Vec<Part> {
        let mut parts = self.lock().clone();
        if self.0.closing.load(Ordering::Acquire) {
            let failure = Some("the server is shutting down".into());
            parts.push(Part { name: "open", ready: false, failure, degraded: None });
        }
        parts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Part>> {
        self.0.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_degraded_is_told_and_is_ready() {
        let readiness = Readiness::default();
        readiness.degrade("kafka", Some("no broker".into()));
        let parts = readiness.parts();
        assert_eq!((parts[0].ready, parts[0].degraded.as_deref()), (true, Some("no broker")));
        readiness.degrade("kafka", None);
        assert_eq!(readiness.parts()[0].degraded, None);
        assert_eq!(readiness.parts().len(), 1);
    }
}
