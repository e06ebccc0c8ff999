//! The driver: makes a scan happen. One owner per scan at a time.
//!
//! [`transition()`] and [`settle()`] decide, purely, on a [`View`]; the loop in [`run`] gathers inputs, writes all that a batch of them
//! decides in one transaction, and only then performs the effects. Effects may be performed again: a launch is keyed by its
//! name, a removal of nothing is done, results are stored by attempt and ordinal. So after a crash at any point the next driver
//! loads the rows, lists the engine, and goes on.

mod between;
mod compare;
mod effects;
mod error;
mod ingest;
mod input;
mod jobs;
mod log;
mod rank;
mod raw;
mod reaches;
mod reading;
mod reparse;
mod run;
mod settle;
mod slots;
mod sorted;
mod tidy;
mod transition;
mod trust;
mod verdict;
mod view;

pub use between::{Between, between, sights};
pub use error::DriverError;
pub use input::{Decisions, Effect, Harvest, Input, Ticket};
pub use reparse::{Outcome, Reparsed, ReparsedJob, reparse};
pub use run::{Driver, Rest};
pub use settle::settle;
pub use slots::{Place, Seat, Slots};
pub use tidy::is_untidy;
pub use transition::transition;
pub use view::View;
