use serde_json::json;

use super::*;
use crate::model::finding::Location;

fn read(text: &str) -> Result<(BaselineFacts, Vec<KnownFinding>), String> {
    let context = Context { source_root: "/src".to_owned(), secret_key: b"key".to_vec() };
    let mut all = Vec::new();
    let facts = baseline(&mut text.as_bytes(), &context, &mut |finding| {
        all.push(finding);
        Ok(())
    });
    facts.map(|facts| (facts, all)).map_err(|error| error.to_string())
}

fn name(byte: u8) -> String {
    format!("v1:{}", format!("{byte:02x}").repeat(16))
}

fn report() -> Value {
    json!({"schema": "dragnet.report/v1", "scan": {"target_key": "git:example.org/shop", "complete": true},
        "jobs": [{"scanner": "bandit", "scanner_version": "1.9"}], "summary": {"total": 2},
        "findings": [
            {"fingerprint": name(1), "scanner": "bandit", "rule": "B1", "title": "one", "severity": "high", "identity": "abc",
             "evidence": "eval(x)", "location": {"kind": "file", "path": "a b.py", "start_line": 3}},
            {"fingerprint": format!("{}#2", name(2)), "scanner": "trivy", "rule": "CVE-1", "title": "two", "severity": "low",
             "evidence": null, "location": {"kind": "package", "name": "p", "version": "1", "path": "go.sum"}}],
        "gone": [{"fingerprint": name(3), "scanner": "bandit", "fate": "fixed", "rule": "B2", "title": "gone", "severity": "low"},
            {"fingerprint": name(4), "scanner": "bandit", "fate": "not_observed", "rule": "B3", "title": "open", "severity": "low"}],
        "assets": []})
}

fn sarif(results: &[Value]) -> Value {
    json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Semgrep OSS", "version": "1.2"}}, "results": results}]})
}

fn result(line: u32) -> Value {
    json!({"ruleId": "r", "level": "error", "message": {"text": "m"}, "locations": [{"physicalLocation": {
        "artifactLocation": {"uri": "file:///src/a.py"}, "region": {"startLine": line, "snippet": {"text": "eval(x)"}}}}]})
}

#[test]
fn our_own_report_is_read_back_whole() {
    let (facts, all) = read(&report().to_string()).unwrap();
    assert_eq!(
        (facts.findings, facts.complete, facts.target_key.as_deref()),
        (3, Some(true), Some("git:example.org/shop"))
    );
    assert_eq!(facts.versions, [("bandit".to_owned(), "1.9".to_owned())]);
    let told: Vec<String> = all
        .iter()
        .map(|one| {
            let (scanner, record) = (one.scanner.as_deref().unwrap(), &one.record);
            format!("{} {scanner} {} {} {}", one.name.unwrap(), record.rule, record.severity, record.location)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    v1:01010101010101010101010101010101 bandit B1 high a b.py:3
    v1:02020202020202020202020202020202#2 trivy CVE-1 low go.sum: p 1
    v1:04040404040404040404040404040404 bandit B3 low -
    ");
    assert_eq!((all[0].record.identity.as_str(), all[0].record.evidence.as_deref()), ("abc", Some("eval(x)")));
}

#[test]
fn any_sarif_is_read_with_the_names_that_it_has() {
    let mut own = result(7);
    own["partialFingerprints"] = json!({"dragnet/v1": name(9)});
    own["properties"] = json!({"severity": "critical", "identity": "id",
        "location": {"kind": "package", "name": "p", "version": "2", "path": "a.py"}});
    let passed = json!({"ruleId": "r", "kind": "pass", "message": {"text": "m"}});
    let absent = json!({"ruleId": "r", "baselineState": "absent", "message": {"text": "m"}});
    let (facts, all) = read(&sarif(&[result(5), passed, own, absent]).to_string()).unwrap();
    assert_eq!((facts.findings, facts.complete, all.len()), (2, None, 2));
    assert_eq!(facts.versions, [("Semgrep OSS".to_owned(), "1.2".to_owned())]);
    assert_eq!((all[0].name, all[0].scanner.as_deref()), (None, Some("Semgrep OSS")));
    assert_eq!(all[0].record.location.to_string(), "a.py:5");
    assert_eq!(all[1].name.unwrap().to_string(), name(9));
    assert_eq!((all[1].record.severity, all[1].record.identity.as_str()), (Severity::Critical, "id"));
    assert!(matches!(&all[1].record.location, Location::Package { version, .. } if version == "2"));
}

#[test]
fn names_stay_with_their_results_when_the_tool_comes_last() {
    let named = |byte: u8| {
        let mut result = result(u32::from(byte));
        result["partialFingerprints"] = json!({"dragnet/v1": name(byte)});
        result
    };
    let document = format!(
        r#"{{"version": "2.1.0", "runs": [{{"results": [{}, {}], "tool": {{"driver": {{"name": "bandit"}}}}}}]}}"#,
        named(1),
        named(2)
    );
    let (_, all) = read(&document).unwrap();
    for (one, byte) in all.iter().zip([1_u8, 2]) {
        assert_eq!((one.name.unwrap().to_string(), one.scanner.as_deref()), (name(byte), Some("bandit")));
        assert_eq!(one.record.location.region().unwrap().start_line, u32::from(byte));
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for text in [report().to_string(), sarif(&[result(1), result(2)]).to_string()] {
        assert!(read(&text).is_ok());
        for end in 0..text.len() {
            if text.is_char_boundary(end) {
                assert!(read(&text[..end]).is_err(), "cut at {end}: {}", &text[..end]);
            }
        }
    }
}

#[test]
fn what_is_no_baseline_is_refused_with_the_reason() {
    let without = |key: &str| {
        let mut report = report();
        report.as_object_mut().unwrap().remove(key);
        report.to_string()
    };
    let mut part = report();
    part["summary"]["listed"] = "new".into();
    let mut merged = report();
    merged["summary"]["merged"] = 1.into();
    let mut part_of_sarif = sarif(&[]);
    part_of_sarif["runs"][0]["properties"] = json!({"dragnet": {"listed": "new"}});
    let mut unnamed = report();
    unnamed["findings"][0]["fingerprint"] = "v1:12".into();
    for (text, words) in [
        ("{}".to_owned(), "neither SARIF with runs nor a report"),
        (json!({"version": "2.1.0", "runs": []}).to_string(), "neither SARIF with runs"),
        (json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}}]}).to_string(), "has no `results`"),
        (
            json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": null}]}).to_string(),
            "has no `results`",
        ),
        (json!({"version": "1.0.0", "runs": [{"results": []}]}).to_string(), "its version is 1.0.0"),
        (json!({"schema": "dragnet.findings/v1", "findings": []}).to_string(), "it is `dragnet.findings/v1`"),
        (without("findings"), "it lacks one of"),
        (without("summary"), "it lacks one of"),
        (without("scan"), "it lacks one of"),
        (part.to_string(), "only a part of its scan's findings (`--new`)"),
        (merged.to_string(), "only a part of its scan's findings (`--merge`)"),
        (part_of_sarif.to_string(), "only a part"),
        (unnamed.to_string(), "no fingerprint"),
        (format!("{}\n{}", report(), report()), "trailing"),
        ("[]".to_owned(), "expected"),
    ] {
        let said = read(&text).unwrap_err();
        assert!(said.contains(words), "{text}: {said}");
    }
    // Nothing found is something to compare with.
    assert_eq!(read(&sarif(&[]).to_string()).unwrap().0.findings, 0);
}

#[test]
fn a_run_that_tells_of_an_error_is_not_complete() {
    let mut document = sarif(&[]);
    document["runs"][0]["invocations"] = json!([{"executionSuccessful": false}]);
    assert_eq!(read(&document.to_string()).unwrap().0.complete, Some(false));
}
