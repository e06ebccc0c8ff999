//! SARIF 2.1.0, for code hosts and editors: one run for each scanner.
//!
//! A run's rules come before its results, for readers that take results as they come; only the rules are held. Findings are read
//! once for each scanner.

mod model;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;

use super::json::Array;
use super::json::gate::GateSummary;
use super::shortfall::shortfall;
use super::source::for_each;
use super::words::grouped;
use super::{RenderError, Renderer, ReportData};
use crate::model::severity::Severity;
use crate::model::view::{FindingView, JobView, ScanView};
use model::{Automation, Descriptor, Invocation, Notification, Result as SarifResult, RunProperties, Tool};

/// The format `sarif`.
#[derive(Debug)]
pub(super) struct Sarif;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The rules of each scanner, in the order of their ids.
type Rules = BTreeMap<String, BTreeMap<String, Descriptor>>;

impl Renderer for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let rules = gather(data)?;
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[")?;
        if rules.len() > MAX_RUNS {
            data.notes
                .push(format!("GitHub's code scanning refuses a file of more than 20 runs; here are {}", rules.len()));
        }
        for (i, (scanner, rules)) in rules.iter().enumerate() {
            write!(out, "{}", if i == 0 { "\n" } else { ",\n" })?;
            run(data, scanner, rules, out)?;
        }
        write!(out, "]")?;
        if !data.gate.asked.is_open() {
            // A property bag, section 3.8: the gate is about the whole scan, which no run is.
            write!(out, ",\n\"properties\":{{\"dragnet/gate\":")?;
            serde_json::to_writer(&mut *out, &GateSummary::new(data.gate))?;
            write!(out, "}}")?;
        }
        Ok(writeln!(out, "}}")?)
    }
}

/// Gathers the rules. A scanner without findings has a run too: that it ran is worth saying.
fn gather(data: &mut ReportData<'_>) -> Result<Rules, RenderError> {
    let mut rules: Rules = data.jobs.iter().map(|job| (job.scanner.clone(), BTreeMap::new())).collect();
    for_each::<_, RenderError>(data.rules, |finding| {
        let of_scanner = match rules.get_mut(&finding.scanner) {
            Some(rules) => rules,
            None => rules.entry(finding.scanner.clone()).or_default(),
        };
        match of_scanner.get_mut(&finding.record.rule) {
            Some(rule) => rule.worsen(finding.record.severity),
            None => drop(of_scanner.insert(finding.record.rule.clone(), Descriptor::new(&finding.record))),
        }
        Ok(true)
    })?;
    Ok(rules)
}

fn run(
    data: &mut ReportData<'_>,
    scanner: &str,
    rules: &BTreeMap<String, Descriptor>,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let jobs: Vec<&JobView> = data.jobs.iter().filter(|job| job.scanner == scanner).collect();
    let version = jobs.iter().find_map(|job| job.scanner_version.clone());
    write!(out, "{{\"tool\":")?;
    serde_json::to_writer(&mut *out, &Tool::new(scanner, version, rules.values().collect()))?;
    write!(out, ",\"automationDetails\":")?;
    serde_json::to_writer(&mut *out, &Automation { id: format!("dragnet/{scanner}/{}", data.scan.id) })?;
    write!(out, ",\"properties\":")?;
    serde_json::to_writer(&mut *out, &RunProperties::new(data))?;
    write!(out, ",\"invocations\":")?;
    serde_json::to_writer(&mut *out, &[invocation(data.scan, &jobs)])?;
    write!(out, ",\"columnKind\":\"unicodeCodePoints\",\"results\":")?;
    let places: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(i, rule)| (rule.as_str(), i)).collect();
    let (mut results, mut number) = (Array::open(out)?, 0_u64);
    for_each::<FindingView, RenderError>(data.findings, |finding| {
        if finding.scanner == scanner {
            number += 1;
            results.item(&SarifResult::new(&finding, places.get(finding.record.rule.as_str()).copied()))?;
        }
        Ok(true)
    })?;
    results.close()?;
    data.notes.extend(too_many(scanner, number, rules.len() as u64));
    Ok(write!(out, "}}")?)
}

/// GitHub refuses a file with a run that has more than this
/// (<https://docs.github.com/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit>).
const MAX_RESULTS: u64 = 25_000;
/// GitHub refuses a file with a run that has more rules than this, or with more runs than these.
const MAX_RULES: u64 = 25_000;
const MAX_RUNS: usize = 20;

/// Says what of a run is more than code scanning takes; other readers take it.
fn too_many(scanner: &str, results: u64, rules: u64) -> Option<String> {
    let (number, what) = if results > MAX_RESULTS { (results, "results") } else { (rules, "rules") };
    (results > MAX_RESULTS || rules > MAX_RULES).then(|| {
        format!("GitHub's code scanning refuses a run of more than 25,000 {what}; {scanner} has {}", grouped(number))
    })
}

/// A run is successful only if all jobs of the scanner saw all that they should.
fn invocation(scan: &ScanView, jobs: &[&JobView]) -> Invocation {
    let missing: Vec<Notification> = jobs
        .iter()
        .filter_map(|job| Some(Notification::error(&format!("{}: {}", job.name, shortfall(job)?))))
        .collect();
    Invocation {
        execution_successful: missing.is_empty() && !jobs.is_empty(),
        start_time_utc: scan.started_at.map(|at| at.to_string()),
        end_time_utc: scan.finished_at.map(|at| at.to_string()),
        tool_execution_notifications: missing,
    }
}

/// The level of a severity; unknown counts as high here as it does in gates.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High | Severity::Unknown => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}
