//! Reading the log of an attempt while it runs, or before its results are collected.

use super::executor::DockerExecutor;
use crate::executor::{ExecutorError, LogChunk, Observed};
use crate::model::frame::{Frames, MAX_SEGMENT_BYTES, segment_name};
use crate::model::id::AttemptName;
use crate::model::spec::files;

/// Bytes of text in one answer.
const CHUNK: usize = 1 << 20;

/// Where the lines from a number on begin: a segment that has no line before it, as far as is known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    seq: u64,
    segment: u32,
}

impl DockerExecutor {
    /// See [`crate::executor::Executor::logs`].
    pub(super) async fn read_logs(&self, name: &AttemptName, from_seq: u64) -> Result<LogChunk, ExecutorError> {
        let place = self.place(name).await?;
        // Asked before the lines are read: what ends in between has more lines, and the next call finds them.
        let Some((id, state)) = self.inspect_attempt(name).await? else {
            return Err(ExecutorError::NotFound(name.to_string()));
        };
        let mut segment = self.cursor(name, from_seq);
        let mut chunk = LogChunk::default();
        let mut size = 0;
        loop {
            let path = format!("{}/{}", files::LOG, segment_name(segment));
            let Some(bytes) = place.read(&self.engine, &id, &path, MAX_SEGMENT_BYTES).await? else { break };
            for line in Frames::new(&bytes).filter(|line| line.seq >= from_seq) {
                size += line.bytes.len() + 1;
                chunk.lines.push(line);
                if size >= CHUNK {
                    self.remember(
                        name,
                        Cursor { seq: chunk.lines.last().map_or(from_seq, |line| line.seq + 1), segment },
                    );
                    return Ok(chunk);
                }
            }
            segment += 1;
        }
        chunk.end = matches!(state, Observed::Exited { .. });
        let next = chunk.lines.last().map_or(from_seq, |line| line.seq + 1);
        self.remember(name, Cursor { seq: next, segment: segment.saturating_sub(1) });
        Ok(chunk)
    }

    fn cursor(&self, name: &AttemptName, from_seq: u64) -> u32 {
        let cursors = self.cursors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        cursors.get(name).filter(|cursor| cursor.seq <= from_seq).map_or(0, |cursor| cursor.segment)
    }

    fn remember(&self, name: &AttemptName, cursor: Cursor) {
        let mut cursors = self.cursors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        cursors.insert(name.clone(), cursor);
    }
}
