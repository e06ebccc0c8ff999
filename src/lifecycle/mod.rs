//! Findings over time: what a scan says of those known before. Layer 1, pure: values in, values out.
//!
//! A scan is compared with what was open on the same line (branch or tag) of the same target: everything that the scan before
//! it brought, and what that one could not observe. What is in both exists on; what is only in the scan is new, or reopened if
//! it had been fixed; what is only in the reference is fixed if the scan would have brought it ([`reach`]), else not observed,
//! and stays open. Between those that are only here and only there, [`drift`] first pairs what has merely moved or changed its
//! face.
//!
//! Within one scan, [`merge()`] tells which reports of different scanners are of one vulnerability.
//!
//! A list that comes from outside, a baseline, has no reference: [`recognise`] looks its findings up by their [`Face`].

mod drift;
mod face;
mod merge;
mod reach;

pub use drift::{Candidate, MAX_DRIFT, pair};
pub use face::{Face, recognise};
pub use merge::{Sighting, merge};
pub use reach::{Reach, Scope, Sight};
