//! syft's own JSON (`syft -o syft-json`): a list of the packages that are there. It says nothing of problems, so each package is
//! counted and none is a record.

use super::json::Event;
use super::masked::walk;
use super::output::{INVENTORY, Output};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary};

/// The format `syft`.
#[derive(Debug)]
pub(super) struct Syft;

const ROUTES: &[&str] = &["artifacts/[]", "descriptor/version"];

impl Parser for Syft {
    fn name(&self) -> &'static str {
        "syft"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("artifacts/[]/foundBy") || outline.has_all(&["artifacts", "artifactRelationships", "source"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("artifacts/[]", Event::Value(value)) => {
                    output.expect("syft", &value, &["/foundBy", "/purl", "/metadataType"])?;
                    output.skip(INVENTORY);
                }
                ("descriptor/version", Event::Value(value)) => output.version(value.as_str()),
                _ => {}
            }
            Ok(())
        })?
        .require(&["artifacts/[]"])?;
        Ok(output.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;

    #[test]
    fn packages_are_counted() {
        let text = r#"{"artifacts":[{"id":"1","name":"a","foundBy":"python-package-cataloger"},{"id":"2","name":"b","purl":"pkg:npm/b@1"}],
            "artifactRelationships":[],"source":{},"descriptor":{"name":"syft","version":"1.20.0"}}"#;
        let (summary, records) = parse("syft", text).unwrap();
        assert_eq!((records.len(), summary.skipped["inventory, no problem"]), (0, 2));
        assert_eq!(summary.tool_version.as_deref(), Some("1.20.0"));
    }

    #[test]
    fn nothing_found_and_another_document_are_told_apart() {
        assert_eq!(parse("syft", r#"{"artifacts":[]}"#).unwrap().0.records, 0);
        assert!(parse("syft", r#"{"matches":[]}"#).is_err());
        assert!(parse("syft", r#"{"artifacts":[{"id":1,"archive_download_url":"x"}]}"#).is_err());
    }
}
