//! Logs: what a scanner said, from the engine while it runs, from our own files afterwards.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::{App, AppError, engine_of};
use crate::executor::ExecutorError;
use crate::model::id::{AttemptName, ScanId};
use crate::model::manifest::LogLine;
use crate::parse::LineMask;
use crate::shim::{Entry, LogReader};
use crate::store::StoreError;

/// How often a live log is looked at.
const POLL: Duration = Duration::from_millis(250);

/// Which log.
#[derive(Debug, Clone)]
pub struct LogsRequest {
    /// The scan.
    pub scan: ScanId,
    /// The job's name; a step's name stands for its first job.
    pub job: String,
    /// The attempt, from 1; the last when absent.
    pub attempt: Option<u32>,
    /// Lines from this number on; the first is 1.
    pub from_seq: u64,
    /// Whether to go on while the scanner runs.
    pub follow: bool,
}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEntry {
    /// A line.
    Line(LogLine),
    /// Numbers of lines that are missing: over the limit, or damaged.
    Hole(Range<u64>),
}

/// Reads a log; `each` is called for every piece, in order. Returns whether there was a log at all.
pub async fn logs<E: From<AppError>>(
    app: &App,
    request: LogsRequest,
    mut each: impl FnMut(LogEntry) -> Result<(), E>,
) -> Result<bool, E> {
    let (name, live) = choose(app, &request)?;
    let mut next = request.from_seq.max(1);
    if live {
        next = read_live(app, &request, &name, next, &mut each).await?;
    }
    let key = app.store.scan(request.scan).map_err(AppError::from)?.id;
    let dir = app.store.dir().join("logs").join(key.as_str()).join(name.as_str());
    if !dir.is_dir() {
        return Ok(live);
    }
    read_stored(&dir, next, &mut each)?;
    Ok(true)
}

/// Finds the attempt, and whether it may still be writing.
fn choose(app: &App, request: &LogsRequest) -> Result<(AttemptName, bool), AppError> {
    let mut attempts = app.store.attempts(request.scan, &request.job)?;
    if attempts.is_empty() {
        attempts = app.store.attempts(request.scan, &format!("{}-0", request.job))?;
    }
    let found = match request.attempt {
        Some(number) => attempts.into_iter().find(|(_, found, _)| *found == number),
        None => attempts.pop(),
    };
    let missing = || match request.attempt {
        Some(number) => StoreError::NotFound(format!("attempt {number} of job `{}`", request.job)),
        None => StoreError::NotFound(format!("attempt at job `{}` in this scan", request.job)),
    };
    let (name, _, state) = found.ok_or_else(missing)?;
    Ok((name, state.is_live()))
}

/// Reads from the engine until the log ends or its container is gone; returns the next number.
async fn read_live<E: From<AppError>>(
    app: &App,
    request: &LogsRequest,
    name: &AttemptName,
    mut next: u64,
    each: &mut impl FnMut(LogEntry) -> Result<(), E>,
) -> Result<u64, E> {
    let executor = engine_of(app, request.scan).await?;
    // What is kept is masked when it is collected.
    let mut mask = LineMask::new(app.store.secret_key());
    loop {
        let chunk = match executor.logs(name, next).await {
            Ok(chunk) => chunk,
            Err(ExecutorError::NotFound(_)) => return Ok(next),
            Err(error) => return Err(AppError::from(error).into()),
        };
        let empty = chunk.lines.is_empty();
        for mut line in chunk.lines {
            line.bytes = mask.line(&line.bytes).into_owned();
            if line.seq > next {
                each(LogEntry::Hole(next..line.seq))?;
            }
            next = line.seq + 1;
            each(LogEntry::Line(line))?;
        }
        if chunk.end || empty && !request.follow {
            return Ok(next);
        }
        if empty {
            tokio::time::sleep(POLL).await;
        }
    }
}

fn read_stored<E: From<AppError>>(
    dir: &Path,
    next: u64,
    each: &mut impl FnMut(LogEntry) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |error: std::io::Error| AppError::Local { path: dir.to_owned(), message: error.to_string() };
    for entry in LogReader::open(dir, next).map_err(failed)? {
        each(match entry.map_err(failed)? {
            Entry::Line(line) => LogEntry::Line(line),
            Entry::Hole(hole) => LogEntry::Hole(hole),
        })?;
    }
    Ok(())
}
