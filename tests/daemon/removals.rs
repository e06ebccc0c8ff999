//! Whoever removes what is kept no longer may be killed at any step: the next goes on, and nothing that is kept is lost.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use dragnet::artifact::ArtifactStore;
use dragnet::model::coverage::Coverage;
use dragnet::model::id::{ScanKey, Sha256};
use dragnet::model::state::ScanState;
use rustix::process::{Pid, Signal, kill_process};

use super::bench::Bench;
use super::cli::{Cli, Home as _, aborted, ended, until};
use super::place::Place;
use super::reports::gitleaks;
use super::tool::tool;

/// What the scan that stays has found: rows in several slices.
const FINDINGS: usize = 1200;
/// Each step of a removal.
const STEPS: [&str; 11] = [
    "retention.hidden:abort",
    "retention.cleared:abort",
    "store.deleted:abort",
    "store.deleted:abort@3",
    "retention.deleted:abort",
    "retention.hidden:abort@2",
    "retention.deleted:abort@2",
    "artifact.aside:abort",
    "retention.swept:abort",
    "store.compacted:abort",
    "store.compacted:abort@2",
];
/// When stored files were made, after 1970: long before what is left alone because it is young.
const OLD: Duration = Duration::from_hours(48);

/// Who removes.
const REMOVERS: [&[&str]; 2] = [&["gc", "--expired", "--no-engine"], &["daemon", "--once"]];

/// A copy of a state.
fn copy_of(bench: &Bench) -> Place {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let names = ["dragnet.db", "dragnet.db-wal", "dragnet.db-shm", "artifacts", "logs", "locks"];
    let paths = names.map(|name| bench.state.join(name)).into_iter().filter(|path| path.exists());
    let copied = Command::new("cp").arg("-a").args(paths).arg(&state).status().unwrap();
    assert!(copied.success());
    for blob in blobs(&state) {
        std::fs::File::open(blob).unwrap().set_modified(UNIX_EPOCH + OLD).unwrap();
    }
    Place::of(dir, format!("{}\n[retention.default]\nmax_scans = 1\n", bench.config(&[])))
}

/// All stored files, drafts among them.
fn blobs(state: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(state.join("artifacts/blobs")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files
}

fn is_stopped(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}

fn names(dir: &Path) -> BTreeSet<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Checks that the scan that stays is there with all that it has.
fn kept(cli: &Cli<'_, Place>, key: ScanKey) {
    let store = &cli.app.store;
    let scan = store.find_scan(key.as_str()).unwrap();
    let result = cli.result(scan);
    assert_eq!((result.view.state, result.view.coverage), (ScanState::Completed, Coverage::Full), "{:?}", result.jobs);
    assert_eq!(result.findings.len(), FINDINGS);
    let (artifacts, blobs) = (ArtifactStore::new(&store.dir().join("artifacts")), store.blobs_of(scan).unwrap());
    assert!(!blobs.is_empty());
    for blob in blobs {
        let mut bytes = Vec::new();
        artifacts.open(blob).unwrap().read_to_end(&mut bytes).unwrap();
    }
    assert!(store.dir().join("logs").join(key.as_str()).is_dir());
    assert_eq!(store.verify().unwrap(), Vec::<String>::new());
}

/// Checks that there is nothing else.
fn alone(cli: &Cli<'_, Place>, key: ScanKey) {
    let (store, dir) = (&cli.app.store, cli.app.store.dir());
    assert_eq!(store.half_deleted().unwrap(), []);
    let used: BTreeSet<String> = store.used_blobs().unwrap().iter().map(Sha256::to_string).collect();
    let stored = blobs(dir).into_iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    assert_eq!(stored.collect::<BTreeSet<_>>(), used);
    let strange = |name: &String| !name.contains(key.as_str());
    assert_eq!(names(&dir.join("logs")).into_iter().filter(strange).collect::<Vec<_>>(), Vec::<String>::new());
    let locks = names(&dir.join("locks")).into_iter().filter(|name| name.starts_with("scan-")).filter(strange);
    assert_eq!(locks.collect::<Vec<_>>(), Vec::<String>::new());
    let connection = rusqlite::Connection::open(dir.join("dragnet.db")).unwrap();
    for (table, rows) in [("scan", 1), ("job", 1), ("attempt", 1), ("record", FINDINGS), ("appearance", FINDINGS)] {
        let sql = format!("SELECT count(*) FROM {table}");
        let found: usize = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(found, rows, "rows of {table}");
    }
}

/// Three scans of one target, of which the last stays; the oldest has a stored file in common with it. Returns the key of the last.
async fn scanned(bench: &Bench) -> ScanKey {
    let cli = Cli::new(bench, &[tool("probe", "echo ready >&2; cat /src/report.json")]);
    for findings in [FINDINGS, 700, FINDINGS] {
        bench.write("report.json", gitleaks(findings));
        assert!(ended(cli.start("probe", None)).await.status.success());
    }
    cli.app.store.scan_key(cli.newest(None).await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_cut_short_is_ended_by_the_next_and_takes_nothing_that_is_kept() {
    let Some(bench) = Bench::local("bind").await else { return };
    let last = scanned(&bench).await;
    for (step, first) in STEPS.into_iter().flat_map(|step| [(step, 0), (step, 1)]) {
        let copy = copy_of(&bench);
        let cli = Cli::new(&copy, &[]);
        let case = format!("{step} in {:?}", REMOVERS[first]);
        let killed = cli.command(REMOVERS[first]).env("DRAGNET_FAIL", step).spawn().unwrap();
        let killed = ended(killed).await;
        assert!(aborted(killed.status), "{case}: {killed:?}");
        eprintln!("{case}");
        kept(&cli, last);
        let next = cli.run(REMOVERS[1 - first]).await;
        assert!(next.status.success(), "{case}: {next:?}");
        kept(&cli, last);
        alone(&cli, last);
        let report = cli.run(&["report", last.as_str()]).await;
        let report = String::from_utf8_lossy(&report.stdout).into_owned();
        assert!(report.contains("Findings  1,200 high"), "{case}: {report}");
    }
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_remove_at_once_do_not_mind_one_another() {
    let Some(bench) = Bench::local("bind").await else { return };
    let last = scanned(&bench).await;
    for step in ["retention.hidden:stop", "retention.deleted:stop", "artifact.unused:stop"] {
        let copy = copy_of(&bench);
        let cli = Cli::new(&copy, &[]);
        let slow = cli.command(REMOVERS[0]).env("DRAGNET_FAIL", step).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(slow.id().unwrap()).unwrap()).unwrap();
        until("it has stopped", || is_stopped(pid).then_some(())).await;
        let fast = cli.run(REMOVERS[0]).await;
        assert!(fast.status.success(), "{step}: {fast:?}");
        kill_process(pid, Signal::CONT).unwrap();
        let slow = ended(slow).await;
        assert!(slow.status.success(), "{step}: {slow:?}");
        kept(&cli, last);
        alone(&cli, last);
    }
    bench.finish().await;
}
