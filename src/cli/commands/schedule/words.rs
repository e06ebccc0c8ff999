//! Schedules and ticks in words.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::app::schedule::Overview;
use crate::cli::words::duration;
use crate::model::clock::Timestamp;
use crate::model::schedule::{SkipReason, Tick, TickState, Zone};

/// `2026-05-01 13:00:00 CEST`, where the schedule is.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return "-".to_owned() };
    moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `in 3m 05s`, `2h 07m ago`.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let distance = duration(Duration::from_millis(at.since(now).unsigned_abs()));
    if at > now { format!("in {distance}") } else { format!("{distance} ago") }
}

/// When it is due next, and how long that is from now.
pub(super) fn next(at: Option<Timestamp>, zone: &Zone, now: Timestamp) -> String {
    match at {
        Some(at) if at <= now => format!("{} (due)", moment(at, zone.rules())),
        Some(at) => format!("{} ({})", moment(at, zone.rules()), relative(at, now)),
        None => "-".to_owned(),
    }
}

/// What state a schedule is in.
pub(super) fn state(overview: &Overview, now: Timestamp) -> &'static str {
    let standing = &overview.standing;
    match () {
        () if !overview.configured => "removed",
        () if standing.paused.is_some() => "paused",
        () if !standing.enabled => "disabled",
        () if standing.cursor > now => "ahead",
        () if !overview.seen => "new",
        () => "active",
    }
}

/// What has become of a tick, in a few words.
pub(super) fn brief(tick: &Tick) -> String {
    outcome(&Tick { message: None, ..tick.clone() })
}

/// What has become of a tick.
pub(super) fn outcome(tick: &Tick) -> String {
    let more = |words: &str| match &tick.message {
        Some(message) => format!("{words}: {message}"),
        None => words.to_owned(),
    };
    match tick.state {
        TickState::Started => tick.scan.map_or_else(|| "started".to_owned(), |scan| format!("started scan {scan}")),
        TickState::Skipped => format!("skipped: {}", more(tick.reason.map_or("", SkipReason::in_words))),
        TickState::Failed => more(&format!("not started yet, {} tried", times(tick.attempts))),
        TickState::Waiting => "waits for the earlier scan".to_owned(),
        TickState::Pending => "about to start".to_owned(),
    }
}

fn times(number: u32) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

/// What ticks a row is about: one, or several.
pub(super) fn due(tick: &Tick, zone: &TimeZone) -> String {
    let first = moment(tick.due, zone);
    match tick.ticks {
        _ if tick.manual => format!("{first} (asked by {})", tick.actor),
        Some(1) => first,
        Some(count) => format!("{first} and {} more to {}", count - 1, moment(tick.through, zone)),
        None => format!("{first} and more than can be counted to {}", moment(tick.through, zone)),
    }
}
