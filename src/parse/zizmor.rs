//! zizmor's JSON, version 1 (`zizmor --format json-v1`).

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::text::code_identity;
use super::value::{items, number, owned, region, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `zizmor`.
#[derive(Debug)]
pub(super) struct Zizmor;

impl Parser for Zizmor {
    fn name(&self) -> &'static str {
        "zizmor"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["[]/ident", "[]/determinations"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, &["[]"], &mut |_, event| match event {
            Event::Value(value) => {
                let suppressed = (value["ignored"] == true).then(String::new);
                output.record(Record { suppressed, ..record(&value, context) })
            }
            Event::End => Ok(()),
        })?;
        Ok(output.summary)
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let native = text(value, "/determinations/severity");
    let none = Value::Null;
    let places = items(value, "/locations");
    let place = places
        .iter()
        .find(|place| text(*place, "/symbolic/kind") == Some("Primary"))
        .or_else(|| places.first())
        .unwrap_or(&none);
    let code = owned(place, "/concrete/feature");
    Record {
        rule: owned(value, "/ident"),
        title: owned(value, "/desc"),
        message: owned(place, "/symbolic/annotation"),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        confidence: text(value, "/determinations/confidence").and_then(severity::confidence),
        location: location(place, context),
        references: text(value, "/url").map(str::to_owned).into_iter().collect(),
        fix: text(value, "/fixes/0/title").map(str::to_owned),
        identity: code_identity(&code),
        evidence: Some(code).filter(|code| !code.is_empty()),
        ..Record::default()
    }
}

/// The file is named under `Local` or `Remote`, by one of several keys; rows and columns count from 0.
fn location(place: &Value, context: &Context) -> Location {
    let key = place.pointer("/symbolic/key");
    let name = key
        .and_then(Value::as_object)
        .and_then(|kinds| kinds.values().next())
        .and_then(|input| ["verbatim_path", "given_path", "path"].iter().find_map(|key| input.get(key)?.as_str()));
    let Some(name) = name else { return Location::Nowhere };
    let at = |pointer: &str| number(place, &format!("/concrete/location/{pointer}")).map(|n| n.saturating_add(1));
    Location::File {
        path: path::relative(name, &context.source_root),
        region: region(at("start_point/row"), at("end_point/row"), at("start_point/column"), at("end_point/column")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn rows_count_from_nought_in_the_file_and_from_one_here() {
        let text = r#"[{"ident":"unpinned-uses","desc":"unpinned action reference","url":"https://x","ignored":false,
            "determinations":{"confidence":"High","severity":"Informational"},
            "locations":[{"symbolic":{"key":{"Local":{"given_path":"/src/.github/workflows/ci.yml"}},"annotation":"not pinned","kind":"Primary"},
              "concrete":{"feature":"uses: a/b@v1","location":{"start_point":{"row":6,"column":4},"end_point":{"row":6,"column":20}}}}]},
            {"ident":"x","ignored":true,"determinations":{}}]"#;
        let (summary, records) = parse("zizmor", text).unwrap();
        assert_eq!((summary.records, records[1].suppressed.is_some()), (2, true));
        assert_eq!(records[0].location.to_string(), ".github/workflows/ci.yml:7");
        assert_eq!(records[0].severity, Severity::Info);
    }
}
