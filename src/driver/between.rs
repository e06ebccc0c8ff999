//! What differs between two scans, whatever they were compared with when they ended. Nothing is written.

use std::collections::{BTreeSet, HashMap};

use super::error::DriverError;
use super::reaches::Reaches;
use super::view::View;
use crate::lifecycle::{MAX_DRIFT, pair};
use crate::model::coverage::Coverage;
use crate::model::finding::SeverityCounts;
use crate::model::id::ScanId;
use crate::model::standing::{Fate, FindingKey, Unseen};
use crate::store::{Before, Known, Sides, Store};

/// What differs between two scans, of one scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// The scanner.
    pub scanner: String,
    /// What is in both, by the severity that it has in the second.
    pub both: SeverityCounts,
    /// What is in both and has moved or changed its face: as it was, and as it is.
    pub moved: Vec<(Known, Known)>,
    /// What is only in the second.
    pub fresh: Vec<Known>,
    /// What is only in the first, and what became of it.
    pub gone: Vec<(Known, Fate)>,
}

/// Returns the scanners of a scan, each with what its jobs saw; an accepted gap is a gap.
pub fn sights(store: &Store, scan: ScanId) -> Result<Vec<(String, Coverage)>, DriverError> {
    Ok(View::new(store.instance(), &store.load(scan)?).sights())
}

/// Compares what a scanner brought in two scans; without the first, all of the second is new. `coverage` is what its jobs saw in the second, none where that has no job of it.
/// Blocks for as long as reading takes.
pub fn between(
    store: &Store,
    (before, after): (Option<ScanId>, ScanId),
    scanner: &str,
    coverage: Option<Coverage>,
    known: Before,
) -> Result<Between, DriverError> {
    let mut sides = store.between(before, after, scanner, known)?;
    let mut reaches = Reaches::new(store);
    let mut moved = renamed(store, (before, after), scanner, &mut sides)?;
    moved.extend(drifted(&reaches, &mut sides)?);
    let mut gone = Vec::with_capacity(sides.gone.len());
    match coverage {
        None => gone.extend(sides.gone.iter().map(|known| (*known, Fate::NotObserved(Unseen::Scope)))),
        Some(coverage) => {
            let sight = reaches.sight(coverage, &sides.attempts)?;
            for known in &sides.gone {
                gone.push((*known, reaches.fate(&sight, known)?));
            }
        }
    }
    Ok(Between { scanner: scanner.to_owned(), both: sides.both, moved, fresh: sides.fresh, gone })
}

/// Takes out of both sides what is known to be one finding under two fingerprints, since it drifted in a scan between.
fn renamed(
    store: &Store,
    (before, after): (Option<ScanId>, ScanId),
    scanner: &str,
    sides: &mut Sides,
) -> Result<Vec<(Known, Known)>, DriverError> {
    let Some(before) = before.filter(|_| !sides.gone.is_empty() && !sides.fresh.is_empty()) else {
        return Ok(Vec::new());
    };
    let keys = |side: &[Known]| side.iter().map(|known| known.key).collect::<Vec<FindingKey>>();
    let names = |scan, side: &[Known]| match store.subject_of(scan, scanner)? {
        Some(subject) => store.names(subject, &keys(side)),
        None => Ok(keys(side)),
    };
    let (old, new) = (names(before, &sides.gone)?, names(after, &sides.fresh)?);
    let mut by_name: HashMap<FindingKey, Known> = old.into_iter().zip(sides.gone.iter().copied()).collect();
    let mut pairs = Vec::new();
    for (name, known) in new.into_iter().zip(&sides.fresh) {
        pairs.extend(by_name.remove(&name).map(|was| (was, *known)));
    }
    take_out(sides, &pairs);
    Ok(pairs)
}

/// Takes out of both sides what has merely moved or changed its face.
fn drifted(reaches: &Reaches, sides: &mut Sides) -> Result<Vec<(Known, Known)>, DriverError> {
    if sides.fresh.is_empty() || sides.gone.is_empty() || sides.fresh.len() + sides.gone.len() > MAX_DRIFT {
        return Ok(Vec::new());
    }
    let (before, after) = (reaches.candidates(&sides.gone)?, reaches.candidates(&sides.fresh)?);
    let of = |side: &[Known]| side.iter().map(|known| (known.key, *known)).collect::<HashMap<_, _>>();
    let (old, new) = (of(&sides.gone), of(&sides.fresh));
    let both = |(was, is): (usize, usize)| Some((*old.get(&before[was].key)?, *new.get(&after[is].key)?));
    let pairs: Vec<(Known, Known)> = pair(&before, &after).into_iter().filter_map(both).collect();
    take_out(sides, &pairs);
    Ok(pairs)
}

fn take_out(sides: &mut Sides, pairs: &[(Known, Known)]) {
    let (old, new): (BTreeSet<FindingKey>, BTreeSet<FindingKey>) =
        pairs.iter().map(|(was, is)| (was.key, is.key)).unzip();
    sides.gone.retain(|known| !old.contains(&known.key));
    sides.fresh.retain(|known| !new.contains(&known.key));
}
