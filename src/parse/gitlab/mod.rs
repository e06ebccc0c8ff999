//! GitLab's report formats (`gl-sast-report.json` and its kin), schemas 2 to 15: code, secrets, dependencies, images and clusters,
//! and running applications. What a result is about shows in its `location`, which is told apart before `scan.type`: that stands
//! behind the results.

use serde_json::Value;

use super::json::Event;
use super::mask::{Masker, token_identity};
use super::masked::walk;
use super::output::Output;
use super::value::{at, each, first, items, number, owned, region, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, path, severity};
use crate::model::finding::{Confidence, Location, Record};

/// The format `gitlab`.
#[derive(Debug)]
pub(super) struct Gitlab;

const ROUTES: &[&str] = &["vulnerabilities/[]", "scan/scanner/version", "scan/status", "scan/messages/[]"];

static REDACTION: Redaction =
    Redaction::new(&["vulnerabilities/[]"], |masker, _, value| value.into_iter().for_each(|v| hide(masker, v)));

impl Parser for Gitlab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["vulnerabilities/[]/identifiers/[]", "vulnerabilities/[]/location"])
            || outline.has_all(&["version", "vulnerabilities", "scan/type"])
            || outline.has_all(&["version", "vulnerabilities", "remediations"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("vulnerabilities/[]", Event::Value(value)) => {
                    output.expect("gitlab", &value, &["/location", "/identifiers"])?;
                    output.record(record(&value, context))?;
                }
                ("scan/scanner/version", Event::Value(value)) => output.version(value.as_str()),
                ("scan/status", Event::Value(value)) if value == "failure" => output.error("the scan failed"),
                ("scan/messages/[]", Event::Value(value)) if is_error(&value) => output.error(&owned(&value, "/value")),
                _ => {}
            }
            Ok(())
        })?
        .require(&["vulnerabilities/[]"])?;
        Ok(output.summary)
    }
}

fn is_error(message: &Value) -> bool {
    text(message, "/level")
        .is_some_and(|level| level.eq_ignore_ascii_case("error") || level.eq_ignore_ascii_case("fatal"))
}

/// The line that holds a secret; of requests and answers the bodies, and the headers that let somebody in.
fn hide(masker: &mut Masker<'_>, value: &mut Value) {
    masker.hide(value, &["/raw_source_code_extract"]);
    if let Some(evidence) = value.get_mut("evidence") {
        hide_messages(masker, evidence);
    }
}

fn hide_messages(masker: &mut Masker<'_>, value: &mut Value) {
    const HEADERS: [&str; 6] =
        ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];
    masker.hide(value, &["/body"]);
    let named = |value: &Value| text(value, "/name").map(str::to_ascii_lowercase);
    if named(value).is_some_and(|name| HEADERS.contains(&name.as_str())) {
        masker.hide(value, &["/value"]);
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| hide_messages(masker, item)),
        Value::Object(map) => map.values_mut().for_each(|item| hide_messages(masker, item)),
        _ => {}
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let native = text(value, "/severity");
    let secret = text(value, "/raw_source_code_extract");
    let of_kind = |kind: &'static str| {
        let identifiers = items(value, "/identifiers").iter();
        identifiers.filter(move |id| text(*id, "/type").is_some_and(|found| found.eq_ignore_ascii_case(kind)))
    };
    let numbers: Vec<String> =
        of_kind("cwe").filter_map(|id| number(id, "/value")).map(|n| format!("CWE-{n}")).collect();
    let names = each(value, "/identifiers", "/value").into_iter().chain(each(value, "/identifiers", "/name"));
    let names: Vec<String> = names.collect();
    Record {
        rule: rule(value).to_owned(),
        title: first(value, &["/name", "/message", "/cve"]).unwrap_or_default().to_owned(),
        message: first(value, &["/description", "/message"]).unwrap_or_default().to_owned(),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        confidence: confidence(value),
        location: location(value, context),
        cwe: ids::weaknesses(numbers.iter().chain(&names).map(String::as_str)),
        vulnerabilities: ids::vulnerabilities(names.iter().map(String::as_str)),
        fix: text(value, "/solution").map(str::to_owned),
        references: each(value, "/links", "/url").into_iter().chain(each(value, "/identifiers", "/url")).collect(),
        identity: secret.map_or_else(|| within(value), token_identity),
        evidence: secret.map(str::to_owned),
        ..Record::default()
    }
}

/// The primary identifier comes first. Its value is the id, except where an analyser writes a sentence there.
fn rule(value: &Value) -> &str {
    let id = text(value, "/identifiers/0/value");
    let name = text(value, "/identifiers/0/name");
    let word = [id, name].into_iter().flatten().find(|text| !text.contains(char::is_whitespace));
    word.or(id).or(name).or_else(|| first(value, &["/name", "/message", "/category"])).unwrap_or_default()
}

/// The analyser's own word, unless it says that the result is likely none.
fn confidence(value: &Value) -> Option<Confidence> {
    let flagged =
        items(value, "/flags").iter().any(|flag| text(flag, "/type") == Some("flagged-as-likely-false-positive"));
    if flagged { Some(Confidence::Low) } else { text(value, "/confidence").and_then(severity::confidence) }
}

fn location(value: &Value, context: &Context) -> Location {
    let Some(place) = at(value, "/location") else { return Location::Nowhere };
    let file = text(place, "/file").map(|file| path::relative(file, &context.source_root));
    if let Some(name) = text(place, "/dependency/package/name") {
        return Location::Package { name: name.to_owned(), version: owned(place, "/dependency/version"), path: file };
    }
    if let Some(path) = file {
        return Location::File {
            path,
            region: region(number(place, "/start_line"), number(place, "/end_line"), None, None),
        };
    }
    match (text(place, "/hostname"), text(place, "/path")) {
        (None, None) => Location::Nowhere,
        (host, path) => Location::Url {
            url: format!("{}{}", host.unwrap_or_default(), path.unwrap_or_default()),
            parameter: text(place, "/param").map(str::to_owned),
        },
    }
}

/// Class and method, or what else sets two results of one file apart.
fn within(value: &Value) -> String {
    let parts = ["/location/class", "/location/method", "/location/image", "/location/kubernetes_resource/name"];
    parts.iter().filter_map(|pointer| text(value, pointer)).collect::<Vec<_>>().join("#")
}

#[cfg(test)]
mod tests;
