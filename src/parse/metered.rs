//! A bound on what one value may be long, for readers that build it themselves.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Longest single value, element or line that is taken, in bytes.
pub(super) const MAX_VALUE: usize = 16 << 20;

/// How many more bytes may be read before the next value begins.
#[derive(Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MAX_VALUE as u64)))
    }
}

impl Budget {
    /// Begins a value that will be held in memory.
    pub(super) fn renew(&self) {
        self.0.set(MAX_VALUE as u64);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// A reader that stops when the budget is spent.
pub(super) struct Metered<R> {
    pub(super) inner: R,
    pub(super) budget: Budget,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.budget.is_spent() {
            return Err(io::Error::other("a value is too long"));
        }
        let read = self.inner.read(buffer)?;
        self.budget.0.set(self.budget.0.get().saturating_sub(read as u64));
        Ok(read)
    }
}
