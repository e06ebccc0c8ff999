use super::super::testing::{parse, suppressed};
use crate::model::finding::Record;
use crate::model::severity::Severity;

const XML: &str = r#"<?xml version="1.0"?><analysis xmlns="https://jeremylong.github.io/DependencyCheck/dependency-check.2.5.xsd">
  <scanInfo><engineVersion>9.0.9</engineVersion><analysisExceptions><analysisException><exception><message>no network</message></exception></analysisException></analysisExceptions></scanInfo>
  <projectInfo><name>p</name></projectInfo><dependencies>
  <dependency isVirtual="false"><fileName>b.jar</fileName><filePath>/src/lib/b.jar</filePath><relatedDependencies><relatedDependency><filePath>/src/c.jar</filePath></relatedDependency></relatedDependencies>
    <identifiers><package confidence="HIGH"><id>pkg:maven/org.a/b@1.0</id></package><vulnerabilityIds><id>cpe:2.3:a:a:b</id></vulnerabilityIds></identifiers>
    <vulnerabilities><vulnerability source="NVD"><name>CVE-2024-0001</name><severity>HIGH</severity>
      <cvssV2><score>5.0</score><severity>MEDIUM</severity></cvssV2><cvssV3><baseScore>7.5</baseScore><baseSeverity>HIGH</baseSeverity></cvssV3>
      <cwes><cwe>CWE-79</cwe><cwe>CWE-89</cwe></cwes><description>bad &amp; worse</description>
      <references><reference><source>N</source><url>https://r</url><name>n</name></reference></references></vulnerability>
      <suppressedVulnerability><name>CVE-2024-0002</name></suppressedVulnerability></vulnerabilities></dependency>
  <dependency isVirtual="false"><fileName>d.jar</fileName><filePath>/src/d.jar</filePath></dependency></dependencies></analysis>"#;

const JSON: &str = r#"{"reportSchema":"1.1","scanInfo":{"engineVersion":"9.0.9","analysisExceptions":[{"exception":{"message":"no network"}}]},"projectInfo":{},
  "dependencies":[{"isVirtual":false,"fileName":"b.jar","filePath":"/src/lib/b.jar","relatedDependencies":[{"filePath":"/src/c.jar"}],
    "packages":[{"id":"pkg:maven/org.a/b@1.0","confidence":"HIGH"}],"vulnerabilities":[{"source":"NVD","name":"CVE-2024-0001","severity":"HIGH",
      "cvssv2":{"score":5.0,"severity":"MEDIUM"},"cvssv3":{"baseScore":7.5,"baseSeverity":"HIGH"},"cwes":["CWE-79","CWE-89"],"description":"bad & worse",
      "references":[{"source":"N","url":"https://r","name":"n"}]}],"suppressedVulnerabilities":[{"name":"CVE-2024-0002"}]},
   {"fileName":"d.jar","filePath":"/src/d.jar"}]}"#;

fn only(text: &str) -> Record {
    let (summary, mut records) = parse("dependency-check", text).unwrap();
    assert_eq!((summary.records, suppressed(&records), summary.skipped["no known vulnerability"]), (2, 1, 1));
    assert_eq!(
        (summary.errors.as_slice(), summary.tool_version.as_deref()),
        (&["no network".to_owned()][..], Some("9.0.9"))
    );
    records.remove(0)
}

#[test]
fn both_encodings_are_the_same_records() {
    let record = only(XML);
    assert_eq!(record, only(JSON));
    assert_eq!(record.location.to_string(), "lib/b.jar: org.a:b 1.0");
    assert_eq!((record.severity, record.cwe.as_slice()), (Severity::High, &[79, 89][..]));
    assert_eq!((record.cvss.unwrap().score.to_string().as_str(), record.message.as_str()), ("7.5", "bad & worse"));
    assert_eq!(record.references, ["https://r"]);
}

#[test]
fn old_reports_are_read() {
    let text = r#"<analysis><projectInfo/><dependencies><dependency><fileName>b.jar</fileName><filePath>C:\lib\b.jar</filePath>
        <identifiers><identifier type="cpe"><name>(cpe:/a:a:b:1.0)</name></identifier><identifier type="maven"><name>(org.a:b:1.0)</name></identifier></identifiers>
        <vulnerabilities><vulnerability><name>CVE-2010-0001</name><cvssScore>9.3</cvssScore><cwe>CWE-20 Improper Input Validation</cwe></vulnerability></vulnerabilities>
        </dependency></dependencies></analysis>"#;
    let record = &parse("dependency-check", text).unwrap().1[0];
    assert_eq!(record.location.to_string(), "lib/b.jar: org.a:b 1.0");
    assert_eq!((record.severity, record.cwe.as_slice()), (Severity::Critical, &[20][..]));
    let unscored = r#"{"reportSchema":"1.0","dependencies":[{"fileName":"x.js","vulnerabilities":[{"name":"a","cvssv3":{"baseSeverity>":"LOW"}}]}]}"#;
    let record = &parse("dependency-check", unscored).unwrap().1[0];
    assert_eq!((record.severity, record.location.to_string().as_str()), (Severity::Low, "x.js: x.js "));
}

#[test]
fn broken_and_other_documents_are_refused() {
    assert_eq!(parse("dependency-check", "<analysis><dependencies/></analysis>").unwrap().0.records, 0);
    for other in ["{}", "<analysis/>", "<bom/>", "text", "", r#"{"dependencies":[]}"#, r#"{"reportSchema":"1.1"}"#] {
        assert!(parse("dependency-check", other).is_err(), "{other}");
    }
    for end in 0..XML.len() {
        if XML.is_char_boundary(end) {
            assert!(parse("dependency-check", &XML[..end]).is_err(), "cut at {end}");
        }
    }
}
