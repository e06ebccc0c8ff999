//! The driver over a real engine: scans that are disturbed in every way that an engine, a scanner or a disk knows, each
//! ending in the state that is promised, with the findings of an undisturbed run or an honest failure, and nothing left behind.
//!
//! Needs an engine and a static busybox; without either the tests say so and pass, unless `DRAGNET_REQUIRE_ENGINE` is set.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../common/bench.rs"]
mod bench;
#[path = "../common/cli.rs"]
#[expect(dead_code, reason = "tests share it, and each uses a part")]
mod cli;
#[path = "../common/disk.rs"]
mod disk;
#[path = "../common/engine.rs"]
mod engine;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../common/scans.rs"]
mod scans;
#[path = "../common/second.rs"]
#[expect(dead_code, reason = "tests share it, and each uses a part")]
mod second;
#[path = "../common/tool.rs"]
mod tool;

mod certificates;
mod ends;
mod kills;
mod places;
mod registered;
mod remote;
mod restarts;
