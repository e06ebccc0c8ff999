//! The page as text; what it does in a browser is checked by `tests/html.rs`.

use serde_json::Value;

use super::super::testing::{finding, findings, finished, job, render, troubled, unfinished, with_source};
use super::super::{Renderer as _, Source, SourceError};
use super::{Html, SCRIPT, STYLE, fits, hash, policy};
use crate::model::severity::Severity;
use crate::model::standing::{Standing, Standings};
use crate::model::triage::{Decision, Muting, Origin};
use crate::model::view::FindingView;

/// What would act in a page, on a terminal or on its reader.
const HOSTILE: &str =
    "</script></style></title><script>alert(1)</script><!--<img src=x onerror=alert(1)>'\"&\u{2028}\u{202e}\u{1b}[2J";

fn hostile() -> FindingView {
    let mut hostile = finding(Severity::High, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1);
    for text in [&mut hostile.fingerprint, &mut hostile.job] {
        HOSTILE.clone_into(text);
    }
    for text in [&mut hostile.record.native_severity, &mut hostile.record.fix, &mut hostile.record.evidence] {
        *text = Some(HOSTILE.to_owned());
    }
    hostile.record.references = vec![HOSTILE.to_owned(), "javascript:alert(1)".to_owned()];
    hostile.record.vulnerabilities = vec![HOSTILE.to_owned()];
    hostile.muting = Some(Muting {
        decision: Decision::Accepted,
        origin: Origin::Person,
        reason: Some(HOSTILE.to_owned()),
        author: Some(HOSTILE.to_owned()),
        until: None,
    });
    hostile
}

/// The content of a block of data.
fn block(page: &str, id: &str) -> Value {
    let start = format!("<script type=\"application/json\" id=\"{id}\">");
    let after = page.split(&start).nth(1).unwrap();
    serde_json::from_str(after.split("</script>").next().unwrap()).unwrap()
}

fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    page.split(start).nth(1).unwrap().split(end).next().unwrap()
}

#[test]
fn the_policy_names_what_is_in_the_page_and_nothing_else() {
    let page = render("html", &finished(), &[], findings(), 80);
    let style = between(&page, "<style>", "</style>");
    let script = between(&page, "<script>", "</script>");
    assert!(page.contains(&format!("content=\"{}\"", policy())));
    assert!(policy().contains(&format!("script-src 'sha256-{}';", hash(script))));
    assert!(policy().contains(&format!("style-src 'sha256-{}';", hash(style))));
    assert!(policy().starts_with("default-src 'none';") && !policy().contains("unsafe"));
    assert_eq!((page.matches("<style").count(), page.matches("<script>").count()), (1, 1));
}

#[test]
fn the_files_of_the_page_can_stand_in_it() {
    for text in [STYLE, SCRIPT] {
        assert!(!text.contains("</") && !text.contains("<!--") && !text.contains('\r'));
    }
    for acting in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "http:"] {
        assert!(!SCRIPT.contains(acting), "{acting}");
    }
    for outside in ["url(", "@import", "http"] {
        assert!(!STYLE.contains(outside), "{outside}");
    }
}

#[test]
fn hostile_words_stay_words() {
    let mut scan = unfinished();
    scan.executor = HOSTILE.to_owned();
    scan.template = Some(HOSTILE.to_owned());
    scan.project = HOSTILE.to_owned();
    scan.target_key.line = Some(HOSTILE.to_owned());
    let mut jobs = troubled();
    for job in &mut jobs {
        HOSTILE.clone_into(&mut job.name);
        HOSTILE.clone_into(&mut job.scanner);
        job.scanner_version = Some(HOSTILE.to_owned());
        if let Some(failure) = &mut job.failure {
            HOSTILE.clone_into(&mut failure.message);
        }
    }
    let page = render("html", &scan, &jobs, vec![hostile()], 80);
    assert!(!page.contains("<img") && !page.contains("<script>alert") && !page.contains("<!--"));
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\u{2028}']));
    assert_eq!(page.matches("</script>").count(), 4, "three blocks of data and the script");
    let row = &block(&page, "data")[0];
    let told = "</script></style></title><script>alert(1)</script><!--<img src=x onerror=alert(1)>'\"& ";
    assert_eq!((&row["title"], &row["muted"]["reason"]), (&told.trim().into(), &told.trim().into()));
}

#[test]
fn no_markup_bears_a_handler_or_loads_anything() {
    let page = render("html", &unfinished(), &troubled(), findings(), 80);
    let markup = page.replace(SCRIPT, "").replace(STYLE, "");
    for tag in markup.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        assert!(!tag.contains(" on") && !tag.contains(" src=") && !tag.contains(" style="), "<{tag}>");
        assert!(!tag.contains("href=") || tag.contains("href=\"#"), "<{tag}>");
    }
}

#[test]
fn an_incomplete_scan_says_so_before_anything_else() {
    let page = render("html", &unfinished(), &troubled(), findings(), 80);
    assert!(page.contains("<title>Incomplete: 3 findings · dir:. · dragnet</title>"));
    let main = page.split("<main>").nth(1).unwrap();
    insta::assert_snapshot!(main.split("<section aria-labelledby=\"numbers\">").next().unwrap().trim(), @r#"
<section class="verdict incomplete" aria-labelledby="verdict">
<h1 id="verdict">Incomplete</h1>
<p>The scan did not see all of its target. More may be there than is listed. The gate fails already.</p>
<h2>Not seen</h2>
<ul class="unseen">
<li><strong>semgrep</strong> <span>timed_out: stopped after 10m (after 2 attempts)</span></li>
<li><strong>trivy</strong> <span>its report tells of errors; its database is older than allowed</span></li>
</ul>
</section>
"#);
}

#[test]
fn only_what_saw_everything_looks_clean() {
    let heading = |page: &str| between(page, "<h1 id=\"verdict\">", "</h1>").to_owned();
    let fine = [job("bandit", "bandit", [0; 6])];
    let low = vec![finding(Severity::Low, "s", "r", "t", "a.py", 1)];
    assert_eq!(heading(&render("html", &finished(), &fine, Vec::new(), 80)), "Clean");
    assert_eq!(heading(&render("html", &finished(), &fine, low, 80)), "Gate passed");
    assert_eq!(heading(&render("html", &finished(), &fine, findings(), 80)), "Gate failed");
    let page = render("html", &unfinished(), &fine, Vec::new(), 80);
    assert_eq!(heading(&page), "Incomplete");
    assert!(page.contains("<li><span>some jobs did not succeed</span></li>"));
    assert!(page.contains("Nothing was found so far, and not everything was seen."));
}

#[test]
fn what_was_accepted_as_not_seen_is_told() {
    let mut job = troubled().remove(2);
    job.records = crate::model::finding::SeverityCounts::default();
    let page = render("html", &finished(), &[job], Vec::new(), 80);
    assert!(
        page.contains("<p>The scan saw its target, but for what was accepted as not seen, and nothing was found.</p>")
    );
    assert!(page.contains("<h2>Not seen, and accepted so</h2>"));
}

#[test]
fn what_is_left_out_is_told_and_the_worst_is_kept() {
    let many: Vec<FindingView> = (0..50)
        .map(|i| finding(if i < 30 { Severity::Medium } else { Severity::Low }, "s", "r", "t", "a.py", i + 1))
        .collect();
    let page = render("html", &finished(), &[], many, 80);
    let rows = block(&page, "data");
    assert_eq!(rows.as_array().unwrap().len(), 20);
    assert!(rows.as_array().unwrap().iter().all(|row| row["severity"] == Severity::Medium.rank()));
    assert!(page.contains("carries the worst 20 of 50 findings.</strong> It leaves out 10 medium, 20 low,"));
    assert_eq!(block(&page, "facts")["left"], 30);
}

#[test]
fn standings_and_decisions_are_told_apart() {
    let mut all = findings();
    all[0].standing = Some(Standing::Reopened);
    all[2].muting = hostile().muting;
    let mut scan = finished();
    scan.standings = Some(Standings::default());
    let page = render("html", &scan, &[], all, 80);
    let rows = block(&page, "data");
    assert_eq!((&rows[0]["standing"], &rows[2]["muted"]["decision"]), (&"reopened".into(), &"accepted".into()));
    assert!(page.contains("new · accepted, not counted"));
    assert_eq!(block(&page, "gone")[0]["standing"], "fixed");
}

#[test]
fn earlier_scans_are_drawn_and_told_in_numbers() {
    let page = render("html", &finished(), &[], findings(), 80);
    let trend = between(&page, "<h2 id=\"trend\">", "</section>");
    assert_eq!(trend.matches("<g").count(), 3);
    assert!(trend.contains("<g class=\"open\"><title>2026-11-14 03:55:46 UTC · "), "{trend}");
    assert!(trend.contains("<td>2 critical, 4 high, 1 medium</td><td>all</td>"), "{trend}");
    assert!(trend.contains("Outlined: incomplete"), "{trend}");
}

/// Pages that are counted as they are read, over all passes.
struct Pages {
    at: usize,
    read: usize,
}

impl Source<FindingView> for Pages {
    fn next_page(&mut self) -> Result<Vec<FindingView>, SourceError> {
        self.at += 1;
        self.read += 1;
        let left = if self.at <= 1000 { 100 } else { 0 };
        Ok(vec![finding(Severity::High, "s", "r", "t", "a.py", 1); left])
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.at = 0;
        Ok(())
    }
}

#[test]
fn a_long_list_is_read_in_pages_and_no_further_than_it_is_shown() {
    let mut pages = Pages { at: 0, read: 0 };
    with_source(&finished(), &[], &mut pages, |data| {
        data.limit = Some(150);
        assert_eq!(fits(data, 1 << 30).unwrap().total(), 150);
        let few = fits(data, 4096).unwrap().total();
        assert!((5..30).contains(&few), "{few} findings in 4 KiB");
        Html.render(data, &mut Vec::new()).unwrap();
    });
    assert_eq!(pages.read, 2 + 1 + 3 * 2, "to measure, for the plain table, for the data");
}

#[test]
fn a_row_looks_like_this() {
    let mut one = findings()[1].clone();
    one.record.evidence = Some("flask==0.1".to_owned());
    let page = render("html", &finished(), &[], vec![one], 80);
    insta::assert_snapshot!(between(&page, "id=\"data\">", "</script>"), @r#"
[
{"id":"v1:00000000000000000000000000000003","severity":1,"title":"Remote code execution in a library with a name that goes on for longer than any line","rule":"CVE-2026-1234","scanner":"trivy","job":"trivy","place":"services/checkout/requirements/production.txt:3","file":"services/checkout/requirements/production.txt","line":3,"standing":"new","message":"Remote code execution in a library with a name that goes on for longer than any line, at length","known":["CWE-89"],"fix":"upgrade to 2.0.1","references":["https://example.org/rule"],"excerpt":{"lines":["flask==0.1"],"first":3,"marked":[3,3]}}]
"#);
}
