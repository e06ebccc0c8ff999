//! CycloneDX in JSON and XML: the parts of something (1.0 and later), the extension of 1.0 for vulnerabilities, and the
//! vulnerabilities that are part of the format since 1.4, with what was said about them (VEX).
//!
//! A vulnerability is a record for each component that it affects; where an analysis says that it is `not_affected`, a
//! `false_positive` or `resolved`, it is counted. Components themselves are counted too: they are no problem. Their names stand
//! before the vulnerabilities, which only refer to them, and are kept up to a bound.

mod vulnerability;

use serde_json::Value;

use self::vulnerability::record;
use super::held::Table;
use super::json::Event;
use super::masked::walk;
use super::output::{INVENTORY, Output};
use super::value::{at, first, items, owned, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, path, purl, xml};
use crate::model::finding::Location;

/// The format `cyclonedx`.
#[derive(Debug)]
pub(super) struct Cyclonedx;

const ROUTES: &[&str] = &[
    "bomFormat",
    "specVersion",
    "metadata/component",
    "metadata/tools/[]",
    "metadata/tools/components/[]",
    "components/[]",
    "services/[]",
    "vulnerabilities/[]",
];
const ELEMENTS: &[&str] = &[
    "bom/metadata/component",
    "bom/metadata/tools/tool",
    "bom/metadata/tools/components/component",
    "bom/components/component",
    "bom/services/service",
    "bom/vulnerabilities/vulnerability",
];
/// Elements that are arrays in JSON.
const LISTS: &[&str] = &[
    "components",
    "services",
    "vulnerabilities",
    "ratings",
    "cwes",
    "references",
    "advisories",
    "recommendations",
    "affects",
    "versions",
];

impl Parser for Cyclonedx {
    fn name(&self) -> &'static str {
        "cyclonedx"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        // Some producers name the format at the very end.
        outline.is_xml("bom")
            || outline.has_all(&["bomFormat", "specVersion"])
            || outline.has_all(&["components/[]/bom-ref", "components/[]/type", "components/[]/name"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader { output: Output::new(sink), parts: Table::default(), unknown: false, late: false };
        let first = input.first_byte()?;
        if first == Some(b'<') {
            xml::walk(self, context, input, &["bom"], ELEMENTS, &mut |route, element| {
                let route = route.trim_start_matches("bom/");
                reader.read(route, &element.to_json(LISTS))
            })?;
        } else {
            walk(self, context, input, ROUTES, &mut |route, event| match event {
                Event::Value(value) => reader.read(route, &value),
                Event::End => Ok(()),
            })?
            .require(&["bomFormat"])?;
        }
        reader.finish();
        Ok(reader.output.summary)
    }
}

struct Reader<'s> {
    output: Output<'s>,
    /// Names and versions of the components, by what refers to them.
    parts: Table<(String, String)>,
    /// Whether a vulnerability referred to what had not been named.
    unknown: bool,
    /// Whether a component was named behind such a vulnerability.
    late: bool,
}

impl Reader<'_> {
    fn read(&mut self, route: &str, value: &Value) -> Result<(), ParseError> {
        match route {
            "bomFormat" if value != "CycloneDX" => Err(self.output.refuse("cyclonedx", "`bomFormat` is another")),
            "metadata/component" => {
                self.name(value);
                self.nested(value)
            }
            "metadata/tools/[]"
            | "metadata/tools/tool"
            | "metadata/tools/components/[]"
            | "metadata/tools/components/component" => {
                self.output.version(text(value, "/version"));
                Ok(())
            }
            "components/[]" | "components/component" | "services/[]" | "services/service" => self.component(value),
            "vulnerabilities/[]" | "vulnerabilities/vulnerability" => self.vulnerability(value),
            _ => Ok(()),
        }
    }

    fn component(&mut self, value: &Value) -> Result<(), ParseError> {
        self.output.expect("cyclonedx", value, &["/name"])?;
        self.output.skip(INVENTORY);
        self.name(value);
        let (name, version) = package(value);
        for vulnerability in items(value, "/vulnerabilities") {
            let location = Location::Package { name: name.clone(), version: version.clone(), path: None };
            self.tell(vulnerability, location)?;
        }
        self.nested(value)
    }

    fn nested(&mut self, value: &Value) -> Result<(), ParseError> {
        let mut within = items(value, "/components").iter().chain(items(value, "/services"));
        within.try_for_each(|component| self.component(component))
    }

    /// Keeps what refers to a component.
    fn name(&mut self, value: &Value) {
        if let Some(reference) = first(value, &["/bom-ref"]) {
            let package = package(value);
            let bytes = package.0.len() + package.1.len();
            self.parts.insert(reference.to_owned(), package, bytes);
            self.late |= self.unknown;
        }
    }

    /// A vulnerability with what it affects: `affects`, or the `ref` of the extension.
    fn vulnerability(&mut self, value: &Value) -> Result<(), ParseError> {
        let affects = items(value, "/affects");
        if affects.is_empty() {
            let location = text(value, "/ref").map_or(Location::Nowhere, |reference| self.location(reference, None));
            return self.tell(value, location);
        }
        for affected in affects {
            let versions = items(affected, "/versions");
            if !versions.is_empty() && versions.iter().all(|v| text(v, "/status") == Some("unaffected")) {
                self.output.skip("the versions are unaffected");
                continue;
            }
            let named = versions.iter().find_map(|version| text(version, "/version"));
            let location = self.location(&owned(affected, "/ref"), named);
            self.tell(value, location)?;
        }
        Ok(())
    }

    fn tell(&mut self, value: &Value, location: Location) -> Result<(), ParseError> {
        self.output.expect("cyclonedx", value, &["/id", "/bom-ref", "/source", "/ratings"])?;
        match text(value, "/analysis/state") {
            Some(state @ ("not_affected" | "false_positive" | "resolved" | "resolved_with_pedigree")) => {
                self.output.skip(&format!("analysis says {state}"));
                Ok(())
            }
            _ => self.output.record(record(value, location)),
        }
    }

    /// What is referred to: a component of this document, of another (`urn:cdx:serial/version#ref`), or a package's URL.
    fn location(&mut self, reference: &str, version: Option<&str>) -> Location {
        let within = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#'));
        let local = within.map(|(_, part)| path::unescape(part));
        let reference = local.as_deref().unwrap_or(reference);
        let known = self.parts.get(reference).cloned();
        self.unknown |= known.is_none();
        let (name, found) =
            known.or_else(|| purl::package(reference)).unwrap_or_else(|| (reference.to_owned(), String::new()));
        let version = if found.is_empty() { version.unwrap_or_default().to_owned() } else { found };
        Location::Package { name, version, path: None }
    }

    fn finish(&mut self) {
        if self.parts.is_full() {
            self.output
                .error("there are more components than fit together: some records have only what refers to them");
        } else if self.late {
            self.output.error("components stand behind vulnerabilities: some records have only what refers to them");
        }
    }
}

/// Name and version: as its package URL has them, else with the group before the name.
fn package(value: &Value) -> (String, String) {
    let (named, version) = (owned(value, "/name"), owned(value, "/version"));
    if let Some((name, listed)) = at(value, "/purl").and_then(Value::as_str).and_then(purl::package) {
        return (name, if version.is_empty() { listed } else { version });
    }
    match text(value, "/group") {
        Some(group) => (format!("{group}/{named}"), version),
        None => (named, version),
    }
}

#[cfg(test)]
mod tests;
