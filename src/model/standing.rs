//! How the findings of a scan stand to those known before: new, existing, reopened; and those that are gone: fixed, or not
//! observed, which is not the same.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::finding::{Record, SeverityCounts};
use super::fingerprint::Fingerprint;
use super::id::InvalidId;

/// A finding of one scanner in one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FindingKey {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its rank among equals, in the order of their places; 0 for the first.
    pub occurrence: u32,
}

impl fmt::Display for FindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The first of equals has no number.
        match self.occurrence {
            0 => write!(f, "{}", self.fingerprint),
            more => write!(f, "{}#{}", self.fingerprint, u64::from(more) + 1),
        }
    }
}

impl FromStr for FindingKey {
    type Err = InvalidId;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            text: text.to_owned(),
            expected: "a fingerprint, and from the second of equals on its number",
        };
        let (fingerprint, occurrence) = match text.split_once('#') {
            None => (text, 0),
            // Numbers begin with the second of equals, and are written in one way only.
            Some((fingerprint, number)) => match number.parse::<u32>() {
                Ok(rank @ 2..) if rank.to_string() == number => (fingerprint, rank - 1),
                _ => return Err(invalid()),
            },
        };
        Ok(Self { fingerprint: fingerprint.parse()?, occurrence })
    }
}

/// How a record's finding stands to the scan's reference: what was known of the target and line before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was never there before.
    New,
    /// It was there.
    Existing,
    /// It was fixed and is back.
    Reopened,
}

impl Standing {
    /// Returns the standing's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Existing => "existing",
            Self::Reopened => "reopened",
        }
    }

    /// Whether a gate on what is new counts it.
    pub const fn is_news(self) -> bool {
        matches!(self, Self::New | Self::Reopened)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why nothing can be said of a finding that a scan did not bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// The scanner did not see everything.
    Coverage,
    /// The scanner is of another version.
    Version,
    /// The scanner was called in another way, or reads another family of data.
    Parameters,
    /// The place was not looked at.
    Scope,
    /// How it was looked for then is not known: it comes from a file.
    Unknown,
}

impl Unseen {
    /// Returns the reason's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Version => "version",
            Self::Parameters => "parameters",
            Self::Scope => "scope",
            Self::Unknown => "unknown",
        }
    }

    /// Says it in words.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Coverage => "the scanner did not see everything",
            Self::Version => "the scanner is of another version",
            Self::Parameters => "the scanner was called in another way",
            Self::Scope => "the place was not looked at",
            Self::Unknown => "how it was looked for then is not known",
        }
    }

    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Coverage, Self::Version, Self::Parameters, Self::Scope, Self::Unknown];
}

/// What became of a finding that was open and that a scan did not bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fate", content = "reason")]
pub enum Fate {
    /// The scan would have brought it: it is not there any more.
    Fixed,
    /// The scan could not have brought it: it stays open.
    NotObserved(Unseen),
}

/// A finding that was open before a scan and is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoneView {
    /// The finding's fingerprint, as in [`super::view::FindingView`].
    pub fingerprint: String,
    /// The scanner that had reported it.
    pub scanner: String,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
    /// The record as it was last seen; none when the scan that saw it was deleted.
    pub record: Option<Record>,
}

/// How many findings stand how, of one scanner or a whole scan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standings {
    /// Records of findings that are new.
    pub new: SeverityCounts,
    /// Records of findings that were there.
    pub existing: SeverityCounts,
    /// Records of findings that were fixed and are back.
    pub reopened: SeverityCounts,
    /// Findings that are not there any more.
    pub fixed: SeverityCounts,
    /// Findings of which the scan says nothing, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_observed: BTreeMap<Unseen, u64>,
    /// Whether there was nothing to compare with: then everything is new.
    #[serde(default)]
    pub first: bool,
}

impl Standings {
    /// Adds those of another scanner.
    pub fn merge(&mut self, other: &Self) {
        self.new.merge(&other.new);
        self.existing.merge(&other.existing);
        self.reopened.merge(&other.reopened);
        self.fixed.merge(&other.fixed);
        for (reason, count) in &other.not_observed {
            *self.not_observed.entry(*reason).or_default() += count;
        }
        self.first &= other.first;
    }

    /// Returns the records that a gate on what is new counts.
    pub fn news(&self) -> SeverityCounts {
        let mut news = self.new;
        news.merge(&self.reopened);
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for occurrence in [0, 1, 41] {
            let key = FindingKey { fingerprint: Fingerprint([7; 16]), occurrence };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        let digits = Fingerprint([7; 16]).to_string();
        for bad in ["#1", "#0", "#02", "#x", "#", "#4294967296"] {
            assert!(format!("{digits}{bad}").parse::<FindingKey>().is_err(), "{bad}");
        }
    }
}
