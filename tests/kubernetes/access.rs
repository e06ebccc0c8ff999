//! Users who may do little, or nothing, or are nobody: told what is missing, and what to do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use dragnet::executor::kubernetes::{KubernetesExecutor, KubernetesOptions};
use dragnet::executor::{Executor as _, ExecutorError};
use dragnet::model::scanner::Network;
use serde_json::json;

use super::harness::Attempt;
use super::lab::{Lab, options};

fn options_of(lab: &Lab, user: &str) -> KubernetesOptions {
    let mut options = options(&lab.cluster, lab.state.path());
    options.kubeconfig = Some(lab.cluster.kubeconfig_of(user).to_str().unwrap().to_owned());
    // The users' rights are in this namespace; nothing is made in it.
    options.namespace = Some("scans".to_owned());
    options
}

fn refusal(error: &ExecutorError) -> &str {
    match error {
        ExecutorError::Refused(words) => words,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_are_named() {
    let Some(lab) = Lab::start().await else { return };
    let attempt = Attempt::script(&lab, "true").with(|spec| spec.network = Network::Egress);
    for user in ["viewer", "nobody"] {
        let executor = KubernetesExecutor::connect(options_of(&lab, user)).await.unwrap();
        let error = executor.launch(&attempt.0).await.unwrap_err();
        let words = refusal(&error);
        assert!(words.contains("cannot create resource \"jobs\"") && words.contains("dragnet doctor"), "{words}");
        let missing = executor.shortfalls().await.unwrap();
        assert!(missing.iter().any(|one| one.item == "right: create jobs"), "{missing:?}");
        let reads = missing.iter().all(|one| one.item != "right: list pods");
        assert_eq!(reads, user == "viewer", "{missing:?}");
        assert!(missing.last().unwrap().message.contains("kind: Role"), "{missing:?}");
    }
    let administrator = KubernetesExecutor::connect(options_of(&lab, "admin")).await.unwrap();
    assert_eq!(administrator.shortfalls().await.unwrap(), []);
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_is_told_so() {
    let Some(lab) = Lab::start().await else { return };
    let error = KubernetesExecutor::connect(options_of(&lab, "badtoken")).await.map(drop).unwrap_err();
    assert!(refusal(&error).contains("log in again"), "{error}");

    let mut wrong = options(&lab.cluster, lab.state.path());
    wrong.namespace = Some("nowhere".to_owned());
    let error = KubernetesExecutor::connect(wrong.clone()).await.map(drop).unwrap_err();
    assert!(refusal(&error).contains("[executor.kubernetes] namespace"), "{error}");

    wrong.context = Some("nowhere".to_owned());
    let error = KubernetesExecutor::connect(wrong).await.map(drop).unwrap_err();
    assert!(refusal(&error).contains("no context `nowhere`"), "{error}");

    // The right address, and somebody else's certificate.
    let file = std::fs::read_to_string(&lab.cluster.kubeconfig).unwrap();
    let other = lab.state.path().join("kubeconfig");
    let foreign =
        file.replace("certificate-authority-data:", "tls-server-name: other.example, certificate-authority-data:");
    std::fs::write(&other, foreign).unwrap();
    let mut wrong = options(&lab.cluster, lab.state.path());
    wrong.kubeconfig = Some(other.to_str().unwrap().to_owned());
    let error = KubernetesExecutor::connect(wrong).await.map(drop).unwrap_err();
    assert!(refusal(&error).contains("certificate"), "{error}");

    let mut silent = options(&lab.cluster, lab.state.path());
    let (before, address) = file.split_once("server: \"").unwrap();
    let (_, after) = address.split_once('"').unwrap();
    // Nobody listens at port 1.
    std::fs::write(&other, format!("{before}server: \"https://127.0.0.1:1\"{after}")).unwrap();
    silent.kubeconfig = Some(other.to_str().unwrap().to_owned());
    let error = KubernetesExecutor::connect(silent).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::Unreachable(_)), "{error}");
    lab.finish().await;
}

/// Returns what stands behind a key of a kubeconfig, as far as its lines are plain.
fn value<'k>(kubeconfig: &'k str, key: &str) -> &'k str {
    let (_, rest) = kubeconfig.split_once(&format!("{key}: ")).unwrap();
    rest.split(['}', ',', '\n']).next().unwrap().trim_matches('"')
}

/// As cloud providers' kubeconfigs have it: a program prints the credentials.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_the_kubeconfig_names_brings_the_credentials() {
    let Some(lab) = Lab::start().await else { return };
    let file = std::fs::read_to_string(&lab.cluster.kubeconfig).unwrap();
    let pem = |key| String::from_utf8(BASE64.decode(value(&file, key)).unwrap()).unwrap();
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
        "status": { "clientCertificateData": pem("client-certificate-data"), "clientKeyData": pem("client-key-data") },
    });
    let dir = lab.state.path();
    std::fs::write(dir.join("credential.json"), credential.to_string()).unwrap();
    let (before, _) = file.split_once("users:").unwrap();
    let connect = async |name: &str, program: &str, arguments: &[&str]| {
        let path = dir.join(format!("kubeconfig-{name}"));
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1", "command": program, "args": arguments,
            "interactiveMode": "Never",
        });
        let (user, context) = (json!([{ "name": "u", "user": { "exec": exec } }]), value(&file, "name"));
        let contexts = json!([{ "name": "admin", "context": { "cluster": context, "user": "u" } }]);
        let (before, _) = before.split_once("contexts:").unwrap_or((before, ""));
        std::fs::write(&path, format!("{before}\nusers: {user}\ncontexts: {contexts}\n")).unwrap();
        let mut options = options(&lab.cluster, dir);
        options.kubeconfig = Some(path.to_str().unwrap().to_owned());
        KubernetesExecutor::connect(options).await
    };
    let printed = dir.join("credential.json");
    let executor = connect("good", "cat", &[printed.to_str().unwrap()]).await.unwrap();
    assert_eq!(executor.shortfalls().await.unwrap(), []);
    let error = connect("bad", "sh", &["-c", "echo 'please log in' >&2; exit 3"]).await.map(drop).unwrap_err();
    assert!(refusal(&error).contains("please log in"), "{error}");
    let error = connect("absent", "dragnet-no-such-plugin", &[]).await.map(drop).unwrap_err();
    assert!(refusal(&error).contains("dragnet-no-such-plugin"), "{error}");
    lab.finish().await;
}
