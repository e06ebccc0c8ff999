//! `dragnet findings reparse`

use clap::Args;

use crate::app;
use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::driver::{Outcome, Reparsed, ReparsedJob};
use crate::model::id::ScanKey;
use crate::report::text::clean;
use crate::store::ScanFilter;

/// Read the raw results of ended scans again, after an upgrade: with the parsers of this dragnet
#[derive(Debug, Args)]
pub(super) struct ReparseArgs {
    /// The scans: their ids, unique beginnings of them, or `latest`
    #[arg(value_name = "SCAN", default_value = "latest")]
    scans: Vec<String>,
    /// All scans that have ended
    #[arg(long, conflicts_with = "scans")]
    all: bool,
    /// Print what changed as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(super) fn run(context: &Context, args: &ReparseArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let mut scans = Vec::new();
    if args.all {
        for view in app.store.scans(&ScanFilter { limit: u32::MAX, ..ScanFilter::default() })? {
            if view.state.is_terminal() {
                scans.push(app.store.find_scan(view.id.as_str())?);
            }
        }
    } else {
        for name in &args.scans {
            scans.push(app.store.find_scan(name)?);
        }
    }
    let mut all = Vec::new();
    Context::block_on(async {
        let each = |key: ScanKey, reparsed: &Reparsed| {
            context.ui.say(&format!("scan {key} was read again"));
            all.push((key, reparsed.clone()));
        };
        Ok(app::reparse(&app, scans, &context.actor(), each).await?)
    })?;
    match args.format {
        TableFormat::Json => context.ui.print(&format!("{}\n", json(&all)))?,
        TableFormat::Table => table(context, &all)?,
    }
    Ok(exit::CLEAN)
}

fn table(context: &Context, all: &[(ScanKey, Reparsed)]) -> Result<(), CliError> {
    let mut rows = Vec::new();
    for (key, reparsed) in all {
        rows.extend(reparsed.jobs.iter().map(|job| row(*key, job)));
    }
    if rows.is_empty() {
        context.ui.say("no job has results");
        return Ok(());
    }
    context.ui.table(&["SCAN", "JOB", "BEFORE", "NOW", "WHAT"], &rows)?;
    for (key, reparsed) in all.iter().filter(|(_, reparsed)| reparsed.renamed + reparsed.compared > 0) {
        context.ui.say(&format!(
            "scan {key}: {} findings have another fingerprint now and keep their names; {} later scans were compared again",
            reparsed.renamed, reparsed.compared
        ));
    }
    Ok(())
}

fn row(key: ScanKey, job: &ReparsedJob) -> Vec<String> {
    let (before, after, mut words) = match &job.outcome {
        Outcome::Read { before, after, skipped, errors } => {
            let skipped = skipped.iter().map(|(reason, count)| format!("{count} skipped: {reason}"));
            let errors = errors.iter().map(|error| format!("the report tells of an error: {error}"));
            (before.to_string(), after.to_string(), skipped.chain(errors).collect::<Vec<_>>())
        }
        Outcome::Nothing => ("-".to_owned(), "-".to_owned(), vec!["no raw results".to_owned()]),
        Outcome::Kept { why } => ("-".to_owned(), "-".to_owned(), vec![format!("left as it was: {why}")]),
    };
    words.extend((!job.masked.is_empty()).then(|| "secrets in it are masked".to_owned()));
    let words = clean(&words.join("; ")).into_owned();
    vec![key.to_string(), clean(&job.job).into_owned(), before, after, words]
}

fn json(all: &[(ScanKey, Reparsed)]) -> serde_json::Value {
    let job = |job: &ReparsedJob| {
        let mut value = serde_json::json!({"job": job.job, "masked": job.masked});
        let more = match &job.outcome {
            Outcome::Read { before, after, skipped, errors } => serde_json::json!({"outcome": "read", "before": before,
                "after": after, "skipped": skipped, "errors": errors}),
            Outcome::Nothing => serde_json::json!({"outcome": "nothing"}),
            Outcome::Kept { why } => serde_json::json!({"outcome": "kept", "why": why}),
        };
        if let (Some(value), serde_json::Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
        value
    };
    let scans = all.iter().map(|(key, reparsed)| {
        serde_json::json!({"scan": key.to_string(), "renamed": reparsed.renamed, "compared": reparsed.compared,
            "jobs": reparsed.jobs.iter().map(job).collect::<Vec<_>>()})
    });
    serde_json::json!({"schema": "dragnet.reparse/v1", "scans": scans.collect::<Vec<_>>()})
}
