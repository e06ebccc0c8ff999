//! What a daemon costs: one that has nothing to do, as the program itself, and one that drives 10,000 live attempts of the fake engine, each
//! in a process of its own, so that memory and processor time are its own.
//!
//! `cargo bench --bench daemon`; `DRAGNET_BENCH_ATTEMPTS=1000` chooses another number, `DRAGNET_BENCH_SECONDS=300` another time.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking and prints its table")]

#[path = "common/hosts.rs"]
mod hosts;
#[path = "../tests/common/scan.rs"]
#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod scan;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dragnet::app::{App, Profile};
use dragnet::config::{Config, ExecutorKind};
use dragnet::daemon::{Daemon, Ended, Order, Source};
use dragnet::executor::fake::{FakeExecutor, Outcome};
use dragnet::model::worker::DaemonState;
use dragnet::store::Store;
use scan::Lab;

/// Names the number to the process that measures it.
const LIVE: &str = "DRAGNET_BENCH_LIVE";
/// Attempts of one scan that live at once.
const OF_SCAN: usize = 1000;
/// What a daemon has to come to rest after it has begun.
const SETTLE: Duration = Duration::from_secs(10);

fn main() {
    if let Some(attempts) = std::env::var(LIVE).ok().and_then(|text| text.parse().ok()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(live(attempts));
    }
    println!("{:<22} {:>12} {:>16} {:>14}", "", "RSS MiB", "% of one core", "sweep ms");
    idle();
    let attempts = std::env::var("DRAGNET_BENCH_ATTEMPTS").unwrap_or_else(|_| "10000".to_owned());
    let status = Command::new(std::env::current_exe().unwrap()).env(LIVE, attempts).status().unwrap();
    assert!(status.success());
}

fn seconds() -> Duration {
    let given = std::env::var("DRAGNET_BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(given.unwrap_or(120))
}

/// Measures the program over an empty state and the engine of this machine.
fn idle() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
    command.arg("--state").arg(&state).arg("daemon").current_dir(dir.path());
    let mut daemon = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !Store::open(&state).unwrap().daemon().unwrap().is_some_and(|daemon| daemon.state == DaemonState::Running) {
        assert!(began.elapsed() < SETTLE, "no daemon lives");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(SETTLE);
    let process = format!("/proc/{}", daemon.id());
    let before = processor_time(Path::new(&process));
    std::thread::sleep(seconds());
    let used = processor_time(Path::new(&process)).saturating_sub(before).as_secs_f64() / seconds().as_secs_f64();
    println!("{:<22} {:>12.1} {:>16.2} {:>14}", "idle", resident(Path::new(&process)), used * 100.0, "-");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
}

/// Measures a daemon in this process.
async fn live(attempts: usize) {
    let report = hosts::report(OF_SCAN.min(attempts));
    let engine = FakeExecutor::new(move |launch| match launch.job.step.as_str() {
        "hosts" => Outcome::success([("stdout", report.clone())]),
        _ => Outcome::Hangs { files: Vec::new() },
    });
    let engine = engine.forgetful();
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.executor.kind = ExecutorKind::Fake;
    config.daemon.scans = u32::try_from(attempts).unwrap();
    let app = App::open(&dir.path().join("state"), config.clone(), BTreeMap::new()).unwrap();
    let lab = Lab::at(&dir.path().join("state"), engine.clone());
    let profile = Profile::of(&app).unwrap().to_string();
    for _ in 0..attempts.div_ceil(OF_SCAN) {
        let parallelism = u32::try_from(OF_SCAN).unwrap();
        let mut steps = hosts::steps();
        steps[1].scanner.timeout = "10h".parse().unwrap();
        lab.submit_to(&profile, steps, |options| options.parallelism = parallelism).await;
    }

    let (orders_of_daemon, mut orders) = tokio::sync::mpsc::channel(1);
    let source = Source::new(Vec::new(), Box::new(move || Ok(config.clone())), Box::new(|_| Ok(())));
    let daemon = Daemon::begin(app.clone(), source, false, &mut orders).await.unwrap().unwrap();
    let daemon = daemon.with_engine(std::sync::Arc::new(engine.clone())).await.unwrap();
    let began = Instant::now();
    let working = tokio::spawn(daemon.run(orders));
    while engine.containers() < attempts {
        assert!(!working.is_finished() && began.elapsed() < Duration::from_mins(5), "{} live", engine.containers());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{attempts} attempts live after {:.1} s", began.elapsed().as_secs_f64());
    tokio::time::sleep(SETTLE).await;

    let (before, start) = (processor_time(Path::new("/proc/self")), Instant::now());
    let mut sweeps = BTreeMap::new();
    while start.elapsed() < seconds() {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let workers = app.store.daemon().unwrap().unwrap().workers;
        let sweeper = workers.into_iter().find(|worker| worker.name == "sweeper");
        sweeps.extend(sweeper.filter(|sweeper| sweeper.runs > 0).map(|sweeper| (sweeper.started_at, sweeper.took_ms)));
    }
    let used =
        processor_time(Path::new("/proc/self")).saturating_sub(before).as_secs_f64() / start.elapsed().as_secs_f64();
    assert_eq!(engine.containers(), attempts, "attempts have ended");
    let longest = sweeps.values().max().copied().unwrap();
    let name = format!("{attempts} live attempts");
    println!(
        "{name:<22} {:>12.1} {:>16.2} {longest:>14} (the longest of {})",
        resident(Path::new("/proc/self")),
        used * 100.0,
        sweeps.len()
    );
    orders_of_daemon.send(Order::Abort).await.unwrap();
    assert_eq!(working.await.unwrap().unwrap(), Ended::Aborted);
}

/// What a process has used of the processors, `proc_pid_stat(5)`: in ticks of a hundredth of a second.
fn processor_time(process: &Path) -> Duration {
    let stat = std::fs::read_to_string(process.join("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    Duration::from_millis((fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10)
}

/// What is resident of a process, in MiB.
fn resident(process: &Path) -> f64 {
    let status = std::fs::read_to_string(process.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap() / 1024.0
}
