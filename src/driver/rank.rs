//! The rank of equal findings of one attempt, in the order of their places: what tells two like problems in one file apart.

use std::collections::HashMap;

use crate::model::finding::Record;

/// Where a record is in its file: line, column, end line, end column; 0 where unknown. Equal fingerprints share the file.
pub(super) type Place = [u32; 4];

/// Returns where a record is in its file.
pub(super) fn place(record: &Record) -> Place {
    record.location.region().map_or([0; 4], |region| {
        let end = |part: Option<u32>| part.unwrap_or_default();
        [region.start_line, end(region.start_column), end(region.end_line), end(region.end_column)]
    })
}

/// Hands out ranks while records stream by, and says at the end which have to change.
#[derive(Debug, Default)]
pub(super) struct Ranker {
    /// First record of each fingerprint; most have no second.
    first: HashMap<[u8; 16], (u32, Place)>,
    /// All records of those that have.
    equals: HashMap<[u8; 16], Vec<(u32, Place)>>,
}

impl Ranker {
    /// Returns the rank of a record among those seen so far.
    pub(super) fn rank(&mut self, fingerprint: [u8; 16], ordinal: u32, place: Place) -> u32 {
        match self.first.get(&fingerprint) {
            None => {
                self.first.insert(fingerprint, (ordinal, place));
                0
            }
            Some(&first) => {
                let equals = self.equals.entry(fingerprint).or_insert_with(|| vec![first]);
                equals.push((ordinal, place));
                u32::try_from(equals.len() - 1).unwrap_or(u32::MAX)
            }
        }
    }

    /// Returns the records whose final rank differs: fingerprint, ordinal, rank.
    pub(super) fn corrections(self) -> Vec<([u8; 16], u32, u32)> {
        let mut corrections = Vec::new();
        for (fingerprint, equals) in self.equals {
            let mut sorted: Vec<(Place, u32, usize)> =
                equals.iter().enumerate().map(|(given, &(ordinal, place))| (place, ordinal, given)).collect();
            sorted.sort_unstable();
            for (rank, (_, ordinal, given)) in sorted.into_iter().enumerate() {
                if rank != given {
                    corrections.push((fingerprint, ordinal, u32::try_from(rank).unwrap_or(u32::MAX)));
                }
            }
        }
        corrections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_places_and_not_the_order_of_the_report() {
        let mut ranker = Ranker::default();
        assert_eq!(ranker.rank([1; 16], 0, [20, 0, 0, 0]), 0);
        assert_eq!(ranker.rank([2; 16], 1, [5, 0, 0, 0]), 0);
        assert_eq!(ranker.rank([1; 16], 2, [10, 0, 0, 0]), 1);
        let mut corrections = ranker.corrections();
        corrections.sort_unstable();
        assert_eq!(corrections, [([1; 16], 0, 1), ([1; 16], 2, 0)]);
    }
}
