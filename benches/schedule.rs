//! Schedules by the hundred thousand: how long it takes to find those that are due, to decide on one, and to see that nothing in the
//! configuration has changed. `cargo bench --bench schedule [-- SCHEDULES]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::use_debug,
    reason = "a measurement fails by panicking and prints its table"
)]

use std::time::{Duration, Instant};

use dragnet::model::clock::Timestamp;
use dragnet::model::schedule::Schedule;
use dragnet::store::{Decision, Store};

/// 2026-01-01.
const START: i64 = 1_767_225_600_000;
const RUNS: usize = 101;
/// Schedules that are due in the minute that is looked at.
const DUE: u32 = 100;

fn main() {
    let number: u32 = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state")).unwrap();
    let schedules: Vec<Schedule> = (0..number).map(schedule).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&store, &schedules));
}

/// All but a few are due on one day of the month, from the third on.
fn schedule(n: u32) -> Schedule {
    let cron = if n < DUE { "1 0 * * *".to_owned() } else { format!("{} {} {} * *", n % 60, n / 60 % 24, 3 + n % 26) };
    let json = format!(r#"{{"name": "s{n}", "cron": "{cron}", "time_zone": "Europe/Berlin", "target": "host:a{n}"}}"#);
    serde_json::from_str(&json).unwrap()
}

async fn measure(store: &Store, schedules: &[Schedule]) {
    let at = Instant::now();
    store.sync_schedules(schedules, "bench", Timestamp(START)).await.unwrap();
    println!("{} schedules taken over in {:.1?}", schedules.len(), at.elapsed());
    // 00:01 in Berlin.
    let now = Timestamp(START + 23 * 3_600_000 + 60_000);
    let (mut find, mut next, mut same, mut decide) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        find.push(time(|| assert_eq!(store.due_schedules(now, 500).unwrap().len(), DUE as usize)));
        next.push(time(|| assert!(store.next_activation().unwrap().is_some())));
    }
    for _ in 0..5 {
        let at = Instant::now();
        store.sync_schedules(schedules, "bench", now).await.unwrap();
        same.push(at.elapsed());
    }
    for standing in store.due_schedules(now, 500).unwrap() {
        let at = Instant::now();
        let passed = standing.passed(now);
        let decision = Decision {
            verdicts: standing.schedule.decide(standing.anchor, &passed, now),
            cursor: passed.all().unwrap().last,
            targets: standing.schedule.targets.iter().map(ToString::to_string).collect(),
            standing,
            actor: "bench".to_owned(),
            at: now,
        };
        assert!(store.decide_ticks(decision).await.unwrap());
        decide.push(at.elapsed());
    }
    assert!(store.due_schedules(now, 500).unwrap().is_empty());
    for (what, times) in [
        ("100 due ones found", find),
        ("the next moment found", next),
        ("nothing changed", same),
        ("one decided, synced to disk", decide),
    ] {
        tell(what, times);
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let at = Instant::now();
    work();
    at.elapsed()
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let longest = times.last().copied().unwrap_or_default();
    println!("{what:28} median {:>9.1?}   longest {longest:>9.1?}", times[times.len() / 2]);
}
