//! One finding as the page's script reads it: cleaned, and with its excerpt numbered.

use serde::Serialize;

use super::super::excerpt::{Excerpt, grouped_by, lines};
use super::super::facts::seconds;
use super::super::text::clean;
use crate::model::finding::{Confidence, Record};
use crate::model::standing::{Fate, GoneView, Standing};
use crate::model::triage::Muting;
use crate::model::view::FindingView;

/// One line of the page's list. What is empty is left out.
#[derive(Debug, Default, Serialize)]
pub(super) struct Row {
    id: String,
    /// 0 for critical to 5 for unknown, 6 for a finding whose record is not kept any more.
    severity: u8,
    title: String,
    rule: String,
    scanner: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    job: String,
    /// Where it is, in words.
    place: String,
    /// The file, host or package: what findings are grouped by.
    file: String,
    #[serde(skip_serializing_if = "is_zero")]
    line: u32,
    /// `new`, `existing`, `reopened`; `fixed`, `not observed`; empty until the scan was compared.
    #[serde(skip_serializing_if = "str::is_empty")]
    standing: &'static str,
    /// Why it is not observed.
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted: Option<Decided>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    native: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<Excerpt>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Severity of a finding whose record is not kept any more.
const NO_SEVERITY: u8 = 6;

/// Why a finding does not count.
#[derive(Debug, Serialize)]
struct Decided {
    decision: &'static str,
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl Row {
    pub(super) fn new(finding: &FindingView) -> Self {
        Self {
            id: line(&finding.fingerprint),
            scanner: line(&finding.scanners()),
            job: line(&finding.job),
            standing: finding.standing.map_or("", Standing::as_str),
            muted: finding.muting.as_ref().map(Decided::new),
            ..Self::of_record(&finding.record)
        }
    }

    /// A finding that was open before the scan and that it did not bring.
    pub(super) fn gone(gone: &GoneView) -> Self {
        let (standing, why) = match gone.fate {
            Fate::Fixed => ("fixed", ""),
            Fate::NotObserved(reason) => ("not observed", reason.explain()),
        };
        let none = || Self {
            severity: NO_SEVERITY,
            title: "The scan that saw it was deleted".to_owned(),
            place: "-".to_owned(),
            file: "-".to_owned(),
            ..Self::default()
        };
        let base = gone.record.as_ref().map_or_else(none, Self::of_record);
        Self { id: line(&gone.fingerprint), scanner: line(&gone.scanner), standing, why, ..base }
    }

    fn of_record(record: &Record) -> Self {
        let weaknesses = record.cwe.iter().map(|number| format!("CWE-{number}"));
        Self {
            severity: record.severity.rank(),
            title: line(&record.title),
            rule: line(&record.rule),
            place: line(&record.location.to_string()),
            file: line(grouped_by(&record.location)),
            line: record.location.region().map_or(0, |region| region.start_line),
            message: if record.message == record.title { String::new() } else { lines(&record.message).join("\n") },
            native: record.native_severity.as_deref().map(line),
            confidence: record.confidence.map(|confidence| match confidence {
                Confidence::High => "high",
                Confidence::Medium => "medium",
                Confidence::Low => "low",
            }),
            known: weaknesses.chain(record.vulnerabilities.iter().map(|id| line(id))).collect(),
            cvss: record.cvss.as_ref().map(|cvss| format!("{:.1}", cvss.score)),
            vector: record.cvss.as_ref().and_then(|cvss| cvss.vector.as_deref()).map(line),
            fix: record.fix.as_deref().map(|fix| lines(fix).join("\n")),
            references: record.references.iter().map(|link| line(link)).collect(),
            excerpt: Excerpt::new(record),
            ..Self::default()
        }
    }
}

impl Decided {
    fn new(muting: &Muting) -> Self {
        let by = muting.author.as_deref().map_or_else(|| muting.origin.who().to_owned(), line);
        Self {
            decision: muting.decision.in_words(),
            by,
            reason: muting.reason.as_deref().map(line),
            until: muting.until.map(|until| seconds(until.to_string())),
        }
    }
}

fn line(text: &str) -> String {
    clean(text).trim().to_owned()
}
