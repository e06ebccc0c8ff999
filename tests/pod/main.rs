//! The processes of a pod and their sessions, without a cluster: real processes, pipes, and clients that are killed.
//!
//! `DRAGNET_FULL=1` makes the large results larger.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
mod harness;
mod letters;
mod results;
mod strangers;
