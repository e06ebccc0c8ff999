//! What must hold of every ended scan, whatever happened to it; and what of it must not depend on what happened.

use std::collections::BTreeMap;

use dragnet::executor::fake::Operation;
use dragnet::model::coverage::Coverage;
use dragnet::model::event::EventBody;
use dragnet::model::id::{AttemptName, JobName, ScanId};
use dragnet::model::state::{AttemptState, JobState, ScanState};
use dragnet::model::view::{EndReason, JobView};
use dragnet::store::Store;

use crate::common::scan::Lab;
use crate::scenario::Scenario;

/// The result of a scan, as far as it does not depend on the order of things.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    state: ScanState,
    end: Option<EndReason>,
    coverage: Coverage,
    jobs: BTreeMap<String, (JobState, u32, u64)>,
    records: u64,
}

impl Ledger {
    /// Whether the result is the same whenever the scan is run: one that was stopped half way is not.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.end, None | Some(EndReason::Incomplete))
    }
}

/// Checks everything; returns the result.
pub(crate) fn audit(lab: &Lab, scan: ScanId, scenario: &Scenario) -> Ledger {
    let view = lab.store.scan(scan).unwrap();
    assert!(view.state.is_terminal(), "the scan is {}", view.state);
    assert_eq!(lab.engine.containers(), 0, "containers were left behind");
    assert_eq!(lab.store.verify().unwrap(), Vec::<String>::new());
    assert!(lab.store.unremoved_attempts().unwrap().is_empty());
    let jobs = lab.store.jobs(scan).unwrap();
    let names = replay(&lab.store, scan, view.state, &jobs);
    effects_happened_once(lab, scenario, &names);
    records_are_those_of_the_winners(lab, scan, scenario, &jobs);
    let sum: u64 = jobs.iter().map(|job| job.records.total()).sum();
    assert_eq!(view.records.total(), sum, "the scan counts other records than its jobs");
    if view.state == ScanState::Completed {
        for job in &jobs {
            assert!(matches!(job.state, JobState::Succeeded | JobState::Skipped), "{} is {}", job.name, job.state);
            assert_eq!(job.coverage, Some(Coverage::Full), "{}", job.name);
        }
    }
    let row = |job: &JobView| (job.name.clone(), (job.state, job.attempts, job.inputs));
    Ledger {
        state: view.state,
        end: view.end,
        coverage: view.coverage,
        jobs: jobs.iter().map(row).collect(),
        records: sum,
    }
}

/// Follows the event log: each move is legal and begins where the one before has ended. Returns all attempts.
fn replay(store: &Store, scan: ScanId, end: ScanState, jobs: &[JobView]) -> BTreeMap<AttemptName, (JobName, u32)> {
    let (mut state, mut seen) = (ScanState::Created, 0);
    let (mut job_states, mut attempts) = (BTreeMap::new(), BTreeMap::new());
    loop {
        let page = store.events(scan, seen, 100).unwrap();
        let Some(last) = page.last() else { break };
        seen = last.seq;
        for event in page {
            match event.body {
                EventBody::ScanState { from, to, .. } => {
                    assert_eq!(from, state, "event {} of the scan", event.seq);
                    state = from.enter(to).unwrap();
                }
                EventBody::JobState { job, from, to, .. } => {
                    let state = job_states.entry(job).or_insert(JobState::Pending);
                    assert_eq!(from, *state, "event {}", event.seq);
                    *state = from.enter(to).unwrap();
                }
                EventBody::AttemptState { job, attempt, from, to, .. } => {
                    let state = attempts.entry((job, attempt)).or_insert(AttemptState::Intent);
                    assert_eq!(from, *state, "event {}", event.seq);
                    *state = from.enter(to).unwrap();
                }
                _ => {}
            }
        }
    }
    assert_eq!(state, end, "the events end elsewhere than the scan");
    let mut names = BTreeMap::new();
    for job in jobs {
        assert!(job.state.is_terminal(), "{} is {} in an ended scan", job.name, job.state);
        assert_eq!(job_states.get(&job.name), Some(&job.state), "the events of {}", job.name);
        for (name, number, state) in store.attempts(scan, &job.name).unwrap() {
            let told = attempts.get(&(job.name.clone(), number)).copied().unwrap_or(AttemptState::Intent);
            assert_eq!(told, state, "the events of {name}");
            let (step, chunk) = job.name.rsplit_once('-').unwrap();
            let job = JobName { step: step.parse().unwrap(), chunk: chunk.parse().unwrap() };
            names.insert(name, (job, number));
        }
    }
    names
}

/// Nothing was created or started twice; but for what a stranger removed: nobody can tell that from what never was.
fn effects_happened_once(lab: &Lab, scenario: &Scenario, names: &BTreeMap<AttemptName, (JobName, u32)>) {
    let mut counts: BTreeMap<_, u32> = BTreeMap::new();
    for (operation, name) in lab.engine.operations() {
        let (job, attempt) = names.get(&name).unwrap_or_else(|| panic!("{name} has no row"));
        if matches!(operation, Operation::Create | Operation::Start) && !scenario.vanishes(job, *attempt) {
            *counts.entry((operation, name)).or_default() += 1;
        }
    }
    let twice: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "took effect more than once: {twice:?}");
}

/// Every record of a winning attempt is there once, and no other.
fn records_are_those_of_the_winners(lab: &Lab, scan: ScanId, scenario: &Scenario, jobs: &[JobView]) {
    let findings = lab.findings(scan);
    for job in jobs {
        let mut shown: Vec<_> = findings.iter().filter(|f| f.job == job.name).map(|f| &f.fingerprint).collect();
        assert_eq!(shown.len() as u64, job.records.total(), "records of {}", job.name);
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown.len() as u64, job.records.total(), "a record of {} was stored twice", job.name);
        let (step, chunk) = job.name.rsplit_once('-').unwrap();
        let name = JobName { step: step.parse().unwrap(), chunk: chunk.parse().unwrap() };
        if job.state == JobState::Succeeded && job.inputs == 0 {
            assert_eq!(job.records.total(), scenario.records(&name, job.attempts), "{}", job.name);
        }
    }
    let connection = rusqlite::Connection::open(lab.store.dir().join("dragnet.db")).unwrap();
    for table in ["record", "sighting", "artifact"] {
        let sql = format!(
            "SELECT count(*) FROM {table} WHERE attempt_id NOT IN (SELECT winning_attempt FROM job WHERE winning_attempt IS NOT NULL)"
        );
        let hidden: u64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(hidden, 0, "rows of {table} that nobody will ever see");
    }
}

/// Returns all rows of all tables as text.
pub(crate) fn dump(store: &Store) -> Vec<String> {
    let connection = rusqlite::Connection::open(store.dir().join("dragnet.db")).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let mut rows = Vec::new();
    for name in names {
        let mut query = connection.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = query.column_count();
        let mut found = query.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let cells: Vec<_> =
                (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column).unwrap()).collect();
            rows.push(format!("{name}: {cells:?}"));
        }
    }
    rows
}
