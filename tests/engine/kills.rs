//! Containers that are killed, removed, starved of memory or time.

use std::time::{Duration, Instant};

use bollard::query_parameters::KillContainerOptions;
use dragnet::model::coverage::{Coverage, Gap};
use dragnet::model::outcome::FailureReason;
use dragnet::model::state::{JobState, ScanState};
use dragnet::model::view::EndReason;

use super::bench::Bench;
use super::cli::Home as _;
use super::reports::gitleaks;
use super::scans::destroy;
use super::tool::tool;

/// Prints the report; hangs, the first time, in the middle of it.
const HANGS_ONCE: &str = "
grep -q -- -a01 /dragnet/out/job.json && { head -c 100 /src/report.json; echo ready >&2; sleep 1000; }
cat /src/report.json
";

#[tokio::test(flavor = "multi_thread")]
async fn a_container_removed_or_killed_in_mid_job_is_tried_again() {
    for transport in ["bind", "volume"] {
        for by_removal in [true, false] {
            let Some(bench) = Bench::local(transport).await else { return };
            bench.write("report.json", gitleaks(5));
            let undisturbed = bench.run(&[tool("probe", "cat /src/report.json")]).await.findings();
            let scan = bench.submit(&[tool("probe", HANGS_ONCE)]).await;
            scan.drive_while(async {
                let name = scan.says(1, "ready").await;
                if by_removal {
                    destroy(&bench.docker, name.as_str()).await;
                } else {
                    bench.docker.kill_container(name.as_str(), None::<KillContainerOptions>).await.unwrap();
                }
            })
            .await;
            let job = scan.job();
            assert_eq!((job.state, job.attempts), (JobState::Succeeded, 2), "{transport}: {:?}", job.failure);
            assert_eq!((scan.view().state, scan.view().coverage), (ScanState::Completed, Coverage::Full));
            assert_eq!(scan.findings(), undisturbed);
            bench.finish().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_without_memory_is_an_honest_failure() {
    let Some(bench) = Bench::local("bind").await else { return };
    // The shell itself grows: no child is there to be killed in its place. It is to become larger than the shim of a test build: while it
    // starts, size alone decides whom the kernel kills.
    let eats = tool("eats", "x=0123456789abcdef; while :; do x=$x$x; done").with("limits = { memory = \"96MiB\" }");
    let scan = bench.run(&[eats]).await;
    let job = scan.job();
    assert_eq!((job.state, job.attempts), (JobState::Quarantined, 2), "{:?}", job.failure);
    let failure = job.failure.unwrap();
    assert_eq!(failure.reason, FailureReason::OutOfMemory, "{failure}");
    assert_eq!((scan.view().state, scan.view().end), (ScanState::Failed, Some(EndReason::Incomplete)));
    assert_eq!(scan.view().coverage, Coverage::None);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_for_memory_makes_a_clean_end_partial() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(3));
    bench.write("worker.sh", "x=0123456789abcdef; while :; do x=$x$x; done");
    let forks =
        tool("forks", "sh /src/worker.sh; cat /src/report.json; exit 0").with("limits = { memory = \"96MiB\" }");
    let scan = bench.run(&[forks]).await;
    let job = scan.job();
    assert_eq!((job.state, job.coverage), (JobState::Succeeded, Some(Coverage::partial(Gap::OutOfMemory))));
    assert_eq!((scan.view().state, scan.findings().len()), (ScanState::Failed, 3));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_that_hangs_and_is_deaf_ends_at_its_time_limit() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(2));
    let deaf = "trap '' TERM; cat /src/report.json; while :; do sleep 1000; done";
    let started = Instant::now();
    let scan = bench.run(&[tool("deaf", deaf).with("timeout = \"1s\"")]).await;
    let job = scan.job();
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, 1), "{:?}", job.failure);
    assert_eq!(job.coverage, Some(Coverage::partial(Gap::TimeCap)));
    assert_eq!((scan.view().state, scan.view().end), (ScanState::Failed, Some(EndReason::Incomplete)));
    assert_eq!(scan.findings().len(), 2);
    // One second to run, two of grace, and the time that an engine takes.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    bench.finish().await;
}
