//! nuclei's JSON Lines (`-jsonl`) and JSON (`-json-export`), versions 2 and 3.
//!
//! Each match is a result of its own: a template with several matchers, and one with several extracted values, is several records.

use serde_json::Value;

use super::mask::{Masker, is_secret_rule, token_identity};
use super::output::Output;
use super::value::{at, first, flag, float, number, owned, text, texts};
use super::{
    Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, net, path, results, severity, value,
};
use crate::model::finding::{Cvss, Location, Record};

/// The format `nuclei`.
#[derive(Debug)]
pub(super) struct Nuclei;

const TRAFFIC: &[&str] =
    &["/request", "/response", "/curl-command", "/interaction/raw-request", "/interaction/raw-response"];
const SECRETS: &[&str] = &["/extracted-results", "/extracted_results", "/meta"];
const SECRET_TAGS: [&str; 6] = ["token", "tokens", "keys", "credential", "default-login", "exposure"];

static REDACTION: Redaction = Redaction::new(results::ROUTES, |masker, _, value| {
    if let Some(value) = value {
        hide(masker, value);
    }
});

impl Parser for Nuclei {
    fn name(&self) -> &'static str {
        "nuclei"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        ["template-id", "templateID", "[]/template-id", "[]/templateID"].iter().any(|key| outline.has(key))
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        results::each(self, context, input, &["/template-id", "/templateID"], &mut |value| {
            // `-matcher-status` prints what did not match, too.
            if flag(&value, "/matcher-status") == Some(false) {
                output.skip("no match");
                return Ok(());
            }
            output.record(record(&value, context))
        })?;
        Ok(output.summary)
    }
}

/// Templates that look for credentials, by their id or tags: what they extract is secret.
fn is_secret(value: &Value) -> bool {
    let id = first(value, &["/template-id", "/templateID"]).unwrap_or_default();
    let tagged = |tags: &str| tags.split(',').any(|tag| SECRET_TAGS.contains(&tag.trim()));
    is_secret_rule(id) || id.contains("default-login") || texts(value, "/info/tags").iter().any(|tags| tagged(tags))
}

fn hide(masker: &mut Masker<'_>, value: &mut Value) {
    masker.blank(value, TRAFFIC);
    if is_secret(value) {
        masker.hide(value, SECRETS);
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let native = text(value, "/info/severity");
    let extracted = [texts(value, "/extracted-results"), texts(value, "/extracted_results")].concat();
    let secret = extracted.first().filter(|_| is_secret(value)).map(|token| token_identity(token));
    let matcher = first(value, &["/matcher-name", "/matcher_name"]);
    let extractor = first(value, &["/extractor-name", "/extractor_name"]);
    let named = [matcher, extractor, secret.as_deref()];
    Record {
        rule: first(value, &["/template-id", "/templateID"]).unwrap_or_default().to_owned(),
        title: first(value, &["/info/name", "/template-id"]).unwrap_or_default().to_owned(),
        message: message(value, matcher, &extracted),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        location: location(value, context),
        cwe: ids::weaknesses(texts(value, "/info/classification/cwe-id").iter().map(String::as_str)),
        vulnerabilities: ids::vulnerabilities(texts(value, "/info/classification/cve-id").iter().map(String::as_str)),
        cvss: float(value, "/info/classification/cvss-score")
            .filter(|score| *score > 0.0)
            .map(|score| Cvss { score, vector: text(value, "/info/classification/cvss-metrics").map(str::to_owned) }),
        fix: text(value, "/info/remediation").map(str::to_owned),
        references: texts(value, "/info/reference"),
        evidence: Some(extracted.join("\n")).filter(|evidence| !evidence.is_empty()),
        identity: named.into_iter().flatten().collect::<Vec<_>>().join("/"),
        ..Record::default()
    }
}

fn message(value: &Value, matcher: Option<&str>, extracted: &[String]) -> String {
    let mut message = owned(value, "/info/description");
    for (label, words) in [("matched", matcher.unwrap_or_default()), ("extracted", &extracted.join(", "))] {
        if !words.is_empty() {
            message = format!("{message}\n{label}: {words}");
        }
    }
    message
}

/// Where it matched: a web address, a service, or (templates of the type `file`) a file.
fn location(found: &Value, context: &Context) -> Location {
    let place = first(found, &["/matched-at", "/matched", "/host"]).unwrap_or_default();
    if text(found, "/type") == Some("file") {
        let line = number(found, "/matched-line/0").or_else(|| number(found, "/matched-line"));
        let region = value::region(line, None, None, None);
        return Location::File { path: path::relative(place, &context.source_root), region };
    }
    if place.contains("://") {
        return net::page(place, first(found, &["/fuzzing_parameter"]));
    }
    let (host, port) = net::split_port(place);
    let protocol = at(found, "/type").and_then(Value::as_str).filter(|kind| *kind != "dns").map(|_| "tcp");
    net::service(host, port.or_else(|| number(found, "/port").and_then(|port| port.try_into().ok())), protocol)
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const NEW: &str = r#"{"template-id":"tech-detect","info":{"name":"Technology","severity":"info","tags":["tech"],"reference":null},"matcher-name":"nginx",
      "type":"http","host":"example.com","matched-at":"https://Example.com/a?q=1","request":"GET / Cookie: abc","matcher-status":true}"#;

    #[test]
    fn every_match_is_a_record() {
        let other = NEW.replace("nginx", "php");
        let (summary, records) = parse("nuclei", &format!("{NEW}\n{other}\n")).unwrap();
        assert_eq!(summary.records, 2);
        assert_eq!(records[0].location.to_string(), "https://example.com/a?q");
        assert_eq!((records[0].identity.as_str(), records[1].identity.as_str()), ("nginx", "php"));
        assert_eq!(records[0].severity, Severity::Info);
        assert_eq!(parse("nuclei", &format!("[{NEW},{other}]")).unwrap().0.records, 2);
    }

    #[test]
    fn classifications_and_older_keys_are_read() {
        let old = r#"{"templateID":"mysql-login","info":{"name":"MySQL","severity":"high","tags":"network,mysql","description":"weak",
          "classification":{"cve-id":"CVE-2021-1234","cwe-id":["cwe-79","other"],"cvss-score":7.5,"cvss-metrics":"CVSS:3.1/AV:N"}},"type":"network",
          "host":"db.example.com","matched":"db.example.com:3306"}"#;
        let (_, records) = parse("nuclei", old).unwrap();
        assert_eq!(records[0].location.to_string(), "db.example.com:3306");
        assert_eq!(
            (records[0].cwe.as_slice(), records[0].vulnerabilities.as_slice()),
            (&[79][..], &["CVE-2021-1234".to_owned()][..])
        );
        assert_eq!(records[0].cvss.as_ref().unwrap().vector.as_deref(), Some("CVSS:3.1/AV:N"));
    }

    #[test]
    fn files_and_what_did_not_match() {
        let file = r#"{"template-id":"php-scan","info":{"name":"n","severity":"unknown"},"type":"file","matched-at":"/src/a.php","matched-line":[7],"matcher-status":true}"#;
        let missed = r#"{"template-id":"x","info":{"name":"n"},"type":"http","host":"h","matcher-status":false}"#;
        let (summary, records) = parse("nuclei", &format!("{file}\n{missed}")).unwrap();
        assert_eq!(records[0].location.to_string(), "a.php:7");
        assert_eq!((records[0].severity, summary.skipped["no match"]), (Severity::Unknown, 1));
    }

    #[test]
    fn nothing_found_and_other_documents() {
        assert_eq!(parse("nuclei", "[]").unwrap().0.records, 0);
        assert!(parse("nuclei", "").unwrap_err().to_string().contains("empty"));
        assert!(parse("nuclei", r#"{"id":1}"#).unwrap_err().to_string().contains("template-id"));
    }
}
