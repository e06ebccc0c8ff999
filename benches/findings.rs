//! Findings by the million: how fast they are stored, against the least that parsing and storing the same takes, and how fast they
//! are read. `cargo bench --bench findings [-- RESULTS]`
//!
//! Where there is a program `sarif` (sarif-tools), it summarises the same file beside.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement fails by panicking and prints its table"
)]

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params_from_iter};
use serde::Deserialize;

/// Runs of what takes milliseconds.
const RUNS: usize = 5;
/// Rows that are held between two tables.
const ROWS: usize = 10_000;
/// Tables that an import fills in proportion to its findings.
const TABLES: [&str; 3] = ["record", "rule", "appearance"];

fn main() {
    let results = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (first, second) = (dir.join("first.sarif"), dir.join("second.sarif"));
    write(&first, results, results);
    // One in a hundred is another.
    write(&second, results, 100);
    let size = first.metadata().unwrap().len();
    println!("{results} results of SARIF, {:.0} MB", size as f64 / 1e6);

    let ours = import(dir, &first);
    let parsed = parse(&first);
    let stored = store(&dir.join("state/dragnet.db"), &dir.join("bare.db"));
    let bare = parsed + stored;
    println!("import               {:7.2} s   {}", ours.as_secs_f64(), memory());
    println!(
        "bare parse, inserts  {:7.2} s   {:.2} + {:.2}",
        bare.as_secs_f64(),
        parsed.as_secs_f64(),
        stored.as_secs_f64()
    );
    println!(
        "                             the import takes {:.2} times as long",
        ours.as_secs_f64() / bare.as_secs_f64()
    );

    for format in ["sarif", "json", "jsonl", "csv"] {
        let out = dir.join("out");
        let took = dragnet(dir, &["report", "--format", format, "-o", out.to_str().unwrap()]);
        let rate = out.metadata().unwrap().len() as f64 / 1e6 / took.as_secs_f64();
        println!("report as {format:5}      {:7.2} s   {rate:.0} MB/s", took.as_secs_f64());
    }
    println!("table of the top 50  {:7.0} ms", median(|| dragnet(dir, &["report"])).as_secs_f64() * 1e3);
    println!("gate by a rule       {:7.2} s", gate(dir).as_secs_f64());

    import(dir, &second);
    let (before, after) = newest_two(dir);
    let took = dragnet(dir, &["report", "--diff", &format!("{before}..{after}")]);
    println!("what differs         {:7.2} s   {}", took.as_secs_f64(), memory());
    if let Some(took) = sarif_tools(&first) {
        println!(
            "sarif summary        {:7.2} s   the import is {:.1} times as fast; {}",
            took.as_secs_f64(),
            took.as_secs_f64() / ours.as_secs_f64(),
            memory()
        );
    }
}

/// Writes results of some 620 bytes, one a line; every `other`-th has a rule of its own.
fn write(path: &Path, results: usize, other: usize) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    write!(out, r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"bench","version":"1.0"}}}},"results":["#)
        .unwrap();
    for n in 0..results {
        let level = ["error", "warning", "warning", "note", "note", "note", "note"][n % 7];
        let rule = if n % other == other - 1 {
            "rule.of.another.kind".to_owned()
        } else {
            format!("lang.security.rule-{}", n % 211)
        };
        let separator = if n == 0 { "" } else { "," };
        write!(
            out,
            "{separator}\n{{\"ruleId\":\"{rule}\",\"level\":\"{level}\",\"message\":{{\"text\":\"The value of `input_{n}` reaches a call that runs \
             it as code; an attacker who controls the request controls the process. Validate it, or do not build code from it at all.\"}},\
             \"locations\":[{{\"physicalLocation\":{{\"artifactLocation\":{{\"uri\":\"services/module_{}/handlers/file_{}.py\",\"uriBaseId\":\
             \"%SRCROOT%\"}},\"region\":{{\"startLine\":{},\"startColumn\":5,\"endLine\":{},\"endColumn\":48,\"snippet\":{{\"text\":\"    \
             result = evaluate(request.args[\\\"input_{n}\\\"])\"}}}}}}}}],\"partialFingerprints\":{{\"matchBasedId/v1\":\"{:064x}\"}}}}",
            n % 97,
            n % 1_009,
            n % 3_000 + 1,
            n % 3_000 + 1,
            (n as u128).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835),
        )
        .unwrap();
    }
    writeln!(out, "\n]}}]}}").unwrap();
    // What is measured would wait for these bytes else.
    out.into_inner().unwrap().sync_all().unwrap();
}

/// Runs dragnet over a state of its own; what it prints goes nowhere.
fn dragnet(dir: &Path, arguments: &[&str]) -> Duration {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
    command.env_clear().env("HOME", dir).current_dir(dir).arg("--state").arg(dir.join("state")).args(arguments);
    let started = Instant::now();
    let output = command.stdout(Stdio::null()).output().unwrap();
    let took = started.elapsed();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    took
}

fn import(dir: &Path, file: &Path) -> Duration {
    let file = file.to_str().unwrap();
    dragnet(dir, &["import", "--scanner", "bench", "--as", "sarif", "--target", "host:bench", file])
}

/// A result with all that a record is made of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read to be read")]
struct Bare {
    rule_id: String,
    level: String,
    message: Text,
    locations: Vec<Place>,
    partial_fingerprints: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are read to be read")]
struct Text {
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read to be read")]
struct Place {
    physical_location: Physical,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read to be read")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are read to be read")]
struct Artifact {
    uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are read to be read")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
    snippet: Text,
}

/// Reads the file once, each line by itself.
fn parse(file: &Path) -> Duration {
    let started = Instant::now();
    let mut lines = BufReader::with_capacity(1 << 16, File::open(file).unwrap());
    let (mut line, mut read) = (String::new(), 0);
    while lines.read_line(&mut line).unwrap() > 0 {
        if line.starts_with("{\"ruleId\"") {
            drop(serde_json::from_str::<Bare>(line.trim_end().trim_end_matches(',')).unwrap());
            read += 1;
        }
        line.clear();
    }
    assert!(read > 0);
    started.elapsed()
}

/// Inserts the rows of an import into the same tables of another database, in one transaction.
fn store(from: &Path, into: &Path) -> Duration {
    let from = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut bare = Connection::open(into).unwrap();
    bare.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF;").unwrap();
    for table in TABLES {
        let mut schema = from.prepare("SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND sql IS NOT NULL").unwrap();
        let statements = schema.query_map([table], |row| row.get::<_, String>(0)).unwrap();
        statements.for_each(|statement| bare.execute_batch(&statement.unwrap()).unwrap());
    }
    let mut took = Duration::ZERO;
    let begin = Instant::now();
    let tx = bare.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    took += begin.elapsed();
    for table in TABLES {
        let mut query = from.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = query.column_count();
        let marks = vec!["?"; columns].join(", ");
        let mut insert = tx.prepare(&format!("INSERT INTO {table} VALUES ({marks})")).unwrap();
        let mut rows = query.query([]).unwrap();
        loop {
            let mut held: Vec<Vec<Value>> = Vec::with_capacity(ROWS);
            while let Some(row) = if held.len() < ROWS { rows.next().unwrap() } else { None } {
                held.push((0..columns).map(|at| row.get(at).unwrap()).collect());
            }
            let begin = Instant::now();
            for row in &held {
                insert.execute(params_from_iter(row)).unwrap();
            }
            took += begin.elapsed();
            if held.len() < ROWS {
                break;
            }
        }
    }
    let begin = Instant::now();
    tx.commit().unwrap();
    took + begin.elapsed()
}

/// A gate that no count can decide: every finding is asked.
fn gate(dir: &Path) -> Duration {
    let config = dir.join("gate.toml");
    std::fs::write(&config, "[[gate.rules]]\nrule = \"rule.of.another.*\"\nseverity = \"low\"\nmax = 5\n").unwrap();
    dragnet(dir, &["report", "--config", config.to_str().unwrap(), "--gate"])
}

fn newest_two(dir: &Path) -> (String, String) {
    let store = dragnet::store::Store::open(&dir.join("state")).unwrap();
    let scans = store.scans(&dragnet::store::ScanFilter { limit: 2, ..Default::default() }).unwrap();
    (scans[1].id.to_string(), scans[0].id.to_string())
}

fn sarif_tools(file: &Path) -> Option<Duration> {
    let started = Instant::now();
    let status = Command::new("sarif").arg("summary").arg(file).stdout(Stdio::null()).status().ok()?;
    status.success().then(|| started.elapsed())
}

fn median(run: impl Fn() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort();
    times[RUNS / 2]
}

/// The most memory that any process so far had.
fn memory() -> String {
    let most = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    format!("{} MiB of memory at most", most >> 10)
}
