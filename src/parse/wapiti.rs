//! wapiti's JSON, versions 2 and 3. Each entry of a category, be it a vulnerability, an anomaly or additional information, is a
//! record; its rule is the category, as wapiti has no other name for it.
//!
//! What a category means stands before the entries and is kept, for [`MAX_CATEGORIES`] of them. Which site was scanned stands
//! behind, but each entry has its whole address in the command that repeats it.

use serde_json::Value;
use std::collections::BTreeMap;

use super::json::Event;
use super::mask::{Masker, token_identity};
use super::masked::walk;
use super::output::Output;
use super::text::cut;
use super::value::{number, owned, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, net, severity};
use crate::model::finding::Record;

/// The format `wapiti`.
#[derive(Debug)]
pub(super) struct Wapiti;

/// wapiti has some forty.
const MAX_CATEGORIES: usize = 1000;
/// What an entry repeats of its category is bounded, as there may be many entries.
pub(super) const MAX_TEXT: usize = 8 << 10;
pub(super) const MAX_REFERENCES: usize = 100;
const ROUTES: &[&str] = &[
    "infos/version",
    "classifications/@",
    "vulnerabilities/@/[]",
    "anomalies/@/[]",
    "additionals/@/[]",
    "suppressed_findings/@",
];
const TRAFFIC: &[&str] = &["/http_request", "/detail"];
/// How wapiti tells of a password that it guessed.
const GUESSED: &str = "Credentials found";

static REDACTION: Redaction =
    Redaction::new(&["vulnerabilities/@/[]", "anomalies/@/[]", "additionals/@/[]"], |masker, _, value| {
        if let Some(value) = value {
            hide(masker, value);
        }
    });

impl Parser for Wapiti {
    fn name(&self) -> &'static str {
        "wapiti"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["classifications", "vulnerabilities"]) || outline.has_all(&["vulnerabilities", "anomalies"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut classes = BTreeMap::new();
        let mut category = String::new();
        let seen = walk(self, context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("infos/version", Event::Value(value)) => output.version(value.as_str()),
                ("suppressed_findings/@", Event::Value(Value::Number(count))) if count.as_u64() != Some(0) => {
                    output.error(&format!("{count} findings of {category} were left out by the tool"));
                }
                ("classifications/@", Event::Value(value @ Value::Object(_))) if classes.len() < MAX_CATEGORIES => {
                    classes.insert(category.clone(), Class::of(&value));
                }
                (_, Event::Value(Value::String(key))) if route.ends_with('@') => category = cut(&key, MAX_TEXT),
                (_, Event::Value(value)) if route.ends_with("[]") => {
                    let class = classes.get(&category).cloned().unwrap_or_default();
                    output.record(entry(&value, category.clone()).record(class))?;
                }
                _ => {}
            }
            Ok(())
        })?;
        seen.require(&["infos/version"])?;
        Ok(output.summary)
    }
}

fn hide(masker: &mut Masker<'_>, value: &mut Value) {
    masker.blank(value, TRAFFIC);
    if text(value, "/info").is_some_and(|info| info.starts_with(GUESSED)) {
        conceal_at(masker, value, "/info", conceal);
    }
    conceal_at(masker, value, "/curl_command", command);
}

fn conceal_at(masker: &mut Masker<'_>, value: &mut Value, pointer: &str, work: fn(&mut Masker<'_>, &str) -> String) {
    if let Some(Value::String(text)) = value.pointer_mut(pointer) {
        *text = work(masker, text);
    }
}

/// Of the command that repeats a request, the site stays; the rest may hold cookies and passwords.
pub(super) fn command(masker: &mut Masker<'_>, command: &str) -> String {
    let kept = site(command).map(|site| format!("curl \"{site}\" ")).unwrap_or_default();
    let mut rest = command.strip_prefix(kept.as_str()).unwrap_or(command).to_owned();
    masker.blank_text(&mut rest);
    format!("{kept}{rest}")
}

/// Masks all behind the words that tell of a guessed password.
pub(super) fn conceal(masker: &mut Masker<'_>, info: &str) -> String {
    let Some(rest) = info.strip_prefix(GUESSED) else { return info.to_owned() };
    let mut rest = rest.trim_start().to_owned();
    masker.blank_text(&mut rest);
    format!("{GUESSED} {rest}")
}

/// `https://host:port` of the address in `curl "…"`.
pub(super) fn site(command: &str) -> Option<String> {
    net::origin(command.split('"').nth(1)?)
}

fn entry(value: &Value, category: String) -> Entry {
    Entry {
        category,
        method: owned(value, "/method"),
        site: text(value, "/curl_command").and_then(site),
        path: owned(value, "/path"),
        parameter: text(value, "/parameter").map(str::to_owned),
        info: owned(value, "/info"),
        level: number(value, "/level"),
    }
}

/// What a category means.
#[derive(Default, Clone)]
pub(super) struct Class {
    pub(super) description: String,
    pub(super) solution: String,
    /// Titles and addresses.
    pub(super) references: Vec<(String, String)>,
}

impl Class {
    fn of(value: &Value) -> Self {
        let references = value.get("ref").and_then(Value::as_object).into_iter().flatten();
        Self {
            description: cut(&owned(value, "/desc"), MAX_TEXT),
            solution: cut(&owned(value, "/sol"), MAX_TEXT),
            references: references
                .take(MAX_REFERENCES)
                .filter_map(|(title, url)| Some((title.clone(), url.as_str()?.to_owned())))
                .collect(),
        }
    }
}

/// One entry of a report, of either format.
pub(super) struct Entry {
    pub(super) category: String,
    pub(super) method: String,
    pub(super) site: Option<String>,
    pub(super) path: String,
    pub(super) parameter: Option<String>,
    pub(super) info: String,
    pub(super) level: Option<u32>,
}

impl Entry {
    pub(super) fn record(self, class: Class) -> Record {
        let info = self.info;
        // The cookie or header that it is about stands in the sentence alone.
        let subject = info.rsplit_once(" : ").map(|(_, name)| name.trim()).filter(|_| self.category.contains("cookie"));
        let subject = subject.or_else(|| info.strip_suffix(" is not set"));
        let guessed = info.strip_prefix(GUESSED).map(|token| token_identity(token.trim()));
        let about = guessed.or_else(|| subject.map(str::to_owned));
        Record {
            message: format!("{info}\n{}", class.description),
            severity: self.level.map_or_else(Default::default, severity::wapiti),
            native_severity: self.level.map(|level| level.to_string()),
            location: net::page(&format!("{}{}", self.site.unwrap_or_default(), self.path), self.parameter.as_deref()),
            cwe: ids::weaknesses(class.references.iter().map(|(title, _)| title.as_str())),
            vulnerabilities: ids::vulnerabilities([info.as_str()]),
            fix: Some(class.solution).filter(|solution| !solution.is_empty()),
            references: class.references.into_iter().map(|(_, url)| url).collect(),
            identity: about.map_or_else(|| self.method.clone(), |about| format!("{} {about}", self.method)),
            title: if info.is_empty() { self.category.clone() } else { info },
            rule: self.category,
            ..Record::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const REPORT: &str = r#"{"classifications":{"Reflected XSS":{"desc":"Scripts.","sol":"Encode.","ref":{"CWE-79: x":"https://cwe.example/79"}}},
        "vulnerabilities":{"Reflected XSS":[{"method":"GET","path":"/search","info":"XSS via q","level":2,"parameter":"q","module":"xss",
            "http_request":"GET /search?q=x cookie: sid=hunter2","curl_command":"curl \"http://example.com:8000/search?q=x\""}],"Empty":[]},
        "anomalies":{"Internal Server Error":[{"method":"GET","path":"/","info":"HTTP 500","level":0}]},
        "additionals":{},"infos":{"target":"http://example.com:8000/","version":"Wapiti 3.2.3"}}"#;

    #[test]
    fn entries_are_records_with_what_their_category_means() {
        let (summary, records) = parse("wapiti", REPORT).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (2, Some("Wapiti 3.2.3")));
        assert_eq!(records[0].location.to_string(), "http://example.com:8000/search (q)");
        assert_eq!((records[0].severity, records[0].cwe.as_slice()), (Severity::Medium, &[79][..]));
        assert_eq!((records[0].rule.as_str(), records[0].fix.as_deref()), ("Reflected XSS", Some("Encode.")));
        assert_eq!((records[1].severity, records[1].location.to_string().as_str()), (Severity::Info, "/"));
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn what_the_tool_left_out_is_an_error() {
        let text = r#"{"vulnerabilities":{},"anomalies":{},"infos":{"version":"3.3"},"suppressed_findings":{"CSP":3,"XSS":0}}"#;
        assert_eq!(parse("wapiti", text).unwrap().0.errors, ["3 findings of CSP were left out by the tool"]);
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(parse("wapiti", "{}").is_err());
        assert!(parse("wapiti", r#"{"vulnerabilities":{},"anomalies":{}}"#).is_err());
        assert!(parse("wapiti", r#"{"vulnerabilities":[],"infos":{"version":"1"}}"#).is_err());
    }
}
