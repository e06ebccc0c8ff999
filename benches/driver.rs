//! What the driver itself costs: scans of 1,000, 10,000 and 100,000 jobs over the fake engine, 1,000 at once.
//!
//! `cargo bench --bench driver`; `DRAGNET_BENCH_JOBS=1000,10000` chooses other sizes. Each size runs in a process of its own, so that
//! its peak memory is its own.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a test fails by panicking, and is written for its reader"
)]

#[path = "common/hosts.rs"]
mod hosts;
#[path = "../tests/common/scan.rs"]
#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod scan;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use dragnet::driver::Rest;
use dragnet::executor::fake::{FakeExecutor, Outcome};
use dragnet::model::state::{JobState, ScanState};
use scan::Lab;
use tokio_util::sync::CancellationToken;

/// Names the size to the process that measures it.
const SIZE: &str = "DRAGNET_BENCH_SIZE";

fn main() {
    if let Some(jobs) = std::env::var(SIZE).ok().and_then(|text| text.parse().ok()) {
        return measure(jobs);
    }
    let sizes = std::env::var("DRAGNET_BENCH_JOBS").unwrap_or_else(|_| "1000,10000,100000".to_owned());
    println!("{:>8} {:>10} {:>8} {:>10} {:>12}", "jobs", "seconds", "jobs/s", "µs per job", "peak RSS MiB");
    for size in sizes.split(',') {
        let status = Command::new(std::env::current_exe().unwrap()).env(SIZE, size).status().unwrap();
        assert!(status.success(), "{size} jobs failed");
    }
}

/// Finds `jobs` assets with one job, and scans each with one of its own.
fn measure(jobs: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let hosts = runtime.block_on(async {
        let report = hosts::report(jobs);
        let engine = FakeExecutor::new(move |launch| match launch.job.step.as_str() {
            "hosts" => Outcome::success([("stdout", report.clone())]),
            _ => Outcome::success([]),
        });
        let lab = Lab::new(engine.forgetful());
        let scan = lab
            .submit_with(hosts::steps(), |options| (options.parallelism, options.max_assets) = (1000, u64::MAX >> 1))
            .await;
        let begun = Instant::now();
        let lease = lab.lease(scan, None).await.unwrap();
        assert_eq!(lab.driver().run(&lease, CancellationToken::default()).await.unwrap(), Rest::Ended);
        let seconds = begun.elapsed().as_secs_f64();
        let view = lab.store.scan(scan).unwrap();
        assert_eq!(view.state, ScanState::Completed, "{:?} {:?}", view.end, view.coverage);
        assert_eq!(view.jobs, BTreeMap::from([(JobState::Succeeded, jobs as u64 + 1)]));
        seconds
    });
    let rate = jobs as f64 / hosts;
    println!("{jobs:>8} {hosts:>10.2} {rate:>8.0} {:>10.0} {:>12.0}", 1e6 / rate, peak_mebibytes());
}

fn peak_mebibytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
