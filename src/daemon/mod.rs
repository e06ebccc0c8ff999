//! The daemon: workers beside the command line, on the same state. Layer 5.
//!
//! A worker takes no input: it looks at store and engines, acts, and tells what it did. It may run at any time, twice, or after a
//! crash, and repeats nothing itself: its next activation looks anew. All that it does is a use case of [`crate::app`] that the
//! command line has, too.
//!
//! ```text
//! drivers    takes up scans that nobody drives: those that have begun at once, queued ones by priority and fair share
//! cleaner    removes what retention keeps no longer, and gives the room back
//! scheduler  starts what is due by schedules; the drivers take it up
//! sweeper    removes what dead processes have left in the engines and beside the database
//! front      shows health and metrics over HTTP ([`crate::api`])
//! notifier   tells what became of scans: writes it down, and delivers it, each route beside the others
//! ```
//! That a daemon lives is told by the kernel's lock on `locks/daemon` and by its heartbeat ([`crate::store`]); commands then leave scans
//! to it. Safety comes from neither: each scan has a fence of its own.

mod admission;
mod cleaner;
mod drivers;
mod engines;
mod front;
mod life;
mod notifier;
mod run;
mod scheduler;
mod sweeper;
mod worker;

pub use life::{Apply, Order, Orders, ReadConfig, Source};
pub use run::{Daemon, DaemonError, Ended};
