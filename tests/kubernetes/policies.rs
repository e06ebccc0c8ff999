//! Whether the cluster heeds network policies: `doctor --probe` finds out, and leaves nothing behind however it ends.

use std::process::{Output, Stdio};

use bollard::Docker;
use bollard::query_parameters::ListContainersOptionsBuilder;
use dragnet::executor::Executor as _;
use dragnet::model::pod::reach::PORT;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt as _};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::lab::Lab;
use super::scans::{PATIENCE, Program, ran, said};

const PROBE: [&str; 2] = ["doctor", "--probe"];
/// The addresses of the cluster's pods.
const PODS: &str = "10.201.0.0/22";

/// How the network of the tests' cluster takes policies: its own heeds none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    /// A pod is cut off while a policy holds it.
    Heeds,
    /// A pod that was cut off stays so.
    NeverMends,
}

/// Lets pods reach one another on the port of a probe until it is dropped: an engine of containers on the same host may forbid that.
struct Passage;

impl Passage {
    fn open() -> Self {
        assert!(Self::change("-I"), "the rules of the host cannot be changed");
        Self
    }

    /// Both ways of a connection. Each test has rules of its own, as many as it takes away.
    fn change(how: &str) -> bool {
        ["--dport", "--sport"].iter().all(|end| {
            let mut rule = std::process::Command::new("iptables");
            rule.args([
                "-w",
                how,
                "FORWARD",
                "-s",
                PODS,
                "-d",
                PODS,
                "-p",
                "tcp",
                end,
                &PORT.to_string(),
                "-j",
                "ACCEPT",
            ]);
            rule.status().is_ok_and(|status| status.success())
        })
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        Self::change("-D");
    }
}

/// Does what a network that heeds policies does, for as long as the future is polled.
async fn enforce(lab: &Lab, network: Network) {
    let (client, namespace) = (lab.cluster.client.clone(), lab.cluster.namespace.as_str());
    let policies = Api::<NetworkPolicy>::namespaced(client.clone(), namespace);
    let pods = Api::<Pod>::namespaced(client, namespace);
    let mut changes = policies.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    while let Some(change) = changes.next().await {
        let (policy, rule) = match change.unwrap() {
            WatchEvent::Added(policy) => (policy, "-I"),
            WatchEvent::Deleted(policy) if network == Network::Heeds => (policy, "-D"),
            _ => continue,
        };
        let selector = policy.spec.unwrap().pod_selector.unwrap().match_labels.unwrap();
        let selector: Vec<_> = selector.iter().map(|(label, value)| format!("{label}={value}")).collect();
        for pod in pods.list(&ListParams::default().labels(&selector.join(","))).await.unwrap() {
            let Some(process) = process_of(&lab.cluster.docker, &pod.name_any()).await else { continue };
            let mut cut = Command::new("nsenter");
            cut.args(["-t", &process.to_string(), "-n", "iptables", rule, "OUTPUT", "!", "-o", "lo", "-j", "DROP"]);
            let cut = ran(cut).await;
            assert!(cut.status.success(), "{}", said(&cut));
        }
    }
    panic!("the watch of policies ended");
}

/// Returns the first process of a probe's pod.
async fn process_of(docker: &Docker, pod: &str) -> Option<i64> {
    let filters = std::collections::HashMap::from([("name", vec![format!("k8s_probe_{pod}_")])]);
    let options = ListContainersOptionsBuilder::new().filters(&filters).build();
    let found = docker.list_containers(Some(options)).await.unwrap();
    let id = found.first()?.id.clone()?;
    docker.inspect_container(&id, None).await.unwrap().state?.pid
}

/// Returns what is left of anything of ours in the namespace.
async fn left(lab: &Lab) -> Vec<String> {
    lab.executor.list_foreign().await.unwrap().into_iter().map(|one| one.name).collect()
}

async fn probe_while(lab: &Lab, program: &Program, network: Network) -> Output {
    tokio::select! {
        output = ran(program.command(&PROBE)) => output,
        () = enforce(lab, network) => unreachable!("it ends by a panic"),
    }
}

async fn planned(program: &Program) -> String {
    said(&ran(program.command(&["plan", program.tree().to_str().unwrap(), "--scanner", "probe"])).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_network_makes_of_a_policy_is_seen_and_told() {
    let Some(lab) = Lab::start().await else { return };
    let _passage = Passage::open();
    let program = Program::new(&lab, "cat /src/report.json; exit 1");
    let words = planned(&program).await;
    assert!(words.contains("policy for scanners without a network: requested (unproven)"), "{words}");
    let words = said(&ran(program.command(&["doctor"])).await);
    assert!(words.contains("requested (unproven)") && words.contains("dragnet doctor --probe"), "{words}");

    let output = ran(program.command(&PROBE)).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("! network policy") && said(&output).contains("NOT enforced (20"),
        "{}",
        said(&output)
    );
    assert_eq!(left(&lab).await, Vec::<String>::new());
    let words = planned(&program).await;
    assert!(words.contains("NOT enforced (20"), "{words}");
    let output = ran(program.start()).await;
    assert!(said(&output).contains("NOT enforced (20"), "{}", said(&output));

    let output = probe_while(&lab, &program, Network::Heeds).await;
    assert!(said(&output).contains("✓ network policy"), "{}", said(&output));
    assert!(said(&output).contains("enforced (proven 20"), "{}", said(&output));
    let report = ran(program.command(&["report", "latest", "--format", "json"])).await;
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["scan"]["network_policy"]["state"], "enforced", "{report}");
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_something_else_cuts_off_proves_nothing() {
    let Some(lab) = Lab::start().await else { return };
    let _passage = Passage::open();
    let program = Program::new(&lab, "true");
    let output = probe_while(&lab, &program, Network::NeverMends).await;
    let words = said(&output);
    assert!(words.contains("! network policy") && words.contains("cannot be told"), "{words}");
    assert!(planned(&program).await.contains("requested (unproven)"), "nothing is claimed");
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}

/// Starts a probe, and returns it once it is in the midst of it.
async fn midway(program: &Program) -> Child {
    let mut doctor = program.command(&PROBE).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(doctor.stderr.take().unwrap()).lines();
    let begun = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("the policy of scanners") {
                return;
            }
        }
        panic!("it ended before");
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    // What it goes on to say is read, so that nothing holds it up.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    doctor
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_broken_off_leaves_nothing() {
    let Some(lab) = Lab::start().await else { return };
    let _passage = Passage::open();
    let program = Program::new(&lab, "true");
    let mut doctor = midway(&program).await;
    let process = Pid::from_raw(doctor.id().unwrap().cast_signed()).unwrap();
    kill_process(process, Signal::INT).unwrap();
    let status = tokio::time::timeout(PATIENCE, doctor.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(left(&lab).await, Vec::<String>::new());

    let mut killed = midway(&program).await;
    killed.kill().await.unwrap();
    assert!(left(&lab).await.len() >= 4, "two Jobs and their pods");
    let collected = ran(program.command(&["gc", "--keep", "0s"])).await;
    assert!(said(&collected).contains("-near"), "{}", said(&collected));
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}
