//! The decisions alone, under inputs in any order: late ones, repeated ones, ones that cannot be.

#![expect(
    clippy::unwrap_used,
    clippy::manual_is_multiple_of,
    reason = "a test fails by panicking, and is written for its reader"
)]

#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod common;

use std::collections::{HashMap, HashSet};

use common::scan::{Lab, step};
use dragnet::driver::{Decisions, Effect, Harvest, Input, Ticket, View, settle, transition};
use dragnet::executor::Observed;
use dragnet::executor::fake::{FakeExecutor, Outcome};
use dragnet::model::asset::AssetKind;
use dragnet::model::clock::Timestamp;
use dragnet::model::coverage::{Coverage, Gap};
use dragnet::model::event::EventBody;
use dragnet::model::id::{AttemptName, JobId, JobName, Key8, Sha256};
use dragnet::model::manifest::{Exit, ExitCause, LogSummary, Manifest};
use dragnet::model::outcome::{Failure, FailureReason};
use dragnet::model::plan::{Gather, OnFailure};
use dragnet::model::state::{AttemptState, JobState, ScanState};
use dragnet::model::wait::{Wait, WaitReason};
use dragnet::store::{Change, Expanded, Verb};
use proptest::prelude::*;

/// What was told of an attempt's waits.
#[derive(Default)]
struct Told {
    reasons: HashSet<WaitReason>,
    begun: bool,
}

/// A view with the steps `one`, `two` (needs one) and `each` (for each port of one), and what was decided on it.
struct Walk {
    view: View,
    now: Timestamp,
    /// Last known state of each attempt, by job row and number.
    attempts: HashMap<(JobId, u32), AttemptState>,
    jobs: HashMap<JobId, JobState>,
    /// What was told of the waits of each attempt, by the job's name and number.
    waits: HashMap<(String, u32), Told>,
    feeds: i64,
    expanding: Option<(i64, usize)>,
    comparing: bool,
    compared: bool,
    rows: i64,
    members: u64,
}

impl Walk {
    fn new(on_failure: OnFailure) -> Self {
        let lab = Lab::new(FakeExecutor::new(|_| Outcome::success([])));
        let (mut one, mut two, mut each) = (step("one"), step("two"), step("each"));
        one.on_failure = on_failure;
        two.needs = vec!["one".parse().unwrap()];
        each.needs = vec!["one".parse().unwrap()];
        (each.for_each, each.chunk, each.gather) = (vec![AssetKind::Port], 2, Gather::Each);
        let scan = futures::executor::block_on(lab.submit(vec![one, two, each]));
        let view = View::new(Key8::from_bits(7), &lab.store.load(scan).unwrap());
        let (attempts, jobs, waits) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self {
            view,
            now: Timestamp(1),
            attempts,
            jobs,
            waits,
            feeds: 0,
            expanding: None,
            comparing: false,
            compared: false,
            rows: 100,
            members: 0,
        }
    }

    /// Feeds one input, settles, dispatches, and checks what was decided.
    fn feed(&mut self, input: Input) {
        let mut out = Decisions::default();
        self.now = self.now.plus_ms(1);
        transition(&mut self.view, input, self.now, &mut out).unwrap();
        settle(&mut self.view, self.now, &mut out).unwrap();
        for ticket in self.view.choose(|_, _| true) {
            self.view.dispatched(ticket, Sha256::of("x"), &mut out).unwrap();
        }
        let mut feeds = Vec::new();
        for change in &out.changes {
            self.check(change, &mut feeds);
        }
        out.events.iter().for_each(|event| self.check_event(event));
        self.view.add_feeds(feeds);
        for effect in &out.effects {
            if let Effect::Expand { feed, step } = effect {
                assert_eq!(self.expanding.replace((*feed, *step)), None, "two slices at once");
            }
            if *effect == Effect::Compare {
                assert!(!std::mem::replace(&mut self.comparing, true), "it is compared twice");
                assert_eq!(self.view.live_tickets().count(), 0, "what is compared may still change");
            }
        }
        if self.view.state().is_terminal() {
            assert_eq!(self.view.live_tickets().count(), 0, "an ended scan has live attempts");
            assert_eq!(self.expanding, None, "an ended scan may still get jobs");
            assert!(self.compared, "an ended scan was not compared");
            assert!(
                self.jobs.values().all(|state| state.is_terminal()),
                "an ended scan has open jobs: {:?}",
                self.jobs
            );
        }
    }

    fn check_event(&mut self, event: &EventBody) {
        match event {
            EventBody::AttemptWaits { job, attempt, wait } => {
                let told = self.waits.entry((job.clone(), *attempt)).or_default();
                assert!(!told.begun, "{job} waits after it has begun");
                assert!(told.reasons.insert(wait.reason), "{job} waits for {:?} twice", wait.reason);
            }
            EventBody::AttemptBegins { job, attempt } => {
                let told = self.waits.get_mut(&(job.clone(), *attempt)).unwrap();
                assert!(!std::mem::replace(&mut told.begun, true), "{job} begins twice");
            }
            _ => {}
        }
    }

    fn check(&mut self, change: &Change, feeds: &mut Vec<(i64, usize)>) {
        match change {
            Change::NewAttempt(new) => {
                let live = self.attempts.iter().find(|((job, _), state)| *job == new.job && state.is_live());
                assert_eq!(live, None, "a second live attempt of job row {}", new.job);
                let old = self.attempts.insert((new.job, new.number), AttemptState::Intent);
                assert_eq!(old, None, "an attempt's number was used again");
            }
            Change::Attempt(moved) => drop(self.attempts.insert((moved.job, moved.number), moved.state)),
            Change::Win { job, attempt, feeds: fed, .. } => {
                assert_eq!(self.attempts.get(&(*job, *attempt)), Some(&AttemptState::Ingested));
                for &step in fed {
                    self.feeds += 1;
                    feeds.push((self.feeds, step));
                }
            }
            Change::JobMove(moved) => drop(self.jobs.insert(moved.job, moved.state)),
            Change::JobEnd(end) => {
                let ended = self.jobs.insert(end.job, end.state).is_some_and(JobState::is_terminal);
                assert!(!ended, "job row {} has ended twice", end.job);
                let stored = |((job, _), state): (&(JobId, u32), &AttemptState)| {
                    *job == end.job && *state == AttemptState::Ingested
                };
                assert!(
                    end.state != JobState::Succeeded || self.attempts.iter().any(stored),
                    "success without results"
                );
            }
            Change::Scan(scan) if scan.state == ScanState::Completed => {
                assert!(self.jobs.values().all(|state| matches!(state, JobState::Succeeded | JobState::Skipped)));
            }
            _ => {}
        }
    }

    /// Makes an input of random numbers; whether it makes sense is not asked.
    fn input(&mut self, kind: u8, job: usize, attempt: u32, flavour: u8) -> Input {
        let ticket = Ticket { job: job % self.view.job_count(), attempt };
        let reasons =
            [FailureReason::ExitCode, FailureReason::EngineError, FailureReason::SpecRefused, FailureReason::Killed];
        let failure = Failure::new(reasons[usize::from(flavour) % reasons.len()], "x");
        match kind {
            0 => Input::Launched(ticket, if flavour > 1 { Ok("id".to_owned()) } else { Err(failure) }),
            1 => Input::Observed(ticket, Observed::Created),
            2 => Input::Observed(ticket, Observed::Running),
            3 | 4 => Input::Observed(ticket, Observed::Exited { code: Some(0), out_of_memory: false, error: None }),
            5 => Input::Missing(ticket),
            6 => Input::Vanished(ticket),
            7 => Input::Gone(ticket),
            8 => Input::EngineLost,
            9 => Input::EngineFound,
            10 | 11 => Input::Collected(ticket, if flavour > 1 { Ok(Box::new(manifest())) } else { Err(failure) }),
            12 | 13 => Input::Ingested(ticket, if flavour > 1 { Ok(harvest(flavour)) } else { Err(failure) }),
            14 => Input::Removed(ticket),
            15 => Input::Abandoned(ticket),
            16 => Input::Unstopped(ticket),
            17 | 18 => self.expanded(flavour),
            19 if flavour == 0 => Input::Asked { id: 1, verb: Verb::Cancel },
            20 => Input::Asked { id: 1, verb: if flavour % 2 == 0 { Verb::Pause } else { Verb::Freeze } },
            21 => Input::Asked { id: 1, verb: Verb::Resume },
            22 | 23 => {
                let reasons = [WaitReason::Place, WaitReason::Image, WaitReason::Quota];
                // An engine's words differ each time.
                let message = format!("{}", self.now.0);
                Input::Waiting(ticket, Wait::new(reasons[usize::from(flavour) % reasons.len()], message))
            }
            24 => self.compared(),
            _ => Input::Tick,
        }
    }

    fn compared(&mut self) -> Input {
        self.compared |= self.comparing;
        if self.comparing { Input::Compared } else { Input::Tick }
    }

    fn expanded(&mut self, flavour: u8) -> Input {
        let Some((feed, step)) = self.expanding.take() else { return Input::Tick };
        self.members += u64::from(flavour % 3);
        let chunks = u32::try_from(self.members.div_ceil(2)).unwrap();
        let known = u32::try_from(self.rows - 100).unwrap();
        let jobs: Vec<_> =
            (known..chunks).map(|chunk| (JobId(self.rows + i64::from(chunk - known)), chunk, 1)).collect();
        self.rows += i64::try_from(jobs.len()).unwrap();
        self.jobs.extend(jobs.iter().map(|(id, ..)| (*id, JobState::Pending)));
        let (members, done) = (self.members, flavour > 0);
        Input::Expanded(Expanded { feed, step, jobs, members, assets: members, done, capped: false })
    }
}

fn harvest(flavour: u8) -> Harvest {
    let coverage = if flavour == 2 { Coverage::partial(Gap::Stopped) } else { Coverage::Full };
    Harvest { coverage, assets: u64::from(flavour), ..Harvest::default() }
}

fn manifest() -> Manifest {
    let job = JobName { step: "one".parse().unwrap(), chunk: 0 };
    let exit = Exit {
        cause: ExitCause::Ended,
        code: Some(0),
        signal: None,
        oom_kills: 0,
        started_at: Timestamp(0),
        finished_at: Timestamp(0),
        cpu_ms: 0,
        max_rss: 0,
    };
    Manifest {
        version: 1,
        name: AttemptName::new(Key8::from_bits(1), Key8::from_bits(2), &job, 1),
        spec: Sha256::of("x"),
        exit,
        files: Vec::new(),
        dropped: Vec::new(),
        log: LogSummary::default(),
        parts: Vec::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_order_of_inputs_leads_astray(
        rule in prop_oneof![Just(OnFailure::Skip), Just(OnFailure::Continue), Just(OnFailure::Stop)],
        inputs in prop::collection::vec((0_u8..26, 0_usize..6, 1_u32..4, 0_u8..6), 0..400),
    ) {
        let mut walk = Walk::new(rule);
        walk.feed(Input::Tick);
        for (kind, job, attempt, flavour) in inputs {
            let input = walk.input(kind, job, attempt, flavour);
            walk.feed(input);
        }
    }
}

/// The one job is stopped by somebody whose driver died between create and start.
#[test]
fn a_container_that_was_never_started_is_no_reason_to_wait() {
    let mut walk = Walk::new(OnFailure::Skip);
    walk.feed(Input::Tick);
    let ticket = Ticket { job: 0, attempt: 1 };
    walk.feed(Input::Asked { id: 1, verb: Verb::Cancel });
    walk.feed(Input::Observed(ticket, Observed::Created));
    assert_eq!(walk.view.state(), ScanState::Cancelling, "its launch is under way");
    walk.feed(Input::Launched(ticket, Err(Failure::new(FailureReason::EngineUnreachable, "x"))));
    assert_eq!(walk.view.state(), ScanState::Cancelling, "it may run all the same");
    walk.feed(Input::Observed(ticket, Observed::Created));
    let compared = walk.compared();
    walk.feed(compared);
    assert_eq!(walk.view.state(), ScanState::Cancelled);
}

/// What the engine repeats is told once, what it says of an attempt that has ended or never was is not told at all.
#[test]
fn a_wait_is_told_once_for_each_reason_until_the_attempt_begins() {
    let mut walk = Walk::new(OnFailure::Skip);
    walk.feed(Input::Tick);
    let ticket = Ticket { job: 0, attempt: 1 };
    let mut decided = |input| {
        let mut out = Decisions::default();
        transition(&mut walk.view, input, Timestamp(1), &mut out).unwrap();
        let stored = out.changes.iter().filter(|change| matches!(change, Change::Waits { .. })).count();
        let told: Vec<String> = out.events.iter().map(|event| event.kind().to_owned()).collect();
        (told, stored)
    };
    let wait = |reason, words| Input::Waiting(ticket, Wait::new(reason, words));
    let waits = (vec!["attempt_waits".to_owned()], 1);
    let nothing = (Vec::new(), 0);
    assert_eq!(decided(Input::Waiting(Ticket { job: 0, attempt: 2 }, Wait::new(WaitReason::Place, ""))), nothing);
    assert_eq!(decided(wait(WaitReason::Place, "0/1")), waits);
    assert_eq!(decided(wait(WaitReason::Place, "0/2")), nothing);
    // An answered launch is no beginning.
    assert_eq!(decided(Input::Launched(ticket, Ok("id".to_owned()))).0, ["attempt_state"]);
    assert_eq!(decided(wait(WaitReason::Image, "back-off 10s")), waits);
    assert_eq!(decided(Input::Observed(ticket, Observed::Running)), (vec!["attempt_begins".to_owned()], 1));
    assert_eq!(decided(Input::Observed(ticket, Observed::Running)), nothing);
    assert_eq!(decided(wait(WaitReason::Quota, "")), nothing);
    let exited = Observed::Exited { code: Some(0), out_of_memory: false, error: None };
    assert_eq!(decided(Input::Observed(ticket, exited)).1, 0);
    assert_eq!(decided(wait(WaitReason::Machine, "")), nothing);
}

/// The engine's word that a container is gone overtakes the answer to its start.
#[test]
fn a_container_that_vanishes_before_its_launch_is_answered_is_asked_about() {
    let mut walk = Walk::new(OnFailure::Skip);
    walk.feed(Input::Tick);
    let ticket = Ticket { job: 0, attempt: 1 };
    walk.feed(Input::Vanished(ticket));
    let mut out = Decisions::default();
    transition(&mut walk.view, Input::Launched(ticket, Ok("id".to_owned())), walk.now, &mut out).unwrap();
    assert!(out.effects.contains(&Effect::Inspect(ticket)), "{:?}", out.effects);
}

/// A slice that is expanded while the scan is cancelled brings jobs that nobody else would end.
#[test]
fn an_expansion_that_comes_after_a_cancel_leaves_no_open_job() {
    let mut walk = Walk::new(OnFailure::Skip);
    walk.feed(Input::Tick);
    let ticket = Ticket { job: 0, attempt: 1 };
    walk.feed(Input::Launched(ticket, Ok("id".to_owned())));
    walk.feed(Input::Observed(ticket, Observed::Exited { code: Some(0), out_of_memory: false, error: None }));
    walk.feed(Input::Collected(ticket, Ok(Box::new(manifest()))));
    walk.feed(Input::Ingested(ticket, Ok(harvest(4))));
    walk.feed(Input::Tick);
    assert!(walk.expanding.is_some());
    walk.feed(Input::Asked { id: 1, verb: Verb::Cancel });
    walk.feed(Input::Launched(Ticket { job: 1, attempt: 1 }, Err(Failure::new(FailureReason::EngineUnreachable, "x"))));
    walk.feed(Input::Gone(Ticket { job: 1, attempt: 1 }));
    assert_eq!(walk.view.state(), ScanState::Cancelling);
    let expanded = walk.expanded(2);
    walk.feed(expanded);
    let compared = walk.compared();
    walk.feed(compared);
    assert_eq!(walk.view.state(), ScanState::Cancelled);
}
