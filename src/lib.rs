//! dragnet: a command-line orchestrator of security scans whose reports are true.
//!
//! ```text
//! 6 cli       words in, words out; the only layer that prints or exits
//! 5 daemon    workers beside the command line
//! 4 api       HTTP: translate, authenticate, call app
//! 3 app       one use case, one file: plan, start, watch, cancel, report …
//! 2 driver    transition (pure: state × input → state, events, effects) and the loop that performs effects
//! 1 plan parse report catalog config │ store executor artifact shim
//!   pure: values in, values out      │ I/O: one outside world each, blind to one another
//! 0 model     data and rules: no I/O, no async
//! ```
//! A module names lower layers only (within layer 1 only plan → catalog); `tests/architecture.rs` checks that, and that each
//! outside crate stays in its module.

pub mod beneath;
pub mod failpoint;
pub mod model;

pub mod artifact;
pub mod catalog;
pub mod config;
pub mod executor;
pub mod parse;
pub mod plan;
pub mod report;
pub mod shim;
pub mod store;

pub mod driver;

pub mod app;

pub mod cli;
