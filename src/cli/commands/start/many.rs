//! Scans of several registered targets, each with a driver of its own in the background.

use std::path::Path;

use super::{StartArgs, make_plan};
use crate::app::{self, App, StartRequest};
use crate::cli::background;
use crate::cli::commands::subject::Subject;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Kind};
use crate::cli::exit;
use crate::cli::words::count;
use crate::executor::SharedExecutor;
use crate::report::text::clean;

/// Starts a scan of each, and prints their ids. One that cannot be started is told of, and keeps no other from being.
pub(super) async fn start(
    context: &Context,
    app: &mut App,
    executor: &SharedExecutor,
    subjects: Vec<Subject>,
    args: &StartArgs,
) -> Result<u8, CliError> {
    let (mut started, mut refused, mut code) = (0, 0, exit::CLEAN);
    for subject in subjects {
        let name = subject.name.clone().unwrap_or_default();
        match begin(context, app, executor, subject, args, &name).await {
            Ok(()) => started += 1,
            // Neither an engine that is away nor a reader that has left is there for the next one.
            Err(error) if matches!(error.kind, Kind::Unreachable | Kind::BrokenPipe) => return Err(error),
            Err(error) => {
                refused += 1;
                code = code.max(error.code());
                context.ui.error(&error.at(Path::new(&name)));
            }
        }
    }
    let scans = count(started, "scan");
    context.ui.say(&match refused {
        0 => format!("{scans} started in the background; `dragnet list --open` shows them"),
        _ => format!("{scans} started in the background; {} could not be started", count(refused, "target")),
    });
    Ok(code)
}

async fn begin(
    context: &Context,
    app: &mut App,
    executor: &SharedExecutor,
    subject: Subject,
    args: &StartArgs,
    name: &str,
) -> Result<(), CliError> {
    let (plan, hold) = make_plan(context, app, args, subject, executor).await?;
    // One key stands for one scan: that of each target is its own.
    let request_key = args.request_key.as_ref().map(|key| format!("{key}/{name}"));
    let request = StartRequest { plan, hold, request_key, actor: context.actor() };
    let waiting = context.ui.waiting("looking for images");
    let (scan, key) = app::submit(app, executor, request, &|words| waiting.say(words)).await?;
    drop(waiting);
    background::drive(context, app, scan, key).await?;
    context.ui.print(&format!("{key}\n"))?;
    context.ui.say(&format!("scan {key} of {}", clean(name)));
    Ok(())
}
