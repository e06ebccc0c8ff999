//! The table of formats.

use super::{Outline, Parser};
use super::{
    bandit, cargo_audit, checkov, clair, cyclonedx, dependency_check, gitlab, gitleaks, govulncheck, grype, hadolint,
    kingfisher, nmap, npm_audit, osv_scanner, pip_audit, sarif, semgrep, snyk, spdx, syft, trivy, zizmor,
};

/// Every parser, by name.
pub const PARSERS: &[&dyn Parser] = &[
    &bandit::Bandit,
    &cargo_audit::CargoAudit,
    &checkov::Checkov,
    &clair::Clair,
    &cyclonedx::Cyclonedx,
    &dependency_check::DependencyCheck,
    &gitlab::Gitlab,
    &gitleaks::Gitleaks,
    &govulncheck::Govulncheck,
    &grype::Grype,
    &hadolint::Hadolint,
    &kingfisher::Kingfisher,
    &nmap::Nmap,
    &npm_audit::NpmAudit,
    &osv_scanner::OsvScanner,
    &pip_audit::PipAudit,
    &sarif::Sarif,
    &semgrep::Semgrep,
    &snyk::Snyk,
    &spdx::Spdx,
    &syft::Syft,
    &trivy::Trivy,
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
            ("[]", None),
            ("", None),
            ("hello", None),
        ];
        for (head, expected) in cases {
            assert_eq!(sniff(head.as_bytes()).map(Parser::name), expected, "{head}");
        }
    }
}
