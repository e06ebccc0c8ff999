//! GitLab's security reports, schema 15.2.1, for `artifacts:reports:` of a pipeline: each format has the findings of its kind.
//!
//! A report says in `scan.messages` what it does not have: what the scan did not see, findings of other kinds, findings that
//! somebody suppressed or accepted (GitLab has a word for false positives alone). `scan.status` is `failure` unless the scan
//! saw everything. Texts that GitLab reads as Markdown are escaped.

mod kind;
mod model;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;

use super::json::Array;
use super::source::for_each;
use super::words::count;
use super::{RenderError, Renderer, ReportData, unseen};
use crate::model::triage::Decision;
use crate::model::view::FindingView;
use kind::Kind;
use model::{Message, Scan, Vulnerability};

/// A format `gitlab-…`.
#[derive(Debug)]
pub(super) struct GitLab(Kind);

/// The format `gitlab-container-scanning`.
pub(super) const CONTAINER_SCANNING: GitLab = GitLab(Kind::ContainerScanning);
/// The format `gitlab-dependency-scanning`.
pub(super) const DEPENDENCY_SCANNING: GitLab = GitLab(Kind::DependencyScanning);
/// The format `gitlab-sast`.
pub(super) const SAST: GitLab = GitLab(Kind::Sast);
/// The format `gitlab-secret-detection`.
pub(super) const SECRET_DETECTION: GitLab = GitLab(Kind::SecretDetection);

const VERSION: &str = "15.2.1";
const SCHEMAS: &str = "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.2.1/dist";

/// What a report does not have, or not whole.
#[derive(Debug, Default)]
struct Counts {
    /// Findings of other kinds; of no kind under `None`.
    elsewhere: BTreeMap<Option<Kind>, u64>,
    /// Findings that somebody suppressed or accepted.
    muted: u64,
    /// Texts and lists that are longer than the schema allows.
    cut: u64,
    /// Packages that no file is named for.
    without_file: u64,
}

impl Renderer for GitLab {
    fn name(&self) -> &'static str {
        self.0.format()
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let (kind, scan) = (self.0, data.scan);
        let schema = format!("{SCHEMAS}/{}-report-format.json", kind.as_str().replace('_', "-"));
        write!(out, "{{\"version\":\"{VERSION}\",\"schema\":\"{schema}\",\n\"vulnerabilities\":")?;
        let mut counts = Counts::default();
        let mut vulnerabilities = Array::open(out)?;
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            let found = Kind::of(&finding, &scan.target);
            if found != Some(kind) {
                *counts.elsewhere.entry(found).or_default() += 1;
            } else if finding.muting.as_ref().is_some_and(|muting| muting.decision != Decision::FalsePositive) {
                counts.muted += 1;
            } else {
                vulnerabilities.item(&Vulnerability::new(kind, &finding, scan, &mut counts))?;
            }
            Ok(true)
        })?;
        vulnerabilities.close()?;
        let notes = counts.in_words();
        let unseen = unseen::lines(data).into_iter().map(|value| Message { level: "warn", value });
        let left = notes.iter().map(|note| Message { level: "info", value: note.clone() });
        write!(out, ",\n\"scan\":")?;
        serde_json::to_writer(&mut *out, &Scan::new(kind, scan, unseen.chain(left).collect()))?;
        data.notes.extend(notes);
        Ok(writeln!(out, "}}")?)
    }
}

impl Counts {
    fn in_words(&self) -> Vec<String> {
        let mut words: Vec<String> = self
            .elsewhere
            .iter()
            .map(|(kind, number)| {
                let findings = count(*number, "finding is", "findings are");
                match kind {
                    Some(kind) => format!("{findings} not listed here but in {}", kind.format()),
                    None => format!(
                        "{findings} not listed: no GitLab report of a source tree or image has a place for them"
                    ),
                }
            })
            .collect();
        if self.muted > 0 {
            let findings = count(self.muted, "finding is", "findings are");
            words.push(format!("{findings} not listed: suppressed or accepted"));
        }
        if self.without_file > 0 {
            let packages = count(self.without_file, "package", "packages");
            words.push(format!("no file is named for {packages}: `unknown` is written"));
        }
        if self.cut > 0 {
            words.push(format!("{} cut to the lengths of GitLab's schema", count(self.cut, "text is", "texts are")));
        }
        words
    }
}
