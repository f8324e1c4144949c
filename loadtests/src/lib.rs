//! Recorded and scripted sessions played through the real doors, as a browser, a monitor and an image archive
//! would use them, and what came back.

pub mod client;
pub mod consultation;
pub mod endurance;
pub mod figures;
pub mod hearing;
pub mod machine;
pub mod outcome;
pub mod pools;
pub mod replay;
pub mod script;
pub mod speech;
pub mod vitals;

pub use client::{ApiClient, ClientError};
pub use consultation::{Endpoints, Progress, play};
pub use outcome::Outcome;
pub use script::Script;
