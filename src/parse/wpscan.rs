//! wpscan's JSON, version 3: vulnerabilities of the site's software, plug-ins and themes, and what else it found of interest.
//!
//! Without a token for its database wpscan knows no vulnerabilities; it says so in the report, which then has an error.

use serde_json::{Value, json};

use super::json::Event;
use super::mask::token_identity;
use super::masked::walk;
use super::output::Output;
use super::value::{first, float, items, number, owned, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, net};
use crate::model::finding::{Confidence, Cvss, Location, Record};
use crate::model::severity::Severity;

/// The format `wpscan`.
#[derive(Debug)]
pub(super) struct Wpscan;

const ROUTES: &[&str] = &[
    "banner/version",
    "target_url",
    "scan_aborted",
    "not_fully_configured",
    "vuln_api/error",
    "interesting_findings/[]",
    "version",
    "main_theme",
    "themes/@",
    "plugins/@",
    "timthumbs/@",
    "config_backups/@",
    "db_exports/@",
    "backup_folders/@",
    "medias/@",
    "users/@",
    "password_attack/@",
];

static REDACTION: Redaction = Redaction::new(&["password_attack/@"], |masker, _, value| {
    if let Some(value) = value {
        masker.hide(value, &["/password"]);
    }
});

impl Parser for Wpscan {
    fn name(&self) -> &'static str {
        "wpscan"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("interesting_findings")
            || outline.has("scan_aborted")
            || outline.has_all(&["target_url", "effective_url"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut report = Report { output: Output::new(sink), site: String::new(), key: String::new() };
        let seen = walk(self, context, input, ROUTES, &mut |route, event| match event {
            Event::Value(value) => report.read(route, value),
            Event::End => Ok(()),
        })?;
        seen.require(&["target_url", "scan_aborted", "interesting_findings/[]"])?;
        Ok(report.output.summary)
    }
}

struct Report<'r> {
    output: Output<'r>,
    site: String,
    /// The key that the value which comes next has.
    key: String,
}

impl Report<'_> {
    fn read(&mut self, route: &str, value: Value) -> Result<(), ParseError> {
        match (route, value) {
            (_, Value::Null) => Ok(()),
            (_, Value::String(text)) => {
                self.note(route, text);
                Ok(())
            }
            ("interesting_findings/[]", value) => self.output.record(interesting(&value)),
            ("version", value) => self.vulnerabilities(&value, "wordpress", text(&value, "/number")),
            ("main_theme" | "themes/@", value) => self.component("theme", &value),
            ("plugins/@", value) => self.component("plugin", &value),
            ("timthumbs/@", value) => {
                self.place("timthumb", "TimThumb is there", &value)?;
                self.vulnerabilities(&value, "timthumb", text(&value, "/version/number"))
            }
            ("config_backups/@", value) => {
                self.place("config_backup", "a backup of the configuration is readable", &value)
            }
            ("db_exports/@", value) => self.place("db_export", "an export of the database is readable", &value),
            ("backup_folders/@", value) => self.place("backup_folder", "a folder of backups is readable", &value),
            ("users/@", value) => self.user(&value),
            ("password_attack/@", value) => self.password(&value),
            _ => {
                self.output.skip("an uploaded file");
                Ok(())
            }
        }
    }

    fn note(&mut self, route: &str, text: String) {
        match route {
            "banner/version" => self.output.version(Some(&text)),
            "target_url" => self.site = text,
            "scan_aborted" | "not_fully_configured" | "vuln_api/error" => self.output.error(&text),
            _ if route.ends_with('@') => self.key = text,
            _ => self.output.skip("a text in the place of a finding"),
        }
    }

    /// A plug-in or theme; a theme's parents have vulnerabilities of their own.
    fn component(&mut self, kind: &str, value: &Value) -> Result<(), ParseError> {
        let slug = text(value, "/slug").unwrap_or(&self.key);
        self.vulnerabilities(value, &format!("{kind}/{slug}"), text(value, "/version/number"))?;
        items(value, "/parents").iter().try_for_each(|parent| {
            let name = format!("{kind}/{}", owned(parent, "/slug"));
            self.vulnerabilities(parent, &name, text(parent, "/version/number"))
        })
    }

    fn vulnerabilities(&mut self, value: &Value, name: &str, version: Option<&str>) -> Result<(), ParseError> {
        items(value, "/vulnerabilities")
            .iter()
            .try_for_each(|found| self.output.record(vulnerability(found, name, version)))
    }

    /// Something at an address, which is the key.
    fn place(&mut self, rule: &str, title: &str, value: &Value) -> Result<(), ParseError> {
        let location = net::page(&self.key, None);
        self.output.record(Record { location, ..found(rule, title, value) })
    }

    fn user(&mut self, value: &Value) -> Result<(), ParseError> {
        let title = format!("the name of a user is known: {}", self.key);
        let record = found("user", &title, value);
        let location = net::page(&self.site, None);
        self.output.record(Record { location, identity: self.key.clone(), severity: Severity::Info, ..record })
    }

    fn password(&mut self, value: &Value) -> Result<(), ParseError> {
        let password = owned(value, "/password");
        self.output.record(Record {
            location: net::page(&self.site, None),
            severity: Severity::Critical,
            cwe: vec![521],
            identity: format!("{}/{}", self.key, token_identity(&password)),
            evidence: Some(password),
            ..found("password", &format!("the password of {} was guessed", self.key), &json!({}))
        })
    }
}

fn interesting(value: &Value) -> Record {
    let rule = owned(value, "/type");
    Record {
        severity: Severity::Info,
        location: net::page(text(value, "/url").unwrap_or_default(), None),
        evidence: Some(texts(value, "/interesting_entries").join("\n")).filter(|entries| !entries.is_empty()),
        ..found(&rule, first(value, &["/to_s", "/type"]).unwrap_or_default(), value)
    }
}

/// What all that wpscan finds has.
fn found(rule: &str, title: &str, value: &Value) -> Record {
    Record {
        rule: rule.to_owned(),
        title: title.to_owned(),
        message: owned(value, "/found_by"),
        confidence: number(value, "/confidence").map(|percent| match percent {
            80.. => Confidence::High,
            50.. => Confidence::Medium,
            _ => Confidence::Low,
        }),
        references: texts(value, "/references/url"),
        ..Record::default()
    }
}

fn vulnerability(value: &Value, name: &str, version: Option<&str>) -> Record {
    let numbers = texts(value, "/references/cve");
    let cves: Vec<String> = numbers.iter().map(|number| format!("CVE-{}", number.trim_start_matches("CVE-"))).collect();
    let vulnerabilities = ids::vulnerabilities(cves.iter().map(String::as_str));
    let own =
        text(value, "/uuid").map(str::to_owned).or_else(|| texts(value, "/references/wpvulndb").into_iter().next());
    let cvss =
        float(value, "/cvss/score").map(|score| Cvss { score, vector: text(value, "/cvss/vector").map(str::to_owned) });
    let mut references = texts(value, "/references/url");
    references.extend(own.iter().map(|id| format!("https://wpscan.com/vulnerability/{id}")));
    Record {
        rule: own.or_else(|| vulnerabilities.first().cloned()).unwrap_or_else(|| "vulnerability".to_owned()),
        title: owned(value, "/title"),
        message: owned(value, "/title"),
        severity: cvss.as_ref().map_or(Severity::Unknown, |cvss| Severity::from_cvss(cvss.score)),
        native_severity: text(value, "/cvss/severity").map(str::to_owned),
        location: Location::Package {
            name: name.to_owned(),
            version: version.unwrap_or_default().to_owned(),
            path: None,
        },
        vulnerabilities,
        cvss,
        fix: first(value, &["/fixed_in", "/affected_versions/0/fixed_in"])
            .map(|version| format!("upgrade to {version}")),
        references,
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const VULNERABLE: &str = r#"{"title":"CSRF","fixed_in":"11.8.2","cvss":{"score":"8.8","vector":"CVSS:3.1/AV:N"},"references":{"url":["https://a"],"cve":["2017-6814"],"wpvulndb":["8873"]}}"#;

    #[test]
    fn every_kind_of_finding_is_read() {
        let text = format!(
            r#"{{"banner":{{"version":"3.8.28"}},"target_url":"https://example.com/","interesting_findings":[{{"url":"https://example.com/xmlrpc.php","to_s":"XML-RPC","type":"xmlrpc","confidence":100,"interesting_entries":["a"]}}],
            "version":{{"number":"5.2.2","vulnerabilities":[{VULNERABLE}]}},"main_theme":{{"slug":"t","vulnerabilities":[],"version":null,"parents":[{{"slug":"p","vulnerabilities":[{VULNERABLE}]}}]}},
            "plugins":{{"tube":{{"slug":"tube","vulnerabilities":[{VULNERABLE}],"version":{{"number":"1.2"}}}}}},"config_backups":{{"https://example.com/wp-config.bak":{{"confidence":100}}}},
            "users":{{"admin":{{"id":1}}}},"medias":{{"https://example.com/1":{{}}}},"password_attack":{{"admin":{{"password":"hunter2hunter2"}}}},"vuln_api":{{"plan":"free"}}}}"#
        );
        let (summary, records) = parse("wpscan", &text).unwrap();
        assert_eq!((summary.records, summary.skipped["an uploaded file"]), (7, 1));
        assert_eq!(summary.tool_version.as_deref(), Some("3.8.28"));
        let places: Vec<_> = records.iter().map(|record| record.location.to_string()).collect();
        let expected = [
            "https://example.com/xmlrpc.php",
            "wordpress 5.2.2",
            "theme/p ",
            "plugin/tube 1.2",
            "https://example.com/wp-config.bak",
            "https://example.com/",
            "https://example.com/",
        ];
        assert_eq!(places, expected);
        assert_eq!(
            (records[1].severity, records[1].vulnerabilities.as_slice()),
            (Severity::High, &["CVE-2017-6814".to_owned()][..])
        );
        assert_eq!((records[1].rule.as_str(), records[1].fix.as_deref()), ("8873", Some("upgrade to 11.8.2")));
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn what_could_not_be_done_is_an_error() {
        let aborted = r#"{"scan_aborted":"The url seems to be down","target_url":"https://example.com/"}"#;
        assert_eq!(parse("wpscan", aborted).unwrap().0.errors, ["The url seems to be down"]);
        let blind = r#"{"target_url":"https://example.com/","interesting_findings":[],"vuln_api":{"error":"No API token"},"plugins":{}}"#;
        assert_eq!(parse("wpscan", blind).unwrap().0.errors, ["No API token"]);
        assert!(parse("wpscan", "{}").is_err());
        assert!(parse("wpscan", r#"{"target_url":"#).is_err());
    }

    #[test]
    fn the_newer_keys_of_vulnerabilities_are_read() {
        let text = r#"{"target_url":"u","version":{"number":"6.0","vulnerabilities":[{"title":"t","uuid":"0f0f","affected_versions":[{"fixed_in":"6.1"}],"references":{}}]}}"#;
        let (_, records) = parse("wpscan", text).unwrap();
        assert_eq!((records[0].rule.as_str(), records[0].severity), ("0f0f", Severity::Unknown));
        assert_eq!(records[0].fix.as_deref(), Some("upgrade to 6.1"));
    }
}
