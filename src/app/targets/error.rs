//! Why a target cannot be registered, found or scanned.

use std::io;

use super::read::Malformed;
use crate::model::owner::InvalidOwnerName;
use crate::model::registered::{
    InvalidEntry, InvalidSelector, InvalidTag, InvalidTargetName, Tag, TargetName, TargetSelector,
};
use crate::model::target::InvalidTarget;
use crate::store::StoreError;

/// Why something about the registry of targets was refused.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The entry.
    #[error(transparent)]
    Entry(#[from] InvalidEntry),
    /// A text without a kind that is no path either.
    #[error("`{0}` says no kind, and there is no such file or directory here")]
    NoKind(String),
    /// An address with a password or a token in it.
    #[error("the address has a user or a password in it, which would be kept for all to see")]
    Credentials,
    /// The template is not in the catalogue.
    #[error(transparent)]
    Template(#[from] crate::catalog::CatalogError),
    /// Nothing is registered under the name.
    #[error("no target is registered as `{name}`")]
    Unknown {
        /// The name.
        name: TargetName,
        /// What may have been meant, as it is written after an `@`.
        meant: Option<TargetSelector>,
    },
    /// Projects have different targets of the name.
    #[error("`{name}` is registered in several projects: {}", projects.join(", "))]
    Ambiguous {
        /// The name.
        name: TargetName,
        /// The projects.
        projects: Vec<String>,
    },
    /// It is not to be scanned.
    #[error("the target `{0}` is disabled")]
    Disabled(TargetName),
    /// No target that is enabled was chosen.
    #[error("no enabled target is registered{}", tagged(.0))]
    NoneChosen(TargetSelector),
    /// No target has the tag.
    #[error("no target is registered with the tag `{0}`")]
    NoneTagged(Tag),
    /// It would be a name or a tag.
    #[error(transparent)]
    Selector(#[from] InvalidSelector),
    /// More targets were chosen than may be.
    #[error("@{selector} stands for {} enabled targets", at_least(*found))]
    TooMany {
        /// What chose them.
        selector: TargetSelector,
        /// How many were found; they are not counted beyond [`TargetError::COUNTED`].
        found: u64,
        /// How many may be.
        most: u64,
    },
    /// A list of targets cannot be read on.
    #[error("{name}: {fault}")]
    List {
        /// The file.
        name: String,
        /// Why.
        fault: Malformed,
    },
    /// A list could not be written, or not to its end.
    #[error("{written} of {of} targets were registered, then that failed: {source}")]
    Partly {
        /// Entries that are registered.
        written: u64,
        /// Entries of the list.
        of: u64,
        /// Why.
        source: StoreError,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TargetError {
    /// Up to where targets are counted when there are too many.
    pub const COUNTED: u32 = 10_000;
}

fn tagged(selector: &TargetSelector) -> String {
    match selector {
        TargetSelector::Tag(tag) => format!(" with the tag `{tag}`"),
        TargetSelector::Name(_) | TargetSelector::All => String::new(),
    }
}

fn at_least(found: u64) -> String {
    if found < u64::from(TargetError::COUNTED) { found.to_string() } else { format!("{found} or more") }
}

macro_rules! entries {
    ($($error:ty),+) => {$(
        impl From<$error> for TargetError {
            fn from(error: $error) -> Self {
                Self::Entry(error.into())
            }
        }
    )+};
}

entries!(InvalidTarget, InvalidTargetName, InvalidTag, InvalidOwnerName);

impl From<io::Error> for Malformed {
    fn from(error: io::Error) -> Self {
        Self { line: None, message: error.to_string() }
    }
}
