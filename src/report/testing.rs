//! Scans for the tests of renderers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Listed, ReportData, Source, Style, renderer};
use crate::model::asset::{Asset, AssetKind};
use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, Gap};
use crate::model::finding::{Cvss, Location, Record, Region, SeverityCounts};
use crate::model::gate::{Count, FailOn, Gate, Missing, Outcome};
use crate::model::id::{Key8, Sha256};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::plan::{ScanOptions, SourceFacts};
use crate::model::severity::Severity;
use crate::model::standing::{Fate, GoneView, Standing, Standings};
use crate::model::state::{JobState, ScanState};
use crate::model::target::TargetKey;
use crate::model::triage::{Decision, Muting, Origin};
use crate::model::view::{AssetView, EndReason, FindingView, JobView, PastScan, ScanView};

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
        exploitation: None,
        sources: Vec::new(),
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

/// Two scans before it, of which one did not see everything.
fn past() -> [PastScan; 2] {
    let scan = |bits, days: i64, complete, records| PastScan {
        id: Key8::from_bits(bits),
        template: Some("quick".to_owned()),
        created_at: Timestamp(START - days * 86_400_000),
        complete,
        records: SeverityCounts(records),
    };
    [scan(1, 14, true, [2, 4, 1, 0, 0, 0]), scan(2, 7, false, [1, 1, 0, 0, 0, 0])]
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
    with_data(scan, jobs, findings, |data| {
        data.style.width = width;
        let mut out = Vec::new();
        renderer(format).unwrap().render(data, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    })
}

/// Renders and returns the text with what the format could not carry.
pub(super) fn render_noted(
    format: &str,
    scan: &ScanView,
    jobs: &[JobView],
    findings: Vec<FindingView>,
) -> (String, Vec<String>) {
    with_data(scan, jobs, findings, |data| {
        let mut out = Vec::new();
        renderer(format).unwrap().render(data, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), std::mem::take(&mut data.notes))
    })
}

/// Calls `f` with all that a report of these is made of; the gate fails on high, 20 findings are listed.
pub(super) fn with_data<T>(
    scan: &ScanView,
    jobs: &[JobView],
    findings: Vec<FindingView>,
    f: impl FnOnce(&mut ReportData<'_>) -> T,
) -> T {
    with_gate(scan, jobs, findings, "high", f)
}

/// The same, with a gate of this threshold.
pub(super) fn with_gate<T>(
    scan: &ScanView,
    jobs: &[JobView],
    findings: Vec<FindingView>,
    threshold: &str,
    f: impl FnOnce(&mut ReportData<'_>) -> T,
) -> T {
    let asked = Gate { fail_on: threshold.parse::<FailOn>().unwrap().into(), ..Gate::default() };
    with_asked(scan, jobs, findings, asked, Vec::new(), f)
}

/// The same, with any gate, and datasets that it asks and that cannot answer.
pub(super) fn with_asked<T>(
    scan: &ScanView,
    jobs: &[JobView],
    findings: Vec<FindingView>,
    asked: Gate,
    missing: Vec<Missing>,
    f: impl FnOnce(&mut ReportData<'_>) -> T,
) -> T {
    let mut scan = scan.clone();
    for finding in &findings {
        scan.records.add(finding.record.severity);
        if let Some(muting) = &finding.muting {
            scan.muted.records.add(finding.record.severity);
            *scan.muted.by_origin.entry(muting.origin).or_default() += 1;
        }
    }
    let outcome = if asked.needs_findings() {
        let mut count = Count::new(&asked);
        for finding in &findings {
            count.add(finding);
        }
        count.decide(missing)
    } else {
        Outcome::of_counts(&asked, &scan)
    };
    let asset = Asset { kind: AssetKind::Port, value: "example.org:443/tcp".to_owned() };
    f(&mut ReportData {
        scan: &scan,
        trend: &past(),
        isolation: None,
        jobs,
        rules: &mut Listed::new(findings.clone()),
        findings: &mut Listed::new(findings),
        gone: &mut Listed::new(vec![gone()]),
        assets: &mut Listed::new(vec![AssetView { asset, job: "nmap".to_owned() }]),
        reference: None,
        only_new: false,
        merged: None,
        gate: &super::Gate::of(&scan, asked, outcome, Vec::new()),
        limit: Some(20),
        style: Style::default(),
        notes: Vec::new(),
    })
}

/// Calls `f` with what a report of a scan is made of that has jobs and findings and nothing else; its gate asks nothing.
pub(super) fn with_source<T>(
    scan: &ScanView,
    jobs: &[JobView],
    findings: &mut dyn Source<FindingView>,
    f: impl FnOnce(&mut ReportData<'_>) -> T,
) -> T {
    let open = Gate::default();
    let outcome = Outcome::of_counts(&open, scan);
    f(&mut ReportData {
        scan,
        trend: &[],
        isolation: None,
        jobs,
        findings,
        rules: &mut Listed::new(Vec::new()),
        gone: &mut Listed::new(Vec::new()),
        assets: &mut Listed::new(Vec::new()),
        reference: None,
        only_new: false,
        merged: None,
        gate: &super::Gate::of(scan, open, outcome, Vec::new()),
        limit: None,
        style: Style::default(),
        notes: Vec::new(),
    })
}

/// Acts on terminals, tables, spreadsheets, HTML, Markdown, XML and workflow commands.
pub(super) const HOSTILE: &str = "=cmd|' /C calc'!A0\u{1b}[2J\u{202e}<img src=x onerror=alert(1)>|`[x](javascript:y) @all ]]>&amp;\r\n::error::x%0A\u{0}";

/// A finding with a hostile text in each of its fields.
pub(super) fn hostile() -> FindingView {
    let text = || HOSTILE.to_owned();
    let mut view = finding(Severity::High, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 3);
    view.muting = Some(Muting {
        decision: Decision::FalsePositive,
        origin: Origin::Person,
        reason: Some(text()),
        author: Some(text()),
        until: None,
    });
    view.record.message = text();
    view.record.native_severity = Some(text());
    view.record.vulnerabilities = vec![text()];
    view.record.fix = Some(text());
    view.record.references = vec![text(), "javascript:alert(1)".to_owned(), "https://example.org/a b".to_owned()];
    view.record.evidence = Some(text());
    view.record.cvss = Some(Cvss { score: f64::NAN, vector: Some(text()) });
    view
}

/// One finding of each kind of place.
pub(super) fn places() -> Vec<FindingView> {
    let places = [
        Location::Package { name: "log4j".to_owned(), version: "2.0".to_owned(), path: Some("pom.xml".to_owned()) },
        Location::Package { name: "openssl".to_owned(), version: "3.0.1".to_owned(), path: None },
        Location::Host { host: "example.org".to_owned(), port: Some(443), protocol: Some("tcp".to_owned()) },
        Location::Url { url: "https://example.org/a".to_owned(), parameter: Some("q".to_owned()) },
        Location::Image { layer: "sha256:0123".to_owned(), path: "etc/key.pem".to_owned() },
        Location::Resource {
            name: "aws_s3_bucket.data".to_owned(),
            path: "main.tf".to_owned(),
            region: Some(Region { start_line: 4, ..Region::default() }),
        },
        Location::running("cluster/default"),
        Location::Nowhere,
    ];
    let make = |(i, location): (usize, Location)| {
        let mut view = finding(Severity::Medium, "many", "R1", "A title", "x", u32::try_from(i).unwrap() + 100);
        view.record.location = location;
        view
    };
    places.into_iter().enumerate().map(make).collect()
}

/// A finding that somebody has decided about.
pub(super) fn muted(decision: Decision) -> FindingView {
    let mut view = finding(Severity::Critical, "bandit", "B105", "Password in the code", "shop/auth.py", 2);
    view.muting = Some(Muting {
        decision,
        origin: Origin::Person,
        reason: Some("only a test".to_owned()),
        author: Some("ada".to_owned()),
        until: None,
    });
    view
}

/// A scan that was compared: one finding is new, one existed, one is fixed.
pub(super) fn compared() -> (ScanView, Vec<FindingView>) {
    let mut findings = findings();
    findings.truncate(2);
    findings[0].standing = Some(Standing::Existing);
    let mut standings = Standings::default();
    standings.new.add(Severity::High);
    standings.existing.add(Severity::Critical);
    standings.fixed.add(Severity::High);
    (ScanView { standings: Some(standings), ..finished() }, findings)
}
