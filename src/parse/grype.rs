//! grype's JSON (`grype -o json`): the list of CVSS scores of today, and the `cvssV2` and `links` of its first versions.
//!
//! A match in several files of one package is one record, at the first of them.

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::text::upgrade;
use super::value::{at, each, first, float, items, owned, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, path, score, severity};
use crate::model::finding::{Cvss, Location, Record};

/// The format `grype`.
#[derive(Debug)]
pub(super) struct Grype;

const ROUTES: &[&str] = &["matches/[]", "ignoredMatches/[]", "descriptor/version"];

impl Parser for Grype {
    fn name(&self) -> &'static str {
        "grype"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("matches/[]/vulnerability") || outline.has_all(&["matches", "source", "descriptor"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| match (route, event) {
            ("matches/[]", Event::Value(value)) => {
                output.expect("grype", &value, &["/vulnerability/id"])?;
                output.record(record(&value, context))
            }
            ("ignoredMatches/[]", Event::Value(value)) => {
                let suppressed = Some("ignored by a rule of grype's configuration".to_owned());
                output.record(Record { suppressed, ..record(&value, context) })
            }
            ("descriptor/version", Event::Value(value)) => {
                output.version(value.as_str());
                Ok(())
            }
            _ => Ok(()),
        })?
        .require(&["matches/[]"])?;
        Ok(output.summary)
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let id = owned(value, "/vulnerability/id");
    let native = text(value, "/vulnerability/severity");
    let name = owned(value, "/artifact/name");
    let related = each(value, "/relatedVulnerabilities", "/id");
    let mut references: Vec<String> = text(value, "/vulnerability/dataSource").map(str::to_owned).into_iter().collect();
    references.extend(texts(value, "/vulnerability/urls"));
    references.extend(texts(value, "/vulnerability/links"));
    references.dedup();
    Record {
        title: format!("{id} in {name}"),
        message: first(value, &["/vulnerability/description", "/relatedVulnerabilities/0/description"])
            .unwrap_or_default()
            .to_owned(),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        location: Location::Package {
            name,
            version: owned(value, "/artifact/version"),
            path: each(value, "/artifact/locations", "/path")
                .first()
                .map(|path| path::relative(path, &context.source_root)),
        },
        cwe: ids::weaknesses(each(value, "/vulnerability/cwes", "/cwe").iter().map(String::as_str)),
        vulnerabilities: ids::vulnerabilities(std::iter::once(id.as_str()).chain(related.iter().map(String::as_str))),
        cvss: cvss(value),
        fix: upgrade(&fixed(value)),
        references,
        rule: id,
        ..Record::default()
    }
}

fn fixed(value: &Value) -> Vec<String> {
    let mut versions = texts(value, "/vulnerability/fix/versions");
    versions.extend(texts(value, "/vulnerability/fixedInVersion"));
    versions
}

/// The score of the newest version of CVSS, of the vulnerability itself or else of those that it is related to.
fn cvss(value: &Value) -> Option<Cvss> {
    let of = |value: &Value| {
        let mut scores: Vec<_> = items(value, "/cvss").iter().collect();
        scores.sort_by_key(|score| std::cmp::Reverse(text(*score, "/version").map(str::to_owned)));
        let listed = scores.into_iter().map(|entry| (entry, float(entry, "/metrics/baseScore")));
        let old = ["/cvssV3", "/cvssV2"].into_iter().filter_map(|pointer| at(value, pointer));
        let old = old.map(|entry| (entry, float(entry, "/baseScore")));
        listed.chain(old).find_map(|(entry, score)| score::given(score, text(entry, "/vector")))
    };
    let related = items(value, "/relatedVulnerabilities").iter();
    at(value, "/vulnerability").into_iter().chain(related).find_map(of)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{parse, suppressed};
    use crate::model::severity::Severity;

    #[test]
    fn matches_are_records_and_ignored_ones_are_counted() {
        let text = r#"{"matches":[{"vulnerability":{"id":"GHSA-aaaa-bbbb-cccc","dataSource":"https://d","severity":"Negligible",
            "urls":["https://d","https://u"],"description":"bad","fix":{"versions":["1.2","2.0"],"state":"fixed"},
            "cwes":[{"cve":"CVE-2024-0001","cwe":"CWE-79"}],
            "cvss":[{"version":"2.0","vector":"AV:N/AC:L/Au:N/C:P/I:P/A:P","metrics":{"baseScore":7.5}},
              {"version":"3.1","vector":"CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H","metrics":{"baseScore":6.2}}]},
          "relatedVulnerabilities":[{"id":"CVE-2024-0001"}],
          "artifact":{"name":"a","version":"1.0","locations":[{"path":"/web/package-lock.json"},{"path":"/x"}]}}],
          "ignoredMatches":[{"vulnerability":{}}],"descriptor":{"name":"grype","version":"0.96.0"}}"#;
        let (summary, records) = parse("grype", text).unwrap();
        assert_eq!((summary.records, suppressed(&records)), (2, 1));
        assert_eq!(summary.tool_version.as_deref(), Some("0.96.0"));
        let record = &records[0];
        assert_eq!((record.rule.as_str(), record.severity), ("GHSA-aaaa-bbbb-cccc", Severity::Info));
        assert_eq!(record.location.to_string(), "web/package-lock.json: a 1.0");
        assert_eq!(record.cvss.as_ref().unwrap().score.to_string(), "6.2");
        assert_eq!(record.vulnerabilities, ["GHSA-aaaa-bbbb-cccc", "CVE-2024-0001"]);
        assert_eq!((record.fix.as_deref(), record.cwe.as_slice()), (Some("upgrade to 1.2 or 2.0"), &[79][..]));
        assert_eq!(record.references, ["https://d", "https://u"]);
    }

    #[test]
    fn the_first_versions_are_read() {
        let text = r#"{"matches":[{"vulnerability":{"id":"CVE-2017-0001","severity":"High","links":["https://l"],"fixedInVersion":"3",
            "cvssV2":{"baseScore":7.5,"vector":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}},
            "artifact":{"name":"b","version":"2","locations":[{"path":"/var/lib/dpkg/status","layerID":"sha256:1"}]}}]}"#;
        let record = &parse("grype", text).unwrap().1[0];
        assert_eq!(record.cvss.as_ref().unwrap().score.to_string(), "7.5");
        assert_eq!(
            (record.fix.as_deref(), record.references.as_slice()),
            (Some("upgrade to 3"), &["https://l".to_owned()][..])
        );
    }

    #[test]
    fn nothing_found_and_another_document_are_told_apart() {
        assert_eq!(parse("grype", r#"{"matches":[],"descriptor":{}}"#).unwrap().0.records, 0);
        assert!(parse("grype", "{}").is_err());
        assert!(parse("grype", r#"{"artifacts":[]}"#).is_err());
        let error = parse("grype", r#"{"matches":[{"offset":1}]}"#).unwrap_err().to_string();
        assert!(error.contains("no `vulnerability/id` (at result 1)"), "{error}");
    }
}
