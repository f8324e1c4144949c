//! FHIR R4: vital signs in; vital signs, scores and alarms out; topic-based subscriptions.
//!
//! Pure: [`json`] reads resources within bounds, [`observation`] is a mapping between Observations and vital signs,
//! [`risk`], [`prediction`] and [`alarm`] make resources of scores, of what a learned model expects and of alarms,
//! [`resource`] says which event is which resource, [`search`] reads searches, [`issue`] says what is wrong.
//!
//! [`chart`] folds a session's log into rows to search, [`service`] and [`bundle`] do what is asked, [`subscription`]
//! notifies, [`http`] is the door.
//!
//! Resources are read and written as JSON values rather than as types of a library: the libraries that have all of R4
//! take minutes to compile for the five resources used here, and an element that is wrong is to be named by its path.

pub mod alarm;
pub mod bundle;
pub mod capability;
pub mod chart;
pub mod http;
pub mod issue;
pub mod json;
pub mod limits;
pub mod names;
pub mod observation;
pub mod prediction;
pub mod query;
pub mod resource;
pub mod risk;
pub mod search;
pub mod service;
pub mod sign;
pub mod subscription;
pub mod time;

pub use service::Service;
