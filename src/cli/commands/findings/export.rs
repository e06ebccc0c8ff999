//! `dragnet findings export`

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::app::App;
use crate::cli::commands::output::Output;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::ui::Ui;
use crate::report::ExportJson;
use crate::store::SubjectRow;

/// Export all findings of all targets, or of one, with how they stand, what was decided, and their history
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Only findings of the target of this scan
    #[arg(long = "target-of", value_name = "SCAN")]
    target_of: Option<String>,
    /// Write them as
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write them to this file
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// One object a line.
    #[default]
    Jsonl,
    /// One document.
    Json,
}

pub(super) fn run(context: &Context, args: &ExportArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let of = args.target_of.as_ref().map(|scan| app.store.find_scan(scan)).transpose()?;
    let subjects = app.store.subjects(of)?;
    if let Some(path) = &args.output {
        let mut count = 0;
        Output::create(path, context.umask)?.write(|out| {
            count = export(&app, &subjects, args.format, out)?;
            Ok(())
        })?;
        context.ui.say(&format!("{count} findings written to {}", path.display()));
    } else {
        let mut out = Ui::stdout();
        export(&app, &subjects, args.format, &mut out)?;
        out.flush()?;
    }
    Ok(exit::CLEAN)
}

/// Writes all findings; returns how many.
fn export(app: &App, subjects: &[SubjectRow], format: Format, out: &mut dyn Write) -> Result<u64, CliError> {
    let (mut count, mut before) = (0, "\n");
    if format == Format::Json {
        write!(out, "{{\"schema\":\"dragnet.export/v1\",\n\"findings\":[")?;
    }
    for subject in subjects {
        // Names are small; all else is read finding by finding.
        for name in app.store.known_names(subject)? {
            let (stands, history) = (app.store.stands(subject, name)?, app.store.history(subject.subject, name)?);
            if format == Format::Json {
                out.write_all(std::mem::replace(&mut before, ",\n").as_bytes())?;
            }
            let lines = stands.lines.iter().map(|on| (on.line.as_str(), on.scan.as_str(), on.fate)).collect();
            let finding = ExportJson {
                target_key: &subject.target_key,
                scanner: &subject.scanner,
                name,
                lines,
                record: stands.record.as_ref(),
                decision: stands.decision.as_ref(),
                history: &history,
            };
            serde_json::to_writer(&mut *out, &finding)?;
            if format == Format::Jsonl {
                out.write_all(b"\n")?;
            }
            count += 1;
        }
    }
    if format == Format::Json {
        writeln!(out, "]}}")?;
    }
    Ok(count)
}
