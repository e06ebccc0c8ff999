//! What attempts may use together: quotas, and what one attempt counts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scanner::Limits;
use super::unit::ByteSize;

/// A name that stands for each one that has no quota of its own.
const EACH: &str = "*";

/// How much attempts may use together; what is absent has no bound.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Scanners' containers at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub containers: Option<u32>,
    /// Processors, by the scanners' limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Memory, by the scanners' limits, such as `16GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub memory: Option<ByteSize>,
    /// Requests a second, by the scanners' limits; a scanner that declares none counts as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
}

/// The quotas of a daemon: of all attempts together, and of those that have something in common. A name `*` stands for each one that is
/// not named.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Of all together.
    pub all: Quota,
    /// Of those of one project.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub projects: BTreeMap<String, Quota>,
    /// Of those in one kind of engine.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub executors: BTreeMap<String, Quota>,
    /// Of those of one scanner.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scanners: BTreeMap<String, Quota>,
    /// Of those that look at one target, by its target key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<String, Quota>,
}

/// What attempts have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// All of them.
    All,
    /// A project, by its name.
    Project(String),
    /// A kind of engine.
    Executor(String),
    /// A scanner.
    Scanner(String),
    /// A target, by its target key.
    Target(String),
}

/// What attempts use, counted so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    containers: u64,
    millicpus: u64,
    memory: u64,
    requests: u64,
}

impl Amount {
    /// What an attempt of a scanner with these limits counts.
    pub fn of(limits: &Limits) -> Self {
        Self {
            containers: 1,
            millicpus: millicpus(limits.cpus),
            memory: limits.memory.0,
            requests: limits.requests_per_second.unwrap_or(0).into(),
        }
    }

    /// Adds what another uses.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            containers: self.containers + other.containers,
            millicpus: self.millicpus + other.millicpus,
            memory: self.memory.saturating_add(other.memory),
            requests: self.requests + other.requests,
        }
    }

    /// Takes away what another has used.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            containers: self.containers.saturating_sub(other.containers),
            millicpus: self.millicpus.saturating_sub(other.millicpus),
            memory: self.memory.saturating_sub(other.memory),
            requests: self.requests.saturating_sub(other.requests),
        }
    }

    /// Returns how many containers that are.
    pub const fn containers(self) -> u64 {
        self.containers
    }

    /// Whether nothing is used.
    pub const fn is_nothing(self) -> bool {
        self.containers == 0
    }
}

/// More than 4 billion processors are a bound that is never reached.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and limits are positive"
)]
fn millicpus(cpus: f64) -> u64 {
    (cpus * 1000.0).ceil() as u64
}

impl Quota {
    /// Whether `more` can be used beside what is `used`. What is larger than the quota itself can be, alone: it would never have its turn.
    pub fn has_room(&self, used: Amount, more: Amount) -> bool {
        let fits = |bound: Option<u64>, used: u64, more: u64| {
            bound.is_none_or(|bound| more == 0 || used == 0 || used.saturating_add(more) <= bound)
        };
        // No container at all is a word, not a size: nothing of this kind runs.
        self.containers != Some(0)
            && fits(self.containers.map(u64::from), used.containers, more.containers)
            && fits(self.cpus.map(millicpus), used.millicpus, more.millicpus)
            && fits(self.memory.map(|memory| memory.0), used.memory, more.memory)
            && fits(self.requests_per_second.map(u64::from), used.requests, more.requests)
    }
}

impl Quotas {
    /// Returns the quota of a scope, if it has one.
    pub fn of(&self, scope: &Scope) -> Option<&Quota> {
        let (quotas, name) = match scope {
            Scope::All => return Some(&self.all),
            Scope::Project(name) => (&self.projects, name),
            Scope::Executor(name) => (&self.executors, name),
            Scope::Scanner(name) => (&self.scanners, name),
            Scope::Target(name) => (&self.targets, name),
        };
        quotas.get(name).or_else(|| quotas.get(EACH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(containers: u64, millicpus: u64) -> Amount {
        Amount { containers, millicpus, ..Amount::default() }
    }

    #[test]
    fn a_quota_has_room_up_to_its_bound_and_for_what_is_larger_alone() {
        let quota = Quota { containers: Some(3), cpus: Some(2.0), ..Quota::default() };
        assert!(quota.has_room(amount(1, 1000), amount(1, 1000)));
        assert!(!quota.has_room(amount(1, 1001), amount(1, 1000)));
        assert!(!quota.has_room(amount(3, 0), amount(1, 0)));
        assert!(quota.has_room(Amount::default(), amount(1, 8000)));
        assert!(!Quota { containers: Some(0), ..Quota::default() }.has_room(Amount::default(), amount(1, 1)));
    }

    #[test]
    fn a_name_beats_the_star() {
        let quotas: Quotas =
            serde_json::from_str(r#"{"scanners":{"*":{"containers":2},"nmap":{"containers":1}}}"#).unwrap();
        let of = |name: &str| quotas.of(&Scope::Scanner(name.to_owned())).unwrap().containers;
        assert_eq!((of("nmap"), of("nuclei")), (Some(1), Some(2)));
        assert_eq!(quotas.of(&Scope::Target("x".to_owned())), None);
    }
}
