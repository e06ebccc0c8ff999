//! What jobs could see, as the store tells it.

use std::collections::HashMap;

use super::error::DriverError;
use crate::lifecycle::{Candidate, Reach, Sight};
use crate::model::coverage::Coverage;
use crate::model::finding::Location;
use crate::model::id::AttemptId;
use crate::model::standing::{Fate, Unseen};
use crate::store::{Known, Store};

/// What the jobs behind attempts could see.
pub(super) struct Reaches {
    store: Store,
    /// None for attempts whose scan was deleted.
    known: HashMap<AttemptId, Option<Reach>>,
    /// Versions of scanners where they are others than those that their jobs' rows have.
    pub(super) versions: HashMap<AttemptId, Option<String>>,
}

impl Reaches {
    pub(super) fn new(store: &Store) -> Self {
        Self { store: store.clone(), known: HashMap::new(), versions: HashMap::new() }
    }

    /// Reads the records of findings, for the search for drift.
    pub(super) fn candidates(&self, all: &[Known]) -> Result<Vec<Candidate>, DriverError> {
        let mut candidates = Vec::new();
        for known in all {
            let record = self.store.record(known)?;
            candidates.extend(record.map(|record| Candidate { key: known.key, record }));
        }
        Ok(candidates)
    }

    /// What the scanner's jobs could see together.
    pub(super) fn sight(&mut self, coverage: Coverage, attempts: &[AttemptId]) -> Result<Sight, DriverError> {
        let mut reaches = Vec::new();
        for attempt in attempts {
            if let Some(reach) = self.reach(*attempt)? {
                reach.join(&mut reaches);
            }
        }
        Ok(Sight { coverage, reaches })
    }

    /// Says what became of a finding that was not brought.
    pub(super) fn fate(&mut self, sight: &Sight, known: &Known) -> Result<Fate, DriverError> {
        // Of a scan that was deleted nobody can tell what it could see.
        let Some(reach) = self.reach(known.attempt)? else { return Ok(Fate::NotObserved(Unseen::Scope)) };
        let location =
            if reach.needs_location() { self.store.record(known)?.map(|record| record.location) } else { None };
        Ok(sight.fate(&reach, &location.unwrap_or(Location::Nowhere)))
    }

    fn reach(&mut self, attempt: AttemptId) -> Result<Option<Reach>, DriverError> {
        if let Some(reach) = self.known.get(&attempt) {
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
                let version = self.versions.get(&attempt).cloned().unwrap_or(seen.version);
                Some(Reach::of(&seen.spec, version.as_deref(), seen.rules, assets))
            }
        };
        self.known.insert(attempt, reach.clone());
        Ok(reach)
    }
}
