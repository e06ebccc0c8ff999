use super::super::testing::{finding, findings, finished, job, render, troubled, unfinished};
use crate::model::severity::Severity;
use crate::model::view::FindingView;

#[test]
fn an_incomplete_scan_says_so_first() {
    insta::assert_snapshot!(render("table", &unfinished(), &troubled(), findings(), 80), @"");
}

#[test]
fn a_wide_terminal_gets_wide_columns() {
    insta::assert_snapshot!(render("table", &unfinished(), &troubled(), findings(), 120), @"");
}

#[test]
fn an_empty_scan_is_clean() {
    insta::assert_snapshot!(render("table", &finished(), &[job("bandit", "bandit", [0; 6])], Vec::new(), 80), @"");
}

#[test]
fn hostile_words_stay_words() {
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}evil\u{202e}txt\nCRITICAL · 99\r";
    let mut job = job(hostile, hostile, [1, 0, 0, 0, 0, 0]);
    job.scanner_version = Some(hostile.to_owned());
    let text =
        render("table", &finished(), &[job], vec![finding(Severity::High, hostile, hostile, hostile, hostile, 1)], 80);
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\u{7}']));
    insta::assert_snapshot!(text, @"");
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
