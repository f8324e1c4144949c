//! The benchmark of monitors: messages a second through the MLLP door, and how soon a score is on the wire, beside
//! python-hl7 and beside what loopback itself allows. `loadtests/README.md` defines every figure.

pub mod contest;
pub mod echo;
pub mod load;
pub mod message;
pub mod report;
pub mod scores;
pub mod servers;
