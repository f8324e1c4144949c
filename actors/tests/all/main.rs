//! Sessions on a real log, with models of the tests' own. One program: linking is most of what a file of tests costs.

mod alarms;
mod common;
mod deterioration;
mod interpretation;
mod sessions;
mod tracks;
mod ward;
