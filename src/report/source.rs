//! Where findings and assets come from, in pages.

/// A list that may be longer than memory.
pub trait Source<T> {
    /// Reads the next items; an empty page means the end. The order is stable: findings worst first.
    fn next_page(&mut self) -> Result<Vec<T>, SourceError>;

    /// Goes back to the first item; some formats need more than one pass.
    fn rewind(&mut self) -> Result<(), SourceError>;
}

/// A list that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What went wrong, and where.
    pub message: String,
}

/// A list that is in memory already.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    items: Vec<T>,
    at: usize,
}

impl<T> Listed<T> {
    const PAGE: usize = 500;

    /// Makes a source of a list.
    pub const fn new(items: Vec<T>) -> Self {
        Self { items, at: 0 }
    }
}

impl<T: Clone> Source<T> for Listed<T> {
    fn next_page(&mut self) -> Result<Vec<T>, SourceError> {
        let page: Vec<T> = self.items.iter().skip(self.at).take(Self::PAGE).cloned().collect();
        self.at += page.len();
        Ok(page)
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.at = 0;
        Ok(())
    }
}

/// Calls `each` for every item from the first to the last, or until it returns false.
pub(super) fn for_each<T, E: From<SourceError>>(
    source: &mut dyn Source<T>,
    mut each: impl FnMut(T) -> Result<bool, E>,
) -> Result<(), E> {
    source.rewind()?;
    loop {
        let page = source.next_page()?;
        if page.is_empty() {
            return Ok(());
        }
        for item in page {
            if !each(item)? {
                return Ok(());
            }
        }
    }
}
