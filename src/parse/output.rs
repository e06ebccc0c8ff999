//! What a parser hands on, counted and kept within bounds.

use serde_json::Value;

use crate::model::asset::Asset;
use crate::model::finding::{Location, Record};

use super::text::{cut, shorten, trim_in_place};
use super::value::at;
use super::{ParseError, Sink, Summary};

const MAX_ERRORS: usize = 20;
const MAX_ERROR: usize = 500;
const MAX_REASONS: usize = 50;
const MAX_REASON: usize = 100;
const OTHER_REASONS: &str = "for other reasons";
const MAX_TITLE: usize = 300;
const MAX_MESSAGE: usize = 8 << 10;
const MAX_EVIDENCE: usize = 8 << 10;
const MAX_PLACE: usize = 4 << 10;
const MAX_LIST: usize = 100;
/// Why packages of a list of parts are no records.
pub(super) const INVENTORY: &str = "inventory, no problem";
const NO_RULE: &str = "unnamed";

/// A sink with the summary of what went into it.
pub(super) struct Output<'s> {
    sink: &'s mut dyn Sink,
    pub(super) summary: Summary,
}

impl<'s> Output<'s> {
    pub(super) fn new(sink: &'s mut dyn Sink) -> Self {
        Self { sink, summary: Summary::default() }
    }

    /// Hands on a record. What is longer than anybody reads is cut, and the cut shows as `…`.
    pub(super) fn record(&mut self, mut record: Record) -> Result<(), ParseError> {
        bound(&mut record);
        self.sink.record(record)?;
        self.summary.records += 1;
        Ok(())
    }

    pub(super) fn asset(&mut self, asset: Asset) -> Result<(), ParseError> {
        self.sink.asset(asset)?;
        self.summary.assets += 1;
        Ok(())
    }

    /// Counts a record that is not handed on.
    pub(super) fn skip(&mut self, reason: &str) {
        self.skip_several(reason, 1);
    }

    /// Counts records that are not handed on; a report may claim any number.
    pub(super) fn skip_several(&mut self, reason: &str, count: u64) {
        if count > 0 {
            let reasons = &mut self.summary.skipped;
            // A report may give each of its results a reason of its own.
            let known = reasons.len() < MAX_REASONS || reasons.contains_key(reason);
            let reason = if known { cut(reason, MAX_REASON) } else { OTHER_REASONS.to_owned() };
            let skipped = reasons.entry(reason).or_default();
            *skipped = skipped.saturating_add(count);
        }
    }

    /// Refuses a result that has none of what every result of the format has: the document is another's.
    pub(super) fn expect(&self, format: &'static str, value: &Value, any_of: &[&str]) -> Result<(), ParseError> {
        if any_of.iter().any(|pointer| at(value, pointer).is_some()) {
            return Ok(());
        }
        let wanted: Vec<_> = any_of.iter().map(|pointer| format!("`{}`", pointer.trim_start_matches('/'))).collect();
        Err(self.refuse(format, &format!("a result has no {}", wanted.join(" or "))))
    }

    /// The error for a result that cannot be.
    pub(super) fn refuse(&self, format: &'static str, message: &str) -> ParseError {
        let place = format!("result {}", self.counted() + 1);
        ParseError::Invalid { format, message: message.to_owned(), place }
    }

    /// How many results there were so far, handed on or not.
    pub(super) fn counted(&self) -> u64 {
        self.summary.records + self.summary.assets + self.summary.skipped.values().sum::<u64>()
    }

    /// Notes an error that the report tells of; the 20 first are kept.
    pub(super) fn error(&mut self, message: &str) {
        if self.summary.errors.len() < MAX_ERRORS {
            let line: String = message.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            self.summary.errors.push(cut(&line, MAX_ERROR));
        }
    }

    /// Notes the tool's version.
    pub(super) fn version(&mut self, version: Option<&str>) {
        if let Some(version) = version {
            self.summary.tool_version.get_or_insert_with(|| cut(version, 64));
        }
    }
}

fn bound(record: &mut Record) {
    bound_text(&mut record.rule, MAX_TITLE);
    if record.rule.is_empty() {
        NO_RULE.clone_into(&mut record.rule);
    }
    if let Some(end) = record.title.find('\n') {
        record.title.truncate(end);
    }
    bound_text(&mut record.title, MAX_TITLE);
    if record.title.is_empty() {
        record.title.clone_from(&record.rule);
    }
    bound_text(&mut record.message, MAX_MESSAGE);
    if let Some(evidence) = &mut record.evidence {
        evidence.truncate(evidence.trim_end().len());
        shorten(evidence, MAX_EVIDENCE);
    }
    for (text, most) in [(&mut record.fix, MAX_MESSAGE), (&mut record.suppressed, MAX_TITLE)] {
        if let Some(text) = text {
            bound_text(text, most);
        }
    }
    shorten(&mut record.identity, MAX_PLACE);
    record.native_severity.iter_mut().for_each(|text| shorten(text, MAX_TITLE));
    bound_location(&mut record.location);
    record.references.truncate(MAX_LIST);
    record.vulnerabilities.truncate(MAX_LIST);
    record.references.iter_mut().for_each(|reference| shorten(reference, MAX_PLACE));
    record.vulnerabilities.iter_mut().for_each(|id| shorten(id, MAX_TITLE));
    if let Some(vector) = record.cvss.as_mut().and_then(|cvss| cvss.vector.as_mut()) {
        shorten(vector, MAX_TITLE);
    }
    record.cwe.truncate(MAX_LIST);
}

fn bound_text(text: &mut String, most: usize) {
    trim_in_place(text);
    shorten(text, most);
}

/// No file has a longer path, and no address that anybody serves is longer.
fn bound_location(location: &mut Location) {
    let parts: &mut [&mut String] = match location {
        Location::File { path, .. } => &mut [path],
        Location::Package { name, version, path: None } => &mut [name, version],
        Location::Package { name, version, path: Some(path) } => &mut [name, version, path],
        Location::Host { host, protocol: None, .. } => &mut [host],
        Location::Host { host, protocol: Some(protocol), .. } => &mut [host, protocol],
        Location::Url { url, parameter: None } => &mut [url],
        Location::Url { url, parameter: Some(parameter) } => &mut [url, parameter],
        Location::Image { layer, path } => &mut [layer, path],
        Location::Resource { name, path, .. } => &mut [name, path],
        Location::Nowhere => &mut [],
    };
    for part in parts {
        shorten(part, MAX_MESSAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Kept;
    use super::*;

    #[test]
    fn reasons_are_as_few_as_a_person_reads_and_count_all() {
        let mut kept = Kept::default();
        let mut output = Output::new(&mut kept);
        for number in 0..10_000 {
            output.skip(&format!("status {number}"));
            output.skip(&"x".repeat(10_000));
        }
        let reasons = output.summary.skipped;
        assert_eq!((reasons.len(), reasons.values().sum::<u64>()), (MAX_REASONS + 1, 20_000));
        assert!(reasons[OTHER_REASONS] > 9_000 && reasons.keys().all(|reason| reason.len() <= MAX_REASON + 3));
    }
}
