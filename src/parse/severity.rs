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
//! | cargo-audit | CVSS; a vulnerability without is unknown; warnings: `unsound`, `yanked` = low, `unmaintained`, `notice` = info |
//! | grype, clair | `Critical` `High` `Medium` `Low`, `Negligible` = info, `Unknown`; clair's `Defcon1` = critical |
//! | npm audit, snyk, gitlab | `critical` `high` `medium` or `moderate` `low` `info`; others are unknown |
//! | osv-scanner, govulncheck | the word of the advisory's database; else CVSS; Go's has neither and is unknown |
//! | pip-audit, spdx | name none: unknown |
//! | dependency-check | the word of its source (`MODERATE` = medium); else CVSS |
//! | cyclonedx | the worst of the ratings' words, `none` = info, and CVSS scores |
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

/// Reads how sure a scanner is.
pub(super) fn confidence(text: &str) -> Option<Confidence> {
    match text.trim().to_ascii_lowercase().as_str() {
        "high" | "very-high" | "confirmed" => Some(Confidence::High),
        "medium" => Some(Confidence::Medium),
        "low" => Some(Confidence::Low),
        _ => None,
    }
}
