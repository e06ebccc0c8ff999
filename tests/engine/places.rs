//! Disks that are full, and networks that are joined.

use std::fmt::Write as _;

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, LogsOptionsBuilder, StartContainerOptions};
use dragnet::app::{self, TakeUp, Watch};
use dragnet::model::coverage::Coverage;
use dragnet::model::state::{JobState, ScanState};
use dragnet::plan::Selection;
use futures::StreamExt as _;

use super::bench::Bench;
use super::cli::Home as _;
use super::disk::Tmpfs;
use super::reports::gitleaks;
use super::scans::destroy;
use super::tool::tool;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_driver_and_loses_nothing() {
    let Some(bench) = Bench::local("bind").await else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can mount a small disk");
        return;
    }
    let agent = std::fs::metadata(super::engine::AGENT).unwrap().len();
    let disk = Tmpfs::mount(&bench.state, &format!("{}", agent + (16 << 20)));
    bench.write("report.json", gitleaks(2000));
    let scan = bench.submit(&[tool("late", "echo ready >&2; sleep 2; cat /src/report.json")]).await;
    let ballast = bench.state.join("ballast");
    let options = || Watch { take_up: TakeUp::WithoutDaemon, actor: "test".to_owned(), ..Watch::default() };
    let driven = app::watch(&scan.app, scan.id, Some(scan.engine.clone()), options(), |_| {});
    let fill = async {
        scan.says(1, "ready").await;
        let mut file = std::fs::File::create(&ballast).unwrap();
        let full = std::io::copy(&mut std::io::repeat(1), &mut file);
        assert!(full.is_err());
    };
    let (ended, ()) = tokio::join!(driven, fill);
    let words = ended.map(|_| ()).unwrap_err().to_string();
    assert!(words.contains("full") || words.contains("No space left"), "{words}");
    assert!(words.contains("disk") || words.contains(bench.state.to_str().unwrap()), "{words}");
    assert!(!scan.view().state.is_terminal());

    std::fs::remove_file(&ballast).unwrap();
    scan.drive().await;
    let job = scan.job();
    assert_eq!((scan.view().state, scan.view().coverage), (ScanState::Completed, Coverage::Full), "{job:?}");
    assert_eq!((job.state, scan.findings().len()), (JobState::Succeeded, 2000));
    drop(scan);
    bench.finish().await;
    drop(disk);
}

/// The image that `tests/run` builds.
const NMAP: &str = "dragnet.local/nmap:7.95";

/// `nmap` in the network of another container: its open ports are found, and each becomes a job.
#[tokio::test(flavor = "multi_thread")]
async fn each_open_port_of_a_joined_network_becomes_a_job() {
    let Some(bench) = Bench::local("bind").await else { return };
    if bench.docker.inspect_image(NMAP).await.is_err() {
        assert!(std::env::var_os("DRAGNET_REQUIRE_ENGINE").is_none(), "no image {NMAP}");
        eprintln!("skipped: no image {NMAP}");
        return bench.finish().await;
    }
    let target = format!("{}-target", bench.image.trim_end_matches(":1"));
    // A greeting that is known at once: of a service that is not, much is asked.
    let listen = r#"
        for p in 2222 8080 9000; do nc -ll -p $p -e sh -c 'printf "SSH-2.0-OpenSSH_9.0\r\n"; sleep 1' & done
        for p in 2222 8080 9000; do until nc -w 1 127.0.0.1 $p </dev/null >/dev/null; do :; done; done
        echo up; sleep 1000"#;
    let host = HostConfig { network_mode: Some("none".to_owned()), ..Default::default() };
    let body = ContainerCreateBody {
        image: Some(bench.image.clone()),
        cmd: Some(["sh", "-c", listen].map(str::to_owned).to_vec()),
        host_config: Some(host),
        ..Default::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(&target).build();
    bench.docker.create_container(Some(options), body).await.unwrap();
    bench.docker.start_container(&target, None::<StartContainerOptions>).await.unwrap();
    let logs = LogsOptionsBuilder::new().stdout(true).follow(true).build();
    assert!(bench.docker.logs(&target, Some(logs)).next().await.unwrap().unwrap().to_string().contains("up"));

    let mut config = bench.config(&[]);
    for scanner in ["nmap-ports", "nmap-service"] {
        writeln!(config, "[scanners.{scanner}]\nimage = \"{NMAP}\"\nnetwork = \"join:{target}\"").unwrap();
    }
    let scan = bench.submit_as(&config, "host:127.0.0.1", Selection::Template("ports".to_owned())).await;
    scan.drive().await;
    let jobs = scan.app.store.jobs(scan.id).unwrap();
    destroy(&bench.docker, &target).await;
    let services = jobs.iter().filter(|job| job.step == "service");
    let states: Vec<_> = services.map(|job| (job.state, job.inputs)).collect();
    let failures: Vec<_> = jobs.iter().map(|job| &job.failure).collect();
    assert_eq!(states, vec![(JobState::Succeeded, 1); states.len()], "{failures:?}");
    assert_eq!(states.len(), 3, "{states:?} {:?}", scan.view());
    assert_eq!(scan.view().state, ScanState::Completed, "{jobs:?}");
    bench.finish().await;
}
