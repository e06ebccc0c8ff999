//! A scanner, resolved: all that is needed to run one tool and to read what it says.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asset::AssetKind;
use super::retry::RetryPolicy;
use super::unit::{ByteSize, Span};

/// A scanner as a plan freezes it: the catalogue's entry with the configuration applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scanner {
    /// Its name in the catalogue.
    pub name: String,
    /// The image reference, as written in catalogue or configuration.
    pub image: String,
    /// What the reference meant when the plan was made: `sha256:…`, a repository digest or an image id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The executable, looked up in the image's `PATH`.
    pub program: String,
    /// Its arguments, with placeholders (see [`super::spec::JobSpec::argv`]).
    pub command: Vec<String>,
    /// What it looks at.
    pub input: Vec<AssetKind>,
    /// Where its results are and how they read.
    pub results: Vec<ResultSpec>,
    /// What its exit codes mean.
    #[serde(default)]
    pub exit_codes: ExitCodes,
    /// Whether an empty result file means that nothing was found.
    #[serde(default)]
    pub accept_empty: bool,
    /// The network it may use.
    #[serde(default)]
    pub network: Network,
    /// Longest run.
    pub timeout: Span,
    /// What it may use of the machine.
    #[serde(default)]
    pub limits: Limits,
    /// Environment, never secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Files with secrets, by name; the scanner reads `/dragnet/secrets/<name>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Databases that it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataSpec>,
    /// Exceptions from the common hardening.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<HardeningException>,
    /// When it is tried again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Arguments that make it print its version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version_command: Vec<String>,
}

/// One result of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultSpec {
    /// Path under `{out}`, or `-` for standard output.
    pub path: String,
    /// The name of a parser.
    pub format: String,
    /// Kinds of assets that are handed on; `finding` for records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub produces: Vec<String>,
}

impl ResultSpec {
    /// The result on standard output.
    pub const STDOUT: &'static str = "-";
}

/// What exit codes mean; a code that is not listed means error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExitCodes {
    /// It ran to its end and found nothing, or does not tell by its code.
    pub ok: Vec<i32>,
    /// It ran to its end and found something.
    pub findings: Vec<i32>,
    /// It saw only a part.
    pub degraded: Vec<i32>,
}

impl Default for ExitCodes {
    fn default() -> Self {
        Self { ok: vec![0], findings: Vec::new(), degraded: Vec::new() }
    }
}

/// The network a scanner may use: `none`, `egress`, `host`, `join:<container>`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Network {
    /// Loopback only.
    #[default]
    None,
    /// The engine's default network.
    Egress,
    /// The host's network.
    Host,
    /// The network of a running container.
    Join(String),
}

/// Text that is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network: write none, egress, host or join:<container>")]
pub struct InvalidNetwork(String);

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        match text {
            "none" => Ok(Self::None),
            "egress" => Ok(Self::Egress),
            "host" => Ok(Self::Host),
            _ => text
                .strip_prefix("join:")
                .filter(|name| !name.is_empty())
                .map(|name| Self::Join(name.to_owned()))
                .ok_or_else(|| InvalidNetwork(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("none"),
            Self::Egress => f.pad("egress"),
            Self::Host => f.pad("host"),
            Self::Join(name) => write!(f, "join:{name}"),
        }
    }
}

/// What a job may use of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Memory, swap included; a scanner that needs more is killed.
    pub memory: ByteSize,
    /// Processors.
    pub cpus: f64,
    /// Processes and threads; at least 64.
    pub pids: u32,
    /// All result files together.
    pub output: ByteSize,
    /// The log; what is over it is dropped and counted.
    pub log: ByteSize,
    /// Requests a second that it makes at most, as its own parameters see to; counts against the quotas of a daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: ByteSize(512 << 20),
            cpus: 1.0,
            pids: 128,
            output: ByteSize(256 << 20),
            log: ByteSize(256 << 20),
            requests_per_second: None,
        }
    }
}

/// Where a secret comes from; the secret itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SecretRef {
    /// A variable of the submitting process.
    Env(String),
    /// A file of the submitting machine.
    File(String),
    /// The standard output of a program, run by the submitting process: `command:pass show x`, split at spaces.
    Command(Vec<String>),
}

/// Text that is not a reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a secret is written as env:NAME, file:PATH or command:PROGRAM ARGUMENT…")]
pub struct InvalidSecretRef;

impl TryFrom<String> for SecretRef {
    type Error = InvalidSecretRef;

    fn try_from(text: String) -> Result<Self, InvalidSecretRef> {
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.trim().is_empty()).ok_or(InvalidSecretRef)?;
        match kind {
            "env" => Ok(Self::Env(rest.to_owned())),
            "file" => Ok(Self::File(rest.to_owned())),
            "command" => Ok(Self::Command(rest.split_whitespace().map(str::to_owned).collect())),
            _ => Err(InvalidSecretRef),
        }
    }
}

impl From<SecretRef> for String {
    fn from(secret: SecretRef) -> Self {
        match secret {
            SecretRef::Env(name) => format!("env:{name}"),
            SecretRef::File(path) => format!("file:{path}"),
            SecretRef::Command(argv) => format!("command:{}", argv.join(" ")),
        }
    }
}

/// A scanner's database: filled by a prepare job with network access, mounted read-only where scans run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// The cache's name; scanners that name the same share it.
    pub name: String,
    /// Where scans find it.
    pub mount: String,
    /// Program and arguments that fill `mount`; empty when the user brings the database (`[scanners.X.data]`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub update: Vec<String>,
    /// Program and arguments that print its version; empty when its content's hash is its version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version: Vec<String>,
    /// Older is stale, and stale is partial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
    /// A directory of the user's to take it from, rather than running `update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// An exception from the common hardening, with its reason: declared in the catalogue, printed by `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HardeningException {
    /// What is not applied.
    pub item: HardeningItem,
    /// Why.
    pub reason: String,
}

/// The items that a catalogue entry may except itself from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HardeningItem {
    /// `/tmp` may hold programs.
    NoexecTmp,
    /// The root file system is writable.
    ReadOnlyRoot,
    /// `CAP_NET_RAW` is kept.
    DropNetRaw,
    /// Runs as root.
    NonRoot,
    /// Its databases may be written to; what is written is thrown away.
    ReadOnlyData,
}

impl Scanner {
    /// Returns the time limit.
    pub const fn timeout(&self) -> Duration {
        self.timeout.0
    }
}
