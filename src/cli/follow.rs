//! Following a scan to its end, with its events on show and signals obeyed.

use std::cell::RefCell;
use std::io::Write as _;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::background;
use super::context::Context;
use super::error::CliError;
use super::exit;
use super::progress::{FRAME, Progress};
use super::signals::{Caught, Signals};
use crate::app::{self, App, Judged, TakeUp, Watch, WatchEnd};
use crate::config::OnInterrupt;
use crate::executor::SharedExecutor;
use crate::model::event::Event;
use crate::model::id::{ScanId, ScanKey};
use crate::model::state::JobState;
use crate::store::Verb;

/// How to follow.
pub(super) struct Follow<'u> {
    pub(super) scan: ScanId,
    pub(super) key: ScanKey,
    /// Events after this number.
    pub(super) from: u64,
    /// Who drives the scan when nobody does.
    pub(super) take_up: TakeUp,
    /// Whether to end when the scan is paused.
    pub(super) end_when_paused: bool,
    /// What the first interrupt does.
    pub(super) on_interrupt: OnInterrupt,
    /// What shows the events.
    pub(super) show: Show<'u>,
}

/// What shows the events.
pub(super) enum Show<'u> {
    /// For people.
    Progress(Progress<'u>),
    /// As lines of JSON on standard output.
    Json,
}

/// How following ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Followed {
    /// As the scan did, or the engine.
    Watched(WatchEnd),
    /// The user left; the exit code that tells so.
    Left(u8),
}

impl Show<'_> {
    fn event(&mut self, event: &Event) -> Result<(), CliError> {
        match self {
            Self::Progress(progress) => Ok(progress.event(event)?),
            Self::Json => {
                let mut out = std::io::stdout().lock();
                serde_json::to_writer(&mut out, event)?;
                Ok(out.write_all(b"\n")?)
            }
        }
    }

    fn tick(&mut self, note: Option<&str>) {
        if let Self::Progress(progress) = self {
            progress.tick(note);
        }
    }

    fn finish(&mut self) {
        if let Self::Progress(progress) = self {
            progress.finish();
        }
    }
}

/// Follows a scan until it ends, rests, or the user leaves.
pub(super) async fn follow(
    context: &Context,
    app: &App,
    executor: Option<SharedExecutor>,
    options: Follow<'_>,
) -> Result<Followed, CliError> {
    let detach = CancellationToken::new();
    let watch = Watch {
        from: options.from,
        take_up: options.take_up,
        end_when_paused: options.end_when_paused,
        detach: detach.clone(),
        actor: context.actor(),
    };
    let (scan, key, on_interrupt) = (options.scan, options.key, options.on_interrupt);
    let shown = RefCell::new((options.show, Ok(())));
    let mut leaving = Leaving { context, app, scan, key, on_interrupt, detach, first: None, cancelling: None };
    let end = {
        let watching = app::watch(app, scan, executor, watch, |event| {
            let (show, outcome) = &mut *shown.borrow_mut();
            if outcome.is_ok() {
                *outcome = show.event(event);
            }
        });
        tokio::pin!(watching);
        let (mut signals, mut frames) = (Signals::listen()?, tokio::time::interval(FRAME));
        loop {
            tokio::select! {
                end = &mut watching => break end?,
                caught = signals.next() => if let Some(code) = leaving.caught(caught).await? {
                    shown.borrow_mut().0.finish();
                    leaving.say_what_runs_on()?;
                    return Ok(Followed::Left(code));
                },
                _ = frames.tick() => {
                    let (show, outcome) = &mut *shown.borrow_mut();
                    show.tick(leaving.note().as_deref());
                    if outcome.is_err() {
                        leaving.detach.cancel();
                    }
                }
            }
        }
    };
    let (mut show, outcome) = shown.into_inner();
    show.finish();
    let followed = leaving.end(end, options.take_up).await?;
    outcome.map(|()| followed)
}

/// What the user's signals have come to.
struct Leaving<'a> {
    context: &'a Context,
    app: &'a App,
    scan: ScanId,
    key: ScanKey,
    on_interrupt: OnInterrupt,
    detach: CancellationToken,
    first: Option<Caught>,
    /// When the scanners' grace is over.
    cancelling: Option<Instant>,
}

impl Leaving<'_> {
    /// Obeys a signal; returns the exit code when the command ends at once.
    async fn caught(&mut self, caught: Caught) -> Result<Option<u8>, CliError> {
        if self.first.is_some() && caught != Caught::Hangup {
            return Ok(Some(caught.code()));
        }
        self.first = Some(caught);
        if caught == Caught::Hangup || self.on_interrupt == OnInterrupt::Detach {
            self.detach.cancel();
            return Ok(None);
        }
        let grace = self.app.config.scan.grace.0;
        self.context.ui.say(&format!(
            "cancelling: scanners have {} to end, and what they found is kept; once more leaves at once",
            self.app.config.scan.grace
        ));
        self.cancelling = Some(Instant::now() + grace);
        app::ask(self.app, self.scan, Verb::Cancel, &self.context.actor()).await?;
        Ok(None)
    }

    /// Says how long the scanners still have.
    fn note(&self) -> Option<String> {
        let left = self.cancelling?.saturating_duration_since(Instant::now());
        Some(match left {
            Duration::ZERO => "cancelling: scanners are being killed".to_owned(),
            left => format!("cancelling: scanners have {}s to end", left.as_secs() + 1),
        })
    }

    /// Tells whoever leaves at once what they leave behind.
    fn say_what_runs_on(&self) -> Result<(), CliError> {
        let jobs = self.app.store.jobs(self.scan)?;
        let running: Vec<String> =
            jobs.into_iter().filter(|job| job.state == JobState::Running).map(|job| job.name).collect();
        let (ui, key) = (&self.context.ui, self.key);
        if running.is_empty() {
            ui.talk(&format!("left at once; no job of scan {key} is running"));
        } else {
            ui.talk(&format!("left at once; of scan {key} there may still run: {}", running.join(", ")));
        }
        ui.talk(&format!("`dragnet watch {key}` takes it up again, `dragnet cancel {key}` ends it"));
        Ok(())
    }

    /// Hands the scan to a driver in the background when this process was to drive it and lets go.
    async fn end(self, end: WatchEnd, take_up: TakeUp) -> Result<Followed, CliError> {
        if end != WatchEnd::Detached {
            return Ok(Followed::Watched(end));
        }
        let (ui, key) = (&self.context.ui, self.key);
        if take_up != TakeUp::Never
            && !self.app.store.scan_state(self.scan)?.is_terminal()
            && !self.app.store.is_driven(key)?
        {
            let by = background::drive(self.context, self.app, self.scan, key).await?.words();
            ui.say(&format!("scan {key} goes on {by}; `dragnet watch {key}` follows it"));
        } else {
            ui.say(&format!("scan {key} goes on; `dragnet watch {key}` follows it"));
        }
        Ok(Followed::Left(self.first.map_or(exit::CLEAN, Caught::code)))
    }
}

/// Returns the exit code of a command that followed a scan: by its verdict, unless the engine was lost.
pub(super) fn exit_code(context: &Context, judged: &Judged, end: WatchEnd) -> u8 {
    let key = judged.scan.id;
    match end {
        WatchEnd::EngineLost => {
            context.ui.talk(&format!(
                "the engine could not be reached for too long; once it is back, `dragnet watch {key}` goes on"
            ));
            return exit::UNREACHABLE;
        }
        WatchEnd::Paused => context.ui.say(&format!("scan {key} is paused; `dragnet resume {key}` goes on")),
        WatchEnd::Ended | WatchEnd::Detached => {}
    }
    exit::of_verdict(judged.verdict())
}
