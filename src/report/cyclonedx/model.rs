//! The part of CycloneDX 1.6 that is written.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::finding::{Location, Record};
use crate::model::target::TargetKind;
use crate::model::triage::{Decision, Muting};
use crate::model::view::{FindingView, JobView, ScanView};
use crate::report::text::{cut, is_web_address};
use crate::report::words::{to_the_second, uuid};

/// Longest version, in characters (`definitions/version`).
const MAX_VERSION: usize = 1024;
/// What was scanned, as others refer to it.
pub(super) const TARGET: &str = "target";

/// `component`.
#[derive(Serialize)]
pub(super) struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

impl Component {
    fn new(kind: &'static str, name: &str, version: Option<&str>) -> Self {
        let version = version.filter(|version| !version.is_empty());
        Self {
            kind,
            bom_ref: None,
            name: name.to_owned(),
            version: version.map(|version| cut(version, MAX_VERSION).into_owned()),
            properties: Vec::new(),
        }
    }

    pub(super) fn dragnet() -> Self {
        Self::new("application", "dragnet", Some(env!("CARGO_PKG_VERSION")))
    }

    /// Describes the package that a record is about; none when it is about none.
    pub(super) fn of_package(location: &Location) -> Option<Self> {
        let Location::Package { name, version, path } = location else { return None };
        let properties = path.as_deref().map(|path| Property::new("dragnet:path", path)).into_iter().collect();
        Some(Self { bom_ref: Some(reference(location)), properties, ..Self::new("library", name, Some(version)) })
    }
}

/// Returns what a record's finding affects: its package, or what was scanned.
pub(super) fn reference(location: &Location) -> String {
    match location {
        Location::Package { name, version, path } => {
            format!("package:{}", uuid(&[name, version, path.as_deref().unwrap_or_default()]))
        }
        _ => TARGET.to_owned(),
    }
}

/// `property`.
#[derive(Serialize)]
pub(super) struct Property {
    name: &'static str,
    value: String,
}

impl Property {
    fn new(name: &'static str, value: &str) -> Self {
        Self { name, value: value.to_owned() }
    }
}

/// `metadata`.
#[derive(Serialize)]
pub(super) struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

impl Metadata {
    pub(super) fn new(scan: &ScanView, jobs: &[JobView]) -> Self {
        let scanners: BTreeSet<(&str, Option<&str>)> =
            jobs.iter().map(|job| (job.scanner.as_str(), job.scanner_version.as_deref())).collect();
        let mut components = vec![Component::dragnet()];
        let others = scanners.into_iter().filter(|(name, _)| *name != "dragnet");
        components.extend(others.map(|(name, version)| Component::new("application", name, version)));
        let kind = if scan.target.kind == TargetKind::Image { "container" } else { "application" };
        let commit = scan.source.as_ref().and_then(|source| source.commit.as_deref());
        let target = Component::new(kind, &scan.target.to_string(), commit);
        Self {
            timestamp: to_the_second(scan.finished_at.unwrap_or(scan.created_at)),
            tools: Tools { components },
            component: Component { bom_ref: Some(TARGET.to_owned()), ..target },
            properties: vec![
                Property::new("dragnet:scan", &scan.id.to_string()),
                Property::new("dragnet:complete", if scan.is_complete() { "true" } else { "false" }),
            ],
        }
    }
}

/// `vulnerability`.
#[derive(Serialize)]
pub(super) struct Vulnerability {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    id: String,
    source: Source,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
    ratings: [Rating; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cwes: Vec<u32>,
    description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recommendation: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advisories: Vec<Advisory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis: Option<Analysis>,
    affects: [Affects; 1],
    properties: Vec<Property>,
}

#[derive(Clone, Serialize)]
struct Source {
    name: String,
}

#[derive(Serialize)]
struct Reference {
    id: String,
    source: Source,
}

#[derive(Serialize)]
struct Rating {
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<String>,
}

#[derive(Serialize)]
struct Advisory {
    url: String,
}

#[derive(Serialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: String,
}

/// `analysis`, the VEX part.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Analysis {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response: Vec<&'static str>,
    detail: String,
}

impl Analysis {
    /// An accepted risk is there and stays; a false positive is none. Of what was merely suppressed nobody said whether it is
    /// there, so no state is claimed.
    pub(super) fn new(muting: &Muting) -> Self {
        let (state, response) = match muting.decision {
            Decision::Accepted => (Some("exploitable"), vec!["will_not_fix"]),
            Decision::FalsePositive => (Some("false_positive"), Vec::new()),
            Decision::Suppressed => (None, vec!["will_not_fix"]),
        };
        let by = muting.author.as_deref().unwrap_or_else(|| muting.origin.who());
        let reason = muting.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let until = muting.until.map(|until| format!(" (until {})", to_the_second(until))).unwrap_or_default();
        Self { state, response, detail: format!("{} by {by}{reason}{until}", muting.decision.in_words()) }
    }
}

impl Vulnerability {
    pub(super) fn new(finding: &FindingView) -> Self {
        let record = &finding.record;
        let source = Source { name: finding.scanner.clone() };
        let (id, others) = match record.vulnerabilities.as_slice() {
            [] => (&record.rule, [].as_slice()),
            [first, others @ ..] => (first, others),
        };
        let references = others.iter().map(|id| Reference { id: id.clone(), source: source.clone() });
        let advisories = record.references.iter().filter(|url| is_web_address(url));
        Self {
            bom_ref: format!("finding:{}", uuid(&[&finding.scanner, &finding.job, &finding.fingerprint])),
            id: id.clone(),
            references: references.collect(),
            ratings: [Rating::new(record, source.clone())],
            source,
            cwes: record.cwe.iter().copied().filter(|number| *number > 0).collect(),
            description: record.title.clone(),
            detail: record.message.clone(),
            recommendation: record.fix.clone(),
            advisories: advisories.map(|url| Advisory { url: url.clone() }).collect(),
            analysis: finding.muting.as_ref().map(Analysis::new),
            affects: [Affects { reference: reference(&record.location) }],
            properties: properties(finding),
        }
    }
}

impl Rating {
    fn new(record: &Record, source: Source) -> Self {
        let cvss = record.cvss.as_ref();
        let vector = cvss.and_then(|cvss| cvss.vector.clone());
        let method = vector.as_deref().map(|vector| match vector {
            vector if vector.starts_with("CVSS:3.0/") => "CVSSv3",
            vector if vector.starts_with("CVSS:3.1/") => "CVSSv31",
            vector if vector.starts_with("CVSS:4.0/") => "CVSSv4",
            vector if vector.starts_with("AV:") => "CVSSv2",
            _ => "other",
        });
        let score = cvss.map(|cvss| cvss.score).filter(|score| score.is_finite());
        Self { source, score, severity: record.severity.as_str(), method, vector }
    }
}

/// What the format has no field for.
fn properties(finding: &FindingView) -> Vec<Property> {
    let record = &finding.record;
    let mut properties = vec![
        Property::new("dragnet:fingerprint", &finding.fingerprint),
        Property::new("dragnet:job", &finding.job),
        Property::new("dragnet:rule", &record.rule),
    ];
    if record.location != Location::Nowhere {
        properties.push(Property::new("dragnet:location", &record.location.to_string()));
    }
    if let Some(standing) = finding.standing {
        properties.push(Property::new("dragnet:standing", standing.as_str()));
    }
    if let Some(evidence) = &record.evidence {
        properties.push(Property::new("dragnet:evidence", evidence));
    }
    properties
}

/// `annotation`.
#[derive(Serialize)]
pub(super) struct Annotation {
    subjects: [&'static str; 1],
    annotator: Annotator,
    timestamp: String,
    text: String,
}

#[derive(Serialize)]
struct Annotator {
    component: Component,
}

impl Annotation {
    /// Says something of what was scanned.
    pub(super) fn new(scan: &ScanView, text: String) -> Self {
        let timestamp = to_the_second(scan.finished_at.unwrap_or(scan.created_at));
        Self { subjects: [TARGET], annotator: Annotator { component: Component::dragnet() }, timestamp, text }
    }
}
