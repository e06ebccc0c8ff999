//! Every parser against files that nobody would write by chance: real ones with damage, and such as are made to do harm.
//!
//! Whatever the file, a parser must not panic nor hang nor take memory by its length; what it hands on and skips is what it counts; a
//! file that breaks off is an error or counts less, never nothing; and the file as it is kept, secrets masked, must say the same.
//!
//! `DRAGNET_CASES=n` runs n cases of each parser. Real files are taken from `DRAGNET_SAMPLES`, or from `../shared/samples` beside the
//! repository, where there are any.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use peak_alloc::PeakAlloc;

mod check;
mod corpus;
mod damage;
mod hostile;
mod memory;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How often each parser is tried.
fn cases(default: u32) -> u32 {
    std::env::var("DRAGNET_CASES").map_or(default, |cases| cases.parse().unwrap())
}
