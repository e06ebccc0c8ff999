//! DefectDojo's "Generic Findings Import", JSON
//! (<https://docs.defectdojo.com/supported_tools/parsers/generic_findings_import/>).
//!
//! Each finding is one there; decisions are `false_p`, `risk_accepted`, `out_of_scope` and make it inactive. The format has no
//! field for what a scan did not see, and a reimport closes what a report does not bring: an incomplete scan says so in the
//! test's description and in findings of its own, one for each gap, which the next complete scan closes. Markdown is escaped.

use std::io::Write;

use serde::Serialize;

use super::json::Array;
use super::source::for_each;
use super::text::{clean, clean_lines, cut, inert};
use super::words::to_the_second;
use super::{RenderError, Renderer, ReportData, unseen};
use crate::model::finding::{Confidence, Location};
use crate::model::severity::Severity;
use crate::model::triage::Decision;
use crate::model::view::FindingView;

/// The format `defectdojo`.
#[derive(Debug)]
pub(super) struct DefectDojo;

/// Lengths of DefectDojo's columns, in characters.
const MAX_TITLE: usize = 511;
const MAX_NAME: usize = 500;
const MAX_VERSION: usize = 100;
const MAX_PATH: usize = 4_000;

/// A finding; fields that it does not have are left out, for others than these are refused.
#[derive(Debug, Default, Serialize)]
struct Entry {
    title: String,
    severity: &'static str,
    description: String,
    date: String,
    active: bool,
    false_p: bool,
    risk_accepted: bool,
    out_of_scope: bool,
    static_finding: bool,
    dynamic_finding: bool,
    unique_id_from_tool: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    vuln_id_from_tool: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mitigation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    references: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwe: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvssv3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cvssv3_score: Option<f64>,
    /// As DefectDojo counts it: 1 to 10, the smaller the surer.
    #[serde(skip_serializing_if = "Option::is_none")]
    scanner_confidence: Option<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulnerability_ids: Vec<String>,
    tags: Vec<String>,
}

impl Renderer for DefectDojo {
    fn name(&self) -> &'static str {
        "defectdojo"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let missing = unseen::lines(data);
        let date = to_the_second(data.scan.finished_at.unwrap_or(data.scan.created_at))[..10].to_owned();
        let mut about = vec![format!("Scan {} of {}", data.scan.id, inert(&clean(&data.scan.target.to_string())))];
        about.extend(missing.iter().map(|line| inert(line)));
        write!(out, "{{\"name\":\"dragnet\",\"type\":\"dragnet\",\"version\":\"{}\"", env!("CARGO_PKG_VERSION"))?;
        write!(out, ",\"description\":{}", serde_json::to_string(&about.join("\n\n"))?)?;
        write!(out, ",\n\"findings\":")?;
        let mut findings = Array::open(out)?;
        if !data.scan.is_complete() {
            missing.iter().try_for_each(|line| findings.item(&Entry::of_gap(line, &date)))?;
        }
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            findings.item(&Entry::new(&finding, &date)).map(|()| true)
        })?;
        findings.close()?;
        Ok(writeln!(out, "}}")?)
    }
}

impl Entry {
    /// Tells that something was not seen, where everybody who looks at the findings sees it.
    fn of_gap(line: &str, date: &str) -> Self {
        Self {
            title: cut(&format!("Not seen: {line}"), MAX_TITLE).into_owned(),
            severity: "Info",
            description: format!(
                "{}\n\nThis is no weakness of the target: the scan says what it did not look at.",
                inert(line)
            ),
            date: date.to_owned(),
            active: true,
            unique_id_from_tool: super::words::uuid(&["not seen", line]),
            tags: vec!["dragnet".to_owned(), "incomplete".to_owned()],
            ..Self::default()
        }
    }

    fn new(finding: &FindingView, date: &str) -> Self {
        let record = &finding.record;
        let decision = finding.muting.as_ref().map(|muting| muting.decision);
        let is_dynamic = matches!(record.location, Location::Host { .. } | Location::Url { .. });
        let title = match clean(&record.title).trim() {
            "" => clean(&record.rule).into_owned(),
            title => title.to_owned(),
        };
        let mut tags = vec![tag(&finding.scanner)];
        tags.extend((record.severity == Severity::Unknown).then(|| "severity-unknown".to_owned()));
        tags.extend(finding.standing.map(|standing| standing.as_str().to_owned()));
        Self {
            title: cut(&title, MAX_TITLE).into_owned(),
            severity: severity(record.severity),
            description: description(finding),
            date: date.to_owned(),
            active: decision.is_none(),
            false_p: decision == Some(Decision::FalsePositive),
            risk_accepted: decision == Some(Decision::Accepted),
            out_of_scope: decision == Some(Decision::Suppressed),
            static_finding: !is_dynamic,
            dynamic_finding: is_dynamic,
            unique_id_from_tool: format!("{}:{}", clean(&finding.scanner), clean(&finding.fingerprint)),
            vuln_id_from_tool: cut(&clean(&record.rule), MAX_NAME).into_owned(),
            mitigation: record.fix.as_deref().map(|fix| inert(&clean_lines(fix))),
            references: references(&record.references),
            file_path: record.location.path().map(|path| cut(&clean(path), MAX_PATH).into_owned()),
            line: record.location.region().map(|region| region.start_line),
            cwe: record.cwe.first().copied(),
            scanner_confidence: record.confidence.map(|confidence| match confidence {
                Confidence::High => 1,
                Confidence::Medium => 4,
                Confidence::Low => 7,
            }),
            vulnerability_ids: record.vulnerabilities.iter().map(|id| clean(id).into_owned()).collect(),
            tags,
            ..Self::default()
        }
        .with_component(&record.location)
        .with_cvss(finding)
    }

    fn with_component(self, location: &Location) -> Self {
        let Location::Package { name, version, .. } = location else { return self };
        let component_name = Some(cut(&clean(name), MAX_NAME).into_owned());
        Self { component_name, component_version: Some(cut(&clean(version), MAX_VERSION).into_owned()), ..self }
    }

    /// Only what is of version 3: the field is for no other.
    fn with_cvss(self, finding: &FindingView) -> Self {
        let Some(cvss) = &finding.record.cvss else { return self };
        let vector = cvss.vector.as_deref().filter(|vector| {
            vector.starts_with("CVSS:3.") && vector.len() <= 117 && vector.bytes().all(|byte| byte.is_ascii_graphic())
        });
        let score = cvss.score.is_finite().then_some(cvss.score).filter(|_| cvss.vector.is_none() || vector.is_some());
        Self { cvssv3: vector.map(str::to_owned), cvssv3_score: score, ..self }
    }
}

/// The message, and what has no field of its own.
fn description(finding: &FindingView) -> String {
    let record = &finding.record;
    let message = if record.message.is_empty() { &record.title } else { &record.message };
    let mut parts = vec![inert(&clean_lines(message))];
    let mut say = |label: &str, text: &str| parts.push(format!("{label}: {}", inert(&clean(text))));
    say("Scanner", &finding.scanners());
    say("Rule", &record.rule);
    if record.location != Location::Nowhere {
        say("Place", &record.location.to_string());
    }
    if let [_, more @ ..] = record.cwe.as_slice() {
        for number in more {
            say("Weakness", &format!("CWE-{number}"));
        }
    }
    if let Some(native) = &record.native_severity {
        say("Severity in the scanner's word", native);
    }
    if let Some(muting) = &finding.muting {
        let by = muting.author.as_deref().unwrap_or(muting.origin.as_str());
        say(
            "Decision",
            &format!(
                "{} by {by}: {}",
                muting.decision.in_words(),
                muting.reason.as_deref().unwrap_or("no reason given")
            ),
        );
    }
    if let Some(evidence) = &record.evidence {
        // Indented by four, a line is code and nothing in it is markup.
        let code: Vec<String> = clean_lines(evidence).lines().map(|line| format!("    {line}")).collect();
        parts.push(format!("Evidence:\n\n{}", code.join("\n")));
    }
    parts.join("\n\n")
}

fn references(references: &[String]) -> Option<String> {
    let lines: Vec<String> = references.iter().map(|url| inert(&clean(url))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A word without the commas and spaces that would make several tags of it.
fn tag(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    text.chars().take(64).map(letter).collect()
}

/// DefectDojo has no unknown; it counts as high, as it does in gates, and has a tag.
const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High | Severity::Unknown => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testing::{findings, finished, hostile, muted, places, render, troubled, unfinished};
    use crate::model::triage::Decision;

    #[test]
    fn a_finding_looks_like_this() {
        insta::assert_snapshot!(render("defectdojo", &finished(), &[], findings()[..1].to_vec(), 80), @r#"
{"name":"dragnet","type":"dragnet","version":"0.1.0","description":"Scan 28t5cy4t of dir:.",
"findings":[
{"title":"SQL built from strings","severity":"Critical","description":"SQL built from strings, at length\n\nScanner: bandit\n\nRule: B608\n\nPlace: shop/db.py:12","date":"2026-11-21","active":true,"false_p":false,"risk_accepted":false,"out_of_scope":false,"static_finding":true,"dynamic_finding":false,"unique_id_from_tool":"bandit:v1:0000000000000000000000000000000c","vuln_id_from_tool":"B608","references":"https://example.org/rule","file_path":"shop/db.py","line":12,"cwe":89,"cvssv3_score":9.8,"tags":["bandit","new"]}]}
"#);
    }

    #[test]
    fn what_was_not_seen_is_a_finding_too() {
        let text = render("defectdojo", &unfinished(), &troubled(), findings(), 80);
        let document: Value = serde_json::from_str(&text).unwrap();
        let titles: Vec<&str> =
            document["findings"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
        assert_eq!(titles.len(), 6);
        assert_eq!(titles[1], "Not seen: semgrep: timed_out: stopped after 10m (after 2 attempts)");
        assert!(document["description"].as_str().unwrap().contains("INCOMPLETE"));
    }

    #[test]
    fn decisions_and_places_have_their_fields() {
        let mut all = places();
        all.extend([Decision::Accepted, Decision::FalsePositive, Decision::Suppressed].map(muted));
        let document: Value = serde_json::from_str(&render("defectdojo", &finished(), &[], all, 80)).unwrap();
        let of = |at: usize, fields: &[&str]| -> String {
            fields.iter().map(|field| document["findings"][at][field].to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(0, &["component_name", "component_version", "file_path"]), r#""log4j" "2.0" "pom.xml""#);
        assert_eq!(of(3, &["dynamic_finding", "static_finding"]), "true false");
        let decided = ["active", "risk_accepted", "false_p", "out_of_scope"];
        assert_eq!(of(8, &decided), "false true false false");
        assert_eq!(of(9, &decided), "false false true false");
        assert_eq!(of(10, &decided), "false false false true");
    }

    #[test]
    fn hostile_words_are_inert() {
        let text = render("defectdojo", &finished(), &[], vec![hostile()], 80);
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("\\u0000"));
        let document: Value = serde_json::from_str(&text).unwrap();
        let one = &document["findings"][0];
        assert!(one["description"].as_str().unwrap().starts_with("=cmd\\|' /C calc'\\!A0\\<img"));
        assert!(one.get("cvssv3").is_none() && one.get("cvssv3_score").is_none());
    }
}
