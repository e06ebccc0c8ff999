//! Which ticks have passed, and when the next one comes.

use std::collections::VecDeque;

use super::super::clock::Timestamp;
use super::super::id::Sha256;
use super::definition::{Cadence, Schedule};

/// Most ticks of one look that are decided one by one; older ones are decided together.
pub const MOST: usize = 100;
/// How many ticks are counted before it is enough to know that there are more.
const COUNTED: u64 = 10_000;
/// How far back from now is looked for the newest ticks when there are too many to be counted; each at most 60 times the one before.
const WINDOWS: [i64; 7] = [1, 60, 3600, 24 * 3600, 31 * 24 * 3600, 366 * 24 * 3600, 100 * 366 * 24 * 3600];

/// Ticks that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// How many; none when they are too many to be counted.
    pub count: Option<u64>,
}

impl Stretch {
    /// A single tick.
    pub const fn one(due: Timestamp) -> Self {
        Self { first: due, last: due, count: Some(1) }
    }

    /// This stretch, and one that comes right after it.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        let count = self.count.zip(next.count).map(|(a, b)| a.saturating_add(b));
        Self { first: self.first, last: next.last, count }
    }
}

/// The tick that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// When it is due.
    pub due: Timestamp,
    /// When it starts: that and its jitter.
    pub at: Timestamp,
}

/// The ticks after a cursor whose start has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Passed {
    /// Those before the newest ones.
    pub older: Option<Stretch>,
    /// The newest, [`MOST`] at most, in their order.
    pub newest: Vec<Timestamp>,
    /// The first whose start has not come.
    pub next: Option<Next>,
}

impl Passed {
    /// All of them together.
    pub fn all(&self) -> Option<Stretch> {
        self.older.into_iter().chain(self.newest.iter().copied().map(Stretch::one)).reduce(Stretch::and)
    }

    fn push(&mut self, newest: &mut VecDeque<Timestamp>, due: Timestamp) {
        newest.push_back(due);
        if newest.len() > MOST {
            let oldest = newest.pop_front().map(Stretch::one);
            self.older = self.older.into_iter().chain(oldest).reduce(Stretch::and);
        }
    }
}

impl Schedule {
    /// Returns the first tick after `at`, of a schedule whose anchor is `anchor`.
    pub fn tick_after(&self, anchor: Timestamp, at: Timestamp) -> Option<Timestamp> {
        match &self.cadence {
            Cadence::Every(every) => {
                let step = i64::try_from(every.0.as_millis()).ok().filter(|step| *step > 0)?;
                let passed = at.since(anchor).max(0) / step;
                anchor.0.checked_add(passed.checked_add(1)?.checked_mul(step)?).map(Timestamp)
            }
            Cadence::Cron(cron) => {
                let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
                cron.next_after(at, self.time_zone.rules()).map(|next| Timestamp(next.as_millisecond()))
            }
        }
    }

    /// Returns when a tick starts: always the same, and before the next tick is due.
    pub fn start_of(&self, anchor: Timestamp, due: Timestamp) -> Timestamp {
        if self.jitter.0.is_zero() {
            return due;
        }
        let room = self.tick_after(anchor, due).map_or(i64::MAX, |next| next.since(due) - 1);
        let most = i64::try_from(self.jitter.0.as_millis()).unwrap_or(i64::MAX).min(room).max(0).unsigned_abs();
        if most == 0 {
            return due;
        }
        let hash = Sha256::of(format!("{} {}", self.name, due.0)).0;
        let random = hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) % (most + 1);
        due.plus_ms(i64::try_from(random).unwrap_or(i64::MAX))
    }

    /// Returns the first tick after `at` with its start.
    pub fn next(&self, anchor: Timestamp, at: Timestamp) -> Option<Next> {
        let due = self.tick_after(anchor, at)?;
        Some(Next { due, at: self.start_of(anchor, due) })
    }

    /// Returns the ticks after the cursor whose start is not after `now`.
    pub fn passed(&self, anchor: Timestamp, cursor: Timestamp, now: Timestamp) -> Passed {
        let (mut passed, mut newest, mut counted) = (Passed::default(), VecDeque::new(), 0);
        let mut at = cursor;
        loop {
            let next = self.next(anchor, at);
            let Some(tick) = next.filter(|tick| tick.at <= now) else {
                passed.next = next;
                passed.newest = newest.into();
                return passed;
            };
            passed.push(&mut newest, tick.due);
            at = tick.due;
            counted += 1;
            if counted == COUNTED
                && let Some(near) = self.near(anchor, at, now)
            {
                let first = passed.older.map_or(cursor, |older| older.first);
                return Passed { older: near.older.map(|older| Stretch { first, count: None, ..older }), ..near };
            }
        }
    }

    /// Returns the newest ticks, looked for from close before `now`, and of the older ones the last; none if there are few after `at`.
    fn near(&self, anchor: Timestamp, at: Timestamp, now: Timestamp) -> Option<Passed> {
        let starts = WINDOWS.iter().map(|seconds| now.plus_ms(-seconds * 1000)).take_while(|start| *start > at);
        starts.map(|start| self.passed(anchor, start, now)).find(|near| near.older.is_some())
    }
}
