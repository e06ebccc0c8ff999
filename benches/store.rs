//! What processes that share one database do to one another: one stores 1,000,000 findings, one deletes as many, one drives scans
//! that are cancelled, the rest commit as drivers do; 32 in all.
//!
//! `cargo bench --bench store`; `DRAGNET_BENCH_CROWD=32:1000000:20` chooses processes, findings, and milliseconds between two
//! commits of a driver.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement fails by panicking and prints its table"
)]

#[path = "../tests/common/crowd.rs"]
#[expect(unreachable_pub, reason = "tests share it")]
mod crowd;
#[path = "../tests/common/scan.rs"]
#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod scan;

use std::process::Command;
use std::time::Duration;

use crowd::{Measured, Setting};

fn main() {
    if crowd::play() {
        return;
    }
    let chosen = std::env::var("DRAGNET_BENCH_CROWD").unwrap_or_else(|_| "32:1000000:20".to_owned());
    let numbers: Vec<usize> = chosen.split(':').map(|number| number.parse().unwrap()).collect();
    let setting =
        Setting { processes: numbers[0], findings: numbers[1], think: Duration::from_millis(numbers[2] as u64) };
    let measured = crowd::run(setting, || Command::new(std::env::current_exe().unwrap()));
    show(setting, &measured);
}

fn show(setting: Setting, measured: &Measured) {
    let rate = |took: Duration| setting.findings as f64 / took.as_secs_f64();
    let permille = |times: &[Duration], part: usize| {
        let place = times.len().saturating_sub(1) * part / 1000;
        format!("{:.0?}", times.get(place).copied().unwrap_or_default())
    };
    println!("{} processes, {} findings", setting.processes, setting.findings);
    println!("stored alone      {:>8.0} records/s, {} MiB", rate(measured.alone), measured.memory >> 20);
    println!("stored            {:>8.0} records/s beside all others", rate(measured.stored));
    println!("deleted           {:>8.0} records/s beside all others", rate(measured.deleted));
    let (waits, acted, ended) = (&measured.waits, &measured.acted, &measured.ended);
    println!(
        "small commits     {:>8}, median {}, p99 {}, longest {}",
        waits.len(),
        permille(waits, 500),
        permille(waits, 990),
        permille(waits, 1000)
    );
    println!(
        "cancels that act  {:>8}, median {}, longest {}",
        acted.len(),
        permille(acted, 500),
        permille(acted, 1000)
    );
    println!(
        "cancels that end  {:>8}, median {}, longest {}",
        ended.len(),
        permille(ended, 500),
        permille(ended, 1000)
    );
    println!("errors of locks   {:>8}", measured.busy);
    println!("write-ahead log   {:>8} MiB at most", measured.wal >> 20);
}
