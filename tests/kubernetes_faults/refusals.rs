//! A way to the cluster on which requests are turned away, and connections break in the middle.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dragnet::model::coverage::Coverage;
use dragnet::model::state::{JobState, ScanState};
use kube::config::Kubeconfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::cli::{Cli, Home as _, aborted, ended, until};
use super::cluster::Cluster;
use super::cluster_bench::ClusterBench;
use super::machine::Machine;
use super::reports::gitleaks;
use super::runs::Runs;
use super::spool::{compare, fetched, large, spool};
use super::tool::tool;

/// How often each request is turned away before it is let through.
const REFUSALS: usize = 2;

/// A proxy that speaks for the cluster: plain on our side, encrypted and with the administrator's certificate on the other.
struct Doorman {
    server: String,
    tls: TlsConnector,
    /// How often each method and path was turned away.
    refused: Mutex<HashMap<String, usize>>,
}

impl Doorman {
    /// Puts a proxy before a cluster; returns it with a kubeconfig that leads to it.
    async fn before(cluster: &Cluster) -> (Arc<Self>, PathBuf) {
        let file = Kubeconfig::read_from(&cluster.kubeconfig).unwrap();
        let place = file.clusters[0].cluster.clone().unwrap();
        let user = file.auth_infos[0].auth_info.clone().unwrap();
        let decoded = |text: String| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.decode(text).unwrap()
        };
        let mut roots = rustls::RootCertStore::empty();
        let authority = decoded(place.certificate_authority_data.unwrap());
        roots.add(CertificateDer::from_pem_slice(&authority).unwrap()).unwrap();
        let user = serde_json::to_value(user).unwrap();
        let of_user = |key: &str| decoded(user[key].as_str().unwrap().to_owned());
        let certificate = CertificateDer::from_pem_slice(&of_user("client-certificate-data")).unwrap();
        let key = PrivateKeyDer::from_pem_slice(&of_user("client-key-data")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)
            .unwrap();
        let server = place.server.unwrap().trim_start_matches("https://").to_owned();
        let doorman = Arc::new(Self { server, tls: TlsConnector::from(Arc::new(config)), refused: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let kubeconfig = cluster.kubeconfig.with_file_name("doorman");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters: [{{name: it, cluster: {{server: \"http://{}\"}}}}]\n\
             users: [{{name: it, user: {{}}}}]\ncontexts: [{{name: it, context: {{cluster: it, user: it}}}}]\n",
            listener.local_addr().unwrap()
        );
        std::fs::write(&kubeconfig, text).unwrap();
        let accepting = Arc::clone(&doorman);
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let doorman = Arc::clone(&accepting);
                // A client that leaves in the middle is no failure of the test's.
                tokio::spawn(async move { doorman.serve(near).await.ok() });
            }
        });
        (doorman, kubeconfig)
    }

    /// Serves one request: each has a connection of its own.
    async fn serve(&self, mut near: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(near.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let lower = head.to_lowercase();
        if let Some(code) = self.verdict(&head) {
            let length =
                lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            near.read_exact(&mut vec![0; length]).await?;
            let body = format!(
                "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"not now\",\"code\":{code}}}"
            );
            let answer = format!(
                "HTTP/1.1 {code} Not Now\r\nRetry-After: 1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
            near.write_all(answer.as_bytes()).await?;
            return near.shutdown().await;
        }
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut far = self.tls.connect(name, TcpStream::connect(&self.server).await?).await?;
        let head =
            if lower.contains("upgrade:") { head } else { head.replacen("\r\n", "\r\nConnection: close\r\n", 1) };
        far.write_all(head.as_bytes()).await?;
        copy_bidirectional(&mut near, &mut far).await.map(drop)
    }

    /// Turns a request away twice, for two different reasons.
    fn verdict(&self, head: &str) -> Option<u16> {
        let request = head.lines().next()?.split('?').next()?.trim_end_matches(" HTTP/1.1").to_owned();
        let times = *self.refused.lock().unwrap().entry(request).and_modify(|times| *times += 1).or_insert(1);
        (times <= REFUSALS).then_some(if times % 2 == 1 { 429 } else { 503 })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_outlives_refusals_and_cuts() {
    let Some(machine) = Machine::start(None, &[]).await else { return };
    let cluster = machine.cluster().await;
    every_request_is_turned_away_twice(&cluster).await;
    a_large_result_is_cut_off_again_and_again(&machine, &cluster).await;
}

async fn every_request_is_turned_away_twice(cluster: &Cluster) {
    let (doorman, kubeconfig) = Doorman::before(cluster).await;
    let mut bench = ClusterBench::of(cluster);
    bench.kubeconfig = kubeconfig;
    bench.write("report.json", gitleaks(20));
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
    let runs = Runs::follow(&cli);
    // The first request of a command says whether there is a cluster at all: it is not repeated.
    doorman.refused.lock().unwrap().insert("GET /version".to_owned(), REFUSALS);
    let namespace = format!("GET /api/v1/namespaces/{}", cluster.namespace);
    doorman.refused.lock().unwrap().insert(namespace, REFUSALS);
    let started = ended(cli.start("quick", None)).await;
    let scan = cli.newer(None).unwrap();
    let (result, failures) = (cli.result(scan), cli.failures(scan));
    assert!(started.status.success(), "{started:?} {failures:?}");
    assert_eq!((result.view.state, result.view.coverage), (ScanState::Completed, Coverage::Full));
    assert_eq!((result.jobs[0].attempts, result.findings.len()), (1, 20), "{failures:?}");
    let refused = doorman.refused.lock().unwrap().clone();
    let exec = refused.iter().filter(|(request, times)| request.contains("/exec") && **times > REFUSALS).count();
    assert!(exec > 0 && refused.len() >= 6, "{refused:?}");
    eprintln!("turned away: {} requests", refused.len());
    runs.check(&cli).await;
    drop(cli);
    bench.finish().await;
}

async fn a_large_result_is_cut_off_again_and_again(machine: &Machine, cluster: &Cluster) {
    let megabytes = if std::env::var_os("DRAGNET_FULL").is_some() { 512 } else { 64 };
    let bench = ClusterBench::of(cluster);
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[large(megabytes)]);
    let runs = Runs::follow(&cli);
    let tree = bench.tree();
    let mut start = cli.command(&["start", tree.to_str().unwrap(), "--scanner", "large"]);
    let start = start.env("DRAGNET_FAIL", "collect.fetched:abort").spawn().unwrap();
    let scan = cli.newest(None).await;
    for number in 1..=5 {
        let enough = (megabytes << 20) * number / 7;
        until("more has come", || (fetched(&bench.state()) >= enough).then_some(())).await;
        machine.open.send(false).unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        machine.open.send(true).unwrap();
    }
    assert!(aborted(ended(start).await.status));
    let (len, own, theirs) = compare(&spool(&bench.state()).unwrap());
    assert_eq!((len, own), (megabytes << 20, theirs));
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{watched:?}");
    let job = &cli.result(scan).jobs[0];
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, 1), "{:?}", cli.failures(scan));
    runs.check(&cli).await;
    drop(cli);
    bench.finish().await;
}
