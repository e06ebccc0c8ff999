//! The program dies, stops or is cancelled at every point of a scan in a real engine, and what comes after it finishes the scan:
//! the findings of an undisturbed run, no container started twice, nothing left behind.
//!
//! Needs the feature `failpoints`, an engine and a static busybox. `DRAGNET_FULL=1` makes the random part long.

#![cfg(feature = "failpoints")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../common/bench.rs"]
mod bench;
#[path = "../common/cancels.rs"]
mod cancels_anywhere;
#[path = "../common/cli.rs"]
#[expect(dead_code, reason = "tests share it, and each uses a part")]
mod cli;
#[path = "../common/engine.rs"]
mod engine;
#[path = "../common/places.rs"]
mod places;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../common/tool.rs"]
mod tool;

mod cancels;
mod owners;
mod points;
mod schedule;
mod starts;
mod sweeps;
