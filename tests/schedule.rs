//! Schedules over a real store, with scans that no engine runs: whatever the clock does, whoever dies at any moment and whoever else
//! is at it, each tick has one outcome and each outcome at most one scan.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and is written for its reader")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use dragnet::app::schedule::{self, Ran, Starter};
use dragnet::app::{App, AppError, Say};
use dragnet::config::Config;
use dragnet::model::clock::{Clock, Timestamp};
use dragnet::model::id::{ScanId, ScanKey};
use dragnet::model::owner::Owner;
use dragnet::model::plan::{Plan, ScanOptions};
use dragnet::model::schedule::{Schedule, SkipReason, Tick, TickState};
use dragnet::model::target::TargetKey;
use dragnet::store::{NewScan, StoreError, TickFilter, Verb};
use proptest::prelude::*;
use rusqlite::Connection;

/// 2026-03-28, the day before the clocks of Europe go forward.
const START: i64 = 1_774_656_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Submits scans without steps; refuses while it is told to.
#[derive(Default)]
struct Submitter {
    refuses: AtomicBool,
}

#[async_trait(?Send)]
impl Starter for Submitter {
    async fn start(
        &self,
        app: &App,
        schedule: &Schedule,
        tick: &Tick,
        _: Say<'_>,
    ) -> Result<(ScanId, ScanKey), AppError> {
        if let Some(found) = app.store.scan_of_request(schedule, &tick.request_key)? {
            return Ok(found);
        }
        if self.refuses.load(Ordering::Relaxed) {
            return Err(AppError::NothingScheduled("refused".to_owned()));
        }
        let target = "host:a".parse().unwrap();
        let plan = Plan {
            template: None,
            target,
            owner: Owner::default(),
            target_key: TargetKey { key: "host:a".to_owned(), line: None },
            source: None,
            options: ScanOptions::default(),
            steps: Vec::new(),
            choices: Vec::new(),
        };
        let new = NewScan {
            plan,
            source: None,
            executor: "none".to_owned(),
            profile: "{}".to_owned(),
            server_identity: "none".to_owned(),
            steps: Vec::new(),
            request_key: Some(tick.request_key.clone()),
            actor: "test".to_owned(),
            at: app.clock.now(),
        };
        match app.store.submit(new).await {
            Err(StoreError::RequestKeyUsed { .. }) => {
                Ok(app.store.scan_of_request(schedule, &tick.request_key)?.unwrap())
            }
            submitted => Ok(submitted?),
        }
    }
}

/// A state with a clock that is moved.
struct Bench {
    app: App,
    now: Arc<AtomicI64>,
    submitter: Submitter,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(schedules: &str) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let config: Config = toml::from_str(schedules).unwrap();
        let mut app = App::open(&dir.path().join("state"), config, BTreeMap::new()).unwrap();
        let now = Arc::new(AtomicI64::new(START));
        app.clock = Clock::Fixed(now.clone());
        Self { app, now, submitter: Submitter::default(), dir }
    }

    /// A schedule of the target `host:a`, called `x`, with these keys.
    fn of(keys: &str) -> Self {
        Self::new(&format!("[[schedules]]\nname = 'x'\ntarget = 'host:a'\n{keys}\n"))
    }

    fn reconfigure(&mut self, keys: &str) {
        self.app.config = toml::from_str(&format!("[[schedules]]\nname = 'x'\ntarget = 'host:a'\n{keys}\n")).unwrap();
    }

    /// Moves the clock.
    fn pass(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }

    async fn run(&self) -> Ran {
        schedule::run_due_by(&self.app, &self.submitter, &|_, _| {}, &|_| {}).await.unwrap()
    }

    /// Runs what is due, and dies after so many polls; returns whether it came to its end before.
    async fn run_and_die(&self, polls: u32) -> bool {
        let (mut left, drive, say) = (polls, |_, _| {}, |_: &str| {});
        let mut running = Box::pin(schedule::run_due_by(&self.app, &self.submitter, &drive, &say));
        futures::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(false);
            }
            left -= 1;
            Future::poll(running.as_mut(), context).map(|ran| ran.is_ok())
        })
        .await
    }

    fn sql(&self, sql: &str) {
        let connection = Connection::open(self.dir.path().join("state/dragnet.db")).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    /// Ends all scans.
    fn end_scans(&self) {
        self.sql("UPDATE scan SET state = 'completed'");
    }

    /// What became of ticks, the oldest decision first.
    fn ticks(&self) -> Vec<Tick> {
        let mut ticks = self.app.store.ticks(&TickFilter { schedule: None, limit: 100_000 }).unwrap();
        ticks.reverse();
        ticks
    }

    /// `+60 started`, `+120 skipped overlap`: minutes after the start.
    fn told(&self) -> Vec<String> {
        let tell = |tick: &Tick| {
            let minutes = |at: Timestamp| at.since(Timestamp(START)) / MINUTE;
            let through = if tick.through > tick.due { format!("-{}", minutes(tick.through)) } else { String::new() };
            let reason = tick.reason.map(|reason| format!(" {reason}")).unwrap_or_default();
            format!("+{}{through} {}{reason}", minutes(tick.due), tick.state.as_str())
        };
        self.ticks().iter().map(tell).collect()
    }

    /// What must hold whatever has happened.
    fn check(&self) {
        let standing = self.app.store.standings().unwrap().remove(0);
        let ticks = self.ticks();
        let mut rows: Vec<&Tick> = ticks.iter().filter(|tick| !tick.manual).collect();
        rows.sort_by_key(|tick| tick.due);
        let mut at = standing.anchor;
        for row in rows {
            assert_eq!(
                Some(row.due),
                standing.schedule.tick_after(standing.anchor, at),
                "a tick has no outcome, or two"
            );
            let mut count = 1;
            at = row.due;
            while at < row.through {
                at = standing.schedule.tick_after(standing.anchor, at).unwrap();
                count += 1;
            }
            assert_eq!((at, row.ticks), (row.through, Some(count)));
            assert_eq!(row.state == TickState::Started, row.scan_id.is_some());
        }
        assert_eq!(at, standing.cursor.min(at), "the cursor is behind what was decided");
        let scans = self.app.store.scans(&dragnet::store::ScanFilter { limit: 100_000, ..Default::default() }).unwrap();
        let started: BTreeSet<_> = ticks.iter().filter_map(|tick| tick.scan).collect();
        assert_eq!(scans.len(), started.len(), "a scan without a tick, or a tick with two");
        assert_eq!(self.app.store.verify().unwrap(), Vec::<String>::new());
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pass(i64),
    Die(u32),
    Run,
    EndScans,
    Refuse(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3 * HOUR).prop_map(Step::Pass),
        1 => (-30 * HOUR..90 * HOUR).prop_map(Step::Pass),
        3 => (1_u32..40).prop_map(Step::Die),
        2 => Just(Step::Run),
        2 => Just(Step::EndScans),
        1 => any::<bool>().prop_map(Step::Refuse),
    ]
}

fn keys() -> impl Strategy<Value = String> {
    let cadence = prop::sample::select(vec![
        "every = '37m'",
        "cron = '*/30 * * * *'",
        "cron = '*/30 1-3 * * *'\ntime_zone = 'Europe/Berlin'",
        "cron = '30 * * * *'\ntime_zone = 'Australia/Lord_Howe'\njitter = '20m'",
    ]);
    let overlap = prop::sample::select(vec!["forbid", "queue", "replace"]);
    let missed = prop::sample::select(vec!["skip", "run_once", "run_all"]);
    (cadence, overlap, missed)
        .prop_map(|(cadence, overlap, missed)| format!("{cadence}\noverlap = '{overlap}'\nmissed = '{missed}'"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_tick_has_one_outcome_and_at_most_one_scan(keys in keys(), steps in prop::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::of(&keys);
            bench.run().await;
            for step in steps {
                match step {
                    Step::Pass(ms) => bench.pass(ms),
                    Step::Die(polls) => {
                        bench.run_and_die(polls).await;
                    }
                    Step::Run => drop(bench.run().await),
                    Step::EndScans => bench.end_scans(),
                    Step::Refuse(refuses) => bench.submitter.refuses.store(refuses, Ordering::Relaxed),
                }
            }
            bench.submitter.refuses.store(false, Ordering::Relaxed);
            // What was left half done is done by whoever comes next.
            for _ in 0..2 {
                bench.end_scans();
                bench.pass(20 * MINUTE);
                bench.app.store.take_turn().await.unwrap();
                bench.run().await;
            }
            bench.check();
            assert!(bench.ticks().iter().all(|tick| tick.state != TickState::Pending), "{:?}", bench.told());
        });
    }
}

#[tokio::test]
async fn a_schedule_begins_when_it_is_first_seen_and_runs_at_its_times() {
    let bench = Bench::of("every = '1h'");
    let ran = bench.run().await;
    assert_eq!((ran.ticks.len(), ran.next), (0, Some(Timestamp(START + HOUR))));
    bench.pass(HOUR - 1);
    assert!(bench.run().await.ticks.is_empty());
    bench.pass(1);
    let ran = bench.run().await;
    assert_eq!((ran.ticks.len(), ran.next), (1, Some(Timestamp(START + 2 * HOUR))));
    assert!(bench.run().await.ticks.is_empty(), "a tick has come twice");
    assert_eq!(bench.told(), ["+60 started"]);
    let key = format!("schedule:x:{}", Timestamp(START + HOUR));
    assert!(bench.app.store.scan_of_request(&bench.app.config.schedules[0], &key).unwrap().is_some());
}

#[tokio::test]
async fn overlapping_ticks_are_skipped_wait_or_replace() {
    for (overlap, told) in [
        ("forbid", ["+60 started", "+120 skipped overlap", "+180 skipped overlap"]),
        ("queue", ["+60 started", "+120 waiting", "+180 skipped queue_full"]),
        ("replace", ["+60 started", "+120 started", "+180 started"]),
    ] {
        let bench = Bench::of(&format!("every = '1h'\noverlap = '{overlap}'"));
        bench.run().await;
        for _ in 0..3 {
            bench.pass(HOUR);
            bench.run().await;
        }
        assert_eq!(bench.told(), told);
        let scans: Vec<ScanId> = bench.ticks().iter().filter_map(|tick| tick.scan_id).collect();
        for (i, scan) in scans.iter().enumerate() {
            let verbs: Vec<Verb> =
                bench.app.store.open_intents(*scan).unwrap().into_iter().map(|row| row.verb).collect();
            let replaced = overlap == "replace" && i + 1 < scans.len();
            assert_eq!(verbs, if replaced { vec![Verb::Cancel] } else { Vec::new() }, "{overlap}");
        }
        bench.end_scans();
        bench.pass(MINUTE);
        bench.run().await;
        assert_eq!(bench.told()[1] == "+120 started", overlap != "forbid", "{:?}", bench.told());
        bench.check();
    }
}

#[tokio::test]
async fn what_could_not_be_started_is_tried_again_until_the_next_tick() {
    let bench = Bench::of("every = '1h'");
    bench.run().await;
    bench.submitter.refuses.store(true, Ordering::Relaxed);
    bench.pass(HOUR);
    let ran = bench.run().await;
    let tick = &ran.ticks[0];
    assert_eq!((tick.state, tick.attempts), (TickState::Failed, 1));
    assert!(tick.message.as_ref().unwrap().contains("nothing to scan"));
    assert_eq!(ran.next, tick.retry_at, "whoever sleeps wakes up for it");
    assert!(bench.run().await.ticks.is_empty(), "it is tried again without a pause");
    bench.pass(15_000);
    assert_eq!(bench.run().await.ticks[0].attempts, 2);
    // A clock that goes back puts nothing off for hours.
    bench.pass(-10 * HOUR);
    assert_eq!(bench.run().await.ticks[0].attempts, 3);
    bench.pass(10 * HOUR);
    bench.submitter.refuses.store(false, Ordering::Relaxed);
    bench.pass(MINUTE);
    bench.run().await;
    assert_eq!(bench.told(), ["+60 started"]);
    bench.end_scans();
    bench.submitter.refuses.store(true, Ordering::Relaxed);
    bench.pass(HOUR);
    bench.run().await;
    bench.pass(HOUR);
    let told: Vec<TickState> = bench.run().await.ticks.iter().map(|tick| tick.state).collect();
    assert_eq!(told, [TickState::Skipped, TickState::Failed], "that it is given up is told");
    assert_eq!(bench.told(), ["+60 started", "+120 skipped failed", "+180 failed"]);
    bench.check();
}

#[tokio::test]
async fn ticks_that_are_made_up_for_run_one_after_the_other() {
    let bench = Bench::of("every = '1h'\nmissed = 'run_all'");
    bench.run().await;
    bench.pass(3 * HOUR + 30 * MINUTE);
    bench.run().await;
    assert_eq!(bench.told(), ["+60 started", "+120 waiting", "+180 waiting"]);
    for _ in 0..2 {
        bench.end_scans();
        bench.run().await;
    }
    assert_eq!(bench.told(), ["+60 started", "+120 started", "+180 started"]);
    bench.check();
}

#[tokio::test]
async fn a_clock_that_goes_back_starts_nothing_again() {
    let bench = Bench::of("every = '1h'");
    bench.run().await;
    bench.pass(2 * HOUR);
    bench.run().await;
    bench.end_scans();
    let before = bench.told();
    bench.pass(-90 * MINUTE);
    for _ in 0..3 {
        bench.pass(30 * MINUTE);
        bench.run().await;
    }
    assert_eq!(bench.told(), before);
    bench.check();
}

#[tokio::test]
async fn what_passes_while_a_schedule_rests_is_recorded() {
    let mut bench = Bench::of("every = '1h'");
    bench.run().await;
    assert!(schedule::pause(&bench.app, "x", true, "me").await.unwrap());
    assert!(!schedule::pause(&bench.app, "x", true, "me").await.unwrap());
    bench.pass(3 * HOUR);
    let ran = bench.run().await;
    assert_eq!((ran.ticks.len(), ran.next), (0, None));
    assert!(schedule::pause(&bench.app, "x", false, "me").await.unwrap());
    bench.pass(HOUR);
    bench.run().await;
    assert_eq!(bench.told(), ["+60-180 skipped paused", "+240 started"]);
    bench.reconfigure("every = '1h'\nenabled = false");
    bench.pass(2 * HOUR);
    bench.run().await;
    bench.pass(HOUR);
    bench.reconfigure("every = '1h'");
    bench.run().await;
    assert_eq!(bench.told()[2..], ["+300-360 skipped disabled", "+420 skipped disabled"]);
    bench.check();
    // Other times begin anew; what was due by the old ones is not forgotten.
    bench.pass(HOUR);
    bench.reconfigure("every = '2h'");
    bench.run().await;
    bench.end_scans();
    bench.pass(2 * HOUR);
    bench.run().await;
    assert_eq!(bench.told()[4..], ["+480 skipped changed", "+600 started"]);
    assert!(bench.ticks().iter().any(|tick| tick.reason == Some(SkipReason::Changed)));
}

#[tokio::test]
async fn two_at_once_start_nothing_twice() {
    let bench = Bench::of("every = '1h'\noverlap = 'queue'");
    bench.run().await;
    bench.pass(HOUR);
    let (one, two) = tokio::join!(bench.run(), bench.run());
    assert_eq!(u32::from(one.busy) + u32::from(two.busy), 1);
    assert_eq!(bench.told(), ["+60 started"]);
    bench.check();
}

#[tokio::test]
async fn a_tick_has_an_outcome_for_each_registered_target() {
    let bench = Bench::new("[[schedules]]\nname = 'x'\nevery = '1h'\ntargets = ['@tag:web', '@all', 'host:z']\n");
    bench.run().await;
    bench.pass(HOUR);
    assert_eq!(bench.run().await.ticks.len(), 1, "one target is there without a registry");
    for name in ["one", "two"] {
        let entry = dragnet::model::registered::TargetEntry {
            owner: Owner::default(),
            name: name.parse().unwrap(),
            target: format!("host:{name}").parse().unwrap(),
            tags: dragnet::model::registered::EntryTags::Only(BTreeSet::from(["web".parse().unwrap()])),
            enabled: None,
            template: None,
            note: None,
        };
        bench.app.store.add_target(entry, dragnet::store::Existing::Refuse, "me", bench.app.clock.now()).await.unwrap();
    }
    bench.end_scans();
    bench.pass(HOUR);
    let ran = bench.run().await;
    let targets: Vec<&str> = ran.ticks.iter().map(|tick| tick.target.as_str()).collect();
    assert_eq!(targets, ["@one", "@two", "host:z"]);
    let empty = Bench::new("[[schedules]]\nname = 'x'\nevery = '1h'\ntargets = ['@all']\n");
    empty.run().await;
    empty.pass(HOUR);
    empty.run().await;
    assert_eq!(empty.told(), ["+60 skipped no_targets"]);
}
