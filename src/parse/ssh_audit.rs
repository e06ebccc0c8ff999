//! ssh-audit's JSON: one target alone or several in an array, audited by themselves or against a policy.
//!
//! Each algorithm with a failure or warning is a record, and so is each CVE and each mismatch with a policy. Recommendations
//! repeat the algorithms; only where those carry no notes (versions 2.5 to 2.9) are they read instead. Older versions list what
//! a server offers and judge nothing: that is an error.

use serde_json::Value;

use super::output::Output;
use super::value::{at, first, flag, float, items, number, owned, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, net, results, severity};
use crate::model::finding::{Cvss, Location, Record};
use crate::model::severity::Severity;

/// The format `ssh-audit`.
#[derive(Debug)]
pub(super) struct SshAudit;

const KINDS: [&str; 4] = ["kex", "key", "enc", "mac"];

impl Parser for SshAudit {
    fn name(&self) -> &'static str {
        "ssh-audit"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        ["", "[]/"].iter().any(|at| {
            let has = |keys: [&str; 2]| keys.iter().all(|key| outline.has(&format!("{at}{key}")));
            has(["banner", "kex"]) || has(["policy", "passed"])
        })
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        results::in_one(self, context, input, &["/kex", "/banner", "/policy"], &mut |value| {
            let location = target(&value);
            if value.get("policy").is_some() {
                policy(&mut output, &value, &location)
            } else {
                audit(&mut output, &value, &location)
            }
        })?;
        Ok(output.summary)
    }
}

/// `host:port`; the address of version 6 has no brackets there.
fn target(value: &Value) -> Location {
    let (host, port) = match text(value, "/target").map(|target| (target, target.rsplit_once(':'))) {
        Some((_, Some((host, port)))) => (host, port.parse().ok()),
        Some((target, None)) => (target, None),
        None => (first(value, &["/host", "/client_ip"]).unwrap_or_default(), None),
    };
    let port = port.or_else(|| number(value, "/port").and_then(|port| port.try_into().ok()));
    net::service(host, port, Some("tcp"))
}

fn policy(output: &mut Output<'_>, value: &Value, location: &Location) -> Result<(), ParseError> {
    if flag(value, "/passed") == Some(true) {
        output.skip("the policy is met");
    }
    items(value, "/errors").iter().try_for_each(|error| {
        let list = |pointer| texts(error, pointer).join(", ");
        let field = owned(error, "/mismatched_field");
        output.record(Record {
            rule: format!("policy/{field}"),
            title: format!("{field} is not as the policy wants it"),
            message: format!("expected {}; there is {}", list("/expected_required"), list("/actual")),
            location: location.clone(),
            evidence: Some(list("/actual")),
            ..Record::default()
        })
    })
}

fn audit(output: &mut Output<'_>, value: &Value, location: &Location) -> Result<(), ParseError> {
    let judged = KINDS.iter().any(|kind| at(value, &format!("/{kind}/0/notes")).is_some());
    if judged {
        for kind in KINDS {
            items(value, &format!("/{kind}")).iter().try_for_each(|entry| algorithm(output, kind, entry, location))?;
        }
    } else if let Some(levels) = value.get("recommendations").and_then(Value::as_object) {
        for (level, actions) in levels {
            recommended(output, level, actions, location)?;
        }
    } else {
        output.error("this version of ssh-audit judges nothing in its JSON");
    }
    items(value, "/cves").iter().try_for_each(|cve| output.record(vulnerability(cve, location)))
}

fn algorithm(output: &mut Output<'_>, kind: &str, entry: &Value, location: &Location) -> Result<(), ParseError> {
    let (fail, warn) = (texts(entry, "/notes/fail"), texts(entry, "/notes/warn"));
    let Some(level) = [("fail", &fail), ("warn", &warn)].iter().find(|level| !level.1.is_empty()).map(|level| level.0)
    else {
        output.skip("an algorithm without a failure or warning");
        return Ok(());
    };
    let notes = [fail, warn].concat();
    output.record(Record {
        title: notes.first().cloned().unwrap_or_default(),
        message: notes.join("\n"),
        vulnerabilities: ids::vulnerabilities(notes.iter().map(String::as_str)),
        evidence: number(entry, "/keysize").map(|bits| format!("{bits} bits")),
        ..of_algorithm(kind, &owned(entry, "/algorithm"), level, location)
    })
}

fn of_algorithm(kind: &str, name: &str, level: &str, location: &Location) -> Record {
    Record {
        rule: format!("{kind}/{name}"),
        severity: severity::ssh_audit(level),
        native_severity: Some(level.to_owned()),
        location: location.clone(),
        cwe: vec![327],
        fix: Some(format!("take {name} off the server's list")),
        ..Record::default()
    }
}

/// What should go (`del`) or change (`chg`); what could be added is no weakness.
fn recommended(output: &mut Output<'_>, level: &str, actions: &Value, location: &Location) -> Result<(), ParseError> {
    for (action, kinds) in actions.as_object().into_iter().flatten() {
        let entries = kinds.as_object().into_iter().flatten();
        for (kind, entry) in
            entries.flat_map(|(kind, list)| list.as_array().into_iter().flatten().map(move |entry| (kind, entry)))
        {
            if action == "add" {
                output.skip("an algorithm that could be added");
                continue;
            }
            let name = entry.as_str().or_else(|| text(entry, "/name")).unwrap_or_default();
            let record = of_algorithm(kind, name, level, location);
            output.record(Record { title: format!("{name} should not be offered as it is"), ..record })?;
        }
    }
    Ok(())
}

fn vulnerability(value: &Value, location: &Location) -> Record {
    let id = owned(value, "/name");
    let cvss = float(value, "/cvssv2").map(|score| Cvss { score, vector: None });
    Record {
        title: format!("{id}: {}", owned(value, "/description")),
        message: owned(value, "/description"),
        severity: cvss.as_ref().map_or(Severity::Unknown, |cvss| Severity::from_cvss(cvss.score)),
        location: location.clone(),
        vulnerabilities: ids::vulnerabilities([id.as_str()]),
        cvss,
        rule: id,
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const NEW: &str = r#"{"banner":{"raw":"SSH-2.0-OpenSSH_8.0"},"cves":[{"cvssv2":7.8,"description":"memory corruption","name":"CVE-2019-16905"}],
      "enc":[{"algorithm":"chacha20","notes":{"warn":["vulnerable to Terrapin (CVE-2023-48795)"],"info":["x"]}},{"algorithm":"aes128-ctr","notes":{"info":["x"]}}],
      "kex":[{"algorithm":"dh-group1","keysize":1024,"notes":{"fail":["broken SHA-1"],"warn":["small modulus"]}}],"key":[],"mac":[],
      "recommendations":{"critical":{"del":{"kex":[{"name":"dh-group1","notes":""}]}}},"target":"Example.com:2222"}"#;

    #[test]
    fn algorithms_and_vulnerabilities_are_records() {
        let (summary, records) = parse("ssh-audit", NEW).unwrap();
        assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (3, 1));
        let rules: Vec<_> = records.iter().map(|record| (record.rule.as_str(), record.severity)).collect();
        assert_eq!(
            rules,
            [("kex/dh-group1", Severity::High), ("enc/chacha20", Severity::Medium), ("CVE-2019-16905", Severity::High)]
        );
        assert_eq!(records[0].location.to_string(), "example.com:2222");
        assert_eq!(records[1].vulnerabilities, ["CVE-2023-48795"]);
        assert_eq!(parse("ssh-audit", &format!("[{NEW},{NEW}]")).unwrap().0.records, 6);
    }

    #[test]
    fn older_generations() {
        let text = r#"{"banner":{"raw":"x"},"enc":["3des-cbc"],"kex":[{"algorithm":"a"}],"recommendations":{"critical":{"del":{"enc":["3des-cbc"]}},"informational":{"add":{"kex":["b"]}}},"target":"::1:22"}"#;
        let (summary, records) = parse("ssh-audit", text).unwrap();
        assert_eq!((records[0].rule.as_str(), records[0].severity), ("enc/3des-cbc", Severity::High));
        assert_eq!(
            (summary.skipped["an algorithm that could be added"], records[0].location.to_string().as_str()),
            (1, "::1:22")
        );
        let text = r#"{"banner":{"raw":"x"},"enc":["3des-cbc"],"kex":[{"algorithm":"a"}]}"#;
        assert_eq!(parse("ssh-audit", text).unwrap().0.errors.len(), 1);
    }

    #[test]
    fn policies_are_read() {
        let text = r#"{"errors":[{"actual":["3072"],"expected_required":["4096"],"mismatched_field":"Host key (ssh-rsa) sizes"}],"host":"localhost","passed":false,"policy":"test"}"#;
        let (_, records) = parse("ssh-audit", text).unwrap();
        assert_eq!(
            (records[0].rule.as_str(), records[0].severity),
            ("policy/Host key (ssh-rsa) sizes", Severity::Unknown)
        );
        let text = r#"{"errors":[],"host":"localhost","passed":true,"policy":"test"}"#;
        assert_eq!(parse("ssh-audit", text).unwrap().0.skipped["the policy is met"], 1);
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(parse("ssh-audit", "{}").is_err());
        assert!(parse("ssh-audit", &NEW[..NEW.len() - 5]).is_err());
        assert_eq!(parse("ssh-audit", "[]").unwrap().0.records, 0);
    }
}
