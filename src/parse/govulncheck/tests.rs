use super::super::testing::parse;
use crate::model::finding::Confidence;

const OSV: &str = r#"{"id":"GO-2021-0113","aliases":["CVE-2021-38561"],"summary":"out of bounds","details":"long"}"#;
const WAYS: [&str; 3] = [
    r#"{"osv":"GO-2021-0113","fixed_version":"v0.3.7","trace":[{"module":"golang.org/x/text","version":"v0.3.5"}]}"#,
    r#"{"osv":"GO-2021-0113","fixed_version":"v0.3.7","trace":[{"module":"golang.org/x/text","version":"v0.3.5","package":"p","function":"Parse"},
        {"module":"me","package":"me","function":"main","position":{"filename":"main.go","line":12}}]}"#,
    r#"{"osv":"GO-2021-0113","trace":[{"module":"golang.org/x/text","version":"v0.3.5","package":"p"}]}"#,
];

#[test]
fn streams_and_arrays_of_messages_are_read() {
    let config = r#"{"config":{"protocol_version":"v1.0.0","scanner_version":"v1.1.4"}}"#;
    let [a, b, c] = WAYS.map(|way| format!(r#"{{"finding":{way}}}"#));
    let progress = r#"{"progress":{"message":"Scanning"}}"#;
    let osv = format!(r#"{{"osv":{OSV}}}"#);
    for text in
        [format!("{config}\n{progress}\n{osv}\n{a}\n{b}\n{c}\n"), format!("[{config},{progress},{osv},{a},{b},{c}]")]
    {
        let (summary, records) = parse("govulncheck", &text).unwrap();
        assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (1, 2));
        assert_eq!(summary.tool_version.as_deref(), Some("v1.1.4"));
        let record = &records[0];
        assert_eq!(record.location.to_string(), "golang.org/x/text v0.3.5");
        assert_eq!((record.title.as_str(), record.confidence), ("out of bounds", Some(Confidence::High)));
        assert_eq!(record.evidence.as_deref(), Some("me.main (main.go:12)\np.Parse"));
        assert_eq!(record.vulnerabilities, ["GO-2021-0113", "CVE-2021-38561"]);
        assert_eq!(record.fix.as_deref(), Some("upgrade to v0.3.7"));
    }
    assert_eq!(parse("govulncheck", config).unwrap().0.records, 0);
}

#[test]
fn documents_before_1_0_are_read() {
    let symbols = format!(
        r#"{{"Calls":{{}},"Imports":{{}},"Requires":{{"Modules":{{"1":{{"ID":1,"Path":"stdlib","Version":"v1.19.0"}}}}}},"Vulns":[
        {{"OSV":{OSV},"Symbol":"Serve","PkgPath":"net/http","ModPath":"stdlib","CallSink":0,"ImportSink":57,"RequireSink":1}},
        {{"OSV":{OSV},"Symbol":"Get","PkgPath":"net/http","ModPath":"stdlib","CallSink":9,"ImportSink":57,"RequireSink":1}}]}}"#
    );
    let (summary, records) = parse("govulncheck", &symbols).unwrap();
    assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (1, 1));
    assert_eq!(
        (records[0].location.to_string().as_str(), records[0].confidence),
        ("stdlib v1.19.0", Some(Confidence::High))
    );
    let modules = format!(
        r#"{{"Vulns":[{{"OSV":{OSV},"Modules":[{{"Path":"a","FoundVersion":"v1","FixedVersion":"v2","Packages":[{{"Path":"a/b","CallStacks":[]}}]}}]}}]}}"#
    );
    let records = parse("govulncheck", &modules).unwrap().1;
    assert_eq!((records[0].location.to_string().as_str(), records[0].confidence), ("a v1", Some(Confidence::Medium)));
    assert_eq!(records[0].fix.as_deref(), Some("upgrade to v2"));
}

#[test]
fn nothing_found_and_other_documents_are_told_apart() {
    assert_eq!(parse("govulncheck", r#"{"Vulns":null}"#).unwrap().0.records, 0);
    assert!(parse("govulncheck", "{}").is_err());
    assert!(parse("govulncheck", "[]").is_err());
    assert!(parse("govulncheck", r#"{"osv":{"id":"GO-1"}}"#).is_err());
    assert!(parse("govulncheck", r#"{"config":{}}{"finding":{}}"#).is_err());
}
