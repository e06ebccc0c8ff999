//! JUnit XML as Jenkins and GitLab read it: a suite for the scan, with a test case for each job, and one for each scanner,
//! with a test case for each finding.
//!
//! What was not seen is an error, so that a scan which is not complete is never green. A finding is a failure; where there is
//! a gate, only a finding by which the gate fails is one, the others are skipped, as are those that somebody decided about. Findings
//! are read once to be counted and once for each scanner.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesStart, BytesText, Event};

use super::gate::Gate;
use super::shortfall::shortfall;
use super::source::for_each;
use super::text::{clean, clean_lines};
use super::words::to_the_second;
use super::{RenderError, Renderer, ReportData, unseen};
use crate::model::gate::Part;
use crate::model::standing::Standing;
use crate::model::view::FindingView;

/// The format `junit`.
#[derive(Debug)]
pub(super) struct JUnit;

/// How a test case ended.
enum Outcome {
    Passed,
    Skipped { why: String },
    Failed { kind: String, why: String, text: String },
    Error { why: String },
}

/// How many test cases there are of each outcome.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

impl Tally {
    const fn add(&mut self, outcome: &Outcome) {
        self.tests += 1;
        match outcome {
            Outcome::Passed => {}
            Outcome::Skipped { .. } => self.skipped += 1,
            Outcome::Failed { .. } => self.failures += 1,
            Outcome::Error { .. } => self.errors += 1,
        }
    }
}

impl Renderer for JUnit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let jobs = of_jobs(data);
        let mut suites: BTreeMap<String, Tally> =
            data.jobs.iter().map(|job| (job.scanner.clone(), Tally::default())).collect();
        let gate = &data.gate;
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            suites.entry(finding.scanner.clone()).or_default().add(&of_finding(&finding, gate));
            Ok(true)
        })?;
        let mut scan = Tally::default();
        for (_, outcome) in &jobs {
            scan.add(outcome);
        }
        let mut all = scan;
        for tally in suites.values() {
            all.tests += tally.tests;
            all.failures += tally.failures;
        }
        let mut xml = Writer::new(&mut *out);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        line(&mut xml)?;
        xml.write_event(Event::Start(root(all)))?;
        line(&mut xml)?;
        xml.write_event(Event::Start(suite(data, "dragnet", scan)))?;
        line(&mut xml)?;
        for (name, outcome) in &jobs {
            case(&mut xml, "dragnet.jobs", name, outcome)?;
        }
        end(&mut xml, "testsuite")?;
        for (scanner, tally) in &suites {
            xml.write_event(Event::Start(suite(data, scanner, *tally)))?;
            line(&mut xml)?;
            for_each::<FindingView, RenderError>(data.findings, |finding| {
                if finding.scanner == *scanner {
                    let name = name(&finding);
                    case(&mut xml, &class(&finding), &name, &of_finding(&finding, gate))?;
                }
                Ok(true)
            })?;
            end(&mut xml, "testsuite")?;
        }
        Ok(end(&mut xml, "testsuites")?)
    }
}

/// A test case for the scan as a whole, then one for each job.
fn of_jobs(data: &ReportData<'_>) -> Vec<(String, Outcome)> {
    let why = unseen::why(data.scan, data.verdict());
    let is_complete = why.is_none();
    let whole = why.map_or(Outcome::Passed, |why| Outcome::Error { why: format!("INCOMPLETE: {why}") });
    let mut cases = vec![("the scan is complete".to_owned(), whole)];
    cases.extend(data.jobs.iter().map(|job| {
        let outcome = match shortfall(job) {
            None => Outcome::Passed,
            Some(why) if is_complete => Outcome::Skipped { why: format!("{why} (accepted)") },
            Some(why) => Outcome::Error { why },
        };
        (format!("{} saw everything", job.name), outcome)
    }));
    cases
}

fn of_finding(finding: &FindingView, gate: &Gate) -> Outcome {
    let record = &finding.record;
    if let Some(muting) = &finding.muting {
        let why = muting.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        return Outcome::Skipped { why: format!("{}{why}", muting.decision.in_words()) };
    }
    let spared = match gate.asked.part_of(finding, &gate.outcome) {
        Part::Fails => None,
        Part::Allowed => Some("there are no more than the gate allows"),
        Part::Uncounted => Some("the gate does not count it"),
    };
    if let Some(spared) = spared {
        let before = if finding.standing == Some(Standing::Existing) { ", there before" } else { "" };
        return Outcome::Skipped { why: format!("{}{before}: {spared}", record.severity) };
    }
    let mut text = vec![if record.message.is_empty() { record.title.clone() } else { record.message.clone() }];
    text.extend(finding.also_by());
    text.extend(record.fix.as_ref().map(|fix| format!("Fix: {fix}")));
    text.extend(record.references.iter().cloned());
    Outcome::Failed {
        kind: record.severity.to_string(),
        why: format!("{}: {}", record.severity, record.title),
        text: clean_lines(&text.join("\n")),
    }
}

/// The scanner as the package and the file, host or package as the class; a dot in it would be taken for another package.
fn class(finding: &FindingView) -> String {
    let place = finding.record.location.path().map_or_else(|| finding.record.location.to_string(), str::to_owned);
    format!("{}.{}", finding.scanner, place.replace('.', "_"))
}

/// Rule and place, then the fingerprint, for equal names would be one test case to most readers.
fn name(finding: &FindingView) -> String {
    let record = &finding.record;
    format!("{}: {} at {} [{}]", record.rule, record.title, record.location, finding.fingerprint)
}

type Xml<'o> = Writer<&'o mut dyn Write>;

fn root(tally: Tally) -> BytesStart<'static> {
    let mut root = BytesStart::new("testsuites");
    root.push_attribute(("name", "dragnet"));
    root.push_attribute(("tests", tally.tests.to_string().as_str()));
    root.push_attribute(("failures", tally.failures.to_string().as_str()));
    root.push_attribute(("errors", tally.errors.to_string().as_str()));
    root
}

fn suite(data: &ReportData<'_>, name: &str, tally: Tally) -> BytesStart<'static> {
    let mut suite = BytesStart::new("testsuite");
    suite.push_attribute(("name", text(name).as_str()));
    suite.push_attribute(("tests", tally.tests.to_string().as_str()));
    suite.push_attribute(("failures", tally.failures.to_string().as_str()));
    suite.push_attribute(("errors", tally.errors.to_string().as_str()));
    suite.push_attribute(("skipped", tally.skipped.to_string().as_str()));
    suite.push_attribute(("id", data.scan.id.to_string().as_str()));
    let begin = data.scan.started_at.unwrap_or(data.scan.created_at);
    suite.push_attribute(("timestamp", to_the_second(begin).trim_end_matches('Z')));
    suite
}

fn case(xml: &mut Xml<'_>, class: &str, name: &str, outcome: &Outcome) -> io::Result<()> {
    let mut case = BytesStart::new("testcase");
    case.push_attribute(("classname", text(class).as_str()));
    case.push_attribute(("name", text(name).as_str()));
    let (element, kind, why, body) = match outcome {
        Outcome::Passed => {
            xml.write_event(Event::Empty(case))?;
            return line(xml);
        }
        Outcome::Skipped { why } => ("skipped", None, why, ""),
        Outcome::Error { why } => ("error", Some("incomplete"), why, ""),
        Outcome::Failed { kind, why, text } => ("failure", Some(kind.as_str()), why, text.as_str()),
    };
    let mut told = BytesStart::new(element);
    told.push_attribute(("message", text(why).as_str()));
    if let Some(kind) = kind {
        told.push_attribute(("type", kind));
    }
    xml.write_event(Event::Start(case))?;
    xml.write_event(Event::Start(told))?;
    xml.write_event(Event::Text(BytesText::new(&legal(body))))?;
    xml.write_event(Event::End(quick_xml::events::BytesEnd::new(element)))?;
    end(xml, "testcase")
}

fn end(xml: &mut Xml<'_>, name: &str) -> io::Result<()> {
    xml.write_event(Event::End(quick_xml::events::BytesEnd::new(name)))?;
    line(xml)
}

fn line(xml: &mut Xml<'_>) -> io::Result<()> {
    xml.get_mut().write_all(b"\n")
}

fn text(text: &str) -> String {
    legal(clean(text).trim())
}

/// Leaves out the two characters that XML 1.0 does not allow and a text fit for a terminal may have (section 2.2, `Char`).
fn legal(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect()
}

#[cfg(test)]
mod tests {
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::super::testing::{
        HOSTILE, compared, findings, finished, hostile, job, muted, render, troubled, unfinished, with_gate,
    };
    use super::JUnit;
    use crate::model::triage::Decision;
    use crate::report::Renderer as _;

    #[test]
    fn jobs_and_findings_are_test_cases() {
        let mut all = findings();
        all.push(muted(Decision::Accepted));
        insta::assert_snapshot!(render("junit", &unfinished(), &troubled(), all, 80), @r#"
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="dragnet" tests="8" failures="2" errors="3">
<testsuite name="dragnet" tests="4" failures="0" errors="3" skipped="0" id="28t5cy4t" timestamp="2026-11-21T03:55:46">
<testcase classname="dragnet.jobs" name="the scan is complete"><error message="INCOMPLETE: the scan did not see all of its target" type="incomplete"></error></testcase>
<testcase classname="dragnet.jobs" name="bandit saw everything"/>
<testcase classname="dragnet.jobs" name="semgrep saw everything"><error message="timed_out: stopped after 10m (after 2 attempts)" type="incomplete"></error></testcase>
<testcase classname="dragnet.jobs" name="trivy saw everything"><error message="its report tells of errors; its database is older than allowed" type="incomplete"></error></testcase>
</testsuite>
<testsuite name="bandit" tests="3" failures="1" errors="0" skipped="2" id="28t5cy4t" timestamp="2026-11-21T03:55:46">
<testcase classname="bandit.shop/db_py" name="B608: SQL built from strings at shop/db.py:12 [v1:0000000000000000000000000000000c]"><failure message="critical: SQL built from strings" type="critical">SQL built from strings, at length
https://example.org/rule</failure></testcase>
<testcase classname="bandit.shop/cart_py" name="B101: Assert used at shop/cart.py:40 [v1:00000000000000000000000000000028]"><skipped message="low: the gate does not count it"></skipped></testcase>
<testcase classname="bandit.shop/auth_py" name="B105: Password in the code at shop/auth.py:2 [v1:00000000000000000000000000000002]"><skipped message="accepted: only a test"></skipped></testcase>
</testsuite>
<testsuite name="semgrep" tests="0" failures="0" errors="0" skipped="0" id="28t5cy4t" timestamp="2026-11-21T03:55:46">
</testsuite>
<testsuite name="trivy" tests="1" failures="1" errors="0" skipped="0" id="28t5cy4t" timestamp="2026-11-21T03:55:46">
<testcase classname="trivy.services/checkout/requirements/production_txt" name="CVE-2026-1234: Remote code execution in a library with a name that goes on for longer than any line at services/checkout/requirements/production.txt:3 [v1:00000000000000000000000000000003]"><failure message="high: Remote code execution in a library with a name that goes on for longer than any line" type="high">Remote code execution in a library with a name that goes on for longer than any line, at length
Fix: upgrade to 2.0.1
https://example.org/rule</failure></testcase>
</testsuite>
</testsuites>
"#);
    }

    #[test]
    fn an_incomplete_scan_is_never_green() {
        for jobs in [troubled(), Vec::new()] {
            let text = render("junit", &unfinished(), &jobs, Vec::new(), 80);
            assert!(text.contains("<error message=\"INCOMPLETE: "), "{text}");
            assert!(!text.contains(" errors=\"0\">\n<testsuite name=\"dragnet\""), "{text}");
        }
        let text = render("junit", &finished(), &[job("bandit", "bandit", [0; 6])], Vec::new(), 80);
        assert!(text.contains("tests=\"2\" failures=\"0\" errors=\"0\"") && !text.contains("<error"), "{text}");
    }

    #[test]
    fn what_does_not_fail_the_gate_is_skipped() {
        for (gate, expected) in [("new:high", (1, 1, 0)), ("new:high=1", (2, 0, 1)), ("low", (0, 2, 0))] {
            let (scan, findings) = compared();
            let counts = with_gate(&scan, &[], findings, gate, |data| {
                let mut out = Vec::new();
                JUnit.render(data, &mut out).unwrap();
                let text = String::from_utf8(out).unwrap();
                let count = |what: &str| text.matches(what).count();
                (count("<skipped"), count("<failure"), count("no more than the gate allows"))
            });
            assert_eq!(counts, expected, "{gate}");
        }
    }

    #[test]
    fn hostile_words_stay_inside_their_element() {
        let mut view = hostile();
        view.muting = None;
        let jobs = [job(HOSTILE, HOSTILE, [0; 6])];
        let text = render("junit", &finished(), &jobs, vec![view, hostile()], 80);
        assert!(!text.contains(['\u{1b}', '\u{0}']));
        let mut names = Vec::new();
        let mut reader = Reader::from_str(&text);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) | Event::Empty(start) => {
                    names.push(String::from_utf8(start.name().0.to_vec()).unwrap());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        let suite = ["testsuite", "testcase", "testcase"];
        let expected =
            ["testsuites"].iter().chain(&suite).chain(&["testsuite", "testcase", "failure", "testcase", "skipped"]);
        assert_eq!(names, expected.copied().collect::<Vec<_>>());
    }
}
