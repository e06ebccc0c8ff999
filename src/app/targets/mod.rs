//! The registry of targets: what is said of a target is read, checked, and kept; those that are registered are found again.

mod add;
mod entry;
mod error;
mod find;
mod import;
mod read;

pub use add::{Added, add};
pub use entry::{Manner, RawEntry};
pub use error::TargetError;
pub use find::{Named, Within, find, find_all, last_scans, select};
pub use import::{ImportTargets, ImportedTargets, Refusal, import};
pub use read::ListFormat;
