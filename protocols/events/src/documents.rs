//! Small documents that are no events of a session: what a door has agreed with its clients.

use crate::{handle::BoxFuture, refusal::Refusal};

/// Keeps documents by name, durably. `actors` implements it beside the log. A shelf belongs to one door, which bounds
/// how many documents are on it; they are patient data.
pub trait Documents: Send + Sync + 'static {
    /// Puts a document in the place of what has its name. Returns once it is durable.
    fn put(&self, shelf: &'static str, name: String, body: String) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Takes a document away, if it is there. Returns once that is durable.
    fn remove(&self, shelf: &'static str, name: String) -> BoxFuture<'_, Result<(), Refusal>>;

    /// At most `limit` documents of a shelf with their names, in the order of names.
    fn on_shelf(&self, shelf: &'static str, limit: usize) -> BoxFuture<'_, Result<Vec<(String, String)>, Refusal>>;
}
