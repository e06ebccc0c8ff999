//! `dragnet start`

mod many;

use std::path::{Path, PathBuf};

use clap::Args;

use super::choice::ChoiceArgs;
use super::output::{Output, ReportFile, format};
use super::plan::{check_images, warn_of_tags};
use super::report::{Reporting, relate, write_report};
use super::subject::{self, Subject, WithinArgs};
use crate::app::targets::TargetError;
use crate::app::{self, App, Baseline, Database, Retaken, StartRequest, TakeUp};
use crate::artifact::Hold;
use crate::cli::background;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::follow::{Follow, Followed, Show, exit_code, follow};
use crate::cli::progress::Progress;
use crate::cli::ui::Ui;
use crate::config::{self, OnInterrupt};
use crate::executor::SharedExecutor;
use crate::model::plan::Plan;
use crate::report::Grouping;
use crate::report::text::clean;

/// Scan a target and report what was found
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet start                                      scan this directory
  dragnet start --fail-on high --report sarif=out.sarif
  dragnet start --baseline main.sarif --fail-on new:high
  dragnet start git:https://example.org/shop.git@main -t code
  dragnet start plan.json                            run what `dragnet plan -o plan.json` froze
  dragnet watch $(dragnet start --detach)            leave it to a driver in the background, and look in
  dragnet start @shop                                scan the registered target `shop`
  dragnet start @tag:web --detach                    scan each enabled target with the tag `web`

The first Ctrl-C cancels the scan and keeps what was found; the second leaves at once.")]
pub(in crate::cli) struct StartArgs {
    /// What to scan: a path, KIND:VALUE, the file of a plan, or registered targets: @NAME, @tag:TAG, @all
    #[arg(value_name = "TARGET|PLAN.json", default_value = ".")]
    target: String,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    within: WithinArgs,
    /// Start no more scans than this of registered targets
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    max_targets: u32,
    /// Run the scanners on this kind of engine
    #[arg(long, value_name = "KIND", value_parser = ["docker", "kubernetes"])]
    executor: Option<String>,
    /// Leave the scan to a driver in the background, and print its id
    #[arg(long, conflicts_with_all = ["report", "format", "on_interrupt", "baseline"])]
    detach: bool,
    /// Print the report as
    #[arg(long, value_name = "FORMAT", value_parser = format(), default_value = "table")]
    format: String,
    /// Write a report to a file too; may be repeated
    #[arg(long, value_name = "FORMAT=PATH")]
    report: Vec<ReportFile>,
    /// Say what is new to this file of known findings: SARIF, or a report of ours as JSON
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Refuse to start a second scan with this key; of several targets, a second one of each
    #[arg(long, value_name = "KEY")]
    request_key: Option<String>,
    /// What the first Ctrl-C or SIGTERM does
    #[arg(long, value_name = "WHAT", value_parser = ["cancel", "detach"])]
    on_interrupt: Option<String>,
}

pub(in crate::cli) fn run(context: &Context, args: &StartArgs) -> Result<u8, CliError> {
    let mut flags = args.choice.flags();
    if let Some(kind) = &args.executor {
        config::set(&mut flags, "executor.kind", kind.as_str());
    }
    if let Some(what) = &args.on_interrupt {
        config::set(&mut flags, "scan.on_interrupt", what.as_str());
    }
    let mut app = context.app_with(flags, subject::scope(&args.target))?;
    let frozen = frozen_plan(args)?;
    let mut subjects = if frozen.is_none() { subjects(&app, args)? } else { Vec::new() };
    let baseline = args.baseline.as_deref().map(|path| Baseline::open(&app, path)).transpose()?;
    let outputs = open_outputs(context, args)?;
    let wanted = Wanted { baseline, outputs };
    // A tag that one target has today may be that of two tomorrow: what is said and done does not hang on it.
    let several = args.detach && subject::may_be_several(&args.target);
    Context::block_on(async {
        let executor = app::connect(&app).await?;
        let (plan, hold) = match (frozen, subjects.pop()) {
            (Some(plan), _) => {
                let hold = use_frozen(context, &app, &plan).await?;
                (plan, hold)
            }
            (None, Some(subject)) if subjects.is_empty() && !several => {
                make_plan(context, &mut app, args, subject, &executor).await?
            }
            (None, last) => {
                subjects.extend(last);
                return many::start(context, &mut app, &executor, subjects, args).await;
            }
        };
        let request = StartRequest { plan, hold, request_key: args.request_key.clone(), actor: context.actor() };
        start(context, &app, executor, request, args, wanted).await
    })
}

/// Returns what is to be scanned. One scan can be waited for; several are left to drivers in the background.
fn subjects(app: &App, args: &StartArgs) -> Result<Vec<Subject>, CliError> {
    let most = if args.detach { args.max_targets } else { 1 };
    subject::some(app, &args.target, &args.within, most).map_err(|error| match error.target() {
        Some(TargetError::TooMany { .. }) if args.detach => {
            error.hint("--max-targets N starts more at once; each has a driver of its own")
        }
        Some(TargetError::TooMany { .. }) => error.hint("--detach leaves their scans to drivers in the background"),
        _ => error,
    })
}

/// What the user wants to have in the end.
struct Wanted {
    baseline: Option<Baseline>,
    outputs: Vec<(String, Output)>,
}

/// Reads the plan when the target is the file of one.
fn frozen_plan(args: &StartArgs) -> Result<Option<Plan>, CliError> {
    let path = Path::new(&args.target);
    if path.extension().is_none_or(|extension| extension != "json") || !path.is_file() {
        return Ok(None);
    }
    if let Some(flag) = args.choice.frozen().or_else(|| args.within.flag()) {
        return Err(CliError::usage(format!("{flag} cannot change the plan in {}", path.display()))
            .hint(format!("plan again with it: `dragnet plan {flag} … -o {}`", path.display())));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("the plan {} cannot be read: {error}", path.display())))?;
    crate::plan::read(&text).map(Some).map_err(|error| CliError::from(error).at(path))
}

/// Opens the files of reports before anything runs, so that no scan is in vain.
fn open_outputs(context: &Context, args: &StartArgs) -> Result<Vec<(String, Output)>, CliError> {
    let open = |file: &ReportFile| Ok((file.format.clone(), Output::create(&file.path, context.umask)?));
    args.report.iter().map(open).collect()
}

async fn use_frozen(context: &Context, app: &App, plan: &Plan) -> Result<Option<Hold>, CliError> {
    Ok(match app::retake(app, plan, &|words| context.ui.say(words)).await? {
        Retaken::Nothing => None,
        Retaken::Kept(hold) => {
            context.ui.say("scanning the source as it was when the plan was made");
            Some(hold)
        }
        Retaken::Again(hold) => {
            context.ui.say("the source of the plan was not in this state; it was taken again and is the same");
            Some(hold)
        }
    })
}

async fn make_plan(
    context: &Context,
    app: &mut App,
    args: &StartArgs,
    subject: Subject,
    executor: &SharedExecutor,
) -> Result<(Plan, Option<Hold>), CliError> {
    let request = args.choice.request(app, subject)?;
    let waiting = context.ui.waiting("taking the source, choosing scanners");
    let mut planned = app::plan(app, request, Some(executor), &|words| waiting.say(words)).await?;
    drop(waiting);
    for left_out in planned.left_out.iter().filter(|left_out| left_out.reason.is_gap()).take(10) {
        context.ui.warn(&format!("{left_out} is not scanned"));
    }
    for missing in &planned.databases {
        if let Database::Missing(why) = &missing.found {
            let words = clean(why);
            context
                .ui
                .warn(&format!("{}: {words}; without it its jobs fail and the scan is INCOMPLETE", missing.scanner));
        }
    }
    warn_of_tags(&context.ui, &planned.images);
    check_images(planned.missing_images())?;
    Ok((planned.plan, planned.hold))
}

async fn start(
    context: &Context,
    app: &App,
    executor: SharedExecutor,
    request: StartRequest,
    args: &StartArgs,
    wanted: Wanted,
) -> Result<u8, CliError> {
    let gate = request.plan.options.gate().with_thresholds(&args.choice.fail_on);
    for missing in app::exploits(app).missing(&gate) {
        let words = missing.to_string();
        context.ui.warn(&format!("the gate cannot be decided, and the exit code will be 3: {}", clean(&words)));
    }
    let waiting = context.ui.waiting("looking for images");
    let (scan, key) = app::submit(app, &executor, request, &|words| waiting.say(words)).await?;
    drop(waiting);
    if args.detach {
        let by = background::drive(context, app, scan, key).await?;
        context.ui.print(&format!("{key}\n"))?;
        context.ui.say(&format!("scan {key} runs {}; `dragnet watch {key}` follows it", by.words()));
        return Ok(exit::CLEAN);
    }
    let with = if app.store.daemon_heartbeat()?.is_some() { ", with the daemon" } else { "" };
    context.ui.say(&format!("scan {key}{with}"));
    let on_interrupt: OnInterrupt = app.config.scan.on_interrupt;
    let show = Show::Progress(Progress::talk(&context.ui));
    let options =
        Follow { scan, key, from: 0, take_up: TakeUp::WithoutDaemon, end_when_paused: true, on_interrupt, show };
    let end = match follow(context, app, Some(executor), options).await? {
        Followed::Watched(end) => end,
        Followed::Left(code) => return Ok(code),
    };
    let relation = relate(context, app, wanted.baseline.as_ref(), scan)?;
    let judged = app::judge(app, scan, &args.choice.fail_on, relation)?;
    let grouping = Grouping::default();
    let reporting = Reporting { judged: &judged, only_new: false, merge: false, limit: None, grouping };
    for (format, output) in wanted.outputs {
        output.write(|out| write_report(context, app, &reporting, &format, out))?;
    }
    write_report(context, app, &reporting, &args.format, &mut Ui::stdout())?;
    Ok(exit_code(context, &judged, end))
}
