use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::outcome::Ruling;
use super::*;
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::exploit::{Dataset, Epss, Exploitation};
use crate::model::finding::{Location, Record};
use crate::model::id::{Key8, Sha256};
use crate::model::plan::ScanOptions;
use crate::model::standing::Standings;
use crate::model::state::ScanState;
use crate::model::target::TargetKey;
use crate::model::triage::{Decision, Muted, Muting, Origin};

fn gate(json: &str) -> Gate {
    serde_json::from_str(json).unwrap()
}

fn decided(gate: &Gate, findings: &[FindingView]) -> Outcome {
    let mut count = Count::new(gate);
    for finding in findings {
        count.add(finding);
    }
    count.decide(Vec::new())
}

fn fails(json: &str, findings: &[FindingView]) -> bool {
    decided(&gate(json), findings).ruling() == Ruling::Fails
}

fn finding(severity: Severity, scanner: &str, rule: &str, path: &str) -> FindingView {
    FindingView {
        fingerprint: format!("{scanner} {rule} {path}"),
        scanner: scanner.to_owned(),
        job: scanner.to_owned(),
        standing: Some(Standing::Existing),
        muting: None,
        exploitation: None,
        sources: Vec::new(),
        record: Record {
            rule: rule.to_owned(),
            severity,
            location: Location::File { path: path.to_owned(), region: None },
            ..Record::default()
        },
    }
}

/// A vulnerability with a CVE number in a package; `epss` and `kev` as datasets would say.
fn cve(epss: Option<f64>, kev: Option<bool>) -> FindingView {
    let mut cve = finding(Severity::High, "trivy", "CVE-2021-44228", "pom.xml");
    cve.record.vulnerabilities = vec!["CVE-2021-44228".to_owned()];
    let epss = epss.map(|score| Epss { score, percentile: 0.5 });
    cve.exploitation = Some(Exploitation { epss, unscored: epss.is_none(), kev });
    cve
}

#[test]
fn thresholds_allow_as_many_as_they_say() {
    let findings = [
        finding(Severity::High, "a", "1", "x"),
        finding(Severity::High, "a", "2", "x"),
        finding(Severity::Unknown, "a", "3", "x"),
        finding(Severity::Low, "a", "4", "x"),
    ];
    for (json, expected) in [
        (r#"{"fail_on":"high"}"#, true),
        (r#"{"fail_on":"critical"}"#, false),
        (r#"{"fail_on":"high=2"}"#, true),
        (r#"{"fail_on":"high=3"}"#, false),
        (r#"{"fail_on":"high=2","unknown":"low"}"#, false),
        (r#"{"fail_on":"critical","unknown":"critical"}"#, true),
        (r#"{"fail_on":"critical,low=3"}"#, true),
        (r#"{"fail_on":"new:low"}"#, false),
        ("{}", false),
    ] {
        assert_eq!(fails(json, &findings), expected, "{json}");
    }
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let one = [finding(Severity::Medium, "semgrep", "python.sql", "src/db.py")];
    for (rule, expected) in [
        ("{}", true),
        (r#"{"scanner":"semgrep"}"#, true),
        (r#"{"scanner":["bandit","sem*"],"rule":"python.*","path":"src/","severity":"medium","new":false}"#, true),
        (r#"{"scanner":"semgrep","path":"tests/"}"#, false),
        (r#"{"rule":"java.*"}"#, false),
        (r#"{"severity":"high"}"#, false),
        (r#"{"severity_below":"high"}"#, true),
        (r#"{"severity_below":"medium"}"#, false),
        (r#"{"new":true}"#, false),
        (r#"{"max":1}"#, false),
        (r#"{"fixable":false}"#, false),
        (r#"{"fixable":true}"#, false),
    ] {
        assert_eq!(fails(&format!(r#"{{"rules":[{rule}]}}"#), &one), expected, "{rule}");
    }
    let mut reopened = one;
    reopened[0].standing = Some(Standing::Reopened);
    assert!(fails(r#"{"rules":[{"new":true}]}"#, &reopened));
    reopened[0].standing = None;
    assert!(fails(r#"{"rules":[{"new":true}]}"#, &reopened), "what was compared with nothing is new");
}

#[test]
fn a_fix_is_missing_where_an_update_would_be_one() {
    let unfixed = r#"{"fail_on":"low","rules":[{"action":"ignore","fixable":false}]}"#;
    assert!(fails(unfixed, &[finding(Severity::High, "bandit", "B608", "a.py")]), "no scanner of code names a fix");
    let mut vulnerability = cve(None, None);
    assert!(!fails(unfixed, std::slice::from_ref(&vulnerability)));
    vulnerability.record.fix = Some("2.17.1".to_owned());
    assert!(fails(unfixed, &[vulnerability]));
    let mut package = finding(Severity::High, "x", "yanked", "");
    package.record.location = Location::Package { name: "a".into(), version: "1".into(), path: None };
    assert!(!fails(unfixed, &[package]));
}

#[test]
fn what_is_ignored_counts_nowhere() {
    let findings = [finding(Severity::Critical, "a", "1", "tests/x.py"), finding(Severity::Low, "a", "2", "src/y.py")];
    let gate = gate(
        r#"{"fail_on":"low=1","rules":[{"path":"tests/"},{"action":"ignore","path":"tests/","severity_below":"critical"},
        {"action":"ignore","path":"/tests/","name":"all"},{"action":"ignore","severity":"critical"}]}"#,
    );
    let outcome = decided(&gate, &findings);
    assert_eq!((outcome.ruling(), outcome.ignored, outcome.reaching.total()), (Ruling::Holds, 1, 1));
    let counted: Vec<u64> = outcome.rules.iter().map(|rule| rule.matched.total()).collect();
    assert_eq!(counted, [1, 0, 0, 1, 0], "the first that ignores it says so");
}

#[test]
fn scores_and_the_catalogue_are_asked() {
    let of = |rule: &str, finding: FindingView| {
        let outcome = decided(&gate(&format!(r#"{{"rules":[{rule}]}}"#)), &[finding]);
        (outcome.rules[0].matched.total(), outcome.rules[0].untold)
    };
    let (yes, no, untold) = ((1, 0), (0, 0), (0, 1));
    for (rule, finding, expected) in [
        (r#"{"epss":0.5}"#, cve(Some(0.5), None), yes),
        (r#"{"epss":0.5}"#, cve(Some(0.4), None), no),
        (r#"{"epss":0.5}"#, cve(None, None), untold),
        (r#"{"epss":0}"#, finding(Severity::High, "a", "B608", "x"), no),
        (r#"{"epss_below":0.5}"#, cve(Some(0.4), None), yes),
        (r#"{"epss_below":0.5}"#, cve(Some(0.5), None), no),
        (r#"{"epss_below":0.5}"#, cve(None, None), untold),
        (r#"{"epss_below":1}"#, finding(Severity::High, "a", "B608", "x"), no),
        (r#"{"kev":true}"#, cve(None, Some(true)), yes),
        (r#"{"kev":true}"#, cve(None, Some(false)), no),
        (r#"{"kev":false}"#, cve(None, Some(false)), yes),
        (r#"{"kev":true}"#, cve(None, None), untold),
        (r#"{"kev":true,"epss":0.5}"#, cve(None, Some(false)), no),
        (r#"{"kev":true,"severity":"critical"}"#, cve(None, None), no),
    ] {
        assert_eq!(of(rule, finding.clone()), expected, "{rule} {:?}", finding.exploitation);
    }
    let mut partly = cve(Some(0.4), None);
    partly.exploitation = partly.exploitation.map(|known| Exploitation { unscored: true, ..known });
    assert_eq!(of(r#"{"epss_below":0.5}"#, partly.clone()), untold, "another of its vulnerabilities may be worse");
    assert_eq!(of(r#"{"action":"ignore","epss_below":0.5}"#, partly), untold);
}

#[test]
fn a_dataset_that_cannot_answer_leaves_the_gate_undecided() {
    let gate = gate(r#"{"fail_on":"high","rules":[{"kev":true}]}"#);
    let missing = || vec![Missing { dataset: Dataset::Kev, problem: None }];
    let outcome = Count::new(&gate).decide(missing());
    assert_eq!(
        (outcome.ruling(), outcome.rules[1].result),
        (Ruling::Undecided, RuleResult::Undecided { max: Some(0) })
    );
    let mut count = Count::new(&gate);
    count.add(&finding(Severity::High, "a", "1", "x"));
    let outcome = count.decide(missing());
    assert!(outcome.ruling() == Ruling::Undecided && outcome.is_failed(), "what fails already fails");
}

fn any_finding() -> impl Strategy<Value = FindingView> {
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let standing =
        prop::sample::select(vec![None, Some(Standing::New), Some(Standing::Existing), Some(Standing::Reopened)]);
    let (scanner, rule) =
        (prop::sample::select(vec!["a", "b"]), prop::sample::select(vec!["r1", "r2", "CVE-2021-44228"]));
    let path = prop::sample::select(vec!["src/x", "tests/y", "tests/../src/z", ""]);
    let known =
        (prop::option::of(0.0..1.0), any::<bool>(), prop::option::of(any::<bool>()), prop::option::of(Just("2.0")));
    (severity, standing, scanner, rule, path, known).prop_map(|(severity, standing, scanner, rule, path, known)| {
        let (score, unscored, kev, fix): (Option<f64>, bool, _, _) = known;
        let mut one = finding(severity, scanner, rule, path);
        let epss = score.map(|score| Epss { score, percentile: score });
        one.exploitation = Some(Exploitation { epss, unscored: unscored || epss.is_none(), kev });
        one.standing = standing;
        one.record.fix = fix.map(str::to_owned);
        one
    })
}

fn any_gate() -> impl Strategy<Value = Gate> {
    let conditions = prop::sample::subsequence(
        vec![
            r#""scanner":"a""#,
            r#""rule":"r*""#,
            r#""path":"tests/""#,
            r#""severity":"medium""#,
            r#""new":true"#,
            r#""fixable":false"#,
            r#""epss":0.3"#,
            r#""epss_below":0.6"#,
            r#""kev":true"#,
        ],
        1..4,
    );
    let rule = (conditions, prop::sample::select(vec![r#""action":"fail""#, r#""max":2"#, r#""action":"ignore""#]))
        .prop_map(|(conditions, action)| format!("{{{action},{}}}", conditions.join(",")));
    let fail_on = prop::sample::select(vec!["[]", r#""high""#, r#""critical,medium=3""#, r#""new:low=1""#]);
    let unknown = prop::sample::select(vec!["high", "info"]);
    (fail_on, prop::collection::vec(rule, 0..4), unknown).prop_map(|(fail_on, rules, unknown)| {
        gate(&format!(r#"{{"fail_on":{fail_on},"unknown":"{unknown}","rules":[{}]}}"#, rules.join(",")))
    })
}

fn muting() -> Muting {
    Muting { decision: Decision::Accepted, origin: Origin::Person, reason: None, author: None, until: None }
}

proptest! {
    #[test]
    fn the_order_of_findings_does_not_matter(
        gate in any_gate(),
        (findings, other) in prop::collection::vec(any_finding(), 0..12)
            .prop_flat_map(|findings| (Just(findings.clone()), Just(findings).prop_shuffle())),
    ) {
        prop_assert_eq!(decided(&gate, &findings), decided(&gate, &other));
    }

    #[test]
    fn the_order_of_rules_does_not_matter(
        (gate, other) in any_gate().prop_flat_map(|gate| {
            (Just(gate.clone()), Just(gate.rules).prop_shuffle()).prop_map(|(gate, rules)| (gate.clone(), Gate { rules, ..gate }))
        }),
        findings in prop::collection::vec(any_finding(), 0..12),
    ) {
        let (one, other) = (decided(&gate, &findings), decided(&other, &findings));
        prop_assert_eq!((one.ruling(), one.ignored, one.reaching), (other.ruling(), other.ignored, other.reaching));
    }

    #[test]
    fn a_suppressed_finding_changes_nothing(
        gate in any_gate(), findings in prop::collection::vec(any_finding(), 0..12), mut one in any_finding(), at in 0usize..12,
    ) {
        one.muting = Some(muting());
        let mut more = findings.clone();
        more.insert(at.min(more.len()), one);
        prop_assert_eq!(decided(&gate, &findings), decided(&gate, &more));
    }

    #[test]
    fn more_findings_never_make_a_failed_gate_pass(
        gate in any_gate(), findings in prop::collection::vec(any_finding(), 0..12), more in prop::collection::vec(any_finding(), 0..6),
    ) {
        let all: Vec<FindingView> = findings.iter().chain(&more).cloned().collect();
        let (few, many) = (decided(&gate, &findings), decided(&gate, &all));
        prop_assert!(few.ruling() != Ruling::Fails || many.ruling() == Ruling::Fails);
        for (few, many) in few.rules.iter().zip(&many.rules) {
            prop_assert!(few.matched.total() <= many.matched.total());
        }
    }

    #[test]
    fn counting_severities_says_what_counting_findings_says(
        fail_on in prop::sample::select(vec![r#""high""#, r#""critical,medium=3""#, r#""new:low=1""#, r#"["new:high","medium=4"]"#, "[]"]),
        unknown in prop::sample::select(vec!["high", "info"]),
        findings in prop::collection::vec((any_finding(), any::<bool>()), 0..12),
    ) {
        let gate = gate(&format!(r#"{{"fail_on":{fail_on},"unknown":"{unknown}"}}"#));
        let findings: Vec<FindingView> = findings.into_iter().map(|(mut finding, muted)| {
            finding.muting = muted.then(muting);
            finding.standing = finding.standing.or(Some(Standing::New));
            finding
        }).collect();
        let by_finding = decided(&gate, &findings);
        let by_count = Outcome::of_counts(&gate, &view(&findings));
        prop_assert_eq!((by_count.ruling(), by_count.reaching), (by_finding.ruling(), by_finding.reaching));
        let results = |outcome: &Outcome| outcome.rules.iter().map(|rule| (rule.result, rule.matched)).collect::<Vec<_>>();
        prop_assert_eq!(results(&by_count), results(&by_finding));
    }
}

/// The scan with these findings, as the store counts them.
fn view(findings: &[FindingView]) -> ScanView {
    let (mut records, mut standings, mut muted) = (SeverityCounts::default(), Standings::default(), Muted::default());
    for finding in findings {
        let severity = finding.record.severity;
        let news = finding.standing.is_some_and(Standing::is_news);
        records.add(severity);
        if news { &mut standings.new } else { &mut standings.existing }.add(severity);
        if finding.muting.is_some() {
            muted.records.add(severity);
            if news {
                muted.news.add(severity);
            }
        }
    }
    ScanView {
        id: Key8::from_bits(1),
        project: "default".to_owned(),
        target: "dir:.".parse().unwrap(),
        target_key: TargetKey { key: "dir:.".to_owned(), line: None },
        template: None,
        plan_sha256: Sha256::of(""),
        executor: String::new(),
        source: None,
        options: ScanOptions::default(),
        state: ScanState::Completed,
        end: None,
        coverage: Coverage::Full,
        created_at: Timestamp(0),
        started_at: None,
        finished_at: None,
        owner: None,
        jobs: BTreeMap::new(),
        records,
        standings: Some(standings),
        muted,
    }
}
