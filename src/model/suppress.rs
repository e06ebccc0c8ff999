//! Rules by which findings do not count: written by people, frozen with the plan.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::finding::Location;
use super::triage::{Decision, Muting, Origin};

/// What comments said of records when the source was there, by rule and place.
pub type Said = BTreeMap<(String, Location), Muting>;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A day in UTC, as `2027-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Day(Date);

impl Day {
    /// The moment at which the day is over.
    pub fn end(self) -> Timestamp {
        let midnight = self.0.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp().as_millisecond());
        Timestamp(midnight.unwrap_or(i64::MAX).saturating_add(DAY_MS))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day: write it like 2027-01-31")]
pub struct InvalidDay(String);

impl FromStr for Day {
    type Err = InvalidDay;

    fn from_str(text: &str) -> Result<Self, InvalidDay> {
        // The library reads a date with a time of day too, and drops the time.
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
        date.map(Self).ok_or_else(|| InvalidDay(text.to_owned()))
    }
}

impl TryFrom<String> for Day {
    type Error = InvalidDay;

    fn try_from(text: String) -> Result<Self, InvalidDay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

/// A rule by which findings do not count: those for which all conditions hold that it names. It names one at least.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuppressRule {
    /// The scanner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner: Option<String>,
    /// The scanner's rule; `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The file, written as in `.gitignore`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The finding's name, as reports show it: `v1:` and 32 hexadecimal digits, with `#2` the second of equals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// A vulnerability: `CVE-2021-44228`, `GHSA-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vulnerability: Option<String>,
    /// The package, by name (`lodash`), name and version (`lodash@4.17.20`) or package URL (`pkg:npm/lodash@4.17.20`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// What is decided of them.
    #[serde(default)]
    pub decision: Decision,
    /// Why; reports show it.
    pub reason: String,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The last day on which the rule holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// It would suppress everything.
    #[error("it names nothing: give one of `rule`, `path`, `fingerprint`, `vulnerability`, `package`, `scanner`")]
    Everything,
    /// The fingerprint is none.
    #[error("`{0}` is not a fingerprint: write it as reports show it, `v1:` and 32 hexadecimal digits")]
    Fingerprint(String),
    /// A fingerprint stands alone: it says all.
    #[error("a fingerprint names one finding: `{0}` beside it says nothing")]
    BesideFingerprint(&'static str),
    /// A pattern that cannot be read.
    #[error("`{pattern}` is not a pattern: {message}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
}

impl SuppressRule {
    /// Checks what its types do not.
    pub fn check(&self) -> Result<(), InvalidRule> {
        let others = [
            ("rule", &self.rule),
            ("path", &self.path),
            ("vulnerability", &self.vulnerability),
            ("package", &self.package),
            ("scanner", &self.scanner),
        ];
        let beside = others.iter().find(|(_, condition)| condition.is_some());
        match (&self.fingerprint, beside) {
            (None, None) => Err(InvalidRule::Everything),
            (Some(_), Some((name, _))) => Err(InvalidRule::BesideFingerprint(name)),
            (Some(name), None) if FingerprintRule::parse(name).is_none() => Err(InvalidRule::Fingerprint(name.clone())),
            _ => Ok(()),
        }
    }
}

/// A finding that a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FingerprintRule {
    /// Its fingerprint.
    pub fingerprint: super::fingerprint::Fingerprint,
    /// Its rank among equals, from 0; all of them if absent.
    pub occurrence: Option<u32>,
}

impl FingerprintRule {
    /// Reads `v1:…`, or `v1:…#2` for the second of equals.
    pub fn parse(name: &str) -> Option<Self> {
        let (fingerprint, occurrence) = match name.split_once('#') {
            Some((fingerprint, number)) => (fingerprint, Some(number.parse::<u32>().ok()?.checked_sub(1)?)),
            None => (name, None),
        };
        Some(Self { fingerprint: fingerprint.parse().ok()?, occurrence })
    }
}

/// A rule as a plan freezes it: with where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The rule.
    pub rule: SuppressRule,
    /// Who says so.
    pub origin: Origin,
    /// The file that it is in.
    pub file: String,
}

impl Suppression {
    /// What it says of a finding.
    pub fn muting(&self) -> Muting {
        let SuppressRule { decision, reason, author, until, .. } = &self.rule;
        Muting {
            decision: *decision,
            origin: self.origin,
            reason: Some(reason.clone()).filter(|reason| !reason.is_empty()),
            author: author.clone(),
            until: until.map(Day::end),
        }
    }

    /// Whether it holds no more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.rule.until.is_some_and(|day| day.end() <= now)
    }
}

/// The rules that a plan freezes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Suppressions {
    /// Rules, the strongest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Suppression>,
    /// Whether comments in the source count.
    pub comments: bool,
    /// The directory whose comments count where no snapshot of the source was taken: of results that were made elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
}

impl Suppressions {
    /// The same without the directory, which may have changed since the results were read.
    #[must_use]
    pub fn without_directory(&self) -> Self {
        Self { directory: None, ..self.clone() }
    }
}

impl Suppressions {
    /// Whether there is nothing to look for.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty() && !self.comments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_whole() {
        let day: Day = "1970-01-02".parse().unwrap();
        assert_eq!((day.end(), day.to_string().as_str()), (Timestamp(2 * DAY_MS), "1970-01-02"));
        for bad in ["", "soon", "2027-13-01", "2027-02-30", "2027-01-31T10:00", "20270131"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_names_something() {
        let rule = |rule: SuppressRule| rule.check().map_err(|error| error.to_string());
        assert!(rule(SuppressRule::default()).unwrap_err().starts_with("it names nothing"));
        rule(SuppressRule { path: Some("tests/".to_owned()), ..SuppressRule::default() }).unwrap();
        let name = Some(format!("v1:{}#2", "0".repeat(32)));
        let one = SuppressRule { fingerprint: name, ..SuppressRule::default() };
        rule(one.clone()).unwrap();
        assert!(rule(SuppressRule { rule: Some("B1".to_owned()), ..one }).unwrap_err().contains("`rule` beside it"));
        let short = SuppressRule { fingerprint: Some("v1:12".to_owned()), ..SuppressRule::default() };
        assert!(rule(short).unwrap_err().contains("not a fingerprint"));
    }
}
