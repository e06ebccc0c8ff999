//! njsscan's JSON (`njsscan --json`). A rule has its matches in files, one record each; a rule about what is missing
//! (`--missing-controls`) has none, and is one record.

use serde_json::Value;

use super::json::Event;
use super::mask::{Masker, is_secret_rule};
use super::masked::walk;
use super::output::Output;
use super::text::code_identity;
use super::value::{items, missing, number, owned, region, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, path, severity};
use crate::model::finding::{Location, Record};

/// The format `njsscan`.
#[derive(Debug)]
pub(super) struct Njsscan;

const ROUTES: &[&str] = &["nodejs/@", "templates/@", "errors/[]", "njsscan_version"];

static REDACTION: Redaction = Redaction::new(&["nodejs/@", "templates/@"], |masker, _, value| hide(masker, value));

impl Parser for Njsscan {
    fn name(&self) -> &'static str {
        "njsscan"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("njsscan_version") || outline.has_all(&["nodejs", "templates"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let (mut rule, mut whole) = (String::new(), false);
        walk(self, context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("nodejs/@" | "templates/@", Event::Value(Value::String(name))) => rule = name,
                ("nodejs/@" | "templates/@", Event::Value(value)) => {
                    if value.get("metadata").is_none() {
                        return Err(missing(self.name(), "`metadata`", "a rule"));
                    }
                    return tell(&rule, &value, context, &mut output);
                }
                ("errors/[]", Event::Value(value)) => {
                    output.error(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                }
                ("njsscan_version", Event::Value(value)) => output.version(value.as_str()),
                ("nodejs", Event::End) => whole = true,
                _ => {}
            }
            Ok(())
        })?;
        if whole { Ok(output.summary) } else { Err(missing(self.name(), "`nodejs`", "the whole document")) }
    }
}

/// Rules about secrets show the code that has them.
fn hide(masker: &mut Masker<'_>, value: Option<&mut Value>) {
    let Some(value) = value else { return };
    let told = text(value, "/metadata/description").is_some_and(is_secret_rule);
    let weak = ids::weaknesses(text(value, "/metadata/cwe"));
    if told || weak.iter().any(|cwe| matches!(cwe, 259 | 321 | 798)) {
        masker.hide_in_each(value, "/files", &["/match_string"]);
    }
}

fn tell(rule: &str, value: &Value, context: &Context, output: &mut Output<'_>) -> Result<(), ParseError> {
    let native = text(value, "/metadata/severity");
    let message = owned(value, "/metadata/description");
    let common = Record {
        rule: rule.to_owned(),
        title: rule.replace('_', " "),
        message,
        severity: native.map_or_else(Default::default, severity::semgrep),
        native_severity: native.map(str::to_owned),
        cwe: ids::weaknesses(text(value, "/metadata/cwe")),
        ..Record::default()
    };
    let files = items(value, "/files");
    if files.is_empty() {
        return output.record(common);
    }
    files.iter().try_for_each(|found| {
        let code = owned(found, "/match_string");
        output.record(Record {
            location: location(found, context),
            identity: code_identity(&code),
            evidence: Some(code).filter(|code| !code.is_empty()),
            ..common.clone()
        })
    })
}

fn location(found: &Value, context: &Context) -> Location {
    Location::File {
        path: path::relative(&owned(found, "/file_path"), &context.source_root),
        region: region(
            number(found, "/match_lines/0"),
            number(found, "/match_lines/1"),
            number(found, "/match_position/0"),
            number(found, "/match_position/1").map(|column| column.saturating_add(1)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::finding::Location;
    use crate::model::severity::Severity;

    const DOCUMENT: &str = r#"{"errors":["cannot read b.js"],"njsscan_version":"1.0.2","nodejs":{
        "node_md5":{"files":[{"file_path":"/src/hash.js","match_lines":[4,4],"match_position":[10,34],"match_string":"createHash('md5')"},
            {"file_path":"b.js","match_lines":[9,10],"match_position":[1,2],"match_string":"createHash('md5')"}],
          "metadata":{"cwe":"CWE-327: Broken","description":"MD5 is weak","severity":"WARNING"}},
        "node_password":{"files":[{"file_path":"c.js","match_lines":[1,1],"match_position":[1,9],"match_string":"password = 'hunter2hunter2'"}],
          "metadata":{"cwe":"cwe-798","description":"A hardcoded password","severity":"ERROR"}}},
      "templates":{"helmet_missing":{"metadata":{"cwe":"CWE-693","description":"helmet is not used","severity":"INFO"}}}}"#;

    #[test]
    fn every_match_is_a_record() {
        let (summary, records) = parse("njsscan", DOCUMENT).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (4, Some("1.0.2")));
        assert_eq!(summary.errors, ["cannot read b.js"]);
        assert_eq!((records[0].rule.as_str(), records[0].location.to_string().as_str()), ("node_md5", "hash.js:4"));
        assert_eq!(records[2].severity, Severity::High);
        assert_eq!((records[3].rule.as_str(), &records[3].location), ("helmet_missing", &Location::Nowhere));
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("njsscan", r#"{"errors":[],"nodejs":{},"templates":{}}"#).unwrap().0.records, 0);
        assert!(parse("njsscan", "{}").is_err());
        assert!(parse("njsscan", r#"{"nodejs":{"a":{}}}"#).is_err());
        assert!(parse("njsscan", r#"{"nodejs":[]}"#).is_err());
    }
}
