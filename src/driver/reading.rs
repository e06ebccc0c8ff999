//! From a result file to rows: parsed in a stream, stored in batches that nobody sees.

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tokio::sync::mpsc;

use super::error::DriverError;
use super::ingest::{IngestError, is_full};
use super::rank::Ranker;
use super::raw::Raw;
use crate::artifact::{self, ArtifactStore, Draft};
use crate::model::asset::Asset;
use crate::model::clock::Timestamp;
use crate::model::finding::{Record, SeverityCounts};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::{AttemptId, ScanId};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::scanner::ResultSpec;
use crate::model::severity::Severity;
use crate::model::spec::{JobSpec, paths};
use crate::model::suppress::{Said, Suppressions};
use crate::parse::{Context, ParseError, Sink, Stop, Summary};
use crate::store::{Identity, IngestBatch, IngestRecord, Store};
use crate::suppress::{self, ReadComments, Suppressor};
use crate::{beneath, failpoint};

/// Most rows of one batch: the writer's gate is given free between batches.
const BATCH: usize = 500;
/// Most records that are identified at once: their rows are short, and lie beside one another.
const IDENTIFIED: usize = 4000;
/// Text of the records of one batch, in bytes; one record may go beyond.
const BATCH_TEXT: usize = 1 << 20;
/// Batches that wait for the writer, which waits for the disk at times.
const WAITING: usize = 16;
/// What is handed over that waits for whoever makes batches of it.
const HANDOVERS: usize = 4;
/// Most that a parser hands over at once.
const HANDOVER: usize = 256;
/// Source files larger than this are not searched for comments: what is found in them counts.
const MAX_SOURCE: u64 = 16 << 20;

/// What the result files of an attempt have brought so far.
pub(super) struct Tally {
    pub(super) ranker: Ranker,
    pub(super) counts: SeverityCounts,
    /// Records: the ordinal of the next.
    records: u32,
    /// Assets: the ordinal of the next.
    pub(super) assets: u32,
    pub(super) capped: bool,
    /// Rules and severities that a record has headed.
    headed: HashMap<Severity, HashSet<String>>,
}

impl Tally {
    /// Begins; what memory should not hold goes to the state's spool.
    pub(super) fn new(store: &Store) -> Self {
        Self {
            ranker: Ranker::new(store.dir().join("spool")),
            counts: SeverityCounts::default(),
            records: 0,
            assets: 0,
            capped: false,
            headed: HashMap::new(),
        }
    }

    /// Whether no record before this one has its rule and severity.
    fn head(&mut self, record: &Record) -> bool {
        // Most have one before them: the rule is not copied to find out.
        let rules = self.headed.entry(record.severity).or_default();
        !rules.contains(&record.rule) && rules.insert(record.rule.clone())
    }
}

/// Reads result files into rows of one attempt.
pub(super) struct Reading<'a> {
    pub(super) store: &'a Store,
    pub(super) scan: ScanId,
    pub(super) fence: u64,
    pub(super) attempt: AttemptId,
    pub(super) spec: &'a JobSpec,
    pub(super) max_results: Option<u64>,
    /// What does not count.
    pub(super) suppressions: &'a Suppressions,
    pub(super) now: Timestamp,
    /// What comments said when the source was there.
    pub(super) said: Arc<Said>,
}

impl Reading<'_> {
    /// Parses on a thread of its own, names and counts what it finds on another, and stores that batch by batch. Makes the copy that is
    /// kept, if `artifacts` says where.
    pub(super) async fn parse(
        &self,
        path: &Path,
        result: &ResultSpec,
        tally: Tally,
        artifacts: Option<ArtifactStore>,
    ) -> Result<(Summary, Tally, Option<Draft>), IngestError> {
        let (sender, mut batches) = mpsc::channel(WAITING);
        let context = Context {
            source_root: self.spec.source.map(|_| paths::SOURCE.to_owned()).unwrap_or_default(),
            secret_key: self.store.secret_key().to_vec(),
        };
        let (path, shown, format) = (path.to_owned(), result.path.clone(), result.format.clone());
        let raw = Raw { path, shown, format, context, artifacts };
        let (scanner, max) = (self.spec.scanner.clone(), self.max_results.unwrap_or(u64::MAX));
        let (batch, suppressor) = (self.batch(), self.suppressor().map_err(IngestError::Attempt)?);
        let feeder = Feeder { sender, scanner, suppressor, tally, max, batch, text: 0 };
        let parser = blocking(move || read(&raw, feeder));
        let store = async {
            while let Some(batch) = batches.recv().await {
                self.store.ingest(batch).await?;
                failpoint::hit("ingest.batch");
            }
            Ok::<(), IngestError>(())
        };
        let (parsed, stored) = tokio::join!(parser, store);
        stored?;
        parsed?
    }

    /// Says which finding each record shows, and gives equal ones the ranks of their places.
    pub(super) async fn identify(&self, ranker: Ranker) -> Result<(), IngestError> {
        let failed = |error: io::Error| DriverError::Local {
            action: "sort records".to_owned(),
            message: error.to_string(),
            full: is_full(&error),
        };
        let mut identities = blocking(move || ranker.identities()).await?.map_err(failed)?;
        loop {
            let slice: Vec<Identity> =
                identities.by_ref().take(IDENTIFIED).collect::<Result<_, _>>().map_err(failed)?;
            if slice.is_empty() {
                return Ok(());
            }
            self.store.identify(self.scan, self.fence, self.attempt, slice).await?;
            failpoint::hit("ingest.identified");
        }
    }

    /// Says of records that they do not count, by the plan's rules and by comments in the source while it is there.
    fn suppressor(&self) -> Result<Suppressor, Failure> {
        let Suppressions { rules, comments, directory } = self.suppressions;
        let snapshot = self.spec.source.map(|source| artifact::tree(&self.store.dir().join("artifacts"), source));
        let source = snapshot.or_else(|| directory.as_ref().map(PathBuf::from)).filter(|_| *comments);
        let comments = source.map(|source| {
            let root = beneath::root(&source).ok();
            let read: ReadComments = Box::new(move |path| {
                let text = root.as_ref().and_then(|root| beneath::read(root, path, MAX_SOURCE).ok());
                text.map(|text| suppress::comments(&text)).unwrap_or_default()
            });
            read
        });
        Suppressor::new(&self.spec.scanner, rules, self.now, comments)
            .map(|suppressor| suppressor.with_said(Arc::clone(&self.said)))
            .map_err(|error| Failure::new(FailureReason::ResultInvalid, format!("a rule of the plan's: {error}")))
    }

    const fn batch(&self) -> IngestBatch {
        let (scan, fence, attempt) = (self.scan, self.fence, self.attempt);
        IngestBatch { scan, fence, attempt, records: Vec::new(), assets: Vec::new() }
    }
}

/// What a parser finds, handed on many at a time.
struct Handover {
    sender: SyncSender<Vec<Found>>,
    found: Vec<Found>,
    /// Text of what was found, in bytes.
    text: usize,
}

enum Found {
    Record(Box<Record>),
    Asset(Asset),
}

impl Handover {
    fn add(&mut self, found: Found, text: usize) -> Result<(), Stop> {
        self.found.push(found);
        self.text += text;
        if self.found.len() < HANDOVER && self.text < BATCH_TEXT { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<(), Stop> {
        self.text = 0;
        self.sender.send(std::mem::take(&mut self.found)).map_err(|_| Stop)
    }
}

impl Sink for Handover {
    fn record(&mut self, record: Record) -> Result<(), Stop> {
        let references: usize = record.references.iter().map(String::len).sum();
        let text = record.message.len() + record.evidence.as_ref().map_or(0, String::len) + references;
        self.add(Found::Record(Box::new(record)), text)
    }

    fn asset(&mut self, asset: Asset) -> Result<(), Stop> {
        let text = asset.value.len();
        self.add(Found::Asset(asset), text)
    }
}

/// Numbers, ranks and counts what was found, and sends it on in batches.
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

impl Feeder {
    /// Takes all that a parser finds, in its order; stops where there is enough.
    fn feed(mut self, found: &Receiver<Vec<Found>>) -> Result<Tally, ParseError> {
        let fed = found.iter().flatten().try_for_each(|found| match found {
            Found::Record(record) => self.record(*record),
            Found::Asset(asset) => Ok(self.asset(asset)?),
        });
        if !self.tally.capped {
            fed?;
        }
        self.send(true)?;
        Ok(self.tally)
    }

    fn record(&mut self, mut record: Record) -> Result<(), ParseError> {
        record.muting = self.suppressor.muting(&record);
        let tally = &mut self.tally;
        if u64::from(tally.records) >= self.max {
            tally.capped = true;
            return Err(ParseError::Stopped);
        }
        let (fingerprint, ordinal) = (Fingerprint::of(&self.scanner, &record), tally.records);
        let occurrence = tally.ranker.rank(fingerprint, ordinal, &record)?;
        tally.counts.add(record.severity);
        tally.records += 1;
        // A record is plain values, which can always be written down; if not, the attempt fails as one that cannot be read.
        let heads_rule = tally.head(&record);
        let record = IngestRecord::new(ordinal, fingerprint, occurrence, heads_rule, &record).map_err(|_| Stop)?;
        self.text += record.bytes();
        self.batch.records.push(record);
        Ok(self.send(false)?)
    }

    fn asset(&mut self, asset: Asset) -> Result<(), Stop> {
        self.batch.assets.push((self.tally.assets, asset));
        self.tally.assets += 1;
        self.send(false)
    }
}

fn read(raw: &Raw, feeder: Feeder) -> Result<(Summary, Tally, Option<Draft>), IngestError> {
    std::thread::scope(|threads| {
        let (sender, found) = sync_channel(HANDOVERS);
        let feeder = threads.spawn(move || feeder.feed(&found));
        let mut handover = Handover { sender, found: Vec::new(), text: 0 };
        let read = raw.read(&mut handover);
        // What was found before an error is not wanted.
        let sent = handover.send();
        drop(handover);
        let fed = feeder.join().unwrap_or_else(|panic| resume_unwind(panic));
        let (parsed, copy) = read?;
        let (summary, tally) = match (parsed, fed) {
            (Ok(_) | Err(ParseError::Stopped), Ok(tally)) if tally.capped => Ok((Summary::default(), tally)),
            (Ok(summary), Ok(tally)) if sent.is_ok() => Ok((summary, tally)),
            (_, Err(error @ ParseError::Read(_))) | (Err(error), _) => Err(error),
            (Ok(_), _) => Err(ParseError::Stopped),
        }
        .map_err(|error| raw.failed(error))?;
        Ok((summary, tally, copy))
    })
}

/// Runs `work` where it may block.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DriverError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| DriverError::Panicked(error.to_string()))
}
