//! The decisions: view × input → view, rows, events, effects. No I/O, no clock: the moment comes with the input.
//!
//! A view that has decided is ahead of the store until the decisions are committed. If that fails, the view is thrown away: a
//! driver that cannot write is no driver.

use crate::executor::Observed;
use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, Gap};
use crate::model::event::EventBody;
use crate::model::manifest::{ExitCause, Manifest};
use crate::model::outcome::{Failure, FailureClass, FailureReason};
use crate::model::retry::{Decision, is_own_fault, mix};
use crate::model::state::{AttemptState, IllegalTransition, JobState};
use crate::model::wait::Wait;
use crate::store::{AttemptChange, Change};

use super::input::{Decisions, Effect, Harvest, Input, Ticket};
use super::jobs::End;
use super::view::{Attempt, Leftover, Progress, View};

/// Decides what follows from `input`, at the moment `now`.
pub fn transition(view: &mut View, input: Input, now: Timestamp, out: &mut Decisions) -> Result<(), IllegalTransition> {
    match input {
        Input::Tick => Ok(()),
        Input::Launched(ticket, answer) => view.launched(ticket, answer, now, out),
        Input::Observed(ticket, observed) => view.observed(ticket, &observed, now, out),
        Input::Waiting(ticket, wait) => {
            view.waiting(ticket, wait, out);
            Ok(())
        }
        Input::Missing(ticket) => {
            view.missing(ticket, out);
            Ok(())
        }
        Input::Vanished(ticket) => {
            view.vanished(ticket, out);
            Ok(())
        }
        Input::Gone(ticket) => view.gone(ticket, now, out),
        Input::EngineLost => view.engine_lost(out),
        Input::EngineFound => {
            view.engine_lost = false;
            Ok(())
        }
        Input::Collected(ticket, result) => view.collected(ticket, result, now, out),
        Input::Ingested(ticket, result) => view.ingested(ticket, result, now, out),
        Input::Removed(ticket) => view.removed(ticket, out),
        Input::Abandoned(ticket) => {
            view.leftovers.remove(&ticket);
            Ok(())
        }
        Input::Unstopped(ticket) => {
            view.unstopped(ticket, out);
            Ok(())
        }
        Input::Expanded(expanded) => view.expanded(&expanded, out),
        Input::Compared => {
            view.comparison = Progress::Done;
            Ok(())
        }
        Input::Asked { id, verb } => view.asked(id, verb, out),
    }
}

/// What an attempt's move carries beside its state.
#[derive(Default)]
struct Details {
    engine_id: Option<String>,
    manifest: Option<Manifest>,
    failure: Option<Failure>,
    removed: bool,
}

impl View {
    fn launched(
        &mut self,
        ticket: Ticket,
        answer: Result<String, Failure>,
        now: Timestamp,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        if let Some(leftover) = self.leftovers.get_mut(&ticket).filter(|leftover| leftover.launching) {
            leftover.launching = false;
            out.effects.push(Effect::Remove(ticket));
        }
        let Some(attempt) = self.live_attempt(ticket).filter(|attempt| attempt.launching) else { return Ok(()) };
        attempt.launching = false;
        let Attempt { state, stopping, vanished, .. } = *attempt;
        if vanished {
            out.effects.push(Effect::Inspect(ticket));
        }
        match answer {
            Ok(engine_id) => {
                let details = Details { engine_id: Some(engine_id), ..Details::default() };
                let started = matches!(state, AttemptState::Intent | AttemptState::Created);
                self.move_attempt(ticket, if started { AttemptState::Running } else { state }, details, out)?;
                if stopping {
                    // The stop may have overtaken the launch.
                    out.effects.push(Effect::Stop(ticket));
                }
                Ok(())
            }
            // It was seen to run or to end: that the launch was not answered no longer matters.
            Err(_) if matches!(state, AttemptState::Running | AttemptState::Exited | AttemptState::Sealed) => Ok(()),
            Err(_) if vanished => self.fail(ticket, gone_for_good(), now, out),
            // It may run all the same, and have found something: the stop is repeated, for it may have come before the container.
            Err(failure) if stopping && failure.reason.class() == FailureClass::Transient => {
                out.effects.extend([Effect::Stop(ticket), Effect::Inspect(ticket)]);
                Ok(())
            }
            Err(failure) => self.fail(ticket, failure, now, out),
        }
    }

    fn observed(
        &mut self,
        ticket: Ticket,
        observed: &Observed,
        now: Timestamp,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let Some(attempt) = self.live_attempt(ticket) else { return Ok(()) };
        let (state, launching) = (attempt.state, attempt.launching);
        if *observed == Observed::Running && attempt.waits.end() {
            let job = self.job_name(ticket.job).to_string();
            out.events.push(EventBody::AttemptBegins { job, attempt: ticket.attempt });
            self.write_waits(ticket, out);
        }
        match (observed, state) {
            (Observed::Running, AttemptState::Intent | AttemptState::Created | AttemptState::Unknown) => {
                self.move_attempt(ticket, AttemptState::Running, Details::default(), out)
            }
            (Observed::Created, AttemptState::Unknown) => {
                self.move_attempt(ticket, AttemptState::Created, Details::default(), out)?;
                self.relaunch(ticket, out);
                Ok(())
            }
            // The stop came before there was anything to stop; a launch may wait for long until what it has made begins.
            (Observed::Created, AttemptState::Cancelling) if launching => {
                out.effects.push(Effect::Stop(ticket));
                Ok(())
            }
            // A driver that died between create and start was to stop it: nothing ran, and nothing will.
            (Observed::Created, AttemptState::Cancelling) => {
                self.fail(ticket, Failure::new(FailureReason::Cancelled, "it was never started"), now, out)
            }
            (Observed::Exited { .. }, AttemptState::Exited | AttemptState::Sealed) => Ok(()),
            (Observed::Exited { .. }, _) => {
                self.move_attempt(ticket, AttemptState::Exited, Details::default(), out)?;
                out.effects.push(Effect::Collect(ticket));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The engine repeats itself, and a driver that takes over hears it all again: each reason is told once.
    fn waiting(&mut self, ticket: Ticket, wait: Wait, out: &mut Decisions) {
        // A launch that was answered is no beginning: the engine may have taken no more than the order.
        let may_wait = |attempt: &&mut Attempt| {
            use AttemptState::{Created, Intent, Running, Unknown};
            matches!(attempt.state, Intent | Created | Running | Unknown)
        };
        let Some(attempt) = self.live_attempt(ticket).filter(may_wait) else { return };
        if attempt.waits.tell(&wait) {
            let job = self.job_name(ticket.job).to_string();
            out.events.push(EventBody::AttemptWaits { job, attempt: ticket.attempt, wait });
            self.write_waits(ticket, out);
        }
    }

    fn write_waits(&self, ticket: Ticket, out: &mut Decisions) {
        if let Some(attempt) = self.live.get(&ticket.job) {
            let (job, waits) = (self.jobs[ticket.job].id, attempt.waits.clone());
            out.changes.push(Change::Waits { job, attempt: ticket.attempt, waits });
        }
    }

    /// A listing may be older than a launch: the engine is asked again, by name, before anything is concluded.
    fn missing(&mut self, ticket: Ticket, out: &mut Decisions) {
        let Some(attempt) = self.live_attempt(ticket) else { return };
        let here = matches!(attempt.state, AttemptState::Exited | AttemptState::Sealed);
        if !attempt.launching && !here {
            out.effects.push(Effect::Inspect(ticket));
        }
    }

    /// The object was there and is gone. A launch that has lost its answer must not make it again under the same name.
    fn vanished(&mut self, ticket: Ticket, out: &mut Decisions) {
        let Some(attempt) = self.live_attempt(ticket).filter(|attempt| attempt.launching) else {
            return self.missing(ticket, out);
        };
        attempt.vanished = true;
        out.effects.push(Effect::Forgo(ticket));
    }

    fn unstopped(&mut self, ticket: Ticket, out: &mut Decisions) {
        if self.live_attempt(ticket).is_some_and(|attempt| attempt.state == AttemptState::Cancelling) {
            out.effects.push(Effect::Stop(ticket));
        }
    }

    fn gone(&mut self, ticket: Ticket, now: Timestamp, out: &mut Decisions) -> Result<(), IllegalTransition> {
        let Some(attempt) = self.live_attempt(ticket) else { return Ok(()) };
        match attempt.state {
            _ if attempt.launching => Ok(()),
            AttemptState::Exited | AttemptState::Sealed => Ok(()),
            // The intent was written and the engine never heard of it.
            AttemptState::Intent if !attempt.stopping => {
                self.relaunch(ticket, out);
                Ok(())
            }
            _ => self.fail(ticket, gone_for_good(), now, out),
        }
    }

    fn engine_lost(&mut self, out: &mut Decisions) -> Result<(), IllegalTransition> {
        self.engine_lost = true;
        let seen: Vec<Ticket> = self
            .live
            .iter()
            .filter(|(_, a)| !a.launching && matches!(a.state, AttemptState::Created | AttemptState::Running))
            .map(|(&job, a)| Ticket { job, attempt: a.number })
            .collect();
        seen.into_iter()
            .try_for_each(|ticket| self.move_attempt(ticket, AttemptState::Unknown, Details::default(), out))
    }

    fn collected(
        &mut self,
        ticket: Ticket,
        result: Result<Box<Manifest>, Failure>,
        now: Timestamp,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let awaited = |attempt: &&mut Attempt| {
            matches!(attempt.state, AttemptState::Exited | AttemptState::Sealed) && !attempt.storing
        };
        let Some(attempt) = self.live_attempt(ticket).filter(awaited) else { return Ok(()) };
        let state = attempt.state;
        match result {
            Err(failure) => self.fail(ticket, failure, now, out),
            Ok(manifest) if manifest.exit.cause == ExitCause::Stopped && self.is_taken_back(ticket) => {
                self.fail(ticket, taken_back(), now, out)
            }
            Ok(manifest) => {
                if let Some(attempt) = self.live_attempt(ticket) {
                    attempt.storing = true;
                }
                if state != AttemptState::Sealed {
                    let details = Details { manifest: Some(*manifest), ..Details::default() };
                    self.move_attempt(ticket, AttemptState::Sealed, details, out)?;
                }
                out.effects.push(Effect::Ingest(ticket));
                Ok(())
            }
        }
    }

    fn ingested(
        &mut self,
        ticket: Ticket,
        result: Result<Harvest, Failure>,
        now: Timestamp,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let Some(attempt) = self.live_attempt(ticket).filter(|attempt| attempt.storing) else { return Ok(()) };
        let stopping = attempt.stopping && self.ending.is_some();
        let harvest = match result {
            Err(failure) => return self.fail(ticket, failure, now, out),
            Ok(harvest) => harvest,
        };
        self.move_attempt(ticket, AttemptState::Ingested, Details::default(), out)?;
        self.win(ticket, stopping || harvest.assets == 0, out);
        // A scanner that had ended by itself before the stop reached it has seen all that it could.
        let cut = matches!(&harvest.coverage, Coverage::Partial(gaps) if gaps.contains(&Gap::Stopped));
        let state = if stopping && cut { JobState::Cancelled } else { JobState::Succeeded };
        self.end_job(ticket.job, ticket.attempt, state, End { harvest, ..End::default() }, out)
    }

    /// Makes the results visible; `ends_here` when no later step is fed with them.
    fn win(&mut self, ticket: Ticket, ends_here: bool, out: &mut Decisions) {
        let job = &self.jobs[ticket.job];
        let dependants = self.steps[job.step].dependants.iter().copied();
        let feeds: Vec<usize> = dependants.filter(|&step| self.steps[step].expands && !ends_here).collect();
        let (id, depth) = (job.id, job.depth + 1);
        for &step in &feeds {
            self.steps[step].incoming += 1;
        }
        out.changes.push(Change::Win { job: id, attempt: ticket.attempt, feeds, depth });
    }

    fn removed(&mut self, ticket: Ticket, out: &mut Decisions) -> Result<(), IllegalTransition> {
        let Some(Leftover { state, .. }) = self.leftovers.remove(&ticket) else { return Ok(()) };
        let rest: &[AttemptState] = match state {
            AttemptState::Ingested => &[AttemptState::Acked, AttemptState::Cleaned],
            AttemptState::Acked => &[AttemptState::Cleaned],
            _ => &[],
        };
        let state = rest.iter().try_fold(state, |from, &to| self.tell_attempt(ticket, from, to, None, out))?;
        self.write_attempt(ticket, state, Details { removed: true, ..Details::default() }, out);
        Ok(())
    }

    /// Ends an attempt without results; decides whether its job is tried again.
    fn fail(
        &mut self,
        ticket: Ticket,
        failure: Failure,
        now: Timestamp,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let (stopping, taken) = (self.is_stopping(ticket), self.is_taken_back(ticket));
        let failure = if taken { taken_back() } else { failure };
        let state = match failure.reason.class() {
            _ if stopping => AttemptState::Cancelled,
            FailureClass::Lost => AttemptState::Lost,
            _ => AttemptState::Failed,
        };
        let state = self.reachable_end(ticket, state);
        self.move_attempt(ticket, state, Details { failure: Some(failure.clone()), ..Details::default() }, out)?;
        if taken {
            return self.back_off(ticket, now, failure, out);
        }
        if stopping {
            return self.end_job(ticket.job, ticket.attempt, JobState::Cancelled, End::nothing(None), out);
        }
        let own = is_own_fault(failure.reason);
        let job = &mut self.jobs[ticket.job];
        job.own_failures += u32::from(own);
        job.engine_failures += u32::from(!own);
        let policy = self.plan.steps[job.step].scanner.retry;
        let seed = mix(self.plan.options.seed ^ u64::from(job.chunk) ^ (job.step as u64) << 32);
        match policy.decide(&failure, job.own_failures, job.engine_failures, seed) {
            Decision::Retry(wait) => {
                let at = now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                self.back_off(ticket, at, failure, out)
            }
            Decision::Fail => {
                self.end_job(ticket.job, ticket.attempt, JobState::Failed, End::nothing(Some(failure)), out)
            }
            Decision::Quarantine => {
                self.end_job(ticket.job, ticket.attempt, JobState::Quarantined, End::nothing(Some(failure)), out)
            }
        }
    }

    /// `cancelled` cannot be entered from everywhere: an attempt that runs was not cancelled, it failed while being stopped.
    fn reachable_end(&self, ticket: Ticket, wanted: AttemptState) -> AttemptState {
        let state = self.live.get(&ticket.job).map_or(wanted, |attempt| attempt.state);
        if state.successors().contains(&wanted) { wanted } else { AttemptState::Failed }
    }

    /// Asks a live attempt to stop.
    pub(super) fn stop(&mut self, ticket: Ticket, out: &mut Decisions) -> Result<(), IllegalTransition> {
        let ends = self.ending.is_some();
        let Some(attempt) = self.live_attempt(ticket) else { return Ok(()) };
        let ended = matches!(attempt.state, AttemptState::Exited | AttemptState::Sealed);
        // What has ended by itself need not begin anew.
        if ended && !ends || std::mem::replace(&mut attempt.stopping, true) {
            return Ok(());
        }
        match attempt.state {
            _ if ended => Ok(()),
            _ => {
                self.move_attempt(ticket, AttemptState::Cancelling, Details::default(), out)?;
                out.effects.push(Effect::Stop(ticket));
                Ok(())
            }
        }
    }

    fn relaunch(&mut self, ticket: Ticket, out: &mut Decisions) {
        if let Some(attempt) = self.live_attempt(ticket) {
            attempt.launching = true;
            out.effects.push(Effect::Launch(ticket));
        }
    }

    fn live_attempt(&mut self, ticket: Ticket) -> Option<&mut Attempt> {
        self.live.get_mut(&ticket.job).filter(|attempt| attempt.number == ticket.attempt)
    }

    /// Moves a live attempt; one that is over leaves what the engine holds to be removed.
    fn move_attempt(
        &mut self,
        ticket: Ticket,
        to: AttemptState,
        details: Details,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let Some(attempt) = self.live_attempt(ticket) else { return Ok(()) };
        let from = attempt.state;
        if from != to {
            attempt.state = to;
            self.tell_attempt(ticket, from, to, details.failure.clone(), out)?;
        }
        self.write_attempt(ticket, to, details, out);
        if to.is_over() {
            let launching = self.live.remove(&ticket.job).is_some_and(|attempt| attempt.launching);
            self.leftovers.insert(ticket, Leftover { state: to, launching });
            if !launching {
                out.effects.push(Effect::Remove(ticket));
            }
        }
        Ok(())
    }

    fn tell_attempt(
        &self,
        ticket: Ticket,
        from: AttemptState,
        to: AttemptState,
        failure: Option<Failure>,
        out: &mut Decisions,
    ) -> Result<AttemptState, IllegalTransition> {
        let job = self.job_name(ticket.job).to_string();
        out.events.push(EventBody::AttemptState { job, attempt: ticket.attempt, from, to, failure });
        from.enter(to)
    }

    fn write_attempt(&self, ticket: Ticket, state: AttemptState, details: Details, out: &mut Decisions) {
        out.changes.push(Change::Attempt(Box::new(AttemptChange {
            job: self.jobs[ticket.job].id,
            number: ticket.attempt,
            state,
            engine_id: details.engine_id,
            manifest: details.manifest,
            failure: details.failure,
            removed: details.removed,
        })));
    }

    /// Takes up what an earlier process has left: every effect may be done again.
    pub fn recover(&mut self, out: &mut Decisions) -> Result<(), IllegalTransition> {
        if self.ending.is_some() && !self.state.is_terminal() {
            // An expansion may have been committed behind the decision to end.
            self.cancel_waiting(out)?;
        }
        let live: Vec<(Ticket, AttemptState, bool)> = self
            .live
            .iter()
            .map(|(&job, attempt)| (Ticket { job, attempt: attempt.number }, attempt.state, attempt.stopping))
            .collect();
        for (ticket, state, stopping) in live {
            match state {
                AttemptState::Exited | AttemptState::Sealed => out.effects.push(Effect::Collect(ticket)),
                _ if stopping => out.effects.push(Effect::Stop(ticket)),
                AttemptState::Intent | AttemptState::Created => self.relaunch(ticket, out),
                // The engine's first listing tells.
                _ => {}
            }
        }
        out.effects.extend(self.leftovers.keys().map(|&ticket| Effect::Remove(ticket)));
        Ok(())
    }
}

fn taken_back() -> Failure {
    Failure::new(FailureReason::Cancelled, "it was stopped to begin anew")
}

fn gone_for_good() -> Failure {
    Failure::new(FailureReason::Vanished, "the engine no longer knows the container")
}
