//! The processes of a pod and their sessions, without a cluster: real processes, pipes, and clients that are killed.
//!
//! `DRAGNET_FULL=1` makes the large results larger.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::redundant_closure_for_method_calls,
    reason = "a test fails by panicking, and is written for its reader"
)]

mod delivery;
mod harness;
mod results;
mod strangers;
