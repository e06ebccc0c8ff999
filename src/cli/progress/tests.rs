use super::*;
use crate::model::coverage::{Coverage, Gap};
use crate::model::id::Key8;
use crate::model::outcome::{Failure, FailureReason};
use crate::model::severity::Severity;
use crate::model::wait::{Wait, WaitReason};

fn event(body: EventBody) -> Event {
    Event { seq: 1, at: Timestamp(0), scan: Key8::from_bits(7), actor: "test".to_owned(), body }
}

fn job(to: JobState) -> EventBody {
    EventBody::JobState {
        job: "bandit-0".to_owned(),
        from: JobState::Running,
        to,
        attempt: 1,
        coverage: None,
        records: None,
        failure: None,
        skip: None,
        retry_at: None,
    }
}

/// The line without its time, which depends on the zone.
fn line(body: EventBody) -> Option<String> {
    plain(&event(body)).map(|line| line.get(9..).unwrap_or_default().to_owned())
}

#[test]
fn every_change_is_a_line() {
    let mut done = job(JobState::Succeeded);
    if let EventBody::JobState { records, coverage, .. } = &mut done {
        let mut counts = SeverityCounts::default();
        counts.add(Severity::High);
        (*records, *coverage) = (Some(counts), Some(Coverage::partial(Gap::TimeCap)));
    }
    assert_eq!(line(done).unwrap(), "bandit-0         succeeded   1 finding (1 high) · partial (time_cap)");
    assert_eq!(line(job(JobState::Running)).unwrap(), "bandit-0         running");
    assert_eq!(line(job(JobState::Ready)), None);
}

#[test]
fn words_from_outside_do_not_act_on_the_terminal() {
    let mut failed = job(JobState::Failed);
    if let EventBody::JobState { failure, .. } = &mut failed {
        *failure = Some(Failure { reason: FailureReason::ExitCode, message: "\x1b[2Jgone".to_owned() });
    }
    let line = line(failed).unwrap();
    assert!(line.ends_with("exit_code: gone") && !line.contains('\x1b'), "{line:?}");
}

#[test]
fn a_job_that_waits_says_why_until_it_begins() {
    let waits = |message: &str| EventBody::AttemptWaits {
        job: "bandit-0".to_owned(),
        attempt: 1,
        wait: Wait::new(WaitReason::Image, message),
    };
    let begins = EventBody::AttemptBegins { job: "bandit-0".to_owned(), attempt: 1 };
    assert_eq!(line(waits("ErrImagePull: EOF")).unwrap(), "bandit-0         waits       ErrImagePull: EOF");
    assert_eq!(line(begins.clone()).unwrap(), "bandit-0         begins");
    let mut tally = Tally::default();
    // Nobody's wait is nobody's line.
    tally.take(&event(waits("early")));
    for name in ["another-0", "bandit-0"] {
        let mut running = job(JobState::Running);
        if let EventBody::JobState { job, .. } = &mut running {
            name.clone_into(job);
        }
        tally.take(&event(running));
    }
    assert_eq!(tally.lines(2, Timestamp(5000)), ["  another-0  5s", "  bandit-0  5s"]);
    tally.take(&event(waits("Err\u{202e}: \u{9b}31mEOF")));
    assert_eq!(tally.lines(1, Timestamp(5000)), ["  bandit-0  5s  waits: Err:  31mEOF", "  … and 1 more"]);
    tally.take(&event(begins));
    assert_eq!(tally.lines(2, Timestamp(5000)), ["  another-0  5s", "  bandit-0  5s"]);
}

#[test]
fn replayed_events_add_up_to_what_live_ones_do() {
    let mut tally = Tally::default();
    tally.take(&event(EventBody::ScanCreated { target: "dir:.".to_owned(), jobs: 2 }));
    tally.take(&event(job(JobState::Running)));
    assert_eq!(tally.running.len(), 1);
    tally.take(&event(job(JobState::Succeeded)));
    assert_eq!(tally.head(Timestamp(61_000)), "dir:. ·  · 1/2 jobs · no findings · 1m 01s");
}
