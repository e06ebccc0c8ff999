//! hadolint's JSON (`hadolint -f json`).

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::value::{number, owned, region, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `hadolint`.
#[derive(Debug)]
pub(super) struct Hadolint;

impl Parser for Hadolint {
    fn name(&self) -> &'static str {
        "hadolint"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["[]/code", "[]/column", "[]/level", "[]/file"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, &["[]"], &mut |_, event| match event {
            Event::Value(value) => output.record(record(&value, context)),
            Event::End => Ok(()),
        })?;
        Ok(output.summary)
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let native = text(value, "/level");
    let rule = owned(value, "/code");
    let message = owned(value, "/message");
    Record {
        title: message.clone(),
        severity: native.map_or_else(Default::default, severity::hadolint),
        native_severity: native.map(str::to_owned),
        location: Location::File {
            path: path::relative(text(value, "/file").unwrap_or_default(), &context.source_root),
            region: region(number(value, "/line"), None, number(value, "/column"), None),
        },
        references: help(&rule).into_iter().collect(),
        rule,
        message,
        ..Record::default()
    }
}

fn help(rule: &str) -> Option<String> {
    let is = |prefix: &str| {
        rule.strip_prefix(prefix).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()) && !n.is_empty())
    };
    match rule {
        _ if is("DL") => Some(format!("https://github.com/hadolint/hadolint/wiki/{rule}")),
        _ if is("SC") => Some(format!("https://www.shellcheck.net/wiki/{rule}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn levels_become_severities() {
        let text = r#"[{"code":"DL3008","column":1,"file":"web\\Dockerfile","level":"warning","line":9,"message":"Pin versions"},
            {"code":"SC2046","column":1,"file":"/src/Dockerfile","level":"style","line":1,"message":"Quote"}]"#;
        let (summary, records) = parse("hadolint", text).unwrap();
        assert_eq!(summary.records, 2);
        assert_eq!((records[0].severity, records[1].severity), (Severity::Medium, Severity::Info));
        assert_eq!(records[0].location.to_string(), "web/Dockerfile:9");
        assert_eq!(records[1].references, ["https://www.shellcheck.net/wiki/SC2046"]);
    }
}
