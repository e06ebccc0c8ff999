//! How long scans are kept: rules, and the decision which go. No I/O, no clock: the moment is given.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::id::{ScanId, ScanKey};
use super::target::TargetKey;
use super::unit::{ByteSize, Span};

/// How long scans are kept. What is absent bounds nothing; the last complete scan of each target and line always stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Scans that ended longer ago go, such as `90d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub max_age: Option<Span>,
    /// Of one target and line so many stay, the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_scans: Option<u32>,
    /// Raw results and logs of a project together, as they lie on the disk; beyond it the oldest scans go, such as `20GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub max_size: Option<ByteSize>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_age: Some(Span(Duration::from_hours(90 * 24))), max_scans: None, max_size: None }
    }
}

/// The rules of all projects, and of those that have their own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Of projects that have none of their own.
    pub default: Rules,
    /// Of single projects: all three, for they replace the default.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub projects: BTreeMap<String, Rules>,
}

/// An ended scan of which nothing is left in an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its row.
    pub scan: ScanId,
    /// Its id.
    pub key: ScanKey,
    /// Its project's name.
    pub project: String,
    /// What it looked at.
    pub target: TargetKey,
    /// Whether it saw all of it.
    pub complete: bool,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Its raw results and logs on the disk; needed where a size is bounded.
    pub bytes: u64,
}

/// Why a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is older than scans are kept.
    Age(Span),
    /// There are as many newer ones of its target as are kept.
    Count(u32),
    /// The newer ones of its project take all the room there may be.
    Size(ByteSize),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age(age) => write!(f, "older than {age}"),
            Self::Count(count) => write!(f, "{count} newer of its target"),
            Self::Size(size) => write!(f, "beyond {size} of its project"),
        }
    }
}

impl Retention {
    /// Returns the rules of a project.
    pub fn of(&self, project: &str) -> &Rules {
        self.projects.get(project).unwrap_or(&self.default)
    }

    /// Whether any rule needs to know how large scans are.
    pub fn needs_sizes(&self) -> bool {
        std::iter::once(&self.default).chain(self.projects.values()).any(|rules| rules.max_size.is_some())
    }

    /// Chooses the scans that go, oldest first, each with the first rule that it breaks. `kept` may come in any order.
    pub fn expired<'k>(&self, kept: &'k [Kept], now: Timestamp) -> Vec<(&'k Kept, Reason)> {
        let mut newest: Vec<&Kept> = kept.iter().collect();
        newest.sort_by_key(|one| std::cmp::Reverse((one.finished_at, one.scan)));
        let mut good: HashSet<(&str, &TargetKey)> = HashSet::new();
        let mut of_target: HashMap<(&str, &TargetKey), u32> = HashMap::new();
        let mut of_project: HashMap<&str, u64> = HashMap::new();
        let mut expired = Vec::new();
        for one in newest {
            let rules = self.of(&one.project);
            let (project, target) = (one.project.as_str(), (one.project.as_str(), &one.target));
            let last_good = one.complete && good.insert(target);
            let (count, size) = (of_target.entry(target).or_default(), of_project.entry(project).or_default());
            let age = now.since(one.finished_at);
            let too_old = rules.max_age.filter(|most| i128::from(age) > most.0.as_millis().cast_signed());
            let too_many = rules.max_scans.filter(|most| *count >= *most);
            let too_large = rules.max_size.filter(|most| size.saturating_add(one.bytes) > most.0);
            let reason = too_old.map(Reason::Age).or_else(|| too_many.map(Reason::Count));
            let reason = reason.or_else(|| too_large.map(Reason::Size));
            if let Some(reason) = reason.filter(|_| !last_good) {
                expired.push((one, reason));
            } else {
                (*count, *size) = (*count + 1, size.saturating_add(one.bytes));
            }
        }
        expired.reverse();
        expired
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::id::Key8;
    use super::*;

    const DAY: i64 = 86_400_000;

    /// A scan that ended so many days ago.
    fn kept(scan: i64, day: i64, target: &str, complete: bool, bytes: u64) -> Kept {
        Kept {
            scan: ScanId(scan),
            key: Key8::from_bits(scan.cast_unsigned()),
            project: "default".to_owned(),
            target: TargetKey { key: target.to_owned(), line: None },
            complete,
            finished_at: Timestamp(1000 * DAY - day * DAY),
            bytes,
        }
    }

    fn rules(max_age: Option<i64>, max_scans: Option<u32>, max_size: Option<u64>) -> Retention {
        let max_age = max_age.map(|days| Span(Duration::from_secs(days.cast_unsigned() * 86_400)));
        let default = Rules { max_age, max_scans, max_size: max_size.map(ByteSize) };
        Retention { default, ..Retention::default() }
    }

    fn gone(retention: &Retention, kept: &[Kept]) -> Vec<i64> {
        retention.expired(kept, Timestamp(1000 * DAY)).iter().map(|(one, _)| one.scan.0).collect()
    }

    #[test]
    fn old_scans_go_and_the_last_good_one_of_each_target_stays() {
        let all = [
            kept(1, 300, "a", true, 0),
            kept(2, 200, "a", true, 0),
            kept(3, 100, "a", false, 0),
            kept(4, 1, "a", false, 0),
            kept(5, 200, "b", true, 0),
        ];
        assert_eq!(gone(&Retention::default(), &all), [1, 3]);
    }

    #[test]
    fn of_one_target_the_newest_stay() {
        let all =
            [kept(1, 3, "a", true, 0), kept(2, 2, "a", true, 0), kept(3, 1, "a", true, 0), kept(4, 9, "b", true, 0)];
        assert_eq!(gone(&rules(None, Some(1), None), &all), [1, 2]);
    }

    #[test]
    fn beyond_the_size_the_oldest_go() {
        let all = [kept(1, 3, "a", true, 10), kept(2, 2, "a", false, 10), kept(3, 1, "a", true, 10)];
        assert_eq!(gone(&rules(None, None, Some(20)), &all), [1]);
        assert_eq!(gone(&rules(None, None, Some(5)), &all), [1, 2], "the last good one stays although it is too large");
    }

    #[test]
    fn a_clock_that_went_back_removes_nothing() {
        assert_eq!(gone(&Retention::default(), &[kept(1, -500, "a", false, 0)]), [0_i64; 0]);
    }

    proptest! {
        #[test]
        fn no_target_loses_its_last_good_scan(
            scans in prop::collection::vec((0..400i64, 0..3usize, any::<bool>(), 0..100u64), 0..60),
            rules in (prop::option::of(0..300i64), prop::option::of(0..5u32), prop::option::of(0..500u64)),
        ) {
            let targets = ["a", "b", "c"];
            let all: Vec<Kept> = (0..).zip(&scans).map(|(i, &(day, target, complete, bytes))| kept(i, day, targets[target], complete, bytes)).collect();
            let retention = self::rules(rules.0, rules.1, rules.2);
            let gone: HashSet<i64> = gone(&retention, &all).into_iter().collect();
            for target in targets {
                let last = all.iter().filter(|one| one.target.key == target && one.complete).max_by_key(|one| (one.finished_at, one.scan));
                prop_assert!(last.is_none_or(|last| !gone.contains(&last.scan.0)));
            }
            // Removing what goes leaves nothing more to remove.
            let left: Vec<Kept> = all.into_iter().filter(|one| !gone.contains(&one.scan.0)).collect();
            prop_assert_eq!(self::gone(&retention, &left), [0_i64; 0]);
        }
    }
}
