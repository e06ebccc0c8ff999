//! The order of steps.

use std::collections::{BTreeSet, HashMap};

use super::error::PlanError;
use crate::model::id::StepId;
use crate::model::nearest::Hint;

/// Returns the positions of steps, given with what they need, so that each comes after those; otherwise in the order given.
/// Unknown needs, double ids and cycles are errors.
pub fn order(steps: &[(&StepId, &[StepId])]) -> Result<Vec<usize>, PlanError> {
    let needs = resolve(steps)?;
    let mut waiting: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
    let mut dependents = vec![Vec::new(); steps.len()];
    for (step, needed) in needs.iter().enumerate() {
        for &need in needed {
            dependents[need].push(step);
        }
    }
    let mut ready: BTreeSet<usize> = (0..steps.len()).filter(|&step| waiting[step] == 0).collect();
    let mut order = Vec::with_capacity(steps.len());
    while let Some(step) = ready.pop_first() {
        order.push(step);
        for &dependent in &dependents[step] {
            waiting[dependent] -= 1;
            if waiting[dependent] == 0 {
                ready.insert(dependent);
            }
        }
    }
    match waiting.iter().position(|&left| left > 0) {
        Some(stuck) => Err(PlanError::Cycle(cycle(steps, &needs, &waiting, stuck))),
        None => Ok(order),
    }
}

/// Turns ids into positions.
fn resolve(steps: &[(&StepId, &[StepId])]) -> Result<Vec<BTreeSet<usize>>, PlanError> {
    let mut places = HashMap::new();
    for (place, (id, _)) in steps.iter().enumerate() {
        if places.insert(*id, place).is_some() {
            return Err(PlanError::DuplicateStep((*id).clone()));
        }
    }
    let resolve_one = |step: &StepId, need: &StepId| {
        places.get(need).copied().ok_or_else(|| PlanError::UnknownNeed {
            step: step.clone(),
            need: need.clone(),
            hint: Hint::new(need.as_str(), steps.iter().map(|(id, _)| id.as_str())),
        })
    };
    steps.iter().map(|(id, needs)| needs.iter().map(|need| resolve_one(id, need)).collect()).collect()
}

/// Follows needs that never became ready until a step comes back: `a → b → a`.
fn cycle(steps: &[(&StepId, &[StepId])], needs: &[BTreeSet<usize>], waiting: &[usize], start: usize) -> Vec<StepId> {
    let mut path = vec![start];
    let mut at = start;
    while let Some(&next) = needs[at].iter().find(|&&need| waiting[need] > 0) {
        let seen = path.iter().position(|&step| step == next);
        path.push(next);
        if let Some(first) = seen {
            path.drain(..first);
            break;
        }
        at = next;
    }
    path.into_iter().map(|step| steps[step].0.clone()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(n: usize) -> StepId {
        format!("s{n}").parse().unwrap()
    }

    /// Orders steps `s0`, `s1` …, whose needs are given by number.
    fn order_of(needs: &[Vec<usize>]) -> Result<Vec<usize>, PlanError> {
        let named: Vec<(StepId, Vec<StepId>)> =
            needs.iter().enumerate().map(|(n, needs)| (id(n), needs.iter().map(|&need| id(need)).collect())).collect();
        order(&named.iter().map(|(id, needs)| (id, needs.as_slice())).collect::<Vec<_>>())
    }

    #[test]
    fn steps_without_needs_keep_their_order() {
        assert_eq!(order_of(&[vec![], vec![], vec![]]).unwrap(), [0, 1, 2]);
        assert_eq!(order_of(&[vec![2], vec![], vec![]]).unwrap(), [1, 2, 0]);
    }

    #[test]
    fn a_cycle_is_named_without_what_leads_to_it() {
        let error = order_of(&[vec![1], vec![2], vec![1]]).unwrap_err();
        assert_eq!(error.to_string(), "steps need one another: s1 → s2 → s1");
        assert_eq!(order_of(&[vec![0]]).unwrap_err().to_string(), "steps need one another: s0 → s0");
    }

    #[test]
    fn unknown_and_double_steps_are_named() {
        let error = order_of(&[vec![7]]).unwrap_err();
        assert_eq!(error.to_string(), "step `s0` needs `s7`, and there is no such step (did you mean `s0`?)");
        let a = id(0);
        assert_eq!(order(&[(&a, &[]), (&a, &[])]), Err(PlanError::DuplicateStep(id(0))));
    }

    /// Needs of up to 20 steps, each on earlier ones only, and a shuffle of them.
    fn acyclic() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1_usize..20)
            .prop_flat_map(|n| {
                let needs: Vec<_> =
                    (0..n).map(|step| prop::collection::vec(0..step.max(1), 0..4.min(step + 1))).collect();
                (needs, Just((0..n).collect::<Vec<_>>()).prop_shuffle())
            })
            .prop_map(|(needs, place)| {
                let mut shuffled = vec![Vec::new(); needs.len()];
                for (step, needed) in needs.iter().enumerate() {
                    shuffled[place[step]] =
                        needed.iter().filter(|&&need| need != step).map(|&need| place[need]).collect();
                }
                shuffled
            })
    }

    proptest! {
        #[test]
        fn every_step_comes_after_its_needs(needs in acyclic()) {
            let order = order_of(&needs).unwrap();
            let place = |step: usize| order.iter().position(|&other| other == step).unwrap();
            prop_assert_eq!(order.len(), needs.len());
            for (step, needed) in needs.iter().enumerate() {
                prop_assert!(needed.iter().all(|&need| place(need) < place(step)));
            }
        }

        #[test]
        fn a_closed_chain_is_always_found(needs in acyclic(), ring in prop::collection::vec(0_usize..20, 1..6)) {
            let mut needs = needs;
            let ring: Vec<usize> = ring.into_iter().map(|step| step % needs.len()).collect();
            for (i, &step) in ring.iter().enumerate() {
                needs[step].push(ring[(i + 1) % ring.len()]);
            }
            let Err(PlanError::Cycle(path)) = order_of(&needs) else { panic!("no cycle was found") };
            prop_assert_eq!(path.first(), path.last());
            for pair in path.windows(2) {
                let (from, to): (usize, usize) = (pair[0].as_str()[1..].parse().unwrap(), pair[1].as_str()[1..].parse().unwrap());
                prop_assert!(needs[from].contains(&to));
            }
        }
    }
}
