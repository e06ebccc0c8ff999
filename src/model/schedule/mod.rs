//! Schedules: when scans begin by themselves, and what becomes of each tick. Pure: the present moment is handed in, nothing is read but the
//! system's time zones.
//!
//! # Ticks
//! A tick is a moment at which a scan is due. The ticks of a schedule are a fixed set: those of a cron expression follow from it and its
//! time zone, those of `every` are counted from an anchor, the moment at which the schedule was first seen. They do not depend on when
//! anybody looks, on how long scans take, or on restarts.
//!
//! A *cursor* stands behind the last tick that was decided, and only goes forward: a clock that goes back makes no tick come twice, one
//! that leaps ahead is what [`Missed`] is for. Jitter delays the start of a tick by a time that follows from the schedule's name and the
//! tick; it is less than the time until the next tick, so ticks keep their order.
//!
//! # Daylight saving
//! An expression whose hour is `*` counts real time: it runs whenever the clock on the wall fits, not at all in an hour that is left out,
//! in both of one that comes twice. Every other expression names local times, each of which runs once: one that does not exist runs at the
//! first moment after the gap (several of one gap are one tick), one that comes twice runs the first time. That is what Vixie cron does for
//! times without a wildcard.

mod cron;
mod definition;
mod due;
mod rules;
mod view;
mod zone;

#[cfg(test)]
mod tests;

pub use cron::{CronExpr, InvalidCron};
pub use definition::{Cadence, Engine, InvalidSchedule, Missed, Overlap, Schedule, ScheduleName, TargetRef};
pub use due::{MOST, Next, Passed, Stretch};
pub use rules::{Busy, LONGEST_WAIT, Place, SkipReason, Verdict, backoff, place};
pub use view::{ScheduleId, Standing, Tick, TickState};
pub use zone::{InvalidZone, Zone};
