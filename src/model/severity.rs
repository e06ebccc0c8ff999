//! Severities, from worst to least.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How bad a record is. `Unknown` counts as high in gates unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// CVSS 9.0 to 10.0.
    Critical,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 0.1 to 3.9.
    Low,
    /// Nothing to mend.
    Info,
    /// The scanner does not say.
    Unknown,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 6] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info, Self::Unknown];

    /// What unknown counts as in gates, unless told otherwise.
    pub const UNKNOWN_AS: Self = Self::High;

    /// Returns the severity's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
            Self::Unknown => "unknown",
        }
    }

    /// Returns 0 for critical to 5 for unknown: the order in which reports list.
    pub const fn rank(self) -> u8 {
        self as u8
    }

    /// Returns the severity of a rank.
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.get(usize::from(rank)).copied()
    }

    /// The qualitative scale of CVSS v3.1, section 5; out-of-range scores are unknown.
    pub fn from_cvss(score: f64) -> Self {
        match score {
            s if (9.0..=10.0).contains(&s) => Self::Critical,
            s if (7.0..9.0).contains(&s) => Self::High,
            s if (4.0..7.0).contains(&s) => Self::Medium,
            s if s > 0.0 && s < 4.0 => Self::Low,
            0.0 => Self::Info,
            _ => Self::Unknown,
        }
    }

    /// Whether a record of this severity fails a gate at `threshold`.
    pub fn reaches(self, threshold: Self) -> bool {
        self.counted_as(Self::UNKNOWN_AS) <= threshold
    }

    /// Returns what it counts as in a gate in which unknown counts as `unknown`.
    #[must_use]
    pub const fn counted_as(self, unknown: Self) -> Self {
        match self {
            Self::Unknown => unknown,
            known => known,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Severity {
    type Err = super::id::InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| super::id::InvalidId {
            text: text.to_owned(),
            expected: "a severity (critical, high, medium, low, info or unknown)",
        })
    }
}
