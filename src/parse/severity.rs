//! Severities: how each scanner's own words are read.
//!
//! | scanner | words |
//! | --- | --- |
//! | bandit | `HIGH` `MEDIUM` `LOW`; `UNDEFINED` is unknown |
//! | trivy, checkov, betterleaks | `CRITICAL` `HIGH` `MEDIUM` `LOW`; `UNKNOWN`, null are unknown (checkov without a platform key always) |
//! | semgrep | `CRITICAL` `HIGH` `MEDIUM` `LOW`; older rules `ERROR` = high, `WARNING` = medium, `INFO` = low; `INVENTORY`, `EXPERIMENT` = info |
//! | hadolint | `error` = high, `warning` = medium, `info` = low, `style` = info |
//! | zizmor | `High` `Medium` `Low`, `Informational` = info, `Unknown` |
//! | gitleaks, kingfisher | name none: a secret is high; one that kingfisher saw working is critical |
//! | trufflehog, detect-secrets, noseyparker | name none: a secret is high; one that was verified to work is critical |
//! | trufflehog3, gosec | `HIGH` `MEDIUM` `LOW`; trufflehog3's first versions name none: high |
//! | brakeman, junit | name none (brakeman a confidence alone): unknown; junit's tests may, in brackets: `[HIGH] …` |
//! | njsscan, tfsec | as semgrep's: `ERROR` = high, `WARNING` = medium, `INFO` = low; tfsec 1 `CRITICAL` `HIGH` `MEDIUM` `LOW` |
//! | kics | `CRITICAL` `HIGH` `MEDIUM` `LOW` `INFO`; `TRACE` = info |
//! | kube-bench | `FAIL` = high (as in its findings for AWS), `WARN` (to be looked at by hand) = medium |
//! | kubeaudit | `error` = high, `warning` = medium, `info` = low |
//! | kubescape | score of the control: from 9 critical, from 7 high, from 4 medium, from 1 low, else unknown (its own table) |
//! | prowler | `critical` `high` `medium` `low` `informational` |
//! | lynis | warning = medium, suggestion = low; a vulnerable package is unknown |
//! | clamav | names none: a signature that fits is high |
//! | flawfinder | level 4, 5 = high, 3 = medium, 1, 2 = low, 0 = info (as in its SARIF) |
//! | sslscan | names none: Heartbleed, SSL 2 and 3, ciphers without encryption or identity, insecure renegotiation = high, else medium |
//! | cargo-audit | CVSS; a vulnerability without is unknown; warnings: `unsound`, `yanked` = low, `unmaintained`, `notice` = info |
//! | grype, clair | `Critical` `High` `Medium` `Low`, `Negligible` = info, `Unknown`; clair's `Defcon1` = critical |
//! | npm audit, snyk, gitlab | `critical` `high` `medium` or `moderate` `low` `info`; others are unknown |
//! | osv-scanner, govulncheck | the word of the advisory's database; else CVSS; Go's has neither and is unknown |
//! | pip-audit, spdx | name none: unknown |
//! | dependency-check | the word of its source (`MODERATE` = medium); else CVSS |
//! | cyclonedx | the worst of the ratings' words, `none` = info, and CVSS scores |
//! | nuclei | `critical` `high` `medium` `low` `info`; `unknown` |
//! | testssl | `CRITICAL` `HIGH` `MEDIUM` `LOW`; `OK`, `INFO` are no findings |
//! | zap | `riskcode` 3 = high, 2 = medium, 1 = low, 0 = info; confidence 3, 4 (confirmed) = high, 2 = medium, 1 = low |
//! | burp | `High` `Medium` `Low`, `Information` = info; confidence `Certain` = high, `Firm` = medium, `Tentative` = low |
//! | openvas | `Critical` `High` `Medium` `Low`, `Log`, `Debug` = info; without a word the CVSS score |
//! | wapiti | `level` 4 = critical, 3 = high, 2 = medium, 1 = low, 0 = info |
//! | ssh-audit | `fail`, `critical` = high, `warn`, `warning` = medium, `info`, `informational` = info; a CVE by CVSS |
//! | wpscan | CVSS, else unknown; what is of interest is info, a password that was guessed critical |
//! | sslyze | names none: see its table of weaknesses |
//! | nikto | names none: unknown |
//! | SARIF | `security-severity` (CVSS); else `level`: `error` = high, `warning` = medium, `note` = low, `none` = info |

use crate::model::finding::{Confidence, Cvss};
use crate::model::severity::Severity;

/// Reads a plain word; other words are unknown.
pub(super) fn word(text: &str) -> Severity {
    match text.trim().to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" | "moderate" => Severity::Medium,
        "low" => Severity::Low,
        "info" | "informational" | "negligible" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads a plain word, else the score, where a scanner gives both.
pub(super) fn rated(text: Option<&str>, cvss: Option<&Cvss>) -> Severity {
    match text.map_or(Severity::Unknown, word) {
        Severity::Unknown => cvss.map_or(Severity::Unknown, |cvss| Severity::from_cvss(cvss.score)),
        known => known,
    }
}

/// Reads a word of semgrep's rules.
pub(super) fn semgrep(text: &str) -> Severity {
    match text {
        "ERROR" => Severity::High,
        "WARNING" => Severity::Medium,
        "INFO" => Severity::Low,
        "INVENTORY" | "EXPERIMENT" => Severity::Info,
        other => word(other),
    }
}

/// Reads a word of clair.
pub(super) fn clair(text: &str) -> Severity {
    if text.trim().eq_ignore_ascii_case("defcon1") { Severity::Critical } else { word(text) }
}

/// Reads a level of hadolint.
pub(super) fn hadolint(text: &str) -> Severity {
    match text {
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "info" => Severity::Low,
        "style" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads a level of SARIF 2.1.0, section 3.27.10.
pub(super) fn sarif_level(text: &str) -> Severity {
    match text {
        "error" => Severity::High,
        "warning" => Severity::Medium,
        "note" => Severity::Low,
        "none" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads a kind of cargo-audit's warnings.
pub(super) fn cargo_warning(kind: &str) -> Severity {
    match kind {
        "unsound" | "yanked" => Severity::Low,
        "unmaintained" | "notice" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads a word of KICS.
pub(super) fn kics(text: &str) -> Severity {
    if text == "TRACE" { Severity::Info } else { word(text) }
}

/// Reads a status of kube-bench.
pub(super) fn kube_bench(status: &str) -> Severity {
    match status {
        "FAIL" => Severity::High,
        "WARN" => Severity::Medium,
        _ => Severity::Unknown,
    }
}

/// Reads a score of kubescape.
pub(super) fn kubescape(score: f64) -> Severity {
    match score {
        score if score >= 9.0 => Severity::Critical,
        score if score >= 7.0 => Severity::High,
        score if score >= 4.0 => Severity::Medium,
        score if score >= 1.0 => Severity::Low,
        _ => Severity::Unknown,
    }
}

/// Reads a level of flawfinder.
pub(super) fn flawfinder(level: &str) -> Severity {
    match level {
        "4" | "5" => Severity::High,
        "3" => Severity::Medium,
        "1" | "2" => Severity::Low,
        "0" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads a risk of ZAP.
pub(super) fn zap(code: &str) -> Severity {
    match code {
        "3" => Severity::High,
        "2" => Severity::Medium,
        "1" => Severity::Low,
        "0" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads a confidence of ZAP.
pub(super) fn zap_confidence(code: &str) -> Option<Confidence> {
    match code {
        "3" | "4" => Some(Confidence::High),
        "2" => Some(Confidence::Medium),
        "1" => Some(Confidence::Low),
        _ => None,
    }
}

/// Reads a word of Burp.
pub(super) fn burp(text: &str) -> Severity {
    if text == "Information" { Severity::Info } else { word(text) }
}

/// Reads a confidence of Burp.
pub(super) fn burp_confidence(text: &str) -> Option<Confidence> {
    match text {
        "Certain" => Some(Confidence::High),
        "Firm" => Some(Confidence::Medium),
        "Tentative" => Some(Confidence::Low),
        _ => None,
    }
}

/// Reads a threat of openvas.
pub(super) fn openvas(text: &str) -> Severity {
    match text {
        "Log" | "Debug" => Severity::Info,
        other => word(other),
    }
}

/// Reads a level of wapiti.
pub(super) fn wapiti(level: u32) -> Severity {
    match level {
        4 => Severity::Critical,
        3 => Severity::High,
        2 => Severity::Medium,
        1 => Severity::Low,
        0 => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads a level of ssh-audit, of its notes or its recommendations.
pub(super) fn ssh_audit(level: &str) -> Severity {
    match level {
        "fail" | "critical" => Severity::High,
        "warn" | "warning" => Severity::Medium,
        "info" | "informational" => Severity::Info,
        _ => Severity::Unknown,
    }
}

/// Reads how sure a scanner is.
pub(super) fn confidence(text: &str) -> Option<Confidence> {
    match text.trim().to_ascii_lowercase().as_str() {
        "high" | "very-high" | "confirmed" => Some(Confidence::High),
        "medium" => Some(Confidence::Medium),
        "low" | "weak" => Some(Confidence::Low),
        _ => None,
    }
}
