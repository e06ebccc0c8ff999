//! One suite for every executor: what [`dragnet::executor`] promises, tried for real.
//!
//! A [`harness::Harness`] brings an executor and an image whose `sh` understands the cases' small scripts. The Docker lanes need an
//! engine and a static busybox (Debian: `busybox-static`); without either they say so and pass,
//! unless `DRAGNET_REQUIRE_ENGINE` is set. The cluster's lane needs a cluster besides, and says so likewise
//! (`DRAGNET_REQUIRE_CLUSTER`).

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

mod cases;
#[expect(dead_code, reason = "other tests disturb it too")]
#[path = "../common/cluster.rs"]
mod cluster;
mod docker;
#[path = "../common/engine.rs"]
mod engine;
mod fake;
mod harness;
mod kubernetes;
#[path = "../common/lab.rs"]
mod lab;
