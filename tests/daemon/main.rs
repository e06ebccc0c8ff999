//! The daemon over a real engine: it takes up what is queued and what others have left, hands over, and may be killed at any moment.
//!
//! Needs an engine and a static busybox; without either the tests say so and pass, unless `DRAGNET_REQUIRE_ENGINE` is set.
//! What is asked over HTTP needs none of that; one test of it needs `promtool`, and is likewise with `DRAGNET_REQUIRE_PROMTOOL`.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../common/ask.rs"]
mod ask;
#[path = "../common/bench.rs"]
mod bench;
#[path = "../common/cli.rs"]
#[expect(dead_code, reason = "tests share it, and each uses a part")]
mod cli;
#[path = "../common/disk.rs"]
mod disk;
#[path = "../common/engine.rs"]
mod engine;
#[path = "../common/process.rs"]
mod process;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../common/second.rs"]
#[expect(dead_code, reason = "tests share it, and each uses a part")]
mod second;
#[path = "../common/stub.rs"]
#[expect(dead_code, reason = "tests share it, and each uses a part")]
mod stub;
#[path = "../common/tool.rs"]
mod tool;
#[path = "../common/traces.rs"]
mod traces_told;

mod cleaner;
mod configuration;
mod full;
mod http;
mod limits;
mod lives;
mod log;
mod measures;
mod place;
mod removals;
mod replaced;
mod schedules;
mod soak;
mod sums;
mod takes;
mod traces;
