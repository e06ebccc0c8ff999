use super::super::testing::parse;
use crate::model::severity::Severity;

#[test]
fn npm_7_is_read() {
    let text = r#"{"auditReportVersion":2,"vulnerabilities":{
        "debug":{"name":"debug","severity":"moderate","via":[{"source":1094219,"name":"debug","title":"slow pattern",
            "url":"https://github.com/advisories/GHSA-aaaa-bbbb-cccc","severity":"moderate","cwe":["CWE-400"],
            "cvss":{"score":5.3,"vectorString":"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"},"range":"<4.3.1"}],
            "nodes":["node_modules/z/node_modules/debug","node_modules/debug"],"fixAvailable":{"name":"z","version":"2.0.0"}},
        "z":{"name":"z","severity":"moderate","via":["debug"],"nodes":["node_modules/z"],"fixAvailable":true}},
        "metadata":{"vulnerabilities":{"total":2}}}"#;
    let (summary, records) = parse("npm-audit", text).unwrap();
    assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (1, 1));
    let record = &records[0];
    assert_eq!((record.rule.as_str(), record.severity), ("GHSA-aaaa-bbbb-cccc", Severity::Medium));
    assert_eq!(record.location.to_string(), "node_modules/debug: debug ");
    assert_eq!((record.fix.as_deref(), record.cwe.as_slice()), (Some("upgrade z to 2.0.0"), &[400][..]));
}

const ADVISORY: &str = r#"{"findings":[{"version":"1.3.5","paths":["b>ini","a>ini"]},{"version":"1.3.4","paths":["c>ini"]}],
    "id":1068298,"module_name":"ini","severity":"high","cves":["CVE-2020-0001"],"patched_versions":">=1.3.6","title":"pollution",
    "overview":"long","cwe":"CWE-1321","url":"https://www.npmjs.com/advisories/1068298","references":"- [one](https://r)\n- https://s"}"#;

#[test]
fn npm_6_is_read() {
    let text = format!(
        r#"{{"actions":[],"advisories":{{"1068298":{ADVISORY}}},"muted":[{{}}],"metadata":{{"vulnerabilities":{{}}}}}}"#
    );
    let (summary, records) = parse("npm-audit", &text).unwrap();
    assert_eq!((summary.records, summary.skipped["muted"]), (2, 1));
    assert_eq!(records[0].location.to_string(), "ini 1.3.5");
    assert_eq!(records[0].references, ["https://www.npmjs.com/advisories/1068298", "https://r", "https://s"]);
    assert_eq!((records[0].identity.as_str(), records[0].fix.as_deref()), ("a>ini", Some("upgrade to >=1.3.6")));
    assert_eq!((records[1].rule.as_str(), records[1].cwe.as_slice()), ("1068298", &[1321][..]));
}

#[test]
fn yarn_1_is_read_to_its_summary() {
    let advisory = ADVISORY.replace('\n', " ");
    let lines = format!(
        "{{\"type\":\"auditAdvisory\",\"data\":{{\"resolution\":{{\"id\":1,\"path\":\"c>ini\"}},\"advisory\":{advisory}}}}}\n"
    );
    let whole = format!("{lines}{{\"type\":\"auditSummary\",\"data\":{{\"vulnerabilities\":{{}}}}}}\n");
    let (_, records) = parse("npm-audit", &whole).unwrap();
    assert_eq!((records[0].location.to_string().as_str(), records[0].identity.as_str()), ("ini 1.3.4", "c>ini"));
    assert!(parse("npm-audit", &lines).unwrap_err().to_string().contains("summary at the end is missing"));
    let none = "{\"type\":\"info\",\"data\":\"No lockfile found.\"}\n{\"type\":\"auditSummary\",\"data\":{}}\n";
    assert_eq!(parse("npm-audit", none).unwrap().0.errors, ["No lockfile found."]);
}

#[test]
fn yarn_4_is_read() {
    let text = concat!(
        r#"{"value":"lodash","children":{"ID":1106913,"Issue":"injection","URL":"https://github.com/advisories/GHSA-aaaa-bbbb-cccc","#,
        r#""Severity":"high","Vulnerable Versions":"<4.17.21","Tree Versions":["4.17.19","4.17.20"],"Dependents":["a@workspace:."]}}"#,
        "\n",
        r#"{"value":"old","children":{"ID":"old (deprecation)","Issue":"no longer kept","Severity":"moderate","Tree Versions":["1"]}}"#,
        "\n"
    );
    let (summary, records) = parse("npm-audit", text).unwrap();
    assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (2, 1));
    assert_eq!(records[1].location.to_string(), "lodash 4.17.20");
    assert_eq!(records[1].rule, "GHSA-aaaa-bbbb-cccc");
    assert!(parse("npm-audit", &format!("{text}{{\"other\":1}}")).is_err());
}

#[test]
fn failures_and_other_documents_are_not_nothing_found() {
    let failed = r#"{"error":{"code":"ENOLOCK","summary":"This command requires an existing lockfile.","detail":"x"}}"#;
    assert_eq!(parse("npm-audit", failed).unwrap().0.errors, ["This command requires an existing lockfile."]);
    let none = r#"{"auditReportVersion":2,"vulnerabilities":{},"metadata":{"vulnerabilities":{"total":0}}}"#;
    assert_eq!(parse("npm-audit", none).unwrap().0.records, 0);
    assert!(parse("npm-audit", &format!("{none}{none}")).is_err());
    assert!(parse("npm-audit", "{}").is_err());
    assert!(parse("npm-audit", r#"{"vulnerabilities":[]}"#).is_err());
    assert!(parse("npm-audit", r#"{"vulnerabilities":{"a":{"id":1}},"metadata":{"vulnerabilities":{}}}"#).is_err());
}
