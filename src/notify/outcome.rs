//! What became of a delivery.

use std::time::Duration;

/// The receiver has taken it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What it answered, in short.
    pub words: String,
}

/// The receiver has not taken it, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Failure {
    /// Why, without anything secret.
    pub words: String,
    /// Whether the same may be taken later.
    pub passes: bool,
    /// How long the receiver wants to be left alone.
    pub after: Option<Duration>,
}

impl Failure {
    /// What may succeed later.
    pub(super) fn passing(words: impl Into<String>) -> Self {
        Self { words: words.into(), passes: true, after: None }
    }

    /// What would fail however often it is tried.
    pub fn lasting(words: impl Into<String>) -> Self {
        Self { words: words.into(), passes: false, after: None }
    }

    pub(super) fn map(self, words: impl FnOnce(&str) -> String) -> Self {
        Self { words: words(&self.words), ..self }
    }
}
