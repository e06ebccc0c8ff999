//! Whatever the schedule, the zone and the clock: every tick has exactly one outcome.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::clock::Timestamp;
use crate::model::unit::Span;

/// 2026-01-01.
const START: i64 = 1_767_225_600_000;
const YEAR: i64 = 366 * 86_400_000;

/// Reads a schedule from JSON, for the model knows no TOML.
fn schedule(json: &str) -> Schedule {
    serde_json::from_str(json).unwrap()
}

fn cadence() -> impl Strategy<Value = String> {
    let cron = prop::sample::select(vec![
        "* * * * *",
        "*/15 * * * *",
        "30 * * * *",
        "30 2 * * *",
        "*/20 1-3 * * *",
        "0 */6 * * *",
        "59 23 L * *",
        "0 0 29 2 *",
        "15 0,12 * * MON-FRI",
        "*/10 30 2 * * *",
        "0 0 1 1 *",
    ]);
    prop_oneof![
        cron.prop_map(|cron| format!(r#""cron": "{cron}""#)),
        (1_u32..200_000).prop_map(|seconds| format!(r#""every": "{seconds}s""#)),
    ]
}

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Africa/Casablanca",
        "America/Sao_Paulo",
        "Antarctica/Troll",
    ])
}

prop_compose! {
    fn any_schedule()(
        cadence in cadence(),
        zone in zone(),
        jitter in prop_oneof![Just(0_u32), 1_u32..10_000],
        overlap in prop::sample::select(vec!["forbid", "queue", "replace"]),
        missed in prop::sample::select(vec!["skip", "run_once", "run_all"]),
        grace in 0_u32..100_000,
    ) -> Schedule {
        schedule(&format!(
            r#"{{"name": "x", {cadence}, "time_zone": "{zone}", "jitter": "{jitter}s", "overlap": "{overlap}", "missed": "{missed}",
                 "missed_after": "{grace}s", "target": "host:a"}}"#
        ))
    }
}

/// What was decided of ticks, as ranges.
fn ranges(verdicts: &[Verdict]) -> Vec<Stretch> {
    let range = |verdict: &Verdict| match verdict {
        Verdict::Skip(stretch, _) => *stretch,
        Verdict::Run { due, .. } => Stretch::one(*due),
    };
    verdicts.iter().map(range).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn ticks_are_the_same_from_wherever_they_are_looked_for(schedule in any_schedule(), from in 0..YEAR, part in 0.0..1.0_f64) {
        let (anchor, from) = (Timestamp(START), Timestamp(START + from));
        let next = schedule.tick_after(anchor, from).unwrap();
        prop_assert!(next > from);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any moment between the two will do")]
        let between = from.plus_ms((next.since(from) as f64 * part) as i64).min(next.plus_ms(-1));
        prop_assert_eq!(schedule.tick_after(anchor, between), Some(next));
    }

    #[test]
    fn jitter_is_always_the_same_and_keeps_the_order(schedule in any_schedule(), from in 0..YEAR) {
        let (anchor, mut at) = (Timestamp(START), Timestamp(START + from));
        for _ in 0..5 {
            let tick = schedule.next(anchor, at).unwrap();
            prop_assert!(tick.at >= tick.due && tick.at.since(tick.due) <= i64::try_from(schedule.jitter.0.as_millis()).unwrap());
            prop_assert!(tick.at < schedule.tick_after(anchor, tick.due).unwrap());
            prop_assert_eq!(schedule.start_of(anchor, tick.due), tick.at);
            at = tick.due;
        }
    }

    /// The clock leaps ahead and back; the cursor is where the last look that was not cut short has left it.
    #[test]
    fn every_tick_has_one_outcome_whatever_the_clock_does(
        schedule in any_schedule(),
        looks in prop::collection::vec((prop_oneof![-200_000_000_i64..200_000_000, 0_i64..3_000_000], any::<bool>()), 1..12),
    ) {
        let anchor = Timestamp(START);
        let (mut now, mut cursor, mut decided) = (anchor, anchor, Vec::new());
        for (leap, crashes) in looks {
            now = now.plus_ms(leap);
            let passed = schedule.passed(anchor, cursor, now);
            let verdicts = schedule.decide(anchor, &passed, now);
            // What a process that ends before it has written anything thought is thought again.
            if crashes {
                prop_assert_eq!(&schedule.decide(anchor, &schedule.passed(anchor, cursor, now), now), &verdicts);
                continue;
            }
            if let Some(all) = passed.all() {
                prop_assert!(all.last > cursor && all.last <= now);
                cursor = all.last;
            }
            decided.extend(ranges(&verdicts));
        }
        // The reference: one tick after the other, as often as a cursor's way allows.
        let mut at = anchor;
        for stretch in decided {
            let first = schedule.tick_after(anchor, at).unwrap();
            prop_assert_eq!(stretch.first, first);
            let mut count = 1;
            at = first;
            while at < stretch.last {
                at = schedule.tick_after(anchor, at).unwrap();
                count += 1;
            }
            prop_assert_eq!(at, stretch.last);
            prop_assert!(stretch.count.is_none_or(|counted| counted == count), "{} is not {}", stretch.count.unwrap_or(0), count);
        }
        prop_assert_eq!(at, cursor);
    }

    #[test]
    fn a_schedule_reads_as_it_is_written(schedule in any_schedule()) {
        let text = serde_json::to_string(&schedule).unwrap();
        prop_assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), schedule);
    }
}

fn hourly(missed: &str, grace: &str) -> Schedule {
    schedule(&format!(
        r#"{{"name": "x", "every": "1h", "missed": "{missed}", "missed_after": "{grace}", "target": "host:a"}}"#
    ))
}

const HOUR: i64 = 3_600_000;

fn verdicts(schedule: &Schedule, hours: i64, minutes: i64) -> Vec<Verdict> {
    let (anchor, now) = (Timestamp(0), Timestamp(hours * HOUR + minutes * 60_000));
    schedule.decide(anchor, &schedule.passed(anchor, anchor, now), now)
}

fn skipped(first: i64, last: i64, reason: SkipReason) -> Verdict {
    let count = Some(u64::try_from(last - first).unwrap() + 1);
    Verdict::Skip(Stretch { first: Timestamp(first * HOUR), last: Timestamp(last * HOUR), count }, reason)
}

const fn run(hour: i64, late: bool) -> Verdict {
    Verdict::Run { due: Timestamp(hour * HOUR), late }
}

#[test]
fn a_timely_tick_runs_whatever_is_done_with_missed_ones() {
    for missed in ["skip", "run_once", "run_all"] {
        assert_eq!(verdicts(&hourly(missed, "10m"), 1, 10), [run(1, false)]);
        assert_eq!(verdicts(&hourly(missed, "10m"), 0, 59), []);
    }
}

#[test]
fn missed_ticks_are_skipped_or_made_up_for() {
    assert_eq!(verdicts(&hourly("skip", "10m"), 5, 11), [skipped(1, 5, SkipReason::Missed)]);
    assert_eq!(verdicts(&hourly("skip", "10m"), 5, 9), [skipped(1, 4, SkipReason::Missed), run(5, false)]);
    assert_eq!(verdicts(&hourly("run_once", "10m"), 5, 11), [skipped(1, 4, SkipReason::Missed), run(5, false)]);
    assert_eq!(verdicts(&hourly("run_once", "10m"), 5, 9), [skipped(1, 4, SkipReason::Missed), run(5, false)]);
    assert_eq!(verdicts(&hourly("run_all", "10m"), 3, 11), [run(1, true), run(2, true), run(3, true)]);
    assert_eq!(verdicts(&hourly("run_all", "10m"), 3, 9), [run(1, true), run(2, true), run(3, false)]);
}

#[test]
fn no_more_than_a_hundred_ticks_are_made_up_for() {
    let all = verdicts(&hourly("run_all", "10m"), 250, 30);
    assert_eq!(all.len(), 1 + MOST);
    assert_eq!((all[0], all[1], all[MOST]), (skipped(1, 150, SkipReason::TooMany), run(151, true), run(250, true)));
}

#[test]
fn ticks_without_number_are_not_counted() {
    let seconds = schedule(r#"{"name": "x", "every": "1s", "missed": "skip", "target": "host:a"}"#);
    let now = Timestamp(10 * 366 * 24 * HOUR);
    let passed = seconds.passed(Timestamp(0), Timestamp(0), now);
    let older = passed.older.unwrap();
    assert_eq!((older.first, older.count, passed.newest.len()), (Timestamp(1000), None, MOST));
    assert_eq!((older.last.plus_ms(1000), passed.newest.last()), (passed.newest[0], Some(&now)));
}

#[test]
fn what_is_under_way_decides_what_comes_next() {
    let [idle, open, queued] =
        [(false, false), (true, false), (true, true)].map(|(open, waiting)| Busy { open, waiting });
    for overlap in [Overlap::Forbid, Overlap::Queue, Overlap::Replace] {
        assert_eq!(place(overlap, false, idle), Place::Now);
        assert_eq!(place(overlap, true, open), Place::Wait);
    }
    assert_eq!(place(Overlap::Forbid, false, open), Place::Skip(SkipReason::Overlap));
    assert_eq!(place(Overlap::Queue, false, open), Place::Wait);
    assert_eq!(place(Overlap::Queue, false, queued), Place::Skip(SkipReason::QueueFull));
    assert_eq!(place(Overlap::Replace, false, queued), Place::Replace);
}

#[test]
fn waits_between_tries_grow_to_a_quarter_of_an_hour() {
    assert_eq!([1, 2, 3, 20, u32::MAX].map(backoff), [15_000, 30_000, 60_000, 900_000, 900_000]);
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |json: &str| serde_json::from_str::<Schedule>(json).unwrap_err().to_string();
    for (json, says) in [
        (r#"{"name": "Night", "every": "1h", "target": "host:a"}"#, "`Night` is no name for a schedule"),
        (r#"{"name": "n", "target": "host:a"}"#, "needs one of `cron` and `every`"),
        (r#"{"name": "n", "every": "1h", "cron": "@daily", "target": "host:a"}"#, "needs one of `cron` and `every`"),
        (r#"{"name": "n", "every": "10ms", "target": "host:a"}"#, "at least 1s"),
        (r#"{"name": "n", "every": "1h"}"#, "needs one of `target` and `targets`"),
        (
            r#"{"name": "n", "every": "1h", "target": "host:a", "targets": ["@all"]}"#,
            "needs one of `target` and `targets`",
        ),
        (r#"{"name": "n", "every": "1h", "target": "dir:."}"#, "`dir:.` depends on the directory"),
        (r#"{"name": "n", "every": "1h", "target": "@"}"#, "comes NAME, tag:TAG or all"),
        (r#"{"name": "n", "every": "1h", "target": "@tag:"}"#, "comes NAME, tag:TAG or all"),
        (r#"{"name": "n", "every": "1h", "target": "host:a", "time_zone": "Europe/Berlim"}"#, "Europe/Berlin"),
    ] {
        let error = refused(json);
        assert!(error.contains(says), "{error}");
    }
    let one = hourly("skip", "1m");
    assert_eq!(Schedule::check_names(&[one.clone(), one.clone()]), Err(InvalidSchedule::Twice(one.name.clone())));
    assert_eq!(one.missed_after, Span(Duration::from_mins(1)));
}
