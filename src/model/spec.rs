//! What an executor is asked to run. It speaks of inputs, outputs, secrets, limits and network: never of mounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::id::{AttemptName, InstanceKey, JobName, ScanKey, Sha256};
use super::scanner::{ExitCodes, HardeningException, HardeningItem, Limits, Network, ResultSpec, Scanner, SecretRef};
use super::unit::Span;

/// Where a scanner finds things, in every executor.
pub mod paths {
    /// The source snapshot, read-only.
    pub const SOURCE: &str = "/src";
    /// The shim's own directory of one attempt.
    pub const OUT: &str = "/dragnet/out";
    /// `{out}`: where the scanner writes its results.
    pub const WORK: &str = "/dragnet/out/work";
    /// `{input}`: the chunk's assets, one per line.
    pub const INPUT: &str = "/dragnet/out/input";
    /// Secrets, one file each.
    pub const SECRETS: &str = "/dragnet/secrets";
    /// The shim itself.
    pub const SHIM: &str = "/dragnet/bin/dragnet";
}

/// Names of the files in [`paths::OUT`], which the shim and the executors share.
pub mod files {
    /// [`super::ShimJob`], written before the start.
    pub const JOB: &str = "job.json";
    /// The assets of the chunk, one per line.
    pub const INPUT: &str = "input";
    /// Made exclusively by the shim that runs the attempt.
    pub const CLAIM: &str = "claim";
    /// Asks the shim to stop; holds the grace in milliseconds.
    pub const CANCEL: &str = "cancel";
    /// Made when the results were taken over and need not be kept.
    pub const ACKNOWLEDGED: &str = "acknowledged";
    /// Where the shim notes that its letter is short enough for nobody to have to keep the results.
    pub const POSTED: &str = "posted";
    /// Locked by every session with the attempt while it lasts.
    pub const SESSIONS: &str = "sessions";
    /// Standard output, where it is a result.
    pub const STDOUT: &str = "stdout";
    /// The directory of results.
    pub const WORK: &str = "work";
    /// The directory of log segments, see [`super::super::frame::segment_name`].
    pub const LOG: &str = "log";
    /// The directory of the sealed archive's pieces.
    pub const SEAL: &str = "seal";
    /// [`super::super::manifest::Manifest`], written last.
    pub const MANIFEST: &str = "seal/manifest.json";
    /// Longest manifest that is read, in bytes.
    pub const MAX_MANIFEST: u64 = 64 << 20;
}

/// Exit codes of the shim; they tell of the shim, not of the scanner.
pub mod exit_code {
    /// The attempt is sealed.
    pub const SEALED: u8 = 0;
    /// Another shim claimed the attempt.
    pub const CLAIMED: u8 = 250;
    /// The attempt could not be sealed.
    pub const FAILED: u8 = 251;
}

/// The frozen specification of a step's jobs: a plan's step with the executor's binding applied. Stored before the engine
/// hears of the first attempt; its hash is part of every attempt's identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// The scanner's name.
    pub scanner: String,
    /// What the executor creates the container from: an image id or a reference by digest.
    pub image: String,
    /// The executable, looked up in the image's `PATH`.
    pub program: String,
    /// Its arguments, with placeholders.
    pub command: Vec<String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// The snapshot mounted at [`paths::SOURCE`], by its hash.
    pub source: Option<Sha256>,
    /// The target's text, for scanners that look at no source.
    pub target: String,
    /// Results to be sealed.
    pub results: Vec<ResultSpec>,
    /// What the exit codes mean.
    pub exit_codes: ExitCodes,
    /// Whether an empty result means that nothing was found.
    pub accept_empty: bool,
    /// The network.
    pub network: Network,
    /// Longest run of the scanner.
    pub timeout: Span,
    /// What it may use.
    pub limits: Limits,
    /// Secrets by file name.
    pub secrets: BTreeMap<String, SecretRef>,
    /// Databases, each a tree that the executor was given.
    pub data: Vec<DataTree>,
    /// Exceptions from hardening.
    pub exceptions: Vec<HardeningException>,
}

/// A scanner's database as one scan sees it: immutable, named by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataTree {
    /// The cache's name.
    pub name: String,
    /// Where the scanner finds it, read-only.
    pub mount: String,
    /// Hash of the tree.
    pub sha256: Sha256,
    /// What is known of its version.
    pub version: String,
    /// Whether it is older than allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

impl JobSpec {
    /// Returns the hash of an attempt at this specification with these assets.
    pub fn sha256(&self, assets: &[String]) -> Sha256 {
        let json = serde_json::to_vec(&(self, assets)).unwrap_or_default();
        Sha256::of(json)
    }

    /// Makes the specification of a scanner that runs from `image`; without a source and without databases.
    pub fn of(scanner: &Scanner, image: String, target: String) -> Self {
        let scanner = scanner.clone();
        Self {
            scanner: scanner.name,
            image,
            program: scanner.program,
            command: scanner.command,
            env: scanner.env,
            source: None,
            target,
            results: scanner.results,
            exit_codes: scanner.exit_codes,
            accept_empty: scanner.accept_empty,
            network: scanner.network,
            timeout: scanner.timeout,
            limits: scanner.limits,
            secrets: scanner.secrets,
            data: Vec::new(),
            exceptions: scanner.exceptions,
        }
    }

    /// Returns the databases that the scanner gets a writable copy of.
    pub fn copies(&self) -> Vec<WritableCopy> {
        if !self.exceptions.iter().any(|exception| exception.item == HardeningItem::ReadOnlyData) {
            return Vec::new();
        }
        let copy = |tree: &DataTree| WritableCopy { from: tree.mount.clone(), to: format!("data/{}", tree.name) };
        self.data.iter().map(copy).collect()
    }

    /// Returns program and arguments. Placeholders: `{target}` the source directory, the job's single asset or the target's
    /// text; `{out}` and `{input}` directories of [`paths`]; `{host}` and `{port}` the parts of a single `host:port` asset.
    pub fn argv(&self, assets: &[String]) -> Vec<String> {
        let target = match (assets, self.source) {
            ([asset], _) => asset.as_str(),
            (_, Some(_)) => paths::SOURCE,
            _ => self.target.as_str(),
        };
        let (host, port) = host_and_port(target);
        let value = |name: &str| match name {
            "target" => Some(target),
            "out" => Some(paths::WORK),
            "input" => Some(paths::INPUT),
            "host" => Some(host),
            "port" => Some(port),
            _ => None,
        };
        let copies = self.copies();
        let place = |copy: &WritableCopy| format!("{}/{}", paths::OUT, copy.to);
        let moved =
            |argument: &String| copies.iter().fold(argument.clone(), |text, c| text.replace(&c.from, &place(c)));
        let arguments = self.command.iter().map(|argument| fill(&moved(argument), value));
        std::iter::once(self.program.clone()).chain(arguments).collect()
    }
}

/// Replaces `{name}` by its value, in one pass: what an asset brings in is never looked at again.
fn fill<'v>(argument: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let (mut filled, mut rest) = (String::with_capacity(argument.len()), argument);
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        let end = from.find('}').map_or(1, |end| end + 1);
        let (placeholder, after) = from.split_at(end);
        filled.push_str(value(placeholder.trim_start_matches('{').trim_end_matches('}')).unwrap_or(placeholder));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Splits `host:port/protocol`, also with an IPv6 address in brackets.
fn host_and_port(asset: &str) -> (&str, &str) {
    let bare = asset.split('/').next().unwrap_or(asset);
    match bare.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit()) => {
            (host.trim_start_matches('[').trim_end_matches(']'), port)
        }
        _ => (bare, ""),
    }
}

/// One attempt, as an executor sees it.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The idempotency key.
    pub name: AttemptName,
    /// Who owns it.
    pub instance: InstanceKey,
    /// Its scan.
    pub scan: ScanKey,
    /// Its job.
    pub job: JobName,
    /// Its number.
    pub attempt: u32,
    /// What to run.
    pub spec: Arc<JobSpec>,
    /// [`JobSpec::sha256`] of `spec` and `assets`.
    pub spec_sha256: Sha256,
    /// The chunk's assets; empty when the step looks at the target itself.
    pub assets: Arc<[String]>,
}

/// Immutable labels on everything that is created in an engine.
pub mod label {
    /// The state directory that owns it.
    pub const INSTANCE: &str = "dragnet.dev/instance";
    /// The scan's id.
    pub const SCAN: &str = "dragnet.dev/scan";
    /// The job's name.
    pub const JOB: &str = "dragnet.dev/job";
    /// The attempt's number.
    pub const ATTEMPT: &str = "dragnet.dev/attempt";
    /// First 16 hexadecimal digits of the attempt's specification hash.
    pub const SPEC: &str = "dragnet.dev/spec";
    /// What the object is for: `scan`, `seal`, `shim`, `source`, `data`, `helper`.
    pub const ROLE: &str = "dragnet.dev/role";
}

impl Launch {
    /// Makes an attempt, from 1, at a job: its name and the hash of what it runs follow from the rest.
    pub fn new(
        instance: InstanceKey,
        scan: ScanKey,
        job: JobName,
        attempt: u32,
        spec: Arc<JobSpec>,
        assets: Arc<[String]>,
    ) -> Self {
        let name = AttemptName::new(instance, scan, &job, attempt);
        let spec_sha256 = spec.sha256(&assets);
        Self { name, instance, scan, job, attempt, spec, spec_sha256, assets }
    }

    /// Returns the labels of the attempt's own objects.
    pub fn labels(&self, role: &str) -> BTreeMap<String, String> {
        [
            (label::INSTANCE, self.instance.to_string()),
            (label::SCAN, self.scan.to_string()),
            (label::JOB, self.job.to_string()),
            (label::ATTEMPT, self.attempt.to_string()),
            (label::SPEC, self.spec_label()),
            (label::ROLE, role.to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Returns the content of [`files::INPUT`]: the chunk's assets, one per line.
    pub fn input(&self) -> String {
        self.assets.iter().flat_map(|asset| [asset, "\n"]).collect()
    }

    /// Returns the value of [`label::SPEC`].
    pub fn spec_label(&self) -> String {
        self.spec_sha256.to_string()[..16].to_owned()
    }
}

/// What the shim reads at its start: `job.json` in [`paths::OUT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShimJob {
    /// Protocol version; a shim runs its own and the one before.
    pub version: u32,
    /// The attempt's name.
    pub name: AttemptName,
    /// Hash of its specification.
    pub spec: Sha256,
    /// Program and arguments, placeholders filled.
    pub argv: Vec<String>,
    /// Results to be sealed.
    pub results: Vec<ResultSpec>,
    /// Longest run, in milliseconds.
    pub timeout_ms: u64,
    /// Time between SIGTERM and SIGKILL, in milliseconds.
    pub grace_ms: u64,
    /// Most bytes of all results together.
    pub output_limit: u64,
    /// Most bytes of log.
    pub log_limit: u64,
    /// Databases that the scanner wants to write to: copied before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<WritableCopy>,
    /// Where small results are left beside being kept; a shim that does not know of it keeps them all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter_box: Option<LetterBox>,
}

/// Where the shim leaves a [`crate::letter`] with results that are small enough for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterBox {
    /// The file, which exists, and which the engine shows when the container has ended.
    pub path: String,
    /// Longest letter, in bytes.
    pub max: usize,
    /// The public key that it is written to.
    pub address: String,
    /// Longest letter that is sure to be shown whole, in bytes: the keeper need not stay for what is in it. 0 if it has to.
    #[serde(default)]
    pub sure: usize,
}

/// A tree that a scanner gets a copy of, for itself alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritableCopy {
    /// Where the tree is mounted, read-only.
    pub from: String,
    /// Where the copy goes, relative to [`paths::OUT`].
    pub to: String,
}

impl ShimJob {
    /// The version that this program writes.
    pub const VERSION: u32 = 1;

    /// Makes the job of a launch, without a letter box.
    pub fn of(launch: &Launch, grace_ms: u64) -> Self {
        let spec = &launch.spec;
        Self {
            version: Self::VERSION,
            name: launch.name.clone(),
            spec: launch.spec_sha256,
            argv: spec.argv(&launch.assets),
            results: spec.results.clone(),
            timeout_ms: u64::try_from(spec.timeout.0.as_millis()).unwrap_or(u64::MAX),
            grace_ms,
            output_limit: spec.limits.output.0,
            log_limit: spec.limits.log.0,
            copies: spec.copies(),
            letter_box: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_the_rest_is_left_alone() {
        let value = |name: &str| (name == "target").then_some("{out}");
        assert_eq!(fill("-t={target} {} {x} {", value), "-t={out} {} {x} {");
    }

    #[test]
    fn an_assets_parts_fill_their_placeholders() {
        assert_eq!(host_and_port("10.0.0.1:80/tcp"), ("10.0.0.1", "80"));
        assert_eq!(host_and_port("[::1]:443/tcp"), ("::1", "443"));
        assert_eq!(host_and_port("example.com"), ("example.com", ""));
    }
}
