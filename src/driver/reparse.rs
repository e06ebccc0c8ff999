//! Reading the raw files of an ended scan again, with the parsers of today.
//!
//! 1. What an earlier reading that died has left is put in order.
//! 2. Each job's files are parsed into rows of a new attempt, which nobody sees.
//! 3. Findings whose fingerprints have changed are paired with what they were: they keep their names, and with these what was decided.
//! 4. One transaction makes the new rows those of the jobs, with counts, coverage and the comparison with what was known before.
//! 5. Every later scan that was compared in the same subjects is compared again, oldest first: each stands on the one before it.
//! 6. The old rows go, in slices.
//!
//! A death before the transaction of step 4 leaves the old, one after it the new; the next reading ends what was begun. Until then a
//! later scan says what it said before. A job's coverage only shrinks by being read again: what the first reading could not see is
//! not seen now either.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use tempfile::{NamedTempFile, TempPath};

use super::between::sights;
use super::compare::{AsIf, Comparison};
use super::error::DriverError;
use super::ingest::IngestError;
use super::reading::{Reading, Tally, blocking};
use super::verdict::{Reported, judge_reports};
use super::view::View;
use crate::artifact::ArtifactStore;
use crate::failpoint;
use crate::lifecycle::{Candidate, MAX_DRIFT, pair};
use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, Gap};
use crate::model::event::{EventBody, NoteLevel};
use crate::model::finding::Location;
use crate::model::id::{AttemptId, ScanId, Sha256};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::standing::FindingKey;
use crate::store::{KeptJob, Known, Loaded, NewComparison, NewResults, Replacement, Store, Subject};

/// What reading a scan's files again has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reparsed {
    /// Its jobs that have results, in order.
    pub jobs: Vec<ReparsedJob>,
    /// Findings that have another fingerprint now, and keep their names.
    pub renamed: u64,
    /// Later scans that were compared again.
    pub compared: u64,
}

/// What became of one job's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReparsedJob {
    /// The job's name.
    pub job: String,
    /// Raw files in which secrets were masked: what a mask hides cannot be read again.
    pub masked: Vec<String>,
    /// What was done.
    pub outcome: Outcome,
}

/// What was done with one job's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// They were read.
    Read {
        /// Records before.
        before: u64,
        /// Records now.
        after: u64,
        /// Records that are not handed on, by reason.
        skipped: BTreeMap<String, u64>,
        /// Errors that the reports tell of.
        errors: Vec<String>,
    },
    /// There are no raw files: the scanner wrote nothing.
    Nothing,
    /// They are as they were, for this reason.
    Kept {
        /// Why.
        why: String,
    },
}

/// Reads the raw files of an ended scan again. No other process may do so in the same state at the same time.
pub async fn reparse(store: &Store, scan: ScanId, actor: &str, at: Timestamp) -> Result<Reparsed, DriverError> {
    let mut work =
        Reparse { store: store.clone(), scan, fence: 0, loaded: store.load(scan)?, now: at, told: Reparsed::default() };
    work.finish_earlier().await?;
    let (fence, jobs) = store.kept_jobs(scan)?;
    work.fence = fence;
    let mut results = Vec::new();
    for job in &jobs {
        results.extend(work.job(job).await?);
    }
    failpoint::hit("reparse.read");
    let scanners: HashMap<AttemptId, &str> = jobs.iter().map(|job| (job.attempt, &*job.spec.scanner)).collect();
    if !results.is_empty() {
        work.replace(&jobs, &scanners, results, actor, at).await?;
        failpoint::hit("reparse.replaced");
        work.finish_earlier().await?;
    }
    Ok(work.told)
}

struct Reparse {
    store: Store,
    scan: ScanId,
    fence: u64,
    loaded: Loaded,
    now: Timestamp,
    told: Reparsed,
}

impl Reparse {
    /// Ends what an earlier reading has begun, or this one: later scans are compared again if results have been replaced, and rows that
    /// nobody sees go.
    async fn finish_earlier(&mut self) -> Result<(), DriverError> {
        let unseen = self.store.unseen_attempts(self.scan)?;
        if unseen.is_empty() {
            return Ok(());
        }
        self.fence = self.store.kept_jobs(self.scan)?.0;
        if unseen.iter().any(|(_, replaced)| *replaced) {
            self.compare_later().await?;
        }
        for (attempt, _) in unseen {
            self.discard(attempt).await?;
        }
        Ok(())
    }

    async fn discard(&self, attempt: AttemptId) -> Result<(), DriverError> {
        while self.store.discard(self.scan, self.fence, attempt, 500).await? {
            failpoint::hit("reparse.discarded");
        }
        Ok(self.store.forget_reading(self.scan, self.fence, attempt).await?)
    }

    /// Compares the scans again that came later in the same subjects.
    async fn compare_later(&mut self) -> Result<(), DriverError> {
        let mut compared = BTreeSet::new();
        for (scanner, _) in sights(&self.store, self.scan)? {
            let Some(subject) = self.store.subject_of(self.scan, &scanner)? else { continue };
            for later in self.store.compared_after(self.scan, subject)? {
                let sights: BTreeMap<String, Coverage> = sights(&self.store, later)?.into_iter().collect();
                let coverage = sights.get(&scanner).cloned().unwrap_or(Coverage::None);
                let comparison = Comparison::new(&self.store, later, subject);
                if let Some(outcome) = blocking(move || comparison.run(coverage)).await?? {
                    self.store.compare_again(later, outcome.of(subject)).await?;
                    compared.insert(later);
                }
                failpoint::hit("reparse.compared");
            }
        }
        self.told.compared = compared.len() as u64;
        Ok(())
    }

    /// Parses one job's files into rows that nobody sees; none when they stay as they are.
    async fn job(&mut self, job: &KeptJob) -> Result<Option<NewResults>, DriverError> {
        let mut told = ReparsedJob { job: job.name.to_string(), masked: Vec::new(), outcome: Outcome::Nothing };
        let mut results = None;
        if !job.files.is_empty() {
            let new = self.store.read_again(self.scan, self.fence, job.attempt).await?;
            (results, told.outcome) = match self.read(job, new, &mut told.masked).await {
                Ok((results, outcome)) => (Some(results), outcome),
                Err(IngestError::Attempt(failure)) => (None, Outcome::Kept { why: failure.to_string() }),
                Err(IngestError::Driver(error)) => return Err(error),
            };
            if results.is_none() {
                self.discard(new).await?;
            }
        }
        self.told.jobs.push(told);
        Ok(results)
    }

    async fn read(
        &self,
        job: &KeptJob,
        new: AttemptId,
        masked: &mut Vec<String>,
    ) -> Result<(NewResults, Outcome), IngestError> {
        let (mut tally, mut reported, mut version) = (Tally::new(&self.store), Reported::default(), None);
        let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
        let options = &self.loaded.scan.plan.options;
        let reading = Reading {
            store: &self.store,
            scan: self.scan,
            fence: self.fence,
            attempt: new,
            spec: &job.spec,
            max_results: options.max_results,
            suppressions: &options.suppressions.without_directory(),
            now: self.now,
            said: Arc::new(self.store.said_by_comments(job.attempt)?),
        };
        // In the order of the first reading, which numbers the records.
        for result in &job.spec.results {
            let Some(file) = job.files.iter().find(|file| file.path == result.path) else { continue };
            let (raw, has_masks) = unpack(&self.store, file.blob).await?;
            masked.extend(has_masks.then(|| file.path.clone()));
            let summary;
            (summary, tally, _) = reading.parse(&raw, result, tally, None).await?;
            version = version.or(summary.tool_version);
            for (reason, count) in summary.skipped {
                reported.results += count;
                *skipped.entry(reason).or_default() += count;
            }
            reported.errors.extend(summary.errors);
        }
        let (records, assets) = (tally.counts, u64::from(tally.assets));
        reported.results += records.total() + assets;
        reported.capped = tally.capped;
        let mut gaps = match &job.coverage {
            Coverage::Partial(gaps) => gaps.clone(),
            Coverage::Full | Coverage::None => BTreeSet::new(),
        };
        if records.total() > 0 {
            reading.identify(tally.ranker).await?;
        }
        // What later steps were not given was not looked at.
        if self.feeds_others(job) && self.store.has_more_assets(job.attempt, new)? {
            gaps.insert(Gap::AssetCap);
        }
        let coverage = match &job.manifest {
            Some(manifest) => {
                judge_reports(&manifest.exit, &job.spec.exit_codes, gaps, &reported).map_err(IngestError::Attempt)?
            }
            None => Coverage::from_gaps(gaps),
        };
        let outcome =
            Outcome::Read { before: job.records.total(), after: records.total(), skipped, errors: reported.errors };
        Ok((NewResults { job: job.id, old: job.attempt, new, records, assets, version, coverage }, outcome))
    }

    fn feeds_others(&self, job: &KeptJob) -> bool {
        let plan = &self.loaded.scan.plan;
        plan.steps.iter().any(|step| !step.for_each.is_empty() && step.needs.contains(&job.name.step))
    }

    /// Makes the new rows those of the jobs.
    async fn replace(
        &mut self,
        jobs: &[KeptJob],
        scanners: &HashMap<AttemptId, &str>,
        results: Vec<NewResults>,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), DriverError> {
        let mut renamed = Vec::new();
        for result in &results {
            let scanner = scanners.get(&result.old).copied().unwrap_or_default();
            let Some(subject) = self.store.subject_of(self.scan, scanner)? else { continue };
            let (store, old, new) = (self.store.clone(), result.old, result.new);
            let pairs = blocking(move || same_findings(&store, old, new)).await??;
            renamed.extend(pairs.into_iter().map(|(was, is)| (subject, is, was)));
        }
        for row in &mut self.loaded.jobs {
            if let Some(result) = results.iter().find(|result| result.job == row.id) {
                (row.coverage, row.records, row.assets) =
                    (Some(result.coverage.clone()), result.records, result.assets);
            }
        }
        let view = View::new(self.store.instance(), &self.loaded);
        let comparisons = self.compare(&view, jobs, &results, &renamed).await?;
        let before: u64 = jobs.iter().map(|job| job.records.total()).sum();
        let after = results.iter().fold(before, |all, result| {
            let old = jobs.iter().find(|job| job.id == result.job).map_or(0, |job| job.records.total());
            all - old + result.records.total()
        });
        let message = format!("its raw results were read again: {before} records before, {after} now");
        let told = (actor.to_owned(), at, EventBody::Note { job: None, level: NoteLevel::Info, message });
        self.told.renamed = renamed.len() as u64;
        let coverage = view.coverage();
        let replacement =
            Replacement { scan: self.scan, fence: self.fence, coverage, jobs: results, renamed, comparisons, told };
        Ok(self.store.replace(replacement).await?)
    }

    /// Compares what the scan brings now with what was known before it.
    async fn compare(
        &self,
        view: &View,
        jobs: &[KeptJob],
        results: &[NewResults],
        renamed: &[(Subject, FindingKey, FindingKey)],
    ) -> Result<Vec<NewComparison>, DriverError> {
        let mut comparisons = Vec::new();
        for (scanner, coverage) in view.sights() {
            let Some(subject) = self.store.subject_of(self.scan, &scanner)? else { continue };
            if !self.store.is_compared(self.scan, subject)? {
                continue;
            }
            let now =
                |job: &KeptJob| results.iter().find(|result| result.job == job.id).map_or(job.attempt, |new| new.new);
            let attempts: Vec<AttemptId> = jobs.iter().filter(|job| job.spec.scanner == scanner).map(now).collect();
            let brought = |result: &NewResults| (result.new, (result.records, result.version.clone()));
            let known = renamed.iter().filter(|(of, ..)| *of == subject).map(|(_, is, was)| (*is, *was)).collect();
            let results = AsIf { attempts, brought: results.iter().map(brought).collect(), renamed: known };
            let comparison = Comparison::new(&self.store, self.scan, subject).with_results(results);
            if let Some(outcome) = blocking(move || comparison.run(coverage)).await?? {
                comparisons.push(outcome.of(subject));
            }
        }
        Ok(comparisons)
    }
}

/// Unpacks a raw file into one that goes with the value; tells whether secrets in it are masked.
async fn unpack(store: &Store, blob: Sha256) -> Result<(TempPath, bool), IngestError> {
    let dir = store.dir().to_owned();
    let failed = |message| IngestError::Attempt(Failure::new(FailureReason::ResultMissing, message));
    blocking(move || copy_out(&dir, blob)).await?.map_err(failed)
}

fn copy_out(dir: &Path, blob: Sha256) -> Result<(TempPath, bool), String> {
    let artifacts = ArtifactStore::new(&dir.join("artifacts"));
    let input = artifacts.open(blob).map_err(|error| format!("its raw file is not kept any more: {error}"))?;
    let copied = || -> io::Result<(TempPath, bool)> {
        let mut file = NamedTempFile::new_in(dir.join("spool"))?;
        let mut input = Seeker { input, last: Vec::new(), found: false };
        io::copy(&mut input, &mut file)?;
        file.flush()?;
        Ok((file.into_temp_path(), input.found))
    };
    copied().map_err(|error| format!("its raw file cannot be read: {error}"))
}

/// How the mask of a secret begins.
const MASK: &[u8] = "‹secret:".as_bytes();

/// Looks for masks in what passes.
struct Seeker<R> {
    input: R,
    /// The last bytes before, where a mask may have begun.
    last: Vec<u8>,
    found: bool,
}

impl<R: Read> Read for Seeker<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if !self.found {
            self.last.extend_from_slice(&buffer[..read]);
            self.found = self.last.windows(MASK.len()).any(|window| window == MASK);
            let kept = self.last.len().saturating_sub(MASK.len() - 1);
            self.last.drain(..kept);
        }
        Ok(read)
    }
}

/// Findings by rule and place.
type Places = BTreeMap<(String, Location), Vec<Known>>;

/// Pairs findings of two readings of one file that are the same under two fingerprints: those at the very same place of the same rule,
/// in the order of the file; and what drift would pair.
fn same_findings(store: &Store, old: AttemptId, new: AttemptId) -> Result<Vec<(FindingKey, FindingKey)>, DriverError> {
    let sides = store.sides_of_attempts(old, new)?;
    if sides.gone.is_empty() || sides.fresh.is_empty() {
        return Ok(Vec::new());
    }
    let places = |side: &[Known]| -> Result<Places, DriverError> {
        let mut places = Places::new();
        for known in side {
            if let Some(record) = store.record(known)? {
                places.entry((record.rule, record.location)).or_default().push(*known);
            }
        }
        for all in places.values_mut() {
            all.sort_by_key(|known| known.ordinal);
        }
        Ok(places)
    };
    let (before, mut after) = (places(&sides.gone)?, places(&sides.fresh)?);
    let (mut pairs, mut met) = (Vec::new(), BTreeSet::new());
    for (place, old) in before {
        // Another number of them at one place: nobody knows which is which.
        if let Some(new) = after.remove(&place).filter(|new| new.len() == old.len()) {
            pairs.extend(old.iter().zip(&new).map(|(was, is)| (was.key, is.key)));
        }
    }
    for (was, is) in &pairs {
        met.extend([*was, *is]);
    }
    let left = |side: &[Known]| side.iter().filter(|known| !met.contains(&known.key)).copied().collect::<Vec<_>>();
    let (gone, fresh) = (left(&sides.gone), left(&sides.fresh));
    if gone.len() + fresh.len() <= MAX_DRIFT {
        let candidates = |side: &[Known]| -> Result<Vec<Candidate>, DriverError> {
            let records =
                side.iter().map(|known| Ok(store.record(known)?.map(|record| Candidate { key: known.key, record })));
            Ok(records.collect::<Result<Vec<_>, DriverError>>()?.into_iter().flatten().collect())
        };
        let (before, after) = (candidates(&gone)?, candidates(&fresh)?);
        pairs.extend(pair(&before, &after).into_iter().map(|(was, is)| (before[was].key, after[is].key)));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_found_wherever_it_is_cut() {
        let text = "some words ‹secret:0123abcd› and more".as_bytes();
        for cut in 0..text.len() {
            let (head, tail) = text.split_at(cut);
            let mut seeker = Seeker { input: head.chain(tail), last: Vec::new(), found: false };
            let mut copy = Vec::new();
            seeker.read_to_end(&mut copy).unwrap();
            assert_eq!((copy.as_slice(), seeker.found), (text, true));
        }
        let mut seeker = Seeker { input: "‹secret".as_bytes(), last: Vec::new(), found: false };
        io::copy(&mut seeker, &mut io::sink()).unwrap();
        assert!(!seeker.found);
    }
}
