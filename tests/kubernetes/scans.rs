//! The program itself, with a cluster as its engine: it dies at every point of a launch, and whoever comes after it finishes.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::engine::AGENT;
use super::lab::Lab;
use super::reports::gitleaks;

/// No command takes longer.
pub(super) const PATIENCE: Duration = Duration::from_mins(3);

/// The program with a state, a target and one scanner that is a script in it.
pub(super) struct Program {
    dir: tempfile::TempDir,
    pub(super) config: PathBuf,
}

impl Program {
    pub(super) fn new(lab: &Lab, script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("report.json"), gitleaks(5)).unwrap();
        std::fs::write(tree.join("probe.sh"), script).unwrap();
        let (cluster, config) = (&lab.cluster, dir.path().join("config.toml"));
        let text = format!(
            "[scan]\ngrace = \"2s\"\n[executor]\nkind = \"kubernetes\"\n[executor.kubernetes]\nkubeconfig = {kubeconfig:?}\n\
             namespace = \"{namespace}\"\nagent_image = \"{agent}\"\nimage_pull_policy = \"never\"\nqps = 100\nburst = 200\n\
             start_timeout = \"2m\"\n[scanners.probe]\nimage = \"{image}\"\nprogram = \"sh\"\ncommand = [\"{{target}}/probe.sh\"]\n\
             input = [\"dir\"]\nresults = [{{ path = \"-\", format = \"gitleaks\" }}]\nexit_codes = {{ ok = [0], findings = [1] }}\n\
             timeout = \"1m\"\nlimits = {{ memory = \"64MiB\" }}\nsecrets = {{ token = \"env:PROBE_TOKEN\" }}\n",
            kubeconfig = cluster.kubeconfig.to_str().unwrap(),
            namespace = cluster.namespace,
            agent = cluster.agent_image,
            image = cluster.image,
        );
        std::fs::write(&config, text).unwrap();
        Self { dir, config }
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(AGENT);
        command.arg("--state").arg(self.dir.path().join("state")).arg("--config").arg(&self.config).args(arguments);
        command.current_dir(self.dir.path()).stdin(Stdio::null()).kill_on_drop(true).env("PROBE_TOKEN", "s3cret");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    pub(super) fn start(&self) -> Command {
        let tree = self.tree();
        self.command(&["start", tree.to_str().unwrap(), "--scanner", "probe"])
    }

    /// Returns the findings of the newest scan, sorted, without what differs between scans.
    pub(super) async fn findings(&self) -> Vec<String> {
        let output = ran(self.command(&["findings", "--format", "jsonl"])).await;
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut found: Vec<_> = lines
            .lines()
            .map(|line| {
                let finding: serde_json::Value = serde_json::from_str(line).unwrap();
                finding["fingerprint"].to_string()
            })
            .collect();
        found.sort();
        found
    }
}

pub(super) async fn ran(mut command: Command) -> Output {
    tokio::time::timeout(PATIENCE, command.output()).await.expect("a command does not end").unwrap()
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Nothing of any attempt is left in the namespace, but perhaps the policy that all share.
pub(super) async fn left(lab: &Lab) -> Vec<String> {
    use dragnet::executor::Executor as _;
    let owned = lab.executor.list_foreign().await.unwrap();
    owned.into_iter().filter(|one| one.role != "policy").map(|one| one.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_finds_in_a_cluster_what_it_finds_at_home() {
    let Some(lab) = Lab::start().await else { return };
    let program = Program::new(&lab, "cat /dragnet/secrets/token >&2; cat /src/report.json; exit 1");
    let output = ran(program.start()).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(program.findings().await.len(), 5);
    let output = ran(program.command(&["show", "latest"])).await;
    assert!(said(&output).contains("kubernetes (Kubernetes v"), "{}", said(&output));
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_leaves_the_scan_to_the_next() {
    let Some(lab) = Lab::start().await else { return };
    let script = "echo run >>/dragnet/out/work/runs; cat /src/report.json; exit 1";
    let points = [
        "kubernetes.launch.secret",
        "kubernetes.launch.created",
        "kubernetes.launch.owned",
        "kubernetes.launch.delivered",
        "kubernetes.fetch.part",
        "kubernetes.remove.job",
    ];
    let dies = async |point: &str| {
        let program = Program::new(&lab, script);
        let mut start = program.start();
        start.env("DRAGNET_FAIL", format!("{point}:abort"));
        let died = ran(start).await;
        assert!(!died.status.success() && died.status.code().is_none(), "{point}: {}", said(&died));
        let finished = ran(program.command(&["watch", "latest"])).await;
        assert_eq!(finished.status.code(), Some(0), "{point}: {}", said(&finished));
        assert_eq!(program.findings().await.len(), 5, "{point}");
    };
    for some in points.chunks(3) {
        futures::future::join_all(some.iter().map(|point| dies(point))).await;
    }
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_scan_keeps_what_was_found_and_leaves_nothing() {
    let Some(lab) = Lab::start().await else { return };
    let program = Program::new(&lab, "cat /src/report.json; echo ready >&2; sleep 1000");
    let output = ran({
        let mut start = program.start();
        start.arg("--detach");
        start
    })
    .await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let ready = async {
        loop {
            let logs = ran(program.command(&["logs", "latest", "probe"])).await;
            if String::from_utf8_lossy(&logs.stdout).contains("ready") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.unwrap();
    let cancelled = ran(program.command(&["cancel", "latest"])).await;
    assert_eq!(cancelled.status.code(), Some(0), "{}", said(&cancelled));
    let watched = ran(program.command(&["watch", "latest"])).await;
    assert_eq!(watched.status.code(), Some(5), "{}", said(&watched));
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}
