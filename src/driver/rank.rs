//! The rank of equal findings of one attempt, in the order of their places: what tells two like problems in one file apart.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use super::sorted::Sorter;
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

/// Records that are held in memory, of 41 bytes each.
const HELD: usize = 1 << 18;
/// Fingerprints that are counted; after so many the count begins anew.
const COUNTED: usize = 1 << 19;

/// Hands out ranks while records stream by, and says at the end what they are. There may be more records than memory could hold.
#[derive(Debug)]
pub(super) struct Ranker {
    /// How many were seen of each fingerprint, of which a quarter is kept: two that look alike cost a correction, no more.
    counts: HashMap<u32, u32>,
    seen: Sorter<{ Seen::BYTES }>,
    /// Who says of which records that they do not count, and until when: few.
    muted: HashMap<u32, (Origin, Option<Timestamp>)>,
}

/// A record that was ranked.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    fingerprint: Fingerprint,
    place: Place,
    ordinal: u32,
    severity: Severity,
    /// The rank that was handed out.
    given: u32,
}

impl Seen {
    const BYTES: usize = 41;

    /// Its bytes have the order of the findings' index, and among equals that of places.
    fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(&self.fingerprint.0);
        let numbers = self.place.into_iter().chain([self.ordinal, self.given]);
        for (field, number) in bytes[16..40].chunks_exact_mut(4).zip(numbers) {
            field.copy_from_slice(&number.to_be_bytes());
        }
        bytes[40] = self.severity.rank();
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let number = |at: usize| u32::from_be_bytes(std::array::from_fn(|byte| bytes[16 + 4 * at + byte]));
        Self {
            fingerprint: Fingerprint(std::array::from_fn(|byte| bytes[byte])),
            place: std::array::from_fn(number),
            ordinal: number(4),
            given: number(5),
            severity: Severity::from_rank(bytes[40]).unwrap_or_default(),
        }
    }
}

impl Ranker {
    /// Begins; what memory should not hold is kept in files without names in `spool`.
    pub(super) fn new(spool: PathBuf) -> Self {
        Self { counts: HashMap::new(), seen: Sorter::new(spool, HELD), muted: HashMap::new() }
    }

    /// Returns the rank of a record among those seen so far.
    pub(super) fn rank(&mut self, fingerprint: Fingerprint, ordinal: u32, record: &Record) -> io::Result<u32> {
        let quarter = fingerprint.0.first_chunk().map_or(0, |quarter| u32::from_ne_bytes(*quarter));
        if self.counts.len() >= COUNTED {
            self.counts.clear();
        }
        let count = self.counts.entry(quarter).or_default();
        let given = *count;
        if let Some(muting) = &record.muting {
            self.muted.insert(ordinal, (muting.origin, muting.until));
        } else if record.suppressed.is_some() {
            self.muted.insert(ordinal, (Origin::Report, None));
        }
        *count = count.saturating_add(1);
        let seen = Seen { fingerprint, place: place(record), ordinal, severity: record.severity, given };
        self.seen.push(seen.to_bytes())?;
        Ok(given)
    }

    /// Returns what each record is, in the order of fingerprints.
    pub(super) fn identities(self) -> io::Result<impl Iterator<Item = io::Result<Identity>>> {
        let Self { counts, seen, mut muted } = self;
        drop(counts);
        let (mut last, mut occurrence) = (None, 0);
        Ok(seen.sorted()?.map(move |seen| {
            let Seen { fingerprint, ordinal, severity, given, .. } = Seen::from_bytes(&seen?);
            occurrence = if last == Some(fingerprint) { occurrence + 1 } else { 0 };
            last = Some(fingerprint);
            let muted = muted.remove(&ordinal);
            Ok(Identity { ordinal, severity, fingerprint, occurrence, muted, corrected: occurrence != given })
        }))
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
        let mut ranker = Ranker::new(PathBuf::new());
        assert_eq!(ranker.rank(one, 0, &at([20, 0, 0, 0])).unwrap(), 0);
        assert_eq!(ranker.rank(two, 1, &at([5, 0, 0, 0])).unwrap(), 0);
        assert_eq!(ranker.rank(one, 2, &at([10, 0, 0, 0])).unwrap(), 1);
        let identities: Vec<Identity> = ranker.identities().unwrap().map(Result::unwrap).collect();
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
        let mut ranker = Ranker::new(PathBuf::new());
        ranker.rank(one, 0, &at([1; 4])).unwrap();
        ranker.rank(other, 1, &at([1; 4])).unwrap();
        assert!(ranker.identities().unwrap().all(|identity| identity.unwrap().occurrence == 0));
    }

    #[test]
    fn what_was_seen_is_the_same_out_of_a_file_and_in_the_order_of_places() {
        let seen = |place, ordinal| Seen {
            fingerprint: Fingerprint([7; 16]),
            place,
            ordinal,
            severity: Severity::High,
            given: u32::MAX,
        };
        let in_order = [
            seen([1, 0, 0, 0], 9),
            seen([2, 0, 0, 0], 0),
            seen([2, 0, 0, 0], 256),
            seen([2, 1, 0, 0], 1),
            seen([256, 0, 0, 0], 2),
        ];
        assert!(in_order.iter().map(Seen::to_bytes).is_sorted());
        for one in &in_order {
            assert_eq!(Seen::from_bytes(&one.to_bytes()), *one);
        }
    }
}
