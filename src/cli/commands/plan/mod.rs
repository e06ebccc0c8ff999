//! `dragnet plan`

mod show;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::choice::ChoiceArgs;
use super::output::Output;
use super::subject::{self, WithinArgs};
use crate::app::{self, AppError, FoundImage, PlannedImage};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::ui::Ui;
use crate::executor::ExecutorError;
use crate::report::text::clean;

/// Show what a scan would run, and why, without running it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet plan                                 what fits this directory
  dragnet plan -t code -o plan.json            freeze a template for `dragnet start plan.json`
  dragnet plan host:example.org --no-engine    without looking for images
  dragnet plan @shop                           what a scan of the registered target `shop` would run
  dragnet plan --format yaml                   with a cluster: the manifests of the first job of each step")]
pub(in crate::cli) struct PlanArgs {
    /// What to scan: a path, KIND:VALUE, as in git:URL@REV, host:NAME, image:REF, or a registered target: @NAME
    #[arg(default_value = ".")]
    target: String,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    within: WithinArgs,
    /// Write the plan to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the plan as
    #[arg(long, value_enum, default_value_t)]
    format: PlanFormat,
    /// Do not look for the images: the plan then names them by their tags
    #[arg(long)]
    no_engine: bool,
}

/// How a plan is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum PlanFormat {
    /// For people.
    #[default]
    Table,
    /// The plan file, as `-o` writes it.
    Json,
    /// The same in YAML; with a cluster, the manifests that it would be given.
    Yaml,
}

pub(in crate::cli) fn run(context: &Context, args: &PlanArgs) -> Result<u8, CliError> {
    let mut app = context.app_with(args.choice.flags(), subject::scope(&args.target))?;
    let subject = subject::one(&app, &args.target, &args.within)?;
    let request = args.choice.request(&mut app, subject)?;
    let output = args.output.as_deref().map(|path| Output::create(path, context.umask)).transpose()?;
    let mut planned = Context::block_on(async {
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
        PlanFormat::Json => context.ui.print(&text)?,
        PlanFormat::Yaml if planned.objects.is_empty() => {
            context.ui.print(&crate::plan::write_yaml(&planned.plan)?)?;
        }
        PlanFormat::Yaml => context.ui.print(&manifests(&planned.objects)?)?,
        PlanFormat::Table => context.ui.print(&show::plan(&context.ui, &planned))?,
    }
    if args.format != PlanFormat::Table {
        warn_of_tags(&context.ui, &planned.images);
    }
    check_images(planned.missing_images())?;
    if let Some(path) = &args.output {
        context.ui.say(&format!("written to {}; `dragnet start {}` runs it", path.display(), path.display()));
    }
    Ok(exit::CLEAN)
}

/// Writes what the engine would be given, and what of it is not settled yet.
fn manifests(objects: &[serde_json::Value]) -> Result<String, CliError> {
    let head = format!(
        "# What the first job of each step would be. {} stands for the scan's id; assets that earlier steps find, the hashes\n\
         # of databases and the values of secrets are settled when a scan starts.\n",
        app::preview_scan(),
    );
    Ok(head + &crate::plan::write_objects(objects)?)
}

/// Says which images are not frozen, and why.
pub(super) fn warn_of_tags(ui: &Ui, images: &[PlannedImage]) {
    for PlannedImage { scanner, reference, found } in images {
        if let FoundImage::ByTag(why) = found {
            ui.warn(&format!("{scanner}: {} by tag, not resolved: {}", clean(reference), clean(why)));
        }
    }
}

/// A plan that could not run is an error, which names every scanner that is in the way.
pub(super) fn check_images(missing: Vec<(String, ExecutorError)>) -> Result<(), CliError> {
    let mut missing = missing.into_iter();
    let Some((scanner, error)) = missing.next() else { return Ok(()) };
    let error = CliError::from(AppError::Image { scanner, error });
    let others: Vec<String> = missing.map(|(scanner, _)| scanner).collect();
    if others.is_empty() {
        return Err(error);
    }
    Err(error.hint(format!("nor can the images of these be had: {}", others.join(", "))))
}
