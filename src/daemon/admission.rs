//! Which scans are taken up, in which order: a decision without I/O.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::model::id::ScanId;
use crate::model::state::ScanState;

/// A scan that nobody drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) scan: ScanId,
    pub(super) state: ScanState,
    /// Higher goes first.
    pub(super) priority: i32,
    /// Row of its project.
    pub(super) project: i64,
    /// Whether somebody has asked something of it.
    pub(super) asked: bool,
}

/// A scan that is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Driven {
    pub(super) priority: i32,
    pub(super) project: i64,
}

/// Chooses what is taken up now. `waiting` is in the order in which it came. Whatever has begun holds its place in the engine already,
/// and what is asked of a scan is done at once: neither waits. A queued scan waits while `most` scans of its own or a higher priority
/// are driven; of those with one priority the project with the fewest driven scans goes first.
pub(super) fn choose(waiting: &[Waiting], driven: &[Driven], most: usize) -> Vec<ScanId> {
    let (mut queued, at_once): (Vec<&Waiting>, Vec<&Waiting>) =
        waiting.iter().partition(|one| one.state == ScanState::Queued && !one.asked);
    let mut driven = driven.to_vec();
    let mut chosen = Vec::new();
    for one in at_once {
        driven.push(Driven { priority: one.priority, project: one.project });
        chosen.push(one.scan);
    }
    let mut share: HashMap<i64, usize> = HashMap::new();
    for one in &driven {
        *share.entry(one.project).or_default() += 1;
    }
    while let Some(next) = (0..queued.len())
        .min_by_key(|&i| (Reverse(queued[i].priority), share.get(&queued[i].project).copied().unwrap_or(0), i))
    {
        let one = queued.remove(next);
        if driven.iter().filter(|other| other.priority >= one.priority).count() >= most {
            break;
        }
        driven.push(Driven { priority: one.priority, project: one.project });
        *share.entry(one.project).or_default() += 1;
        chosen.push(one.scan);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queued(scan: i64, priority: i32, project: i64) -> Waiting {
        Waiting { scan: ScanId(scan), state: ScanState::Queued, priority, project, asked: false }
    }

    fn numbers(chosen: &[ScanId]) -> Vec<i64> {
        chosen.iter().map(|scan| scan.0).collect()
    }

    #[test]
    fn the_highest_priority_goes_first_then_the_project_with_the_fewest() {
        let waiting = [queued(1, 0, 1), queued(2, 0, 1), queued(3, 0, 2), queued(4, 9, 1)];
        assert_eq!(numbers(&choose(&waiting, &[], 3)), [4, 3, 1]);
    }

    #[test]
    fn a_higher_priority_does_not_wait_for_lower_ones() {
        let busy = [Driven { priority: 0, project: 1 }; 2];
        assert_eq!(numbers(&choose(&[queued(1, 0, 1), queued(2, 5, 1)], &busy, 2)), [2]);
    }

    #[test]
    fn what_has_begun_and_what_is_asked_do_not_wait() {
        let busy = [Driven { priority: 9, project: 1 }; 4];
        let begun = Waiting { state: ScanState::Running, ..queued(1, 0, 1) };
        let asked = Waiting { asked: true, ..queued(2, 0, 1) };
        assert_eq!(numbers(&choose(&[queued(3, 0, 1), begun, asked], &busy, 2)), [1, 2]);
    }

    proptest! {
        #[test]
        fn no_scan_is_passed_by_one_of_a_lower_priority(
            scans in prop::collection::vec((0..4i32, 0..3i64), 0..40),
            busy in prop::collection::vec((0..4i32, 0..3i64), 0..10),
            most in 0..12usize,
        ) {
            let waiting: Vec<Waiting> = (0..).zip(&scans).map(|(i, &(priority, project))| queued(i, priority, project)).collect();
            let driven: Vec<Driven> = busy.iter().map(|&(priority, project)| Driven { priority, project }).collect();
            let chosen = numbers(&choose(&waiting, &driven, most));
            let least = chosen.iter().map(|&scan| waiting[usize::try_from(scan).unwrap()].priority).min();
            for one in waiting.iter().filter(|one| !chosen.contains(&one.scan.0)) {
                prop_assert!(least.is_none_or(|least| least >= one.priority));
            }
            let room = most.saturating_sub(driven.len());
            prop_assert!(chosen.len() >= room.min(waiting.len()), "a place stays empty");
        }
    }
}
