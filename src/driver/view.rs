//! A scan in memory: what decisions are made on. Loaded from the store, changed only by [`mod@super::transition`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, Gap};
use crate::model::finding::SeverityCounts;
use crate::model::id::{AttemptName, InstanceKey, JobId, JobName, ScanId, ScanKey};
use crate::model::plan::{OnFailure, Plan};
use crate::model::spec::JobSpec;
use crate::model::state::{AttemptState, JobState, ScanState};
use crate::model::view::EndReason;
use crate::model::wait::Waits;
use crate::store::{AttemptRow, Expansion, JobRow, Loaded, StepRow};

use super::input::Ticket;

/// A scan in memory.
#[derive(Debug, Clone)]
pub struct View {
    pub(super) instance: InstanceKey,
    pub(super) key: ScanKey,
    pub(super) plan: Arc<Plan>,
    pub(super) priority: i32,
    pub(super) state: ScanState,
    /// Why the scan ends, once that is decided; nothing is dispatched from then on.
    pub(super) ending: Option<EndReason>,
    pub(super) started_at: Option<Timestamp>,
    pub(super) records: SeverityCounts,
    /// Whether some of the source could not be read.
    pub(super) unreadable: bool,
    pub(super) steps: Vec<Step>,
    pub(super) jobs: Vec<Job>,
    pub(super) ready: BTreeSet<usize>,
    pub(super) backoff: BTreeSet<(Timestamp, usize)>,
    pub(super) live: BTreeMap<usize, Attempt>,
    /// Attempts that are over and of which the engine may still hold something.
    pub(super) leftovers: BTreeMap<Ticket, Leftover>,
    pub(super) feeds: VecDeque<Feed>,
    /// Whether a slice of the first feed is being expanded.
    pub(super) expanding: bool,
    /// How far the comparison with what was known before has come.
    pub(super) comparison: Progress,
    /// Whether the engine cannot be asked.
    pub(super) engine_lost: bool,
    /// Whether live attempts are frozen.
    pub(super) frozen: bool,
    /// Steps whose pending jobs must be looked at again.
    pub(super) unsettled: BTreeSet<usize>,
}

/// A step in memory.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) spec_id: i64,
    pub(super) spec: Arc<JobSpec>,
    pub(super) needs: Vec<usize>,
    /// Steps that need this one.
    pub(super) dependants: Vec<usize>,
    pub(super) expands: bool,
    /// Its pending jobs, in order.
    pub(super) pending: BTreeSet<usize>,
    /// Its jobs that have not ended.
    pub(super) open: usize,
    pub(super) members: u64,
    /// Feeds that were decided on and whose rows are not known yet.
    pub(super) incoming: usize,
    /// Whether no job will be added.
    pub(super) closed: bool,
    /// Whether it is on record that it was given nothing.
    pub(super) empty: bool,
    /// What its ended jobs saw, together.
    pub(super) seen: Seen,
}

/// What the ended jobs of a step saw and brought, together.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) gaps: BTreeSet<Gap>,
    /// Whether any job saw anything.
    pub(super) anything: bool,
    /// Whether any job saw nothing.
    pub(super) missing: bool,
    /// Whether any job failed, rather than being skipped or stopped.
    pub(super) failed: bool,
    pub(super) records: u64,
    pub(super) assets: u64,
}

/// A job in memory: small, for there may be a hundred thousand.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) step: usize,
    pub(super) chunk: u32,
    pub(super) depth: u32,
    pub(super) state: JobState,
    pub(super) attempts: u32,
    pub(super) own_failures: u32,
    pub(super) engine_failures: u32,
}

/// A live attempt in memory.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) state: AttemptState,
    /// Whether a launch of this process has not been answered.
    pub(super) launching: bool,
    /// Whether somebody asked it to stop.
    pub(super) stopping: bool,
    /// Whether it was seen to vanish while its launch was not answered.
    pub(super) vanished: bool,
    /// Whether its results are being stored.
    pub(super) storing: bool,
    /// What was told of its waits.
    pub(super) waits: Waits,
}

impl Attempt {
    pub(super) fn new(number: u32, state: AttemptState) -> Self {
        let (launching, stopping, vanished, storing) = (false, false, false, false);
        Self { number, state, launching, stopping, vanished, storing, waits: Waits::default() }
    }
}

/// An attempt that is over in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leftover {
    pub(super) state: AttemptState,
    /// Whether a launch of this process has not been answered: until then nothing is removed, for a launch that is repeated
    /// after a removal would run the attempt again.
    pub(super) launching: bool,
}

/// How far something has come that is done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Due,
    Begun,
    Done,
}

/// Assets that wait to become chunks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feed {
    pub(super) id: i64,
    pub(super) step: usize,
}

impl View {
    /// Builds the view of a scan from its rows.
    pub fn new(instance: InstanceKey, loaded: &Loaded) -> Self {
        let scan = &loaded.scan;
        let mut view = Self {
            instance,
            key: scan.key,
            priority: scan.priority,
            state: scan.state,
            ending: scan.ending,
            started_at: scan.started_at,
            records: SeverityCounts::default(),
            unreadable: scan.source.as_ref().is_some_and(|source| !source.unreadable.is_empty()),
            steps: steps(&scan.plan, &loaded.steps),
            plan: Arc::clone(&scan.plan),
            jobs: Vec::with_capacity(loaded.jobs.len()),
            ready: BTreeSet::new(),
            backoff: BTreeSet::new(),
            live: BTreeMap::new(),
            leftovers: BTreeMap::new(),
            feeds: loaded.feeds.iter().map(|feed| Feed { id: feed.id, step: feed.step }).collect(),
            expanding: false,
            comparison: Progress::Due,
            engine_lost: false,
            // Whoever froze them may have died; thawing what runs does no harm.
            frozen: scan.state == ScanState::Pausing,
            unsettled: (0..loaded.steps.len()).collect(),
        };
        for row in &loaded.jobs {
            view.add_loaded(row);
        }
        view.add_attempts(&loaded.attempts, &loaded.jobs);
        view
    }

    fn add_loaded(&mut self, row: &JobRow) {
        let index = self.add_job(row.id, row.step, row.chunk, row.depth, row.state);
        let job = &mut self.jobs[index];
        (job.attempts, job.own_failures, job.engine_failures) = (row.attempts, row.own_failures, row.engine_failures);
        match row.state {
            JobState::Ready => _ = self.ready.insert(index),
            JobState::Backoff => _ = self.backoff.insert((row.not_before, index)),
            _ => {}
        }
        if row.state.is_terminal() {
            let coverage = row.coverage.clone().unwrap_or(Coverage::None);
            self.records.merge(&row.records);
            let step = &mut self.steps[row.step];
            step.seen.add(row.state, &coverage, row.records.total(), row.assets);
            // A job without members is the record of a step that was given none.
            step.empty |= step.members == 0;
        }
    }

    fn add_attempts(&mut self, attempts: &[AttemptRow], jobs: &[JobRow]) {
        let index: BTreeMap<JobId, usize> = jobs.iter().enumerate().map(|(i, job)| (job.id, i)).collect();
        for row in attempts {
            let Some(&job) = index.get(&row.job) else { continue };
            if row.state.is_live() {
                let stopping = row.state == AttemptState::Cancelling || self.ending.is_some();
                let waits = row.waits.clone();
                self.live.insert(job, Attempt { stopping, waits, ..Attempt::new(row.number, row.state) });
            } else {
                let leftover = Leftover { state: row.state, launching: false };
                self.leftovers.insert(Ticket { job, attempt: row.number }, leftover);
            }
        }
    }

    /// Adds a job; returns its position.
    pub(super) fn add_job(&mut self, id: JobId, step: usize, chunk: u32, depth: u32, state: JobState) -> usize {
        let index = self.jobs.len();
        self.jobs.push(Job { id, step, chunk, depth, state, attempts: 0, own_failures: 0, engine_failures: 0 });
        let open = &mut self.steps[step];
        if !state.is_terminal() {
            open.open += 1;
        }
        if state == JobState::Pending {
            open.pending.insert(index);
        }
        index
    }

    /// Returns the scan's state.
    pub fn state(&self) -> ScanState {
        self.state
    }

    /// Returns the scan's priority; higher goes first.
    pub fn priority(&self) -> i32 {
        self.priority
    }

    /// Returns why the scan ends, once that is decided.
    pub fn ending(&self) -> Option<EndReason> {
        self.ending
    }

    /// Whether the scan has ended and the engine holds nothing of it.
    pub fn is_done(&self) -> bool {
        self.state.is_terminal() && self.leftovers.is_empty()
    }

    /// Whether it is paused with nothing live and nothing left to remove.
    pub fn is_resting(&self) -> bool {
        self.state == ScanState::Paused && self.live.is_empty() && self.leftovers.is_empty()
    }

    /// Returns when something is due without anything happening outside.
    pub fn next_due(&self) -> Option<Timestamp> {
        let retry = self.backoff.first().map(|(at, _)| *at).filter(|_| self.state == ScanState::Running);
        [retry, self.deadline().filter(|_| self.ending.is_none() && self.comparison == Progress::Due)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Returns when `max_duration` passes.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let length = self.plan.options.max_duration?;
        Some(self.started_at?.plus_ms(i64::try_from(length.0.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns a job's name.
    pub fn job_name(&self, job: usize) -> JobName {
        let job = &self.jobs[job];
        JobName { step: self.plan.steps[job.step].id.clone(), chunk: job.chunk }
    }

    /// Returns an attempt's name in the engine.
    pub fn attempt_name(&self, ticket: Ticket) -> AttemptName {
        AttemptName::new(self.instance, self.key, &self.job_name(ticket.job), ticket.attempt)
    }

    /// Returns the live attempts.
    pub fn live_tickets(&self) -> impl Iterator<Item = Ticket> + '_ {
        self.live.iter().map(|(&job, attempt)| Ticket { job, attempt: attempt.number })
    }

    /// Whether an attempt is live.
    pub fn is_live(&self, ticket: Ticket) -> bool {
        self.live.get(&ticket.job).is_some_and(|attempt| attempt.number == ticket.attempt)
    }

    /// Returns how many jobs there are.
    pub fn job_count(&self) -> usize {
        self.jobs.len()
    }

    /// Returns the scan's id.
    pub fn key(&self) -> ScanKey {
        self.key
    }

    /// Returns how many assets a job of the step gets; none when it looks at the target itself.
    pub fn chunk_size(&self, step: usize) -> Option<u32> {
        self.steps[step].expands.then(|| self.plan.steps[step].chunk.max(1))
    }

    /// Returns the order to expand the next slice of a feed.
    pub fn expansion(&self, scan: ScanId, fence: u64, at: Timestamp, feed: i64, step: usize) -> Expansion {
        let declared = &self.plan.steps[step];
        Expansion {
            scan,
            fence,
            at,
            feed,
            step: (step, declared.id.clone()),
            kinds: declared.for_each.clone(),
            chunk: declared.chunk,
            max_assets: self.plan.options.max_assets,
            max_depth: self.plan.options.depth,
        }
    }

    /// Returns the job's row, step and chunk.
    pub fn job_place(&self, job: usize) -> (JobId, usize, u32) {
        let job = &self.jobs[job];
        (job.id, job.step, job.chunk)
    }

    /// Returns the specification of a step.
    pub fn step_spec(&self, step: usize) -> &Arc<JobSpec> {
        &self.steps[step].spec
    }

    /// Whether an attempt ended without results.
    pub(super) fn has_lost(&self, ticket: Ticket) -> bool {
        let lost = [AttemptState::Lost, AttemptState::Failed, AttemptState::Cancelled];
        self.leftovers.get(&ticket).is_some_and(|leftover| lost.contains(&leftover.state))
    }

    /// Whether a live attempt was asked to stop although the scan goes on: its job begins anew.
    pub(super) fn is_taken_back(&self, ticket: Ticket) -> bool {
        self.ending.is_none() && self.is_stopping(ticket)
    }

    /// Whether a stop was asked of a live attempt.
    pub fn is_stopping(&self, ticket: Ticket) -> bool {
        self.live.get(&ticket.job).is_some_and(|attempt| attempt.number == ticket.attempt && attempt.stopping)
    }
}

fn steps(plan: &Plan, rows: &[StepRow]) -> Vec<Step> {
    let needs =
        |step: usize| -> Vec<usize> { plan.steps[step].needs.iter().filter_map(|id| plan.step_index(id)).collect() };
    (0..plan.steps.len().min(rows.len()))
        .map(|index| {
            let declared = &plan.steps[index];
            let expands = !declared.for_each.is_empty();
            Step {
                spec_id: rows[index].spec_id,
                spec: Arc::clone(&rows[index].spec),
                needs: needs(index),
                dependants: (0..plan.steps.len()).filter(|&other| needs(other).contains(&index)).collect(),
                expands,
                pending: BTreeSet::new(),
                open: 0,
                members: rows[index].members,
                incoming: 0,
                closed: !expands,
                empty: false,
                seen: Seen {
                    gaps: rows[index].capped.then_some(Gap::AssetCap).into_iter().collect(),
                    ..Seen::default()
                },
            }
        })
        .collect()
}

impl Seen {
    /// Counts an ended job.
    pub(super) fn add(&mut self, state: JobState, coverage: &Coverage, records: u64, assets: u64) {
        self.records += records;
        self.assets += assets;
        self.failed |= matches!(state, JobState::Failed | JobState::Quarantined);
        self.anything |= *coverage != Coverage::None;
        match coverage {
            Coverage::Full => {}
            Coverage::Partial(gaps) => self.gaps.extend(gaps),
            Coverage::None => self.missing = true,
        }
    }
}

impl Step {
    /// Whether no job is open and none will be added.
    pub(super) fn has_ended(&self) -> bool {
        self.closed && self.open == 0
    }
}

impl View {
    /// Folds what the steps saw, after what each accepts.
    pub(super) fn coverage(&self) -> Coverage {
        let mut gaps: BTreeSet<Gap> = self.unreadable.then_some(Gap::Unreadable).into_iter().collect();
        for (index, step) in self.steps.iter().enumerate() {
            gaps.extend(self.unaccepted(index));
            if step.seen.missing {
                gaps.insert(Gap::JobsMissing);
            }
        }
        let seen = self.steps.iter().any(|step| step.seen.anything);
        if seen { Coverage::from_gaps(gaps) } else { Coverage::None }
    }

    /// Returns the gaps of a step that it does not accept.
    fn unaccepted(&self, step: usize) -> impl Iterator<Item = Gap> + '_ {
        self.steps[step].seen.gaps.difference(&self.plan.steps[step].accept_partial).copied()
    }

    /// Whether a step saw everything, or all but what it accepts.
    pub(super) fn is_full_enough(&self, step: usize) -> bool {
        !self.steps[step].seen.missing && self.unaccepted(step).next().is_none()
    }

    /// Returns the scanners, each with what its jobs saw: an accepted gap is a gap here.
    pub fn sights(&self) -> Vec<(String, Coverage)> {
        let mut gaps: BTreeMap<&str, BTreeSet<Gap>> = BTreeMap::new();
        for (step, declared) in self.steps.iter().zip(&self.plan.steps) {
            let gaps = gaps.entry(&declared.scanner.name).or_default();
            gaps.extend(&step.seen.gaps);
            gaps.extend(step.seen.missing.then_some(Gap::JobsMissing));
            gaps.extend((!step.closed || step.open > 0).then_some(Gap::JobsMissing));
            gaps.extend(self.unreadable.then_some(Gap::Unreadable));
        }
        gaps.into_iter().map(|(scanner, gaps)| (scanner.to_owned(), Coverage::from_gaps(gaps))).collect()
    }

    /// Whether a step with `on_failure = "stop"` has a failed job.
    pub(super) fn must_halt(&self) -> bool {
        self.steps
            .iter()
            .zip(&self.plan.steps)
            .any(|(step, declared)| step.seen.failed && declared.on_failure == OnFailure::Stop)
    }
}
