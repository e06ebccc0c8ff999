//! From sealed results to stored ones: unpack, judge, read ([`super::reading`]), keep the raw files.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::DriverError;
use super::input::Harvest;
use super::log;
use super::reading::{Reading, Tally, blocking};
use super::verdict::{Reported, judge_exit, judge_reports};
use crate::artifact::{ArtifactStore, Draft};
use crate::executor::Sealed;
use crate::failpoint;
use crate::model::clock::Timestamp;
use crate::model::coverage::Gap;
use crate::model::id::{AttemptId, Sha256};
use crate::model::manifest::{ExitCause, Manifest};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::scanner::ResultSpec;
use crate::model::spec::Launch;
use crate::model::suppress::Suppressions;
use crate::shim::{UnsealError, unseal};
use crate::store::{NewArtifact, Store};

/// What a log may add to the results when they are unpacked, in bytes.
const LOG_SLACK: u64 = 64 << 20;

/// Why results were not stored.
pub(super) enum IngestError {
    /// They are no results: the attempt has failed.
    Attempt(Failure),
    /// We failed: the attempt is as it was.
    Driver(DriverError),
}

impl<E: Into<DriverError>> From<E> for IngestError {
    fn from(error: E) -> Self {
        Self::Driver(error.into())
    }
}

/// One attempt's results on their way into the store.
pub(super) struct Ingest<'a> {
    pub(super) store: &'a Store,
    pub(super) scan: crate::model::id::ScanId,
    pub(super) fence: u64,
    pub(super) attempt: AttemptId,
    pub(super) launch: &'a Launch,
    pub(super) max_results: Option<u64>,
    /// What does not count.
    pub(super) suppressions: Arc<Suppressions>,
    pub(super) now: Timestamp,
    /// Whether we have asked the attempt to stop.
    pub(super) stopping: bool,
    /// Whether an earlier driver may have left batches.
    pub(super) inherited: bool,
}

impl Ingest<'_> {
    /// Stores sealed results; works in `dir`, which it makes anew.
    pub(super) async fn run(&self, sealed: Sealed, dir: &Path) -> Result<Harvest, IngestError> {
        let Sealed { manifest, parts, files } = sealed;
        let manifest = &manifest;
        // An earlier driver's threads may be at work yet: each driver has files of its own.
        let unpacked = dir.join(format!("files-{}", self.fence));
        self.unpack(manifest, parts, &unpacked).await?;
        let files = files.unwrap_or(unpacked);
        let (unpacked, kept, key) = (files.join("log"), self.log_dir(), self.store.secret_key().to_vec());
        blocking(move || log::keep(&unpacked, &kept, &key)).await??;
        let judged = judge_exit(&manifest.exit, &self.launch.spec.exit_codes, self.stopping);
        let mut gaps = judged.map_err(IngestError::Attempt)?;
        if self.launch.spec.data.iter().any(|tree| tree.stale) {
            gaps.insert(Gap::StaleData);
        }
        while self.inherited && self.store.discard(self.scan, self.fence, self.attempt, 500).await? {}
        failpoint::hit("ingest.begun");
        match self.read(manifest, &files, gaps).await {
            Err(IngestError::Attempt(failure)) => {
                while self.store.discard(self.scan, self.fence, self.attempt, 500).await? {}
                Err(IngestError::Attempt(failure))
            }
            other => other,
        }
    }

    fn log_dir(&self) -> PathBuf {
        self.store.dir().join("logs").join(self.launch.scan.as_str()).join(self.launch.name.as_str())
    }

    async fn unpack(&self, manifest: &Manifest, parts: Vec<PathBuf>, files: &Path) -> Result<(), IngestError> {
        if manifest.parts.is_empty() {
            return Ok(());
        }
        if files.exists() {
            std::fs::remove_dir_all(files).map_err(|error| DriverError::local("empty", files, &error))?;
        }
        std::fs::create_dir_all(files).map_err(|error| DriverError::local("make", files, &error))?;
        let limits = self.launch.spec.limits;
        let cap = limits.output.0.saturating_add(limits.log.0.saturating_mul(2)).saturating_add(LOG_SLACK);
        let (manifest, files) = (manifest.clone(), files.to_owned());
        let unpacked = blocking(move || unseal(&manifest, &parts, &files, cap)).await?;
        unpacked.map_err(|error| match error {
            UnsealError::Io { action, error } => {
                IngestError::Driver(DriverError::Local { action, message: error.to_string(), full: is_full(&error) })
            }
            other => IngestError::Attempt(Failure::new(FailureReason::Corrupt, other.to_string())),
        })
    }

    async fn read(&self, manifest: &Manifest, files: &Path, gaps: BTreeSet<Gap>) -> Result<Harvest, IngestError> {
        let spec = &*self.launch.spec;
        let reading = Reading {
            store: self.store,
            scan: self.scan,
            fence: self.fence,
            attempt: self.attempt,
            spec,
            max_results: self.max_results,
            suppressions: &self.suppressions,
            now: self.now,
            said: Arc::default(),
        };
        let (mut harvest, mut reported, mut tally) = (Harvest::default(), Reported::default(), Tally::new(self.store));
        let mut copies = Vec::new();
        for result in &spec.results {
            let path = result_path(files, result);
            // A scanner that was cut short may not have come to write every file.
            if !path.is_file() && manifest.exit.cause != ExitCause::Ended && !gaps.is_empty() {
                continue;
            }
            if self.is_empty(&path, result).map_err(IngestError::Attempt)? {
                continue;
            }
            let artifacts = ArtifactStore::new(&self.store.dir().join("artifacts"));
            let (summary, copy);
            (summary, tally, copy) = reading.parse(&path, result, tally, Some(artifacts)).await?;
            copies.extend(copy.map(|copy| (result, copy)));
            harvest.scanner_version = harvest.scanner_version.or(summary.tool_version);
            reported.results += summary.skipped.values().sum::<u64>();
            reported.errors.extend(summary.errors);
        }
        (harvest.records, harvest.assets) = (tally.counts, u64::from(tally.assets));
        reported.results += tally.counts.total() + harvest.assets;
        reported.capped = tally.capped;
        harvest.coverage =
            judge_reports(&manifest.exit, &spec.exit_codes, gaps, &reported).map_err(IngestError::Attempt)?;
        let keep = async {
            for (result, copy) in copies {
                self.keep(result, copy, original(manifest, result)?).await?;
            }
            Ok::<(), IngestError>(())
        };
        let identify = async {
            if harvest.records.total() > 0 {
                reading.identify(tally.ranker).await?;
            }
            Ok(())
        };
        let ((), ()) = tokio::try_join!(keep, identify)?;
        Ok(harvest)
    }

    /// Whether there is nothing to be read and that is all right.
    fn is_empty(&self, path: &Path, result: &ResultSpec) -> Result<bool, Failure> {
        let shown = if result.path == ResultSpec::STDOUT { "standard output" } else { &result.path };
        match std::fs::metadata(path) {
            Err(_) if result.path == ResultSpec::STDOUT && self.launch.spec.accept_empty => Ok(true),
            Err(_) => Err(Failure::new(FailureReason::ResultMissing, format!("the scanner did not write {shown}"))),
            Ok(meta) if meta.len() > 0 => Ok(false),
            Ok(_) if self.launch.spec.accept_empty => Ok(true),
            Ok(_) => Err(Failure::new(FailureReason::ResultEmpty, format!("the scanner wrote nothing to {shown}"))),
        }
    }

    /// Keeps the copy of a file that could be read.
    async fn keep(&self, result: &ResultSpec, draft: Draft, original: Sha256) -> Result<(), IngestError> {
        let stored = blocking(move || draft.keep()).await?.map_err(|error| DriverError::Artifact(error.to_string()))?;
        let artifact = NewArtifact { path: result.path.clone(), blob: stored.sha256, length: stored.len, original };
        Ok(self.store.artifacts(self.scan, self.fence, self.attempt, vec![artifact]).await?)
    }
}

fn result_path(files: &Path, result: &ResultSpec) -> PathBuf {
    files.join(sealed_path(result))
}

fn sealed_path(result: &ResultSpec) -> PathBuf {
    if result.path == ResultSpec::STDOUT { "stdout".into() } else { Path::new("work").join(&result.path) }
}

/// The hash of what the scanner wrote, by which it was unpacked.
fn original(manifest: &Manifest, result: &ResultSpec) -> Result<Sha256, IngestError> {
    let path = sealed_path(result);
    let sealed = manifest.files.iter().find(|file| Path::new(&file.path) == path);
    let missing = || Failure::new(FailureReason::Corrupt, format!("{} is not in its manifest", path.display()));
    sealed.map(|file| file.sha256).ok_or_else(|| IngestError::Attempt(missing()))
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
