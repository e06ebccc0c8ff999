//! Changes to a scanner's catalogue entry, as configuration and templates write them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asset::AssetKind;
use super::retry::RetryPolicy;
use super::scanner::{DataSpec, ExitCodes, HardeningException, Limits, Network, ResultSpec, SecretRef};
use super::unit::{ByteSize, Span};

/// `[scanners.NAME]`: changes an entry of the catalogue, or defines a scanner of one's own. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScannerPatch {
    /// Whether it may be chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its name in reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The image reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The executable, looked up in the image's `PATH`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Its arguments, with placeholders; never a shell string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Arguments that make it print its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_command: Option<Vec<String>>,
    /// Kinds of assets that it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Vec<AssetKind>>,
    /// Where its results are and how they read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<Vec<ResultSpec>>,
    /// What its exit codes mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_codes: Option<ExitCodes>,
    /// Whether an empty result means that nothing was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_empty: Option<bool>,
    /// The network: `none`, `egress`, `host` or `join:<container>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub network: Option<Network>,
    /// Longest run, such as `30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Span>,
    /// What it may use of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsPatch>,
    /// When it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Which targets it fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applies: Option<Applies>,
    /// Environment, added to the entry's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// References to secrets (`env:`, `file:`, `command:`) by file name, added to the entry's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Values of `{param.NAME}`, added to the entry's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Databases, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, DataPatch>,
    /// Exceptions from the common hardening; they replace the entry's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<Vec<HardeningException>>,
}

/// Changes to limits.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsPatch {
    /// Memory, such as `512MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub memory: Option<ByteSize>,
    /// Processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
    /// All result files together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub output: Option<ByteSize>,
    /// The log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub log: Option<ByteSize>,
    /// Requests a second that it makes at most, as its own parameters see to; counts against the quotas of a daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
}

impl LimitsPatch {
    /// Returns `limits` with these changes.
    pub fn apply(self, limits: Limits) -> Limits {
        Limits {
            memory: self.memory.unwrap_or(limits.memory),
            cpus: self.cpus.unwrap_or(limits.cpus),
            pids: self.pids.unwrap_or(limits.pids),
            output: self.output.unwrap_or(limits.output),
            log: self.log.unwrap_or(limits.log),
            requests_per_second: self.requests_per_second.or(limits.requests_per_second),
        }
    }
}

/// Changes to one of a scanner's databases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataPatch {
    /// A directory of the user's to take it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Older is stale; such as `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub max_age: Option<Span>,
    /// Where scans find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    /// Program and arguments that fill it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<Vec<String>>,
    /// Program and arguments that print its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Vec<String>>,
}

impl DataPatch {
    /// Changes a database.
    pub fn apply(&self, data: &mut DataSpec) {
        set(&mut data.mount, self.mount.as_ref());
        set(&mut data.update, self.update.as_ref());
        set(&mut data.version, self.version.as_ref());
        if self.source.is_some() {
            data.source.clone_from(&self.source);
        }
        data.max_age = self.max_age.or(data.max_age);
    }
}

/// Replaces `slot` when there is a new value.
pub fn set<T: Clone>(slot: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        slot.clone_from(value);
    }
}

/// Which targets a scanner is chosen for. With neither key it runs only when it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Applies {
    /// Every target of its kind.
    pub always: bool,
    /// Source trees with a file that matches one of these globs, written as in `.gitignore`.
    pub files: Vec<String>,
    /// What such files are called: "Python source".
    pub reason: Option<String>,
}
