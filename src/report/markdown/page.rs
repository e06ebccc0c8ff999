//! A document that may not be longer than somebody takes.

use std::io::{self, Write};

/// Bytes kept for what says that the rest is left out.
const RESERVE: usize = 2_048;

/// What is written, and how much more may be.
pub(super) struct Page<'o> {
    out: &'o mut dyn Write,
    /// Bytes that are left; none where there is no limit.
    left: Option<usize>,
}

impl<'o> Page<'o> {
    pub(super) fn new(out: &'o mut dyn Write, most: Option<usize>) -> Self {
        Self { out, left: most }
    }

    /// Writes a line that must be there: short, of our own words.
    pub(super) fn put(&mut self, line: &str) -> io::Result<()> {
        self.left = self.left.map(|left| left.saturating_sub(line.len() + 1));
        writeln!(self.out, "{line}")
    }

    /// Writes a line if there is room for it, and tells whether there was.
    pub(super) fn offer(&mut self, line: &str) -> io::Result<bool> {
        if self.left.is_some_and(|left| left < line.len() + 1 + RESERVE) {
            return Ok(false);
        }
        self.put(line).map(|()| true)
    }
}
