//! The part of SARIF 2.1.0 that is written.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::ReportData;
use super::super::json::v1::Place as ExactPlace;
use super::level;
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;
use crate::model::triage::{Muting, Origin};
use crate::model::view::{FindingView, SourceView};

/// `tool`, section 3.18.
#[derive(Serialize)]
pub(super) struct Tool<'t> {
    driver: Driver<'t>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'t> {
    name: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    rules: Vec<&'t Descriptor>,
}

impl<'t> Tool<'t> {
    pub(super) const fn new(name: &'t str, version: Option<String>, rules: Vec<&'t Descriptor>) -> Self {
        Self { driver: Driver { name, version, rules } }
    }
}

/// A text, section 3.11.
#[derive(Serialize)]
struct Text {
    text: String,
}

/// A rule, section 3.49.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    id: String,
    short_description: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    /// A number written as text, as code hosts want it.
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
    tags: Vec<String>,
    #[serde(skip)]
    severity: Severity,
}

impl Descriptor {
    /// Describes a rule by the first record of it.
    pub(super) fn new(record: &Record) -> Self {
        let mut tags = vec!["security".to_owned()];
        tags.extend(record.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}")));
        let severity = record.severity;
        Self {
            id: record.rule.clone(),
            short_description: Text { text: record.title.clone() },
            help_uri: record.references.iter().find(|uri| uri.starts_with("https://")).cloned(),
            default_configuration: Configuration { level: level(severity) },
            properties: RuleProperties { security_severity: score(severity), tags, severity },
        }
    }

    /// Takes the worst of a rule's severities.
    pub(super) fn worsen(&mut self, severity: Severity) {
        if gravity(severity) < gravity(self.properties.severity) {
            self.default_configuration.level = level(severity);
            self.properties.security_severity = score(severity);
            self.properties.severity = severity;
        }
    }
}

/// A rank in which unknown stands beside high.
const fn gravity(severity: Severity) -> u8 {
    match severity {
        Severity::Unknown => Severity::High.rank(),
        known => known.rank(),
    }
}

/// A CVSS score inside the range of a severity.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High | Severity::Unknown => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// `runAutomationDetails`, section 3.17.
#[derive(Serialize)]
pub(super) struct Automation {
    pub(super) id: String,
}

/// What SARIF has no word for and [`crate::parse::baseline()`] wants to know, in a run's property bag (section 3.8).
#[derive(Serialize)]
pub(super) struct RunProperties<'r> {
    dragnet: OfScan<'r>,
}

#[derive(Serialize)]
struct OfScan<'r> {
    target_key: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'r str>,
    complete: bool,
    /// `new` where the results are only those that are new or reopened.
    #[serde(skip_serializing_if = "Option::is_none")]
    listed: Option<&'static str>,
    /// How many reports are told as `sources` of another, where reports of one vulnerability were merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<u64>,
}

impl<'r> RunProperties<'r> {
    pub(super) fn new(data: &ReportData<'r>) -> Self {
        let key = &data.scan.target_key;
        let listed = data.only_new.then_some("new");
        let complete = data.scan.is_complete();
        Self {
            dragnet: OfScan { target_key: &key.key, line: key.line.as_deref(), complete, listed, merged: data.merged },
        }
    }
}

/// `invocation`, section 3.20.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) execution_successful: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time_utc: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_execution_notifications: Vec<Notification>,
}

/// `notification`, section 3.58.
#[derive(Serialize)]
pub(super) struct Notification {
    level: &'static str,
    message: Text,
}

impl Notification {
    pub(super) fn error(message: &str) -> Self {
        Self { level: "error", message: Text { text: message.to_owned() } }
    }
}

/// `result`, section 3.27.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Result<'f> {
    rule_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text,
    locations: Vec<Place>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    /// Section 3.27.24; SARIF has no word for what was fixed and is back.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
    /// Section 3.27.23.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    properties: ResultProperties<'f>,
}

/// `suppression`, section 3.35.
#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<String>,
}

impl Suppression {
    fn new(muting: &Muting) -> Self {
        let kind = match muting.origin {
            Origin::Report | Origin::Comment => "inSource",
            Origin::Person | Origin::Config | Origin::File | Origin::Vex => "external",
        };
        Self { kind, status: "accepted", justification: muting.reason.clone() }
    }
}

#[derive(Serialize)]
struct ResultProperties<'f> {
    severity: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulnerabilities: Vec<String>,
    /// Other reports of it, where they were merged.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sources: &'f [SourceView],
    /// What sets it apart from others of its rule in its place, where anything does.
    #[serde(skip_serializing_if = "str::is_empty")]
    identity: &'f str,
    /// The place, where SARIF cannot tell it: a package, a host.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<ExactPlace<'f>>,
}

/// `location`, section 3.28.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<Physical>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    /// Section 3.30.13.
    #[serde(skip_serializing_if = "Option::is_none")]
    snippet: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    fully_qualified_name: String,
}

impl<'f> Result<'f> {
    pub(super) fn new(finding: &'f FindingView, rule_index: Option<usize>) -> Self {
        let record = &finding.record;
        let message = if record.message.is_empty() { &record.title } else { &record.message };
        Self {
            rule_id: record.rule.clone(),
            rule_index,
            level: level(record.severity),
            message: Text { text: message.clone() },
            locations: Place::of(record).into_iter().collect(),
            partial_fingerprints: BTreeMap::from([("dragnet/v1", finding.fingerprint.clone())]),
            baseline_state: finding.standing.map(|standing| if standing.is_news() { "new" } else { "unchanged" }),
            suppressions: finding.muting.iter().map(Suppression::new).collect(),
            properties: ResultProperties {
                severity: record.severity.as_str(),
                vulnerabilities: record.vulnerabilities.clone(),
                sources: &finding.sources,
                identity: &record.identity,
                location: match &record.location {
                    Location::File { .. } | Location::Url { parameter: None, .. } | Location::Nowhere => None,
                    other => Some(ExactPlace::new(other)),
                },
            },
        }
    }
}

impl Place {
    fn of(record: &Record) -> Option<Self> {
        let location = &record.location;
        let region = location.region().map(|region| Region {
            start_line: region.start_line,
            end_line: region.end_line,
            start_column: region.start_column,
            end_column: region.end_column,
            snippet: record.evidence.clone().map(|text| Text { text }),
        });
        let file = location.path().filter(|path| !path.is_empty()).map(|path| Physical {
            artifact_location: Artifact { uri: escape(path), uri_base_id: Some("%SRCROOT%") },
            region,
        });
        match location {
            Location::Url { url, .. } => {
                let artifact_location = Artifact { uri: url.clone(), uri_base_id: None };
                Some(Self {
                    physical_location: Some(Physical { artifact_location, region: None }),
                    logical_locations: Vec::new(),
                })
            }
            Location::File { .. } => {
                file.map(|file| Self { physical_location: Some(file), logical_locations: Vec::new() })
            }
            Location::Nowhere => None,
            Location::Package { name, version, .. } => Some(Self::named(file, format!("{name}@{version}"))),
            Location::Resource { name, .. } => Some(Self::named(file, name.clone())),
            Location::Image { layer, .. } => Some(Self::named(file, layer.clone())),
            Location::Host { .. } => Some(Self::named(None, location.to_string())),
        }
    }

    fn named(physical_location: Option<Physical>, fully_qualified_name: String) -> Self {
        Self { physical_location, logical_locations: vec![Logical { fully_qualified_name }] }
    }
}

/// A relative path as a URI reference (RFC 3986, section 4.2): never absolute, never taken for one with a scheme.
fn escape(path: &str) -> String {
    use std::fmt::Write as _;
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' | b'=' | b',' => {
                uri.push(char::from(byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}
