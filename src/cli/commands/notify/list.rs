//! `dragnet notify list`

use clap::Args;

use crate::app::{App, notify};
use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::words::moment;
use crate::model::notify::{DeliveryState, NotificationView};
use crate::report::text::{clean, fit};
use crate::store::NotificationFilter;

/// Most columns of a title, and of an error.
const TEXT: usize = 60;

/// List notifications, newest first: what was told, what is to be told, what was given up
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only what was given up
    #[arg(long, conflicts_with = "pending")]
    dead: bool,
    /// Only what is to be delivered
    #[arg(long)]
    pending: bool,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Print the list as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(super) fn run(context: &Context, app: &App, args: &ListArgs) -> Result<u8, CliError> {
    let state = match (args.dead, args.pending) {
        (true, _) => Some(DeliveryState::Dead),
        (_, true) => Some(DeliveryState::Pending),
        _ => None,
    };
    let all = notify::list(app, NotificationFilter { state, limit: args.limit })?;
    if args.format == TableFormat::Json {
        context.ui.json("dragnet.notifications/v1", "notifications", &all)?;
    } else if all.is_empty() {
        context.ui.say("there are no such notifications");
    } else {
        let rows: Vec<Vec<String>> = all.iter().map(row).collect();
        context.ui.table(&["ID", "ROUTE", "EVENT", "SCAN", "STATE", "TRIES", "WRITTEN", "SAYS"], &rows)?;
    }
    Ok(exit::CLEAN)
}

fn row(one: &NotificationView) -> Vec<String> {
    let says = match &one.last_error {
        Some(error) => format!("{} — {}", fit(&clean(&one.title), TEXT), fit(&clean(error), TEXT)),
        None => fit(&clean(&one.title), TEXT).into_owned(),
    };
    let state = match (one.state, one.next_at) {
        (DeliveryState::Pending, Some(at)) if one.attempts > 0 => format!("pending, next {}", moment(at)),
        (state, _) => state.as_str().to_owned(),
    };
    vec![
        one.id.clone(),
        one.route.clone(),
        one.event.clone(),
        one.scan.clone().unwrap_or_else(|| "-".to_owned()),
        state,
        one.attempts.to_string(),
        moment(one.created_at),
        says,
    ]
}
