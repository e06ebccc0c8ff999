//! What people give to `kubectl`: the manifests that `plan` prints, and those of `examples/deploy/kubernetes`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, LogParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::engine::AGENT;
use super::lab::Lab;
use super::reports::gitleaks;
use super::scans::{PATIENCE, Program, left, ran, said};

/// Runs `kubectl` as the administrator.
pub(super) async fn kubectl(lab: &Lab, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("kubectl");
    command.arg("--kubeconfig").arg(&lab.cluster.kubeconfig).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", said(&output));
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_takes_the_manifests_that_a_plan_prints() {
    let Some(lab) = Lab::start().await else { return };
    let program = Program::new(&lab, "true");
    let tree = program.tree();
    let plan = ["plan", tree.to_str().unwrap(), "--scanner", "probe"];
    let people = ran(program.command(&plan)).await;
    assert!(said(&people).contains("held in the pod for 1d"), "{}", said(&people));
    // Nodes that never pull run what they were given: no registry knows it.
    assert!(said(&people).contains("probe: by tag, not resolved: nodes never pull"), "{}", said(&people));

    let printed = ran(program.command(&[&plan[..], &["--format", "yaml"]].concat())).await;
    assert_eq!(printed.status.code(), Some(0), "{}", said(&printed));
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let kinds: Vec<_> = documents.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["NetworkPolicy", "Secret", "Job"]);

    let namespace = lab.cluster.namespace.as_str();
    let taken = kubectl(&lab, &["-n", namespace, "apply", "--dry-run=server", "-o", "json", "-f", "-"], &text).await;
    let taken: Value = serde_json::from_slice(&taken.stdout).unwrap();
    let job = &taken["items"][2];
    assert!(job["metadata"]["name"].as_str().unwrap().contains("-00000000-probe-0-a01"), "{job}");
    // What crossed two languages is what would have been sent.
    let order = "/spec/template/metadata/annotations/dragnet.dev~1job";
    assert_eq!(job.pointer(order).unwrap(), documents[2].pointer(order).unwrap());
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}

/// The volume of a claim: it belongs to no namespace, so nothing else removes it.
pub(super) struct Volume {
    name: String,
    kubeconfig: PathBuf,
}

impl Drop for Volume {
    fn drop(&mut self) {
        let mut delete = std::process::Command::new("kubectl");
        delete.arg("--kubeconfig").arg(&self.kubeconfig).args(["delete", "pv", "--wait=false", &self.name]);
        drop(delete.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

impl Volume {
    /// Gives a claim a directory of this machine, which is the node.
    pub(super) async fn of(lab: &Lab, claim: &str, directory: &Path) -> Self {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o777)).unwrap();
        let namespace = &lab.cluster.namespace;
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": namespace },
            "spec": {
                "capacity": { "storage": "10Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": directory },
                "claimRef": { "namespace": namespace, "name": claim },
            },
        });
        kubectl(lab, &["create", "-f", "-"], &volume.to_string()).await;
        Self { name: namespace.clone(), kubeconfig: lab.cluster.kubeconfig.clone() }
    }
}

/// Moves an object of the example to the test's namespace, and puts the test's images in.
fn moved(mut object: Value, lab: &Lab) -> Value {
    let cluster = &lab.cluster;
    let place = if object["kind"] == "Namespace" { "/metadata/name" } else { "/metadata/namespace" };
    *object.pointer_mut(place).unwrap() = json!(cluster.namespace);
    match object["kind"].as_str().unwrap() {
        "RoleBinding" => object["subjects"][0]["namespace"] = json!(cluster.namespace),
        // No provisioner: the volume is there already.
        "PersistentVolumeClaim" => object["spec"]["storageClassName"] = json!(""),
        "ConfigMap" => {
            let shipped = object["data"]["config.toml"].as_str().unwrap();
            let ours = shipped.replace("registry.example/dragnet/agent:0.1.0", &cluster.agent_image);
            assert_ne!(shipped, ours);
            object["data"]["config.toml"] = json!(format!(
                "{ours}image_pull_policy = \"never\"\n[scanners.probe]\nimage = \"{image}\"\nprogram = \"sh\"\n\
                 command = [\"{{target}}/probe.sh\"]\ninput = [\"dir\"]\nresults = [{{ path = \"-\", format = \"gitleaks\" }}]\n\
                 exit_codes = {{ ok = [0] }}\ntimeout = \"1m\"\nlimits = {{ memory = \"64MiB\" }}\n",
                image = cluster.image,
            ));
        }
        _ => {}
    }
    object
}

/// Has a pod of the example run the test's image over a directory made of a config map. The test's cluster has no Service addresses: the pod
/// reaches the server over the node's network.
fn adapt(pod: &mut Value, lab: &Lab) {
    let kubeconfig = std::fs::read_to_string(&lab.cluster.kubeconfig).unwrap();
    let server = kubeconfig.split_once("https://").unwrap().1.split('"').next().unwrap();
    let (host, port) = server.rsplit_once(':').unwrap();
    pod["hostNetwork"] = json!(true);
    pod["volumes"].as_array_mut().unwrap().push(json!({ "name": "target", "configMap": { "name": "target" } }));
    let container = &mut pod["containers"][0];
    container["image"] = json!(lab.cluster.agent_image);
    container["imagePullPolicy"] = json!("Never");
    container["volumeMounts"].as_array_mut().unwrap().push(json!({ "name": "target", "mountPath": "/target" }));
    let variable = |name: &str, value: &str| json!({ "name": name, "value": value });
    let server = [variable("KUBERNETES_SERVICE_HOST", host), variable("KUBERNETES_SERVICE_PORT", port)];
    container["env"].as_array_mut().unwrap().extend(server);
}

fn scan(lab: &Lab) -> Job {
    let text = std::fs::read_to_string(example().join("scan.yaml")).unwrap();
    let mut job = moved(serde_saphyr::from_str(&text).unwrap(), lab);
    let pod = &mut job["spec"]["template"]["spec"];
    adapt(pod, lab);
    pod["containers"][0]["args"] = json!(["start", "/target", "--scanner", "probe"]);
    serde_json::from_value(job).unwrap()
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy/kubernetes")
}

/// Makes what the example's scans need, and a target with five secrets in it; `configure` changes the configuration.
async fn set_up(lab: &Lab, configure: impl Fn(&str) -> String) {
    let setup = kubectl(lab, &["kustomize", example().to_str().unwrap()], "").await;
    let setup: Vec<Value> = serde_saphyr::from_multiple(std::str::from_utf8(&setup.stdout).unwrap()).unwrap();
    let report = String::from_utf8(gitleaks(5)).unwrap();
    let target = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "target", "namespace": lab.cluster.namespace },
        "data": { "report.json": report, "probe.sh": "cat /src/report.json" },
    });
    let configured = setup.into_iter().map(|object| {
        let mut object = moved(object, lab);
        if object["kind"] == "ConfigMap" {
            object["data"]["config.toml"] = json!(configure(object["data"]["config.toml"].as_str().unwrap()));
        }
        object
    });
    let items: Vec<_> = configured.chain([target]).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    kubectl(lab, &["apply", "-f", "-"], &list.to_string()).await;
}

fn ended(job: Option<&Job>) -> bool {
    let conditions = job.and_then(|job| job.status.as_ref()?.conditions.as_ref());
    conditions.into_iter().flatten().any(|one| matches!(one.type_.as_str(), "Complete" | "Failed"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_scans_from_inside_with_no_more_rights_than_it_asks_for() {
    let Some(lab) = Lab::start().await else { return };
    let state = tempfile::tempdir().unwrap();
    let volume = Volume::of(&lab, "dragnet-state", state.path()).await;
    set_up(&lab, str::to_owned).await;

    let (client, namespace) = (lab.cluster.client.clone(), lab.cluster.namespace.as_str());
    let jobs = Api::<Job>::namespaced(client.clone(), namespace);
    let name = jobs.create(&PostParams::default(), &scan(&lab)).await.unwrap().name_any();
    let end = await_condition(jobs.clone(), &name, ended);
    tokio::time::timeout(PATIENCE, end).await.expect("the scan does not end").unwrap();
    let pods = Api::<Pod>::namespaced(client, namespace);
    let found = pods.list(&ListParams::default().labels(&format!("job-name={name}"))).await.unwrap();
    let pod = found.items.first().unwrap();
    let log = pods.logs(&pod.name_any(), &LogParams::default()).await.unwrap();
    assert_eq!(jobs.get(&name).await.unwrap().status.unwrap().succeeded, Some(1), "{log}");
    assert!(log.contains("5 high"), "{log}");

    let mut findings = Command::new(AGENT);
    findings.arg("--state").arg(state.path().join("dragnet")).args(["findings", "--format", "jsonl"]);
    let findings = ran(findings).await;
    assert_eq!(String::from_utf8_lossy(&findings.stdout).lines().count(), 5, "{}", said(&findings));
    assert_eq!(left(&lab).await, Vec::<String>::new());
    // The example's own policies bear none of our labels; the instance's goes with the namespace.
    lab.cluster.finish().await;
    drop(volume);
}

/// A port of the node that nobody listens at: the pod is on the node's network, and the manifest has to name it.
fn free_port() -> u16 {
    std::net::TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_daemon_drives_what_is_queued_in_its_pod_and_so_does_its_successor() {
    let Some(lab) = Lab::start().await else { return };
    let state = tempfile::tempdir().unwrap();
    let volume = Volume::of(&lab, "dragnet-state", state.path()).await;
    let port = free_port();
    set_up(&lab, |config| {
        let ours = config.replace("0.0.0.0:9464", &format!("0.0.0.0:{port}"));
        assert_ne!(config, ours);
        ours
    })
    .await;
    let namespace = lab.cluster.namespace.clone();
    let ours = |arguments: &[&str]| {
        let arguments: Vec<String> = ["-n", &namespace].iter().chain(arguments).map(ToString::to_string).collect();
        let lab = &lab;
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            String::from_utf8(kubectl(lab, &arguments, "").await.stdout).unwrap()
        }
    };
    ours(&["create", "secret", "generic", "dragnet-daemon", "--from-literal=token=s3cret"]).await;
    let text = std::fs::read_to_string(example().join("daemon.yaml")).unwrap();
    for object in serde_saphyr::from_multiple::<Value>(&text).unwrap() {
        let mut object = moved(object, &lab);
        if object["kind"] == "Deployment" {
            let pod = &mut object["spec"]["template"]["spec"];
            adapt(pod, &lab);
            pod["containers"][0]["ports"][0]["containerPort"] = json!(port);
        }
        kubectl(&lab, &["create", "-f", "-"], &object.to_string()).await;
    }
    let exec = ["exec", "deploy/dragnet-daemon", "--", "/dragnet"];
    for _ in 0..2 {
        // Ready is what its own probe says.
        ours(&["rollout", "status", "deployment/dragnet-daemon", "--timeout=120s"]).await;
        let started = ours(&[&exec[..], &["start", "--detach", "/target", "--scanner", "probe"]].concat()).await;
        let followed = ours(&[&exec[..], &["watch", "--no-drive", started.trim()]].concat()).await;
        assert!(followed.contains("5 high"), "{followed}");
        let status: Value =
            serde_json::from_str(&ours(&[&exec[..], &["daemon", "status", "--format", "json"]].concat()).await)
                .unwrap();
        assert_eq!(status["daemon"]["state"], "running");
        // Asked to end, it hands over; the next one comes when it has gone.
        ours(&["delete", "pod", "--wait=true", "-l", "app.kubernetes.io/component=daemon"]).await;
    }
    kubectl(&lab, &["-n", &namespace, "delete", "deployment", "dragnet-daemon", "--wait=true"], "").await;
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.cluster.finish().await;
    drop(volume);
}
