//! The log of one attempt: every line numbered and checksummed when it is read.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use super::attempt::{DIRECTORY_MODE, FILE_MODE};
use super::mirror::Mirror;
use crate::beneath;
use crate::model::clock::Clock;
use crate::model::frame::{self, SEGMENT_BYTES};
use crate::model::manifest::{LogStream, LogSummary};
use crate::model::spec::files;

/// A line and whether it is a piece of one.
pub(super) type Cut = (Vec<u8>, bool);

/// Writes lines of all streams into segments, in the order in which they were read.
#[derive(Debug)]
pub(super) struct Log {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dir: OwnedFd,
    segment: File,
    index: u32,
    length: u64,
    limit: u64,
    summary: LogSummary,
    mirror: Mirror,
}

impl Log {
    /// Makes the directory and the first segment.
    pub(super) fn create(root: &OwnedFd, limit: u64) -> io::Result<Self> {
        let dir = beneath::make_directory(root, files::LOG, DIRECTORY_MODE)?;
        let segment = beneath::create(&dir, &frame::segment_name(0), FILE_MODE)?;
        let mirror = Mirror::start();
        let summary = LogSummary::default();
        Ok(Self { state: Mutex::new(State { dir, segment, index: 0, length: 0, limit, summary, mirror }) })
    }

    /// Appends lines that were read together.
    pub(super) fn append(&self, stream: LogStream, lines: &[Cut]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.append(stream, lines);
        state.mirror.show(lines.iter().map(|(line, _)| line.as_slice()));
    }

    /// Appends a line of the shim's own.
    pub(super) fn note(&self, text: &str) {
        self.append(LogStream::Shim, &[(text.as_bytes().to_vec(), false)]);
    }

    /// Ends the log durably and returns it in numbers.
    pub(super) fn finish(&self) -> LogSummary {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.mirror.finish();
        // What could not be made durable is found missing by its checksum or its number.
        state.segment.sync_all().ok();
        state.summary
    }
}

impl State {
    fn append(&mut self, stream: LogStream, lines: &[Cut]) {
        let at = Clock::System.now();
        let mut frames = Vec::new();
        let before = self.summary;
        for (line, partial) in lines {
            self.summary.last_seq += 1;
            if self.summary.bytes + line.len() as u64 > self.limit {
                self.summary.dropped += 1;
                continue;
            }
            self.summary.bytes += line.len() as u64;
            frame::encode(self.summary.last_seq, at, stream, *partial, line, &mut frames);
        }
        if self.write(&frames).is_err() {
            // A full disk drops lines as the limit does: they keep their numbers and are counted.
            self.summary.bytes = before.bytes;
            self.summary.dropped = before.dropped + lines.len() as u64;
        }
    }

    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        if self.length >= SEGMENT_BYTES {
            self.segment.sync_all()?;
            let next = beneath::create(&self.dir, &frame::segment_name(self.index + 1), FILE_MODE)?;
            self.segment = next;
            self.index += 1;
            self.length = 0;
        }
        self.length += frames.len() as u64;
        self.segment.write_all(frames)
    }
}
