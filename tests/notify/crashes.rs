//! The program dies between what it does and what it writes down.

use std::os::unix::process::ExitStatusExt as _;

use super::machine::{Machine, ids, webhook, willing};

/// Runs `notify run`, which is to die at a point; returns whether it did.
fn dies(machine: &Machine, point: &str) -> bool {
    let output = machine.process(&["notify", "run"]).env("DRAGNET_FAIL", point).output().unwrap();
    output.status.signal() == Some(6)
}

#[test]
fn a_death_behind_the_delivery_tells_once_more_with_the_same_id() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.import(1);
    assert!(dies(&machine, "notify.sent:abort"));
    assert_eq!(machine.states(), ["pending"]);
    machine.say(&["notify", "run"]);
    let ids = ids(&stub);
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
    assert_eq!(machine.states(), ["delivered"]);
}

#[test]
fn no_death_makes_a_loss_or_two_ids() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.import(1);
    machine.say(&["notify", "run"]);
    let mut dead = 0;
    for point in
        ["notify.collected:abort", "store.before_commit:abort@1", "store.before_commit:abort@2", "notify.sent:abort"]
    {
        machine.import(1);
        dead += usize::from(dies(&machine, point));
        machine.say(&["notify", "run"]);
    }
    assert_eq!(dead, 4);
    let mut ids = ids(&stub);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "one for each scan");
    let states = machine.states();
    assert!(states.len() == 5 && states.iter().all(|state| state == "delivered"), "{states:?}");
}

#[test]
fn many_processes_at_once_tell_each_thing_once() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, ""));
    for _ in 0..3 {
        machine.import(1);
    }
    let running: Vec<_> = (0..4).map(|_| machine.process(&["notify", "run", "--quiet"]).spawn().unwrap()).collect();
    for mut one in running {
        assert!(one.wait().unwrap().success());
    }
    machine.say(&["notify", "run"]);
    assert_eq!(ids(&stub).len(), 3);
}
