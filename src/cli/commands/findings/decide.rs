//! `dragnet findings suppress`, `accept` and `reopen`

use clap::Args;

use crate::app::{self, TriageRequest};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::model::clock::Timestamp;
use crate::model::triage::Decision;

/// Names findings.
#[derive(Debug, Args)]
struct Named {
    /// The findings: their fingerprints, or unique beginnings of them
    #[arg(value_name = "FINGERPRINT", required = true)]
    findings: Vec<String>,
    /// Look for them in this scan and its target
    #[arg(long = "in", value_name = "SCAN", default_value = "latest")]
    scan: String,
}

/// Say that findings are not to be told of: gates do not count them, reports mark them
#[derive(Debug, Args)]
pub(super) struct SuppressArgs {
    #[command(flatten)]
    named: Named,
    /// Why; kept with the decision
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The scanner is wrong
    #[arg(long)]
    false_positive: bool,
    /// Until this day (UTC), or for so long: `2027-01-31`, `30d`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Until>,
}

/// Say that the risk of findings is taken: gates do not count them, reports mark them
#[derive(Debug, Args)]
pub(super) struct AcceptArgs {
    #[command(flatten)]
    named: Named,
    /// Why; kept with the decision
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Until this day (UTC), or for so long: `2027-01-31`, `30d`
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Until>,
}

/// Take back what was decided of findings: they count again
#[derive(Debug, Args)]
pub(super) struct ReopenArgs {
    #[command(flatten)]
    named: Named,
    /// Why; kept with the decision
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// The end of a decision.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// The beginning of the day after this one, in milliseconds since the Unix epoch.
    Day(i64),
    /// So many milliseconds from now.
    Span(i64),
}

const DAY: i64 = 24 * 60 * 60 * 1000;

fn moment(text: &str) -> Result<Until, String> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()).filter(|days| *days > 0) {
        return Ok(Until::Span(i64::from(days) * DAY));
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| "give a day like 2027-01-31, or days like 30d".to_owned())?;
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(Until::Day(midnight.timestamp().as_millisecond() + DAY))
}

pub(super) fn suppress(context: &Context, args: &SuppressArgs) -> Result<u8, CliError> {
    let decision = if args.false_positive { Decision::FalsePositive } else { Decision::Suppressed };
    decide(context, &args.named, Some(decision), Some(&args.reason), args.until)
}

pub(super) fn accept(context: &Context, args: &AcceptArgs) -> Result<u8, CliError> {
    decide(context, &args.named, Some(Decision::Accepted), Some(&args.reason), args.until)
}

pub(super) fn reopen(context: &Context, args: &ReopenArgs) -> Result<u8, CliError> {
    decide(context, &args.named, None, args.reason.as_ref(), None)
}

fn decide(
    context: &Context,
    named: &Named,
    decision: Option<Decision>,
    reason: Option<&String>,
    until: Option<Until>,
) -> Result<u8, CliError> {
    let app = context.app()?;
    let now = app.clock.now();
    let until = until.map(|until| match until {
        Until::Day(end) => Timestamp(end),
        Until::Span(span) => now.plus_ms(span),
    });
    if until.is_some_and(|until| until <= now) {
        return Err(CliError::usage("--until: that day is over".to_owned()));
    }
    let request = TriageRequest {
        scan: app.store.find_scan(&named.scan)?,
        names: named.findings.clone(),
        decision,
        reason: reason.cloned(),
        until,
        actor: context.actor(),
    };
    for name in Context::block_on(async { Ok(app::triage(&app, request).await?) })? {
        let word = decision.map_or("open again", Decision::in_words);
        let end = until.map(|until| format!(" until {until}")).unwrap_or_default();
        context.ui.say(&format!("{name} is {word}{end}"));
    }
    Ok(exit::CLEAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_days_or_spans() {
        assert!(matches!(moment("30d"), Ok(Until::Span(ms)) if ms == 30 * DAY));
        assert!(matches!(moment("1970-01-02"), Ok(Until::Day(ms)) if ms == 2 * DAY), "the day counts whole");
        for bad in ["", "d", "0d", "soon", "2027-13-01"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
