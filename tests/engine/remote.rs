//! Engines that are far away: behind certificates, behind `ssh`, behind a context of the `docker` program.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use dragnet::model::state::ScanState;

use super::bench::Bench;
use super::cli::{Cli, Home as _, ended, until};
use super::reports::gitleaks;
use super::second::{Engine, run};
use super::tool::tool;
use super::{certificates, engine};

/// Speaks to those alone whose certificates it knows.
fn encrypted(dir: &Path) -> String {
    certificates::make(dir);
    certificates::server_options(dir)
}

/// Starts a scan with these variables.
async fn start(cli: &Cli<'_>, variables: &[(&str, &str)]) -> Output {
    let tree = cli.bench.tree();
    let mut command = cli.command(&["start", tree.to_str().unwrap(), "--scanner", "far"]);
    for name in ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    ended(command.spawn().unwrap()).await
}

fn completed(cli: &Cli<'_>, output: &Output) {
    assert!(output.status.success(), "{output:?}");
    let result = cli.result(cli.newer(None).unwrap());
    assert_eq!((result.view.state, result.findings.len()), (ScanState::Completed, 3));
}

fn unreachable(output: &Output, words: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(6), "{told}");
    assert!(told.contains(words), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_behind_certificates_is_reached_by_variables_and_by_context() {
    let Some(engine) = Engine::at_port(encrypted).await else { return };
    let bench = Bench::of(engine.docker(), None, "auto").await;
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[tool("far", "cat /src/report.json")]);
    let (host, certificates) = (engine.host(), engine.dir().to_str().unwrap());
    let encrypted = [("DOCKER_HOST", host.as_str()), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", certificates)];
    completed(&cli, &start(&cli, &encrypted).await);

    // A context of the docker program's own making.
    let home = bench.dir.path().join("docker");
    let file = |name: &str| engine.dir().join(name).display().to_string();
    let endpoint = format!("host={host},ca={},cert={},key={}", file("ca.pem"), file("cert.pem"), file("key.pem"));
    let made = Command::new("docker")
        .args(["context", "create", "lab", "--docker", &endpoint])
        .env("DOCKER_CONFIG", &home)
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let home = home.to_str().unwrap();
    completed(&cli, &start(&cli, &[("DOCKER_CONFIG", home), ("DOCKER_CONTEXT", "lab")]).await);

    // Strangers on either side.
    unreachable(&start(&cli, &encrypted[..1]).await, "DOCKER_TLS_VERIFY");
    let strange = engine.dir().join("strange");
    let strangers = [encrypted[0], encrypted[1], ("DOCKER_CERT_PATH", strange.to_str().unwrap())];
    unreachable(&start(&cli, &strangers).await, "certificate");
    drop(cli);
    bench.finish().await;
}

/// An `sshd` of the test's own, and a directory with an `ssh` that trusts it alone.
struct Sshd {
    dir: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Sshd {
    /// `None` where there is no `sshd`, or we may not run one.
    fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() || !Path::new("/usr/sbin/sshd").exists() {
            assert!(std::env::var_os("DRAGNET_REQUIRE_ENGINE").is_none(), "no sshd");
            eprintln!("skipped: an engine behind ssh takes root and sshd");
            return None;
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        std::fs::create_dir_all("/run/sshd").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display().to_string();
        for key in ["host", "user"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &format!("{path}/{key}")]);
        }
        let host_key = std::fs::read_to_string(dir.path().join("host.pub")).unwrap();
        std::fs::write(dir.path().join("known"), format!("[127.0.0.1]:{port} {host_key}")).unwrap();
        let client = format!("IdentityFile {path}/user\nIdentitiesOnly yes\nUserKnownHostsFile {path}/known\n");
        std::fs::write(dir.path().join("config"), client).unwrap();
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        let ssh = dir.path().join("bin/ssh");
        std::fs::write(&ssh, format!("#!/bin/sh\nexec /usr/bin/ssh -F {path}/config \"$@\"\n")).unwrap();
        std::fs::set_permissions(&ssh, PermissionsExt::from_mode(0o755)).unwrap();
        let options = format!(
            "Port={port};ListenAddress=127.0.0.1;HostKey={path}/host;AuthorizedKeysFile={path}/user.pub;PidFile=none;\
             StrictModes=no;UsePAM=no;PermitRootLogin=yes;PasswordAuthentication=no;SetEnv=PATH={}",
            std::env::var("PATH").unwrap()
        );
        let options = options.split(';').flat_map(|option| ["-o", option]);
        let process = Command::new("/usr/sbin/sshd").args(["-D", "-f", "/dev/null"]).args(options).spawn().unwrap();
        Some(Self { dir, port, process })
    }

    fn path(&self) -> String {
        format!("{}:{}", self.dir.path().join("bin").display(), std::env::var("PATH").unwrap())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_behind_ssh_is_reached() {
    let Some(docker) = engine::local().await else { return };
    let Some(sshd) = Sshd::start() else { return };
    until("sshd listens", || std::net::TcpStream::connect(("127.0.0.1", sshd.port)).ok()).await;
    let bench = Bench::of(docker, None, "auto").await;
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[tool("far", "cat /src/report.json")]);
    let (host, path) = (format!("ssh://root@127.0.0.1:{}", sshd.port), sshd.path());
    completed(&cli, &start(&cli, &[("DOCKER_HOST", host.as_str()), ("PATH", path.as_str())]).await);

    let by_socket = format!("{host}/var/run/docker.sock");
    completed(&cli, &start(&cli, &[("DOCKER_HOST", by_socket.as_str()), ("PATH", path.as_str())]).await);

    // Without the test's own client configuration the host is a stranger.
    let own = std::env::var("PATH").unwrap();
    unreachable(&start(&cli, &[("DOCKER_HOST", host.as_str()), ("PATH", own.as_str())]).await, "verification failed");
    let nobody = format!("{host}/run/nobody.sock");
    unreachable(&start(&cli, &[("DOCKER_HOST", nobody.as_str()), ("PATH", path.as_str())]).await, "nobody.sock");
    drop(cli);
    bench.finish().await;
}
