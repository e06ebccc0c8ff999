//! GitHub's workflow commands: a line for each finding that becomes an annotation of the run
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).
//!
//! GitHub keeps 10 annotations of each level of a step and drops the rest without a word
//! (<https://github.com/actions/toolkit/blob/main/docs/problem-matchers.md>), so no more are written, the worst of each level,
//! and a notice says how many there are besides. The first error says that a scan is not complete.

use std::io::{self, Write};

use super::source::for_each;
use super::text::{clean, clean_lines, cut};
use super::words::{count, counts};
use super::{RenderError, Renderer, ReportData, unseen};
use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;
use crate::model::view::FindingView;

/// The format `github`.
#[derive(Debug)]
pub(super) struct Annotations;

/// Annotations of one level that GitHub keeps of a step.
const MOST: usize = 10;
/// Characters of a message, far more than a person reads there.
const MAX_MESSAGE: usize = 1_000;
const MAX_TITLE: usize = 200;

/// The levels of annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Notice,
}

impl Level {
    /// Unknown counts as high, as it does in gates.
    const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High | Severity::Unknown => Self::Error,
            Severity::Medium => Self::Warning,
            Severity::Low | Severity::Info => Self::Notice,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

impl Renderer for Annotations {
    fn name(&self) -> &'static str {
        "github"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let unseen = unseen::lines(data);
        // A notice is kept for the last line.
        let mut room = [MOST, MOST, MOST - 1];
        if !unseen.is_empty() {
            let level = if data.scan.is_complete() { Level::Warning } else { Level::Error };
            room[level as usize] -= 1;
            let text = cut(&unseen.join("\n"), MAX_MESSAGE).into_owned();
            command(level, &[("title", "dragnet: not everything was seen".to_owned())], &text, out)?;
        }
        let muted = if data.only_new { data.scan.muted.news } else { data.scan.muted.records };
        let listed = data.listed().without(&muted);
        let mut shown = SeverityCounts::default();
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            let severity = finding.record.severity;
            let left = &mut room[Level::of(severity) as usize];
            if finding.muting.is_none() && *left > 0 {
                *left -= 1;
                shown.add(severity);
                annotate(&finding, out)?;
            }
            Ok(room.iter().any(|left| *left > 0))
        })?;
        Ok(tell_rest(data, &listed.without(&shown), out)?)
    }
}

fn annotate(finding: &FindingView, out: &mut dyn Write) -> io::Result<()> {
    let record = &finding.record;
    let mut properties = Vec::new();
    if let Some(path) = record.location.path() {
        properties.push(("file", clean(path).trim_start_matches('/').to_owned()));
    }
    if let Some(region) = record.location.region() {
        properties.push(("line", region.start_line.to_string()));
        properties.extend(region.end_line.map(|line| ("endLine", line.to_string())));
    }
    let title = format!("{}: {}", record.severity, clean(&record.title).trim());
    properties.push(("title", cut(&title, MAX_TITLE).into_owned()));
    let message = if record.message.is_empty() { &record.title } else { &record.message };
    let place = match record.location.path() {
        Some(_) => String::new(),
        None => format!(" at {}", record.location),
    };
    let by = format!("{} · {}{place}", finding.scanners(), record.rule);
    let text = format!("{}\n{}", cut(&clean_lines(message), MAX_MESSAGE), cut(&clean(&by), MAX_MESSAGE));
    command(Level::of(record.severity), &properties, &text, out)
}

/// Says how many findings have no annotation.
fn tell_rest(data: &ReportData<'_>, left: &SeverityCounts, out: &mut dyn Write) -> io::Result<()> {
    let mut words = Vec::new();
    if left.total() > 0 {
        let findings = count(left.total(), "more finding is", "more findings are");
        words.push(format!("{findings} not annotated: {}", counts(left, ", ")));
    }
    let muted = data.scan.muted.records.total();
    if muted > 0 {
        let findings = count(muted, "finding does", "findings do");
        words.push(format!("{findings} not count: suppressed, accepted or a false positive"));
    }
    if words.is_empty() {
        return Ok(());
    }
    let title = ("title", "dragnet: what is not annotated".to_owned());
    command(Level::Notice, &[title], &words.join("\n"), out)
}

/// Writes a command. Values have no line ends, `:` or `,` of their own, so nothing in them is a command or a property.
fn command(level: Level, properties: &[(&str, String)], text: &str, out: &mut dyn Write) -> io::Result<()> {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value).replace(':', "%3A").replace(',', "%2C")))
        .collect();
    writeln!(out, "::{} {}::{}", level.as_str(), properties.join(","), escape(text))
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        HOSTILE, finding, findings, finished, hostile, muted, places, render, troubled, unfinished,
    };
    use crate::model::severity::Severity;
    use crate::model::triage::Decision;

    #[test]
    fn findings_are_annotations_and_a_gap_is_the_first() {
        let mut all = findings();
        all.push(muted(Decision::Accepted));
        insta::assert_snapshot!(render("github", &unfinished(), &troubled(), all, 80), @r#"
::error title=dragnet%3A not everything was seen::INCOMPLETE: the scan did not see all of its target; more may be there than is listed%0Asemgrep: timed_out: stopped after 10m (after 2 attempts)%0Atrivy: its report tells of errors; its database is older than allowed
::error file=shop/db.py,line=12,title=critical%3A SQL built from strings::SQL built from strings, at length%0Abandit · B608
::error file=services/checkout/requirements/production.txt,line=3,title=high%3A Remote code execution in a library with a name that goes on for longer than any line::Remote code execution in a library with a name that goes on for longer than any line, at length%0Atrivy · CVE-2026-1234
::notice file=shop/cart.py,line=40,title=low%3A Assert used::Assert used, at length%0Abandit · B101
::notice title=dragnet%3A what is not annotated::1 finding does not count: suppressed, accepted or a false positive
"#);
    }

    #[test]
    fn no_more_are_written_than_github_keeps() {
        let severities = [Severity::Critical, Severity::Medium, Severity::Low, Severity::Unknown];
        let many = severities
            .iter()
            .flat_map(|severity| (0..30).map(|line| finding(*severity, "s", "r", "t", "a.py", line + 1)));
        let text = render("github", &unfinished(), &troubled(), many.collect(), 80);
        let of = |level: &str| text.lines().filter(|line| line.starts_with(&format!("::{level} "))).count();
        assert_eq!((of("error"), of("warning"), of("notice")), (10, 10, 10));
        let last = "::notice title=dragnet%3A what is not annotated::92 more findings are not annotated: 21 critical, 20 medium, 21 low, 30 unknown";
        assert_eq!(text.lines().last().unwrap(), last);
    }

    #[test]
    fn errors_that_come_last_are_not_missed() {
        let mut all: Vec<_> = (0..40).map(|line| finding(Severity::Low, "s", "r", "t", "a.py", line + 1)).collect();
        all.push(finding(Severity::Unknown, "s", "r", "the last", "a.py", 1));
        assert!(render("github", &finished(), &[], all, 80).contains("title=unknown%3A the last"));
    }

    #[test]
    fn hostile_words_are_no_commands() {
        let mut view = hostile();
        view.muting = None;
        let mut all = places();
        all.insert(0, view);
        let text = render("github", &finished(), &[], all, 80);
        assert_eq!(text.lines().count(), 9);
        for line in text.lines() {
            let (head, _) = line[2..].split_once("::").unwrap();
            assert!(
                line.starts_with("::") && head.matches("title=").count() == 1 && !line.contains(char::is_control),
                "{line}"
            );
        }
        assert!(HOSTILE.contains("%0A") && text.contains("%250A"), "what looks escaped is text");
    }
}
