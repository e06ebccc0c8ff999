//! Advisories in the format of the Open Source Vulnerabilities database, as osv-scanner and govulncheck repeat them.

use serde_json::Value;

use super::text::upgrade;
use super::value::{each, first, items, owned, text, texts};
use super::{ids, score, severity};
use crate::model::finding::{Cvss, Record};

/// All of a record that the advisory says; place and fix depend on the package.
pub(super) fn record(value: &Value) -> Record {
    let id = owned(value, "/id");
    let aliases = texts(value, "/aliases");
    let cvss = cvss(value);
    let native = word(value);
    Record {
        title: first(value, &["/summary", "/id"]).unwrap_or_default().to_owned(),
        message: first(value, &["/details", "/summary"]).unwrap_or_default().to_owned(),
        severity: severity::rated(native, cvss.as_ref()),
        native_severity: native.map(str::to_owned),
        cwe: ids::weaknesses(texts(value, "/database_specific/cwe_ids").iter().map(String::as_str)),
        vulnerabilities: ids::vulnerabilities(std::iter::once(id.as_str()).chain(aliases.iter().map(String::as_str))),
        cvss,
        references: each(value, "/references", "/url"),
        rule: id,
        ..Record::default()
    }
}

/// The versions that have the problem no more, of the package that is asked for.
pub(super) fn fix(value: &Value, package: &str) -> Option<String> {
    let affected = items(value, "/affected").iter();
    let of_package = affected.filter(|affected| {
        text(*affected, "/package/name").is_none_or(|name| package.is_empty() || name.eq_ignore_ascii_case(package))
    });
    let ranges = of_package.flat_map(|affected| items(affected, "/ranges"));
    let versions = ranges.filter(|range| text(*range, "/type") != Some("GIT"));
    let mut fixed: Vec<String> = versions.flat_map(|range| each(range, "/events", "/fixed")).collect();
    fixed.dedup();
    upgrade(&fixed)
}

/// The severity in a word: of the database, else of a distribution (`{"type": "Ubuntu", "score": "medium"}`).
fn word(value: &Value) -> Option<&str> {
    first(value, &["/database_specific/severity", "/severity"]).or_else(|| {
        let scores = items(value, "/severity").iter().filter_map(|score| text(score, "/score"));
        scores.into_iter().find(|score| score.bytes().all(|byte| byte.is_ascii_alphabetic()))
    })
}

/// The score of the newest version of CVSS; of the affected package where the advisory as a whole has none.
fn cvss(value: &Value) -> Option<Cvss> {
    let own = items(value, "/severity").iter();
    let of_packages = items(value, "/affected").iter().flat_map(|affected| items(affected, "/severity"));
    let mut scores: Vec<(&str, &str)> = own
        .chain(of_packages)
        .filter_map(|entry| Some((text(entry, "/type")?, text(entry, "/score")?)))
        .filter(|(kind, _)| kind.starts_with("CVSS"))
        .collect();
    scores.sort_by(|a, b| b.0.cmp(a.0));
    scores.into_iter().find_map(|(_, vector)| score::of_vector(vector))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::severity::Severity;

    #[test]
    fn an_advisory_is_read() {
        let value = json!({"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2024-0001"], "summary": "bad", "details": "very bad",
            "severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"},
                {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [{"package": {"name": "A"}, "ranges": [{"type": "GIT", "events": [{"fixed": "abc"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}]},
                {"package": {"name": "b"}, "ranges": [{"events": [{"fixed": "9"}]}]}],
            "database_specific": {"cwe_ids": ["CWE-79"], "severity": "MODERATE"}, "references": [{"type": "WEB", "url": "https://u"}]});
        let record = record(&value);
        assert_eq!((record.severity, record.native_severity.as_deref()), (Severity::Medium, Some("MODERATE")));
        assert_eq!(record.cvss.unwrap().score.to_string(), "9.8");
        assert_eq!(record.vulnerabilities, ["GHSA-aaaa-bbbb-cccc", "CVE-2024-0001"]);
        assert_eq!(record.references, ["https://u"]);
        assert_eq!(fix(&value, "a").as_deref(), Some("upgrade to 1.2"));
        assert_eq!(fix(&value, "c"), None);
    }

    #[test]
    fn without_a_word_the_score_decides_and_without_either_nothing() {
        let scored = json!({"id": "X", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]});
        assert_eq!(record(&scored).severity, Severity::Critical);
        let worded = json!({"id": "X", "severity": [{"type": "Ubuntu", "score": "low"}]});
        assert_eq!(record(&worded).severity, Severity::Low);
        assert_eq!(record(&json!({"id": "X"})).severity, Severity::Unknown);
    }
}
