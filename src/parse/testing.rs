//! Helps the parsers' tests.

use super::{Context, Input, ParseError, Sink, Stop, Summary, parser};
use crate::model::asset::Asset;
use crate::model::finding::Record;

/// A sink that keeps everything.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) records: Vec<Record>,
    pub(super) assets: Vec<Asset>,
}

impl Sink for Kept {
    fn record(&mut self, record: Record) -> Result<(), Stop> {
        self.records.push(record);
        Ok(())
    }

    fn asset(&mut self, asset: Asset) -> Result<(), Stop> {
        self.assets.push(asset);
        Ok(())
    }
}

/// The context of a scanner that saw its source at `/src`.
pub(super) fn context() -> Context {
    Context { source_root: "/src".to_owned(), secret_key: b"key".to_vec() }
}

/// Parses a text and keeps everything.
pub(super) fn keep(format: &str, text: &str) -> Result<(Summary, Kept), ParseError> {
    let mut kept = Kept::default();
    let parser = parser(format).ok_or_else(|| ParseError::UnknownFormat(format.to_owned()))?;
    let summary = parser.parse(&mut Input::new(&mut text.as_bytes()), &context(), &mut kept)?;
    assert_eq!(summary.records, kept.records.len() as u64);
    assert_eq!(summary.assets, kept.assets.len() as u64);
    Ok((summary, kept))
}

/// How many records do not count, for their report says so.
pub(super) fn suppressed(records: &[Record]) -> usize {
    records.iter().filter(|record| record.suppressed.is_some()).count()
}

/// Parses a text and keeps its records.
pub(super) fn parse(format: &str, text: &str) -> Result<(Summary, Vec<Record>), ParseError> {
    keep(format, text).map(|(summary, kept)| (summary, kept.records))
}
