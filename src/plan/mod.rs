//! Plans: target + template or choice + configuration + facts → [`crate::model::plan::Plan`]. Layer 1, pure.
//!
//! [`build()`] resolves everything that can be known before a job runs, and refuses what could not run: unknown names,
//! cycles, placeholders that nothing fills, steps that wait for assets no step finds. A plan has at least one step.

mod build;
mod check;
mod error;
mod file;
mod graph;
mod key;
mod select;

pub use build::{Request, Selection, build};
pub use error::PlanError;
pub use file::{PlanFileError, read, write, write_objects, write_yaml};
pub use graph::order;
pub use key::{canonical_remote, target_key};
pub use select::choose;
