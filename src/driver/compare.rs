//! What a scan says of the findings known before it: compared once all its jobs have ended, before it ends itself.

use std::collections::{BTreeSet, HashMap};

use super::error::DriverError;
use super::reaches::Reaches;
use crate::failpoint;
use crate::lifecycle::{MAX_DRIFT, pair};
use crate::model::coverage::Coverage;
use crate::model::finding::SeverityCounts;
use crate::model::id::{AttemptId, ScanId};
use crate::model::standing::{Fate, FindingKey, Standing, Standings};
use crate::store::{Difference, DifferenceRow, Known, NewComparison, Sides, Store, Subject};

/// Rows of one transaction.
const SLICE: usize = 500;

/// Compares what each scanner brought, and keeps the outcome. May be done again.
pub(super) async fn compare(
    store: &Store,
    scan: ScanId,
    fence: u64,
    scanners: Vec<(String, Coverage)>,
) -> Result<(), DriverError> {
    for (scanner, coverage) in scanners {
        let subject = store.subject(scan, fence, &scanner).await?;
        while store.forget_differences(scan, fence, subject).await? {}
        failpoint::hit("compare.begun");
        let work = Comparison::new(store, scan, subject);
        let compared = tokio::task::spawn_blocking(move || work.run(coverage)).await;
        let Some(outcome) = compared.map_err(|error| DriverError::Panicked(error.to_string()))?? else { continue };
        for rows in outcome.rows.chunks(SLICE) {
            store.differ(scan, fence, subject, rows.to_vec()).await?;
            failpoint::hit("compare.slice");
        }
        store.compared(scan, fence, subject, outcome.reference, outcome.standings).await?;
        failpoint::hit("compare.done");
    }
    Ok(())
}

/// What a comparison has come to.
pub(super) struct Outcome {
    reference: Option<ScanId>,
    rows: Vec<DifferenceRow>,
    standings: Standings,
}

impl Outcome {
    /// Makes it one that takes the place of an earlier one.
    pub(super) fn of(self, subject: Subject) -> NewComparison {
        NewComparison { subject, reference: self.reference, rows: self.rows, standings: self.standings }
    }
}

/// The comparison of one scanner.
pub(super) struct Comparison {
    store: Store,
    scan: ScanId,
    subject: Subject,
    reaches: Reaches,
    as_if: Option<AsIf>,
}

/// Results that are not yet those of the scan's jobs.
pub(super) struct AsIf {
    /// All attempts of the scanner, as if they had won.
    pub(super) attempts: Vec<AttemptId>,
    /// What those of them have brought that have not won yet, and the scanner's version by their reports.
    pub(super) brought: HashMap<AttemptId, (SeverityCounts, Option<String>)>,
    /// Findings that have another fingerprint than before, with that.
    pub(super) renamed: HashMap<FindingKey, FindingKey>,
}

impl Comparison {
    pub(super) fn new(store: &Store, scan: ScanId, subject: Subject) -> Self {
        Self { store: store.clone(), scan, subject, reaches: Reaches::new(store), as_if: None }
    }

    pub(super) fn with_results(mut self, results: AsIf) -> Self {
        let version =
            |(attempt, (_, version)): (&AttemptId, &(SeverityCounts, Option<String>))| (*attempt, version.clone());
        self.reaches.versions = results.brought.iter().map(version).collect();
        Self { as_if: Some(results), ..self }
    }

    fn sides(&self) -> Result<Option<Sides>, DriverError> {
        Ok(match &self.as_if {
            None => self.store.sides(self.scan, self.subject)?,
            Some(results) if results.attempts.is_empty() => None,
            Some(results) => Some(self.store.sides_as(self.scan, self.subject, &results.attempts)?),
        })
    }

    /// Counts what attempts brought.
    fn brought(&self, attempts: &[AttemptId]) -> Result<SeverityCounts, DriverError> {
        let mut counts = SeverityCounts::default();
        for attempt in attempts {
            match self.as_if.as_ref().and_then(|results| results.brought.get(attempt)) {
                Some((brought, _)) => counts.merge(brought),
                None => counts.merge(&self.store.brought(&[*attempt])?),
            }
        }
        Ok(counts)
    }

    pub(super) fn run(mut self, coverage: Coverage) -> Result<Option<Outcome>, DriverError> {
        let Some(mut sides) = self.sides()? else { return Ok(None) };
        let mut standings = Standings { existing: sides.both, ..Standings::default() };
        if sides.reference.is_none() {
            standings.first = true;
            standings.new = self.brought(&sides.attempts)?;
            return Ok(Some(Outcome { reference: None, rows: Vec::new(), standings }));
        }
        let mut rows = self.known_by_name(&mut sides, &mut standings.existing)?;
        rows.extend(self.drifted(&mut sides, &mut standings.existing)?);
        for known in &sides.fresh {
            let standing = self.standing(&sides, known)?;
            match standing {
                Standing::Reopened => standings.reopened.add(known.severity),
                Standing::New | Standing::Existing => standings.new.add(known.severity),
            }
            rows.push(DifferenceRow { known: *known, difference: Difference::Here(standing), was: None });
        }
        // What is on another line says nothing of this one.
        if !sides.other_line && !sides.gone.is_empty() {
            let sight = self.reaches.sight(coverage, &sides.attempts)?;
            for known in &sides.gone {
                let fate = self.reaches.fate(&sight, known)?;
                match fate {
                    Fate::Fixed => standings.fixed.add(known.severity),
                    Fate::NotObserved(reason) => *standings.not_observed.entry(reason).or_default() += 1,
                }
                rows.push(DifferenceRow { known: *known, difference: Difference::Gone(fate), was: None });
            }
        }
        Ok(Some(Outcome { reference: sides.reference, rows, standings }))
    }

    /// Takes out of both sides what is known to be one finding under two fingerprints.
    fn known_by_name(
        &self,
        sides: &mut Sides,
        existing: &mut SeverityCounts,
    ) -> Result<Vec<DifferenceRow>, DriverError> {
        if sides.fresh.is_empty() || sides.gone.is_empty() {
            return Ok(Vec::new());
        }
        let renamed =
            |key: FindingKey| *self.as_if.as_ref().and_then(|results| results.renamed.get(&key)).unwrap_or(&key);
        let old: Vec<FindingKey> = sides.gone.iter().map(|known| known.key).collect();
        let new: Vec<FindingKey> = sides.fresh.iter().map(|known| renamed(known.key)).collect();
        let (old, new) = (self.store.names(self.subject, &old)?, self.store.names(self.subject, &new)?);
        let mut by_name: HashMap<FindingKey, FindingKey> =
            old.into_iter().zip(sides.gone.iter().map(|known| known.key)).collect();
        let (mut rows, mut paired) = (Vec::new(), BTreeSet::new());
        for (name, known) in new.into_iter().zip(&sides.fresh) {
            if let Some(was) = by_name.remove(&name) {
                existing.add(known.severity);
                paired.extend([was, known.key]);
                rows.push(DifferenceRow { known: *known, difference: Difference::Drifted, was: None });
            }
        }
        sides.fresh.retain(|known| !paired.contains(&known.key));
        sides.gone.retain(|known| !paired.contains(&known.key));
        Ok(rows)
    }

    /// Takes out of both sides what has merely moved or changed its face.
    fn drifted(&self, sides: &mut Sides, existing: &mut SeverityCounts) -> Result<Vec<DifferenceRow>, DriverError> {
        let few = sides.fresh.len() + sides.gone.len() <= MAX_DRIFT;
        if sides.fresh.is_empty() || sides.gone.is_empty() || !few {
            return Ok(Vec::new());
        }
        let (before, after) = (self.reaches.candidates(&sides.gone)?, self.reaches.candidates(&sides.fresh)?);
        let (mut rows, mut paired) = (Vec::new(), BTreeSet::new());
        for (old, new) in pair(&before, &after) {
            let (was, key) = (before[old].key, after[new].key);
            paired.extend([was, key]);
            for known in sides.fresh.iter().filter(|known| known.key == key) {
                existing.add(known.severity);
                rows.push(DifferenceRow { known: *known, difference: Difference::Drifted, was: Some(was) });
            }
        }
        sides.fresh.retain(|known| !paired.contains(&known.key));
        sides.gone.retain(|known| !paired.contains(&known.key));
        Ok(rows)
    }

    fn standing(&self, sides: &Sides, known: &Known) -> Result<Standing, DriverError> {
        let fixed = !sides.other_line && self.store.was_fixed(self.scan, self.subject, known.key)?;
        Ok(if fixed { Standing::Reopened } else { Standing::New })
    }
}
