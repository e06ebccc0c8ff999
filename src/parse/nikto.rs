//! nikto's JSON: one object for the host (2.1), or an array of them (2.5). Each item is a record.
//!
//! nikto grades nothing, so severities are unknown. Its JSON does not say whether a port speaks TLS: 443 is taken to, others not.
//! The first versions that wrote JSON left commas before closing brackets; such a file is no JSON and refused.

use serde_json::Value;

use super::json::Event;
use super::mask::{Masker, token_identity};
use super::masked::walk;
use super::output::Output;
use super::text::links;
use super::value::{first, number, owned, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, net};
use crate::model::finding::Record;

/// The format `nikto`.
#[derive(Debug)]
pub(super) struct Nikto;

const ROUTES: &[&str] =
    &["host", "ip", "port", "vulnerabilities/[]", "[]/host", "[]/ip", "[]/port", "[]/vulnerabilities/[]"];

static REDACTION: Redaction = Redaction::new(&["vulnerabilities/[]", "[]/vulnerabilities/[]"], |masker, _, value| {
    if let Some(Value::String(message)) = value.and_then(|value| value.pointer_mut("/msg")) {
        *message = conceal(masker, message);
    }
});

impl Parser for Nikto {
    fn name(&self) -> &'static str {
        "nikto"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["host", "banner", "vulnerabilities"])
            || outline.has_all(&["[]/host", "[]/banner", "[]/vulnerabilities"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut host = Host::default();
        let seen = walk(self, context, input, ROUTES, &mut |route, event| {
            let value = match event {
                Event::Value(value) => value,
                Event::End if route == "[]" => {
                    host = Host::default();
                    return Ok(());
                }
                Event::End => return Ok(()),
            };
            match route.trim_start_matches("[]/") {
                "host" => value.as_str().unwrap_or_default().clone_into(&mut host.name),
                "ip" => value.as_str().unwrap_or_default().clone_into(&mut host.ip),
                "port" => host.port = number(&value, "").and_then(|port| u16::try_from(port).ok()),
                _ => output.record(item(&value, &host).record())?,
            }
            Ok(())
        })?;
        seen.require(&["vulnerabilities/[]", "[]/vulnerabilities/[]"])?;
        Ok(output.summary)
    }
}

#[derive(Default)]
struct Host {
    name: String,
    ip: String,
    port: Option<u16>,
}

impl Host {
    fn url(&self, path: &str) -> String {
        let host = if self.name.is_empty() { &self.ip } else { &self.name };
        match self.port {
            _ if path.contains("://") || host.is_empty() => path.to_owned(),
            Some(443) => format!("https://{host}{path}"),
            Some(80) | None => format!("http://{host}{path}"),
            Some(port) => format!("http://{host}:{port}{path}"),
        }
    }
}

fn item(value: &Value, host: &Host) -> Item {
    let id = first(value, &["/id"]).map(str::to_owned).or_else(|| number(value, "/id").map(|id| id.to_string()));
    Item {
        id: id.unwrap_or_default(),
        url: host.url(text(value, "/url").unwrap_or("/")),
        method: owned(value, "/method"),
        message: owned(value, "/msg"),
        references: links(text(value, "/references").unwrap_or_default()),
    }
}

/// One item of a report, of either format.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) method: String,
    pub(super) message: String,
    pub(super) references: Vec<String>,
}

impl Item {
    pub(super) fn record(self) -> Record {
        let message = self.message;
        let secret = password(&message).map(|(start, end)| token_identity(&message[start..end]));
        // The header or file that the message is about: items of one id and address differ in nothing else.
        let about = secret.or_else(|| message.split('\'').nth(1).filter(|about| about.len() <= 64).map(str::to_owned));
        Record {
            rule: self.id,
            title: message.clone(),
            location: net::page(&self.url, None),
            cwe: ids::weaknesses([message.as_str()]),
            vulnerabilities: ids::vulnerabilities(
                [message.as_str()].into_iter().chain(self.references.iter().map(String::as_str)),
            ),
            references: if self.references.is_empty() { links(&message) } else { self.references },
            identity: about.map_or_else(|| self.method.clone(), |about| format!("{} {about}", self.method)),
            message,
            ..Record::default()
        }
    }
}

/// Masks the password in "Default account found for … (ID 'x', PW 'y')".
pub(super) fn conceal(masker: &mut Masker<'_>, message: &str) -> String {
    let Some((start, end)) = password(message) else { return message.to_owned() };
    let mut secret = message[start..end].to_owned();
    masker.blank_text(&mut secret);
    format!("{}{secret}{}", &message[..start], &message[end..])
}

fn password(message: &str) -> Option<(usize, usize)> {
    let start = message.find("PW '")? + "PW '".len();
    let rest = &message[start..];
    // A password may have a quote in it.
    let length = rest.find("')").or_else(|| rest.find('\'')).filter(|length| *length > 0)?;
    Some((start, start + length))
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const HOST: &str = r#"{"host":"example.com","ip":"192.0.2.7","port":"443","banner":"nginx","vulnerabilities":[
        {"id":"999970","OSVDB":"0","method":"GET","url":"/","msg":"Strict-Transport-Security is not defined."},
        {"id":"700001","references":"https://cve.example/CVE-2021-1234","method":"GET","url":"/admin?x=1","msg":"Default account found for 'Admin' at /admin (ID 'admin', PW 'hunter2hunter2')."}]}"#;

    #[test]
    fn one_host_and_many_are_read() {
        let (summary, records) = parse("nikto", HOST).unwrap();
        assert_eq!(summary.records, 2);
        assert_eq!(records[0].location.to_string(), "https://example.com/");
        assert_eq!((records[0].severity, records[0].rule.as_str()), (Severity::Unknown, "999970"));
        assert_eq!(records[1].vulnerabilities, ["CVE-2021-1234"]);
        assert!(!format!("{records:?}").contains("hunter2"));
        let other = HOST.replace("\"443\"", "8080");
        let (_, records) = parse("nikto", &format!("[{HOST},{other}]")).unwrap();
        assert_eq!((records.len(), records[2].location.to_string().as_str()), (4, "http://example.com:8080/"));
    }

    #[test]
    fn items_of_one_id_are_told_apart() {
        let text = r#"{"vulnerabilities":[{"id":999100,"method":"GET","url":"/","msg":"Uncommon header 'x-a' found"},{"id":999100,"method":"GET","url":"/","msg":"Uncommon header 'x-b' found"}]}"#;
        let (_, records) = parse("nikto", text).unwrap();
        assert_eq!((records[0].identity.as_str(), records[1].identity.as_str()), ("GET x-a", "GET x-b"));
        assert_eq!(records[0].rule, "999100");
    }

    #[test]
    fn nothing_found_and_other_documents() {
        assert_eq!(parse("nikto", r#"{"host":"a","vulnerabilities":[]}"#).unwrap().0.records, 0);
        assert!(parse("nikto", "{}").is_err());
        assert!(parse("nikto", "[]").is_err());
        assert!(parse("nikto", r#"{"host":"a","vulnerabilities":[{"id":1},],}"#).is_err());
    }
}
