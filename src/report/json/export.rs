//! One finding of `dragnet.export/v1`, frozen as `dragnet.report/v1` is.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::v1::Finding;
use crate::model::finding::Record;
use crate::model::standing::{Fate, FindingKey};
use crate::model::triage::{HistoryEntry, Muting};
use crate::model::view::FindingView;

/// All that is known of a finding over time.
pub(crate) struct ExportJson<'e> {
    /// The key of its target.
    pub(crate) target_key: &'e str,
    /// The scanner.
    pub(crate) scanner: &'e str,
    /// Its name.
    pub(crate) name: FindingKey,
    /// How it stands on each line that has had it: line, the scan that says so, what became of it.
    pub(crate) lines: Vec<(&'e str, &'e str, Option<Fate>)>,
    /// The record as it was last seen; none when the scan that saw it was deleted.
    pub(crate) record: Option<&'e Record>,
    /// The decision that holds.
    pub(crate) decision: Option<&'e Muting>,
    /// What scans said of it, and what was decided, oldest first.
    pub(crate) history: &'e [HistoryEntry],
}

/// `open`, `not_observed` with the reason, or `fixed`.
#[derive(Serialize)]
struct StandsOn<'l> {
    line: Option<&'l str>,
    state: &'static str,
    reason: Option<&'static str>,
    scan: &'l str,
}

#[derive(Serialize)]
struct Entry<'h> {
    at: String,
    scan: Option<&'h str>,
    what: &'h str,
    reason: Option<&'h str>,
    author: Option<&'h str>,
}

impl Serialize for ExportJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines: Vec<StandsOn<'_>> = self.lines.iter().map(|(line, scan, fate)| stands(line, scan, *fate)).collect();
        // It is open while any line has it, or may have it.
        let open = self.lines.iter().any(|(_, _, fate)| !matches!(fate, Some(Fate::Fixed)));
        let view = self.record.map(|record| FindingView {
            fingerprint: self.name.to_string(),
            scanner: self.scanner.to_owned(),
            job: String::new(),
            standing: None,
            muting: self.decision.cloned(),
            exploitation: None,
            sources: Vec::new(),
            record: record.clone(),
        });
        let mut object = serializer.serialize_struct("Finding", 8)?;
        object.serialize_field("fingerprint", &self.name.to_string())?;
        object.serialize_field("target_key", self.target_key)?;
        object.serialize_field("scanner", self.scanner)?;
        object.serialize_field(
            "state",
            if self.lines.is_empty() {
                "unknown"
            } else if open {
                "open"
            } else {
                "fixed"
            },
        )?;
        object.serialize_field("lines", &lines)?;
        object.serialize_field("decision", &self.decision)?;
        object.serialize_field("history", &self.history.iter().map(history).collect::<Vec<_>>())?;
        object.serialize_field("last_seen", &view.as_ref().map(Finding::new))?;
        object.end()
    }
}

fn stands<'l>(line: &'l str, scan: &'l str, fate: Option<Fate>) -> StandsOn<'l> {
    let (state, reason) = match fate {
        None => ("open", None),
        Some(Fate::NotObserved(reason)) => ("not_observed", Some(reason.as_str())),
        Some(Fate::Fixed) => ("fixed", None),
    };
    StandsOn { line: Some(line).filter(|line| !line.is_empty()), state, reason, scan }
}

fn history(entry: &HistoryEntry) -> Entry<'_> {
    Entry {
        at: entry.at.to_string(),
        scan: entry.scan.as_deref(),
        what: &entry.what,
        reason: entry.reason.as_deref(),
        author: entry.author.as_deref(),
    }
}
