//! Many processes on one database: one stores a large report, one deletes a scan as large, one drives what this process cancels,
//! the rest commit as drivers do. Each process also measures how long a small commit takes in it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dragnet::driver::Rest;
use dragnet::executor::fake::{Content, FakeExecutor, Outcome};
use dragnet::model::clock::Timestamp;
use dragnet::model::event::{EventBody, NoteLevel};
use dragnet::model::id::ScanId;
use dragnet::model::state::{JobState, ScanState};
use dragnet::model::unit::ByteSize;
use dragnet::model::view::ScanView;
use dragnet::store::{Change, Commit, JobMove, Lease, ScanFilter, Store, Verb};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::scan::{Lab, step};

/// Tells a process of the crowd what it is.
const ROLE: &str = "DRAGNET_CROWD_ROLE";
/// Names the state directory to it.
const STATE: &str = "DRAGNET_CROWD_STATE";
/// The size of the report, or the row of the scan.
const ARGUMENT: &str = "DRAGNET_CROWD_ARGUMENT";

/// How large a crowd.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Processes, this one counted; at least 5.
    pub processes: usize,
    /// Findings that are stored, and as many that are deleted.
    pub findings: usize,
    /// How long a driver does other things between two commits.
    pub think: Duration,
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// How long small commits took, shortest first.
    pub waits: Vec<Duration>,
    /// How long after it was asked for each cancel acted.
    pub acted: Vec<Duration>,
    /// How long after it was asked for each cancelled scan had ended.
    pub ended: Vec<Duration>,
    /// Errors of SQLite's locks that a caller has seen.
    pub busy: usize,
    /// Greatest length of the write-ahead log, in bytes.
    pub wal: u64,
    /// How long storing took while nobody else was there.
    pub alone: Duration,
    /// How much memory that took, in bytes.
    pub memory: u64,
    /// How long storing took beside all others.
    pub stored: Duration,
    /// How long deleting took beside all others.
    pub deleted: Duration,
}

/// Plays the part that the environment gives this process; returns whether it gives one.
pub fn play() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    let state = std::env::var(STATE).unwrap();
    let argument: u64 = std::env::var(ARGUMENT).unwrap().parse().unwrap();
    let played = runtime().block_on(async {
        let words = listen();
        match role.as_str() {
            "store" => {
                let lab = Lab::at(Path::new(&state), reporting(usize::try_from(argument).unwrap()));
                let scan = large(&lab).await;
                beside(&lab, Duration::from_millis(20), async {
                    assert_eq!(lab.spawn(scan).await.await.unwrap(), Rest::Ended);
                })
                .await
            }
            "delete" => {
                let lab = Lab::at(Path::new(&state), idle());
                let scan = ScanId(argument.cast_signed());
                beside(&lab, Duration::from_millis(20), async {
                    lab.store.delete_scan(scan, lab.now()).await.unwrap();
                })
                .await
            }
            "drive" => {
                let lab = Lab::at(Path::new(&state), FakeExecutor::new(|_| Outcome::Hangs { files: Vec::new() }));
                let driving = async {
                    while let Some(scan) = next(&words).await {
                        assert_eq!(lab.spawn(ScanId(scan)).await.await.unwrap(), Rest::Ended);
                    }
                };
                beside(&lab, Duration::from_millis(20), driving).await
            }
            _ => {
                let lab = Lab::at(Path::new(&state), idle());
                let waiting = async { while next(&words).await.is_some() {} };
                beside(&lab, Duration::from_millis(argument), waiting).await
            }
        }
    });
    let mut out = BufWriter::new(std::io::stdout().lock());
    match played {
        Ok((took, waits)) => {
            let waits = waits.iter().fold(String::new(), |mut text, wait| {
                write!(text, " {}", wait.as_micros()).unwrap();
                text
            });
            writeln!(out, "\nplayed {}{waits}", took.as_micros()).unwrap();
        }
        Err(error) => writeln!(out, "\nfailed {error}").unwrap(),
    }
    out.flush().unwrap();
    true
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Reads numbers from standard input; the channel closes at its end.
fn listen() -> Arc<Mutex<Receiver<i64>>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            sender.send(line.unwrap().parse().unwrap()).unwrap();
        }
    });
    Arc::new(Mutex::new(receiver))
}

async fn next(words: &Arc<Mutex<Receiver<i64>>>) -> Option<i64> {
    let words = Arc::clone(words);
    tokio::task::spawn_blocking(move || words.lock().unwrap().recv().ok()).await.unwrap()
}

fn idle() -> FakeExecutor {
    FakeExecutor::new(|_| Outcome::success([]))
}

/// An engine whose attempts find so many problems.
pub fn reporting(findings: usize) -> FakeExecutor {
    let mut file = BufWriter::new(tempfile::tempfile().unwrap());
    let rules =
        r#"{"id":"R1","defaultConfiguration":{"level":"error"}},{"id":"R2","defaultConfiguration":{"level":"note"}}"#;
    let tool = format!(r#"{{"driver":{{"name":"crowd","rules":[{rules}]}}}}"#);
    write!(file, r#"{{"version":"2.1.0","runs":[{{"tool":{tool},"results":["#).unwrap();
    for n in 0..findings {
        let comma = if n == 0 { "" } else { "," };
        let (rule, folder) = (n % 2 + 1, n % 997);
        let place = format!(
            r#"{{"physicalLocation":{{"artifactLocation":{{"uri":"src/{folder}/{n}.py"}},"region":{{"startLine":{}}}}}}}"#,
            n % 300 + 1
        );
        let message = format!(r#"{{"text":"what was found at place {n}, in about as many words as a scanner uses"}}"#);
        write!(file, r#"{comma}{{"ruleId":"R{rule}","message":{message},"locations":[{place}]}}"#).unwrap();
    }
    file.write_all(b"]}]}").unwrap();
    let report = Content::File(Arc::new(file.into_inner().unwrap()));
    FakeExecutor::new(move |_| Outcome::Ends {
        after: Duration::ZERO,
        code: 0,
        files: vec![("stdout".to_owned(), report.clone())],
    })
}

/// Submits a scan with one job that has a large report.
pub async fn large(lab: &Lab) -> ScanId {
    let mut large = step("large");
    "sarif".clone_into(&mut large.scanner.results[0].format);
    large.scanner.limits.output = ByteSize(4 << 30);
    lab.submit(vec![large]).await
}

/// Works, and commits beside that until the work is done; returns how long the work took, and each commit.
async fn beside(
    lab: &Lab,
    think: Duration,
    work: impl Future<Output = ()>,
) -> Result<(Duration, Vec<Duration>), String> {
    let scan = lab.submit(vec![step("small")]).await;
    let lease = lab.lease(scan, None).await.map_err(|error| error.to_string())?;
    let (done, begun) = (CancellationToken::new(), Instant::now());
    let work = async {
        work.await;
        done.cancel();
        begun.elapsed()
    };
    let (took, waits) = tokio::join!(work, commits(&lab.store, &lease, lab.now(), think, &done));
    Ok((took, waits?))
}

/// Commits as a driver does, until told to stop.
async fn commits(
    store: &Store,
    lease: &Lease,
    at: Timestamp,
    think: Duration,
    done: &CancellationToken,
) -> Result<Vec<Duration>, String> {
    let job = store.load(lease.scan).map_err(|error| error.to_string())?.jobs[0].id;
    let mut waits = Vec::new();
    while !done.is_cancelled() {
        let moved = JobMove {
            job,
            state: JobState::Ready,
            attempts: 0,
            own_failures: 0,
            engine_failures: 0,
            not_before: Timestamp(0),
        };
        let note = EventBody::Note { job: None, level: NoteLevel::Info, message: "moved".to_owned() };
        let commit = Commit {
            scan: lease.scan,
            fence: lease.fence,
            at,
            actor: "crowd".to_owned(),
            changes: vec![Change::JobMove(moved)],
            events: vec![note.clone(), note],
        };
        let asked = Instant::now();
        store.commit(commit).await.map_err(|error| error.to_string())?;
        waits.push(asked.elapsed());
        tokio::time::sleep(think).await;
    }
    Ok(waits)
}

/// Makes a process play a part.
pub fn process(mut command: Command, role: &str, state: &Path, argument: u64) -> Command {
    command.env(ROLE, role).env(STATE, state).env(ARGUMENT, argument.to_string());
    command
}

/// A process of the crowd, and what it will say at its end.
struct Player {
    child: Child,
    said: Option<JoinHandle<Option<String>>>,
}

impl Player {
    fn spawn(command: Command, role: &str, state: &Path, argument: u64) -> Self {
        let mut command = process(command, role, state, argument);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let last = |line: &String| line.starts_with("played ") || line.starts_with("failed ");
        let said = std::thread::spawn(move || out.lines().map_while(Result::ok).filter(last).last());
        Self { child, said: Some(said) }
    }

    /// Whether it has said its last word.
    fn is_done(&self) -> bool {
        self.said.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn tell(&mut self, number: i64) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{number}").unwrap();
    }

    /// Waits for its end, which it is told of if it is still playing; returns how long its work took.
    fn end(mut self, measured: &mut Measured) -> Duration {
        drop(self.child.stdin.take());
        let said = self.said.take().and_then(|said| said.join().unwrap()).expect("a process of the crowd has died");
        assert!(self.child.wait().unwrap().success());
        let Some(played) = said.strip_prefix("played ") else {
            assert!(said.contains("locked") || said.contains("busy"), "{said}");
            measured.busy += 1;
            return Duration::ZERO;
        };
        let mut times = played.split(' ').map(|micros| Duration::from_micros(micros.parse().unwrap()));
        let took = times.next().unwrap();
        measured.waits.extend(times);
        took
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // It outlives a test that fails otherwise.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Cancels one scan that is driven by another process; measures how long that takes.
async fn cancel_one(lab: &Lab, driver: &mut Player, measured: &mut Measured) {
    let scan = lab.submit(vec![step("hangs")]).await;
    driver.tell(scan.0);
    let until = async |wanted: &dyn Fn(&ScanView) -> bool| {
        while !wanted(&lab.store.scan(scan).unwrap()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    until(&|view| view.jobs.contains_key(&JobState::Running)).await;
    let asked = Instant::now();
    assert!(lab.store.ask(scan, Verb::Cancel, "crowd", lab.now()).await.unwrap().1);
    until(&|view| view.state != ScanState::Running).await;
    measured.acted.push(asked.elapsed());
    until(&|view| view.state == ScanState::Cancelled).await;
    measured.ended.push(asked.elapsed());
}

/// What must hold in the end.
fn check(lab: &Lab, doomed: ScanId, findings: usize) {
    assert!(lab.store.scan(doomed).is_err(), "the deleted scan is there");
    assert_eq!(lab.store.half_deleted().unwrap(), []);
    let scans = lab.store.scans(&ScanFilter { limit: u32::MAX, ..ScanFilter::default() }).unwrap();
    let stored: Vec<u64> = scans.iter().map(|scan| scan.records.total()).filter(|total| *total > 0).collect();
    assert_eq!(stored, [findings as u64]);
    assert_eq!(lab.store.verify().unwrap(), Vec::<String>::new());
}

/// The most memory that this process has had, in bytes; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() << 10
}

/// Runs a crowd. `command` runs this program so that it comes to [`play`].
pub fn run(setting: Setting, command: impl Fn() -> Command) -> Measured {
    let runtime = runtime();
    let lab = Lab::new(reporting(setting.findings));
    let doomed = runtime.block_on(large(&lab));
    let begun = Instant::now();
    assert_eq!(runtime.block_on(async { lab.spawn(doomed).await.await.unwrap() }), Rest::Ended);
    let mut measured = Measured { alone: begun.elapsed(), memory: peak_memory(), ..Measured::default() };
    let state = lab.store.dir().to_owned();
    let player = |role: &str, argument: u64| Player::spawn(command(), role, &state, argument);
    let small = u64::try_from(setting.think.as_millis()).unwrap();
    let mut others: Vec<Player> = (4..setting.processes).map(|_| player("commit", small)).collect();
    let mut driver = player("drive", 0);
    let store = player("store", setting.findings as u64);
    let delete = player("delete", doomed.0.cast_unsigned());
    while !(store.is_done() && delete.is_done()) {
        runtime.block_on(cancel_one(&lab, &mut driver, &mut measured));
        let wal = std::fs::metadata(state.join("dragnet.db-wal")).map_or(0, |meta| meta.len());
        measured.wal = measured.wal.max(wal);
    }
    others.push(driver);
    for player in others {
        player.end(&mut measured);
    }
    measured.stored = store.end(&mut measured);
    measured.deleted = delete.end(&mut measured);
    for times in [&mut measured.waits, &mut measured.acted, &mut measured.ended] {
        times.sort_unstable();
    }
    check(&lab, doomed, setting.findings);
    measured
}
