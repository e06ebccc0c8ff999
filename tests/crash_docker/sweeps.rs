//! What dead processes have left is removed by whoever drives a scan next; what living ones use is left alone.

use std::path::PathBuf;

use bollard::models::{ContainerCreateBody, VolumeCreateRequest};
use bollard::query_parameters::{CreateContainerOptionsBuilder, InspectContainerOptions};
use dragnet::model::id::{AttemptName, JobName, Key8};
use dragnet::model::state::{JobState, ScanState};

use super::bench::Bench;
use super::cli::{Cli, Home as _, aborted, ended, until};
use super::reports::gitleaks;
use super::tool::{Tool, tool};

/// Reads a database, whose filling waits until it is told to go on.
const FILLED: &str = "
test -e /db/ready && cat /src/report.json
";
const WAITS: &str = "until test -e /dragnet/out/go; do :; done; : >/db/ready";

async fn bench(transport: &'static str) -> Option<Bench> {
    let bench = Bench::local(transport).await?;
    bench.write("report.json", gitleaks(3));
    Some(bench)
}

fn with_database(script: &str) -> Tool {
    let mut tool = tool("reads", FILLED);
    let update = serde_json::to_string(&["sh", "-c", script]).unwrap();
    tool.script.push_str("# /db\n");
    let more =
        format!("command = [\"{{target}}/reads.sh\", \"/db\"]\ndata.db = {{ mount = \"/db\", update = {update} }}");
    tool.more = more.leak();
    tool
}

/// A container and a volume of an attempt that no row tells of.
async fn plant(cli: &Cli<'_>) -> AttemptName {
    let instance = cli.app.store.instance();
    let job = JobName { step: "lost".parse().unwrap(), chunk: 0 };
    let name = AttemptName::new(instance, Key8::from_bits(77), &job, 1);
    let labels = [("instance", instance.as_str()), ("scan", "x"), ("attempt", "1"), ("role", "scan")];
    let labels: std::collections::HashMap<_, _> =
        labels.map(|(key, value)| (format!("dragnet.dev/{key}"), value.to_owned())).into();
    let body = ContainerCreateBody {
        image: Some(cli.bench.image.clone()),
        cmd: Some(["sleep", "1000"].map(str::to_owned).to_vec()),
        labels: Some(labels.clone()),
        ..Default::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(name.as_str()).build();
    cli.bench.docker.create_container(Some(options), body).await.unwrap();
    let volume = VolumeCreateRequest { name: Some(name.to_string()), labels: Some(labels), ..Default::default() };
    cli.bench.docker.create_volume(volume).await.unwrap();
    std::fs::create_dir_all(cli.bench.state.join("spool").join(name.as_str()).join("out")).unwrap();
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_goes_with_the_next_scan() {
    let Some(bench) = bench("bind").await else { return };
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
    let name = plant(&cli).await;
    assert_eq!(bench.left().await.len(), 2);
    let scan = ended(cli.start("quick", None)).await;
    assert!(scan.status.success(), "{scan:?}");
    assert_eq!(bench.left().await, Vec::<String>::new(), "{name}");
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ended_scan_has_left_goes_with_the_next() {
    let Some(bench) = bench("volume").await else { return };
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
    let mut first = cli.start("quick", Some("remove.before:hold"));
    let over = || cli.app.store.scan_state(cli.newer(None)?).unwrap().is_terminal().then_some(());
    until("the scan has ended", over).await;
    first.kill().await.unwrap();
    assert_ne!(bench.left().await, Vec::<String>::new());
    let second = ended(cli.start("quick", None)).await;
    assert!(second.status.success(), "{second:?}");
    assert_eq!(bench.left().await, Vec::<String>::new());
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gc_tells_what_it_would_remove_and_removes_it() {
    let Some(bench) = bench("bind").await else { return };
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
    let name = plant(&cli).await;
    let told = cli.run(&["gc", "--dry-run"]).await;
    let told = String::from_utf8(told.stdout).unwrap();
    for line in [format!("container {name}"), format!("volume {name}"), "spool ".to_owned()] {
        assert!(told.contains(&line), "{told}");
    }
    assert_eq!(bench.left().await.len(), 2);
    let swept = cli.run(&["gc"]).await;
    assert!(swept.status.success(), "{swept:?}");
    assert_eq!(bench.left().await, Vec::<String>::new());
    drop(cli);
    bench.finish().await;
}

/// The directory in the spool of the attempt that fills the database.
async fn filling(cli: &Cli<'_>) -> PathBuf {
    let spool = cli.bench.state.join("spool");
    until("a database is being filled", || {
        let entries = spool.read_dir().ok()?.flatten().map(|entry| entry.path());
        entries.into_iter().find(|path| path.join("out/claim").exists())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_being_filled_is_left_alone() {
    let Some(bench) = bench("bind").await else { return };
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json"), with_database(WAITS)]);
    let first = cli.start("reads", None);
    let dir = filling(&cli).await;
    let second = ended(cli.start("quick", None)).await;
    assert!(second.status.success(), "{second:?}");
    let swept = cli.run(&["gc"]).await;
    assert!(swept.status.success(), "{swept:?}");
    std::fs::write(dir.join("out/go"), "").unwrap();
    let first = ended(first).await;
    assert!(first.status.success(), "{first:?}");
    let result = cli.result(cli.newer(None).unwrap());
    assert_eq!((result.view.state, result.jobs[0].state), (ScanState::Completed, JobState::Succeeded));
    assert_eq!(result.findings.len(), 3);
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_filler_has_died_is_cleared_away() {
    let Some(bench) = bench("bind").await else { return };
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json"), with_database(WAITS)]);
    let mut first = cli.start("reads", None);
    filling(&cli).await;
    first.start_kill().unwrap();
    first.wait().await.unwrap();
    assert_eq!(bench.left().await.len(), 1, "it runs on");
    let second = ended(cli.start("quick", None)).await;
    assert!(second.status.success(), "{second:?}");
    assert_eq!(bench.left().await, Vec::<String>::new());
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_has_died_is_cleared_away() {
    for point in ["docker.probe.written", "docker.probe.created"] {
        let Some(mut bench) = bench("bind").await else { return };
        bench.transport = "auto";
        let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
        let first = ended(cli.start("quick", Some(&format!("{point}:abort")))).await;
        assert!(aborted(first.status), "{first:?}");
        let spool = bench.state.join("spool").read_dir().unwrap().flatten();
        let mut names = spool.filter_map(|entry| entry.file_name().into_string().ok());
        let probe = names.find(|name| name.starts_with("dragnet-probe-")).unwrap();
        let second = ended(cli.start("quick", None)).await;
        assert!(second.status.success(), "{second:?}");
        assert!(bench.docker.inspect_container(&probe, None::<InspectContainerOptions>).await.is_err());
        assert!(bench.docker.inspect_image(&probe).await.is_err());
        drop(cli);
        bench.finish().await;
    }
}

/// Dead after it has submitted, a process has left what its successor needs; dead in mid-submission, nothing that stays.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_there_for_who_comes_after_and_for_nobody_else() {
    let Some(bench) = bench("bind").await else { return };
    let mut quick = tool("quick", "cat /dragnet/secrets/token >/dev/null && cat /src/report.json");
    quick.more = "secrets = { token = \"env:PROBE_TOKEN\" }";
    let cli = Cli::new(&bench, &[quick]);
    let tree = bench.tree();
    let start = |fail: &str| {
        let mut command = cli.command(&["start", tree.to_str().unwrap(), "--scanner", "quick"]);
        command.env("PROBE_TOKEN", "s3cret").env("DRAGNET_FAIL", fail);
        ended(command.spawn().unwrap())
    };
    let spooled = || std::fs::read_dir(bench.state.join("spool/secrets")).unwrap().count();

    assert!(aborted(start("submit.committed:abort").await.status));
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{watched:?}");
    let scan = cli.newer(None).unwrap();
    assert_eq!((cli.result(scan).findings.len(), spooled()), (3, 0));

    assert!(aborted(start("submit.prepared:abort").await.status));
    assert_eq!((cli.newer(Some(scan)), spooled()), (None, 1));
    let next = start("none").await;
    assert!(next.status.success(), "{next:?}");
    assert_eq!(spooled(), 0);
    drop(cli);
    bench.finish().await;
}
