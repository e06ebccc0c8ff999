//! Findings that do not count, and who says so.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::finding::SeverityCounts;

/// What was decided of a finding. A gate does not count it while the decision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is not to be told of.
    #[default]
    Suppressed,
    /// The scanner is wrong.
    FalsePositive,
    /// The risk is taken.
    Accepted,
}

impl Decision {
    /// Returns the decision's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suppressed => "suppressed",
            Self::FalsePositive => "false_positive",
            Self::Accepted => "accepted",
        }
    }

    /// Says it in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::FalsePositive => "false positive",
            other => other.as_str(),
        }
    }

    /// Every decision.
    pub const ALL: [Self; 3] = [Self::Suppressed, Self::FalsePositive, Self::Accepted];
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The scanner's own report, by a comment in the code or the scanner's configuration.
    Report,
    /// A person, here.
    Person,
    /// A rule of the configuration.
    Config,
    /// A rule in the target's `.dragnet/`.
    File,
    /// A comment in the source, in our own words.
    Comment,
    /// A VEX document.
    Vex,
}

impl Origin {
    /// Returns the origin's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Person => "person",
            Self::Config => "config",
            Self::File => "file",
            Self::Comment => "comment",
            Self::Vex => "vex",
        }
    }

    /// Says who, where no person is named: "suppressed by …".
    pub const fn who(self) -> &'static str {
        match self {
            Self::Report => "the scanner's own report",
            Self::Person => "a person",
            Self::Config => "a rule of the configuration",
            Self::File => "a rule in the target's .dragnet/",
            Self::Comment => "a comment in the source",
            Self::Vex => "a VEX document",
        }
    }

    /// Says what it did.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Report => "suppressed by the scanner's own report",
            Self::Person => "suppressed or accepted here",
            Self::Config => "suppressed by a rule of the configuration",
            Self::File => "suppressed by a rule in the target's .dragnet/",
            Self::Comment => "suppressed by a comment in the source",
            Self::Vex => "suppressed by a VEX document",
        }
    }

    /// Every origin.
    pub const ALL: [Self; 6] = [Self::Report, Self::Person, Self::Config, Self::File, Self::Comment, Self::Vex];
}

/// A decision that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muting {
    /// What was decided.
    pub decision: Decision,
    /// Who decided.
    pub origin: Origin,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// From when on it holds no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// One step of a finding's history, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// When: the creation of the scan, or the moment of the decision.
    pub at: Timestamp,
    /// The scan, if it was one.
    pub scan: Option<String>,
    /// `new`, `reopened`, `drifted`, `fixed`, `not_observed`; a decision; `opened` where a decision was taken back.
    pub what: String,
    /// Why, if that is known.
    pub reason: Option<String>,
    /// The person who decided.
    pub author: Option<String>,
}

/// What of a scan does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Muted {
    /// Records of findings that do not count.
    pub records: SeverityCounts,
    /// Those of them that are new or reopened.
    pub news: SeverityCounts,
    /// How many by who decided.
    pub by_origin: BTreeMap<Origin, u64>,
}
