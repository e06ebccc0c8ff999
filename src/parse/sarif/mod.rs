//! SARIF 2.1.0, of any producer.
//!
//! A result's severity may lie in its rule, and many producers (semgrep, kingfisher, hadolint) write `results` before `tool`.
//! Such results wait as records in memory, at most [`results::MAX_WAITING`] of text; those beyond go on with what they say
//! themselves, `unknown` where that is nothing, and the summary tells so as an error: the job does not look complete.
//!
//! Where a snippet may be a secret is decided by what is known *at that place of the file* (the tool's name if it came first,
//! and the result itself), so that masking the raw file and parsing it come to the same answer.

mod level;
mod record;
mod results;
mod rules;
mod secrets;

use serde_json::Value;

use super::json::{Event, Visitor};
use super::masked::walk_plain;
use super::output::Output;
use super::value::{Borrowed, first, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary};
pub(super) use record::no_problem;
pub(super) use results::Run;

/// The format `sarif`.
#[derive(Debug)]
pub(super) struct Sarif;

const ROUTES: &[&str] = &[
    "runs/[]/tool/driver/name",
    "runs/[]/tool/driver/version",
    "runs/[]/tool/driver/semanticVersion",
    "runs/[]/tool/driver/rules/[]",
    "runs/[]/tool/extensions/[]/rules/[]",
    RESULTS,
    "runs/[]/invocations/[]",
    "version",
];
const RESULTS: &str = "runs/[]/results/[]";

impl Parser for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("runs")
            && (outline.has("version")
                || outline.has("$schema")
                || outline.has("runs/[]/results")
                || outline.has("runs/[]/tool"))
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&secrets::REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader { output: Output::new(sink), run: Run::new(context), version: None };
        walk_plain(self, context, input, ROUTES, &mut reader)?.require(&[
            RESULTS,
            "runs/[]/invocations/[]",
            "runs/[]/tool/driver/name",
            "version",
        ])?;
        expect_version(reader.version.as_deref())?;
        Ok(reader.output.summary)
    }
}

struct Reader<'r, 's> {
    output: Output<'s>,
    run: Run<'r>,
    version: Option<String>,
}

impl Visitor for Reader<'_, '_> {
    fn visit(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        let Self { output, run, version } = self;
        match (route, event) {
            (RESULTS, Event::Value(value)) => run.result(value, output)?,
            ("runs/[]/tool/driver/rules/[]", Event::Value(value)) => run.rules.add(&value),
            ("runs/[]/tool/extensions/[]/rules/[]", Event::Value(value)) => run.rules.add_of_extension(&value),
            ("runs/[]/tool", Event::End) => run.tool_is_known(output)?,
            ("runs/[]", Event::End) => run.finish(output)?,
            ("runs/[]/tool/driver/name", Event::Value(value)) => run.named(value.as_str()),
            ("runs/[]/invocations/[]", Event::Value(value)) => invocation(&value, output),
            ("version", Event::Value(value)) => *version = value.as_str().map(str::to_owned),
            ("runs/[]/tool/driver/version" | "runs/[]/tool/driver/semanticVersion", Event::Value(value)) => {
                output.version(value.as_str());
            }
            _ => {}
        }
        Ok(())
    }

    fn takes_plain(&self, route: &'static str) -> bool {
        route == RESULTS && self.run.takes_results()
    }

    fn plain(&mut self, _: &'static str, value: &Borrowed<'_>) -> Result<(), ParseError> {
        self.run.plain_result(value, &mut self.output)
    }
}

/// Version 1 has other names for everything: read as version 2 it would be empty, and clean.
pub(super) fn expect_version(version: Option<&str>) -> Result<(), ParseError> {
    match version {
        Some(version) if !version.starts_with("2.") => Err(ParseError::Invalid {
            format: "sarif",
            message: format!("its version is {}, not 2.1.0", super::text::cut(version, 20).escape_debug()),
            place: "version".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// A run that says itself that it failed, or tells of errors (sections 3.20.14, 3.20.21 and 3.20.22).
pub(super) fn invocation(value: &Value, output: &mut Output<'_>) {
    let before = output.summary.errors.len();
    for list in ["/toolExecutionNotifications", "/toolConfigurationNotifications"] {
        for notification in super::value::items(value, list) {
            if text(notification, "/level") == Some("error") {
                let message = first(
                    notification,
                    &["/message/text", "/message/markdown", "/exception/message", "/descriptor/id"],
                );
                output.error(message.unwrap_or("an error without a message"));
            }
        }
    }
    if value["executionSuccessful"] == false && output.summary.errors.len() == before {
        output.error(
            first(value, &["/exitCodeDescription", "/processStartFailureMessage"])
                .unwrap_or("the tool says that it failed"),
        );
    }
}

#[cfg(test)]
mod tests;
