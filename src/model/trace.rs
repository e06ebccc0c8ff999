//! An ended scan as a trace: what is told of its jobs and attempts, and ids that follow from their names alone. Whoever tells a trace,
//! and however often, tells the same one.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::coverage::{Coverage, SkipReason};
use super::finding::SeverityCounts;
use super::id::{InstanceKey, ScanKey, Sha256};
use super::manifest::Exit;
use super::outcome::Failure;
use super::state::{AttemptState, JobState};

/// The id of a scan's trace: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a span within its trace: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// A scan's id has 40 bits, a trace's 128 that are unique in the world: the moment at which the scan was made adds to them. A state that
    /// was restored tells of its scans as the one did that it is a copy of.
    pub fn of(scan: ScanKey, created_at: Timestamp) -> Self {
        Self(hash(&["trace", scan.as_str(), &created_at.0.to_string()]))
    }

    /// Returns the id of the span of the scan itself.
    pub fn scan(self) -> SpanId {
        self.span(&["scan"])
    }

    /// Returns the id of a job's span; `job` is the job's name.
    pub fn job(self, job: &str) -> SpanId {
        self.span(&["job", job])
    }

    /// Returns the id of the span of a job's attempt, from 1.
    pub fn attempt(self, job: &str, number: u32) -> SpanId {
        self.span(&["attempt", job, &number.to_string()])
    }

    fn span(self, words: &[&str]) -> SpanId {
        let trace = self.to_string();
        SpanId(hash(&[&["span", &trace], words].concat()))
    }
}

/// The beginning of a hash of some words, of which none holds a zero byte.
fn hash<const N: usize>(words: &[&str]) -> [u8; N] {
    let Sha256(bytes) = Sha256::of(words.join("\0"));
    let mut id: [u8; N] = std::array::from_fn(|at| bytes[at]);
    if id == [0; N] {
        // That is no id (W3C Trace Context §3.2.2).
        id[N - 1] = 1;
    }
    id
}

fn hexadecimal(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hexadecimal(&self.0, f)
    }
}

/// The place of a job among those of its scan: its step's position, and its chunk. Traces are told in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobPlace(pub u32, pub u32);

/// A part of a trace: the scan, and some of the jobs that have run.
#[derive(Debug, Clone, PartialEq)]
pub struct TracePart {
    /// The scan.
    pub scan: TracedScan,
    /// What is told of the scan itself, in the first part; none in the others.
    pub head: Option<TraceHead>,
    /// Jobs that have run, with their attempts, in order.
    pub jobs: Vec<TracedJob>,
    /// Where the next part begins: behind this job. None when this is the last.
    pub next: Option<JobPlace>,
}

/// What every part has of the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedScan {
    /// The state that it is in.
    pub instance: InstanceKey,
    /// Its id.
    pub key: ScanKey,
    /// Its executor profile, in words; the first of them is its kind.
    pub executor: String,
    /// When its rows were made.
    pub created_at: Timestamp,
}

/// What only the first part has of the scan.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceHead {
    /// When its first job was dispatched.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Jobs by state.
    pub jobs: BTreeMap<JobState, u64>,
    /// Jobs that have never run, in order; not more than asked for.
    pub idle: Vec<IdleJob>,
    /// How many more of them there are.
    pub more_idle: u64,
}

/// A job that has ended without having run.
#[derive(Debug, Clone, PartialEq)]
pub struct IdleJob {
    /// Its name.
    pub name: String,
    /// Its scanner.
    pub scanner: String,
    /// Where it stands.
    pub state: JobState,
    /// Why it was skipped, if it was.
    pub skip: Option<SkipReason>,
    /// When that was decided.
    pub finished_at: Timestamp,
}

/// A job that has run.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedJob {
    /// Its name: step and chunk.
    pub name: String,
    /// Its step.
    pub step: String,
    /// The scanner's name.
    pub scanner: String,
    /// The scanner's version, if its report or the image says.
    pub version: Option<String>,
    /// The image, as it was written.
    pub image: String,
    /// What ran: a digest or the engine's id of the image.
    pub image_id: String,
    /// Where it stands.
    pub state: JobState,
    /// What it saw.
    pub coverage: Option<Coverage>,
    /// Whether that is everything but for what its step accepts.
    pub complete: bool,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Records by severity.
    pub records: SeverityCounts,
    /// When its first attempt was made.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Its attempts, in order.
    pub attempts: Vec<TracedAttempt>,
}

/// An attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedAttempt {
    /// Its number, from 1.
    pub number: u32,
    /// What its object is called in the engine.
    pub name: String,
    /// Where it stands.
    pub state: AttemptState,
    /// The engine's id of its object, if the engine made one.
    pub engine_id: Option<String>,
    /// How the scanner ended, if the shim could say.
    pub exit: Option<Exit>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// When it was written down, before the engine heard of it.
    pub created_at: Timestamp,
    /// When its results were stored, or it was known to bring none. The job's end where none was written down.
    pub ended_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_names_and_differ() {
        let scan = |text: &str| TraceId::of(text.parse().unwrap(), Timestamp(1_700_000_000_000));
        let trace = scan("28t5cy4t");
        assert_eq!(trace.to_string(), "dc9ce1890530ff19aeda7b5145a7ee8e");
        assert_eq!(trace, scan("28t5cy4t"));
        assert_ne!(trace, scan("28t5cy4v"));
        assert_ne!(trace, TraceId::of("28t5cy4t".parse().unwrap(), Timestamp(1_700_000_000_001)));
        let mut spans: Vec<String> = (0..50)
            .flat_map(|chunk| {
                let job = format!("ports-{chunk}");
                [trace.job(&job), trace.attempt(&job, 1), trace.attempt(&job, 2)]
            })
            .chain([trace.scan(), trace.job("ports-0-1"), scan("28t5cy4v").scan()])
            .map(|span| span.to_string())
            .collect();
        assert!(spans.iter().all(|span| span.len() == 16));
        spans.sort();
        spans.dedup();
        assert_eq!(spans.len(), 153);
    }
}
