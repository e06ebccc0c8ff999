//! `dragnet logs`

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::app::{self, LogEntry, LogsRequest};
use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::model::manifest::LogLine;
use crate::report::text::clean;

/// Print what a job's scanner said
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet logs latest bandit                 the last attempt of the job bandit-0
  dragnet logs -f 4f2k bandit-0              go on while it runs
  dragnet logs latest bandit --attempt 1 --raw > bandit.log")]
pub(in crate::cli) struct LogsArgs {
    /// The scan: its id, a unique beginning of it, or `latest`
    scan: String,
    /// The job; a step's name stands for its first job
    job: String,
    /// Go on while the scanner runs
    #[arg(short, long)]
    follow: bool,
    /// Begin with this line
    #[arg(long, value_name = "N", default_value_t = 1)]
    since_seq: u64,
    /// The attempt, from 1 [default: the last]
    #[arg(long, value_name = "N")]
    attempt: Option<u32>,
    /// Print the bytes as they are, escape sequences and all
    #[arg(long, conflicts_with = "format")]
    raw: bool,
    /// Print lines as text, or as one JSON object each
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(in crate::cli) fn run(context: &Context, args: &LogsArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let request = LogsRequest {
        scan: app.store.find_scan(&args.scan)?,
        job: args.job.clone(),
        attempt: args.attempt,
        from_seq: args.since_seq,
        follow: args.follow,
    };
    let found = Context::block_on(app::logs(&app, request, |entry| {
        let mut out = std::io::stdout().lock();
        match entry {
            LogEntry::Line(line) => print(&mut out, &line, args),
            LogEntry::Hole(hole) => {
                context.ui.warn(&format!(
                    "lines {} to {} are missing: over the log's limit, or damaged",
                    hole.start,
                    hole.end - 1
                ));
                Ok(())
            }
        }
    }))?;
    if !found {
        context.ui.say("no log was kept: the attempt ended before it could be collected");
    }
    Ok(exit::CLEAN)
}

fn print(out: &mut impl Write, line: &LogLine, args: &LogsArgs) -> Result<(), CliError> {
    if args.raw {
        out.write_all(&line.bytes)?;
        if !line.partial {
            out.write_all(b"\n")?;
        }
        return Ok(());
    }
    let text = String::from_utf8_lossy(&line.bytes);
    match args.format {
        TableFormat::Table => writeln!(out, "{}", clean(&text))?,
        TableFormat::Json => {
            let object = json!({ "seq": line.seq, "at": line.at.to_string(), "stream": line.stream, "partial": line.partial, "text": text });
            writeln!(out, "{object}")?;
        }
    }
    Ok(())
}
