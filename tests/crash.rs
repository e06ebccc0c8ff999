//! Random scans under random trouble: faults of the engine, verbs, drivers that die at any moment, two drivers at once. Whatever
//! happens, what is stored in the end is true.
//!
//! `DRAGNET_CASES=n` runs so many cases, `DRAGNET_SEED=n` the one case of that seed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::assigning_clones,
    clippy::cast_possible_truncation,
    clippy::manual_is_multiple_of,
    clippy::range_plus_one,
    reason = "a test fails by panicking, and is written for its reader"
)]

#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod common;
#[path = "common/ledger.rs"]
mod ledger;
#[path = "common/scenario.rs"]
mod scenario;

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use common::scan::Lab;
use dragnet::driver::Rest;
use dragnet::executor::fake::FakeExecutor;
use dragnet::model::id::ScanId;
use dragnet::store::{Lease, Store, Verb};
use scenario::{Event, Scenario};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

/// Longest time that one driver may take for a scan of a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn whatever_happens_the_end_is_true() {
    let timers = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    if let Some(seed) = number("DRAGNET_SEED") {
        let scenario = Scenario::of(seed);
        return run(&scenario, timers.handle());
    }
    let (cases, next, failed) = (number("DRAGNET_CASES").unwrap_or(300), AtomicU64::new(1), Mutex::new(None));
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while failed.lock().unwrap().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > cases {
                        break;
                    }
                    let scenario = Scenario::of(seed);
                    if let Err(message) = attempt(&scenario, timers.handle()) {
                        *failed.lock().unwrap() = Some((scenario, message));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let shrunk = failed.map(|(scenario, message)| shrink(scenario, message, timers.handle()));
    drop(std::panic::take_hook());
    if let Some((scenario, message)) = shrunk {
        panic!("seed {}: {message}\n{scenario:#?}", scenario.seed);
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a scenario; returns what a failed assertion said.
fn attempt(scenario: &Scenario, timers: &Handle) -> Result<(), String> {
    let text = |panic: Box<dyn std::any::Any + Send>| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    };
    std::panic::catch_unwind(AssertUnwindSafe(|| run(scenario, timers))).map_err(text)
}

/// Leaves out what is not needed for the failure; each part is tried a few times, for threads decide as well.
fn shrink(mut scenario: Scenario, mut message: String, timers: &Handle) -> (Scenario, String) {
    let until = Instant::now() + Duration::from_secs(20);
    'again: loop {
        for simpler in scenario.simpler() {
            if Instant::now() >= until {
                break;
            }
            if let Some(other) = (0..2).find_map(|_| attempt(&simpler, timers).err()) {
                (scenario, message) = (simpler, other);
                continue 'again;
            }
        }
        return (scenario, message);
    }
}

fn run(scenario: &Scenario, timers: &Handle) {
    let (lab, scan) = play(scenario, timers);
    let ledger = ledger::audit(&lab, scan, scenario);
    if let Some(calm) = scenario.undisturbed() {
        let (lab, scan) = play(&calm, timers);
        let expected = ledger::audit(&lab, scan, &calm);
        if expected.is_settled() {
            assert_eq!(ledger, expected, "trouble has changed the result");
        }
    }
}

/// Drives a scan to its end, through all that the scenario does to it.
fn play(scenario: &Scenario, timers: &Handle) -> (Lab, ScanId) {
    let (outcomes, faults) = (scenario.clone(), scenario.faults());
    let engine = FakeExecutor::new(move |launch| outcomes.outcome(launch)).with_timers(timers.clone());
    let lab = Lab::in_memory(engine.with_faults(faults));
    let scan = wait(lab.submit_with(scenario.steps(), |options| scenario.adjust(options)));
    let (mut lives, hangs) = (scenario.lives.iter(), scenario.hangs());
    for _ in 0..40 {
        let life = lives.next();
        let rest = match life.filter(|life| life.takeover) {
            Some(life) => taken_over(&lab, scan, &life.events, hangs),
            None => Life::start(&lab, &lab.store, scan, None).live(&lab, life.map_or(&[], |life| &life.events), hangs),
        };
        match rest {
            Some(Rest::Ended) if !lab.store.has_leftovers(scan).unwrap() => break,
            Some(Rest::Paused) => drop(wait(lab.store.ask(scan, Verb::Resume, "test", lab.now())).unwrap()),
            Some(Rest::Ended) | None => {}
            Some(other) => panic!("the driver rests: {other:?}"),
        }
    }
    (lab, scan)
}

/// Blocks on the store, which works on a thread of its own.
fn wait<F: Future>(future: F) -> F::Output {
    futures::executor::block_on(future)
}

/// One process that drives: dropped, its tasks die where they are, and its threads end what they do.
struct Life {
    runtime: Runtime,
    lease: Lease,
    polls: u64,
    scan: ScanId,
    store: Store,
}

impl Life {
    fn start(lab: &Lab, store: &Store, scan: ScanId, stale: Option<i64>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let key = store.scan(scan).unwrap().id;
        let lease = wait(store.acquire(scan, key, "test", lab.now(), stale)).unwrap();
        Self { runtime, lease, polls: 0, scan, store: store.clone() }
    }

    /// Drives until the scan rests, or the process dies by one of the events.
    fn live(mut self, lab: &Lab, events: &[(u64, Event)], hangs: bool) -> Option<Rest> {
        let mut driver = lab.driver();
        driver.store = self.store.clone();
        let mut running = Box::pin(driver.run(&self.lease, CancellationToken::default()));
        Self::poll(&self.runtime, &mut self.polls, lab, self.scan, &mut running, events, hangs)
    }

    /// Polls the driver until it rests or an event stops it.
    fn poll(
        runtime: &Runtime,
        polls: &mut u64,
        lab: &Lab,
        scan: ScanId,
        running: &mut (impl Future<Output = Result<Rest, dragnet::driver::DriverError>> + Unpin),
        events: &[(u64, Event)],
        hangs: bool,
    ) -> Option<Rest> {
        let driven = futures::future::poll_fn(|context| {
            *polls += 1;
            for (_, event) in events.iter().filter(|(at, _)| at == polls) {
                match event {
                    Event::Ask(verb) => drop(wait(lab.store.ask(scan, *verb, "test", lab.now())).unwrap()),
                    Event::CutWatches => lab.engine.cut_watches(),
                    Event::Die => return Poll::Ready(None),
                }
            }
            Future::poll(std::pin::Pin::new(&mut *running), context).map(|rest| Some(rest.expect("the driver failed")))
        });
        runtime.block_on(async {
            let driven = tokio::time::timeout(PATIENCE, driven);
            let hanging = async {
                tokio::time::sleep(Duration::from_millis(400)).await;
                if hangs {
                    lab.store.ask(scan, Verb::Cancel, "test", lab.now()).await.unwrap();
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                rest = driven => rest.expect("the driver hangs"),
                () = hanging => None,
            }
        })
    }
}

/// A driver is stopped, another takes its scan over, the first wakes up in the middle of it and must do nothing.
fn taken_over(lab: &Lab, scan: ScanId, events: &[(u64, Event)], hangs: bool) -> Option<Rest> {
    let second_store = Store::open(lab.store.dir()).unwrap();
    let mut first = Life::start(lab, &lab.store, scan, None);
    let driver = lab.driver();
    let mut running = Box::pin(driver.run(&first.lease, CancellationToken::default()));
    let rest = Life::poll(&first.runtime, &mut first.polls, lab, scan, &mut running, events, hangs);
    if rest.is_some() {
        return rest;
    }
    let (_, heartbeat) = second_store.owner(scan).unwrap();
    let mut second = Life::start(lab, &second_store, scan, Some(heartbeat));
    let mut other = lab.driver();
    other.store = second_store.clone();
    let mut taking = Box::pin(other.run(&second.lease, CancellationToken::default()));
    let end = events.iter().map(|(at, _)| at / 2).max().unwrap_or(1);
    let ended = Life::poll(&second.runtime, &mut second.polls, lab, scan, &mut taking, &[(end, Event::Die)], hangs);
    wait(second_store.heartbeat(scan, second.lease.fence)).unwrap();
    // What was asked for by nobody's driver may be on its way, too.
    wait(lab.store.take_turn()).unwrap();
    let before = ledger::dump(&lab.store);
    first.runtime.block_on(async {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(16)).await;
        tokio::time::resume();
    });
    // Nobody asks for anything now: a row that changes is changed by it.
    let rest = Life::poll(&first.runtime, &mut first.polls, lab, scan, &mut running, &[], false);
    // What it had written before it was stopped counts: that may have been its last.
    assert!(matches!(rest, Some(Rest::LostOwnership | Rest::Ended | Rest::Paused)), "{rest:?}");
    assert_eq!(ledger::dump(&lab.store), before, "a driver that has lost its scan has changed a row");
    drop(running);
    drop(first);
    ended.or_else(|| Life::poll(&second.runtime, &mut second.polls, lab, scan, &mut taking, &[], hangs))
}
