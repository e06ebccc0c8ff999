//! What scanners print, made of few words.

use serde_json::{Value, json};

/// A result of a scanner of code: rule, file, line, code.
pub(crate) type Place = (&'static str, &'static str, u32, &'static str);

/// A log in SARIF of a scanner of this version, with these results.
pub(crate) fn sarif(version: &str, results: &[Place]) -> Vec<u8> {
    log(version, results.iter().map(|place| result(*place)).collect())
}

/// A log in SARIF that tells of an error beside its results.
pub(crate) fn sarif_with_error(version: &str, results: &[Place]) -> Vec<u8> {
    let invocation = json!({"executionSuccessful": true,
        "toolExecutionNotifications": [{"level": "error", "message": {"text": "app.py could not be parsed"}}]});
    let log = String::from_utf8(sarif(version, results)).unwrap();
    log.replacen(r#""results""#, &format!(r#""invocations": [{invocation}], "results""#), 1).into_bytes()
}

/// The same, each result with another level and message than it has of itself.
pub(crate) fn sarif_in_other_words(version: &str, results: &[Place]) -> Vec<u8> {
    let reworded = |place: &Place| {
        let mut result = result(*place);
        result["level"] = "note".into();
        result["message"] = json!({"text": "in other words"});
        result
    };
    log(version, results.iter().map(reworded).collect())
}

/// The same, each result with a suppression that its code asks for.
pub(crate) fn sarif_suppressed(version: &str, results: &[Place]) -> Vec<u8> {
    let suppressed = |place: &Place| {
        let mut result = result(*place);
        result["suppressions"] = json!([{"kind": "inSource", "justification": "reviewed"}]);
        result
    };
    log(version, results.iter().map(suppressed).collect())
}

fn log(version: &str, results: Vec<Value>) -> Vec<u8> {
    // The tool comes first, as most write it: what is known of it decides how its results are read.
    let tool = json!({"driver": {"name": "checker", "version": version, "rules": []}});
    let results = Value::from(results);
    format!(r#"{{"version": "2.1.0", "runs": [{{"tool": {tool}, "results": {results}}}]}}"#).into_bytes()
}

fn result((rule, file, line, code): Place) -> Value {
    json!({"ruleId": rule, "level": "error", "message": {"text": format!("{rule} at line {line}")}, "locations": [{"physicalLocation": {
        "artifactLocation": {"uri": format!("file:///src/{file}")},
        "region": {"startLine": line, "snippet": {"text": code}}}}]})
}

/// A report of gitleaks with these secrets: rule, file, line, secret.
pub(crate) fn gitleaks(secrets: &[Place]) -> Vec<u8> {
    let leak = |(rule, file, line, secret): &Place| {
        json!({"RuleID": rule, "Description": "a secret", "StartLine": line, "EndLine": line, "StartColumn": 1, "EndColumn": 9,
               "Match": format!("key = {secret}"), "Secret": secret, "File": file, "Commit": "", "Fingerprint": "x"})
    };
    Value::from(secrets.iter().map(leak).collect::<Vec<_>>()).to_string().into_bytes()
}

/// A vulnerable package: vulnerability, package, version, lock file.
pub(crate) type Package = (&'static str, &'static str, &'static str, &'static str);

/// A report of trivy with these vulnerable packages.
pub(crate) fn trivy(packages: &[Package]) -> Vec<u8> {
    let entry = |(id, name, version, path): &Package| {
        json!({"Target": path, "Class": "lang-pkgs", "Vulnerabilities": [{"VulnerabilityID": id, "PkgName": name,
               "InstalledVersion": version, "Severity": "HIGH", "Title": "a hole"}]})
    };
    json!({"SchemaVersion": 2, "ArtifactName": "/src", "Trivy": {"Version": "0.59.1"},
           "Results": packages.iter().map(entry).collect::<Vec<_>>()})
    .to_string()
    .into_bytes()
}

/// A report of nmap that hands on these ports.
pub(crate) fn nmap(ports: &[u16]) -> Vec<u8> {
    crate::common::ports::nmap(ports)
}

/// A log in SARIF with one result at each web address.
pub(crate) fn sarif_at(addresses: &[&str]) -> Vec<u8> {
    let result = |address: &&str| {
        json!({"ruleId": "open", "level": "error", "message": {"text": "open"},
               "locations": [{"physicalLocation": {"artifactLocation": {"uri": address}}}]})
    };
    log("1", addresses.iter().map(result).collect())
}
