//! Comma-separated values (RFC 4180) in UTF-8, for spreadsheets and databases: one line for each record.
//!
//! A cell that a spreadsheet would take for a formula begins with `'`; line ends and control characters are taken out. The
//! columns are stable: new ones come last. `type` says what a line is: `not_seen` (first; what the scan or a job did not see),
//! `finding`, `fixed`, `not_observed`. `complete` and `scan` stand on each line, so that a line says where it is from.

use std::borrow::Cow;
use std::io::Write;

use serde::Serialize;

use super::source::for_each;
use super::text::clean;
use super::{RenderError, Renderer, ReportData, unseen};
use crate::model::finding::{Confidence, Location, Record};
use crate::model::standing::{Fate, GoneView, Standing};
use crate::model::view::FindingView;

/// The format `csv`.
#[derive(Debug)]
pub(super) struct Csv;

/// The first line.
const COLUMNS: [&str; 36] = [
    "type",
    "severity",
    "title",
    "rule",
    "scanner",
    "job",
    "location",
    "path",
    "start_line",
    "end_line",
    "package",
    "package_version",
    "host",
    "port",
    "url",
    "parameter",
    "resource",
    "layer",
    "cwe",
    "vulnerabilities",
    "cvss_score",
    "cvss_vector",
    "confidence",
    "native_severity",
    "fix",
    "message",
    "evidence",
    "references",
    "standing",
    "decision",
    "decision_by",
    "decision_reason",
    "fingerprint",
    "complete",
    "scan",
    "target",
];

/// One row; the fields in the order of [`COLUMNS`].
#[derive(Debug, Default, Serialize)]
struct Row<'r> {
    kind: &'static str,
    severity: &'static str,
    title: Cow<'r, str>,
    rule: Cow<'r, str>,
    scanner: Cow<'r, str>,
    job: Cow<'r, str>,
    location: Cow<'r, str>,
    path: Cow<'r, str>,
    start_line: Option<u32>,
    end_line: Option<u32>,
    package: Cow<'r, str>,
    package_version: Cow<'r, str>,
    host: Cow<'r, str>,
    port: Option<u16>,
    url: Cow<'r, str>,
    parameter: Cow<'r, str>,
    resource: Cow<'r, str>,
    layer: Cow<'r, str>,
    cwe: Cow<'r, str>,
    vulnerabilities: Cow<'r, str>,
    cvss_score: Option<f64>,
    cvss_vector: Cow<'r, str>,
    confidence: &'static str,
    native_severity: Cow<'r, str>,
    fix: Cow<'r, str>,
    message: Cow<'r, str>,
    evidence: Cow<'r, str>,
    references: Cow<'r, str>,
    standing: &'static str,
    decision: &'static str,
    decision_by: Cow<'r, str>,
    decision_reason: Cow<'r, str>,
    fingerprint: Cow<'r, str>,
    complete: bool,
    scan: Cow<'r, str>,
    target: Cow<'r, str>,
}

impl Renderer for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let mut rows =
            ::csv::WriterBuilder::new().has_headers(false).terminator(::csv::Terminator::CRLF).from_writer(out);
        rows.write_record(COLUMNS).map_err(failed)?;
        let (complete, scan) = (data.scan.is_complete(), data.scan.id.to_string());
        let target = made(data.scan.target.to_string());
        let mut put = |line: Row<'_>| {
            let (scan, target) = (Cow::from(&*scan), Cow::from(&*target));
            rows.serialize(Row { complete, scan, target, ..line }).map_err(failed)
        };
        for line in unseen::lines(data) {
            put(Row { kind: "not_seen", message: cell(&line), ..Row::default() })?;
        }
        for_each(data.findings, |finding| put(found(&finding)).map(|()| true))?;
        for_each(data.gone, |finding| put(gone(&finding)).map(|()| true))?;
        Ok(rows.flush()?)
    }
}

fn failed(error: ::csv::Error) -> RenderError {
    RenderError::Write(error.into())
}

fn found(finding: &FindingView) -> Row<'_> {
    let muting = finding.muting.as_ref();
    let by = muting.map(|muting| muting.author.as_deref().unwrap_or(muting.origin.as_str()));
    Row {
        kind: "finding",
        scanner: made(finding.scanners()),
        job: cell(&finding.job),
        standing: finding.standing.map_or("", Standing::as_str),
        decision: muting.map_or("", |muting| muting.decision.as_str()),
        decision_by: by.map(cell).unwrap_or_default(),
        decision_reason: muting.and_then(|muting| muting.reason.as_deref()).map(cell).unwrap_or_default(),
        fingerprint: cell(&finding.fingerprint),
        ..of_record(&finding.record)
    }
}

fn gone(gone: &GoneView) -> Row<'_> {
    let (kind, message) = match gone.fate {
        Fate::Fixed => ("fixed", ""),
        Fate::NotObserved(reason) => ("not_observed", reason.explain()),
    };
    let record = gone.record.as_ref().map(of_record).unwrap_or_default();
    Row { kind, message: message.into(), scanner: cell(&gone.scanner), fingerprint: cell(&gone.fingerprint), ..record }
}

fn of_record(record: &Record) -> Row<'_> {
    let cwe: Vec<String> = record.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    Row {
        severity: record.severity.as_str(),
        title: cell(&record.title),
        rule: cell(&record.rule),
        cwe: cwe.join(" ").into(),
        vulnerabilities: made(record.vulnerabilities.join(" ")),
        cvss_score: record.cvss.as_ref().map(|cvss| cvss.score).filter(|score| score.is_finite()),
        cvss_vector: record.cvss.as_ref().and_then(|cvss| cvss.vector.as_deref()).map(cell).unwrap_or_default(),
        confidence: record.confidence.map_or("", |confidence| match confidence {
            Confidence::High => "high",
            Confidence::Medium => "medium",
            Confidence::Low => "low",
        }),
        native_severity: record.native_severity.as_deref().map(cell).unwrap_or_default(),
        fix: record.fix.as_deref().map(cell).unwrap_or_default(),
        message: cell(&record.message),
        evidence: record.evidence.as_deref().map(cell).unwrap_or_default(),
        references: made(record.references.join(" ")),
        ..of_location(&record.location)
    }
}

fn of_location(location: &Location) -> Row<'_> {
    let region = location.region();
    let base = Row {
        location: if *location == Location::Nowhere { Cow::default() } else { made(location.to_string()) },
        path: location.path().map(cell).unwrap_or_default(),
        start_line: region.map(|region| region.start_line),
        end_line: region.and_then(|region| region.end_line),
        ..Row::default()
    };
    match location {
        Location::Package { name, version, .. } => Row { package: cell(name), package_version: cell(version), ..base },
        Location::Host { host, port, .. } => Row { host: cell(host), port: *port, ..base },
        Location::Url { url, parameter } => {
            Row { url: cell(url), parameter: parameter.as_deref().map(cell).unwrap_or_default(), ..base }
        }
        Location::Image { layer, .. } => Row { layer: cell(layer), ..base },
        Location::Resource { name, .. } => Row { resource: cell(name), ..base },
        Location::File { .. } | Location::Nowhere => base,
    }
}

/// Makes a text inert in a spreadsheet: what could begin a formula there (`=`, `+`, `-`, `@`, also in full width) gets a `'` in
/// front, as OWASP's page on CSV injection has it.
fn cell(text: &str) -> Cow<'_, str> {
    let text = clean(text);
    let first = text.trim_start().chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{text}").into(),
        _ => text,
    }
}

/// The same for a text that was made here.
fn made(text: String) -> Cow<'static, str> {
    match cell(&text) {
        Cow::Owned(text) => text.into(),
        Cow::Borrowed(_) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        compared, findings, finished, hostile, job, muted, places, render, troubled, unfinished,
    };
    use super::{COLUMNS, cell};
    use crate::model::triage::Decision;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn each_finding_is_a_line_below_what_was_not_seen() {
        let text = render("csv", &unfinished(), &troubled(), findings()[..1].to_vec(), 80);
        insta::assert_snapshot!(text.replace("\r\n", "\n"), @r#"
type,severity,title,rule,scanner,job,location,path,start_line,end_line,package,package_version,host,port,url,parameter,resource,layer,cwe,vulnerabilities,cvss_score,cvss_vector,confidence,native_severity,fix,message,evidence,references,standing,decision,decision_by,decision_reason,fingerprint,complete,scan,target
not_seen,,,,,,,,,,,,,,,,,,,,,,,,,INCOMPLETE: the scan did not see all of its target; more may be there than is listed,,,,,,,,false,28t5cy4t,dir:.
not_seen,,,,,,,,,,,,,,,,,,,,,,,,,semgrep: timed_out: stopped after 10m (after 2 attempts),,,,,,,,false,28t5cy4t,dir:.
not_seen,,,,,,,,,,,,,,,,,,,,,,,,,trivy: its report tells of errors; its database is older than allowed,,,,,,,,false,28t5cy4t,dir:.
finding,critical,SQL built from strings,B608,bandit,bandit,shop/db.py:12,shop/db.py,12,,,,,,,,,,CWE-89,,9.8,,,,,"SQL built from strings, at length",,https://example.org/rule,new,,,,v1:0000000000000000000000000000000c,false,28t5cy4t,dir:.
fixed,high,Shell in a subprocess,B602,bandit,,shop/run.py:7,shop/run.py,7,,,,,,,,,,CWE-89,,,,,,,,,https://example.org/rule,,,,,v1:00000000000000000000000000000007,false,28t5cy4t,dir:.
"#);
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    }

    #[test]
    fn every_kind_of_place_fills_its_columns() {
        let table = rows(&render("csv", &finished(), &[], places(), 80));
        let column = |name: &str| COLUMNS.iter().position(|column| *column == name).unwrap();
        let of = |row: usize, names: &[&str]| {
            names.iter().map(|name| table[row + 1][column(name)].clone()).collect::<Vec<_>>().join("|")
        };
        assert_eq!(of(0, &["package", "package_version", "path"]), "log4j|2.0|pom.xml");
        assert_eq!(of(2, &["host", "port"]), "example.org|443");
        assert_eq!(of(3, &["url", "parameter"]), "https://example.org/a|q");
        assert_eq!(of(4, &["layer", "path"]), "sha256:0123|etc/key.pem");
        assert_eq!(of(5, &["resource", "path", "start_line"]), "aws_s3_bucket.data|main.tf|4");
        assert_eq!(of(7, &["location", "path"]), "|");
    }

    #[test]
    fn no_cell_is_a_formula_or_acts_on_a_terminal() {
        for text in ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "\u{200b}=1", "\u{1b}[0m=1", "＝1"]
        {
            assert!(cell(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(cell("a=b"), "a=b");
        let text = render("csv", &finished(), &[job("bandit", "bandit", [0; 6])], vec![hostile()], 80);
        let table = rows(&text);
        assert_eq!((table.len(), table[1].len()), (3, COLUMNS.len()));
        for cell in table.iter().flatten() {
            assert!(
                !cell.trim_start().starts_with(['=', '+', '-', '@']) && !cell.contains(char::is_control),
                "{cell:?}"
            );
        }
    }

    #[test]
    fn decisions_standings_and_what_is_gone_are_told() {
        let (scan, mut findings) = compared();
        findings.push(muted(Decision::Accepted));
        let table = rows(&render("csv", &scan, &[], findings, 80));
        let pick = |row: &[String]| [&row[0], &row[28], &row[29], &row[30], &row[31]].map(String::as_str).join("|");
        let told: Vec<String> = table[1..].iter().map(|row| pick(row)).collect();
        let expected = ["finding|existing|||", "finding|new|||", "finding|new|accepted|ada|only a test", "fixed||||"];
        assert_eq!(told, expected);
    }
}
