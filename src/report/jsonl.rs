//! The report for pipes: one object to a line, each with its `type`, with the fields of `dragnet.report/v1`.

use std::io::Write;

use serde::Serialize;

use super::json::v1;
use super::source::for_each;
use super::{RenderError, Renderer, ReportData};

/// The format `jsonl`.
#[derive(Debug)]
pub(super) struct JsonLines;

/// One line.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'l> {
    Report { schema: &'static str },
    Scan(Box<v1::Scan>),
    Job(Box<v1::Job>),
    Finding(Box<v1::Finding<'l>>),
    Gone(Box<v1::Gone<'l>>),
    Asset(v1::Asset<'l>),
    Summary(Box<v1::Summary>),
}

impl Renderer for JsonLines {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    /// The summary comes last: a reader that has it has everything.
    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let mut put = |line: &Line<'_>| -> Result<(), RenderError> {
            serde_json::to_writer(&mut *out, line)?;
            Ok(writeln!(out)?)
        };
        put(&Line::Report { schema: v1::SCHEMA })?;
        put(&Line::Scan(Box::new(v1::Scan::new(data.scan, data.isolation))))?;
        data.jobs.iter().try_for_each(|job| put(&Line::Job(Box::new(v1::Job::new(job)))))?;
        for_each(data.findings, |finding| put(&Line::Finding(Box::new(v1::Finding::new(&finding)))).map(|()| true))?;
        for_each(data.gone, |gone| put(&Line::Gone(Box::new(v1::Gone::new(&gone)))).map(|()| true))?;
        for_each(data.assets, |asset| put(&Line::Asset(v1::Asset::new(&asset))).map(|()| true))?;
        put(&Line::Summary(Box::new(v1::Summary::new(data))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, render, troubled, unfinished};

    #[test]
    fn every_line_is_an_object_with_a_type() {
        let text = render("jsonl", &unfinished(), &troubled(), findings(), 80);
        let types: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
            .collect();
        let expected =
            ["report", "scan", "job", "job", "job", "finding", "finding", "finding", "gone", "asset", "summary"];
        assert_eq!(types, expected);
    }
}
