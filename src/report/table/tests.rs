use super::super::testing::{finding, findings, finished, job, render, troubled, unfinished, with_asked, with_source};
use super::super::{Grouping, Renderer as _, Source, SourceError, Style};
use super::Table;
use crate::model::exploit::Dataset;
use crate::model::finding::SeverityCounts;
use crate::model::gate::{Gate, Missing};
use crate::model::severity::Severity;
use crate::model::view::{FindingView, ScanView};

#[test]
fn an_incomplete_scan_says_so_first() {
    insta::assert_snapshot!(render("table", &unfinished(), &troubled(), findings(), 80), @r#"
 INCOMPLETE   the scan did not see all of its target.
              More may be there than is listed.

  ✗ semgrep  timed_out: stopped after 10m (after 2 attempts)
  ! trivy    its report tells of errors; its database is older than allowed

Scan      28t5cy4t · dir:. · failed
Source    1,204 files, 8.2 MiB · commit 1a2b3c4, with changes · sha256 41cf6794
Ran on    docker (unix:///var/run/docker.sock)
Time      2026-11-21 03:55:46 UTC, took 1m 12s

JOB        SCANNER       STATE      SAW      FOUND          TIME
✓ bandit   bandit 1.9.4  succeeded  all      1 high, 1 low   12s
✗ semgrep  semgrep       failed     nothing  -               12s
! trivy    trivy 1.9.4   succeeded  a part   1 high          12s

CRITICAL · 1
  shop/db.py:12                     SQL built from strings
                                    bandit · B608

HIGH · 1
  …t/requirements/production.txt:3  Remote code execution in a library with a n…
                                    trivy · CVE-2026-1234
                                    → upgrade to 2.0.1

LOW · 1
  shop/cart.py:40                   Assert used
                                    bandit · B101

Findings  1 critical · 1 high · 1 low
Gate      fail on high or worse: FAILED
          1 critical, 1 high reach it
          1 low do not
Verdict    INCOMPLETE, and the gate fails already
"#);
}

#[test]
fn a_wide_terminal_gets_wide_columns() {
    insta::assert_snapshot!(render("table", &unfinished(), &troubled(), findings(), 120), @r#"
 INCOMPLETE   the scan did not see all of its target.
              More may be there than is listed.

  ✗ semgrep  timed_out: stopped after 10m (after 2 attempts)
  ! trivy    its report tells of errors; its database is older than allowed

Scan      28t5cy4t · dir:. · failed
Source    1,204 files, 8.2 MiB · commit 1a2b3c4, with changes · sha256 41cf6794
Ran on    docker (unix:///var/run/docker.sock)
Time      2026-11-21 03:55:46 UTC, took 1m 12s

JOB        SCANNER       STATE      SAW      FOUND          TIME
✓ bandit   bandit 1.9.4  succeeded  all      1 high, 1 low   12s
✗ semgrep  semgrep       failed     nothing  -               12s
! trivy    trivy 1.9.4   succeeded  a part   1 high          12s

CRITICAL · 1
  shop/db.py:12                                     SQL built from strings
                                                    bandit · B608

HIGH · 1
  services/checkout/requirements/production.txt:3   Remote code execution in a library with a name that goes on for lon…
                                                    trivy · CVE-2026-1234
                                                    → upgrade to 2.0.1

LOW · 1
  shop/cart.py:40                                   Assert used
                                                    bandit · B101

Findings  1 critical · 1 high · 1 low
Gate      fail on high or worse: FAILED
          1 critical, 1 high reach it
          1 low do not
Verdict    INCOMPLETE, and the gate fails already
"#);
}

#[test]
fn an_empty_scan_is_clean() {
    insta::assert_snapshot!(render("table", &finished(), &[job("bandit", "bandit", [0; 6])], Vec::new(), 80), @r#"
Scan      28t5cy4t · dir:. · completed
Source    1,204 files, 8.2 MiB · commit 1a2b3c4, with changes · sha256 41cf6794
Ran on    docker (unix:///var/run/docker.sock)
Time      2026-11-21 03:55:46 UTC, took 1m 12s

JOB       SCANNER       STATE      SAW  FOUND  TIME
✓ bandit  bandit 1.9.4  succeeded  all  -       12s

Findings  none
Gate      fail on high or worse: passed
Verdict   clean: complete, and nothing was found
"#);
}

#[test]
fn hostile_words_stay_words() {
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}evil\u{202e}txt\nCRITICAL · 99\r";
    let mut job = job(hostile, hostile, [1, 0, 0, 0, 0, 0]);
    job.scanner_version = Some(hostile.to_owned());
    let text =
        render("table", &finished(), &[job], vec![finding(Severity::High, hostile, hostile, hostile, hostile, 1)], 80);
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\u{7}']));
    insta::assert_snapshot!(text, @r#"
Scan      28t5cy4t · dir:. · completed
Source    1,204 files, 8.2 MiB · commit 1a2b3c4, with changes · sha256 41cf6794
Ran on    docker (unix:///var/run/docker.sock)
Time      2026-11-21 03:55:46 UTC, took 1m 12s

JOB                  SCANNER              STATE      SAW  FOUND       TIME
✓ eviltxt CRITICAL…  eviltxt CRITICAL ·…  succeeded  all  1 critical   12s

HIGH · 1
  eviltxt CRITICAL · 99 :1          eviltxt CRITICAL · 99
                                    eviltxt CRITICAL · 99 · …iltxt CRITICAL · 99

Findings  1 high
Gate      fail on high or worse: FAILED
          1 high reach it
Verdict   gate failed
"#);
}

#[test]
fn what_is_not_listed_is_counted() {
    let many: Vec<FindingView> = (0..50)
        .map(|i| finding(if i < 30 { Severity::Medium } else { Severity::Low }, "s", "r", "t", "a.py", i + 1))
        .collect();
    let text = render("table", &finished(), &[], many, 80);
    assert!(text.contains("… and 30 more: 10 medium, 20 low (--limit 0 lists all)"), "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [60, 80, 120, 200] {
        for line in render("table", &unfinished(), &troubled(), findings(), width).lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= width, "{width}: {line}");
        }
    }
}

/// Pages that are counted as they are read.
struct Pages {
    read: usize,
}

impl Source<FindingView> for Pages {
    fn next_page(&mut self) -> Result<Vec<FindingView>, SourceError> {
        self.read += 1;
        let left = if self.read <= 1000 { 100 } else { 0 };
        Ok(vec![finding(Severity::High, "s", "r", "t", "a.py", 1); left])
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.read = 0;
        Ok(())
    }
}

#[test]
fn a_long_list_is_read_no_further_than_it_is_shown() {
    let mut pages = Pages { read: 0 };
    let mut out = Vec::new();
    with_source(&finished(), &[], &mut pages, |data| {
        (data.limit, data.style) = (Some(150), Style { width: 80, color: true, ..Style::default() });
        Table.render(data, &mut out).unwrap();
    });
    assert!(String::from_utf8(out).unwrap().contains("\u{1b}["), "colours are on");
    assert_eq!(pages.read, 2);
}

#[test]
fn of_very_many_jobs_the_troubled_are_shown() {
    let mut jobs = vec![job("fine", "s", [0; 6]); 200];
    jobs.extend(troubled());
    let text = render("table", &unfinished(), &jobs, Vec::new(), 80);
    assert!(text.contains("✗ semgrep  semgrep") && text.contains("… and 153 jobs"), "{text}");
}

#[test]
fn a_gate_that_is_not_decided_says_so_first_and_last() {
    let asked: Gate = serde_json::from_str(r#"{"rules":[{"kev":true}]}"#).unwrap();
    let missing = vec![Missing { dataset: Dataset::Kev, problem: None }];
    let mut out = Vec::new();
    with_asked(&finished(), &[], Vec::new(), asked, missing, |data| Table.render(data, &mut out).unwrap());
    let text = String::from_utf8(out).unwrap();
    let why = "it asks the KEV catalogue, and no copy is configured: set data.kev";
    assert!(text.starts_with(&format!(" NOT DECIDED   the gate asks what is not known.\n\n  ! {why}\n")), "{text}");
    assert!(text.contains(&format!("Gate      not decided: {why}\n")), "{text}");
    assert!(text.ends_with("Verdict    the gate is NOT DECIDED \n") && !text.contains("clean"), "{text}");
}

fn styled(findings: Vec<FindingView>, style: Style) -> String {
    let mut out = Vec::new();
    with_asked(&finished(), &[], findings, Gate::default(), Vec::new(), |data| {
        data.style = style;
        Table.render(data, &mut out).unwrap();
    });
    String::from_utf8(out).unwrap()
}

fn several() -> Vec<FindingView> {
    let mut several = findings();
    several.push(finding(Severity::Low, "bandit", "B101", "Assert used", "shop/db.py", 90));
    several
}

#[test]
fn findings_are_grouped_by_file_the_worst_first() {
    let text = styled(several(), Style { width: 80, grouping: Grouping::File, ..Style::default() });
    let list = text.split_once("UTC, took 1m 12s\n\n").unwrap().1.split_once("\n\nFindings").unwrap().0;
    insta::assert_snapshot!(list, @r#"
shop/db.py · 1 critical, 1 low
  shop/db.py:12                     SQL built from strings
                                    critical · bandit · B608
  shop/db.py:90                     Assert used
                                    low · bandit · B101

services/checkout/requirements/production.txt · 1 high
  …t/requirements/production.txt:3  Remote code execution in a library with a n…
                                    high · trivy · CVE-2026-1234
                                    → upgrade to 2.0.1

shop/cart.py · 1 low
  shop/cart.py:40                   Assert used
                                    low · bandit · B101
"#);
}

#[test]
fn findings_are_grouped_by_rule() {
    let text = styled(several(), Style { width: 60, grouping: Grouping::Rule, ..Style::default() });
    let list = text.split_once("UTC, took 1m 12s\n\n").unwrap().1.split_once("\n\nFindings").unwrap().0;
    insta::assert_snapshot!(list, @r#"
bandit · B608 · 1 critical
  shop/db.py:12             SQL built from strings
                            critical · bandit · B608

trivy · CVE-2026-1234 · 1 high
  …ements/production.txt:3  Remote code execution in a libr…
                            high · trivy · CVE-2026-1234
                            → upgrade to 2.0.1

bandit · B101 · 2 low
  shop/cart.py:40           Assert used
                            low · bandit · B101
  shop/db.py:90             Assert used
                            low · bandit · B101
"#);
    assert!(text.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 60), "{text}");
}

#[test]
fn a_rule_leads_to_what_is_said_of_it_if_that_is_an_address() {
    let link = |address: &str, links: bool| {
        let mut findings = findings();
        findings.truncate(1);
        findings[0].record.references = vec![address.to_owned()];
        styled(findings, Style { width: 80, links, ..Style::default() })
    };
    let text = link("https://example.org/B608?a=b#c", true);
    assert!(
        text.contains("\u{1b}]8;;https://example.org/B608?a=b#c\u{1b}\\bandit · B608\u{1b}]8;;\u{1b}\\\n"),
        "{text:?}"
    );
    assert!(!link("https://example.org/B608", false).contains('\u{1b}'));
    for hostile in
        ["javascript:alert(1)", "https://a/\u{1b}]8;;b", "https://a b", "https://ä", "file:///etc/passwd", ""]
    {
        assert!(!link(hostile, true).contains('\u{1b}'), "{hostile}");
    }
}

#[test]
fn a_grouped_list_is_bounded_and_does_not_promise_that_a_limit_helps() {
    let (mut pages, mut out) = (Pages { read: 0 }, Vec::new());
    let scan = ScanView { records: SeverityCounts([0, 100_000, 0, 0, 0, 0]), ..finished() };
    with_source(&scan, &[], &mut pages, |data| {
        (data.limit, data.style) = (None, Style { width: 80, grouping: Grouping::File, ..Style::default() });
        Table.render(data, &mut out).unwrap();
    });
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.contains("… and 90,000 more: 90,000 high (no more are grouped; all are listed by severity)"),
        "{text}"
    );
}
