//! The daemon tells what happens, and may be killed while it does.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::machine::{Machine, ids, webhook, willing};
use super::stub::{Answer, Stub};

/// A daemon, killed when it is dropped.
struct Daemon(Child);

impl Daemon {
    fn start(machine: &Machine) -> Self {
        let mut command = machine.process(&["daemon"]);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn until(what: &str, is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_daemon_tells_and_after_a_kill_in_mid_delivery_once_more_with_the_same_id() {
    let (gate, hangs) = (Arc::new(Mutex::new(())), Arc::new(AtomicBool::new(true)));
    let closed = gate.lock().unwrap();
    let (of_stub, hang) = (Arc::clone(&gate), Arc::clone(&hangs));
    let stub = Stub::start(move |_, _| {
        if hang.swap(false, Ordering::SeqCst) {
            drop(of_stub.lock());
        }
        Answer::new(200)
    });
    let machine = Machine::new(&webhook("ops", &stub, "timeout = '1m'"));
    machine.import(1);
    let daemon = Daemon::start(&machine);
    until("the receiver is told", || stub.seen().len() == 1);
    drop(daemon);
    drop(closed);
    assert_eq!(machine.states(), ["pending"]);
    let _daemon = Daemon::start(&machine);
    until("it is told again", || machine.states() == ["delivered"]);
    let ids = ids(&stub);
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
}

#[test]
fn a_daemon_that_works_once_tells_last() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, ""));
    machine.import(1);
    machine.say(&["daemon", "--once"]);
    assert_eq!(stub.seen().len(), 1);
}

#[test]
fn a_route_that_cannot_work_is_told_of_in_the_status() {
    let stub = willing();
    let machine = Machine::new(&webhook("ops", &stub, "secret = 'env:NOT_SET'"));
    let _daemon = Daemon::start(&machine);
    until("the status tells it", || {
        let status = machine.run(&["daemon", "status", "--format", "json"]);
        super::machine::text(&status.stdout).contains("route ops: `secret`: the variable NOT_SET is not set")
    });
}
