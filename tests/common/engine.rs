//! A Docker engine to test against, and the image that its tests run.

use std::path::Path;

use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt as _;

/// The program under test.
pub(crate) const AGENT: &str = env!("CARGO_BIN_EXE_dragnet");
const BUSYBOX: &str = "/bin/busybox";
const APPLETS: [&str; 29] = [
    "sh",
    "awk",
    "cat",
    "chmod",
    "cut",
    "dd",
    "env",
    "find",
    "grep",
    "head",
    "httpd",
    "id",
    "kill",
    "ln",
    "ls",
    "mkdir",
    "mkfifo",
    "nc",
    "printf",
    "rm",
    "seq",
    "sha256sum",
    "sleep",
    "sort",
    "tail",
    "touch",
    "tr",
    "wc",
    "yes",
];

/// Connects to the local engine. `None`, said on stderr, where there is nothing to test with; `DRAGNET_REQUIRE_ENGINE` makes
/// that a failure.
pub(crate) async fn local() -> Option<Docker> {
    let docker = Docker::connect_with_local_defaults().ok();
    let answers = match &docker {
        Some(docker) => docker.ping().await.is_ok(),
        None => false,
    };
    if answers && Path::new(BUSYBOX).exists() {
        return docker;
    }
    let missing = format!("no engine, or no static busybox at {BUSYBOX}");
    assert!(std::env::var_os("DRAGNET_REQUIRE_ENGINE").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    None
}

/// Gives an engine an image of busybox under a name of one's own.
pub(crate) async fn import(docker: &Docker, repository: &str) -> String {
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(repository).tag("1").build();
    let mut import =
        Box::pin(docker.create_image(Some(options), Some(bollard::body_full(layer(repository).into())), None));
    while let Some(step) = import.next().await {
        step.unwrap();
    }
    format!("{repository}:1")
}

/// The image's only layer: busybox under the names of its applets, and a file that no other image has.
fn layer(repository: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    let unique = format!("{repository} {nanos}\n");
    let mut file = tar::Header::new_gnu();
    file.set_size(unique.len() as u64);
    file.set_mode(0o644);
    tar.append_data(&mut file, "unique", unique.as_bytes()).unwrap();
    // Left to the engine, the directory is open to root alone with some of its storage drivers.
    let mut directory = tar::Header::new_gnu();
    directory.set_entry_type(tar::EntryType::Directory);
    directory.set_size(0);
    directory.set_mode(0o755);
    tar.append_data(&mut directory, "bin/", std::io::empty()).unwrap();
    tar.append_path_with_name(BUSYBOX, "bin/busybox").unwrap();
    for applet in APPLETS {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        tar.append_link(&mut header, format!("bin/{applet}"), "busybox").unwrap();
    }
    tar.into_inner().unwrap()
}
