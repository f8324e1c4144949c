//! What whoever runs a server relies on.

#[path = "../common/mod.rs"]
mod common;

mod doors;
mod durability;
mod edges;
mod inference;
mod pools;
