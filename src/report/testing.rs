//! Scans for the tests of renderers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Listed, ReportData, Style, renderer};
use crate::model::asset::{Asset, AssetKind};
use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, Gap};
use crate::model::finding::{Cvss, Location, Record, Region, SeverityCounts};
use crate::model::gate::FailOn;
use crate::model::id::{Key8, Sha256};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::plan::{ScanOptions, SourceFacts};
use crate::model::severity::Severity;
use crate::model::standing::{Fate, GoneView, Standing};
use crate::model::state::{JobState, ScanState};
use crate::model::target::TargetKey;
use crate::model::view::{AssetView, EndReason, FindingView, JobView, ScanView};

pub(super) const START: i64 = 1_795_233_346_000;

/// A complete scan without findings.
pub(super) fn finished() -> ScanView {
    ScanView {
        id: Key8::from_bits(0x12_3456_789A),
        project: "default".to_owned(),
        target: "dir:.".parse().unwrap(),
        target_key: TargetKey { key: "git:example.org/shop".to_owned(), line: Some("main".to_owned()) },
        template: Some("quick".to_owned()),
        plan_sha256: Sha256::of("plan"),
        executor: "docker (unix:///var/run/docker.sock)".to_owned(),
        source: Some(SourceFacts {
            sha256: Sha256::of("source"),
            files: 1204,
            bytes: 8_700_000,
            commit: Some("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".to_owned()),
            dirty: true,
            rules: None,
            unreadable: Vec::new(),
        }),
        options: ScanOptions::default(),
        state: ScanState::Completed,
        end: None,
        coverage: Coverage::Full,
        created_at: Timestamp(START),
        started_at: Some(Timestamp(START + 500)),
        finished_at: Some(Timestamp(START + 72_500)),
        owner: None,
        jobs: BTreeMap::from([(JobState::Succeeded, 1)]),
        records: SeverityCounts::default(),
        standings: None,
        muted: crate::model::triage::Muted::default(),
    }
}

/// A scan that ended without seeing everything.
pub(super) fn unfinished() -> ScanView {
    ScanView {
        state: ScanState::Failed,
        end: Some(EndReason::Incomplete),
        coverage: Coverage::partial(Gap::JobsMissing),
        ..finished()
    }
}

/// A job that saw everything.
pub(super) fn job(name: &str, scanner: &str, records: [u64; 6]) -> JobView {
    JobView {
        name: name.to_owned(),
        step: name.to_owned(),
        scanner: scanner.to_owned(),
        scanner_version: Some("1.9.4".to_owned()),
        image: format!("example.org/{scanner}:1"),
        image_id: Some("sha256:0123".to_owned()),
        data: BTreeMap::new(),
        state: JobState::Succeeded,
        coverage: Some(Coverage::Full),
        skip: None,
        failure: None,
        wait: None,
        attempts: 1,
        inputs: 0,
        records: SeverityCounts(records),
        assets: 0,
        started_at: Some(Timestamp(START + 500)),
        finished_at: Some(Timestamp(START + 12_900)),
    }
}

/// One job of each kind of trouble.
pub(super) fn troubled() -> Vec<JobView> {
    let failed = JobView {
        state: JobState::Failed,
        coverage: Some(Coverage::None),
        failure: Some(Failure::new(FailureReason::TimedOut, "stopped after 10m")),
        attempts: 2,
        scanner_version: None,
        ..job("semgrep", "semgrep", [0; 6])
    };
    let partial = JobView {
        coverage: Some(Coverage::Partial(BTreeSet::from([Gap::StaleData, Gap::ToolError]))),
        ..job("trivy", "trivy", [0, 1, 0, 0, 0, 0])
    };
    vec![job("bandit", "bandit", [0, 1, 0, 1, 0, 0]), failed, partial]
}

/// A finding in a file.
pub(super) fn finding(
    severity: Severity,
    scanner: &str,
    rule: &str,
    title: &str,
    path: &str,
    line: u32,
) -> FindingView {
    FindingView {
        fingerprint: format!("v1:{:032x}", u128::from(line)),
        scanner: scanner.to_owned(),
        job: scanner.to_owned(),
        standing: Some(Standing::New),
        muting: None,
        record: Record {
            rule: rule.to_owned(),
            title: title.to_owned(),
            message: format!("{title}, at length"),
            severity,
            location: Location::File {
                path: path.to_owned(),
                region: Some(Region { start_line: line, ..Region::default() }),
            },
            cwe: vec![89],
            cvss: (severity == Severity::Critical).then_some(Cvss { score: 9.8, vector: None }),
            references: vec!["https://example.org/rule".to_owned()],
            ..Record::default()
        },
    }
}

/// Findings of three severities.
pub(super) fn findings() -> Vec<FindingView> {
    let mut findings = vec![
        finding(Severity::Critical, "bandit", "B608", "SQL built from strings", "shop/db.py", 12),
        finding(
            Severity::High,
            "trivy",
            "CVE-2026-1234",
            "Remote code execution in a library with a name that goes on for longer than any line",
            "services/checkout/requirements/production.txt",
            3,
        ),
        finding(Severity::Low, "bandit", "B101", "Assert used", "shop/cart.py", 40),
    ];
    findings[1].record.fix = Some("upgrade to 2.0.1".to_owned());
    findings
}

/// A finding that was fixed.
fn gone() -> GoneView {
    let record = finding(Severity::High, "bandit", "B602", "Shell in a subprocess", "shop/run.py", 7).record;
    GoneView {
        fingerprint: format!("v1:{:032x}", 7),
        scanner: "bandit".to_owned(),
        fate: Fate::Fixed,
        record: Some(record),
    }
}

/// Renders with a width and returns the text.
pub(super) fn render(
    format: &str,
    scan: &ScanView,
    jobs: &[JobView],
    findings: Vec<FindingView>,
    width: usize,
) -> String {
    let mut scan = scan.clone();
    for finding in &findings {
        scan.records.add(finding.record.severity);
    }
    let asset = Asset { kind: AssetKind::Port, value: "example.org:443/tcp".to_owned() };
    let mut data = ReportData {
        scan: &scan,
        isolation: None,
        jobs,
        rules: &mut Listed::new(findings.clone()),
        findings: &mut Listed::new(findings),
        gone: &mut Listed::new(vec![gone()]),
        assets: &mut Listed::new(vec![AssetView { asset, job: "nmap".to_owned() }]),
        fail_on: Some(FailOn::all(Severity::High)),
        limit: Some(20),
        style: Style { width, color: false },
    };
    let mut out = Vec::new();
    renderer(format).unwrap().render(&mut data, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
