//! The severity of a SARIF result.

use super::super::severity;
use super::rules::Rule;
use crate::model::severity::Severity;

/// Severity and the native words for it: the result's or rule's `security-severity`; the result's `level`; for a result that
/// is no failure, its `kind`; the rule's default level; high for a secret; else what section 3.27.10 says, a warning.
pub(super) fn severity(
    own: Option<f64>,
    kind: Option<&str>,
    level: Option<&str>,
    rule: Option<&Rule>,
    secret: bool,
) -> (Severity, Option<String>) {
    if let Some(score) = own.or_else(|| rule?.security_severity) {
        return (Severity::from_cvss(score), Some(format!("security-severity {score}")));
    }
    let kind = kind.unwrap_or("fail");
    if let Some(level) = level {
        return (severity::sarif_level(level), Some(level.to_owned()));
    }
    if kind != "fail" {
        return (Severity::Info, Some(kind.to_owned()));
    }
    match rule.and_then(|rule| rule.level.as_deref()) {
        Some(level) => (severity::sarif_level(level), Some(level.to_owned())),
        None if secret => (Severity::High, None),
        None => (Severity::Medium, None),
    }
}
