//! The shim: dragnet as the first process of a scanner's container, and the reading of what it leaves. Layer 1.
//!
//! No log or copy channel of an engine is reliable for data, so the authoritative bytes are files that this code writes.
//! `run` claims the attempt, runs the scanner as a child, numbers its log lines, enforces its limits, notes how it ended
//! and seals its results; small ones it also leaves where an engine shows a container's end. `seal` does the last step but that for an
//! attempt whose shim was killed; `open` only lets the host's user remove what is left. Sealing reads files and writes files, so it may
//! be repeated. Everything is synchronous, and nothing but the container's kernel is needed.
//!
//! A pod, whose files no engine gives and takes, has more verbs. `prepare` puts things in place before the scanner starts and
//! `keep` stays beside it and after it; `receive` and `serve` are one session each ([`crate::model::wire`]) with a client that brings
//! what is needed or fetches what was found. `lend` and `lent` are the last two once more, for results on a volume that has outlived its
//! attempt's pod. All of them share nothing but directories, and locks that the kernel frees. `listen` and `reach` scan nothing: in pods
//! of their own they show what the cluster's network lets through.
//!
//! ```text
//! /dragnet/out/job.json     what to run            log/seg-000000   numbered, checksummed lines
//!              claim        made exclusively       exit.json        how the scanner ended
//!              cancel       asks to stop           seal/part-0000   archive of results and log
//!              work/        the scanner's results  seal/manifest.json  written last
//!              acknowledged the results were taken sessions         locked while there are any
//! ```

mod attempt;
mod command;
mod copies;
mod error;
mod inbox;
mod keep;
mod kept;
mod letter;
mod lines;
mod lock;
mod log;
mod mirror;
mod patience;
mod peer;
mod prepare;
mod process;
mod reach;
mod reader;
mod receive;
mod run;
mod seal;
mod serve;
mod supervise;
mod tree;
mod unseal;
mod untar;
mod upload;
mod usage;
mod walk;

pub use command::main;
pub use error::ShimError;
pub use reader::{Entry, LogReader};
pub use unseal::{UnsealError, unseal};
