//! Many patients at a glance: a fold over the logs of all open sessions, and nothing else.
//!
//! The actor reads every open session's log once, then follows what sessions publish. Whenever it sees that it has
//! missed something it reads the log again, as every other reader does. What it knows is on a board that views read;
//! each view asks for what has changed since it looked last, so that none has a queue that could grow.

mod actor;
mod board;
mod fold;

pub use board::WardBoard;

pub(crate) use actor::{FEED_CAPACITY, Ward, start};

#[cfg(test)]
mod tests;
