//! The report for programs: one document of the schema `dragnet.report/v1`, written as a stream.

pub(super) mod v1;

use std::io::Write;

use super::source::for_each;
use super::{RenderError, Renderer, ReportData};

/// The format `json`.
#[derive(Debug)]
pub(super) struct Json;

impl Renderer for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        write!(out, "{{\"schema\":\"{}\",\n\"scan\":", v1::SCHEMA)?;
        serde_json::to_writer(&mut *out, &v1::Scan::new(data.scan))?;
        write!(out, ",\n\"jobs\":")?;
        let mut jobs = Array::open(out)?;
        data.jobs.iter().try_for_each(|job| jobs.item(&v1::Job::new(job)))?;
        jobs.close()?;
        write!(out, ",\n\"summary\":")?;
        serde_json::to_writer(&mut *out, &v1::Summary::new(data.scan, &data.gate()))?;
        write!(out, ",\n\"findings\":")?;
        let mut findings = Array::open(out)?;
        for_each(data.findings, |finding| findings.item(&v1::Finding::new(&finding)).map(|()| true))?;
        findings.close()?;
        write!(out, ",\n\"assets\":")?;
        let mut assets = Array::open(out)?;
        for_each(data.assets, |asset| assets.item(&v1::Asset::new(&asset)).map(|()| true))?;
        assets.close()?;
        Ok(writeln!(out, "}}")?)
    }
}

/// An array with one element to a line.
pub(super) struct Array<'o> {
    out: &'o mut dyn Write,
    before: &'static str,
}

impl<'o> Array<'o> {
    pub(super) fn open(out: &'o mut dyn Write) -> std::io::Result<Self> {
        write!(out, "[")?;
        Ok(Self { out, before: "\n" })
    }

    pub(super) fn item(&mut self, item: &impl serde::Serialize) -> Result<(), RenderError> {
        write!(self.out, "{}", self.before)?;
        self.before = ",\n";
        Ok(serde_json::to_writer(&mut *self.out, item)?)
    }

    pub(super) fn close(self) -> std::io::Result<()> {
        write!(self.out, "]")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, finished, job, render, troubled, unfinished};

    #[test]
    fn the_document_has_its_six_parts() {
        let text = render("json", &unfinished(), &troubled(), findings(), 80);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = document.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["assets", "findings", "jobs", "scan", "schema", "summary"]);
        assert_eq!(document["findings"].as_array().unwrap().len(), 3);
        assert_eq!(document["summary"]["verdict"], "incomplete");
    }

    #[test]
    fn version_1_looks_like_this() {
        let text =
            render("json", &finished(), &[job("bandit", "bandit", [1, 0, 0, 0, 0, 0])], findings()[..1].to_vec(), 80);
        insta::assert_snapshot!(text, @"");
    }

    #[test]
    fn an_empty_scan_is_a_document() {
        let text = render("json", &finished(), &[], Vec::new(), 80);
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&document["findings"], &document["jobs"]), (&serde_json::json!([]), &serde_json::json!([])));
    }
}
