//! `dragnet show`

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::style::{BOLD, paint};
use crate::cli::words::{moment, took};
use crate::model::id::ScanId;
use crate::model::view::{EndReason, JobView, ScanView};
use crate::report::shortfall::shortfall;
use crate::report::text::clean;
use crate::store::StoreError;

/// Show how a scan or one of its jobs stands
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet show                       the newest scan and its jobs
  dragnet show 4f2k/bandit-0         a job, and each attempt at it
  dragnet show latest --format json")]
pub(in crate::cli) struct ShowArgs {
    /// The scan, or SCAN/JOB
    #[arg(value_name = "SCAN[/JOB]", default_value = "latest")]
    what: String,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(in crate::cli) fn run(context: &Context, args: &ShowArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let (scan, job) = args.what.split_once('/').map_or((args.what.as_str(), None), |(scan, job)| (scan, Some(job)));
    let id = app.store.find_scan(scan)?;
    let jobs = app.store.jobs(id)?;
    match job {
        Some(job) => show_job(context, &app, id, &find_job(jobs, job)?, args.format)?,
        None => show_scan(context, &app.store.scan(id)?, &jobs, args.format)?,
    }
    Ok(exit::CLEAN)
}

/// Finds a job by its name; a step's name stands for its first job.
fn find_job(jobs: Vec<JobView>, name: &str) -> Result<JobView, CliError> {
    let known: Vec<String> = jobs.iter().map(|job| job.name.clone()).collect();
    let first = format!("{name}-0");
    jobs.into_iter().find(|job| job.name == name || job.name == first).ok_or_else(|| {
        CliError::from(StoreError::NotFound(format!("job `{name}` in this scan")))
            .hint(format!("its jobs are {}", known.join(", ")))
    })
}

fn show_scan(context: &Context, scan: &ScanView, jobs: &[JobView], format: TableFormat) -> Result<(), CliError> {
    if format == TableFormat::Json {
        return context.ui.json("dragnet.scan/v1", "scan", &json!({ "scan": scan, "jobs": jobs }));
    }
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(
            text,
            "{}{}{}",
            paint(context.ui.out.color, BOLD, label),
            " ".repeat(12 - label.len()),
            clean(value)
        );
    };
    line("Scan", scan.id.as_str());
    line("Target", &scan.target.to_string());
    line("Target key", &scan.target_key.key);
    line("State", &state(scan));
    line("Saw", &scan.coverage.to_string());
    line("Ran on", &scan.executor);
    if let Some(source) = &scan.source {
        line("Source", &format!("sha256 {}", source.sha256));
    }
    line("Plan", &format!("sha256 {}", scan.plan_sha256));
    line("Made", &moment(scan.created_at));
    line("Took", &took(scan.started_at, scan.finished_at));
    if let Some(owner) = &scan.owner {
        line("Driven by", owner);
    }
    context.ui.print(&(text + "\n"))?;
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    context.ui.table(&["JOB", "SCANNER", "STATE", "TRIES", "RECORDS", "ASSETS", "TOOK", "MISSING"], &rows)
}

fn state(scan: &ScanView) -> String {
    match scan.end {
        Some(end) => format!("{} ({})", scan.state, EndReason::as_str(end)),
        None => scan.state.to_string(),
    }
}

fn row(job: &JobView) -> Vec<String> {
    vec![
        job.name.clone(),
        job.scanner.clone(),
        job.state.to_string(),
        job.attempts.to_string(),
        job.records.total().to_string(),
        job.assets.to_string(),
        took(job.started_at, job.finished_at),
        clean(&shortfall(job).unwrap_or_default()).into_owned(),
    ]
}

fn show_job(context: &Context, app: &App, scan: ScanId, job: &JobView, format: TableFormat) -> Result<(), CliError> {
    let attempts = app.store.attempts(scan, &job.name)?;
    if format == TableFormat::Json {
        let attempts: Vec<_> = attempts
            .iter()
            .map(|(name, number, state)| json!({ "name": name, "number": number, "state": state }))
            .collect();
        return context.ui.json("dragnet.job/v1", "job", &json!({ "job": job, "attempts": attempts }));
    }
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(
            text,
            "{}{}{}",
            paint(context.ui.out.color, BOLD, label),
            " ".repeat(12 - label.len()),
            clean(value)
        );
    };
    line("Job", &job.name);
    line("Scanner", &format!("{} {}", job.scanner, job.scanner_version.as_deref().unwrap_or_default()));
    line("Image", &job.image);
    line("Image id", job.image_id.as_deref().unwrap_or("-"));
    line("State", job.state.as_str());
    line("Saw", &job.coverage.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string));
    if let Some(shortfall) = shortfall(job) {
        line("Missing", &shortfall);
    }
    line("Found", &crate::cli::progress::found(&job.records));
    line("Took", &took(job.started_at, job.finished_at));
    context.ui.print(&(text + "\n"))?;
    let rows: Vec<Vec<String>> = attempts
        .iter()
        .map(|(name, number, state)| vec![number.to_string(), name.to_string(), state.to_string()])
        .collect();
    context.ui.table(&["TRY", "NAME", "STATE"], &rows)
}
