//! What must be kept in memory until another part of the file comes: bounded, and the parser is told when a bound is reached.

use std::collections::HashMap;

use crate::model::finding::Record;

/// Most that is held at a time, in bytes of text.
pub(super) const MAX_HELD: usize = 64 << 20;
/// What an entry takes beside its texts, about.
const OVERHEAD: usize = 128;

/// Records that wait for something which the file says behind them.
#[derive(Default)]
pub(super) struct Held {
    records: Vec<Record>,
    bytes: usize,
}

impl Held {
    /// Keeps a record. Says whether there is room for more; when there is none, all must be taken.
    #[must_use]
    pub(super) fn push(&mut self, record: Record) -> bool {
        self.bytes += weight(&record);
        self.records.push(record);
        self.bytes < MAX_HELD
    }

    /// Gives up all that wait.
    pub(super) fn take(&mut self) -> Vec<Record> {
        self.bytes = 0;
        std::mem::take(&mut self.records)
    }
}

/// Texts of a record, in bytes.
pub(super) fn weight(record: &Record) -> usize {
    let lists = record.references.iter().chain(&record.vulnerabilities).map(|text| text.len() + 24).sum::<usize>();
    let texts = [&record.rule, &record.title, &record.message, &record.identity];
    let optional = [&record.evidence, &record.fix, &record.native_severity];
    let optional = optional.into_iter().flatten().map(String::len).sum::<usize>();
    OVERHEAD + lists + optional + texts.into_iter().map(String::len).sum::<usize>()
}

/// Entries that later parts of the file name.
pub(super) struct Table<V> {
    entries: HashMap<String, V>,
    bytes: usize,
    full: bool,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), bytes: 0, full: false }
    }
}

impl<V> Table<V> {
    /// Keeps an entry whose texts are `bytes` long, if there is room.
    pub(super) fn insert(&mut self, key: String, value: V, bytes: usize) {
        let needed = self.bytes + key.len() + bytes + OVERHEAD;
        if needed > MAX_HELD {
            self.full = true;
            return;
        }
        self.bytes = needed;
        self.entries.insert(key, value);
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    /// Whether something did not fit.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let long = || Record { message: "x".repeat(MAX_HELD / 4), ..Record::default() };
        let mut held = Held::default();
        assert!(held.push(long()) && held.push(long()) && held.push(long()));
        assert!(!held.push(long()));
        assert_eq!(held.take().len(), 4);
        assert!(held.push(long()));

        let mut table = Table::default();
        table.insert("a".to_owned(), 1, MAX_HELD / 2);
        assert!(!table.is_full());
        table.insert("b".to_owned(), 2, MAX_HELD);
        assert!(table.is_full() && table.get("a") == Some(&1) && table.get("b").is_none());
    }
}
