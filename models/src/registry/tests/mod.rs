//! The registry against real pip, npm and curl, without a network: wheels from a local folder, packages and hub files
//! from a server on the loopback.

mod deriving;
mod fixture;
mod opening;
mod pulling;
mod serving;
