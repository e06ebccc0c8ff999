//! What follows without anything happening outside: which jobs become ready, which are skipped, what is dispatched, when the scan
//! ends. Run after each batch of inputs.

use std::collections::BTreeSet;

use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, Gap, SkipReason};
use crate::model::event::EventBody;
use crate::model::id::{JobName, Sha256};
use crate::model::plan::{Condition, Gather, OnFailure};
use crate::model::spec::JobSpec;
use crate::model::state::{AttemptState, IllegalTransition, JobState, ScanState};
use crate::model::view::EndReason;
use crate::store::{Change, NewAttempt, ScanChange};

use super::input::{Decisions, Effect, Harvest, Ticket};
use super::jobs::End;
use super::view::{Attempt, Progress, View};

/// How many ready jobs beyond the slots are looked at for one that may go where those before it may not.
const LOOK_AHEAD: usize = 1000;

/// Settles the view at the moment `now`.
pub fn settle(view: &mut View, now: Timestamp, out: &mut Decisions) -> Result<(), IllegalTransition> {
    if view.state.is_terminal() {
        return Ok(());
    }
    view.begin(now, out)?;
    view.check_limits(now, out)?;
    if view.state == ScanState::Paused && view.ending.is_none() {
        return Ok(());
    }
    view.settle_steps(out)?;
    view.wake(now, out)?;
    view.expand_next(out);
    view.finish(now, out)
}

impl View {
    fn begin(&mut self, now: Timestamp, out: &mut Decisions) -> Result<(), IllegalTransition> {
        match self.state {
            _ if self.ending.is_some() => Ok(()),
            ScanState::Queued => {
                self.started_at.get_or_insert(now);
                self.move_scan(ScanState::Running, None, out)
            }
            // It was paused before it had begun.
            ScanState::Running if self.started_at.is_none() => {
                self.started_at = Some(now);
                self.write_scan(None, out);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_limits(&mut self, now: Timestamp, out: &mut Decisions) -> Result<(), IllegalTransition> {
        // What is only compared yet has all its results: no limit takes them away.
        if self.ending.is_some() || self.comparison != Progress::Due {
            return Ok(());
        }
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            return self.halt(EndReason::MaxDuration, out);
        }
        if self.must_halt() {
            return self.halt(EndReason::StepFailed, out);
        }
        Ok(())
    }

    /// Looks at steps whose upstream has changed; one step's skips may unsettle the next.
    fn settle_steps(&mut self, out: &mut Decisions) -> Result<(), IllegalTransition> {
        while let Some(step) = self.unsettled.pop_first() {
            self.close(step, out);
            if self.ending.is_none() {
                self.settle_step(step, out)?;
            }
        }
        Ok(())
    }

    /// Closes an expanding step once nothing more can be added to it.
    fn close(&mut self, index: usize, out: &mut Decisions) {
        let step = &self.steps[index];
        let awaited = step.incoming > 0 || self.feeds.iter().any(|feed| feed.step == index);
        if step.closed || awaited || !self.needs_ended(index) {
            return;
        }
        self.steps[index].closed = true;
        if !self.steps[index].needs.iter().all(|&need| self.is_full_enough(need)) {
            self.steps[index].seen.gaps.insert(Gap::UpstreamPartial);
        }
        self.unsettled.extend(&self.steps[index].dependants);
        if self.steps[index].members == 0 && !self.steps[index].empty {
            self.record_empty_step(index, out);
        }
    }

    /// A step that was given no asset has no job to show for it: one is written down as skipped.
    fn record_empty_step(&mut self, index: usize, out: &mut Decisions) {
        self.steps[index].empty = true;
        let upstream_full = self.steps[index].needs.iter().all(|&need| self.is_full_enough(need));
        let coverage = SkipReason::NoAssets.coverage(upstream_full && self.ending.is_none());
        self.steps[index].seen.add(JobState::Skipped, &coverage, 0, 0);
        out.events.push(EventBody::JobState {
            job: JobName { step: self.plan.steps[index].id.clone(), chunk: 0 }.to_string(),
            from: JobState::Pending,
            to: JobState::Skipped,
            attempt: 0,
            coverage: Some(coverage.clone()),
            records: None,
            failure: None,
            skip: Some(SkipReason::NoAssets),
            retry_at: None,
        });
        out.changes.push(Change::EmptyStep { step: index, coverage });
    }

    fn needs_ended(&self, step: usize) -> bool {
        self.steps[step].needs.iter().all(|&need| self.steps[need].has_ended())
    }

    fn settle_step(&mut self, index: usize, out: &mut Decisions) -> Result<(), IllegalTransition> {
        if self.steps[index].pending.is_empty() {
            return Ok(());
        }
        let ended = self.needs_ended(index);
        if let Some(skip) = ended.then(|| self.skip_reason(index)).flatten() {
            return self.skip_pending(index, skip, out);
        }
        let ready = self.ready_pending(index, ended);
        ready.into_iter().try_for_each(|job| self.move_job(job, JobState::Ready, None, out))
    }

    fn skip_reason(&self, index: usize) -> Option<SkipReason> {
        let declared = &self.plan.steps[index];
        let blocked = self.steps[index].needs.iter().any(|&need| {
            let failed =
                self.steps[need].seen.failed || (self.steps[need].seen.missing && !self.steps[need].seen.anything);
            failed && self.plan.steps[need].on_failure == OnFailure::Skip && !self.steps[index].expands
        });
        if blocked {
            return Some(SkipReason::NeedFailed);
        }
        let holds = match &declared.when {
            None => true,
            Some(Condition::Records(id)) => {
                self.plan.step_index(id).is_some_and(|step| self.steps[step].seen.records > 0)
            }
            Some(Condition::Assets(id)) => {
                self.plan.step_index(id).is_some_and(|step| self.steps[step].seen.assets > 0)
            }
        };
        (!holds).then_some(SkipReason::WhenFalse)
    }

    fn skip_pending(&mut self, index: usize, skip: SkipReason, out: &mut Decisions) -> Result<(), IllegalTransition> {
        let coverage = skip.coverage(true);
        let jobs: Vec<usize> = self.steps[index].pending.iter().copied().collect();
        jobs.into_iter().try_for_each(|job| {
            let harvest = Harvest { coverage: coverage.clone(), ..Harvest::default() };
            self.end_job(job, 0, JobState::Skipped, End { harvest, skip: Some(skip), failure: None }, out)
        })
    }

    /// Pending jobs that may run: all when everything before them has ended; full chunks earlier, if the step takes them so.
    fn ready_pending(&self, index: usize, ended: bool) -> Vec<usize> {
        let (step, declared) = (&self.steps[index], &self.plan.steps[index]);
        let complete = ended && step.closed;
        let early = step.expands && declared.gather == Gather::Each && declared.when.is_none();
        let full = step.members / u64::from(declared.chunk.max(1));
        step.pending
            .iter()
            .copied()
            .filter(|&job| complete || (early && u64::from(self.jobs[job].chunk) < full))
            .collect()
    }

    /// Jobs whose wait is over become ready.
    fn wake(&mut self, now: Timestamp, out: &mut Decisions) -> Result<(), IllegalTransition> {
        while let Some(&(at, job)) = self.backoff.first() {
            if at > now {
                break;
            }
            self.backoff.pop_first();
            self.move_job(job, JobState::Ready, None, out)?;
        }
        Ok(())
    }

    /// One slice at a time, so that a feed of a hundred thousand assets does not hold up everything else.
    fn expand_next(&mut self, out: &mut Decisions) {
        if self.expanding || self.ending.is_some() {
            return;
        }
        if let Some(feed) = self.feeds.front() {
            self.expanding = true;
            out.effects.push(Effect::Expand { feed: feed.id, step: feed.step });
        }
    }

    /// Chooses what is dispatched now, as far as the scan's own parallelism goes and `may` allows; [`View::dispatched`] follows for each.
    pub fn choose(&self, mut may: impl FnMut(Ticket, &JobSpec) -> bool) -> Vec<Ticket> {
        if self.state != ScanState::Running || self.ending.is_some() || self.engine_lost {
            return Vec::new();
        }
        let slots = (self.plan.options.parallelism.max(1) as usize).saturating_sub(self.live.len());
        let (mut chosen, mut refused) = (Vec::new(), BTreeSet::new());
        for &job in self.ready.iter().take(slots + LOOK_AHEAD) {
            let step = self.jobs[job].step;
            if chosen.len() == slots {
                break;
            }
            let ticket = Ticket { job, attempt: self.jobs[job].attempts + 1 };
            // All jobs of a step ask for the same.
            if refused.contains(&step) {
            } else if may(ticket, &self.steps[step].spec) {
                chosen.push(ticket);
            } else {
                refused.insert(step);
            }
        }
        chosen
    }

    /// Dispatches a chosen attempt: the intent is written, then the engine hears of it.
    pub fn dispatched(
        &mut self,
        ticket: Ticket,
        spec_sha256: Sha256,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        self.ready.remove(&ticket.job);
        self.jobs[ticket.job].attempts = ticket.attempt;
        self.move_job(ticket.job, JobState::Running, None, out)?;
        let attempt = Attempt::new(ticket.attempt, AttemptState::Intent);
        self.live.insert(ticket.job, Attempt { launching: true, ..attempt });
        let (job, step, _) = self.job_place(ticket.job);
        out.changes.push(Change::NewAttempt(Box::new(NewAttempt {
            job,
            number: ticket.attempt,
            name: self.attempt_name(ticket),
            spec_id: self.steps[step].spec_id,
            spec_sha256,
        })));
        out.effects.push(Effect::Launch(ticket));
        Ok(())
    }

    fn finish(&mut self, now: Timestamp, out: &mut Decisions) -> Result<(), IllegalTransition> {
        if self.state == ScanState::Pausing && self.ending.is_none() && self.live.is_empty() && !self.all_ended() {
            return self.move_scan(ScanState::Paused, None, out);
        }
        // A slice that is being expanded may still bring jobs.
        if !self.live.is_empty() || self.expanding || !(self.all_ended() || self.ending.is_some() && self.none_open()) {
            return Ok(());
        }
        match self.comparison {
            Progress::Done => {}
            Progress::Begun => return Ok(()),
            Progress::Due => {
                self.comparison = Progress::Begun;
                out.effects.push(Effect::Compare);
                return Ok(());
            }
        }
        let coverage = self.coverage();
        let complete = coverage.is_full() && !self.steps.iter().any(|step| step.seen.failed);
        let (state, ending) = match self.ending {
            Some(EndReason::Cancelled) => (ScanState::Cancelled, Some(EndReason::Cancelled)),
            Some(reason) => (ScanState::Failed, Some(reason)),
            None if complete => (ScanState::Completed, None),
            None => (ScanState::Failed, Some(EndReason::Incomplete)),
        };
        self.ending = ending;
        self.move_scan(state, Some(now), out)
    }

    fn all_ended(&self) -> bool {
        self.feeds.is_empty() && self.steps.iter().all(super::view::Step::has_ended)
    }

    fn none_open(&self) -> bool {
        self.steps.iter().all(|step| step.open == 0)
    }

    /// Moves the scan.
    pub(super) fn move_scan(
        &mut self,
        to: ScanState,
        finished_at: Option<Timestamp>,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let from = self.state;
        self.state = from.enter(to)?;
        self.write_scan(finished_at, out);
        out.events.push(EventBody::ScanState {
            from,
            to,
            reason: self.ending.map(|reason| reason.as_str().to_owned()),
            coverage: to.is_terminal().then(|| self.coverage()),
        });
        Ok(())
    }

    pub(super) fn write_scan(&self, finished_at: Option<Timestamp>, out: &mut Decisions) {
        let coverage = if finished_at.is_some() { self.coverage() } else { Coverage::None };
        out.changes.push(Change::Scan(ScanChange {
            state: self.state,
            ending: self.ending,
            coverage,
            records: self.records,
            started_at: self.started_at,
            finished_at,
        }));
    }
}
