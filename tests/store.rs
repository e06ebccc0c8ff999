//! The store under processes that die and processes that crowd. The test runs its own binary as the writing processes.
//!
//! `DRAGNET_KILLS=n` kills so many processes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and is written for its reader")]

#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod common;
#[path = "common/crowd.rs"]
#[expect(unreachable_pub, reason = "a bench shares it")]
mod crowd;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::scan::{self, Lab, step};
use crowd::Setting;
use dragnet::executor::fake::{FakeExecutor, Outcome};
use dragnet::model::clock::Clock;
use dragnet::model::event::{EventBody, NoteLevel};
use dragnet::model::id::ScanId;
use dragnet::store::{Store, StoreError};
use futures::executor::block_on;

/// Names the state directory to a process that writes for a test.
const WRITER: &str = "DRAGNET_TEST_WRITER";

fn note(text: String) -> EventBody {
    EventBody::Note { job: None, level: NoteLevel::Info, message: text }
}

/// Not a test of its own: what the other tests run as a process. It says each commit that was acknowledged, and how long it took.
#[test]
fn writer() {
    let Ok(dir) = std::env::var(WRITER) else { return };
    let most: u64 = std::env::var("DRAGNET_TEST_COMMITS").ok().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX);
    let store = Store::open(Path::new(&dir)).unwrap();
    let mut out = std::io::stdout().lock();
    for n in 0..most {
        let begun = Instant::now();
        let name = format!("{}-{n}", std::process::id());
        block_on(store.note(ScanId(1), Clock::System.now(), "writer", note(name.clone()))).unwrap();
        writeln!(out, "ack {name} {}", begun.elapsed().as_micros()).unwrap();
        out.flush().unwrap();
    }
}

fn spawn(lab: &Lab, commits: Option<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["writer", "--exact", "--nocapture"]).env(WRITER, lab.store.dir()).stdout(Stdio::piped());
    if let Some(commits) = commits {
        command.env("DRAGNET_TEST_COMMITS", commits.to_string());
    }
    command.stderr(Stdio::inherit()).spawn().unwrap()
}

/// Reads acknowledgements: name and microseconds.
fn acks(child: &mut Child) -> impl Iterator<Item = (String, u64)> + use<> {
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).filter_map(|line| {
        // The harness may have written the test's name in front.
        let (_, ack) = line.split_once("ack ")?;
        let (name, micros) = ack.split_once(' ')?;
        Some((name.to_owned(), micros.parse().ok()?))
    })
}

fn notes(store: &Store) -> std::collections::HashSet<String> {
    let (mut names, mut seen) = (std::collections::HashSet::new(), 0);
    loop {
        let page = store.events(ScanId(1), seen, 1000).unwrap();
        let Some(last) = page.last() else { return names };
        seen = last.seq;
        for event in page {
            if let EventBody::Note { message, .. } = event.body {
                assert!(names.insert(message.clone()), "{message} is there twice");
            }
        }
    }
}

fn lab() -> Lab {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::success([])));
    assert_eq!(block_on(lab.submit(vec![step("one")])), ScanId(1));
    lab
}

#[test]
fn what_was_acknowledged_survives_any_kill() {
    let lab = lab();
    let kills = std::env::var("DRAGNET_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let mut acknowledged = Vec::new();
    for round in 0..kills {
        let mut child = spawn(&lab, None);
        let mut said = acks(&mut child);
        // Each process dies at another moment of its work.
        acknowledged.extend(said.by_ref().take(1 + round * 7 % 40).map(|(name, _)| name));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(said.map(|(name, _)| name));
        // The gate is free: this process writes at once.
        block_on(lab.store.note(ScanId(1), lab.now(), "test", note(format!("round-{round}")))).unwrap();
    }
    let stored = notes(&lab.store);
    let missing: Vec<_> = acknowledged.iter().filter(|name| !stored.contains(*name)).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    assert_eq!(lab.store.verify().unwrap(), Vec::<String>::new());
    println!("{kills} kills, {} acknowledged commits", acknowledged.len());
}

#[test]
fn eight_processes_write_to_one_database_without_an_error() {
    let lab = lab();
    let mut children: Vec<Child> = (0..8).map(|_| spawn(&lab, Some(100))).collect();
    let readers: Vec<_> =
        children.iter_mut().map(acks).map(|said| std::thread::spawn(|| said.collect::<Vec<_>>())).collect();
    let said: Vec<(String, u64)> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success(), "a writer failed");
    }
    assert_eq!(said.len(), 800);
    let stored = notes(&lab.store);
    assert!(said.iter().all(|(name, _)| stored.contains(name)));
    let longest = said.iter().map(|(_, micros)| *micros).max().unwrap_or_default();
    println!("longest wait for a commit: {:?}", Duration::from_micros(longest));
}

/// Not a test of its own: a process of a crowd.
#[test]
fn player() {
    crowd::play();
}

fn another() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["player", "--exact", "--nocapture"]);
    command
}

#[test]
fn a_crowd_stores_deletes_and_cancels_at_once() {
    let setting = Setting { processes: 8, findings: 20_000, think: Duration::from_millis(5) };
    let measured = crowd::run(setting, another);
    assert_eq!(measured.busy, 0);
    assert!(!measured.acted.is_empty());
    println!("longest wait for a commit: {:?}; for a cancel: {:?}", measured.waits.last(), measured.acted.last());
    println!("stored alone in {:?} with {} MiB", measured.alone, measured.memory >> 20);
}

#[test]
fn a_scan_that_is_not_over_is_not_deleted() {
    let lab = lab();
    let refused = block_on(lab.store.delete_scan(ScanId(1), lab.now())).unwrap_err();
    assert!(matches!(refused, StoreError::NotOver(ScanId(1))), "{refused}");
    assert!(matches!(block_on(lab.store.delete_scan(ScanId(2), lab.now())), Err(StoreError::NotFound(_))));
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn a_deletion_that_was_cut_short_is_hidden_and_goes_on() {
    let lab = Lab::new(crowd::reporting(2000));
    let scan = crowd::large(&lab).await;
    lab.drive(scan).await;
    let mut reading = lab.store.finding_cursor(scan).unwrap();
    assert_eq!(lab.store.next_findings(&mut reading, 10).unwrap().len(), 10);
    let mut cut = crowd::process(another(), "delete", lab.store.dir(), scan.0.cast_unsigned());
    let status = cut.env("DRAGNET_FAIL", "store.deleted:abort@2").stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(!status.unwrap().success());

    assert_eq!(lab.store.half_deleted().unwrap(), [scan]);
    assert!(matches!(lab.store.scan(scan), Err(StoreError::NotFound(_))));
    assert!(
        lab.store.next_findings(&mut reading, 10).is_err(),
        "a report that was begun does not end as if it were whole"
    );
    lab.store.delete_scan(scan, lab.now()).await.unwrap();
    assert_eq!(lab.store.half_deleted().unwrap(), []);
    assert_eq!(lab.store.verify().unwrap(), Vec::<String>::new());
}
