//! Validates reports by the schemas of their formats, in `tests/schemas`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jsonschema::Validator;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas").join(name)).unwrap()
}

fn json(name: &str) -> Value {
    // A bracket alone stands for itself in JavaScript's expressions, and is none in those of the validator.
    let text = read(name).replace("{2}]?$", "{2}\\\\]?$");
    serde_json::from_str(&text).unwrap()
}

/// Formats with the files of their schemas.
const FILES: [(&str, &str); 8] = [
    ("cyclonedx", "bom-1.6.SNAPSHOT.schema.json"),
    ("defectdojo", "defectdojo.json"),
    ("gitlab-container-scanning", "gitlab-container-scanning.json"),
    ("gitlab-dependency-scanning", "gitlab-dependency-scanning.json"),
    ("gitlab-sast", "gitlab-sast.json"),
    ("gitlab-secret-detection", "gitlab-secret-detection.json"),
    ("sarif", "sarif-schema-2.1.0.json"),
    ("sonarqube", "sonarqube.json"),
];

/// Puts the schemas that CycloneDX's refers to inside of it, under the addresses by which it does.
fn with_referred(mut schema: Value) -> Value {
    for name in ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"] {
        let mut referred = json(name);
        referred["$id"] = format!("http://cyclonedx.org/schema/{name}").into();
        schema["definitions"][name] = referred;
    }
    schema
}

/// The validators of all formats.
pub(crate) struct Schemas {
    validators: BTreeMap<&'static str, Validator>,
    pub(crate) xsd: Xsd,
}

impl Schemas {
    pub(crate) fn read() -> Self {
        let validator = |format: &str, file: &str| {
            let schema = if format == "cyclonedx" { with_referred(json(file)) } else { json(file) };
            let options = jsonschema::options().should_validate_formats(true);
            options.build(&schema).map_err(|error| format!("{file}: {error}")).unwrap()
        };
        Self { validators: FILES.map(|(format, file)| (format, validator(format, file))).into(), xsd: Xsd::read() }
    }

    /// Returns the first faults of a document.
    pub(crate) fn faults(&self, format: &str, document: &Value) -> Vec<String> {
        let fault = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
        self.validators[format].iter_errors(document).map(fault).take(5).collect()
    }
}

/// An element of the XML schema: its attributes, those that must be there, and what may be inside of it.
#[derive(Debug, Default)]
struct Element {
    attributes: BTreeSet<String>,
    required: BTreeSet<String>,
    children: BTreeSet<String>,
}

/// What `junit-10.xsd` says of elements and attributes; of their order and their texts it says next to nothing.
#[derive(Debug)]
pub(crate) struct Xsd {
    elements: BTreeMap<String, Element>,
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).unwrap()?;
    Some(String::from_utf8(attribute.value.into_owned()).unwrap())
}

fn name(start: &BytesStart<'_>) -> String {
    String::from_utf8(start.name().0.to_vec()).unwrap()
}

impl Xsd {
    pub(crate) fn read() -> Self {
        let text = read("junit-10.xsd");
        let mut reader = Reader::from_str(&text);
        let (mut elements, mut open) = (BTreeMap::<String, Element>::new(), None);
        let mut depth = 0;
        loop {
            let event = reader.read_event().unwrap();
            match &event {
                Event::Start(start) | Event::Empty(start) => {
                    // Directly below the schema stand the elements; all else is inside of one.
                    if depth == 1 && name(start) == "xs:element" {
                        open = attribute(start, "name");
                        elements.insert(open.clone().unwrap(), Element::default());
                    } else if let Some(element) = open.as_ref().and_then(|open| elements.get_mut(open)) {
                        match (name(start).as_str(), attribute(start, "name"), attribute(start, "ref")) {
                            ("xs:attribute", Some(name), _) => {
                                if attribute(start, "use").as_deref() == Some("required") {
                                    element.required.insert(name.clone());
                                }
                                element.attributes.insert(name);
                            }
                            ("xs:element", _, Some(child)) => drop(element.children.insert(child)),
                            _ => {}
                        }
                    }
                    depth += usize::from(matches!(event, Event::Start(_)));
                }
                Event::End(_) => {
                    depth -= 1;
                    if depth == 1 {
                        open = None;
                    }
                }
                Event::Eof => break,
                _ => {}
            }
            if matches!(event, Event::Empty(_)) && depth == 1 {
                open = None;
            }
        }
        assert!(
            elements["testsuite"].required.contains("tests") && elements["testsuites"].children.contains("testsuite")
        );
        Self { elements }
    }

    /// Returns how many test cases a report has, and where it is not as the schema has it or does not count them right.
    pub(crate) fn faults(&self, text: &str) -> (usize, Vec<String>) {
        let mut reader = Reader::from_str(text);
        let (mut open, mut cases, mut promised) = (Vec::<String>::new(), 0, 0);
        let mut faults = Vec::new();
        loop {
            let event = reader.read_event().unwrap();
            match &event {
                Event::Start(start) | Event::Empty(start) => {
                    let name = name(start);
                    faults.extend(self.fault(start, &name, open.last()));
                    cases += usize::from(name == "testcase");
                    if let (true, Some(tests)) = (name == "testsuite", attribute(start, "tests")) {
                        promised += tests.parse::<usize>().unwrap();
                    }
                    if matches!(event, Event::Start(_)) {
                        open.push(name);
                    }
                }
                Event::End(_) => drop(open.pop()),
                Event::Eof => break,
                _ => {}
            }
        }
        faults.extend((cases != promised).then(|| format!("{cases} test cases, not {promised}")));
        (cases, faults)
    }

    fn fault(&self, start: &BytesStart<'_>, name: &str, parent: Option<&String>) -> Option<String> {
        let Some(element) = self.elements.get(name) else { return Some(format!("there is no element {name}")) };
        if let Some(parent) = parent.filter(|parent| !self.elements[*parent].children.contains(name)) {
            return Some(format!("{name} in {parent}"));
        }
        let has: BTreeSet<String> =
            start.attributes().map(|attribute| String::from_utf8(attribute.unwrap().key.0.to_vec()).unwrap()).collect();
        let is_right = has.is_subset(&element.attributes) && element.required.is_subset(&has);
        (!is_right).then(|| format!("{name} has {has:?}"))
    }
}
