//! The lines of yarn: events of version 1, trees of version 4.

use serde_json::Value;

use super::super::output::Output;
use super::super::text::upgrade;
use super::super::value::{at, items, owned, scalar, text, texts};
use super::super::{ParseError, ids, severity};
use super::{Reader, installed};
use crate::model::finding::{Location, Record};

/// How the file ends: reports of npm are one document, yarn 1 closes with a summary.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) documents: u64,
    events: u64,
    trees: u64,
    summary: bool,
}

impl Ends {
    pub(super) fn check(&self, output: &Output<'_>) -> Result<(), ParseError> {
        if self.documents > 1 || (self.documents > 0 && self.events + self.trees > 0) {
            return Err(output.refuse("npm-audit", "there is more than one report"));
        }
        if self.events > 0 && !self.summary && output.summary.errors.is_empty() {
            return Err(output.refuse("npm-audit", "yarn's summary at the end is missing"));
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// A line of yarn 1.
    pub(super) fn event(&mut self, kind: &str, data: &Value) -> Result<(), ParseError> {
        self.ends.events += 1;
        let message = data.as_str().unwrap_or_default();
        match kind {
            "auditAdvisory" => {
                self.output.expect("npm-audit", data, &["/advisory"])?;
                let way = owned(data, "/resolution/path");
                let advisory = at(data, "/advisory").unwrap_or(data);
                let mut findings = items(advisory, "/findings").iter();
                let version = findings.rfind(|finding| texts(*finding, "/paths").contains(&way));
                let version = version.map(|finding| owned(finding, "/version")).unwrap_or_default();
                let evidence = Some(way.clone()).filter(|way| !way.is_empty());
                return self.output.record(Record { evidence, identity: way, ..installed(advisory, version) });
            }
            "auditSummary" => self.ends.summary = true,
            "error" => self.output.error(if message.is_empty() { "the audit failed" } else { message }),
            // yarn takes this for a success.
            "info" if message.starts_with("No lockfile") => self.output.error(message),
            _ => {}
        }
        Ok(())
    }

    /// A line of yarn 4: the keys are those of its tree for people.
    pub(super) fn tree(&mut self, name: &str, tree: &Value) -> Result<(), ParseError> {
        self.ends.trees += 1;
        self.output.expect("npm-audit", tree, &["/ID", "/Severity"])?;
        if text(tree, "/ID").is_some_and(|id| id.ends_with("(deprecation)")) {
            self.output.skip("deprecated, no vulnerability");
            return Ok(());
        }
        let native = text(tree, "/Severity");
        let url = text(tree, "/URL");
        let rule = ids::vulnerabilities(url).into_iter().next().or_else(|| scalar(tree, "/ID")).unwrap_or_default();
        let mut versions = texts(tree, "/Tree Versions");
        if versions.is_empty() {
            versions.push(String::new());
        }
        versions.into_iter().try_for_each(|version| {
            self.output.record(Record {
                title: owned(tree, "/Issue"),
                message: text(tree, "/Vulnerable Versions")
                    .map(|range| format!("affected versions: {range}"))
                    .unwrap_or_default(),
                severity: severity::rated(native, None),
                native_severity: native.map(str::to_owned),
                location: Location::Package { name: name.to_owned(), version, path: None },
                vulnerabilities: ids::vulnerabilities(url),
                fix: upgrade(&texts(tree, "/Patched Versions")),
                references: url.map(str::to_owned).into_iter().collect(),
                evidence: Some(texts(tree, "/Dependents").join("\n")).filter(|text| !text.is_empty()),
                rule: rule.clone(),
                ..Record::default()
            })
        })
    }
}
