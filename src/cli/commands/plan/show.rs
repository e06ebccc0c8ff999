//! A plan for people.

use std::fmt::Write as _;

use crate::app::{Database, FoundImage, Planned, PlannedData};
use crate::cli::style::{self, BAD, BOLD, DIM, GOOD, paint};
use crate::cli::ui::Ui;
use crate::cli::words::{count, duration, size};
use crate::executor::Keeping;
use crate::model::asset::AssetKind;
use crate::model::gate::{FailOn, Rule};
use crate::model::plan::{Condition, OnFailure, SourceFacts, Step};
use crate::model::scanner::{HardeningItem, Limits};
use crate::model::suppress::Suppressions;
use crate::report::text::clean;

/// Most paths that were left out and are named.
const MAX_LEFT_OUT: usize = 10;

/// Draws a plan: what is scanned, why each scanner was chosen, what runs in which order.
pub(super) fn plan(ui: &Ui, planned: &Planned) -> String {
    let mut out = String::new();
    head(ui, planned, &mut out);
    choices(ui, planned, &mut out);
    steps(ui, planned, &mut out);
    databases(ui, planned, &mut out);
    exceptions(ui, planned, &mut out);
    out
}

fn head(ui: &Ui, planned: &Planned, out: &mut String) {
    let plan = &planned.plan;
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(out, "{}{}{text}", paint(ui.out.color, BOLD, label), " ".repeat(10 - label.len()));
    };
    line("Target", &clean(&plan.target.to_string()));
    if !plan.owner.is_default() {
        line("Project", &clean(&plan.owner.to_string()));
    }
    if let Some(source) = &plan.source {
        line("Source", &in_words(source));
    }
    if let Some(template) = &plan.template {
        line("Template", &clean(template));
    }
    line("Limits", &limits(planned));
    if let Some(keeping) = planned.keeping.as_ref().filter(|keeping| **keeping != Keeping::Object) {
        line("Results", &clean(&keeping.to_string()));
    }
    if let Some(isolation) = planned.isolation {
        line("Network", &format!("policy for scanners without a network: {isolation}"));
    }
    let gate = plan.options.gate();
    let asked = gate.fail_on.0.iter().map(FailOn::in_words).chain(gate.rules.iter().map(Rule::to_string));
    for (i, asked) in asked.enumerate() {
        line(if i == 0 { "Gate" } else { "" }, &clean(&asked));
    }
    if let Some(words) = suppressions(&plan.options.suppressions) {
        line("Suppress", &words);
    }
    line("Plan", &format!("sha256 {:.12}", plan.sha256().to_string()));
    for left_out in planned.left_out.iter().take(MAX_LEFT_OUT) {
        line("Left out", &clean(&left_out.to_string()));
    }
    if planned.left_out.len() > MAX_LEFT_OUT {
        line("", &format!("… and {} more", planned.left_out.len() - MAX_LEFT_OUT));
    }
}

/// How many rules there are, and who made them.
fn suppressions(suppressions: &Suppressions) -> Option<String> {
    let mut by: Vec<(&str, u64)> = Vec::new();
    for rule in &suppressions.rules {
        match by.iter_mut().find(|(file, _)| *file == rule.file) {
            Some((_, number)) => *number += 1,
            None => by.push((&rule.file, 1)),
        }
    }
    let parts: Vec<String> =
        by.iter().map(|(file, number)| format!("{} of {}", count(*number, "rule"), clean(file))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn in_words(source: &SourceFacts) -> String {
    let mut words = format!("{}, {}", count(source.files, "file"), size(source.bytes));
    if let Some(commit) = &source.commit {
        let _ = write!(words, " · commit {}", clean(commit).chars().take(12).collect::<String>());
        words.push_str(if source.dirty { ", with changes" } else { "" });
    }
    let _ = write!(words, " · sha256 {:.12}", source.sha256.to_string());
    if !source.unreadable.is_empty() {
        let _ = write!(words, " · {} unreadable", count(source.unreadable.len() as u64, "path"));
    }
    words
}

fn limits(planned: &Planned) -> String {
    let options = &planned.plan.options;
    let mut words = format!("{} at once", count(u64::from(options.parallelism), "job"));
    if let Some(span) = options.max_duration {
        let _ = write!(words, " · at most {span}");
    }
    if let Some(most) = options.max_results {
        let _ = write!(words, " · at most {most} results a job");
    }
    let total: Option<std::time::Duration> = planned.estimates.iter().copied().sum();
    if let Some(total) = total.filter(|total| !total.is_zero()) {
        let _ = write!(words, " · takes about {}", duration(total / options.parallelism.max(1)));
    }
    words
}

fn choices(ui: &Ui, planned: &Planned, out: &mut String) {
    if planned.plan.choices.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint(ui.out.color, BOLD, "Scanners"));
    let wide = planned.plan.choices.iter().map(|choice| choice.scanner.len()).max().unwrap_or(0);
    let (chosen, left_out): (Vec<_>, Vec<_>) = planned.plan.choices.iter().partition(|choice| choice.chosen);
    for choice in chosen.into_iter().chain(left_out) {
        let (mark, look) = if choice.chosen { ("✓", GOOD) } else { ("-", DIM) };
        let text = format!("{:wide$}  {}", choice.scanner, clean(&choice.reason));
        let text = if choice.chosen { text } else { paint(ui.out.color, DIM, &text) };
        let _ = writeln!(out, "  {} {text}", paint(ui.out.color, look, mark));
    }
}

fn steps(ui: &Ui, planned: &Planned, out: &mut String) {
    let _ = writeln!(out, "\n{}", paint(ui.out.color, BOLD, "Steps"));
    let rows: Vec<Vec<String>> = planned.plan.steps.iter().enumerate().map(|(i, step)| row(planned, i, step)).collect();
    let header = ["#", "STEP", "SCANNER", "IMAGE", "LIMITS", "NETWORK", "USUALLY"];
    let lines = style::columns(&header, &rows, ui.out.width.map(|width| width.saturating_sub(2)));
    for (i, line) in lines.iter().enumerate() {
        let line = if i == 0 { paint(ui.out.color, DIM, line) } else { line.clone() };
        let _ = writeln!(out, "  {line}");
    }
    for step in &planned.plan.steps {
        for note in notes(step) {
            let _ = writeln!(out, "  {} {note}", step.id);
        }
    }
    for image in &planned.images {
        let (mark, words) = match &image.found {
            FoundImage::Here(_) | FoundImage::Frozen(_) => continue,
            FoundImage::ByTag(why) => (paint(ui.out.color, DIM, "-"), format!("by tag, not resolved: {why}")),
            FoundImage::Missing(error) => (paint(ui.out.color, BAD, "✗"), error.to_string()),
        };
        let _ = writeln!(out, "  {mark} {}: {}", image.scanner, clean(&words));
    }
}

fn row(planned: &Planned, index: usize, step: &Step) -> Vec<String> {
    let image = &step.scanner.image;
    let short = |digest: &str| format!("{:.12}", digest.rsplit("sha256:").next().unwrap_or_default());
    let image = match planned.images.get(index).map(|image| &image.found) {
        None => format!("{image} (not looked up)"),
        Some(FoundImage::Here(found)) => {
            let digest = found.digest.as_deref().unwrap_or(&found.id);
            format!("{image} ({}, {})", short(digest), size(found.size))
        }
        Some(FoundImage::Frozen(digest)) if digest == image => digest.clone(),
        Some(FoundImage::Frozen(digest)) => format!("{image} ({})", short(digest)),
        Some(FoundImage::ByTag(_)) => format!("{image} (by tag)"),
        Some(FoundImage::Missing(_)) => format!("{image} (not to be had)"),
    };
    let usually = planned.estimates.get(index).copied().flatten();
    vec![
        (index + 1).to_string(),
        step.id.to_string(),
        step.scanner.name.clone(),
        clean(&image).into_owned(),
        limits_of(&step.scanner.limits, &step.scanner.timeout.to_string()),
        step.scanner.network.to_string(),
        usually.map_or_else(|| "-".to_owned(), duration),
    ]
}

fn limits_of(limits: &Limits, timeout: &str) -> String {
    format!("{timeout}, {}, {} cpu", limits.memory, limits.cpus)
}

/// What is not plain about a step.
fn notes(step: &Step) -> Vec<String> {
    let mut notes = Vec::new();
    if !step.needs.is_empty() {
        let needs: Vec<&str> = step.needs.iter().map(crate::model::id::StepId::as_str).collect();
        notes.push(format!("runs after {}", needs.join(", ")));
    }
    if !step.for_each.is_empty() {
        let kinds: Vec<&str> = step.for_each.iter().copied().map(AssetKind::as_str).collect();
        notes.push(format!("runs for each {}, {} at a time", kinds.join(" or "), step.chunk));
    }
    match &step.when {
        Some(Condition::Records(of)) => notes.push(format!("runs only if {of} finds something")),
        Some(Condition::Assets(of)) => notes.push(format!("runs only if {of} finds assets")),
        None => {}
    }
    match step.on_failure {
        OnFailure::Skip => {}
        OnFailure::Continue => notes.push("may fail: steps that need it run all the same".to_owned()),
        OnFailure::Stop => notes.push("ends the scan if it fails".to_owned()),
    }
    if !step.accept_partial.is_empty() {
        let gaps: Vec<&str> = step.accept_partial.iter().map(|gap| gap.as_str()).collect();
        notes.push(format!("counts as complete in spite of {}", gaps.join(", ")));
    }
    notes
}

fn databases(ui: &Ui, planned: &Planned, out: &mut String) {
    if planned.databases.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint(ui.out.color, BOLD, "Databases"));
    for PlannedData { scanner, name, found } in &planned.databases {
        let words = match found {
            &Database::Here { changed, stale } => {
                let age =
                    changed.map_or_else(|| "of unknown age".to_owned(), |at| format!("of {:.10}", at.to_string()));
                format!("{age}{}", if stale { ", stale: what it brings counts as partial" } else { "" })
            }
            Database::ToBeFilled => "filled before the first job, which takes network access".to_owned(),
            Database::Missing(why) => {
                paint(ui.out.color, BAD, &format!("missing, so its jobs will fail: {}", clean(why)))
            }
        };
        let _ = writeln!(out, "  {scanner}: {name} {words}");
    }
}

fn exceptions(ui: &Ui, planned: &Planned, out: &mut String) {
    let all: Vec<_> = planned
        .plan
        .steps
        .iter()
        .flat_map(|step| step.scanner.exceptions.iter().map(move |found| (step, found)))
        .collect();
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint(ui.out.color, BOLD, "Exceptions from hardening"));
    for (step, exception) in all {
        let _ = writeln!(out, "  {}: {} ({})", step.id, item(exception.item), clean(&exception.reason));
    }
}

const fn item(item: HardeningItem) -> &'static str {
    match item {
        HardeningItem::NoexecTmp => "/tmp may hold programs",
        HardeningItem::ReadOnlyRoot => "its root file system can be written to",
        HardeningItem::DropNetRaw => "it keeps CAP_NET_RAW",
        HardeningItem::NonRoot => "it runs as root",
        HardeningItem::ReadOnlyData => "its databases can be written to; what is written is thrown away",
    }
}
