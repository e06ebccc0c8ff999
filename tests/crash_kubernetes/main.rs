//! The program dies or is told to stop at every point of a scan in a cluster, and what comes after it finishes the scan: the
//! findings of an undisturbed run, no scanner run twice, nothing left behind.
//!
//! Needs the feature `failpoints` and a cluster that runs the local engine's images. `DRAGNET_FULL=1` tries all points, and
//! results of half a gigabyte.

#![cfg(feature = "failpoints")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "tests share it, and each uses a part")]
#[path = "../common/bench.rs"]
mod bench;
#[path = "../common/cancels.rs"]
mod cancels_anywhere;
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
#[path = "../common/places.rs"]
mod places;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../common/runs.rs"]
mod runs;
#[path = "../common/spool.rs"]
mod spool;
#[path = "../common/tool.rs"]
mod tool;

mod cancels;
mod points;
mod results;
