//! `dragnet notify`

mod list;

use clap::{Args, Subcommand};

use crate::app::{App, notify};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::words::count;
use crate::report::text::clean;
use crate::store::Resend;

/// Tell people and programs what became of scans, and see what was told
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  dragnet notify test ops            try the route `ops` of the configuration
  dragnet notify run                 tell what is to be told, once: for cron, where no daemon works
  dragnet notify list --dead         what was given up, and why
  dragnet notify resend --dead       try that again

Routes are `[[notify]]` in your own configuration; `dragnet config show --defaults` explains them."
)]
pub(in crate::cli) struct NotifyArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    List(list::ListArgs),
    Resend(ResendArgs),
    Test(TestArgs),
    /// Write down what is to be told, deliver what is due, and end
    Run,
}

/// Deliver notifications once more, with the ids that they have
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ResendArgs {
    /// These, whatever became of them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All that were given up
    #[arg(long)]
    dead: bool,
}

/// Send a notification that says that it is a test, and tell what the receiver answered
#[derive(Debug, Args)]
struct TestArgs {
    /// The route
    #[arg(value_name = "NAME")]
    name: String,
}

pub(in crate::cli) fn run(context: &Context, args: &NotifyArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    match &args.command {
        NotifyCommand::List(args) => list::run(context, &app, args),
        NotifyCommand::Resend(args) => Context::block_on(resend(context, &app, args)),
        NotifyCommand::Test(args) => Context::block_on(test(context, &app, &args.name)),
        NotifyCommand::Run => {
            if app.config.notify.is_empty() {
                context.ui.say("there are no routes: `[[notify]]` in your configuration makes one");
                return Ok(exit::CLEAN);
            }
            Context::block_on(deliver(context, &app))
        }
    }
}

async fn resend(context: &Context, app: &App, args: &ResendArgs) -> Result<u8, CliError> {
    let what = if args.dead { Resend::Dead } else { Resend::Ids(args.ids.clone()) };
    let number = notify::resend(app, what).await?;
    if number == 0 {
        context.ui.say("there is nothing that was given up");
        return Ok(exit::CLEAN);
    }
    deliver(context, app).await
}

async fn test(context: &Context, app: &App, name: &str) -> Result<u8, CliError> {
    match notify::test(app, name).await? {
        Ok(taken) => {
            context.ui.say(&format!("{name} has taken it: {}", clean(&taken.words)));
            Ok(exit::CLEAN)
        }
        Err(failure) => {
            let error = CliError::unreachable(format!("{name} has not taken it: {}", failure.words));
            Err(if failure.passes { error.hint("a delivery would be tried again later") } else { error })
        }
    }
}

async fn deliver(context: &Context, app: &App) -> Result<u8, CliError> {
    for (route, why) in notify::check(app) {
        context.ui.warn(&format!("route {route}: {why}"));
    }
    let passed = notify::run(app).await?;
    let mut taken = 0;
    for (route, done) in &passed.routes {
        taken += done.taken;
        if done.held {
            context.ui.say(&format!("{route}: another process delivers on it"));
        }
        if let Some(error) = &done.error {
            let what = if done.postponed > 0 { "it is tried again later" } else { "it was given up" };
            context.ui.warn(&format!("route {route}: {error}; {what}"));
        }
    }
    let told = count(passed.told as u64, "notification");
    context.ui.say(&format!("{told} written down, {taken} delivered"));
    Ok(exit::CLEAN)
}
