//! dependency-check's reports, in XML and JSON: versions 1 to 12, which differ in where the score stands and how packages are
//! named.
//!
//! A vulnerability of a file is one record, also where `relatedDependencies` names copies of it. Files without any are counted.

use std::io::Read;

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::value::{each, first, float, items, owned, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, path, purl, score, severity, xml};
use crate::model::finding::{Cvss, Location, Record};

/// The format `dependency-check`.
#[derive(Debug)]
pub(super) struct DependencyCheck;

const ROUTES: &[&str] =
    &["reportSchema", "scanInfo/engineVersion", "scanInfo/analysisExceptions/[]", "dependencies/[]"];
const ELEMENTS: &[&str] = &[
    "analysis/scanInfo/engineVersion",
    "analysis/scanInfo/analysisExceptions/analysisException",
    "analysis/dependencies@",
    "analysis/dependencies/dependency",
];
/// Elements that are arrays in JSON.
const LISTS: &[&str] = &["references", "cwes", "packages"];

impl Parser for DependencyCheck {
    fn name(&self) -> &'static str {
        "dependency-check"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml("analysis") || outline.has_all(&["reportSchema", "scanInfo", "dependencies"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader { output: Output::new(sink), context };
        let first = input.first_byte()?;
        if first == Some(b'<') {
            reader.xml(input)?;
        } else {
            reader.json(input)?;
        }
        Ok(reader.output.summary)
    }
}

struct Reader<'r, 's> {
    output: Output<'s>,
    context: &'r Context,
}

impl Reader<'_, '_> {
    fn json(&mut self, input: &mut Input<'_>) -> Result<(), ParseError> {
        let seen = walk(&DependencyCheck, self.context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("scanInfo/engineVersion", Event::Value(value)) => self.output.version(value.as_str()),
                ("scanInfo/analysisExceptions/[]", Event::Value(value)) => self.exception(&value),
                ("dependencies/[]", Event::Value(value)) => return self.dependency(&value),
                _ => {}
            }
            Ok(())
        })?;
        seen.require(&["reportSchema", "scanInfo/engineVersion"])?;
        seen.require(&["dependencies/[]"])
    }

    fn xml(&mut self, input: &mut dyn Read) -> Result<(), ParseError> {
        let mut whole = false;
        xml::walk(&DependencyCheck, self.context, input, &["analysis"], ELEMENTS, &mut |route, element| {
            match route {
                "analysis/scanInfo/engineVersion" => self.output.version(element.own_text()),
                "analysis/scanInfo/analysisExceptions/analysisException" => self.exception(&element.to_json(&[])),
                "analysis/dependencies/dependency" => return self.element(&element),
                _ => whole = true,
            }
            Ok(())
        })?;
        if whole { Ok(()) } else { Err(self.output.refuse("dependency-check", "it has no <dependencies>")) }
    }

    /// Brings an element into the shape of the JSON.
    fn element(&mut self, element: &xml::Element) -> Result<(), ParseError> {
        let mut value = element.to_json(LISTS);
        let all = |path: &str| element.all(path).iter().map(|element| element.to_json(LISTS)).collect::<Value>();
        let mut packages = all("identifiers/package");
        if packages.as_array().is_some_and(Vec::is_empty) {
            packages = all("identifiers/identifier");
        }
        value["packages"] = packages;
        value["vulnerabilities"] = all("vulnerabilities/vulnerability");
        value["suppressedVulnerabilities"] = all("vulnerabilities/suppressedVulnerability");
        self.dependency(&value)
    }

    fn exception(&mut self, value: &Value) {
        let message = first(value, &["/exception/message", "/message", "/exception"]);
        self.output.error(message.unwrap_or("an analysis failed"));
    }

    fn dependency(&mut self, value: &Value) -> Result<(), ParseError> {
        self.output.expect("dependency-check", value, &["/fileName", "/filePath"])?;
        let (found, suppressed) = (items(value, "/vulnerabilities"), items(value, "/suppressedVulnerabilities"));
        if found.is_empty() && suppressed.is_empty() {
            self.output.skip("no known vulnerability");
        }
        let location = self.location(value);
        found.iter().try_for_each(|vulnerability| self.output.record(record(vulnerability, location.clone())))?;
        suppressed.iter().try_for_each(|vulnerability| {
            let why = owned(vulnerability, "/notes");
            self.output.record(Record { suppressed: Some(why), ..record(vulnerability, location.clone()) })
        })
    }

    /// The package by its URL; old versions wrote `(org.a:b:1.0)` for maven. Else the file's name stands for it.
    fn location(&self, value: &Value) -> Location {
        let ids = items(value, "/packages").iter().filter_map(|package| first(package, &["/id", "/name"]));
        let old = |id: &str| {
            let (name, version) = id.trim_matches(['(', ')']).rsplit_once(':')?;
            (!name.starts_with("cpe")).then(|| (name.to_owned(), version.to_owned()))
        };
        let package = ids.into_iter().find_map(|id| purl::package(id).or_else(|| old(id)));
        let (name, version) = package.unwrap_or_else(|| (owned(value, "/fileName"), String::new()));
        let file = first(value, &["/filePath", "/fileName"]).unwrap_or_default();
        Location::Package { name, version, path: Some(path::relative(file, &self.context.source_root)) }
    }
}

fn record(value: &Value, location: Location) -> Record {
    let native = first(
        value,
        &[
            "/severity",
            "/cvssV4/baseSeverity",
            "/cvssv4/baseSeverity",
            "/cvssV3/baseSeverity",
            "/cvssv3/baseSeverity",
            // So it was written for years.
            "/cvssv3/baseSeverity>",
            "/cvssV2/severity",
            "/cvssv2/severity",
        ],
    );
    let cvss = cvss(value);
    let id = owned(value, "/name");
    let weaknesses = texts(value, "/cwes").into_iter().chain(texts(value, "/cwe"));
    Record {
        title: match &location {
            Location::Package { name, .. } => format!("{id} in {name}"),
            _ => id.clone(),
        },
        message: owned(value, "/description"),
        severity: severity::rated(native, cvss.as_ref()),
        native_severity: native.map(str::to_owned),
        location,
        cwe: ids::weaknesses(weaknesses.collect::<Vec<_>>().iter().map(String::as_str)),
        vulnerabilities: ids::vulnerabilities([id.as_str()]),
        cvss,
        references: each(value, "/references", "/url"),
        rule: id,
        ..Record::default()
    }
}

/// The score of the newest version of CVSS.
fn cvss(value: &Value) -> Option<Cvss> {
    let scores = [
        ("/cvssV4", "/baseScore"),
        ("/cvssv4", "/baseScore"),
        ("/cvssV3", "/baseScore"),
        ("/cvssv3", "/baseScore"),
        ("/cvssV2", "/score"),
        ("/cvssv2", "/score"),
        ("", "/cvssScore"),
    ];
    scores.iter().find_map(|(at, score)| {
        let vector = text(value, &format!("{at}/vectorString"));
        score::given(float(value, &format!("{at}{score}")), vector)
    })
}

#[cfg(test)]
mod tests;
