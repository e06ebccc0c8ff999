//! `dragnet plan`

mod show;

use std::path::PathBuf;

use clap::Args;

use super::choice::ChoiceArgs;
use super::output::Output;
use crate::app::{self, AppError, Planned};
use crate::cli::args::TableFormat;
use crate::cli::context::{Context, Scope};
use crate::cli::error::{CliError, image_hints};
use crate::cli::exit;

/// Show what a scan would run, and why, without running it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet plan                                 what fits this directory
  dragnet plan -t code -o plan.json            freeze a template for `dragnet start plan.json`
  dragnet plan host:example.org --no-engine    without looking for images")]
pub(in crate::cli) struct PlanArgs {
    /// What to scan: a path, or KIND:VALUE, as in git:URL@REV, host:NAME, image:REF
    #[arg(default_value = ".")]
    target: String,
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Write the plan to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the plan as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
    /// Do not look for the images: the plan then names them by their tags
    #[arg(long)]
    no_engine: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &PlanArgs) -> Result<u8, CliError> {
    let mut app = context.app_with(args.choice.flags(), Scope::Project)?;
    let request = args.choice.request(&mut app, &args.target)?;
    let output = args.output.as_deref().map(|path| Output::create(path, context.umask)).transpose()?;
    let planned = context.block_on(async {
        let engine = if args.no_engine { None } else { Some(app::connect(&app).await?) };
        let waiting = context.ui.waiting("planning");
        let planned = app::plan(&app, request, engine.as_ref(), &|words| waiting.say(words)).await?;
        Ok(planned)
    })?;
    let text = crate::plan::write(&planned.plan)?;
    if let Some(output) = output {
        output.write(|out| Ok(out.write_all(text.as_bytes())?))?;
    }
    match args.format {
        TableFormat::Json => context.ui.print(&text)?,
        TableFormat::Table => context.ui.print(&show::plan(&context.ui, &planned))?,
    }
    check_images(planned)?;
    if let Some(path) = &args.output {
        context.ui.say(&format!("written to {}; `dragnet start {}` runs it", path.display(), path.display()));
    }
    Ok(exit::CLEAN)
}

/// A plan that could not run is shown, and is an error.
fn check_images(planned: Planned) -> Result<(), CliError> {
    let mut missing = planned.images.into_iter().filter_map(|image| Some((image.scanner, image.found.err()?)));
    let Some((scanner, error)) = missing.next() else { return Ok(()) };
    let mut error = CliError::from(AppError::Image { scanner, error });
    for (scanner, _) in missing {
        error.hints.extend(image_hints(&scanner).into_iter().take(1));
    }
    Err(error)
}
