//! The rank of equal findings of one attempt, in the order of their places: what tells two like problems in one file apart.

use std::collections::HashMap;

use crate::model::clock::Timestamp;
use crate::model::finding::Record;
use crate::model::fingerprint::Fingerprint;
use crate::model::severity::Severity;
use crate::model::triage::Origin;
use crate::store::Identity;

/// Where a record is in its file: line, column, end line, end column; 0 where unknown. Equal fingerprints share the file.
type Place = [u32; 4];

/// Returns where a record is in its file.
fn place(record: &Record) -> Place {
    record.location.region().map_or([0; 4], |region| {
        let end = |part: Option<u32>| part.unwrap_or_default();
        [region.start_line, end(region.start_column), end(region.end_line), end(region.end_column)]
    })
}

/// Hands out ranks while records stream by, and says at the end what they are. Small: there may be millions of records.
#[derive(Debug, Default)]
pub(super) struct Ranker {
    /// How many were seen of each fingerprint, of which half is kept: two that look alike cost a correction, no more.
    counts: HashMap<u64, u32>,
    seen: Vec<Seen>,
    /// Who says of which records that they do not count, and until when: few.
    muted: HashMap<u32, (Origin, Option<Timestamp>)>,
}

/// A record that was ranked. Its order is that of the findings' index, and of places among equals.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    fingerprint: Fingerprint,
    place: Place,
    ordinal: u32,
    severity: Severity,
    /// The rank that was handed out.
    given: u32,
}

impl Ranker {
    /// Returns the rank of a record among those seen so far.
    pub(super) fn rank(&mut self, fingerprint: Fingerprint, ordinal: u32, record: &Record) -> u32 {
        let half = fingerprint.0.first_chunk().map_or(0, |half| u64::from_ne_bytes(*half));
        let count = self.counts.entry(half).or_default();
        let given = *count;
        if let Some(muting) = &record.muting {
            self.muted.insert(ordinal, (muting.origin, muting.until));
        } else if record.suppressed.is_some() {
            self.muted.insert(ordinal, (Origin::Report, None));
        }
        *count = count.saturating_add(1);
        self.seen.push(Seen { fingerprint, place: place(record), ordinal, severity: record.severity, given });
        given
    }

    /// Returns what each record is, in the order of fingerprints.
    pub(super) fn identities(self) -> impl Iterator<Item = Identity> {
        let Self { counts, mut seen, mut muted } = self;
        drop(counts);
        seen.sort_unstable();
        let (mut last, mut occurrence) = (None, 0);
        seen.into_iter().map(move |Seen { fingerprint, ordinal, severity, given, .. }| {
            occurrence = if last == Some(fingerprint) { occurrence + 1 } else { 0 };
            last = Some(fingerprint);
            let muted = muted.remove(&ordinal);
            Identity { ordinal, severity, fingerprint, occurrence, muted, corrected: occurrence != given }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Location, Region};

    fn at([start_line, ..]: Place) -> Record {
        let region = Some(Region { start_line, ..Region::default() });
        Record { location: Location::File { path: "a".to_owned(), region }, ..Record::default() }
    }

    #[test]
    fn ranks_follow_places_and_not_the_order_of_the_report() {
        let (one, two) = (Fingerprint([1; 16]), Fingerprint([2; 16]));
        let mut ranker = Ranker::default();
        assert_eq!(ranker.rank(one, 0, &at([20, 0, 0, 0])), 0);
        assert_eq!(ranker.rank(two, 1, &at([5, 0, 0, 0])), 0);
        assert_eq!(ranker.rank(one, 2, &at([10, 0, 0, 0])), 1);
        let identities: Vec<Identity> = ranker.identities().collect();
        let expected = [(2, one, 0, true), (0, one, 1, true), (1, two, 0, false)];
        let expected = expected.map(|(ordinal, fingerprint, occurrence, corrected)| Identity {
            ordinal,
            severity: Severity::Unknown,
            muted: None,
            fingerprint,
            occurrence,
            corrected,
        });
        assert_eq!(identities, expected);
    }

    #[test]
    fn fingerprints_that_begin_alike_are_told_apart() {
        let (one, mut other) = (Fingerprint([1; 16]), Fingerprint([1; 16]));
        other.0[15] = 2;
        let mut ranker = Ranker::default();
        ranker.rank(one, 0, &at([1; 4]));
        ranker.rank(other, 1, &at([1; 4]));
        assert!(ranker.identities().all(|identity| identity.occurrence == 0));
    }
}
