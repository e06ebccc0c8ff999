//! A registry of images on this machine, with a password or open to all.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::{
    ListImagesOptions, PushImageOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures::StreamExt as _;

/// Debian's name of the program.
const PROGRAM: &str = "docker-registry";
/// Who may use it. The password has what two alphabets of base64 write differently, and a colon.
pub(crate) const USER: &str = "user";
pub(crate) const PASSWORD: &str = "pa:ss?>~÷";
/// Who may too: the tests themselves, whose client of the engine knows only one of these alphabets.
const PUBLISHER: (&str, &str) = ("publisher", "plain");
/// `htpasswd -nbBC 5 user 'pa:ss?>~÷'; htpasswd -nbBC 5 publisher plain`
const HTPASSWD: &str = "\
user:$2y$05$2IGrLHR5mRKBfgE6v42baOxw3s6f80t/ViM4yoeAqsVMKQA3KBbEu
publisher:$2y$05$4/WCxoee7TOPXf0pbZugke1Axtqy1plz63Z9fUeGYap2ksilgNW/e
";

/// A registry that runs until it is dropped; then the images that have its name are removed from the engine.
pub(crate) struct Registry {
    /// Its name in references, `127.0.0.1:PORT`: engines take a registry of the loopback network without encryption.
    pub host: String,
    /// The engine that pulls from it.
    pub docker: Docker,
    process: Child,
    _storage: tempfile::TempDir,
}

impl Registry {
    /// Starts a registry that wants a name and a password. `None`, said on stderr, where there is none to start; `DRAGNET_REQUIRE_ENGINE` makes that a failure.
    pub(crate) async fn start() -> Option<Self> {
        Self::with("auth: { htpasswd: { realm: test, path: 'PASSWORDS' } }").await
    }

    /// Starts a registry that lets everybody in.
    pub(crate) async fn open() -> Option<Self> {
        Self::with("").await
    }

    async fn with(auth: &str) -> Option<Self> {
        let docker = super::engine::local().await?;
        let storage = tempfile::tempdir().unwrap();
        match serve(storage.path(), auth) {
            Ok((process, host)) => Some(Self { host, docker, process, _storage: storage }),
            Err(error) => {
                let missing = format!("{PROGRAM} cannot be run: {error}");
                assert!(std::env::var_os("DRAGNET_REQUIRE_ENGINE").is_none(), "{missing}");
                eprintln!("skipped: {missing}");
                None
            }
        }
    }

    /// Returns the reference of the image `name` in this registry.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/{name}:1", self.host)
    }

    /// Makes an image like no other, pushes it as `name` and removes it from the engine. Returns its reference by digest.
    pub(crate) async fn offer(&self, name: &str) -> String {
        let repository = format!("{}/{name}", self.host);
        super::engine::import(&self.docker, &repository).await;
        let digest = self.push(&repository).await;
        self.forget().await;
        assert_eq!(self.present().await, Vec::<String>::new());
        digest
    }

    /// Pushes an image that the engine has as `name` too. Returns its reference by digest.
    pub(crate) async fn push_again(&self, image: &str, name: &str) -> String {
        let repository = format!("{}/{name}", self.host);
        let options = TagImageOptionsBuilder::new().repo(&repository).tag("1").build();
        self.docker.tag_image(image, Some(options)).await.unwrap();
        self.push(&repository).await
    }

    async fn push(&self, repository: &str) -> String {
        let credentials = DockerCredentials {
            username: Some(PUBLISHER.0.to_owned()),
            password: Some(PUBLISHER.1.to_owned()),
            ..Default::default()
        };
        let options = PushImageOptionsBuilder::new().tag("1").build();
        let mut push = Box::pin(self.docker.push_image(repository, Some(options), Some(credentials)));
        while let Some(step) = push.next().await {
            step.unwrap();
        }
        drop(push);
        let image = self.docker.inspect_image(&format!("{repository}:1")).await.unwrap();
        let ours = |digest: &String| digest.starts_with(&format!("{repository}@"));
        image.repo_digests.unwrap_or_default().into_iter().find(ours).unwrap()
    }

    /// Returns the references, by tag and by digest, of this registry's images that the engine has.
    pub(crate) async fn present(&self) -> Vec<String> {
        present(&self.docker, &self.host).await
    }

    /// Removes this registry's images from the engine.
    pub(crate) async fn forget(&self) {
        forget(&self.docker, &self.host).await;
    }

    /// Ends the registry: from then on nothing listens there.
    pub(crate) fn stop(&mut self) {
        self.process.kill().ok();
        self.process.wait().unwrap();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
        let host = self.host.clone();
        // The test's own runtime may be ending.
        let cleaning = std::thread::spawn(move || {
            let docker = Docker::connect_with_local_defaults().unwrap();
            tokio::runtime::Runtime::new().unwrap().block_on(forget(&docker, &host));
        });
        cleaning.join().ok();
    }
}

/// Starts the program on a port that the system chooses; returns it with its address.
fn serve(storage: &Path, auth: &str) -> std::io::Result<(Child, String)> {
    let (passwords, config) = (storage.join("htpasswd"), storage.join("config.yml"));
    std::fs::write(&passwords, HTPASSWD)?;
    let text = format!(
        "version: 0.1\nlog: {{ level: info }}\nhttp: {{ addr: '127.0.0.1:0' }}\n\
         storage: {{ filesystem: {{ rootdirectory: '{}' }} }}\n{}\n",
        storage.join("data").display(),
        auth.replace("PASSWORDS", &passwords.to_string_lossy())
    );
    std::fs::write(&config, text)?;
    let mut command = Command::new(PROGRAM);
    command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = command.spawn()?;
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("listening on ")?;
        rest.split('"').next().map(str::to_owned)
    });
    // Nobody reads what it says from here on, and it must not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    match address {
        Some(address) => Ok((process, address)),
        None => Err(std::io::Error::other(format!("it ended: {}", process.wait()?))),
    }
}

async fn present(docker: &Docker, host: &str) -> Vec<String> {
    let ours = |reference: &String| reference.starts_with(&format!("{host}/"));
    let images = docker.list_images(None::<ListImagesOptions>).await.unwrap();
    let references = images.into_iter().flat_map(|image| image.repo_tags.into_iter().chain(image.repo_digests));
    references.filter(ours).collect()
}

async fn forget(docker: &Docker, host: &str) {
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    for reference in present(docker, host).await {
        // The last tag of an image takes its digests with it.
        docker.remove_image(&reference, Some(options.clone()), None).await.ok();
    }
}
