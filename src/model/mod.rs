//! Data and rules: no I/O, no async. Every other layer speaks in these words.

pub mod asset;
pub mod clock;
pub mod coverage;
pub mod event;
pub mod facts;
pub mod finding;
pub mod fingerprint;
pub mod frame;
pub mod id;
pub mod manifest;
pub mod nearest;
pub mod outcome;
pub mod patch;
pub mod plan;
pub mod program;
pub mod registry;
pub mod retry;
pub mod scanner;
pub mod severity;
pub mod spec;
pub mod state;
pub mod target;
pub mod template;
pub mod unit;
pub mod view;
