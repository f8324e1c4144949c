//! The pages in a real browser.

#[path = "../common/mod.rs"]
mod common;

mod browser;
mod ward_browser;
