//! The decisions on jobs and on what was asked of the scan; [`mod@super::transition`] has those on attempts.

use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, Gap};
use crate::model::event::EventBody;
use crate::model::finding::SeverityCounts;
use crate::model::outcome::Failure;
use crate::model::state::{IllegalTransition, JobState, ScanState};
use crate::model::view::EndReason;
use crate::store::{Change, JobEnd, JobMove, Verb};

use super::input::{Decisions, Effect, Harvest, Ticket};
use super::view::{Feed, View};

impl View {
    pub(super) fn back_off(
        &mut self,
        ticket: Ticket,
        at: Timestamp,
        failure: Failure,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        self.backoff.insert((at, ticket.job));
        self.move_job(ticket.job, JobState::Backoff, Some((at, failure)), out)
    }

    /// Moves a job that has not ended.
    pub(super) fn move_job(
        &mut self,
        index: usize,
        to: JobState,
        retry: Option<(Timestamp, Failure)>,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let name = self.job_name(index).to_string();
        let job = &mut self.jobs[index];
        let from = job.state;
        job.state = from.enter(to)?;
        let (retry_at, failure) = retry.map_or((None, None), |(at, failure)| (Some(at), Some(failure)));
        out.changes.push(Change::JobMove(JobMove {
            job: job.id,
            state: to,
            attempts: job.attempts,
            own_failures: job.own_failures,
            engine_failures: job.engine_failures,
            not_before: retry_at.unwrap_or(Timestamp(0)),
        }));
        out.events.push(EventBody::JobState {
            job: name,
            from,
            to,
            attempt: job.attempts,
            coverage: None,
            records: None,
            failure,
            skip: None,
            retry_at,
        });
        let step = job.step;
        if from == JobState::Pending {
            self.steps[step].pending.remove(&index);
        }
        if to == JobState::Ready {
            self.ready.insert(index);
        }
        Ok(())
    }

    /// Ends a job.
    pub(super) fn end_job(
        &mut self,
        index: usize,
        attempt: u32,
        to: JobState,
        end: End,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        let name = self.job_name(index).to_string();
        let job = &mut self.jobs[index];
        let from = job.state;
        job.state = from.enter(to)?;
        let step = job.step;
        let End { harvest, skip, failure } = end;
        self.records.merge(&harvest.records);
        out.changes.push(Change::JobEnd(Box::new(JobEnd {
            job: job.id,
            state: to,
            own_failures: job.own_failures,
            engine_failures: job.engine_failures,
            coverage: harvest.coverage.clone(),
            skip,
            failure: failure.clone(),
            records: harvest.records,
            assets: harvest.assets,
            scanner_version: harvest.scanner_version,
        })));
        let records: Option<SeverityCounts> =
            (to == JobState::Succeeded || harvest.records.total() > 0).then_some(harvest.records);
        out.events.push(EventBody::JobState {
            job: name,
            from,
            to,
            attempt,
            coverage: Some(harvest.coverage.clone()),
            records,
            failure,
            skip,
            retry_at: None,
        });
        let step = &mut self.steps[step];
        step.open -= 1;
        step.pending.remove(&index);
        step.seen.add(to, &harvest.coverage, harvest.records.total(), harvest.assets);
        self.unsettled.extend(&step.dependants);
        self.unsettled.insert(self.jobs[index].step);
        self.ready.remove(&index);
        Ok(())
    }

    pub(super) fn expanded(
        &mut self,
        expanded: &crate::store::Expanded,
        out: &mut Decisions,
    ) -> Result<(), IllegalTransition> {
        self.expanding = false;
        for &(id, chunk, depth) in &expanded.jobs {
            self.add_job(id, expanded.step, chunk, depth, JobState::Pending);
        }
        let step = &mut self.steps[expanded.step];
        step.members = expanded.members;
        if expanded.capped {
            step.seen.gaps.insert(Gap::AssetCap);
        }
        if expanded.done {
            self.feeds.retain(|feed| feed.id != expanded.feed);
        }
        self.unsettled.insert(expanded.step);
        if self.ending.is_some() { self.cancel_waiting(out) } else { Ok(()) }
    }

    /// Adds feeds that a commit has made.
    pub fn add_feeds(&mut self, feeds: impl IntoIterator<Item = (i64, usize)>) {
        for (id, step) in feeds {
            self.steps[step].incoming -= 1;
            self.feeds.push_back(Feed { id, step });
        }
    }

    pub(super) fn asked(&mut self, id: i64, verb: Verb, out: &mut Decisions) -> Result<(), IllegalTransition> {
        out.changes.push(Change::Taken(id));
        match verb {
            Verb::Cancel => self.halt(EndReason::Cancelled, out),
            Verb::Pause => self.pause(out),
            Verb::Freeze => {
                self.freeze(true, out);
                self.pause(out)
            }
            Verb::Requeue => {
                self.freeze(false, out);
                self.pause(out)?;
                self.stop_all(out)
            }
            Verb::Resume => {
                self.freeze(false, out);
                self.resume(out)
            }
            Verb::Retry => {
                // Due since ever: the next settling makes them ready.
                self.backoff = self.backoff.iter().map(|&(_, job)| (Timestamp(0), job)).collect();
                Ok(())
            }
            Verb::Priority(priority) => {
                self.priority = priority;
                out.changes.push(Change::Priority(priority));
                Ok(())
            }
        }
    }

    fn pause(&mut self, out: &mut Decisions) -> Result<(), IllegalTransition> {
        match self.state {
            ScanState::Queued => self.move_scan(ScanState::Paused, None, out),
            ScanState::Running => self.move_scan(ScanState::Pausing, None, out),
            _ => Ok(()),
        }
    }

    fn resume(&mut self, out: &mut Decisions) -> Result<(), IllegalTransition> {
        match self.state {
            ScanState::Paused | ScanState::Pausing => self.move_scan(ScanState::Running, None, out),
            _ => Ok(()),
        }
    }

    fn freeze(&mut self, frozen: bool, out: &mut Decisions) {
        if std::mem::replace(&mut self.frozen, frozen) != frozen {
            out.effects.extend(self.live_tickets().map(|ticket| Effect::Freeze(ticket, frozen)));
        }
    }

    /// Ends the scan early: nothing more is dispatched, live attempts are stopped, what they sealed is kept.
    pub(super) fn halt(&mut self, reason: EndReason, out: &mut Decisions) -> Result<(), IllegalTransition> {
        if self.state.is_terminal() || self.ending == Some(EndReason::Cancelled) {
            return Ok(());
        }
        self.ending = Some(reason);
        self.freeze(false, out);
        if reason == EndReason::Cancelled && self.state != ScanState::Cancelling {
            self.move_scan(ScanState::Cancelling, None, out)?;
        } else {
            self.write_scan(None, out);
        }
        self.cancel_waiting(out)?;
        self.stop_all(out)
    }

    fn stop_all(&mut self, out: &mut Decisions) -> Result<(), IllegalTransition> {
        let live: Vec<Ticket> = self.live_tickets().collect();
        live.into_iter().try_for_each(|ticket| self.stop(ticket, out))
    }

    /// Ends the jobs that have no live attempt.
    pub(super) fn cancel_waiting(&mut self, out: &mut Decisions) -> Result<(), IllegalTransition> {
        self.backoff.clear();
        let waiting: Vec<usize> = (0..self.jobs.len())
            .filter(|&job| !self.jobs[job].state.is_terminal() && !self.live.contains_key(&job))
            .collect();
        for job in waiting {
            self.end_job(job, self.jobs[job].attempts, JobState::Cancelled, End::nothing(None), out)?;
        }
        Ok(())
    }
}

/// How a job ends.
#[derive(Default)]
pub(super) struct End {
    pub(super) harvest: Harvest,
    pub(super) skip: Option<crate::model::coverage::SkipReason>,
    pub(super) failure: Option<Failure>,
}

impl End {
    /// It saw nothing.
    pub(super) fn nothing(failure: Option<Failure>) -> Self {
        Self { harvest: Harvest { coverage: Coverage::None, ..Harvest::default() }, skip: None, failure }
    }
}
