use super::super::testing::{context, parse};
use crate::model::finding::{Confidence, Record};
use crate::model::severity::Severity;

fn one(vulnerability: &str) -> Record {
    let text = format!(r#"{{"version":"15.0.0","vulnerabilities":[{vulnerability}],"scan":{{"type":"x"}}}}"#);
    parse("gitlab", &text).unwrap().1.remove(0)
}

#[test]
fn code_is_read_in_both_generations() {
    let new = one(
        r#"{"id":"1","name":"XSS","description":"d","severity":"High","flags":[{"type":"flagged-as-likely-false-positive"}],
        "location":{"file":"src/A.java","start_line":96,"end_line":97,"class":"a.A","method":"doPost"},"solution":"escape it",
        "identifiers":[{"type":"find_sec_bugs_type","name":"Find Security Bugs-XSS","value":"XSS"},{"type":"cwe","name":"CWE-79","value":"79"}],
        "links":[{"url":"https://l"}]}"#,
    );
    assert_eq!((new.rule.as_str(), new.severity, new.cwe.as_slice()), ("XSS", Severity::High, &[79][..]));
    assert_eq!((new.location.to_string().as_str(), new.identity.as_str()), ("src/A.java:96", "a.A#doPost"));
    assert_eq!((new.confidence, new.fix.as_deref()), (Some(Confidence::Low), Some("escape it")));
    let old = one(
        r#"{"category":"sast","message":"bad","cve":"a.cs:98:SCS0029","severity":"Undefined","confidence":"Confirmed",
        "location":{"file":"a.cs","start_line":98,"dependency":{"package":{}}},"identifiers":[{"type":"scs","value":"SCS0029"}]}"#,
    );
    assert_eq!((old.title.as_str(), old.severity, old.confidence), ("bad", Severity::Unknown, Some(Confidence::High)));
    assert_eq!(old.location.to_string(), "a.cs:98");
}

#[test]
fn packages_images_and_addresses_are_places_too() {
    let package = one(
        r#"{"name":"n","severity":"Unknown","location":{"file":"go.sum","dependency":{"package":{"name":"yaml"},"version":"v2"}},
        "identifiers":[{"type":"gemnasium","value":"uuid"},{"type":"cve","value":"CVE-2024-0001","name":"CVE-2024-0001"}]}"#,
    );
    assert_eq!((package.location.to_string().as_str(), package.rule.as_str()), ("go.sum: yaml v2", "uuid"));
    assert_eq!(package.vulnerabilities, ["CVE-2024-0001"]);
    let image = one(
        r#"{"location":{"dependency":{"package":{"name":"libc6"},"version":"2.28"},"image":"r/a:1"},"identifiers":[{"value":"CVE-2020-0001"}]}"#,
    );
    assert_eq!((image.location.to_string().as_str(), image.identity.as_str()), ("libc6 2.28", "r/a:1"));
    let address = one(
        r#"{"location":{"hostname":"http://api","method":"GET","param":"q","path":"/v1"},"identifiers":[{"value":"10062"}]}"#,
    );
    assert_eq!(address.location.to_string(), "http://api/v1 (q)");
}

#[test]
fn secrets_and_what_lets_somebody_in_are_masked() {
    let secret = one(
        r#"{"name":"AWS","description":"found AKIAIOSFODNN7EXAMPLE","raw_source_code_extract":"AKIAIOSFODNN7EXAMPLE",
        "location":{"file":"a"},"identifiers":[{"value":"AWS"}]}"#,
    );
    assert!(!format!("{secret:?}").contains("AKIA") && secret.identity.len() == 8, "{secret:?}");
    let text = r#"{"vulnerabilities":[{"location":{},"identifiers":[],"evidence":{"request":{"body":"password=hunter2",
        "headers":[{"name":"Cookie","value":"session=hunter2"},{"name":"Accept","value":"*/*"}]},
        "supporting_messages":[{"response":{"headers":[{"name":"set-cookie","value":"id=hunter2"}],"body":"hello hunter2"}}]}}]}"#;
    let mut masked = Vec::new();
    super::super::mask("gitlab", &mut text.as_bytes(), &mut masked, &context().secret_key).unwrap();
    let masked = String::from_utf8(masked).unwrap();
    assert!(!masked.contains("hunter2") && masked.contains("*/*"), "{masked}");
}

#[test]
fn failed_scans_nothing_found_and_other_documents_are_told_apart() {
    let failed = r#"{"version":"15.0.0","vulnerabilities":[],"scan":{"status":"failure","messages":[{"level":"fatal","value":"no rules"},{"level":"info","value":"x"}]}}"#;
    assert_eq!(parse("gitlab", failed).unwrap().0.errors, ["the scan failed", "no rules"]);
    assert_eq!(parse("gitlab", r#"{"version":"2.3","vulnerabilities":[],"remediations":[]}"#).unwrap().0.records, 0);
    assert!(parse("gitlab", "{}").is_err());
    assert!(parse("gitlab", r#"{"vulnerabilities":[{"featurename":"a"}]}"#).is_err());
    assert!(parse("gitlab", "[]").is_err());
}
