//! Weaknesses of services that speak TLS, which sslyze's formats tell as facts.

use super::ParseError;
use super::output::Output;
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// Hands on what one check shows.
pub(super) fn tell(output: &mut Output<'_>, location: &Location, shown: Vec<Shown>) -> Result<(), ParseError> {
    if shown.is_empty() {
        output.skip("a check that shows no weakness");
    }
    shown.into_iter().try_for_each(|shown| output.record(shown.record(location.clone())))
}

/// Rule and what shows it.
pub(super) struct Shown {
    pub(super) rule: &'static str,
    pub(super) evidence: String,
}

impl Shown {
    pub(super) fn new(rule: &'static str, evidence: impl Into<String>) -> Self {
        Self { rule, evidence: evidence.into() }
    }

    fn record(self, location: Location) -> Record {
        let known = WEAKNESSES.iter().find(|weakness| weakness.0 == self.rule);
        let (_, title, severity, cwe, cve) = known.copied().unwrap_or((self.rule, self.rule, Severity::Unknown, 0, ""));
        Record {
            rule: self.rule.to_owned(),
            title: title.to_owned(),
            message: self.evidence.clone(),
            severity,
            location,
            cwe: Some(cwe).filter(|cwe| *cwe > 0).into_iter().collect(),
            vulnerabilities: Some(cve.to_owned()).filter(|cve| !cve.is_empty()).into_iter().collect(),
            evidence: Some(self.evidence).filter(|evidence| !evidence.is_empty()),
            ..Record::default()
        }
    }
}

type Weakness = (&'static str, &'static str, Severity, u32, &'static str);

/// Rule, title, severity, weakness and vulnerability. Rules have the names of the checks.
const WEAKNESSES: &[Weakness] = &[
    ("ssl_2_0_cipher_suites", "SSL 2.0 is offered", Severity::High, 326, ""),
    ("ssl_3_0_cipher_suites", "SSL 3.0 is offered", Severity::High, 326, "CVE-2014-3566"),
    ("tls_1_0_cipher_suites", "TLS 1.0 is offered", Severity::Medium, 326, ""),
    ("tls_1_1_cipher_suites", "TLS 1.1 is offered", Severity::Medium, 326, ""),
    ("tls_1_2_cipher_suites", "weak ciphers are offered with TLS 1.2", Severity::Medium, 327, ""),
    ("tls_1_3_cipher_suites", "weak ciphers are offered with TLS 1.3", Severity::Medium, 327, ""),
    ("heartbleed", "the server is vulnerable to Heartbleed", Severity::High, 125, "CVE-2014-0160"),
    ("openssl_ccs_injection", "the server is vulnerable to CCS injection", Severity::High, 326, "CVE-2014-0224"),
    ("robot", "the server is vulnerable to the ROBOT attack", Severity::High, 203, ""),
    ("session_renegotiation/client", "clients may renegotiate at will", Severity::Medium, 400, "CVE-2011-1473"),
    ("session_renegotiation/insecure", "renegotiation is not secure", Severity::Medium, 310, "CVE-2009-3555"),
    ("tls_compression", "TLS compression is on (CRIME)", Severity::Medium, 310, "CVE-2012-4929"),
    ("tls_fallback_scsv", "downgrades are not prevented (no TLS_FALLBACK_SCSV)", Severity::Low, 757, ""),
    ("tls_1_3_early_data", "early data may be replayed", Severity::Low, 294, ""),
    ("tls_extended_master_secret", "the extended master secret is not supported", Severity::Low, 310, ""),
    ("http_headers", "HTTP Strict Transport Security is not set", Severity::Low, 319, ""),
    ("certificate_info/untrusted", "no trust store trusts the certificate", Severity::High, 295, ""),
    ("certificate_info/hostname", "the certificate is of another host", Severity::High, 297, ""),
    ("certificate_info/sha1", "the chain of certificates is signed with SHA-1", Severity::Medium, 328, ""),
    ("certificate_info/order", "the chain of certificates is out of order", Severity::Low, 295, ""),
    (
        "certificate_info/symantec",
        "the certificate comes from a distrusted authority (Symantec)",
        Severity::Medium,
        295,
        "",
    ),
];

pub(super) fn robot(result: &str) -> Vec<Shown> {
    result.starts_with("VULNERABLE").then(|| Shown::new("robot", result)).into_iter().collect()
}

pub(super) fn renegotiation(client: bool, insecure: bool) -> Vec<Shown> {
    let shown = [(client, "session_renegotiation/client"), (insecure, "session_renegotiation/insecure")];
    shown.into_iter().filter(|(shows, _)| *shows).map(|(_, rule)| Shown::new(rule, "")).collect()
}

/// Before TLS 1.2, that the protocol is spoken at all; from then on, which of its suites are weak.
pub(super) fn protocol(check: &str, accepted: &[String]) -> Vec<Shown> {
    let Some(rule) =
        WEAKNESSES.iter().map(|weakness| weakness.0).find(|rule| *rule == check && rule.ends_with("_suites"))
    else {
        return Vec::new();
    };
    let modern = matches!(rule, "tls_1_2_cipher_suites" | "tls_1_3_cipher_suites");
    let shown: Vec<&str> = accepted.iter().map(String::as_str).filter(|name| !modern || is_weak(name)).collect();
    if shown.is_empty() { Vec::new() } else { vec![Shown::new(rule, shown.join("\n"))] }
}

/// No encryption, no authentication, keys for export, and ciphers and hashes that are broken.
fn is_weak(suite: &str) -> bool {
    let parts: Vec<&str> = suite.split('_').collect();
    parts.iter().any(|part| ["NULL", "anon", "EXPORT", "RC4", "RC2", "DES", "DES40", "3DES", "MD5"].contains(part))
}
