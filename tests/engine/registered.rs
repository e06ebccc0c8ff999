//! Scans of registered targets.

use super::bench::Bench;
use super::cli::{Cli, until};
use super::reports::gitleaks;
use super::tool::tool;
use crate::cli::Home as _;

#[tokio::test(flavor = "multi_thread")]
async fn each_enabled_target_of_a_tag_gets_a_scan_of_its_own() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(2));
    let cli = Cli::new(&bench, &[tool("keys", "cat /src/report.json")]);
    let tree = bench.tree();
    let path = tree.to_str().unwrap();
    for (name, more) in [
        ("one", &["--tag", "web", "--project", "sales"][..]),
        ("two", &["--tag", "web"]),
        ("off", &["--tag", "web", "--disabled"]),
        ("other", &[]),
    ] {
        let added = cli.run(&[&["targets", "add", path, "--name", name], more].concat()).await;
        assert!(added.status.success(), "{added:?}");
    }
    // One cannot be planned: it is told of, and the others are started.
    let added = cli.run(&["targets", "add", "dir:/nowhere", "--name", "gone", "--tag", "web"]).await;
    assert!(added.status.success(), "{added:?}");

    let start = ["start", "@tag:web", "--detach", "--scanner", "keys", "--request-key", "nightly"];
    let output = cli.run(&start).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("gone: ") && said.contains("2 scans started in the background; 1 target could not be started"),
        "{said}"
    );
    let ids: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(ids.len(), 2, "{said}");

    let mut keys = Vec::new();
    for id in &ids {
        let scan = cli.app.store.find_scan(id).unwrap();
        until("the scan has ended", || cli.app.store.scan_state(scan).unwrap().is_terminal().then_some(())).await;
        let result = cli.result(scan);
        assert_eq!((result.view.is_complete(), result.findings.len()), (true, 2), "{:?}", result.jobs);
        keys.push((result.view.project, result.view.target_key.key));
    }
    let key = |project: &str, name: &str| (project.to_owned(), format!("name:{name}"));
    assert_eq!(keys, [key("sales", "one"), key("default", "two")]);

    let again = cli.run(&start).await;
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!((again.status.code(), again.stdout.len()), (Some(2), 0), "{said}");
    assert!(said.contains("request key `nightly/one` was used by scan"), "{said}");

    // A tag of one target is one of several all the same.
    let added = cli.run(&["targets", "add", path, "--name", "single", "--tag", "alone"]).await;
    assert!(added.status.success(), "{added:?}");
    let start = ["start", "@tag:alone", "--detach", "--scanner", "keys", "--request-key", "nightly"];
    let output = cli.run(&start).await;
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let scan = cli.app.store.find_scan(&id).unwrap();
    until("the scan has ended", || cli.app.store.scan_state(scan).unwrap().is_terminal().then_some(())).await;
    let said = String::from_utf8_lossy(&cli.run(&start).await.stderr).into_owned();
    assert!(said.contains("request key `nightly/single` was used by scan"), "{said}");

    let output = cli.run(&["start", "@other", "--scanner", "keys"]).await;
    assert!(output.status.success(), "{output:?}");
    let scan = cli.newest(None).await;
    assert_eq!(cli.app.store.scan(scan).unwrap().target_key.key, "name:other");
    bench.finish().await;
}
