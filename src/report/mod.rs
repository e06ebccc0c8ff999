//! Reports: a scan's state and findings → text, a page, JSON, SARIF and what other systems read. Layer 1, pure: values in, bytes
//! out, streaming.
//!
//! Findings arrive in pages, worst first, from a [`Source`]; no renderer holds more than a page of them, so a report over a
//! million findings begins at once and needs no memory to speak of; a template of somebody's own is the exception. What is not
//! complete says so first, by the means that the format has.

pub mod diff;
pub mod gate;
pub mod shortfall;
pub mod source;
pub mod template;
pub mod text;

mod csv;
mod cyclonedx;
mod defectdojo;
mod excerpt;
mod facts;
mod github;
mod gitlab;
mod html;
mod json;
mod jsonl;
mod junit;
mod markdown;
mod sarif;
mod since;
mod sonarqube;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod unseen;
mod words;

use std::io::Write;

use crate::model::finding::SeverityCounts;
use crate::model::isolation::Isolation;
use crate::model::standing::GoneView;
use crate::model::view::{AssetView, FindingView, JobView, PastScan, ScanView, Verdict};

pub(crate) use excerpt::Excerpt;
pub use gate::Gate;
pub(crate) use json::ExportJson;
pub(crate) use json::v1::Finding as FindingJson;
pub use source::{Listed, Source, SourceError};
pub use template::{Template, TemplateError};

/// Everything a report is made of.
pub struct ReportData<'d> {
    /// The scan.
    pub scan: &'d ScanView,
    /// The ended scans before it, of the same target and line, oldest first; not all, if there are many.
    pub trend: &'d [PastScan],
    /// What is known of how its engine keeps scanners without a network from it, where it is only asked to.
    pub isolation: Option<Isolation>,
    /// Its jobs, in the order of the plan.
    pub jobs: &'d [JobView],
    /// Its findings, worst first.
    pub findings: &'d mut dyn Source<FindingView>,
    /// Of its findings at least the first of each rule and severity of each job, in the same order.
    pub rules: &'d mut dyn Source<FindingView>,
    /// Findings that were open before it and that it did not bring.
    pub gone: &'d mut dyn Source<GoneView>,
    /// Its assets.
    pub assets: &'d mut dyn Source<AssetView>,
    /// What the findings' standings relate to, where that is not what was known on the scan's line before it.
    pub reference: Option<&'d Reference>,
    /// Whether only findings that are new or reopened are listed; counts are always of all.
    pub only_new: bool,
    /// How many reports of several scanners are told with another of the same vulnerability; none if they are not merged.
    pub merged: Option<u64>,
    /// The gate, decided.
    pub gate: &'d Gate,
    /// Most findings that a report for people lists; none for all. Formats for machines always list all.
    pub limit: Option<u64>,
    /// How reports for people look.
    pub style: Style,
    /// What the format could not carry, in words; a renderer writes it, whoever asked for the report tells it beside the report.
    pub notes: Vec<String>,
}

impl ReportData<'_> {
    /// Returns what the scan means.
    pub const fn verdict(&self) -> Verdict {
        self.gate.verdict
    }

    /// Counts what a report lists if nothing cuts it: all, or what is new or reopened.
    fn listed(&self) -> SeverityCounts {
        match &self.scan.standings {
            Some(standings) if self.only_new && !standings.first => standings.news(),
            _ => self.scan.records,
        }
    }
}

/// What the standings of a report relate to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A file of findings that are known.
    Baseline {
        /// The file, as it was named.
        file: String,
        /// How many findings it has.
        findings: u64,
    },
    /// What was open when a scan before had ended; none if there is none so old: then everything is new.
    Since {
        /// What was asked for: a scan, a day, a span.
        asked: String,
        /// The scans that were compared with, by their ids; several where scanners had their last in different ones.
        scans: Vec<String>,
    },
}

/// How reports for people look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; narrower than 60 is drawn as 60.
    pub width: usize,
    /// Whether colours may be used.
    pub color: bool,
    /// Whether words may be links (OSC 8).
    pub links: bool,
    /// What the findings of a table are grouped by.
    pub grouping: Grouping,
}

/// What findings are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// Their severity.
    #[default]
    Severity,
    /// Their file, or what comes next to one: package, host, address.
    File,
    /// Their scanner and rule.
    Rule,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, color: false, links: false, grouping: Grouping::default() }
    }
}

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The findings or assets could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The output could not be written.
    #[error("the report cannot be written: {0}")]
    Write(#[from] std::io::Error),
    /// The template could not be filled.
    #[error(transparent)]
    Template(Box<TemplateError>),
}

impl From<serde_json::Error> for RenderError {
    fn from(error: serde_json::Error) -> Self {
        Self::Write(error.into())
    }
}

/// A format of reports.
pub trait Renderer: Sync {
    /// Its name in `--format`.
    fn name(&self) -> &'static str;

    /// Most findings that it lists for people, unless they say otherwise.
    fn limit(&self) -> u64 {
        50
    }

    /// Writes the whole report.
    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError>;
}

/// Every renderer, by name.
pub const RENDERERS: &[&dyn Renderer] = &[
    &csv::Csv,
    &cyclonedx::CycloneDx,
    &defectdojo::DefectDojo,
    &github::Annotations,
    &gitlab::CONTAINER_SCANNING,
    &gitlab::DEPENDENCY_SCANNING,
    &gitlab::SAST,
    &gitlab::SECRET_DETECTION,
    &html::Html,
    &json::Json,
    &jsonl::JsonLines,
    &junit::JUnit,
    &markdown::DOCUMENT,
    &markdown::GITHUB_SUMMARY,
    &markdown::PULL_REQUEST,
    &sarif::Sarif,
    &sonarqube::SonarQube,
    &table::Table,
];

/// Returns the renderer of a format.
pub fn renderer(name: &str) -> Option<&'static dyn Renderer> {
    RENDERERS.iter().copied().find(|renderer| renderer.name() == name)
}
