//! noseyparker's report, one finding a line (`-f jsonl`) or in an array (`-f json`).
//!
//! A finding is a secret, its matches are the places where it is: one record each. Matches that the report leaves out
//! (`--max-matches`) are counted as skipped.

use serde_json::Value;

use super::json::Event;
use super::mask::{Masker, token_identity};
use super::masked::walk_all;
use super::output::Output;
use super::value::{first, items, number, region, required, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `noseyparker`.
#[derive(Debug)]
pub(super) struct Noseyparker;

const ROUTES: &[&str] = &["", "[]"];
/// Findings are named by a plain hash over their secret, which a guess can be tested against.
const SECRETS: &[&str] = &["/match_content", "/groups", "/finding_id", "/snippet"];

static REDACTION: Redaction = Redaction::new(ROUTES, |masker, _, value| {
    if let Some(value) = value {
        hide(masker, value);
    }
});

impl Parser for Noseyparker {
    fn name(&self) -> &'static str {
        "noseyparker"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["rule_name", "num_matches"]) || outline.has_all(&["[]/rule_name", "[]/num_matches"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk_all(self, context, input, ROUTES, &mut |_, event| {
            let Event::Value(value) = event else { return Ok(()) };
            let name = required(self.name(), &value, &["/rule_name"])?;
            let matches = items(&value, "/matches");
            matches.iter().try_for_each(|found| output.record(record(&value, found, name, context)))?;
            let (all, listed) = (number(&value, "/num_matches").unwrap_or_default(), matches.len() as u64);
            output.skip_several("match that the report does not list", u64::from(all).saturating_sub(listed));
            Ok(())
        })?;
        Ok(output.summary)
    }
}

fn hide(masker: &mut Masker<'_>, value: &mut Value) {
    masker.hide_in_each(value, "/matches", SECRETS);
    masker.hide(value, SECRETS);
}

fn record(finding: &Value, found: &Value, name: &str, context: &Context) -> Record {
    Record {
        rule: first(finding, &["/rule_text_id", "/rule_name"]).unwrap_or_default().to_owned(),
        title: name.to_owned(),
        message: commit(found).map(|commit| format!("in commit {commit}")).unwrap_or_default(),
        severity: Severity::High,
        location: location(found, context),
        cwe: vec![798],
        evidence: first(found, &["/snippet/matching", "/match_content"]).map(str::to_owned),
        identity: secret(found).or_else(|| secret(finding)).unwrap_or_default(),
        ..Record::default()
    }
}

/// The parts of a secret, which the rule's expression takes out of the text.
fn secret(value: &Value) -> Option<String> {
    let groups = texts(value, "/groups");
    let parts: Vec<_> = groups.iter().map(|group| token_identity(group)).collect();
    if parts.is_empty() { text(value, "/match_content").map(token_identity) } else { Some(parts.join("-")) }
}

fn commit(found: &Value) -> Option<&str> {
    items(found, "/provenance").iter().find_map(|place| {
        first(place, &["/first_commit/commit_metadata/commit_id", "/commit_provenance/commit_metadata/commit_id"])
    })
}

/// The file, else what it was called in a commit; a blob may have been in many places, the first is told.
fn location(found: &Value, context: &Context) -> Location {
    let places = items(found, "/provenance");
    let path = ["/path", "/first_commit/blob_path", "/commit_provenance/blob_path", "/payload/path"]
        .iter()
        .find_map(|pointer| places.iter().find_map(|place| text(place, pointer)));
    let at = |pointer: &str| number(found, &format!("/location/source_span/{pointer}"));
    let Some(path) = path.or_else(|| text(found, "/blob_id")) else { return Location::Nowhere };
    Location::File {
        path: path::relative(path, &context.source_root),
        region: region(
            at("start/line"),
            at("end/line"),
            at("start/column"),
            at("end/column").map(|c| c.saturating_add(1)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;

    #[test]
    fn every_match_is_a_record() {
        let new = r#"{"finding_id":"84d871","rule_name":"AWS API Key","rule_text_id":"np.aws.1","groups":["QUtJQUlPU0ZPRE5ON0VYQU1QTEU="],"num_matches":3,
            "matches":[{"provenance":[{"kind":"file","path":"/src/a.env"}],"blob_id":"b1","groups":["QUtJQUlPU0ZPRE5ON0VYQU1QTEU="],
              "location":{"source_span":{"start":{"line":2,"column":5},"end":{"line":2,"column":24}}},
              "snippet":{"before":"k=","matching":"AKIAIOSFODNN7EXAMPLE","after":"\n"}},
             {"provenance":[{"kind":"git_repo","repo_path":".git","first_commit":{"commit_metadata":{"commit_id":"c0ffee"},"blob_path":"old.env"}}],
              "groups":["QUtJQUlPU0ZPRE5ON0VYQU1QTEU="],"location":{"source_span":{"start":{"line":9,"column":1},"end":{"line":9,"column":2}}}}]}"#;
        let (summary, records) = parse("noseyparker", new).unwrap();
        assert_eq!((summary.records, summary.skipped["match that the report does not list"]), (2, 1));
        assert_eq!(records[0].location.to_string(), "a.env:2");
        assert_eq!(
            (records[1].location.to_string().as_str(), records[1].message.as_str()),
            ("old.env:9", "in commit c0ffee")
        );
        assert_eq!(records[0].identity, records[1].identity, "the same secret");
        let text = format!("{records:?}");
        assert!(!text.contains("AKIA") && !text.contains("QUtJ"), "{text}");
    }

    #[test]
    fn older_reports_and_arrays_are_read() {
        let old = r#"{"type":"finding","rule_name":"Generic API Key","match_content":"hunter2hunter2","num_matches":1,"matches":[
            {"provenance":[{"kind":"git_repo","commit_provenance":{"commit_metadata":{"commit_id":"c0ffee"},"blob_path":"app/a.py"}}],
             "location":{"source_span":{"start":{"line":16,"column":17},"end":{"line":16,"column":59}}},
             "match_content":"hunter2hunter2","snippet":{"before":"","matching":"key='hunter2hunter2","after":""}}]}"#;
        let (_, records) = parse("noseyparker", &format!("[{old}]")).unwrap();
        assert_eq!(
            (records[0].rule.as_str(), records[0].location.to_string().as_str()),
            ("Generic API Key", "app/a.py:16")
        );
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("noseyparker", "[]").unwrap().0.records, 0);
        assert!(parse("noseyparker", "{}").is_err());
        assert!(parse("noseyparker", r#"{"type":"error","data":"x"}"#).is_err());
    }
}
