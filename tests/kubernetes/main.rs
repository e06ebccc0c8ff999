//! The executor on a real cluster, in everything that can happen to a pod, a Job, a right or a process of ours.
//!
//! Needs a cluster that runs the local engine's images; without one the tests say so and pass, unless
//! `DRAGNET_REQUIRE_CLUSTER` is set.

#![cfg(feature = "failpoints")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the daemon's tests use the rest")]
#[path = "../common/ask.rs"]
mod ask;
#[expect(dead_code, reason = "tests share it, and each uses a part")]
#[path = "../common/bench.rs"]
mod bench;
#[expect(dead_code, reason = "tests share it, and each uses a part")]
#[path = "../common/cli.rs"]
mod cli;
#[path = "../common/cluster.rs"]
mod cluster;
#[path = "../common/cluster_bench.rs"]
mod cluster_bench;
#[path = "../common/engine.rs"]
mod engine;
#[expect(dead_code, reason = "the conformance suite uses the rest")]
#[path = "../conformance/harness.rs"]
mod harness;
#[path = "../common/lab.rs"]
mod lab;
#[path = "../common/objects.rs"]
mod objects;
#[expect(dead_code, reason = "the daemon's tests use the rest")]
#[path = "../common/process.rs"]
mod process;
#[expect(dead_code, reason = "the tests of registries use the rest")]
#[path = "../common/registry.rs"]
mod registry;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../common/runs.rs"]
mod runs;
#[path = "../common/tool.rs"]
mod tool;

mod access;
mod budget;
mod daemon;
mod deploy;
mod endings;
mod faults;
mod images;
mod kept;
mod letters;
mod policies;
mod scans;
mod storage;
mod taken;
mod waits;
