//! Our own report as JSON, read back: `dragnet.report/v1`.

use serde_json::Value;

use super::super::ParseError;
use super::super::value::{flag, items, number, owned, region, scalar, text, texts};
use super::{BaselineFacts, KnownFinding, refused, whole};
use crate::model::finding::{Location, Record};

const SCHEMA: &str = "dragnet.report/v1";

/// The parts of a report that have been seen.
#[derive(Debug, Default)]
pub(super) struct Report {
    schema: Option<String>,
    target_key: Option<String>,
    complete: Option<bool>,
    versions: Vec<(String, String)>,
    findings: bool,
    summary: bool,
}

impl Report {
    /// Takes a part of the report; hands on what it holds of findings.
    pub(super) fn part(
        &mut self,
        route: &str,
        value: &Value,
        take: &mut dyn FnMut(KnownFinding) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        match route {
            "schema" => self.schema = value.as_str().map(str::to_owned),
            "scan" => {
                self.target_key = text(value, "/target_key").map(str::to_owned);
                self.complete = flag(value, "/complete");
            }
            "jobs/[]" => {
                let version =
                    text(value, "/scanner_version").map(|version| (owned(value, "/scanner"), version.to_owned()));
                self.versions.extend(version.filter(|version| !self.versions.contains(version)));
            }
            "summary" => {
                whole(value)?;
                self.summary = true;
            }
            "findings/[]" => take(finding(value)?)?,
            // What the scan could not observe was open, and is.
            "gone/[]" if text(value, "/fate") == Some("not_observed") => take(finding(value)?)?,
            _ => {}
        }
        Ok(())
    }

    /// Notes the end of a list.
    pub(super) fn ended(&mut self, route: &str) {
        self.findings |= route == "findings";
    }

    /// Checks that it was a report, and whole.
    pub(super) fn finish(self, facts: &mut BaselineFacts) -> Result<(), ParseError> {
        let place = "the whole document";
        match self.schema.as_deref() {
            Some(SCHEMA) => {}
            Some(other) if other.starts_with("dragnet.") => {
                let other = super::super::text::cut(other, 40);
                return Err(refused(&format!("it is `{}`, not `{SCHEMA}`", other.escape_debug()), place));
            }
            _ => return Err(refused("it is neither SARIF with runs nor a report of dragnet's as JSON", place)),
        }
        if !self.findings || !self.summary || self.target_key.is_none() {
            return Err(refused("it lacks one of `scan`, `summary` and `findings`", place));
        }
        (facts.target_key, facts.complete, facts.versions) = (self.target_key, self.complete, self.versions);
        Ok(())
    }
}

fn finding(value: &Value) -> Result<KnownFinding, ParseError> {
    let name = text(value, "/fingerprint").and_then(|name| name.parse().ok());
    let name = name.ok_or_else(|| refused("a finding has no fingerprint", "findings"))?;
    let record = Record {
        rule: owned(value, "/rule"),
        title: owned(value, "/title"),
        severity: text(value, "/severity").and_then(|word| word.parse().ok()).unwrap_or_default(),
        location: value.get("location").map(location).unwrap_or_default(),
        evidence: value.get("evidence").and_then(Value::as_str).map(str::to_owned),
        identity: owned(value, "/identity"),
        vulnerabilities: texts(value, "/vulnerabilities"),
        cwe: items(value, "/cwe").iter().filter_map(|id| id.as_u64()?.try_into().ok()).collect(),
        ..Record::default()
    };
    Ok(KnownFinding { scanner: text(value, "/scanner").map(str::to_owned), name: Some(name), record })
}

/// Reads a place; one of a kind that is not known is nowhere.
pub(super) fn location(place: &Value) -> Location {
    let at = |key: &str| number(place, key);
    let region = region(at("/start_line"), at("/end_line"), at("/start_column"), at("/end_column"));
    // To the letter: a fingerprint is made of it.
    let optional = |key: &str| place.get(key).and_then(Value::as_str).map(str::to_owned);
    let raw = |key: &str| optional(key).unwrap_or_default();
    let (path, name) = (raw("path"), raw("name"));
    match text(place, "/kind") {
        Some("file") => Location::File { path, region },
        Some("package") => Location::Package { name, version: raw("version"), path: optional("path") },
        Some("host") => Location::Host {
            host: raw("host"),
            port: scalar(place, "/port").and_then(|port| port.parse().ok()),
            protocol: optional("protocol"),
        },
        Some("url") => Location::Url { url: raw("url"), parameter: optional("parameter") },
        Some("image") => Location::Image { layer: raw("layer"), path },
        Some("resource") => Location::Resource { name, path, region },
        _ => Location::Nowhere,
    }
}
