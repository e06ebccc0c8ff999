//! `dragnet.report/v1`, frozen: fields may be added, never renamed, moved or given another meaning.
//!
//! Enumerations are written as their names; times as RFC 3339 in UTC; counts by severity as an object with all six names.

use std::collections::BTreeMap;

use serde::Serialize;

use super::gate::GateSummary;
use crate::model::coverage::Coverage;
use crate::model::exploit::Epss;
use crate::model::finding::{Location, SeverityCounts};
use crate::model::isolation::Isolation;
use crate::model::severity::Severity;
use crate::model::standing::{Fate, GoneView, Standing, Standings};
use crate::model::triage::Muting;
use crate::model::view::{AssetView, FindingView, JobView, ScanView, SourceView, Verdict};
use crate::report::shortfall::shortfall;
use crate::report::{Reference, ReportData};

/// Name and version of the format.
pub(crate) const SCHEMA: &str = "dragnet.report/v1";

/// The scan.
#[derive(Debug, Serialize)]
pub(crate) struct Scan {
    id: String,
    project: String,
    target: String,
    target_key: String,
    line: Option<String>,
    template: Option<String>,
    plan_sha256: String,
    executor: String,
    source: Option<Source>,
    state: &'static str,
    complete: bool,
    coverage: Seen,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_policy: Option<NetworkPolicy>,
}

/// What is known of the cluster's network policies, where scanners without a network rely on them: `requested`, `enforced`,
/// `not_enforced`, the last two with when that was seen.
#[derive(Debug, Serialize)]
struct NetworkPolicy {
    state: &'static str,
    seen_at: Option<String>,
}

impl NetworkPolicy {
    fn new(isolation: Isolation) -> Self {
        let (state, at) = match isolation {
            Isolation::Requested => ("requested", None),
            Isolation::Enforced { at } => ("enforced", Some(at)),
            Isolation::NotEnforced { at } => ("not_enforced", Some(at)),
        };
        Self { state, seen_at: at.map(|at| at.to_string()) }
    }
}

/// The source tree.
#[derive(Debug, Serialize)]
struct Source {
    sha256: String,
    files: u64,
    bytes: u64,
    commit: Option<String>,
    dirty: bool,
    unreadable: Vec<String>,
}

/// What was seen: `full`, `partial` with its gaps, `none`.
#[derive(Debug, Serialize)]
struct Seen {
    level: &'static str,
    gaps: Vec<&'static str>,
}

impl Seen {
    fn new(coverage: &Coverage) -> Self {
        match coverage {
            Coverage::Full => Self { level: "full", gaps: Vec::new() },
            Coverage::None => Self { level: "none", gaps: Vec::new() },
            Coverage::Partial(gaps) => Self { level: "partial", gaps: gaps.iter().map(|gap| gap.as_str()).collect() },
        }
    }
}

impl Scan {
    pub(crate) fn new(scan: &ScanView, isolation: Option<Isolation>) -> Self {
        let source = scan.source.as_ref().map(|source| Source {
            sha256: source.sha256.to_string(),
            files: source.files,
            bytes: source.bytes,
            commit: source.commit.clone(),
            dirty: source.dirty,
            unreadable: source.unreadable.clone(),
        });
        Self {
            id: scan.id.to_string(),
            project: scan.project.clone(),
            target: scan.target.to_string(),
            target_key: scan.target_key.key.clone(),
            line: scan.target_key.line.clone(),
            template: scan.template.clone(),
            plan_sha256: scan.plan_sha256.to_string(),
            executor: scan.executor.clone(),
            source,
            state: scan.state.as_str(),
            complete: scan.is_complete(),
            coverage: Seen::new(&scan.coverage),
            created_at: scan.created_at.to_string(),
            started_at: scan.started_at.map(|at| at.to_string()),
            finished_at: scan.finished_at.map(|at| at.to_string()),
            network_policy: isolation.map(NetworkPolicy::new),
        }
    }
}

/// One job.
#[derive(Debug, Serialize)]
pub(crate) struct Job {
    name: String,
    step: String,
    scanner: String,
    scanner_version: Option<String>,
    image: String,
    image_id: Option<String>,
    data: BTreeMap<String, String>,
    state: &'static str,
    coverage: Option<Seen>,
    skip: Option<&'static str>,
    failure: Option<Failure>,
    shortfall: Option<String>,
    attempts: u32,
    inputs: u64,
    records: BTreeMap<&'static str, u64>,
    assets: u64,
    started_at: Option<String>,
    finished_at: Option<String>,
}

/// Why a job failed.
#[derive(Debug, Serialize)]
struct Failure {
    reason: &'static str,
    class: &'static str,
    message: String,
}

impl Job {
    pub(crate) fn new(job: &JobView) -> Self {
        let failure = job.failure.as_ref().map(|failure| Failure {
            reason: failure.reason.as_str(),
            class: failure.reason.class().as_str(),
            message: failure.message.clone(),
        });
        Self {
            name: job.name.clone(),
            step: job.step.clone(),
            scanner: job.scanner.clone(),
            scanner_version: job.scanner_version.clone(),
            image: job.image.clone(),
            image_id: job.image_id.clone(),
            data: job.data.clone(),
            state: job.state.as_str(),
            coverage: job.coverage.as_ref().map(Seen::new),
            skip: job.skip.map(crate::model::coverage::SkipReason::as_str),
            failure,
            shortfall: shortfall(job),
            attempts: job.attempts,
            inputs: job.inputs,
            records: by_severity(&job.records),
            assets: job.assets,
            started_at: job.started_at.map(|at| at.to_string()),
            finished_at: job.finished_at.map(|at| at.to_string()),
        }
    }
}

/// What it comes to.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    verdict: &'static str,
    complete: bool,
    total: u64,
    by_severity: BTreeMap<&'static str, u64>,
    jobs: BTreeMap<&'static str, u64>,
    gate: GateSummary,
    standings: Option<Compared>,
    /// Records that do not count, by who decided.
    muted: BTreeMap<&'static str, u64>,
    /// What the standings relate to, where that is not what was known on the scan's line.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<ReferenceSummary>,
    /// `new` where `findings` has only those that are new or reopened. Counts are of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    listed: Option<&'static str>,
    /// How many reports are told as `sources` of another, where reports of one vulnerability were merged. The gate has counted each.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<u64>,
}

/// `baseline` with its file and how many findings that has, or `since` with what was asked for and the scans compared with.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ReferenceSummary {
    Baseline { file: String, findings: u64 },
    Since { asked: String, scans: Vec<String> },
}

impl ReferenceSummary {
    fn new(reference: &Reference) -> Self {
        match reference.clone() {
            Reference::Baseline { file, findings } => Self::Baseline { file, findings },
            Reference::Since { asked, scans } => Self::Since { asked, scans },
        }
    }
}

/// How the findings stand to those known before: counts of findings. `first`: there was nothing to compare with.
#[derive(Debug, Serialize)]
struct Compared {
    first: bool,
    new: u64,
    existing: u64,
    reopened: u64,
    fixed: u64,
    not_observed: BTreeMap<&'static str, u64>,
}

impl Compared {
    fn new(standings: &Standings) -> Self {
        let unseen = standings.not_observed.iter().map(|(reason, count)| (reason.as_str(), *count));
        Self {
            first: standings.first,
            new: standings.new.total(),
            existing: standings.existing.total(),
            reopened: standings.reopened.total(),
            fixed: standings.fixed.total(),
            not_observed: unseen.collect(),
        }
    }
}

/// A finding that was open before and that the scan did not bring: `fixed`, or `not_observed` with the reason.
#[derive(Debug, Serialize)]
pub(crate) struct Gone<'g> {
    fingerprint: &'g str,
    scanner: &'g str,
    fate: &'static str,
    reason: Option<&'static str>,
    rule: Option<&'g str>,
    title: Option<&'g str>,
    severity: Option<&'static str>,
    location: Option<Place<'g>>,
}

impl<'g> Gone<'g> {
    pub(crate) fn new(gone: &'g GoneView) -> Self {
        let record = gone.record.as_ref();
        let (fate, reason) = match gone.fate {
            Fate::Fixed => ("fixed", None),
            Fate::NotObserved(reason) => ("not_observed", Some(reason.as_str())),
        };
        Self {
            fingerprint: &gone.fingerprint,
            scanner: &gone.scanner,
            fate,
            reason,
            rule: record.map(|record| record.rule.as_str()),
            title: record.map(|record| record.title.as_str()),
            severity: record.map(|record| record.severity.as_str()),
            location: record.map(|record| Place::new(&record.location)),
        }
    }
}

impl Summary {
    pub(crate) fn new(data: &ReportData<'_>) -> Self {
        let (scan, gate) = (data.scan, data.gate);
        Self {
            verdict: verdict(gate.verdict),
            complete: scan.is_complete(),
            total: scan.records.total(),
            by_severity: by_severity(&scan.records),
            jobs: scan.jobs.iter().map(|(state, count)| (state.as_str(), *count)).collect(),
            gate: GateSummary::new(gate),
            standings: scan.standings.as_ref().map(Compared::new),
            muted: scan.muted.by_origin.iter().map(|(origin, count)| (origin.as_str(), *count)).collect(),
            reference: data.reference.map(ReferenceSummary::new),
            listed: data.only_new.then_some("new"),
            merged: data.merged,
        }
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Cancelled => "cancelled",
        Verdict::MaxDuration => "max_duration",
        // What a gate that is not decided means to a pipeline is the same: nothing was shown to be clean.
        Verdict::Incomplete | Verdict::GateUndecided => "incomplete",
        Verdict::GateFailed => "gate_failed",
        Verdict::Clean => "clean",
    }
}

pub(crate) fn by_severity(counts: &SeverityCounts) -> BTreeMap<&'static str, u64> {
    Severity::ALL.into_iter().map(|severity| (severity.as_str(), counts.of(severity))).collect()
}

/// One finding with its record.
#[derive(Debug, Serialize)]
pub(crate) struct Finding<'f> {
    fingerprint: &'f str,
    scanner: &'f str,
    job: &'f str,
    /// Other reports of it; left out where none was merged with it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sources: &'f [SourceView],
    rule: &'f str,
    title: &'f str,
    message: &'f str,
    severity: &'static str,
    native_severity: Option<&'f str>,
    confidence: Option<&'static str>,
    location: Place<'f>,
    cwe: &'f [u32],
    vulnerabilities: &'f [String],
    cvss: Option<Score<'f>>,
    fix: Option<&'f str>,
    references: &'f [String],
    evidence: Option<&'f str>,
    /// What sets it apart from others of its rule in its place; left out where nothing does.
    #[serde(skip_serializing_if = "str::is_empty")]
    identity: &'f str,
    /// `new`, `existing` or `reopened`; null until the scan was compared with what was known before.
    standing: Option<&'static str>,
    /// Why it does not count; null if it does.
    muting: Option<&'f Muting>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    exploitation: Option<Exploited>,
}

/// Where copies of datasets were configured: the greatest EPSS score of its vulnerabilities, null if none has one; whether one of them is
/// known to be exploited, null if that cannot be told.
#[derive(Debug, Serialize)]
struct Exploited {
    epss: Option<Epss>,
    kev: Option<bool>,
}

/// A CVSS score.
#[derive(Debug, Serialize)]
struct Score<'f> {
    score: f64,
    vector: Option<&'f str>,
}

impl<'f> Finding<'f> {
    pub(crate) fn new(finding: &'f FindingView) -> Self {
        use crate::model::finding::Confidence;
        let record = &finding.record;
        Self {
            fingerprint: &finding.fingerprint,
            scanner: &finding.scanner,
            job: &finding.job,
            sources: &finding.sources,
            rule: &record.rule,
            title: &record.title,
            message: &record.message,
            severity: record.severity.as_str(),
            native_severity: record.native_severity.as_deref(),
            confidence: record.confidence.map(|confidence| match confidence {
                Confidence::High => "high",
                Confidence::Medium => "medium",
                Confidence::Low => "low",
            }),
            location: Place::new(&record.location),
            cwe: &record.cwe,
            vulnerabilities: &record.vulnerabilities,
            cvss: record.cvss.as_ref().map(|cvss| Score { score: cvss.score, vector: cvss.vector.as_deref() }),
            fix: record.fix.as_deref(),
            references: &record.references,
            evidence: record.evidence.as_deref(),
            identity: &record.identity,
            standing: finding.standing.map(Standing::as_str),
            muting: finding.muting.as_ref(),
            exploitation: finding.exploitation.map(|known| Exploited { epss: known.epss, kev: known.kev }),
        }
    }
}

/// A place; fields that its kind does not have are left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Place<'f> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'f str>,
}

impl<'f> Place<'f> {
    pub(crate) fn new(location: &'f Location) -> Self {
        let region = location.region();
        let base = Self {
            path: location.path(),
            start_line: region.map(|region| region.start_line),
            end_line: region.and_then(|region| region.end_line),
            start_column: region.and_then(|region| region.start_column),
            end_column: region.and_then(|region| region.end_column),
            ..Self::default()
        };
        match location {
            Location::File { .. } => Self { kind: "file", ..base },
            Location::Package { name, version, .. } => {
                Self { kind: "package", name: Some(name), version: Some(version), ..base }
            }
            Location::Host { host, port, protocol } => {
                Self { kind: "host", host: Some(host), port: *port, protocol: protocol.as_deref(), ..base }
            }
            Location::Url { url, parameter } => {
                Self { kind: "url", url: Some(url), parameter: parameter.as_deref(), ..base }
            }
            Location::Image { layer, .. } => Self { kind: "image", layer: Some(layer), ..base },
            Location::Resource { name, .. } => Self { kind: "resource", name: Some(name), ..base },
            Location::Nowhere => Self { kind: "nowhere", ..base },
        }
    }
}

/// One asset.
#[derive(Debug, Serialize)]
pub(crate) struct Asset<'a> {
    kind: &'static str,
    value: &'a str,
    job: &'a str,
}

impl<'a> Asset<'a> {
    pub(crate) fn new(asset: &'a AssetView) -> Self {
        Self { kind: asset.asset.kind.as_str(), value: &asset.asset.value, job: &asset.job }
    }
}
