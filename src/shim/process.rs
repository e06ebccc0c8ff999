//! The scanner's processes: started, reaped, and killed to the last.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group,
    set_child_subreaper, set_dumpable_behavior, wait,
};

use super::attempt::Attempt;

/// How long killed processes are waited for; one that sleeps in the kernel may never go.
const REAP: Duration = Duration::from_secs(5);
/// The scanner rather than the shim is killed when memory runs out: the shim still has to tell of it. Added to our own score,
/// which nobody may lower: Kubernetes gives most containers 999 of 1000 (its "Node out of memory behavior"), and there size decides.
const OOM_SCORE: i32 = 500;
/// The highest score (`proc_pid_oom_score_adj(5)`).
const OOM_SCORE_MAX: i32 = 1000;

/// This process's own standing when memory runs out, which its children inherit. Opened before the process becomes opaque,
/// for then not even it may.
#[derive(Debug)]
pub(super) struct OomScore {
    file: Option<File>,
    own: i32,
}

impl OomScore {
    fn open() -> Self {
        const PATH: &str = "/proc/self/oom_score_adj";
        // Without it the kernel chooses by size alone.
        let own = std::fs::read_to_string(PATH).ok().and_then(|score| score.trim().parse().ok()).unwrap_or_default();
        Self { file: File::options().write(true).open(PATH).ok(), own }
    }

    fn raise(&self) {
        self.set((self.own + OOM_SCORE).min(OOM_SCORE_MAX));
    }

    fn set(&self, score: i32) {
        if let Some(mut file) = self.file.as_ref() {
            file.write_all(score.to_string().as_bytes()).ok();
        }
    }
}

/// Makes this process the heir of every orphan, and opaque to the scanner, which runs as the same user.
pub(super) fn become_init() -> OomScore {
    let score = OomScore::open();
    rustix::process::umask(rustix::fs::Mode::empty());
    // Both only strengthen what holds without them; old kernels lack them.
    set_child_subreaper(Some(getpid())).ok();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    score
}

/// Starts the scanner in a process group of its own.
pub(super) fn start(attempt: &Attempt, score: &OomScore) -> io::Result<Child> {
    let (program, arguments) = attempt
        .job
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the job names no program"))?;
    // It is born with the score: what it forks at once is not quicker than we are.
    score.raise();
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    score.set(score.own);
    child.map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))
}

/// Sends a signal to the scanner's group; a group that is gone is no error.
pub(super) fn signal_group(leader: Pid, signal: Signal) {
    kill_process_group(leader, signal).ok();
}

/// Kills all that is left: in a container everything but this process, elsewhere its descendants.
pub(super) fn kill_everything() {
    if getpid() == Pid::INIT {
        // The group of process 1 is, in the system call, everybody.
        kill_process_group(Pid::INIT, Signal::KILL).ok();
        return;
    }
    for pid in descendants(getpid()) {
        kill_process(pid, Signal::KILL).ok();
    }
}

/// Takes the exit of one child, if one has ended.
pub(super) fn reap() -> Reaped {
    match wait(WaitOptions::NOHANG) {
        Ok(Some((pid, status))) => Reaped::Ended(pid, status),
        Ok(None) | Err(Errno::INTR) => Reaped::NoneEnded,
        Err(_) => Reaped::NoChildren,
    }
}

/// What reaping found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reaped {
    /// A child, and how it ended.
    Ended(Pid, WaitStatus),
    /// All children live.
    NoneEnded,
    /// There are none.
    NoChildren,
}

/// Kills and reaps until no child is left.
pub(super) fn kill_and_reap_everything() {
    let end = Instant::now() + REAP;
    kill_everything();
    while Instant::now() < end {
        match reap() {
            Reaped::Ended(..) => {}
            Reaped::NoChildren => return,
            Reaped::NoneEnded => {
                // A process may have forked between the look at the table and the kill.
                kill_everything();
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// Returns all processes below `ancestor`, from the process table.
fn descendants(ancestor: Pid) -> Vec<Pid> {
    let parents: Vec<(i32, i32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| Some((pid, parse_parent(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect();
    let mut found = vec![ancestor.as_raw_nonzero().get()];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found[1..].iter().filter_map(|pid| Pid::from_raw(*pid)).collect()
}

/// Reads the parent from a line of `/proc/PID/stat`; the name before it may hold anything, brackets included.
fn parse_parent(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_whatever_the_name() {
        assert_eq!(parse_parent("12 (a) b) (c) S 7 12 12 0"), Some(7));
        assert_eq!(parse_parent("12 (torn"), None);
    }
}
