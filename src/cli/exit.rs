//! Exit codes: a contract with scripts and pipelines.
//!
//! Of several that apply, the first of 5 > 6 > 4 > 3 > 1 > 0 is used.

use crate::model::view::Verdict;

/// The scan saw everything, and the gate holds; or the command did what it was asked.
pub const CLEAN: u8 = 0;
/// The scan saw everything, and findings reach the gate.
pub const GATE_FAILED: u8 = 1;
/// Wrong usage or configuration; nothing was done.
pub const USAGE: u8 = 2;
/// The scan failed or did not see all of its target, or its gate asks what is not known.
pub const INCOMPLETE: u8 = 3;
/// The scan reached its `max_duration`.
pub const MAX_DURATION: u8 = 4;
/// The scan was cancelled.
pub const CANCELLED: u8 = 5;
/// The engine or the state could not be reached.
pub const UNREACHABLE: u8 = 6;
/// Left on SIGINT, while the scan goes on or waits.
pub const INTERRUPTED: u8 = 130;
/// Left on SIGTERM, while the scan goes on or waits.
pub const TERMINATED: u8 = 143;

/// Returns the code that tells of a verdict.
pub const fn of_verdict(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Cancelled => CANCELLED,
        Verdict::MaxDuration => MAX_DURATION,
        Verdict::Incomplete | Verdict::GateUndecided => INCOMPLETE,
        Verdict::GateFailed => GATE_FAILED,
        Verdict::Clean => CLEAN,
    }
}
