//! What a job or a scan really saw. State says how it ended; coverage says what it saw.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why less than everything was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// The scanner's output was cut at its limit.
    OutputCap,
    /// No more records than `max_results` were stored.
    ResultCap,
    /// No more assets than `max_assets`, or than the depth allows, were followed.
    AssetCap,
    /// The scanner was stopped at its time limit.
    TimeCap,
    /// The scanner was stopped on request.
    Stopped,
    /// The exit code says that the scanner saw only a part.
    DegradedExit,
    /// The report itself tells of an error.
    ToolError,
    /// A process of the scanner was killed for want of memory.
    OutOfMemory,
    /// The scanner's database is older than allowed.
    StaleData,
    /// A step that this one builds on did not see everything.
    UpstreamPartial,
    /// Some of the target could not be read.
    Unreadable,
    /// Some jobs did not succeed.
    JobsMissing,
}

impl Gap {
    /// Returns the reason's name, as it is stored, shown and written in `accept_partial`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutputCap => "output_cap",
            Self::ResultCap => "result_cap",
            Self::AssetCap => "asset_cap",
            Self::TimeCap => "time_cap",
            Self::Stopped => "stopped",
            Self::DegradedExit => "degraded_exit",
            Self::ToolError => "tool_error",
            Self::OutOfMemory => "out_of_memory",
            Self::StaleData => "stale_data",
            Self::UpstreamPartial => "upstream_partial",
            Self::Unreadable => "unreadable",
            Self::JobsMissing => "jobs_missing",
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "level", content = "gaps", rename_all = "snake_case")]
pub enum Coverage {
    /// Everything.
    #[default]
    Full,
    /// A part, for these reasons.
    Partial(BTreeSet<Gap>),
    /// Nothing.
    None,
}

impl Coverage {
    /// Partial for one reason.
    pub fn partial(gap: Gap) -> Self {
        Self::Partial(BTreeSet::from([gap]))
    }

    /// Full when `gaps` is empty.
    pub fn from_gaps(gaps: BTreeSet<Gap>) -> Self {
        if gaps.is_empty() { Self::Full } else { Self::Partial(gaps) }
    }

    /// Whether everything was seen.
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }

    /// Adds a reason.
    pub fn add(&mut self, gap: Gap) {
        match self {
            Self::Full => *self = Self::partial(gap),
            Self::Partial(gaps) => {
                gaps.insert(gap);
            }
            Self::None => {}
        }
    }

    /// Folds one job into its scan: a scan has seen nothing only when no job saw anything.
    pub fn fold<'a>(jobs: impl IntoIterator<Item = &'a Self>) -> Self {
        let (mut gaps, mut seen, mut any) = (BTreeSet::new(), false, false);
        for coverage in jobs {
            any = true;
            match coverage {
                Self::Full => seen = true,
                Self::Partial(reasons) => {
                    seen = true;
                    gaps.extend(reasons);
                }
                Self::None => {
                    gaps.insert(Gap::JobsMissing);
                }
            }
        }
        if any && !seen { Self::None } else { Self::from_gaps(gaps) }
    }

    /// Removes the reasons that a step accepts; what remains decides whether the scan is complete.
    #[must_use]
    pub fn without(&self, accepted: &BTreeSet<Gap>) -> Self {
        match self {
            Self::Partial(gaps) => Self::from_gaps(gaps.difference(accepted).copied().collect()),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.pad("full"),
            Self::None => f.pad("none"),
            Self::Partial(gaps) => {
                f.write_str("partial (")?;
                for (i, gap) in gaps.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    f.write_str(gap.as_str())?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Why a job was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The step's `when` is false.
    WhenFalse,
    /// The scanner has nothing to look at in this target.
    NotApplicable,
    /// The steps before it found no asset of its kind.
    NoAssets,
    /// A job that it needs did not succeed.
    NeedFailed,
}

impl SkipReason {
    /// Returns the reason's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WhenFalse => "when_false",
            Self::NotApplicable => "not_applicable",
            Self::NoAssets => "no_assets",
            Self::NeedFailed => "need_failed",
        }
    }

    /// Returns what a job skipped for this reason has seen; `upstream_full` says whether all it builds on is full.
    pub const fn coverage(self, upstream_full: bool) -> Coverage {
        match self {
            Self::WhenFalse | Self::NotApplicable => Coverage::Full,
            Self::NoAssets if upstream_full => Coverage::Full,
            Self::NoAssets | Self::NeedFailed => Coverage::None,
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_job_without_coverage_makes_the_scan_partial() {
        assert_eq!(Coverage::fold([&Coverage::Full, &Coverage::None]), Coverage::partial(Gap::JobsMissing));
        assert_eq!(Coverage::fold([&Coverage::None]), Coverage::None);
        assert_eq!(Coverage::fold([&Coverage::Full]), Coverage::Full);
    }

    #[test]
    fn accepted_gaps_leave_the_rest() {
        let mut coverage = Coverage::partial(Gap::TimeCap);
        coverage.add(Gap::StaleData);
        assert_eq!(coverage.without(&BTreeSet::from([Gap::TimeCap])), Coverage::partial(Gap::StaleData));
        assert_eq!(coverage.to_string(), "partial (time_cap, stale_data)");
    }
}
