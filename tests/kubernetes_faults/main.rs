//! A cluster whose parts stop, hang, die and come back, and what becomes of the scans in it.
//!
//! Each test has a cluster of its own, for which it needs root, and takes minutes: only `DRAGNET_FULL=1` runs them. Without a cluster
//! they say so and pass, unless `DRAGNET_REQUIRE_CLUSTER` is set.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "tests share it, and each uses a part")]
#[path = "../common/bench.rs"]
mod bench;
#[expect(dead_code, reason = "tests share it, and each uses a part")]
#[path = "../common/cli.rs"]
mod cli;
#[expect(dead_code, reason = "tests share it, and each uses a part")]
#[path = "../common/cluster.rs"]
mod cluster;
#[path = "../common/cluster_bench.rs"]
mod cluster_bench;
#[path = "../common/engine.rs"]
mod engine;
#[path = "../common/machine.rs"]
mod machine;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../common/runs.rs"]
mod runs;
#[path = "../common/spool.rs"]
mod spool;
#[path = "../common/tool.rs"]
mod tool;

mod outages;
mod refusals;
