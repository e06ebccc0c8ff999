//! What the shim says at the end of an attempt: written last, so that its presence means that all before it is complete.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::id::{AttemptName, Sha256};

/// The end of an attempt, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Protocol version, [`super::spec::ShimJob::VERSION`].
    pub version: u32,
    /// The attempt.
    pub name: AttemptName,
    /// Hash of its specification.
    pub spec: Sha256,
    /// How the scanner ended.
    pub exit: Exit,
    /// The sealed files, sorted by path: results as `work/…` or `stdout`, log segments as `log/…`.
    pub files: Vec<SealedFile>,
    /// What was not sealed, and why.
    pub dropped: Vec<Dropped>,
    /// The log in numbers.
    pub log: LogSummary,
    /// The archive (tar, compressed with zstd) in pieces, in order.
    pub parts: Vec<Part>,
}

/// How the scanner ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Why it ended.
    pub cause: ExitCause,
    /// Its exit code, when it exited.
    pub code: Option<i32>,
    /// The signal that ended it, when one did.
    pub signal: Option<i32>,
    /// Processes in the container that were killed for want of memory.
    pub oom_kills: u64,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Processor time of it and its children, in milliseconds.
    pub cpu_ms: u64,
    /// Greatest resident memory of one process, in bytes.
    pub max_rss: u64,
}

/// Why a scanner ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum ExitCause {
    /// By itself, or by a signal that the shim did not send.
    Ended,
    /// The shim stopped it at its time limit.
    TimeLimit,
    /// The shim stopped it because its results grew over their limit.
    OutputLimit,
    /// The shim was told to stop.
    Stopped,
    /// The program could not be started.
    NotStarted {
        /// The system's words.
        message: String,
    },
    /// The shim itself was killed; somebody else sealed what there was.
    ShimKilled,
}

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Its path, relative, with `/`, without `..`.
    pub path: String,
    /// Its length in bytes.
    pub len: u64,
    /// Its hash.
    pub sha256: Sha256,
}

/// Something that was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// What.
    pub path: String,
    /// Why: `not a regular file`, `over the output limit`.
    pub reason: String,
    /// How many bytes it had.
    pub len: u64,
}

/// The log in numbers. Lines are numbered from 1, both streams together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogSummary {
    /// Number of the last line.
    pub last_seq: u64,
    /// Bytes of text.
    pub bytes: u64,
    /// Lines dropped over the log's limit; they have numbers too.
    pub dropped: u64,
}

/// A piece of the archive, `part-NNNN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its file name.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
    /// Its hash.
    pub sha256: Sha256,
}

impl Part {
    /// Length of every part but the last, in bytes.
    pub const BYTES: u64 = 16 << 20;

    /// Whether a text is the name of a part; nothing else is ever looked for.
    pub fn is_name(text: &str) -> bool {
        text.strip_prefix("part-").is_some_and(|number| number.len() >= 4 && number.bytes().all(|c| c.is_ascii_digit()))
    }
}

/// One line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number, from 1.
    pub seq: u64,
    /// When the shim read it.
    pub at: Timestamp,
    /// Where it was written to.
    pub stream: LogStream,
    /// Whether it was cut: longer than 64 KiB, or the end of a stream without a newline.
    pub partial: bool,
    /// The bytes, without the newline.
    pub bytes: Vec<u8>,
}

/// The two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The shim itself.
    Shim,
}
