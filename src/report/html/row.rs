//! One finding as the page's script reads it: cleaned, and with its excerpt numbered.

use serde::Serialize;

use super::super::facts::seconds;
use super::super::text::clean;
use crate::model::finding::{Confidence, Location, Record};
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

/// What the scanner itself shows of the place, secrets masked. The source is not read for it: its lines are not masked.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Excerpt {
    lines: Vec<String>,
    /// The first line's number in the file, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u32>,
    /// First and last line of the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    marked: Option<[u32; 2]>,
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

/// What findings are grouped by where a reader asks for files.
fn grouped_by(location: &Location) -> &str {
    match location {
        Location::Package { name, path: None, .. } | Location::Resource { name, .. } if location.path().is_none() => {
            name
        }
        Location::Host { host, .. } => host,
        Location::Url { url, .. } => url.split(['?', '#']).next().unwrap_or_default(),
        other => other.path().unwrap_or("-"),
    }
}

fn line(text: &str) -> String {
    clean(text).trim().to_owned()
}

/// Lines, each cleaned; tabs keep their width.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| clean(&line.replace('\t', "    ")).trim_end().to_owned()).collect()
}

impl Excerpt {
    fn new(record: &Record) -> Option<Self> {
        let lines = lines(record.evidence.as_deref()?);
        let Some(region) = record.location.region() else { return Some(Self { lines, first: None, marked: None }) };
        let (start, end) = (region.start_line, region.end_line.unwrap_or(region.start_line).max(region.start_line));
        let marked = Some([start, end]);
        if let Some((first, lines)) = numbered(&lines, start) {
            return Some(Self { lines, first: Some(first), marked });
        }
        let is_place = u32::try_from(lines.len()).is_ok_and(|count| count == end - start + 1);
        if is_place {
            return Some(Self { lines, first: Some(start), marked });
        }
        Some(Self { lines, first: None, marked: None })
    }
}

/// Takes off the numbers that some scanners (bandit, gosec) write before each line, if they are that: they follow one another,
/// and the place is among them.
fn numbered(lines: &[String], start: u32) -> Option<(u32, Vec<String>)> {
    let split = |line: &str| {
        let line = line.trim_start();
        let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
        let (number, rest) = line.split_at(digits);
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let is_number = rest.is_empty() || rest.starts_with(' ');
        is_number.then(|| Some((number.parse::<u32>().ok()?, rest.strip_prefix(' ').unwrap_or(rest).to_owned())))?
    };
    let parts: Vec<(u32, String)> = lines.iter().map(|line| split(line)).collect::<Option<_>>()?;
    let follow = parts.windows(2).all(|pair| pair[0].0.checked_add(1) == Some(pair[1].0));
    let (first, last) = (parts.first()?.0, parts.last()?.0);
    let fits = follow && (first..=last).contains(&start);
    fits.then(|| (first, parts.into_iter().map(|(_, text)| text).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Region;

    fn excerpt(evidence: &str, start_line: u32, end_line: Option<u32>) -> Excerpt {
        let region = Some(Region { start_line, end_line, ..Region::default() });
        let location = Location::File { path: "a.py".to_owned(), region };
        Excerpt::new(&Record { evidence: Some(evidence.to_owned()), location, ..Record::default() }).unwrap()
    }

    fn of(lines: &[&str], first: Option<u32>, marked: Option<[u32; 2]>) -> Excerpt {
        Excerpt { lines: lines.iter().map(|&line| line.to_owned()).collect(), first, marked }
    }

    #[test]
    fn lines_are_numbered_where_their_numbers_are_known() {
        let bandit = "11 def f(x):\n12     q = x\n13 \n14 \treturn q";
        let lines = ["def f(x):", "    q = x", "", "    return q"];
        assert_eq!(excerpt(bandit, 12, None), of(&lines, Some(11), Some([12, 12])));
        assert_eq!(excerpt("7: a\n8: b", 7, Some(8)), of(&["a", "b"], Some(7), Some([7, 8])));
        assert_eq!(excerpt("a\nb", 3, Some(4)), of(&["a", "b"], Some(3), Some([3, 4])));
        assert_eq!(excerpt("key", 3, None), of(&["key"], Some(3), Some([3, 3])));
    }

    #[test]
    fn other_lines_have_no_numbers() {
        assert_eq!(excerpt("a\nb\nc", 3, Some(4)), of(&["a", "b", "c"], None, None));
        assert_eq!(excerpt("1 a\n3 b", 9, None), of(&["1 a", "3 b"], None, None));
        assert_eq!(excerpt("1 a\n2 b", 9, None), of(&["1 a", "2 b"], None, None), "the place is not among them");
        assert_eq!(excerpt("4294967295 a\n0 b", 9, None), of(&["4294967295 a", "0 b"], None, None));
        assert_eq!(excerpt("", 9, None), of(&[], None, None));
        let nowhere = Record { evidence: Some("x\u{202e}y\nz".to_owned()), ..Record::default() };
        assert_eq!(Excerpt::new(&nowhere), Some(of(&["xy", "z"], None, None)));
        assert_eq!(excerpt("a", u32::MAX, Some(1)), of(&["a"], Some(u32::MAX), Some([u32::MAX; 2])));
    }

    #[test]
    fn groups_are_files_or_what_comes_next_to_them() {
        let url = Location::Url { url: "https://example.org/a?b=c".to_owned(), parameter: None };
        let package = |path: Option<&str>| Location::Package {
            name: "left-pad".to_owned(),
            version: "1".to_owned(),
            path: path.map(str::to_owned),
        };
        assert_eq!(grouped_by(&url), "https://example.org/a");
        assert_eq!((grouped_by(&package(None)), grouped_by(&package(Some("a.lock")))), ("left-pad", "a.lock"));
        assert_eq!((grouped_by(&Location::running("vm-1")), grouped_by(&Location::Nowhere)), ("vm-1", "-"));
    }
}
