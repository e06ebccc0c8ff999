//! gitleaks' JSON (version 8; the older keys of version 7 too).

use serde_json::Value;

use super::json::Event;
use super::mask::token_identity;
use super::masked::walk;
use super::output::Output;
use super::value::{first, number, region, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `gitleaks`.
#[derive(Debug)]
pub(super) struct Gitleaks;

const ROUTES: &[&str] = &["[]"];
const SECRETS: &[&str] = &["/Secret", "/Match", "/Line", "/offender", "/line"];

static REDACTION: Redaction = Redaction::new(ROUTES, |masker, _, value| {
    if let Some(value) = value {
        masker.hide(value, SECRETS);
    }
});

impl Parser for Gitleaks {
    fn name(&self) -> &'static str {
        "gitleaks"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["[]/RuleID", "[]/Secret"]) || outline.has_all(&["[]/rule", "[]/offender"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |_, event| match event {
            Event::Value(value) => output.record(record(&value, context)),
            Event::End => Ok(()),
        })?;
        Ok(output.summary)
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let secret = first(value, &["/Secret", "/offender", "/Match"]).unwrap_or_default();
    let commit = first(value, &["/Commit", "/commit"]);
    Record {
        rule: first(value, &["/RuleID", "/rule"]).unwrap_or_default().to_owned(),
        title: first(value, &["/Description", "/rule"]).unwrap_or_default().to_owned(),
        message: commit.map(|commit| format!("in commit {commit}")).unwrap_or_default(),
        severity: Severity::High,
        location: Location::File {
            path: path::relative(first(value, &["/File", "/file"]).unwrap_or_default(), &context.source_root),
            region: region(
                number(value, "/StartLine").or_else(|| number(value, "/lineNumber")),
                number(value, "/EndLine"),
                number(value, "/StartColumn"),
                number(value, "/EndColumn").map(|column| column.saturating_add(1)),
            ),
        },
        cwe: vec![798],
        references: text(value, "/Link")
            .map(str::to_owned)
            .into_iter()
            .chain(texts(value, "/leakURL"))
            .filter(|l| !l.is_empty())
            .collect(),
        evidence: Some(secret.to_owned()).filter(|secret| !secret.is_empty()),
        identity: token_identity(secret),
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;

    #[test]
    fn both_generations_of_keys_are_read() {
        let new = r#"[{"RuleID":"aws","Description":"AWS key","StartLine":2,"EndLine":2,"StartColumn":5,"EndColumn":24,
            "Match":"AKIAIOSFODNN7EXAMPLE","Secret":"AKIAIOSFODNN7EXAMPLE","File":"/src/conf/aws.tf","Commit":""}]"#;
        let old = r#"[{"line":"k=AKIAIOSFODNN7EXAMPLE","lineNumber":2,"offender":"AKIAIOSFODNN7EXAMPLE","rule":"aws","file":"conf/aws.tf"}]"#;
        let (_, new) = parse("gitleaks", new).unwrap();
        let (_, old) = parse("gitleaks", old).unwrap();
        assert_eq!(new[0].location.to_string(), "conf/aws.tf:2");
        assert_eq!(new[0].identity, old[0].identity, "the same secret");
        assert!(!format!("{new:?}{old:?}").contains("AKIA"));
    }

    #[test]
    fn no_leaks_are_null_or_an_empty_array() {
        assert_eq!(parse("gitleaks", "null").unwrap().0.records, 0);
        assert_eq!(parse("gitleaks", "[]\n").unwrap().0.records, 0);
        assert!(parse("gitleaks", "{}").is_err());
    }
}
