//! What executors take and give.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::clock::Timestamp;
use crate::model::id::{AttemptName, ScanKey};
use crate::model::manifest::{LogLine, Manifest};
use crate::model::unit::Span;
use crate::model::wait::Wait;

/// Returns where a scan's secret is spooled for its life, resolved, mode 0400; executors give it to the attempts that name it.
pub fn secret_file(state: &Path, scan: ScanKey, name: &str) -> PathBuf {
    secret_dir(state, scan).join(name)
}

/// Returns where a scan's secrets are spooled for its life.
pub fn secret_dir(state: &Path, scan: ScanKey) -> PathBuf {
    state.join("spool/secrets").join(scan.as_str())
}

/// What an engine can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// `docker`, `kubernetes`, `fake`.
    pub kind: &'static str,
    /// Name and version of the engine, for people.
    pub version: String,
    /// Operating system and processor of the images that it runs, `linux/amd64`.
    pub platform: String,
    /// Whether [`super::Executor::freeze`] works.
    pub freeze: bool,
    /// How files reach the attempts: `bind`, `volume`, `exec`, `memory`.
    pub transport: &'static str,
    /// Whether it fetches images by itself when it starts an attempt, and cannot say before whether it will get them.
    pub pulls_for_us: bool,
    /// Where the results of an attempt that has ended wait to be fetched.
    pub keeping: Keeping,
    /// What of the common hardening the engine gives.
    pub hardening: Vec<Hardening>,
}

impl Capabilities {
    /// Whether the engine is only asked to keep scanners without a network from every network, and nobody has looked.
    pub fn asks_for_isolation(&self) -> bool {
        self.hardening.iter().any(|one| one.item == Hardening::NETWORK && one.proof == Proof::Requested)
    }
}

/// Where the results of an attempt that has ended wait to be fetched, and so what they outlive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeping {
    /// With the attempt's object, for as long as that is left alone.
    Object,
    /// In its pod, for this long at most.
    Pod(Duration),
    /// In its pod for this long at most, and on the volume of a claim until they were fetched.
    Claim(Duration, String),
    /// In object storage, in words for people, or in its pod for this long at most where that does not take them.
    Storage(Duration, String),
}

impl fmt::Display for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object => f.write_str("are held by the engine until they are removed"),
            Self::Pod(hold) => write!(f, "are held in the pod for {}, and lost with it", Span(*hold)),
            Self::Claim(hold, claim) => write!(
                f,
                "are held in the pod for {}, and once sealed kept on the claim {claim}, which outlives pod and node",
                Span(*hold)
            ),
            Self::Storage(hold, place) => write!(
                f,
                "go to {place} once sealed and outlive pod and node; what it does not take is held in the pod for {}",
                Span(*hold)
            ),
        }
    }
}

/// One item of hardening and how sure we are of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardening {
    /// The item, in words.
    pub item: &'static str,
    /// How sure.
    pub proof: Proof,
}

impl Hardening {
    /// The item of scanners that declare no network.
    pub const NETWORK: &str = "network";
}

/// How sure we are that something asked for is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The engine says that it does it, and always does.
    Enforced,
    /// Asked for; nobody has looked.
    Requested,
    /// The engine cannot.
    Unavailable,
}

impl Proof {
    /// Returns the words that are shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Requested => "requested (unproven)",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What a probe of an engine's isolation has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// What is asked for is done.
    Enforced,
    /// It is not.
    NotEnforced,
    /// It cannot be told, and why.
    Unclear(String),
}

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInfo {
    /// The engine's id, `sha256:…`.
    pub id: String,
    /// Digest in its repository, `name@sha256:…`; none for an image made here.
    pub digest: Option<String>,
    /// Size in bytes.
    pub size: u64,
    /// `linux/amd64`.
    pub platform: String,
}

/// Something that a specification asks for and the engine cannot give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What.
    pub item: String,
    /// Why, and what to do.
    pub message: String,
}

/// Something that attempts use beside the engine, and whether it can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ability {
    /// What.
    pub item: String,
    /// Whether attempts need it; without the rest they only do with less.
    pub needed: bool,
    /// Why it cannot be done, if it cannot.
    pub missing: Option<String>,
}

/// An accepted launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launched {
    /// The engine's identity of the object, for later calls and for people.
    pub engine_id: String,
    /// Whether the object was there already.
    pub adopted: bool,
}

/// How an attempt stands in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// It exists and was never started.
    Created,
    /// It runs (or is frozen).
    Running,
    /// It ended. The engine's own words on it; the sealed manifest has the truth.
    Exited {
        /// Exit code of the shim.
        code: Option<i64>,
        /// Whether the engine says that memory ran out.
        out_of_memory: bool,
        /// The engine's error, when there is one.
        error: Option<String>,
    },
}

/// What the watch of an engine tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Everything that exists now; what is not in it does not exist.
    Listing(Vec<(AttemptName, Observed)>),
    /// One attempt changed.
    Changed(AttemptName, Observed),
    /// One attempt was taken and does not begin. Told when the reason changes, and anew after each listing.
    Waiting(AttemptName, Wait),
    /// One attempt's object is gone.
    Gone(AttemptName),
    /// The engine cannot be asked.
    Unreachable(String),
}

/// Lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogChunk {
    /// Lines in order of their numbers.
    pub lines: Vec<LogLine>,
    /// Whether the log is complete and these were its last lines.
    pub end: bool,
}

/// Sealed results that were brought here and verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// What the shim said.
    pub manifest: Manifest,
    /// The archive's pieces, in order.
    pub parts: Vec<PathBuf>,
    /// Where the files themselves lie, verified, if no archive had to carry them.
    pub files: Option<PathBuf>,
}

/// An object in an engine that bears our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// What kind of object.
    pub kind: OwnedKind,
    /// Its name.
    pub name: String,
    /// Its identity, for removal.
    pub id: String,
    /// The instance in its labels.
    pub instance: String,
    /// The attempt that it belongs to; none for what attempts share (shim, sources).
    pub attempt: Option<AttemptName>,
    /// The value of the role label.
    pub role: String,
    /// When it was made, if the engine says.
    pub created_at: Option<Timestamp>,
}

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnedKind {
    /// A container.
    Container,
    /// A volume.
    Volume,
    /// A network.
    Network,
    /// A Job of a cluster.
    Job,
    /// A pod.
    Pod,
    /// A Secret.
    Secret,
    /// A network policy.
    NetworkPolicy,
    /// An attempt's objects in a storage, together.
    Objects,
}

impl OwnedKind {
    /// Returns the kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Job => "job",
            Self::Pod => "pod",
            Self::Secret => "secret",
            Self::NetworkPolicy => "network policy",
            Self::Objects => "objects",
        }
    }
}
