use super::super::testing::{Kept, context, parse};
use super::super::{Input, Parser as _, mask};
use super::Sarif;
use crate::model::finding::{Confidence, Location};
use crate::model::severity::Severity;

fn document(tool: &str, results: &str) -> [String; 2] {
    [
        format!(r#"{{"version":"2.1.0","runs":[{{"tool":{tool},"results":{results}}}]}}"#),
        format!(r#"{{"runs":[{{"results":{results},"tool":{tool}}}],"version":"2.1.0"}}"#),
    ]
}

const TOOL: &str = r#"{"driver":{"name":"Any","semanticVersion":"1.2.3","rules":[
    {"id":"sql","shortDescription":{"text":"SQL injection"},"helpUri":"https://h","properties":{"security-severity":"9.8","precision":"high",
      "tags":["external/cwe/cwe-089","security"]}},
    {"id":"style","name":"Style","defaultConfiguration":{"level":"note"}},{"id":"plain"}]}}"#;

const RESULTS: &str = r#"[
    {"ruleId":"sql","level":"note","message":{"text":"from {0}","arguments":["x"]},"fingerprints":{"matchBasedId/v1":"requires login"},
     "locations":[{"physicalLocation":{"artifactLocation":{"uri":"file:///src/a%20b.py"},"region":{"startLine":3,"endLine":4,"snippet":{"text":"q + x"}}}}]},
    {"ruleIndex":1,"message":{"text":"m"}},
    {"ruleId":"plain","message":{"text":"m"}},
    {"ruleId":"plain","level":"error","message":{"text":"m"}},
    {"ruleId":"plain","kind":"review","message":{"text":"m"}},
    {"ruleId":"plain","kind":"pass","message":{"text":"m"}},
    {"ruleId":"plain","message":{"text":"m"},"suppressions":[{"kind":"inSource"}]}]"#;

#[test]
fn severities_do_not_depend_on_the_order_of_rules_and_results() {
    for text in document(TOOL, RESULTS) {
        let (summary, records) = parse("sarif", &text).unwrap();
        let severities: Vec<_> = records.iter().map(|record| record.severity).collect();
        let expected =
            [Severity::Critical, Severity::Low, Severity::Medium, Severity::High, Severity::Info, Severity::Medium];
        assert_eq!(severities, expected, "{text}");
        assert_eq!(summary.skipped.values().sum::<u64>(), 1);
        let suppressed: Vec<_> = records.iter().map(|record| record.suppressed.is_some()).collect();
        assert_eq!(suppressed, [false, false, false, false, false, true]);
        assert_eq!(summary.tool_version.as_deref(), Some("1.2.3"));
        let first = &records[0];
        assert_eq!((first.title.as_str(), first.message.as_str()), ("SQL injection", "from x"));
        assert_eq!((first.cwe.as_slice(), first.confidence), (&[89][..], Some(Confidence::High)));
        assert_eq!((first.location.to_string(), first.evidence.as_deref()), ("a b.py:3".to_owned(), Some("q + x")));
        assert_eq!(records[1].rule, "style");
    }
}

#[test]
fn a_rule_may_name_its_weakness_as_an_entry_of_a_taxonomy() {
    let tool = r#"{"driver":{"name":"Any","rules":[{"id":"a","relationships":[{"target":{"id":"CWE-120","toolComponent":{"name":"CWE"}},"kinds":["relevant"]}]},
        {"id":"b","relationships":[{"target":{"id":"798","guid":"g","toolComponent":{"name":"CWE"}}},{"target":{"id":"12","toolComponent":{"name":"Other"}}},{"kinds":[]}]}]}}"#;
    for text in document(tool, r#"[{"ruleId":"a","message":{"text":"m"}},{"ruleId":"b","message":{"text":"m"}}]"#) {
        let (_, records) = parse("sarif", &text).unwrap();
        assert_eq!((records[0].cwe.as_slice(), records[1].cwe.as_slice()), (&[120][..], &[798][..]));
    }
}

#[test]
fn failures_that_the_tool_tells_of_are_errors() {
    let text = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[],"invocations":[
        {"executionSuccessful":true,"toolConfigurationNotifications":[{"level":"error","message":{"text":"no such directory"}},{"level":"warning","message":{"text":"w"}}]},
        {"executionSuccessful":false},{"executionSuccessful":false,"toolExecutionNotifications":[{"level":"error","message":{"text":"crash"}}]}]}]}"#;
    let (summary, _) = parse("sarif", text).unwrap();
    assert_eq!(summary.errors, ["no such directory", "the tool says that it failed", "crash"]);
}

#[test]
fn secrets_of_secret_scanners_are_masked_wherever_the_name_stands() {
    let results = r#"[{"ruleId":"generic","message":{"text":"found AKIAIOSFODNN7EXAMPLE"},"locations":[{"physicalLocation":{
        "artifactLocation":{"uri":"/src/.env"},"region":{"startLine":1,"snippet":{"text":"AKIAIOSFODNN7EXAMPLE"}}}}]}]"#;
    for text in document(r#"{"driver":{"name":"gitleaks"}}"#, results) {
        let (_, records) = parse("sarif", &text).unwrap();
        assert!(!format!("{records:?}").contains("AKIA"), "{records:?}");
        assert_eq!(records[0].severity, Severity::High, "a secret without a level");
        assert_eq!(records[0].identity.len(), 8);
    }
}

#[test]
fn passwords_that_a_message_quotes_are_masked() {
    let results = r#"[{"ruleId":"B105","message":{"text":"Possible hardcoded password: 'r00t'"},"locations":[{"physicalLocation":{
        "artifactLocation":{"uri":"a.py"},"region":{"startLine":1,"snippet":{"text":"password = 'r00t'"}}}}]}]"#;
    for text in document(r#"{"driver":{"name":"Bandit"}}"#, results) {
        let (_, records) = parse("sarif", &text).unwrap();
        assert!(!format!("{records:?}").contains("r00t"), "{records:?}");
    }
}

#[test]
fn places_that_are_no_files_are_kept() {
    let results = r#"[{"ruleId":"a","message":{"text":"m"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"https://x/y"}}}]},
        {"ruleId":"a","message":{"text":"m"},"locations":[{"logicalLocations":[{"fullyQualifiedName":"ns/pod"}]}]},{"ruleId":"a","message":{"text":"m"}}]"#;
    let [text, _] = document(TOOL, results);
    let (_, records) = parse("sarif", &text).unwrap();
    assert!(matches!(&records[0].location, Location::Url { url, .. } if url == "https://x/y"));
    assert!(matches!(&records[1].location, Location::Resource { name, .. } if name == "ns/pod"));
    assert_eq!(records[2].location, Location::Nowhere);
}

#[test]
fn other_versions_and_other_documents_are_refused() {
    assert!(parse("sarif", r#"{"version":"1.0.0","runs":[{"tool":{"name":"x"},"results":[]}]}"#).is_err());
    assert!(parse("sarif", "{}").is_err());
    assert!(parse("sarif", r#"{"runs":[{"results":{}}]}"#).is_err());
}

#[test]
fn a_secret_under_a_key_that_comes_again_is_in_no_copy() {
    let text = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"gitleaks"}},"results":[{"ruleId":"r","message":{"text":"m"},
        "locations":[{"physicalLocation":{"artifactLocation":{"uri":"a"},
          "region":{"startLine":1,"snippet":{"text":"geheim"},"snippet":{"text":""}}}}]}]}]}"#;
    let (mut copy, mut file) = (Vec::new(), text.as_bytes());
    let mut input = Input::copied_to(&mut file, &mut copy);
    Sarif.parse(&mut input, &context(), &mut Kept::default()).unwrap();
    assert!(input.is_copied());
    let mut masked = Vec::new();
    mask("sarif", &mut text.as_bytes(), &mut masked, b"key").unwrap();
    for copy in [copy, masked] {
        assert!(!String::from_utf8(copy).unwrap().contains("geheim"));
    }
}

#[test]
fn a_file_that_is_cut_behind_its_tool_is_an_error() {
    let results = r#"[{"ruleId":"r","message":{"text":"m"}},{"ruleId":"s"}]"#;
    let [text, _] = document(TOOL, results);
    assert_eq!(parse("sarif", &text).unwrap().1.len(), 2);
    for end in 0..text.len() {
        assert!(parse("sarif", &text[..end]).is_err(), "cut at byte {end}");
    }
}
