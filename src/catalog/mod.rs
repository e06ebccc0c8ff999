//! The catalogue: which scanners there are, how each is run and read, and the templates that combine them. Layer 1, pure.
//!
//! An entry is a file of TOML in `scanners/`, embedded; its keys are those of [`Manifest`]. A template is one in `templates/`,
//! named by its file. Configuration changes entries and adds some ([`Catalog::configure`]).

mod builtin;
mod check;
mod manifest;
mod placeholder;
mod set;

pub use check::{InvalidManifest, Problem};
pub use manifest::Manifest;
pub use placeholder::{Piece, Placeholder, UnknownPlaceholder, pieces};
pub use set::{Catalog, CatalogError};
