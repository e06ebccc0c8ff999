//! What a scan says of the findings known before it: compared once all its jobs have ended, before it ends itself.

use std::collections::{BTreeSet, HashMap};

use super::error::DriverError;
use crate::failpoint;
use crate::lifecycle::{Candidate, Reach, Sight, pair};
use crate::model::coverage::Coverage;
use crate::model::finding::{Location, SeverityCounts};
use crate::model::id::{AttemptId, ScanId};
use crate::model::standing::{Fate, Standing, Standings, Unseen};
use crate::store::{Difference, DifferenceRow, Known, Sides, Store, Subject};

/// Rows of one transaction.
const SLICE: usize = 500;
/// More findings that are only before or only after are not searched for drift: so many do not drift, a rule was renamed.
const MAX_DRIFT: usize = 20_000;

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
        let work = Comparison { store: store.clone(), scan, subject, reaches: HashMap::new() };
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

struct Outcome {
    reference: Option<ScanId>,
    rows: Vec<DifferenceRow>,
    standings: Standings,
}

/// The comparison of one scanner.
struct Comparison {
    store: Store,
    scan: ScanId,
    subject: Subject,
    /// What the jobs behind attempts could see; none when their scan was deleted.
    reaches: HashMap<AttemptId, Option<Reach>>,
}

impl Comparison {
    fn run(mut self, coverage: Coverage) -> Result<Option<Outcome>, DriverError> {
        let Some(mut sides) = self.store.sides(self.scan, self.subject)? else { return Ok(None) };
        let mut standings = Standings { existing: sides.both, ..Standings::default() };
        if sides.reference.is_none() {
            standings.first = true;
            standings.new = self.store.brought(&sides.attempts)?;
            return Ok(Some(Outcome { reference: None, rows: Vec::new(), standings }));
        }
        let mut rows = self.drifted(&mut sides, &mut standings.existing)?;
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
            let sight = self.sight(coverage, &sides.attempts)?;
            for known in &sides.gone {
                let fate = self.fate(&sight, known)?;
                match fate {
                    Fate::Fixed => standings.fixed.add(known.severity),
                    Fate::NotObserved(reason) => *standings.not_observed.entry(reason).or_default() += 1,
                }
                rows.push(DifferenceRow { known: *known, difference: Difference::Gone(fate), was: None });
            }
        }
        Ok(Some(Outcome { reference: sides.reference, rows, standings }))
    }

    /// Takes out of both sides what has merely moved or changed its face.
    fn drifted(&self, sides: &mut Sides, existing: &mut SeverityCounts) -> Result<Vec<DifferenceRow>, DriverError> {
        let few = sides.fresh.len() + sides.gone.len() <= MAX_DRIFT;
        if sides.fresh.is_empty() || sides.gone.is_empty() || !few {
            return Ok(Vec::new());
        }
        let (before, after) = (self.candidates(&sides.gone)?, self.candidates(&sides.fresh)?);
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

    fn candidates(&self, all: &[Known]) -> Result<Vec<Candidate>, DriverError> {
        let mut candidates = Vec::new();
        for known in all {
            let record = self.store.record(known)?;
            candidates.extend(record.map(|record| Candidate { key: known.key, record }));
        }
        Ok(candidates)
    }

    fn standing(&self, sides: &Sides, known: &Known) -> Result<Standing, DriverError> {
        let fixed = !sides.other_line && self.store.was_fixed(self.scan, self.subject, known.key)?;
        Ok(if fixed { Standing::Reopened } else { Standing::New })
    }

    /// What the scanner's jobs could see together.
    fn sight(&mut self, coverage: Coverage, attempts: &[AttemptId]) -> Result<Sight, DriverError> {
        let mut reaches = Vec::new();
        for attempt in attempts {
            if let Some(reach) = self.reach(*attempt)? {
                reach.join(&mut reaches);
            }
        }
        Ok(Sight { coverage, reaches })
    }

    fn fate(&mut self, sight: &Sight, known: &Known) -> Result<Fate, DriverError> {
        // Of a scan that was deleted nobody can tell what it could see.
        let Some(reach) = self.reach(known.attempt)? else { return Ok(Fate::NotObserved(Unseen::Scope)) };
        let location =
            if reach.needs_location() { self.store.record(known)?.map(|record| record.location) } else { None };
        Ok(sight.fate(&reach, &location.unwrap_or(Location::Nowhere)))
    }

    fn reach(&mut self, attempt: AttemptId) -> Result<Option<Reach>, DriverError> {
        if let Some(reach) = self.reaches.get(&attempt) {
            return Ok(reach.clone());
        }
        let reach = match self.store.seen_by(attempt)? {
            None => None,
            Some(seen) => {
                let assets = match seen.chunk {
                    Some((scan, step, chunk, size)) => Some(self.store.chunk_assets(scan, step, chunk, size)?),
                    None => None,
                };
                let assets = assets.map(|assets| assets.into_iter().collect());
                Some(Reach::of(&seen.spec, seen.version.as_deref(), seen.rules, assets))
            }
        };
        self.reaches.insert(attempt, reach.clone());
        Ok(reach)
    }
}
