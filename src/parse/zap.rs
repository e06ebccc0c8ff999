//! ZAP's JSON, the traditional report with or without requests and answers.
//!
//! An alert lists the places where it was seen as instances of their own, so each instance is a record; an alert without any is
//! one. What mends an alert and its weakness stand behind its instances, so one alert is held at a time.

use serde_json::Value;

use super::json::Event;
use super::mask::{Masker, token_identity};
use super::masked::walk;
use super::output::Output;
use super::text::{cut, links, plain};
use super::value::{items, number, owned, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, net, severity};
use crate::model::finding::Record;

/// The format `zap`.
#[derive(Debug)]
pub(super) struct Zap;

/// `site` and `alerts` were objects once where there was one.
const ROUTES: &[&str] = &[
    "@version",
    "@generated",
    "afPlanErrors/[]",
    "site/[]/alerts/[]",
    "site/alerts/[]",
    "site/[]/@name",
    "site/@name",
];
const TRAFFIC: &[&str] = &["/request-header", "/request-body", "/response-header", "/response-body"];
const EVIDENCE: &[&str] = &["/evidence", "/otherinfo"];
const MAX_TEXT: usize = 16 << 10;
const MAX_NAME: usize = 1 << 10;
/// Alerts that quote what must not be known: weak authentication, personal information, hashes, credentials.
pub(super) const SECRET_ALERTS: [&str; 4] = ["10062", "10097", "10105", "10111"];

static REDACTION: Redaction = Redaction::new(&["site/[]/alerts/[]", "site/alerts/[]"], |masker, _, value| {
    if let Some(value) = value {
        hide(masker, value);
    }
});

impl Parser for Zap {
    fn name(&self) -> &'static str {
        "zap"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["@version", "@generated"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let seen = walk(self, context, input, ROUTES, &mut |route, event| {
            let Event::Value(value) = event else { return Ok(()) };
            match route {
                "@version" => output.version(value.as_str()),
                "afPlanErrors/[]" => output.error(value.as_str().unwrap_or("the plan had an error")),
                "site/[]/alerts/[]" | "site/alerts/[]" => {
                    return alert(&value).records(&mut output);
                }
                _ => {}
            }
            Ok(())
        })?;
        seen.require(&["@generated", "site/[]/@name", "site/@name"])?;
        Ok(output.summary)
    }
}

fn hide(masker: &mut Masker<'_>, alert: &mut Value) {
    let secret = text(alert, "/pluginid").is_some_and(|plugin| SECRET_ALERTS.contains(&plugin));
    if secret {
        masker.blank(alert, &["/otherinfo"]);
    }
    let Some(Value::Array(instances)) = alert.get_mut("instances") else { return };
    for instance in instances {
        masker.blank(instance, TRAFFIC);
        if secret {
            masker.blank(instance, EVIDENCE);
        }
    }
}

fn alert(value: &Value) -> Alert {
    let whole =
        |pointer| text(value, pointer).map(str::to_owned).or_else(|| number(value, pointer).map(|n| n.to_string()));
    Alert {
        plugin: whole("/pluginid").unwrap_or_default(),
        variant: whole("/alertRef"),
        name: owned(value, "/name"),
        risk: whole("/riskcode").unwrap_or_default(),
        risk_words: owned(value, "/riskdesc"),
        confidence: whole("/confidence").unwrap_or_default(),
        description: owned(value, "/desc"),
        solution: owned(value, "/solution"),
        reference: owned(value, "/reference"),
        cwe: number(value, "/cweid"),
        count: number(value, "/count"),
        instances: items(value, "/instances").iter().map(instance).collect(),
    }
}

fn instance(value: &Value) -> Instance {
    Instance {
        uri: owned(value, "/uri"),
        method: owned(value, "/method"),
        parameter: text(value, "/param").map(str::to_owned),
        attack: owned(value, "/attack"),
        evidence: owned(value, "/evidence"),
    }
}

/// One alert, of either format.
#[derive(Default)]
pub(super) struct Alert {
    pub(super) plugin: String,
    /// `10038-1`: which of the plug-in's alerts.
    pub(super) variant: Option<String>,
    pub(super) name: String,
    pub(super) risk: String,
    pub(super) risk_words: String,
    pub(super) confidence: String,
    pub(super) description: String,
    pub(super) solution: String,
    pub(super) reference: String,
    pub(super) cwe: Option<u32>,
    /// How many instances there were; a report lists as many as it was told to.
    pub(super) count: Option<u32>,
    pub(super) instances: Vec<Instance>,
}

/// One place of an alert.
pub(super) struct Instance {
    pub(super) uri: String,
    pub(super) method: String,
    pub(super) parameter: Option<String>,
    pub(super) attack: String,
    pub(super) evidence: String,
}

impl Alert {
    /// Hands on a record for each instance; those that a person marked as false only count.
    pub(super) fn records(self, output: &mut Output<'_>) -> Result<(), ParseError> {
        if self.confidence == "0" {
            (0..self.instances.len().max(1)).for_each(|_| output.skip("marked as a false positive"));
            return Ok(());
        }
        let listed = u32::try_from(self.instances.len()).unwrap_or(u32::MAX).max(1);
        let others = self.count.unwrap_or_default().saturating_sub(listed);
        output.skip_several("an instance that the report does not list", others.into());
        let common = self.common();
        if self.instances.is_empty() {
            return output.record(common);
        }
        let secret = SECRET_ALERTS.contains(&self.plugin.as_str());
        // Alerts that a person or a script raised have no plug-in to be told apart by.
        let name = if self.plugin.starts_with('-') { common.title.as_str() } else { "" };
        self.instances.into_iter().try_for_each(|instance| {
            let evidence = [instance.attack.as_str(), &instance.evidence].join("\n");
            output.record(Record {
                location: net::page(&instance.uri, instance.parameter.as_deref()),
                identity: if secret {
                    token_identity(&instance.evidence)
                } else {
                    format!("{} {name}", instance.method).trim_end().to_owned()
                },
                evidence: Some(evidence.trim().to_owned()).filter(|evidence| !evidence.is_empty()),
                ..common.clone()
            })
        })
    }

    fn common(&self) -> Record {
        // What each instance repeats of its alert is bounded.
        let text = |html: &str| plain(&cut(html, MAX_TEXT));
        let (description, reference) = (text(&self.description), text(&self.reference));
        Record {
            rule: cut(self.variant.as_ref().unwrap_or(&self.plugin), MAX_NAME),
            title: cut(&self.name, MAX_NAME),
            severity: severity::zap(&self.risk),
            native_severity: Some(cut(&self.risk_words, MAX_NAME)).filter(|words| !words.is_empty()),
            confidence: severity::zap_confidence(&self.confidence),
            cwe: self.cwe.filter(|number| *number > 0).into_iter().collect(),
            vulnerabilities: ids::vulnerabilities([description.as_str(), reference.as_str()]),
            fix: Some(text(&self.solution)).filter(|solution| !solution.is_empty()),
            references: links(&reference),
            message: description,
            ..Record::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::finding::Confidence;
    use crate::model::severity::Severity;

    const ALERT: &str = r#"{"pluginid":"40012","alertRef":"40012","name":"XSS","riskcode":"3","confidence":"2","riskdesc":"High (Medium)","desc":"<p>Reflected.</p>",
        "instances":[{"uri":"http://example.com/a?q=%3Cx%3E","method":"GET","param":"q","attack":"<x>","evidence":"<x>","request-header":"Cookie: sid"},
                     {"uri":"http://example.com/b","method":"POST","param":"","attack":"","evidence":""}],
        "count":"2","solution":"<p>Encode.</p>","reference":"<p>https://r/1</p><p>https://r/2</p>","cweid":"79","wascid":"8"}"#;

    #[test]
    fn each_instance_is_a_record() {
        let text = format!(
            r#"{{"@version":"2.16.1","@generated":"now","site":[{{"@name":"http://example.com","alerts":[{ALERT}]}}]}}"#
        );
        let (summary, records) = parse("zap", &text).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (2, Some("2.16.1")));
        assert_eq!(records[0].location.to_string(), "http://example.com/a?q (q)");
        assert_eq!((records[0].severity, records[0].confidence), (Severity::High, Some(Confidence::Medium)));
        assert_eq!((records[0].cwe.as_slice(), records[0].references.len()), (&[79][..], 2));
        assert_eq!((records[0].fix.as_deref(), records[1].identity.as_str()), (Some("Encode."), "POST"));
        assert!(!format!("{records:?}").contains("Cookie"));
    }

    #[test]
    fn instances_that_are_not_listed_are_counted() {
        let more = ALERT.replace(r#""count":"2""#, r#""count":"7","systemic":true"#);
        let text = format!(r#"{{"@version":"2.17.0","@generated":"x","site":[{{"@name":"h","alerts":[{more}]}}]}}"#);
        let (summary, _) = parse("zap", &text).unwrap();
        assert_eq!((summary.records, summary.skipped["an instance that the report does not list"]), (2, 5));
    }

    #[test]
    fn older_shapes_and_false_positives() {
        let old = format!(
            r#"{{"@version":"2.4","@generated":"x","site":{{"@name":"http://example.com","alerts":[{ALERT}]}}}}"#
        );
        assert_eq!(parse("zap", &old).unwrap().0.records, 2);
        let marked = old.replace(r#""confidence":"2""#, r#""confidence":"0""#);
        assert_eq!(parse("zap", &marked).unwrap().0.skipped["marked as a false positive"], 2);
    }

    #[test]
    fn nothing_found_errors_of_the_plan_and_other_documents() {
        let text = r#"{"@version":"2.16.1","@generated":"now","site":[],"afPlanErrors":["no context"]}"#;
        let (summary, _) = parse("zap", text).unwrap();
        assert_eq!((summary.records, summary.errors.as_slice()), (0, &["no context".to_owned()][..]));
        assert!(parse("zap", "{}").is_err());
    }
}
