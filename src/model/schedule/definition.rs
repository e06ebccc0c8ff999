//! A schedule as it is configured.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::gate::Thresholds;
use super::super::id::Sha256;
use super::super::owner::OwnerName;
use super::super::registered::{InvalidSelector, TargetSelector};
use super::super::target::{InvalidTarget, Target, TargetKind};
use super::super::unit::Span;
use super::cron::CronExpr;
use super::zone::Zone;

/// Shortest time between two ticks of `every`.
const SHORTEST: Duration = Duration::from_secs(1);
/// How late a tick may be before it counts as missed, unless the schedule says otherwise.
const GRACE: Span = Span(Duration::from_mins(10));
/// Longest name.
const LONGEST: usize = 64;

/// A schedule: what is scanned, when, and what becomes of ticks that cannot be as they should.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Schedule {
    /// Its name, by which its past is found.
    pub name: ScheduleName,
    /// When it is due.
    pub cadence: Cadence,
    /// Where the local times of a cron expression are, and in which its ticks are shown.
    pub time_zone: Zone,
    /// Longest delay of a tick.
    pub jitter: Span,
    /// What becomes of a tick while an earlier scan has not ended.
    pub overlap: Overlap,
    /// What becomes of ticks that passed while nobody ran schedules.
    pub missed: Missed,
    /// How late a tick may be before it is one of those.
    pub missed_after: Span,
    /// What is scanned, each by a scan of its own.
    pub targets: Vec<TargetRef>,
    /// The template to run; the configured one if absent.
    pub template: Option<String>,
    /// Which kind of engine; the configured one if absent.
    pub executor: Option<Engine>,
    /// At what the gate fails; as configured if empty.
    pub fail_on: Thresholds,
    /// Greater is dispatched first.
    pub priority: i32,
    /// Whether it runs.
    pub enabled: bool,
    /// The project that its scans belong to, and whose registered targets it means.
    pub project: OwnerName,
}

/// When a schedule is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cadence {
    /// At times of a calendar.
    Cron(Box<CronExpr>),
    /// Each time that so much has passed since the schedule was first seen.
    Every(Span),
}

/// What becomes of a tick while the schedule's earlier scan of the same target has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ScheduleOverlap")]
pub enum Overlap {
    /// It is skipped.
    #[default]
    Forbid,
    /// It waits; one at most does.
    Queue,
    /// The earlier scan is cancelled.
    Replace,
}

/// What becomes of ticks that passed while nobody ran schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ScheduleMissed")]
pub enum Missed {
    /// They are skipped.
    Skip,
    /// The last of them runs, unless a later tick does.
    #[default]
    RunOnce,
    /// Each of the last 100 runs, one after the other.
    RunAll,
}

/// The kinds of engines that a schedule may choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ScheduleExecutor")]
pub enum Engine {
    /// A Docker engine.
    Docker,
    /// A namespace of a Kubernetes cluster.
    Kubernetes,
}

/// The name of a schedule: letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScheduleName(String);

impl ScheduleName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScheduleName {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidSchedule::Name(text.to_owned())) }
    }
}

impl fmt::Display for ScheduleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a schedule scans: a target, or registered ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TargetRef {
    /// `@shop`, `@tag:web`, `@all`.
    Registered(TargetSelector),
    /// A target, as everywhere.
    Plain(Target),
}

impl FromStr for TargetRef {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        if let Some(selector) = text.strip_prefix('@') {
            return Ok(Self::Registered(selector.parse()?));
        }
        let target: Target = text.parse()?;
        let elsewhere = target.kind == TargetKind::Archive && target.value.contains("://");
        let local = matches!(target.kind, TargetKind::Dir | TargetKind::Archive) && !elsewhere;
        if local && !target.value.starts_with('/') {
            return Err(InvalidSchedule::Relative(target.to_string()));
        }
        Ok(Self::Plain(target))
    }
}

impl fmt::Display for TargetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered(selector) => write!(f, "@{selector}"),
            Self::Plain(target) => target.fmt(f),
        }
    }
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidSchedule;

            fn try_from(text: String) -> Result<Self, InvalidSchedule> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )+};
}

as_text!(ScheduleName, TargetRef);

/// A schedule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchedule {
    /// The name has other letters.
    #[error("`{0}` is no name for a schedule: write 1 to {LONGEST} of a-z, 0-9 and -")]
    Name(String),
    /// Two have the same.
    #[error("two schedules are called `{0}`")]
    Twice(ScheduleName),
    /// It is never due, or by two rules.
    #[error("schedule `{0}` needs one of `cron` and `every`, and not both")]
    Cadence(ScheduleName),
    /// It is due too often.
    #[error("schedule `{0}`: `every` is at least 1s")]
    TooOften(ScheduleName),
    /// It scans nothing, or by two rules.
    #[error("schedule `{0}` needs one of `target` and `targets`, and not both")]
    Targets(ScheduleName),
    /// A path that depends on who asks.
    #[error("`{0}` depends on the directory that a command runs in: write a path that begins with /")]
    Relative(String),
    /// What is after the `@` chooses no targets.
    #[error("after `@` comes NAME, tag:TAG or all: {0}")]
    Selector(#[from] InvalidSelector),
    /// The target cannot be read.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
}

impl Schedule {
    /// Returns a hash of all that decides when it is due.
    pub fn cadence_hash(&self) -> Sha256 {
        Sha256::of(match &self.cadence {
            Cadence::Cron(cron) => format!("cron {cron} {}", self.time_zone),
            Cadence::Every(every) => format!("every {every}"),
        })
    }

    /// When it is due, in words.
    pub fn when(&self) -> String {
        match &self.cadence {
            Cadence::Cron(cron) => cron.in_words(),
            Cadence::Every(every) => format!("every {every}"),
        }
    }

    /// Whether it scans a single target that it names itself.
    pub fn is_single(&self) -> bool {
        matches!(self.targets[..], [TargetRef::Plain(_)])
    }

    /// Refuses names that stand for several schedules.
    pub fn check_names(schedules: &[Self]) -> Result<(), InvalidSchedule> {
        let mut seen = BTreeSet::new();
        match schedules.iter().find(|schedule| !seen.insert(&schedule.name)) {
            Some(second) => Err(InvalidSchedule::Twice(second.name.clone())),
            None => Ok(()),
        }
    }
}

/// `[[schedules]]`: a scan that begins by itself.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Schedule")]
pub(super) struct Form {
    /// Its name: a-z, 0-9 and hyphens.
    #[schemars(with = "String")]
    name: ScheduleName,
    /// When it is due, as a cron expression: minute, hour, day of the month, month, weekday; seconds may come before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    cron: Option<CronExpr>,
    /// How much time lies between two ticks, such as `15m`, counted from when the schedule was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    every: Option<Span>,
    /// The time zone of the expression, such as `Europe/Berlin`; UTC if absent.
    #[serde(default)]
    #[schemars(with = "String")]
    time_zone: Zone,
    /// Longest delay of a tick, such as `2m`: many schedules for the same moment begin one after the other. The delay of a tick is always
    /// the same.
    #[serde(default = "no_span")]
    #[schemars(with = "String")]
    jitter: Span,
    /// What becomes of a tick while the schedule's earlier scan of the same target has not ended.
    #[serde(default)]
    overlap: Overlap,
    /// What becomes of ticks that passed while nobody ran schedules.
    #[serde(default)]
    missed: Missed,
    /// How late a tick may be before it is one of those, such as `1h`.
    #[serde(default = "grace")]
    #[schemars(with = "String")]
    missed_after: Span,
    /// What is scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    target: Option<TargetRef>,
    /// What is scanned, each by a scan of its own: targets, registered ones as `@name`, `@tag:web`, `@all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    targets: Vec<TargetRef>,
    /// The template to run; the configured one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// Which kind of engine; the configured one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    executor: Option<Engine>,
    /// At what the gate of its scans fails; as configured if absent.
    #[serde(default, skip_serializing_if = "Thresholds::is_empty")]
    fail_on: Thresholds,
    /// Greater is dispatched first.
    #[serde(default)]
    priority: i32,
    /// Whether it runs.
    #[serde(default = "yes")]
    enabled: bool,
    /// The project that its scans belong to, and whose registered targets it means.
    #[serde(default)]
    #[schemars(with = "String")]
    project: OwnerName,
}

const fn no_span() -> Span {
    Span(Duration::ZERO)
}

const fn grace() -> Span {
    GRACE
}

const fn yes() -> bool {
    true
}

impl JsonSchema for Schedule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Form::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Form::json_schema(generator)
    }
}

impl TryFrom<Form> for Schedule {
    type Error = InvalidSchedule;

    fn try_from(form: Form) -> Result<Self, InvalidSchedule> {
        let cadence = match (form.cron, form.every) {
            (Some(cron), None) => Cadence::Cron(Box::new(cron)),
            (None, Some(every)) if every.0 >= SHORTEST => Cadence::Every(every),
            (None, Some(_)) => return Err(InvalidSchedule::TooOften(form.name)),
            (None, None) | (Some(_), Some(_)) => return Err(InvalidSchedule::Cadence(form.name)),
        };
        let targets = match (form.target, form.targets) {
            (Some(target), targets) if targets.is_empty() => vec![target],
            (None, targets) if !targets.is_empty() => targets,
            _ => return Err(InvalidSchedule::Targets(form.name)),
        };
        Ok(Self {
            name: form.name,
            cadence,
            time_zone: form.time_zone,
            jitter: form.jitter,
            overlap: form.overlap,
            missed: form.missed,
            missed_after: form.missed_after,
            targets,
            template: form.template,
            executor: form.executor,
            fail_on: form.fail_on,
            priority: form.priority,
            enabled: form.enabled,
            project: form.project,
        })
    }
}

impl From<Schedule> for Form {
    fn from(schedule: Schedule) -> Self {
        let (cron, every) = match schedule.cadence {
            Cadence::Cron(cron) => (Some(*cron), None),
            Cadence::Every(every) => (None, Some(every)),
        };
        Self {
            name: schedule.name,
            cron,
            every,
            time_zone: schedule.time_zone,
            jitter: schedule.jitter,
            overlap: schedule.overlap,
            missed: schedule.missed,
            missed_after: schedule.missed_after,
            target: None,
            targets: schedule.targets,
            template: schedule.template,
            executor: schedule.executor,
            fail_on: schedule.fail_on,
            priority: schedule.priority,
            enabled: schedule.enabled,
            project: schedule.project,
        }
    }
}
