//! The part of GitLab's security reports, schema 15.2.1, that is written.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Counts;
use super::kind::Kind;
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;
use crate::model::triage::Decision;
use crate::model::view::{FindingView, ScanView};
use crate::report::text::{clean, clean_lines, cut, inert, is_web_address};
use crate::report::words::{to_the_second, uuid};

/// Lengths of the schema, in characters.
const MAX_NAME: usize = 255;
const MAX_DESCRIPTION: usize = 1_048_576;
const MAX_SOLUTION: usize = 7_000;
/// GitLab takes the first of a vulnerability's identifiers alone (`Vulnerabilities::Finding::MAX_NUMBER_OF_IDENTIFIERS` there).
const MAX_IDENTIFIERS: usize = 20;

/// `vulnerabilities[]`.
#[derive(Serialize)]
pub(super) struct Vulnerability {
    id: String,
    name: String,
    description: String,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    identifiers: Vec<Identifier>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Link>,
    details: BTreeMap<&'static str, Detail>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Flag>,
    location: Place,
}

/// `identifiers[]`; the first is what GitLab knows a vulnerability by.
#[derive(Debug, PartialEq, Serialize)]
struct Identifier {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Link {
    url: String,
}

/// `details`, of the types `text` and `code`.
#[derive(Serialize)]
struct Detail {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Flag {
    #[serde(rename = "type")]
    kind: &'static str,
    origin: &'static str,
    description: String,
}

/// `location`; each kind of report has its own fields.
#[derive(Default, Serialize)]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependency: Option<Dependency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operating_system: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Commit>,
}

#[derive(Serialize)]
struct Dependency {
    package: Package,
    version: String,
}

#[derive(Serialize)]
struct Package {
    name: String,
}

#[derive(Serialize)]
struct Commit {
    sha: String,
}

impl Vulnerability {
    pub(super) fn new(kind: Kind, finding: &FindingView, scan: &ScanView, counts: &mut Counts) -> Self {
        let record = &finding.record;
        let mut shorten = |text: String, most: usize| {
            let short = cut(&text, most).into_owned();
            counts.cut += u64::from(short.len() != text.len());
            short
        };
        let mut description = if record.message.is_empty() { &record.title } else { &record.message }.clone();
        if let Some(others) = finding.also_by() {
            description = format!("{others}\n{description}");
        }
        let name = clean(&record.title).trim().to_owned();
        let mut identifiers = identifiers(kind, finding);
        let name = shorten(if name.is_empty() { identifiers[0].name.clone() } else { name }, MAX_NAME);
        let description = shorten(inert(&clean_lines(&description)), MAX_DESCRIPTION);
        let solution = record.fix.as_deref().map(|fix| shorten(inert(&clean_lines(fix)), MAX_SOLUTION));
        counts.cut += u64::from(identifiers.len() > MAX_IDENTIFIERS);
        identifiers.truncate(MAX_IDENTIFIERS);
        let links = record.references.iter().filter(|url| is_web_address(url));
        Self {
            id: uuid(&["gitlab", &finding.scanner, &finding.job, &finding.fingerprint]),
            name,
            description,
            severity: severity(record.severity),
            solution,
            identifiers,
            links: links.map(|url| Link { url: url.clone() }).collect(),
            details: details(finding),
            flags: flags(finding),
            location: Place::new(kind, record, scan, counts),
        }
    }
}

/// The rule comes first for code and secrets; for packages the vulnerability, which other scanners name too.
fn identifiers(kind: Kind, finding: &FindingView) -> Vec<Identifier> {
    let record = &finding.record;
    let rule = Identifier {
        kind: format!("{}_rule", word(&finding.scanner)),
        name: named(&record.rule, "rule"),
        value: named(&record.rule, "rule"),
        url: None,
    };
    let mut all: Vec<Identifier> = record.vulnerabilities.iter().map(|id| vulnerability(id)).collect();
    let is_known = all.iter().any(|other| other.value == rule.value);
    match kind {
        Kind::Sast | Kind::SecretDetection => all.insert(0, rule),
        _ if is_known => {}
        _ => all.push(rule),
    }
    all.extend(record.cwe.iter().map(|number| Identifier {
        kind: "cwe".to_owned(),
        name: format!("CWE-{number}"),
        value: number.to_string(),
        url: Some(format!("https://cwe.mitre.org/data/definitions/{number}.html")),
    }));
    all
}

fn vulnerability(id: &str) -> Identifier {
    let id = named(id, "vulnerability");
    let kind = match id.split_once('-') {
        Some((prefix, _)) => word(prefix),
        None => "vulnerability".to_owned(),
    };
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let url = match kind.as_str() {
        "cve" if is_plain => Some(format!("https://nvd.nist.gov/vuln/detail/{id}")),
        "ghsa" if is_plain => Some(format!("https://github.com/advisories/{id}")),
        _ => None,
    };
    Identifier { kind, name: id.clone(), value: id, url }
}

/// A name that is never empty, as the schema wants it.
fn named(text: &str, otherwise: &str) -> String {
    let text = clean(text);
    if text.trim().is_empty() { otherwise.to_owned() } else { text.trim().to_owned() }
}

/// A text as one word of small letters, digits and `_`.
fn word(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    named(&text.chars().take(64).map(letter).collect::<String>(), "scanner")
}

/// What the schema has no field for.
fn details(finding: &FindingView) -> BTreeMap<&'static str, Detail> {
    let text = |name, value: &str| Detail { name, kind: "text", value: clean(value).into_owned() };
    let mut details = BTreeMap::from([
        ("fingerprint", text("Fingerprint", &finding.fingerprint)),
        ("scanner", text("Scanner", &finding.scanner)),
    ]);
    if let Some(standing) = finding.standing {
        details.insert("standing", text("Since the last scan", standing.as_str()));
    }
    if let Some(cvss) = &finding.record.cvss {
        let vector = cvss.vector.as_deref().unwrap_or_default();
        details.insert("cvss", text("CVSS", format!("{:.1} {vector}", cvss.score).trim()));
    }
    if let Some(evidence) = &finding.record.evidence {
        details.insert("evidence", Detail { name: "Evidence", kind: "code", value: clean_lines(evidence) });
    }
    details
}

/// GitLab knows of decisions only that something is likely a false positive; the other decisions are not listed at all.
fn flags(finding: &FindingView) -> Vec<Flag> {
    let muting = finding.muting.iter().filter(|muting| muting.decision == Decision::FalsePositive);
    muting
        .map(|muting| Flag {
            kind: "flagged-as-likely-false-positive",
            origin: "dragnet",
            description: muting
                .reason
                .as_deref()
                .map_or_else(|| "false positive".to_owned(), |why| named(why, "false positive")),
        })
        .collect()
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
        Severity::Unknown => "Unknown",
    }
}

impl Place {
    fn new(kind: Kind, record: &Record, scan: &ScanView, counts: &mut Counts) -> Self {
        let file = record.location.path().map(|path| clean(path).into_owned()).filter(|path| !path.is_empty());
        let dependency = match &record.location {
            Location::Package { name, version, .. } => Some(Dependency {
                package: Package { name: clean(name).into_owned() },
                version: clean(version).into_owned(),
            }),
            _ => None,
        };
        match kind {
            Kind::Sast => Self::lines(file, record),
            Kind::SecretDetection => {
                let commit = scan.source.as_ref().and_then(|source| source.commit.as_deref());
                // GitLab's own analyzer writes this where there is no commit.
                let sha = commit.map_or_else(|| "0000000".to_owned(), |commit| named(commit, "0000000"));
                Self { commit: Some(Commit { sha }), ..Self::lines(file, record) }
            }
            Kind::DependencyScanning => {
                counts.without_file += u64::from(file.is_none());
                Self { file: Some(file.unwrap_or_else(|| "unknown".to_owned())), dependency, ..Self::default() }
            }
            Kind::ContainerScanning => Self {
                dependency,
                operating_system: Some("unknown"),
                image: Some(named(&scan.target.value, "unknown")),
                ..Self::default()
            },
        }
    }

    fn lines(file: Option<String>, record: &Record) -> Self {
        let region = record.location.region();
        let end_line = region.and_then(|region| region.end_line.or(Some(region.start_line)));
        Self { file, start_line: region.map(|region| region.start_line), end_line, ..Self::default() }
    }
}

/// `scan`.
#[derive(Serialize)]
pub(super) struct Scan {
    analyzer: Tool,
    scanner: Tool,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    start_time: String,
    end_time: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Tool {
    id: &'static str,
    name: &'static str,
    version: &'static str,
    vendor: Vendor,
}

#[derive(Serialize)]
struct Vendor {
    name: &'static str,
}

impl Tool {
    /// Many scanners make one report, and GitLab follows a vulnerability by the one that it names: that is ourselves.
    const DRAGNET: Self =
        Self { id: "dragnet", name: "dragnet", version: env!("CARGO_PKG_VERSION"), vendor: Vendor { name: "dragnet" } };
}

/// `scan.messages[]`.
#[derive(Serialize)]
pub(super) struct Message {
    pub(super) level: &'static str,
    pub(super) value: String,
}

impl Scan {
    pub(super) fn new(kind: Kind, scan: &ScanView, messages: Vec<Message>) -> Self {
        // Without a zone: it is UTC.
        let time = |at| to_the_second(at).trim_end_matches('Z').to_owned();
        let start = scan.started_at.unwrap_or(scan.created_at);
        Self {
            analyzer: Tool::DRAGNET,
            scanner: Tool::DRAGNET,
            kind: kind.as_str(),
            status: if scan.is_complete() { "success" } else { "failure" },
            start_time: time(start),
            end_time: time(scan.finished_at.unwrap_or(start)),
            messages,
        }
    }
}
