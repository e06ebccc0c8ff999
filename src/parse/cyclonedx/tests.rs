use super::super::testing::parse;
use crate::model::finding::Record;
use crate::model::severity::Severity;

const JSON: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"tools":{"components":[{"name":"grype","version":"0.74.0"}]},"component":{"bom-ref":"me","name":"me"}},
  "components":[{"bom-ref":"1f","type":"library","group":"org.a","name":"b","version":"1.0","components":[{"bom-ref":"2f","name":"c","version":"2","purl":"pkg:npm/%40s/c@2"}]}],
  "vulnerabilities":[
    {"id":"GHSA-aaaa-bbbb-cccc","source":{"name":"g","url":"https://g"},"references":[{"id":"CVE-2024-0001"}],"cwes":[79,89],"description":"bad","recommendation":"upgrade",
     "ratings":[{"severity":"low","method":"OWASP","score":20},{"score":9.8,"severity":"critical","method":"CVSSv31","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
     "advisories":[{"title":"t","url":"https://a"}],"affects":[{"ref":"1f"},{"ref":"urn:cdx:3e671687/1#2f"},{"ref":"pkg:npm/d@3"},{"ref":"2f","versions":[{"version":"2","status":"unaffected"}]}]},
    {"id":"CVE-2024-0002","analysis":{"state":"not_affected"},"affects":[{"ref":"1f"}]},
    {"id":"CVE-2024-0003","ratings":[{"severity":"none"}],"analysis":{"state":"in_triage"}}]}"#;

const XML: &str = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1">
  <metadata><tools><tool><vendor>anchore</vendor><name>grype</name><version>0.74.0</version></tool></tools><component bom-ref="me"><name>me</name></component></metadata>
  <components><component type="library" bom-ref="1f"><group>org.a</group><name>b</name><version>1.0</version>
    <components><component bom-ref="2f"><name>c</name><version>2</version><purl>pkg:npm/%40s/c@2</purl></component></components></component></components>
  <vulnerabilities>
    <vulnerability><id>GHSA-aaaa-bbbb-cccc</id><source><name>g</name><url>https://g</url></source><references><reference><id>CVE-2024-0001</id></reference></references>
      <ratings><rating><score>20</score><severity>low</severity><method>OWASP</method></rating>
        <rating><score>9.8</score><severity>critical</severity><method>CVSSv31</method><vector>CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H</vector></rating></ratings>
      <cwes><cwe>79</cwe><cwe>89</cwe></cwes><description>bad</description><recommendation>upgrade</recommendation><advisories><advisory><title>t</title><url>https://a</url></advisory></advisories>
      <affects><target><ref>1f</ref></target><target><ref>urn:cdx:3e671687/1#2f</ref></target><target><ref>pkg:npm/d@3</ref></target>
        <target><ref>2f</ref><versions><version><version>2</version><status>unaffected</status></version></versions></target></affects></vulnerability>
    <vulnerability><id>CVE-2024-0002</id><analysis><state>not_affected</state></analysis><affects><target><ref>1f</ref></target></affects></vulnerability>
    <vulnerability><id>CVE-2024-0003</id><ratings><rating><severity>none</severity></rating></ratings><analysis><state>in_triage</state></analysis></vulnerability>
  </vulnerabilities></bom>"#;

fn four(text: &str) -> Vec<Record> {
    let (summary, records) = parse("cyclonedx", text).unwrap();
    let skipped: Vec<_> = summary.skipped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    assert_eq!(
        skipped,
        ["analysis says not_affected: 1", "inventory, no problem: 2", "the versions are unaffected: 1"]
    );
    assert_eq!((summary.tool_version.as_deref(), summary.errors.len()), (Some("0.74.0"), 0));
    records
}

#[test]
fn both_encodings_are_the_same_records() {
    let records = four(JSON);
    assert_eq!(records, four(XML));
    let places: Vec<_> = records.iter().map(|record| record.location.to_string()).collect();
    assert_eq!(places, ["org.a/b 1.0", "@s/c 2", "d 3", "-"]);
    let record = &records[0];
    assert_eq!((record.severity, record.native_severity.as_deref()), (Severity::Critical, Some("critical")));
    assert_eq!(record.cvss.as_ref().unwrap().score.to_string(), "9.8");
    assert_eq!((record.cwe.as_slice(), record.fix.as_deref()), (&[79, 89][..], Some("upgrade")));
    assert_eq!(record.vulnerabilities, ["GHSA-aaaa-bbbb-cccc", "CVE-2024-0001"]);
    assert_eq!(record.references, ["https://g", "https://a"]);
    assert_eq!(records[3].severity, Severity::Info);
}

#[test]
fn the_extension_is_read_in_both_of_its_places() {
    let vulnerability = |reference: &str| {
        format!(
            r"<v:vulnerabilities><v:vulnerability{reference}><v:id>CVE-2018-0001</v:id><v:ratings><v:rating><v:score><v:base>9.8</v:base></v:score>
            <v:method>CVSSv3</v:method></v:rating></v:ratings><v:recommendations><v:recommendation>Upgrade</v:recommendation></v:recommendations>
            <v:advisories><v:advisory>https://a</v:advisory></v:advisories></v:vulnerability></v:vulnerabilities>"
        )
    };
    let (own, none) = (vulnerability(r#" ref="1f""#), String::new());
    for (within, behind) in [(&own, &none), (&none, &own)] {
        let text = format!(
            r#"<bom xmlns:v="u"><components><component bom-ref="1f"><name>b</name><version>1</version>{within}</component></components>{behind}</bom>"#
        );
        let record = &parse("cyclonedx", &text).unwrap().1[0];
        assert_eq!((record.location.to_string().as_str(), record.severity), ("b 1", Severity::Critical));
        assert_eq!((record.fix.as_deref(), record.references.len()), (Some("Upgrade"), 1));
    }
}

#[test]
fn names_that_come_too_late_are_told() {
    let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.4","vulnerabilities":[{"id":"X","affects":[{"ref":"1f"}]}],"components":[{"bom-ref":"1f","name":"b"}]}"#;
    let (summary, records) = parse("cyclonedx", text).unwrap();
    assert_eq!(records[0].location.to_string(), "1f ");
    assert!(summary.errors[0].contains("behind vulnerabilities"));
}

#[test]
fn broken_and_other_documents_are_refused() {
    assert_eq!(parse("cyclonedx", r#"{"bomFormat":"CycloneDX","specVersion":"1.4"}"#).unwrap().0.records, 0);
    assert_eq!(parse("cyclonedx", "<bom/>").unwrap().0.records, 0);
    for other in [
        "{}",
        "<analysis/>",
        "text",
        "",
        r#"{"bomFormat":"SPDX"}"#,
        r#"{"bomFormat":"CycloneDX","components":[{"id":1}]}"#,
    ] {
        assert!(parse("cyclonedx", other).is_err(), "{other}");
    }
    for end in (0..XML.len()).filter(|end| XML.is_char_boundary(*end)) {
        assert!(parse("cyclonedx", &XML[..end]).is_err(), "cut at {end}");
    }
}
