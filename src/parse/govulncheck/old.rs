//! Documents of govulncheck before 1.0: a list of vulnerable symbols with graphs of calls and imports beside it, then a list of
//! vulnerabilities with their modules, at last as messages of a stream.

use serde_json::Value;

use super::{Found, Reached, Reader};
use crate::parse::ParseError;
use crate::parse::value::{at, first, items, number, scalar, text};

impl Reader<'_> {
    /// A module with the number that the symbols name.
    pub(super) fn module(&mut self, value: &Value) {
        if let (Some(id), Some(version)) = (scalar(value, "/ID"), text(value, "/Version")) {
            self.modules.insert(id, version.to_owned(), version.len());
        }
    }

    pub(super) fn old(&mut self, value: &Value) -> Result<(), ParseError> {
        self.output.expect("govulncheck", value, &["/OSV/id", "/osv/id"])?;
        let Some(advisory) = at(value, "/OSV").or_else(|| at(value, "/osv")) else { return Ok(()) };
        self.advisory(advisory);
        let id = text(advisory, "/id").unwrap_or_default();
        let modules = [items(value, "/Modules"), items(value, "/modules")].concat();
        if modules.is_empty() {
            let found = self.symbol(id, value);
            return self.keep(found);
        }
        modules.iter().try_for_each(|of| self.keep(in_module(id, of)))
    }

    fn symbol(&self, id: &str, value: &Value) -> Found {
        let sunk = |sink: &str| number(value, sink).is_some_and(|node| node > 0);
        let version = scalar(value, "/RequireSink").and_then(|number| self.modules.get(&number));
        let name = [text(value, "/PkgPath"), text(value, "/Symbol")];
        Found {
            id: id.to_owned(),
            module: text(value, "/ModPath").unwrap_or_default().to_owned(),
            version: version.cloned().unwrap_or_default(),
            fix: None,
            reached: if sunk("/CallSink") {
                Reached::Called
            } else if sunk("/ImportSink") {
                Reached::Imported
            } else {
                Reached::Required
            },
            way: name.into_iter().flatten().collect::<Vec<_>>().join("."),
        }
    }
}

fn in_module(id: &str, value: &Value) -> Found {
    let packages = [items(value, "/Packages"), items(value, "/packages")].concat();
    let calls = |package: &Value| {
        ["/CallStacks", "/callstacks", "/call_stacks"].iter().any(|pointer| !items(package, pointer).is_empty())
    };
    let fixed = first(value, &["/FixedVersion", "/fixedVersion", "/fixed_version"]);
    Found {
        id: id.to_owned(),
        module: first(value, &["/Path", "/path"]).unwrap_or_default().to_owned(),
        version: first(value, &["/FoundVersion", "/foundVersion", "/found_version"]).unwrap_or_default().to_owned(),
        fix: fixed.map(|version| format!("upgrade to {version}")),
        reached: match packages.as_slice() {
            [] => Reached::Required,
            some if some.iter().any(calls) => Reached::Called,
            _ => Reached::Imported,
        },
        way: packages.iter().filter_map(|package| first(package, &["/Path", "/path"])).collect::<Vec<_>>().join("\n"),
    }
}
