//! What a quick look at a target tells, before anything is planned.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a walk over a source tree counted. `.gitignore` is honoured: these facts choose scanners, they limit no scan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Regular files that were looked at.
    pub files: u64,
    /// Files per glob, of the globs that were asked for; a glob that matched nothing may be missing.
    pub matches: BTreeMap<String, u64>,
    /// Whether the walk ended early, so that a missing glob proves nothing.
    pub truncated: bool,
}

impl Facts {
    /// Returns how many files matched a glob.
    pub fn count(&self, glob: &str) -> u64 {
        self.matches.get(glob).copied().unwrap_or(0)
    }
}

/// What git says of a source tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitFacts {
    /// The commit that is checked out, as hexadecimal digits.
    pub commit: Option<String>,
    /// The branch or tag; none for a detached head.
    pub line: Option<String>,
    /// The address of `origin`.
    pub remote: Option<String>,
    /// The path of the tree inside the repository, with `/`; empty at its root.
    pub prefix: String,
    /// Whether the tree differs from the commit, or git could not tell.
    pub dirty: bool,
}
