//! What a scan is doing, drawn from its events alone: those that happen now and those that are read back look the same.
//!
//! On a terminal there is one line for each running job and a head line, and a line that stays for each job that ended.
//! Elsewhere every change is a line: `HH:MM:SS job state detail`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::tz::TimeZone;

use super::style::{self, DIM, paint};
use super::ui::Ui;
use crate::model::clock::{Clock, Timestamp};
use crate::model::event::{Event, EventBody, NoteLevel};
use crate::model::finding::SeverityCounts;
use crate::model::state::{AttemptState, JobState, ScanState};
use crate::report::text::{clean, fit};

mod words;

pub(super) use words::found;
use words::{detail, elapsed};

/// At most so many running jobs have a line each.
const MAX_LINES: usize = 12;

/// Draws a scan.
pub(super) struct Progress<'u> {
    ui: &'u Ui,
    sink: Sink,
    tally: Tally,
}

/// Where it is drawn.
enum Sink {
    Nowhere,
    Live(Box<Live>),
    /// Plain lines on standard error.
    Talk,
    /// Plain lines on standard output.
    Data,
}

/// What the events so far add up to.
#[derive(Debug, Default)]
struct Tally {
    target: String,
    state: Option<ScanState>,
    jobs: u64,
    ended: u64,
    running: BTreeMap<String, Running>,
    records: SeverityCounts,
    started: Option<Timestamp>,
}

#[derive(Debug)]
struct Running {
    since: Timestamp,
    attempt: u32,
    /// Why it has not begun, if that was said.
    waits: Option<String>,
}

impl<'u> Progress<'u> {
    /// Draws for a command whose data is something else.
    pub(super) fn talk(ui: &'u Ui) -> Self {
        let sink = match (ui.quiet, ui.err.terminal) {
            (true, _) => Sink::Nowhere,
            (false, true) => Sink::Live(Box::new(Live::new(&ui.live))),
            (false, false) => Sink::Talk,
        };
        Self { ui, sink, tally: Tally::default() }
    }

    /// Draws for a command whose data the events are: what is piped away is lines.
    pub(super) fn data(ui: &'u Ui) -> Self {
        if ui.out.terminal { Self::talk(ui) } else { Self { ui, sink: Sink::Data, tally: Tally::default() } }
    }

    /// Draws nothing.
    pub(super) fn nowhere(ui: &'u Ui) -> Self {
        Self { ui, sink: Sink::Nowhere, tally: Tally::default() }
    }

    /// Takes an event.
    pub(super) fn event(&mut self, event: &Event) -> std::io::Result<()> {
        self.tally.take(event);
        match &self.sink {
            Sink::Nowhere => {}
            Sink::Live(_) => {
                if let Some(line) = lasting(event, &self.tally, self.ui.err.color) {
                    self.ui.talk(&line);
                }
            }
            Sink::Talk => {
                if let Some(line) = plain(event) {
                    self.ui.talk(&line);
                }
            }
            Sink::Data => {
                if let Some(line) = plain(event) {
                    writeln!(std::io::stdout().lock(), "{line}")?;
                }
            }
        }
        Ok(())
    }

    /// Draws what moves; `note` is said beside it.
    pub(super) fn tick(&mut self, note: Option<&str>) {
        let width = self.ui.err.width.unwrap_or(80);
        if let Sink::Live(live) = &mut self.sink {
            live.draw(&self.tally, note, width, self.ui.err.color);
        }
    }

    /// Takes away what moves.
    pub(super) fn finish(&mut self) {
        if let Sink::Live(live) = &mut self.sink {
            live.clear();
        }
        self.sink = Sink::Nowhere;
    }
}

impl Tally {
    fn take(&mut self, event: &Event) {
        match &event.body {
            EventBody::ScanCreated { target, jobs } => {
                self.target = clean(target).into_owned();
                self.jobs += jobs;
                self.started = Some(event.at);
            }
            EventBody::JobsAdded { count, .. } => self.jobs += u64::from(*count),
            EventBody::ScanState { to, .. } => self.state = Some(*to),
            EventBody::JobState { job, to, attempt, records, .. } => {
                if *to == JobState::Running {
                    let running = Running { since: event.at, attempt: *attempt, waits: None };
                    self.running.insert(job.clone(), running);
                } else {
                    self.running.remove(job);
                }
                self.ended += u64::from(to.is_terminal());
                if let Some(records) = records {
                    self.records.merge(records);
                }
            }
            EventBody::AttemptWaits { job, wait, .. } => self.waits(job, Some(clean(&wait.to_string()).into_owned())),
            EventBody::AttemptBegins { job, .. } | EventBody::AttemptState { job, to: AttemptState::Exited, .. } => {
                self.waits(job, None);
            }
            EventBody::AttemptState { .. }
            | EventBody::OwnerChanged { .. }
            | EventBody::IntentRecorded { .. }
            | EventBody::Note { .. } => {}
        }
    }

    fn waits(&mut self, job: &str, waits: Option<String>) {
        if let Some(running) = self.running.get_mut(job) {
            running.waits = waits;
        }
    }

    /// The lines of running jobs, at most so many and one that counts the rest; first come those that wait, for something is amiss.
    fn lines(&self, most: usize, now: Timestamp) -> Vec<String> {
        let line = |(job, running): (&String, &Running)| {
            let again = if running.attempt > 1 { format!("  attempt {}", running.attempt) } else { String::new() };
            let waits = running.waits.as_ref().map_or_else(String::new, |waits| format!("  waits: {waits}"));
            format!("  {}  {}{again}{waits}", clean(job), elapsed(running.since, now))
        };
        let waiting = self.running.iter().filter(|(_, running)| running.waits.is_some());
        let others = self.running.iter().filter(|(_, running)| running.waits.is_none());
        let mut lines: Vec<String> = waiting.chain(others).take(most).map(line).collect();
        if self.running.len() > most {
            lines.push(format!("  … and {} more", self.running.len() - most));
        }
        lines
    }

    fn head(&self, now: Timestamp) -> String {
        let state = self.state.map_or("", ScanState::as_str);
        let time = self.started.map_or_else(String::new, |started| format!(" · {}", elapsed(started, now)));
        format!(
            "{} · {state} · {}/{} jobs · {}{time}",
            self.target,
            self.ended,
            self.jobs.max(self.ended),
            found(&self.records)
        )
    }
}

/// The part that moves.
struct Live {
    bars: MultiProgress,
    head: ProgressBar,
    jobs: Vec<ProgressBar>,
}

impl Live {
    fn new(bars: &MultiProgress) -> Self {
        let head = bars.add(ProgressBar::new_spinner().with_style(plain_style("{spinner:.cyan} {msg}")));
        Self { bars: bars.clone(), head, jobs: Vec::new() }
    }

    fn draw(&mut self, tally: &Tally, note: Option<&str>, width: usize, color: bool) {
        let now = Clock::System.now();
        let mut lines = tally.lines(MAX_LINES, now);
        lines.extend(note.map(|note| format!("  {note}")));
        self.lines(lines.len());
        for (bar, line) in self.jobs.iter().zip(&lines) {
            bar.set_message(paint(color, DIM, &fit(line, width.saturating_sub(1))));
        }
        self.head.set_message(fit(&tally.head(now), width.saturating_sub(3)).into_owned());
        self.head.tick();
    }

    /// Makes it so many lines below the head.
    fn lines(&mut self, wanted: usize) {
        while self.jobs.len() > wanted {
            if let Some(bar) = self.jobs.pop() {
                bar.finish_and_clear();
                self.bars.remove(&bar);
            }
        }
        while self.jobs.len() < wanted {
            self.jobs.push(self.bars.add(ProgressBar::new_spinner().with_style(plain_style("{msg}"))));
        }
    }

    fn clear(&mut self) {
        self.lines(0);
        self.head.finish_and_clear();
    }
}

fn plain_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// The line that stays on a terminal, for events that deserve one.
fn lasting(event: &Event, tally: &Tally, color: bool) -> Option<String> {
    match &event.body {
        EventBody::JobState { job, to, .. } if to.is_terminal() || *to == JobState::Backoff => {
            let (mark, look) = style::job(*to);
            let wide = tally.running.keys().map(String::len).max().unwrap_or(0).max(16);
            let detail = detail(&event.body).unwrap_or_default();
            Some(format!("{} {:wide$}  {to:11} {detail}", paint(color, look, mark), clean(job)).trim_end().to_owned())
        }
        EventBody::Note { level, .. } if *level != NoteLevel::Info => plain(event),
        EventBody::ScanState { to: ScanState::Paused | ScanState::Pausing, .. } | EventBody::IntentRecorded { .. } => {
            plain(event)
        }
        _ => None,
    }
}

/// An event as a line of its own.
fn plain(event: &Event) -> Option<String> {
    let (who, state) = match &event.body {
        EventBody::ScanCreated { .. } => ("scan", "created"),
        EventBody::ScanState { from: ScanState::Created, .. }
        | EventBody::AttemptState { .. }
        | EventBody::JobState { to: JobState::Ready | JobState::Pending, .. } => return None,
        EventBody::ScanState { to, .. } => ("scan", to.as_str()),
        EventBody::JobsAdded { step, .. } => (step.as_str(), "grew"),
        EventBody::JobState { job, to, .. } => (job.as_str(), to.as_str()),
        EventBody::AttemptWaits { job, .. } => (job.as_str(), "waits"),
        EventBody::AttemptBegins { job, .. } => (job.as_str(), "begins"),
        EventBody::OwnerChanged { .. } => ("scan", "driven"),
        EventBody::IntentRecorded { .. } => ("scan", "asked"),
        EventBody::Note { job, level, .. } => (job.as_deref().unwrap_or("scan"), level_word(*level)),
    };
    let detail = detail(&event.body).unwrap_or_default();
    Some(format!("{} {:16} {state:11} {detail}", time_of_day(event.at), clean(who)).trim_end().to_owned())
}

const fn level_word(level: NoteLevel) -> &'static str {
    match level {
        NoteLevel::Info => "note",
        NoteLevel::Warning => "warning",
        NoteLevel::Error => "error",
    }
}

/// The time on the user's clock.
fn time_of_day(at: Timestamp) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(at.0) else { return "--:--:--".to_owned() };
    moment.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// How often what moves is drawn.
pub(super) const FRAME: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
