//! The table of formats.

use super::{Outline, Parser};
use super::{
    bandit, brakeman, burp, cargo_audit, checkov, clair, clamav, cyclonedx, dependency_check, detect_secrets, dnsx,
    flawfinder, gitlab, gitleaks, gosec, govulncheck, grype, hadolint, httpx, junit, katana, kics, kingfisher,
    kube_bench, kubeaudit, kubescape, lynis, naabu, nikto, nikto_xml, njsscan, nmap, noseyparker, npm_audit, nuclei,
    openvas, openvas_csv, osv_scanner, pip_audit, prowler, sarif, semgrep, snyk, spdx, ssh_audit, sslscan, sslyze,
    sslyze_xml, subfinder, syft, testssl, testssl_csv, tfsec, trivy, trufflehog, trufflehog3, wapiti, wapiti_xml,
    wpscan, zap, zap_xml, zizmor,
};

/// Every parser, by name.
pub const PARSERS: &[&dyn Parser] = &[
    &bandit::Bandit,
    &brakeman::Brakeman,
    &burp::Burp,
    &cargo_audit::CargoAudit,
    &checkov::Checkov,
    &clair::Clair,
    &clamav::Clamav,
    &cyclonedx::Cyclonedx,
    &dependency_check::DependencyCheck,
    &detect_secrets::DetectSecrets,
    &dnsx::Dnsx,
    &flawfinder::Flawfinder,
    &gitlab::Gitlab,
    &gitleaks::Gitleaks,
    &gosec::Gosec,
    &govulncheck::Govulncheck,
    &grype::Grype,
    &hadolint::Hadolint,
    &httpx::Httpx,
    &junit::Junit,
    &katana::Katana,
    &kics::Kics,
    &kingfisher::Kingfisher,
    &kube_bench::KubeBench,
    &kubeaudit::Kubeaudit,
    &kubescape::Kubescape,
    &lynis::Lynis,
    &naabu::Naabu,
    &nikto::Nikto,
    &nikto_xml::NiktoXml,
    &njsscan::Njsscan,
    &nmap::Nmap,
    &noseyparker::Noseyparker,
    &npm_audit::NpmAudit,
    &nuclei::Nuclei,
    &openvas::Openvas,
    &openvas_csv::OpenvasCsv,
    &osv_scanner::OsvScanner,
    &pip_audit::PipAudit,
    &prowler::Prowler,
    &sarif::Sarif,
    &semgrep::Semgrep,
    &snyk::Snyk,
    &spdx::Spdx,
    &ssh_audit::SshAudit,
    &sslscan::Sslscan,
    &sslyze::Sslyze,
    &sslyze_xml::SslyzeXml,
    &subfinder::Subfinder,
    &syft::Syft,
    &testssl::Testssl,
    &testssl_csv::TestsslCsv,
    &tfsec::Tfsec,
    &trivy::Trivy,
    &trufflehog::Trufflehog,
    &trufflehog3::Trufflehog3,
    &wapiti::Wapiti,
    &wapiti_xml::WapitiXml,
    &wpscan::Wpscan,
    &zap::Zap,
    &zap_xml::ZapXml,
    &zizmor::Zizmor,
];

/// Returns the parser of a format.
pub fn parser(name: &str) -> Option<&'static dyn Parser> {
    PARSERS.iter().copied().find(|parser| parser.name() == name)
}

/// Tells the format of a document by its first bytes (64 KiB are plenty). `None` when no format, or more than one, fits: an
/// empty JSON array says nothing about who wrote it.
pub fn sniff(head: &[u8]) -> Option<&'static dyn Parser> {
    let outline = Outline::of(head);
    let mut fitting = PARSERS.iter().copied().filter(|parser| parser.recognises(&outline));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(PARSERS.is_sorted_by(|a, b| a.name() < b.name()));
        assert!(parser("sarif").is_some());
        assert!(parser("nonsense").is_none());
    }

    #[test]
    fn formats_are_told_apart_by_their_beginnings() {
        let cases = [
            (r#"{"runs":[{"results":[{"ruleId":"x""#, Some("sarif")),
            (r#"{"errors":[],"generated_at":"","metrics":{"a":{"#, Some("bandit")),
            (r#"{"version":"1","results":[{"check_id":"a","extra":{}}]}"#, Some("semgrep")),
            (r#"[{"RuleID":"a","Secret":"b"#, Some("gitleaks")),
            (r#"{"SchemaVersion":2,"ArtifactName":"."#, Some("trivy")),
            (r#"[{"check_type":"terraform","results""#, Some("checkov")),
            (r#"{"findings":[{"rule":{"id":"x"},"finding":{"snippet":"#, Some("kingfisher")),
            (r#"[{"code":"DL3008","column":1,"file":"a","level":"x","line":3,"message":""#, Some("hadolint")),
            (r#"[{"ident":"a","desc":"b","url":"","determinations":{}"#, Some("zizmor")),
            (r#"{"database":{"advisory-count":3},"lockfile":{}"#, Some("cargo-audit")),
            (r#"<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun scanner="nmap">"#, Some("nmap")),
            (r#"{"matches":[{"vulnerability":{"id":"CVE-1"#, Some("grype")),
            (r#"{"artifacts":[{"id":"1","name":"a","foundBy":"x""#, Some("syft")),
            (r#"{"results":[{"source":{"path":"go.mod"},"packages":[{"#, Some("osv-scanner")),
            (r#"{"auditReportVersion":2,"vulnerabilities":{"a":{"#, Some("npm-audit")),
            (r#"{"actions":[],"advisories":{"1":{"findings":[]"#, Some("npm-audit")),
            (r#"{"type":"auditAdvisory","data":{"resolution":{"id":1"#, Some("npm-audit")),
            (r#"{"value":"a","children":{"ID":1,"Severity":"high"}}"#, Some("npm-audit")),
            (r#"[{"name":"a","version":"1","vulns":[]}"#, Some("pip-audit")),
            (r#"{"dependencies":[{"name":"a","version":"1","vulns":["#, Some("pip-audit")),
            (r#"{"reportSchema":"1.1","scanInfo":{},"dependencies":[{"fileName":"a"}"#, Some("dependency-check")),
            (r#"<analysis xmlns="https://jeremylong.github.io/"><scanInfo>"#, Some("dependency-check")),
            (r#"{"vulnerabilities":[{"id":"SNYK-1","semver":{},"identifiers":{"CVE":[]}"#, Some("snyk")),
            (r#"[{"vulnerabilities":[],"ok":true,"dependencyCount":0"#, Some("snyk")),
            (r#"{"bomFormat":"CycloneDX","specVersion":"1.5","#, Some("cyclonedx")),
            (
                r#"{"components":[{"bom-ref":"a==1","name":"a","purl":"pkg:pypi/a@1","type":"library"},{"bom-ref""#,
                Some("cyclonedx"),
            ),
            (r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components>"#, Some("cyclonedx")),
            (r#"{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3""#, Some("spdx")),
            ("SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0", Some("spdx")),
            (
                r#"{"version":"15.0.0","vulnerabilities":[{"location":{"file":"a"},"identifiers":[{"type""#,
                Some("gitlab"),
            ),
            (r#"{"config":{"protocol_version":"v1.0.0"}}{"progress""#, Some("govulncheck")),
            (r#"{"image":"a","unapproved":[],"vulnerabilities":[]}"#, Some("clair")),
            (r#"{"LayerCount":9,"Vulnerabilities":{"High""#, Some("clair")),
            (r#"{"scan_info":{"app_path":"/src"},"warnings":[{"warning_type":"#, Some("brakeman")),
            ("/src/a: OK\n/src/b: Eicar FOUND\n", Some("clamav")),
            (r#"{"version":"1.5.0","plugins_used":[],"filters_used":[],"results":{"#, Some("detect-secrets")),
            (
                "File,Line,Column,DefaultLevel,Level,Category,Name,Warning,Suggestion,Note,CWEs,Context\n",
                Some("flawfinder"),
            ),
            (r#"{"Golang errors":{},"Issues":[{"severity":"#, Some("gosec")),
            (r#"{"Issues":[{"severity":"LOW","confidence":"HIGH","rule_id":"G104","details":"d","#, Some("gosec")),
            (r#"<testsuites><testsuite name="a">"#, Some("junit")),
            (r#"{"kics_version":"v2","files_scanned":1,"queries_total":9,"queries":["#, Some("kics")),
            (r#"{"Controls":[{"id":"1","node_type":"master","tests":[{"#, Some("kube-bench")),
            (r#"[{"id":"1","node_type":"master","tests":[{"#, Some("kube-bench")),
            (r#"{"AuditResultName":"x","level":"error"}"#, Some("kubeaudit")),
            (r#"{"clusterName":"","summaryDetails":{"controls":"#, Some("kubescape")),
            ("# Lynis Report\nreport_version_major=1\n", Some("lynis")),
            (r#"{"errors":[],"njsscan_version":"1","nodejs":{"#, Some("njsscan")),
            (r#"{"finding_id":"1","rule_name":"x","num_matches":1,"matches":["#, Some("noseyparker")),
            (r#"[{"metadata":{"event_code":"x"},"status_code":"FAIL","finding_info":{"#, Some("prowler")),
            ("AUTH_METHOD;CHECK_ID;STATUS;STATUS_EXTENDED;SEVERITY\n", Some("prowler")),
            (r#"<document title="SSLScan Results">"#, Some("sslscan")),
            (r#"{"results":[{"rule_id":"AVD-1","long_id":"x","rule_provider":"aws"}]}"#, Some("tfsec")),
            (r#"{"ClusterName":"c","Resources":[{"#, Some("trivy")),
            (r#"{"SourceMetadata":{},"DetectorType":2,"DetectorName":"AWS"}"#, Some("trufflehog")),
            (r#"{"reason":"High Entropy","stringsFound":["a"]}"#, Some("trufflehog")),
            (r#"[{"reason":"High Entropy","stringsFound":["a"]}]"#, Some("trufflehog3")),
            (r#"<?xml version="1.0"?><issues burpVersion="2024.1"><issue>"#, Some("burp")),
            (r#"<issues format="6">"#, None),
            ("{\"host\":\"a\",\"resolver\":[\"r\"],\"a\":[\"1\"],\"status_code\":\"NOERROR\"}\n{", Some("dnsx")),
            ("{\"url\":\"u\",\"host\":\"h\",\"port\":\"443\",\"a\":[\"1\"],\"status_code\":200}\n", Some("httpx")),
            (r#"{"timestamp":"t","request":{"method":"GET","endpoint":"u"}"#, Some("katana")),
            (r#"{"host":"h","ip":"i","port":443,"protocol":"tcp","tls":true}"#, Some("naabu")),
            (r#"[{"host":"h","ip":"i","port":"80","banner":"b","vulnerabilities":["#, Some("nikto")),
            (r#"<?xml version="1.0" ?><!DOCTYPE niktoscan SYSTEM "d"><niktoscan>"#, Some("nikto-xml")),
            (r#"{"template-id":"t","info":{},"host":"h","port":"443","url":"u"}"#, Some("nuclei")),
            (r#"[{"template":"x","template-id":"t","info":{"#, Some("nuclei")),
            (r#"<report id="a" format_id="b" content_type="text/xml">"#, Some("openvas")),
            ("IP,Hostname,Port,Port Protocol,CVSS,Severity,NVT Name,NVT OID\n", Some("openvas-csv")),
            (r#"{"additional_notes":[],"banner":{"raw":"x"},"kex":[{"algorithm":"a"}]"#, Some("ssh-audit")),
            (r#"{"errors":[],"host":"h","passed":true,"policy":"p","port":22,"warnings":[]}"#, Some("ssh-audit")),
            (r#"{"invalid_server_strings":[],"server_scan_results":[{"uuid":"#, Some("sslyze")),
            (r#"<document SSLyzeVersion="2.0.6" title="t">"#, Some("sslyze-xml")),
            (r#"{"host":"h","input":"i","source":"s"}"#, Some("subfinder")),
            (r#"[{"id":"a","ip":"b","port":"1","severity":"OK","finding":"f"}"#, Some("testssl")),
            ("\"id\",\"fqdn/ip\",\"port\",\"severity\",\"finding\",\"cve\",\"cwe\"\n", Some("testssl-csv")),
            (r#"{"classifications":{"a":{}},"vulnerabilities":{"a":[]}"#, Some("wapiti")),
            (r#"<report type="security">"#, Some("wapiti-xml")),
            (r#"{"banner":{"version":"3"},"target_url":"u","effective_url":"u","#, Some("wpscan")),
            (r#"{"@programName":"ZAP","@version":"2","@generated":"g","site":["#, Some("zap")),
            (r#"<?xml version="1.0"?><OWASPZAPReport version="2.9.0">"#, Some("zap-xml")),
            ("[]", None),
            ("", None),
            ("hello", None),
        ];
        for (head, expected) in cases {
            assert_eq!(sniff(head.as_bytes()).map(Parser::name), expected, "{head}");
        }
    }
}
