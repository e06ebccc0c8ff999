//! From sealed results to stored ones: unpack, judge, parse in a stream, store in invisible batches, keep the raw files.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::DriverError;
use super::input::Harvest;
use super::rank::Ranker;
use super::verdict::{Reported, judge_exit, judge_reports};
use crate::artifact::{self, ArtifactStore};
use crate::model::asset::Asset;
use crate::model::clock::Timestamp;
use crate::model::coverage::Gap;
use crate::model::finding::{Record, SeverityCounts};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::AttemptId;
use crate::model::manifest::{ExitCause, Manifest};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::scanner::ResultSpec;
use crate::model::severity::Severity;
use crate::model::spec::{Launch, paths};
use crate::model::suppress::Suppressions;
use crate::parse::{self, Context, ParseError, Sink, Stop, Summary};
use crate::shim::{UnsealError, unseal};
use crate::store::{Identity, IngestBatch, IngestRecord, NewArtifact, Store};
use crate::suppress::{self, ReadComments, Suppressor};
use crate::{beneath, failpoint};

/// Most rows of one batch: the writer's gate is given free between batches.
const BATCH: usize = 500;
/// Text of the records of one batch, in bytes; one record may go beyond.
const BATCH_TEXT: usize = 1 << 20;
/// Batches that wait for the writer.
const WAITING: usize = 4;
/// Source files larger than this are not searched for comments: what is found in them counts.
const MAX_SOURCE: u64 = 16 << 20;
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

/// What the result files of an attempt have brought so far.
#[derive(Default)]
struct Tally {
    ranker: Ranker,
    counts: SeverityCounts,
    /// Records: the ordinal of the next.
    records: u32,
    /// Assets: the ordinal of the next.
    assets: u32,
    capped: bool,
    /// Rules and severities that a record has headed.
    headed: HashMap<Severity, HashSet<String>>,
}

impl Tally {
    /// Whether no record before this one has its rule and severity.
    fn head(&mut self, record: &Record) -> bool {
        // Most have one before them: the rule is not copied to find out.
        let rules = self.headed.entry(record.severity).or_default();
        !rules.contains(&record.rule) && rules.insert(record.rule.clone())
    }
}

impl Ingest<'_> {
    /// Stores the results of `manifest`, whose archive is `parts`; works in `dir`, which it makes anew.
    pub(super) async fn run(
        &self,
        manifest: &Manifest,
        parts: Vec<PathBuf>,
        dir: &Path,
    ) -> Result<Harvest, IngestError> {
        // An earlier driver's threads may be at work yet: each driver has files of its own.
        let files = dir.join(format!("files-{}", self.fence));
        self.unpack(manifest, parts, &files).await?;
        keep_log(&files, &self.log_dir())?;
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
        let spec = &self.launch.spec;
        let (mut harvest, mut reported, mut tally) = (Harvest::default(), Reported::default(), Tally::default());
        for result in &spec.results {
            let path = result_path(files, result);
            // A scanner that was cut short may not have come to write every file.
            if !path.is_file() && manifest.exit.cause != ExitCause::Ended && !gaps.is_empty() {
                continue;
            }
            if self.is_empty(&path, result).map_err(IngestError::Attempt)? {
                continue;
            }
            let summary;
            (summary, tally) = self.parse(&path, result, tally).await?;
            harvest.scanner_version = harvest.scanner_version.or(summary.tool_version);
            reported.results += summary.skipped.values().sum::<u64>();
            reported.errors.extend(summary.errors);
            self.keep(&path, result).await?;
        }
        (harvest.records, harvest.assets) = (tally.counts, u64::from(tally.assets));
        reported.results += tally.counts.total() + harvest.assets;
        reported.capped = tally.capped;
        harvest.coverage =
            judge_reports(&manifest.exit, &spec.exit_codes, gaps, &reported).map_err(IngestError::Attempt)?;
        if harvest.records.total() > 0 {
            self.identify(tally.ranker).await?;
        }
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

    /// Parses on a thread of its own; stores what it hands over, batch by batch.
    async fn parse(&self, path: &Path, result: &ResultSpec, tally: Tally) -> Result<(Summary, Tally), IngestError> {
        let (sender, mut batches) = mpsc::channel(WAITING);
        let context = Context {
            source_root: self.launch.spec.source.map(|_| paths::SOURCE.to_owned()).unwrap_or_default(),
            secret_key: self.store.secret_key().to_vec(),
        };
        let (path, format) = (path.to_owned(), result.format.clone());
        let (scanner, max) = (self.launch.spec.scanner.clone(), self.max_results.unwrap_or(u64::MAX));
        let (batch, suppressor) = (self.batch(), self.suppressor().map_err(IngestError::Attempt)?);
        let parser = blocking(move || {
            read_file(&path, &format, &context, Feeder { sender, scanner, suppressor, tally, max, batch, text: 0 })
        });
        let store = async {
            while let Some(batch) = batches.recv().await {
                self.store.ingest(batch).await?;
                failpoint::hit("ingest.batch");
            }
            Ok::<(), IngestError>(())
        };
        let (parsed, stored) = tokio::join!(parser, store);
        stored?;
        parsed?.map_err(|error| match error {
            ParseError::Read(error) => IngestError::Driver(DriverError::Local {
                action: "read results".to_owned(),
                message: error.to_string(),
                full: false,
            }),
            other => IngestError::Attempt(Failure::new(
                if matches!(other, ParseError::Empty) {
                    FailureReason::ResultEmpty
                } else {
                    FailureReason::ResultInvalid
                },
                format!("{}: {other}", result.path),
            )),
        })
    }

    /// Keeps the raw file, secrets masked.
    async fn keep(&self, path: &Path, result: &ResultSpec) -> Result<(), IngestError> {
        let artifacts = ArtifactStore::new(&self.store.dir().join("artifacts"));
        let (path, format, key) = (path.to_owned(), result.format.clone(), self.store.secret_key().to_vec());
        let kept = blocking(move || mask_into(&artifacts, &path, &format, &key)).await?;
        let (stored, original) = kept?;
        let path = result.path.clone();
        let artifact = NewArtifact { path, blob: stored.sha256, length: stored.len, original };
        self.store.artifacts(self.scan, self.fence, self.attempt, vec![artifact]).await?;
        Ok(())
    }

    /// Says which finding each record shows, and gives equal ones the ranks of their places.
    async fn identify(&self, ranker: Ranker) -> Result<(), IngestError> {
        let mut identities = blocking(move || ranker.identities()).await?;
        loop {
            let slice: Vec<Identity> = identities.by_ref().take(BATCH).collect();
            if slice.is_empty() {
                return Ok(());
            }
            self.store.identify(self.scan, self.fence, self.attempt, slice).await?;
            failpoint::hit("ingest.identified");
        }
    }

    /// Says of records that they do not count, by the plan's rules and by comments in the source while it is there.
    fn suppressor(&self) -> Result<Suppressor, Failure> {
        let spec = &self.launch.spec;
        let comments = self.suppressions.comments.then_some(spec.source).flatten().map(|source| {
            let root = beneath::root(&artifact::tree(&self.store.dir().join("artifacts"), source)).ok();
            let read: ReadComments = Box::new(move |path| {
                let text = root.as_ref().and_then(|root| beneath::read(root, path, MAX_SOURCE).ok());
                text.map(|text| suppress::comments(&text)).unwrap_or_default()
            });
            read
        });
        Suppressor::new(&spec.scanner, &self.suppressions.rules, self.now, comments)
            .map_err(|error| Failure::new(FailureReason::ResultInvalid, format!("a rule of the plan's: {error}")))
    }

    const fn batch(&self) -> IngestBatch {
        let (scan, fence, attempt) = (self.scan, self.fence, self.attempt);
        IngestBatch { scan, fence, attempt, records: Vec::new(), assets: Vec::new() }
    }
}

/// The parser's side: numbers, ranks and counts what it finds, and sends it on in batches.
struct Feeder {
    sender: mpsc::Sender<IngestBatch>,
    scanner: String,
    suppressor: Suppressor,
    tally: Tally,
    max: u64,
    batch: IngestBatch,
    /// Text of the batch's records, in bytes.
    text: usize,
}

impl Feeder {
    /// Sends the batch on if it is full, or if nothing more will come.
    fn send(&mut self, last: bool) -> Result<(), Stop> {
        let rows = self.batch.records.len() + self.batch.assets.len();
        let full = rows >= BATCH || self.text >= BATCH_TEXT;
        if !full && (!last || rows == 0) {
            return Ok(());
        }
        self.text = 0;
        let batch = IngestBatch {
            records: std::mem::take(&mut self.batch.records),
            assets: std::mem::take(&mut self.batch.assets),
            ..self.batch
        };
        self.sender.blocking_send(batch).map_err(|_| Stop)
    }
}

impl Sink for Feeder {
    fn record(&mut self, mut record: Record) -> Result<(), Stop> {
        record.muting = self.suppressor.muting(&record);
        let tally = &mut self.tally;
        if u64::from(tally.records) >= self.max {
            tally.capped = true;
            return Err(Stop);
        }
        let (fingerprint, ordinal) = (Fingerprint::of(&self.scanner, &record), tally.records);
        let occurrence = tally.ranker.rank(fingerprint, ordinal, &record);
        tally.counts.add(record.severity);
        tally.records += 1;
        // A record is plain values, which can always be written down; if not, the attempt fails as one that cannot be read.
        let heads_rule = tally.head(&record);
        let record = IngestRecord::new(ordinal, fingerprint, occurrence, heads_rule, &record).map_err(|_| Stop)?;
        self.text += record.bytes();
        self.batch.records.push(record);
        self.send(false)
    }

    fn asset(&mut self, asset: Asset) -> Result<(), Stop> {
        self.batch.assets.push((self.tally.assets, asset));
        self.tally.assets += 1;
        self.send(false)
    }
}

fn read_file(path: &Path, format: &str, context: &Context, mut sink: Feeder) -> Result<(Summary, Tally), ParseError> {
    let parser = parse::parser(format).ok_or_else(|| ParseError::UnknownFormat(format.to_owned()))?;
    let mut input = BufReader::with_capacity(1 << 16, File::open(path)?);
    let summary = match parser.parse(&mut input, context, &mut sink) {
        Ok(summary) => summary,
        Err(ParseError::Stopped) if sink.tally.capped => Summary::default(),
        Err(error) => return Err(error),
    };
    sink.send(true).map_err(|Stop| ParseError::Stopped)?;
    Ok((summary, sink.tally))
}

fn result_path(files: &Path, result: &ResultSpec) -> PathBuf {
    if result.path == ResultSpec::STDOUT { files.join("stdout") } else { files.join("work").join(&result.path) }
}

/// Moves an unpacked log to where `logs` finds it.
fn keep_log(files: &Path, log: &Path) -> Result<(), DriverError> {
    let unpacked = files.join("log");
    if !unpacked.is_dir() {
        return Ok(());
    }
    if log.exists() {
        std::fs::remove_dir_all(log).map_err(|error| DriverError::local("replace", log, &error))?;
    }
    if let Some(parent) = log.parent() {
        std::fs::create_dir_all(parent).map_err(|error| DriverError::local("make", parent, &error))?;
    }
    std::fs::rename(&unpacked, log).map_err(|error| DriverError::local("move the log to", log, &error))
}

/// Streams a result file into the artifact store, secrets masked on the way; returns what is stored and the original's hash.
fn mask_into(
    artifacts: &ArtifactStore,
    path: &Path,
    format: &str,
    key: &[u8],
) -> Result<(artifact::Stored, crate::model::id::Sha256), DriverError> {
    let masked_path = path.with_extension("masked");
    let local = |error: &io::Error| DriverError::local("mask", path, error);
    // The copy is written token by token.
    let mut masked = BufWriter::with_capacity(1 << 16, File::create(&masked_path).map_err(|error| local(&error))?);
    let mut input = BufReader::new(File::open(path).map_err(|error| local(&error))?);
    let report = parse::mask(format, &mut input, &mut masked, key).map_err(|error| DriverError::Local {
        action: format!("mask {}", path.display()),
        message: error.to_string(),
        full: false,
    })?;
    masked.flush().map_err(|error| local(&error))?;
    drop(masked);
    let mut masked = File::open(&masked_path).map_err(|error| local(&error))?;
    let stored = artifacts.put(&mut masked).map_err(|error| DriverError::Artifact(error.to_string()))?;
    Ok((stored, report.sha256_original))
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Runs `work` where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DriverError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| DriverError::Panicked(error.to_string()))
}
