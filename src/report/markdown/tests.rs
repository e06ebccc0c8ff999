use super::super::testing::{
    HOSTILE, compared, finding, findings, finished, hostile, job, muted, render, troubled, unfinished, with_asked,
    with_data,
};
use super::{DOCUMENT, GITHUB_SUMMARY, Markdown, PULL_REQUEST};
use crate::model::severity::Severity;
use crate::model::triage::Decision;
use crate::model::view::FindingView;
use crate::report::Renderer as _;

fn unlimited(format: &Markdown, findings: Vec<FindingView>) -> String {
    with_data(&unfinished(), &troubled(), findings, |data| {
        data.limit = None;
        let mut out = Vec::new();
        format.render(data, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    })
}

#[test]
fn a_document_says_first_what_is_missing() {
    let mut all = findings();
    all.push(muted(Decision::Accepted));
    insta::assert_snapshot!(render("markdown", &unfinished(), &troubled(), all, 80), @r#"
## Security scan: INCOMPLETE, and the gate fails already

Scan `28t5cy4t` of `dir:.` · commit `1a2b3c4d5e6…` with changes · took 1m 12s

**Not everything was seen:**

- `INCOMPLETE: the scan did not see all of its target; more may be there than is listed`
- `semgrep: timed_out: stopped after 10m (after 2 attempts)`
- `trivy: its report tells of errors; its database is older than allowed`

**Findings:** 2 critical · 1 high · 1 low

- fail on high or worse: FAILED
- 1 critical, 1 high reach it
- 1 low do not
- 1 finding does not count: suppressed or accepted here

| Job | Scanner | State | Found |
| --- | --- | --- | --- |
| `bandit` | `bandit 1.9.4` | succeeded | 1 high, 1 low |
| `semgrep` | `semgrep` | **failed, not everything seen** | none |
| `trivy` | `trivy 1.9.4` | **succeeded, not everything seen** | 1 high |

### Findings

| Severity | Finding | Place | Scanner and rule | |
| --- | --- | --- | --- | --- |
| **critical** | `SQL built from strings` | `shop/db.py:12` | `bandit · B608` |  |
| **high** | `Remote code execution in a library with a name that goes on for longer than any line` | `services/checkout/requirements/production.txt:3` | `trivy · CVE-2026-1234` | fix: `upgrade to 2.0.1` |
| low | `Assert used` | `shop/cart.py:40` | `bandit · B101` |  |
| **critical** | `Password in the code` | `shop/auth.py:2` | `bandit · B105` | accepted `only a test` |
"#);
}

#[test]
fn a_comment_tells_what_is_new_and_what_is_fixed() {
    let (scan, mut findings) = compared();
    findings.push(muted(Decision::Suppressed));
    insta::assert_snapshot!(render("pr", &scan, &[job("bandit", "bandit", [0; 6])], findings, 80), @r#"
## Security scan: the gate fails

Scan `28t5cy4t` of `dir:.` · commit `1a2b3c4d5e6…` with changes · took 1m 12s

**Findings:** 2 critical · 1 high

- 1 new · 1 existing · 1 fixed
- fail on high or worse: FAILED
- 1 critical, 1 high reach it
- 1 finding does not count: suppressed or accepted here

### New

| Severity | Finding | Place | Scanner and rule | |
| --- | --- | --- | --- | --- |
| **high** | `Remote code execution in a library with a name that goes on for longer than any line` | `services/checkout/requirements/production.txt:3` | `trivy · CVE-2026-1234` | fix: `upgrade to 2.0.1` |

### Fixed

- high `Shell in a subprocess` at `shop/run.py:7`

1 finding is not listed here: there before.

1 finding is not listed here: suppressed, accepted or a false positive.
"#);
}

#[test]
fn a_clean_scan_is_short() {
    insta::assert_snapshot!(render("pr", &finished(), &[job("bandit", "bandit", [0; 6])], Vec::new(), 80), @r#"
## Security scan: clean

Scan `28t5cy4t` of `dir:.` · commit `1a2b3c4d5e6…` with changes · took 1m 12s

**Findings:** none

- fail on high or worse: passed
"#);
}

#[test]
fn a_comment_and_a_summary_keep_to_their_limits() {
    let long = "long ".repeat(100);
    let many = |number| vec![finding(Severity::High, &long, &long, &long, &long, 1); number];
    for (format, number, most) in [(PULL_REQUEST, 200, 65_536), (GITHUB_SUMMARY, 3_000, 1 << 20)] {
        let text = unlimited(&format, many(number));
        assert!(text.len() <= most && text.len() > most - 4_096, "{}", text.len());
        let listed = text.lines().filter(|line| line.starts_with("| **high**")).count();
        let left = format!("… and {} more, ", super::grouped((number - listed) as u64));
        assert!(text.contains(&left) && text.contains("there is no more room here"), "{left}");
    }
    let text = unlimited(&DOCUMENT, many(3_000));
    assert_eq!(text.lines().filter(|line| line.starts_with("| **high**")).count(), 3_000);
}

#[test]
fn the_limit_holds_and_is_told() {
    let many = (0..50).map(|line| finding(Severity::Medium, "s", "r", "t", "a.py", line + 1)).collect();
    let text = render("markdown", &finished(), &[], many, 80);
    assert!(text.contains("… and 30 more, 30 medium (`--limit 0` lists all)"), "{text}");
}

/// All that is not inside of a code span.
fn outside_of_code(line: &str) -> String {
    let (mut outside, mut rest) = (String::new(), line);
    while let Some(at) = rest.find('`') {
        outside.push_str(&rest[..at]);
        let fence = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        let inside = &rest[at + fence..];
        let closing = (0..inside.len()).find(|at| {
            let run = |text: &str| text.len() - text.trim_start_matches('`').len();
            inside.is_char_boundary(*at) && !inside[..*at].ends_with('`') && run(&inside[*at..]) == fence
        });
        rest = &inside[closing.expect("a span that ends") + fence..];
    }
    outside + rest
}

#[test]
fn what_a_gate_names_is_code() {
    let rules = serde_json::json!({ "rules": [{ "name": HOSTILE, "severity": "high" }, { "path": "<b>" }] });
    let mut view = hostile();
    view.muting = None;
    let asked = serde_json::from_value(rules).unwrap();
    let text = with_asked(&finished(), &[], vec![view], asked, Vec::new(), |data| {
        let mut out = Vec::new();
        super::super::renderer("markdown").unwrap().render(data, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    });
    assert!(text.contains("fail on high or worse (=cmd"), "{text}");
    for line in text.lines() {
        let outside = outside_of_code(line);
        assert!(!outside.contains(['<', '@', '[', '!', '\\']) && !outside.contains("::"), "{line}");
    }
}

#[test]
fn hostile_words_are_code() {
    for format in ["markdown", "pr", "github-summary"] {
        let mut view = hostile();
        view.muting = None;
        let text = render(format, &unfinished(), &[job("a|b", "<b>", [0; 6])], vec![view, hostile()], 80);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        for line in text.lines() {
            let outside = outside_of_code(line);
            assert!(!outside.contains(['<', '@', '[', '!', '\\']) && !outside.contains("::"), "{line}");
        }
        let rows = text.lines().filter(|line| line.starts_with("| **high**"));
        for row in rows {
            assert_eq!(outside_of_code(row).matches('|').count(), 6, "{row}");
        }
    }
}
