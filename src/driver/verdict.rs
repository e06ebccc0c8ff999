//! What an attempt's end is worth: exit code, report and everything else, weighed in one place.
//!
//! An exit code alone tells nothing: scanners end with "findings" when they crash, and with "clean" when a worker was killed.
//! Success needs a sealed manifest, a report that parses, and no error in it.

use std::collections::BTreeSet;

use crate::model::coverage::{Coverage, Gap};
use crate::model::manifest::{Exit, ExitCause};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::scanner::ExitCodes;

/// What the reports of one attempt say, together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reported {
    /// Records and assets stored, and records skipped for a stated reason.
    pub(super) results: u64,
    /// Errors that the reports tell of.
    pub(super) errors: Vec<String>,
    /// Whether `max_results` cut them.
    pub(super) capped: bool,
}

/// Judges the end of the scanner, before its reports are read: a failure that no report can mend, or the gaps so far.
/// `stopping` says whether we have asked it to stop.
pub(super) fn judge_exit(exit: &Exit, codes: &ExitCodes, stopping: bool) -> Result<BTreeSet<Gap>, Failure> {
    let mut gaps = BTreeSet::new();
    if exit.oom_kills > 0 {
        gaps.insert(Gap::OutOfMemory);
    }
    match &exit.cause {
        ExitCause::NotStarted { message } => return Err(Failure::new(FailureReason::ProgramNotStarted, message)),
        ExitCause::ShimKilled if exit.oom_kills > 0 => return Err(out_of_memory()),
        ExitCause::ShimKilled => {
            return Err(Failure::new(FailureReason::Killed, "the container was killed from outside"));
        }
        ExitCause::TimeLimit => _ = gaps.insert(Gap::TimeCap),
        ExitCause::OutputLimit => _ = gaps.insert(Gap::OutputCap),
        ExitCause::Stopped if !stopping => {
            return Err(Failure::new(FailureReason::Killed, "it was stopped, and not by us"));
        }
        ExitCause::Stopped => _ = gaps.insert(Gap::Stopped),
        ExitCause::Ended => judge_code(exit, codes, &mut gaps)?,
    }
    Ok(gaps)
}

fn judge_code(exit: &Exit, codes: &ExitCodes, gaps: &mut BTreeSet<Gap>) -> Result<(), Failure> {
    match (exit.code, exit.signal) {
        (Some(code), _) if codes.ok.contains(&code) || codes.findings.contains(&code) => Ok(()),
        (Some(code), _) if codes.degraded.contains(&code) => {
            gaps.insert(Gap::DegradedExit);
            Ok(())
        }
        (Some(_) | None, _) if exit.oom_kills > 0 => Err(out_of_memory()),
        (Some(code), _) => {
            let known: Vec<i32> =
                [&codes.ok, &codes.findings, &codes.degraded].into_iter().flatten().copied().collect();
            Err(Failure::new(
                FailureReason::ExitCode,
                format!("the scanner ended with exit code {code}; it should be one of {known:?}"),
            ))
        }
        (None, Some(signal)) => {
            Err(Failure::new(FailureReason::Killed, format!("the scanner was killed by signal {signal}")))
        }
        (None, None) => Err(Failure::new(FailureReason::Killed, "nothing is known of how the scanner ended")),
    }
}

fn out_of_memory() -> Failure {
    Failure::new(FailureReason::OutOfMemory, "the scanner was killed for want of memory; raise limits.memory")
}

/// Judges the whole attempt once its reports were read.
pub(super) fn judge_reports(
    exit: &Exit,
    codes: &ExitCodes,
    mut gaps: BTreeSet<Gap>,
    reported: &Reported,
) -> Result<Coverage, Failure> {
    if let Some(error) = reported.errors.first() {
        if reported.results == 0 {
            let more = reported.errors.len() - 1;
            let message = if more > 0 { format!("{error} (and {more} more)") } else { error.clone() };
            return Err(Failure::new(FailureReason::ResultError, format!("the report tells of an error: {message}")));
        }
        gaps.insert(Gap::ToolError);
    }
    let found_by_code = exit.code.is_some_and(|code| codes.findings.contains(&code) && !codes.ok.contains(&code));
    if exit.cause == ExitCause::Ended && found_by_code && reported.results == 0 {
        let message = "the exit code says that there are findings, and the report has none";
        return Err(Failure::new(FailureReason::ResultError, message));
    }
    if reported.capped {
        gaps.insert(Gap::ResultCap);
    }
    Ok(Coverage::from_gaps(gaps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Timestamp;

    fn exit(cause: ExitCause, code: Option<i32>) -> Exit {
        Exit {
            cause,
            code,
            signal: code.is_none().then_some(9),
            oom_kills: 0,
            started_at: Timestamp(0),
            finished_at: Timestamp(0),
            cpu_ms: 0,
            max_rss: 0,
        }
    }

    fn codes() -> ExitCodes {
        ExitCodes { ok: vec![0], findings: vec![1], degraded: vec![3] }
    }

    fn judge(exit: &Exit, reported: &Reported) -> Result<Coverage, FailureReason> {
        let gaps = judge_exit(exit, &codes(), false).map_err(|failure| failure.reason)?;
        judge_reports(exit, &codes(), gaps, reported).map_err(|failure| failure.reason)
    }

    fn some(results: u64) -> Reported {
        Reported { results, ..Reported::default() }
    }

    #[test]
    fn a_code_of_findings_without_findings_is_a_failure() {
        assert_eq!(judge(&exit(ExitCause::Ended, Some(1)), &some(0)), Err(FailureReason::ResultError));
        assert_eq!(judge(&exit(ExitCause::Ended, Some(1)), &some(2)), Ok(Coverage::Full));
        assert_eq!(judge(&exit(ExitCause::Ended, Some(0)), &some(0)), Ok(Coverage::Full));
    }

    #[test]
    fn an_unlisted_code_is_a_failure_and_a_degraded_one_a_gap() {
        assert_eq!(judge(&exit(ExitCause::Ended, Some(7)), &some(5)), Err(FailureReason::ExitCode));
        assert_eq!(judge(&exit(ExitCause::Ended, Some(3)), &some(5)), Ok(Coverage::partial(Gap::DegradedExit)));
    }

    #[test]
    fn a_signal_nobody_sent_is_a_loss() {
        assert_eq!(judge(&exit(ExitCause::Ended, None), &some(5)), Err(FailureReason::Killed));
        assert_eq!(judge(&exit(ExitCause::ShimKilled, None), &some(5)), Err(FailureReason::Killed));
    }

    #[test]
    fn a_stop_that_we_did_not_ask_for_is_a_loss() {
        let stopped = exit(ExitCause::Stopped, Some(0));
        assert_eq!(judge(&stopped, &some(5)), Err(FailureReason::Killed));
        assert_eq!(judge_exit(&stopped, &codes(), true), Ok(BTreeSet::from([Gap::Stopped])));
    }

    #[test]
    fn a_killed_worker_makes_a_clean_end_partial() {
        let exit = Exit { oom_kills: 1, ..exit(ExitCause::Ended, Some(0)) };
        assert_eq!(judge(&exit, &some(0)), Ok(Coverage::partial(Gap::OutOfMemory)));
    }

    #[test]
    fn an_error_in_the_report_is_a_failure_without_results_and_a_gap_with_them() {
        let reported = |results| Reported { results, errors: vec!["no rules".to_owned()], capped: false };
        assert_eq!(judge(&exit(ExitCause::Ended, Some(0)), &reported(0)), Err(FailureReason::ResultError));
        assert_eq!(judge(&exit(ExitCause::Ended, Some(0)), &reported(1)), Ok(Coverage::partial(Gap::ToolError)));
    }

    #[test]
    fn what_was_cut_is_partial() {
        assert_eq!(judge(&exit(ExitCause::TimeLimit, None), &some(1)), Ok(Coverage::partial(Gap::TimeCap)));
        let reported = Reported { results: 10, errors: Vec::new(), capped: true };
        assert_eq!(judge(&exit(ExitCause::Ended, Some(0)), &reported), Ok(Coverage::partial(Gap::ResultCap)));
    }
}
