//! The directory of one attempt.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{During as _, ShimError};
use crate::beneath;
use crate::model::clock::{Clock, Timestamp};
use crate::model::manifest::{Exit, LogSummary};
use crate::model::spec::{ShimJob, files};

/// Name of the file that says how the scanner ended.
const EXIT: &str = "exit.json";
/// Longest file of ours that is read back, in bytes; a job lists its arguments, not its assets.
const MAX_JSON: u64 = 16 << 20;
/// Everybody may read and write what the shim leaves: its user and ours are different people.
pub(super) const FILE_MODE: u32 = 0o666;
/// The same for directories.
pub(super) const DIRECTORY_MODE: u32 = 0o777;

/// An attempt's directory and its job.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The directory itself.
    pub root: OwnedFd,
    /// What to run.
    pub job: ShimJob,
}

/// What is known when the scanner has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// Its log in numbers.
    pub log: LogSummary,
}

/// What the claim file says.
#[derive(Debug, Serialize, Deserialize)]
struct Claim {
    started_at: Timestamp,
}

impl Attempt {
    /// Opens the directory and reads the job.
    pub(super) fn open(path: &Path) -> Result<Self, ShimError> {
        let root = beneath::root(path).during("open the attempt's directory")?;
        let job: ShimJob = read_json(&root, files::JOB)?;
        if job.version != ShimJob::VERSION {
            return Err(ShimError::Version(job.version, ShimJob::VERSION));
        }
        Ok(Self { root, job })
    }

    /// Claims the attempt for this process, once in its life and durably.
    pub(super) fn claim(&self) -> Result<(), ShimError> {
        let claim = Claim { started_at: Clock::System.now() };
        let mut file = beneath::create(&self.root, files::CLAIM, FILE_MODE).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => ShimError::AlreadyClaimed,
            _ => ShimError::Io { action: "claim the attempt", error },
        })?;
        let text = serde_json::to_vec(&claim).unwrap_or_default();
        file.write_all(&text).and_then(|()| file.sync_all()).during("write the claim")?;
        rustix::fs::fsync(&self.root).during("write the claim")
    }

    /// Returns when the attempt was claimed; the epoch when the claim was torn by a crash.
    pub(super) fn claimed_at(&self) -> Result<Timestamp, ShimError> {
        match read_json::<Claim>(&self.root, files::CLAIM) {
            Ok(claim) => Ok(claim.started_at),
            Err(ShimError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => Err(ShimError::NeverClaimed),
            Err(ShimError::Invalid { .. }) => Ok(Timestamp(0)),
            Err(error) => Err(error),
        }
    }

    /// Notes how the scanner ended.
    pub(super) fn note_end(&self, ended: &Ended) -> Result<(), ShimError> {
        let text = serde_json::to_vec(ended).unwrap_or_default();
        beneath::replace(&self.root, EXIT, &text, FILE_MODE).during("write how the scanner ended")
    }

    /// Returns how the scanner ended; `None` when its shim was killed before it could tell.
    pub(super) fn end(&self) -> Option<Ended> {
        read_json(&self.root, EXIT).ok()
    }

    /// Returns the grace that a cancel file asks for; the job's own when it does not read. `None` without such a file.
    pub(super) fn cancel_grace_ms(&self) -> Option<u64> {
        match beneath::read(&self.root, files::CANCEL, 64) {
            Ok(bytes) => Some(std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(None),
        }
        .map(|grace: Option<u64>| grace.unwrap_or(self.job.grace_ms))
    }

    /// Returns whether standard output is a result.
    pub(super) fn captures_stdout(&self) -> bool {
        self.job.results.iter().any(|result| result.path == crate::model::scanner::ResultSpec::STDOUT)
    }
}

fn read_json<T: DeserializeOwned>(root: &OwnedFd, path: &'static str) -> Result<T, ShimError> {
    let bytes = beneath::read(root, path, MAX_JSON)
        .map_err(|error| ShimError::Io { action: "read a file of the attempt", error })?;
    serde_json::from_slice(&bytes).map_err(|error| ShimError::Invalid { path, error })
}
