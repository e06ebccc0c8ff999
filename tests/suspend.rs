//! Processes that are stopped (SIGSTOP) while they hold the state, and processes that are asked to stop (Ctrl-Z).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and is written for its reader")]

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_mins(2);

/// A state directory, and a file with many findings.
struct Place(tempfile::TempDir);

impl Place {
    fn new(findings: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut results = String::new();
        for n in 0..findings {
            writeln!(
                results,
                r#"{}{{"ruleId":"R{n}","level":"error","message":{{"text":"bad"}},"locations":[{{"physicalLocation":
                {{"artifactLocation":{{"uri":"app.py"}},"region":{{"startLine":{n}}}}}}}]}}"#,
                if n == 0 { "" } else { "," },
            )
            .unwrap();
        }
        let report = format!(
            r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"mine"}}}},"results":[{results}]}}]}}"#
        );
        std::fs::write(dir.path().join("results.sarif"), report).unwrap();
        Self(dir)
    }

    fn import(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
        command.env_clear().env("HOME", self.0.path()).current_dir(self.0.path());
        command.args(["--state", "state", "import", "--scanner", "mine", "--as", "sarif", "results.sarif"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

fn state_of(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until the process is stopped (true) or has ended.
fn rests(child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if state_of(child.id()) == Some('T') {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    panic!("it neither stops nor ends");
}

fn is_free(lock: &Path) -> bool {
    flock(File::open(lock).unwrap(), FlockOperation::NonBlockingLockExclusive).is_ok()
}

#[test]
fn ctrl_z_never_holds_up_another_process() {
    let place = Place::new(20_000);
    let lock = place.0.path().join("state/locks/write");
    let mut stops = 0;
    let mut child = place.import().spawn().unwrap();
    while !lock.exists() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
        send(&child, Signal::TSTP);
        if !rests(&mut child) {
            break;
        }
        stops += 1;
        assert!(is_free(&lock), "stopped in mid-write");
        send(&child, Signal::CONT);
    }
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(stops > 2, "{stops} stops");
}

#[cfg(feature = "failpoints")]
#[test]
fn who_is_stopped_in_mid_write_is_named() {
    let place = Place::new(10);
    assert!(place.import().status().unwrap().success());
    let mut stopped = place.import().env("DRAGNET_FAIL", "store.before_commit:stop").spawn().unwrap();
    assert!(rests(&mut stopped));
    let refused = place.import().output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(6), "{said}");
    let pid = stopped.id();
    assert!(said.contains(&format!("the state has been held by process {pid} for 30 s")), "{said}");
    assert!(said.contains(&format!("kill -CONT {pid}")), "{said}");
    send(&stopped, Signal::CONT);
    assert!(stopped.wait().unwrap().success());
    assert!(place.import().status().unwrap().success(), "what was waited for in vain holds nothing");
}
