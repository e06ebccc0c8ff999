//! Reading a log from its segments.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::beneath;
use crate::model::frame::{Frames, MAX_SEGMENT_BYTES, segment_name};
use crate::model::manifest::LogLine;

/// What a log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A line.
    Line(LogLine),
    /// Numbers that are missing: dropped over the limit, or damaged.
    Hole(Range<u64>),
}

/// Reads the lines of a directory of segments in order, one segment in memory at a time.
#[derive(Debug)]
pub struct LogReader {
    dir: OwnedFd,
    index: u32,
    next_seq: u64,
    lines: VecDeque<LogLine>,
}

impl LogReader {
    /// Starts at line `from_seq` (1 is the first) of the segments in `dir`.
    pub fn open(dir: &Path, from_seq: u64) -> io::Result<Self> {
        Ok(Self::at(beneath::root(dir)?, 0, from_seq))
    }

    /// Starts at line `from_seq`, of which it is known that it is in no segment before `segment`.
    pub(super) fn at(dir: OwnedFd, segment: u32, from_seq: u64) -> Self {
        Self { dir, index: segment, next_seq: from_seq.max(1), lines: VecDeque::new() }
    }

    /// Returns the segment that the next line is in at the earliest. At the end of a log that is still written it is the last one,
    /// which may have grown when it is read again.
    pub(super) const fn segment(&self) -> u32 {
        self.index.saturating_sub(1)
    }

    /// Loads segments until one has a line; returns whether there is one.
    fn load(&mut self) -> io::Result<bool> {
        while self.lines.is_empty() {
            let bytes = match beneath::read(&self.dir, &segment_name(self.index), MAX_SEGMENT_BYTES) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                read => read?,
            };
            self.index += 1;
            self.lines.extend(Frames::new(&bytes).filter(|line| line.seq >= self.next_seq));
        }
        Ok(true)
    }
}

impl Iterator for LogReader {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<io::Result<Entry>> {
        match self.load() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error)),
        }
        let seq = self.lines.front()?.seq;
        if seq > self.next_seq {
            let hole = self.next_seq..seq;
            self.next_seq = seq;
            return Some(Ok(Entry::Hole(hole)));
        }
        self.next_seq = seq.saturating_add(1);
        self.lines.pop_front().map(|line| Ok(Entry::Line(line)))
    }
}
