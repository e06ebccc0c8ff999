//! Images and registries: what is pulled and what is not, with whose credentials, and what is said when it cannot be had.
//!
//! Needs an engine, a static busybox and Debian's `docker-registry`; without one of them the tests say so and pass, unless
//! `DRAGNET_REQUIRE_ENGINE` is set.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../common/engine.rs"]
mod engine;
#[path = "../common/registry.rs"]
mod registry;

mod agent_image;
mod hostile;
mod machine;
mod pulls;
#[expect(dead_code, reason = "others ask for more of it")]
#[path = "../common/stub.rs"]
mod stub;
mod tokens;
