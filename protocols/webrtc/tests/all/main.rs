//! Clients and servers of this crate, over loopback. One program: linking is most of what a file of tests costs.

mod common;
mod forward;
mod http;
mod loopback;
mod voice;
mod whip;
