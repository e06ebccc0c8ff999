//! Files that scans are made of: source snapshots and stored results. Layer 1, I/O; blocking, so call it off the runtime.
//!
//! ```text
//! <artifacts>/src/<sha256>/tree     a source snapshot, immutable; named by the hash of what is in it
//! <artifacts>/src/.tmp-*            a snapshot, a clone or an archive that is being made; removed when that fails, or a day later
//! <artifacts>/blobs/<ab>/<sha256>.zst   a stored file, compressed; named by the hash of its plain bytes
//! ```
//! What is read here belongs to somebody else and may be hostile: it is walked by descriptors, without following links.

mod archive;
mod canonical;
mod copy;
mod dir;
mod error;
mod git;
mod ignored;
mod snapshot;
mod source;
mod store;
mod sweep;
mod tree;
mod walk;

pub use error::{SourceError, StoreError};
pub use git::{GitSource, facts as git_facts};
pub use snapshot::{LeftOut, Reason, Snapshot, SnapshotOptions, snapshot};
pub use source::resolve;
pub use store::{ArtifactStore, Draft, Stored};
pub use sweep::sweep_drafts;
pub use tree::{Hold, hold, is_unused_tree, remove_tree, tree};
pub use walk::gather_facts;
