//! One file a verb: its arguments, and what it does with them.

pub(super) mod cancel;
pub(super) mod choice;
pub(super) mod output;
pub(super) mod plan;
pub(super) mod report;
pub(super) mod start;
pub(super) mod watch;
