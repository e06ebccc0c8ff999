//! Targets by the million: how fast a list is imported, against the least that storing its rows takes, how fast it is found to be
//! unchanged, and how fast those of a tag are listed. `cargo bench --bench targets [-- TARGETS]`

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement fails by panicking and prints its table"
)]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dragnet::model::registered::TargetId;
use dragnet::store::{Store, TargetFilter};
use nix::sys::resource::{UsageWho, getrusage};
use rusqlite::{Connection, TransactionBehavior};

/// Runs of what takes milliseconds.
const RUNS: usize = 5;
/// Every so many-th target has the rare tag.
const RARE: usize = 1000;

fn main() {
    let targets = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let list = dir.join("targets.csv");
    write(&list, targets);
    println!("{targets} targets as CSV, {:.0} MB", list.metadata().unwrap().len() as f64 / 1e6);

    let file = list.to_str().unwrap();
    let import = dragnet(dir, &["targets", "import", file]);
    let bare = store(&dir.join("bare.db"), targets);
    println!("import               {:7.2} s   {}", import.as_secs_f64(), memory());
    println!(
        "bare inserts         {:7.2} s   the import takes {:.2} times as long",
        bare.as_secs_f64(),
        import.as_secs_f64() / bare.as_secs_f64()
    );
    let again = dragnet(dir, &["targets", "import", file]);
    println!("import, unchanged    {:7.2} s", again.as_secs_f64());
    for (what, arguments) in [
        ("list of a rare tag", &["--tag", "rare"][..]),
        ("list of both tags", &["--tag", "common", "--tag", "rare"]),
        ("list of disabled", &["--disabled"]),
        ("first 20", &["--limit", "20"]),
    ] {
        let arguments = [&["targets", "list"], arguments].concat();
        println!("{what:20} {:7.0} ms", median(|| dragnet(dir, &arguments)).as_secs_f64() * 1e3);
    }
    let (rows, took) = page(&dir.join("state"), "common");
    println!("pages of half        {:7.2} s   {rows} targets", took.as_secs_f64());
    let took = dragnet(dir, &["targets", "list", "--format", "jsonl"]);
    println!("list of all          {:7.2} s   {}", took.as_secs_f64(), memory());
}

/// Writes a list: half of the targets have a common tag, one in [`RARE`] a rare one, as many are disabled.
fn write(path: &Path, targets: usize) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(out, "target,tags,enabled").unwrap();
    for n in 0..targets {
        let common = if n % 2 == 0 { "common" } else { "" };
        let rare = if n % RARE == 0 { ";rare" } else { "" };
        let enabled = if n % RARE == 1 { "no" } else { "yes" };
        writeln!(out, "domain:{}.example,team/{} {common}{rare},{enabled}", name(n), n % 50).unwrap();
    }
    out.into_inner().unwrap().sync_all().unwrap();
}

/// Names in no order.
fn name(n: usize) -> String {
    format!("h{:016x}", (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Runs dragnet over a state of its own; what it prints goes nowhere.
fn dragnet(dir: &Path, arguments: &[&str]) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
    command.env_clear().env("HOME", dir).current_dir(dir).arg("--state").arg(dir.join("state")).args(arguments);
    let started = Instant::now();
    let output = command.stdout(Stdio::null()).output().unwrap();
    let took = started.elapsed();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    took
}

/// Inserts as many rows into tables of the same kind, sorted, in one transaction.
fn store(path: &Path, targets: usize) -> Duration {
    let mut names: Vec<String> = (0..targets).map(name).collect();
    names.sort();
    let started = Instant::now();
    let mut connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE target (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, target TEXT NOT NULL);
             CREATE TABLE tag (tag TEXT NOT NULL, target INTEGER NOT NULL, PRIMARY KEY (tag, target)) WITHOUT ROWID;",
        )
        .unwrap();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let mut target = tx.prepare("INSERT INTO target (name, target) VALUES (?1, ?1)").unwrap();
    let mut tag = tx.prepare("INSERT INTO tag VALUES (?1, ?2)").unwrap();
    for (n, name) in names.iter().enumerate() {
        target.execute([format!("domain:{name}.example")]).unwrap();
        let id = tx.last_insert_rowid();
        tag.execute((format!("team/{}", n % 50), id)).unwrap();
        if n % 2 == 0 {
            tag.execute(("common", id)).unwrap();
        }
    }
    drop((target, tag));
    tx.commit().unwrap();
    started.elapsed()
}

/// Pages through the enabled targets of a tag, as a schedule does.
fn page(state: &Path, tag: &str) -> (usize, Duration) {
    let store = Store::open(state).unwrap();
    let started = Instant::now();
    let filter = TargetFilter { tags: vec![tag.parse().unwrap()], enabled: Some(true), ..TargetFilter::default() };
    let mut cursor = store.target_cursor(&filter, TargetId::default()).unwrap();
    let mut rows = 0;
    loop {
        let page = store.next_targets(&mut cursor, 500).unwrap();
        if page.is_empty() {
            return (rows, started.elapsed());
        }
        rows += page.len();
    }
}

fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort();
    times[RUNS / 2]
}

/// The most memory that a process so far has had.
fn memory() -> String {
    let kib = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    format!("{} MiB at most", kib / 1024)
}
