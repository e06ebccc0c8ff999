//! A user's machine: a project, a state, a configuration of Docker.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::engine::AGENT;
use super::registry::{PASSWORD, Registry, USER};

/// A project that one scanner looks at, whose image a registry has.
pub(crate) struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    /// Makes a machine whose scanner has this image.
    pub(crate) fn new(image: &str) -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
        for folder in ["project", "docker", "bin"] {
            std::fs::create_dir(machine.path(folder)).unwrap();
        }
        machine.write("project/scan.sh", "echo '[]'\n");
        machine.configure(image);
        machine
    }

    /// Makes a machine that knows a registry's password.
    pub(crate) fn logged_in(registry: &Registry, image: &str) -> Self {
        let machine = Self::new(image);
        machine.write("docker/config.json", &auths(&registry.host, PASSWORD));
        machine
    }

    /// Sets the scanner's image.
    pub(crate) fn configure(&self, image: &str) {
        let text = format!(
            "[executor]\nkind = 'docker'\nagent = '{AGENT}'\n\
             [scanners.tool]\nimage = '{image}'\nprogram = 'sh'\ncommand = ['{{target}}/scan.sh']\ninput = ['dir']\n\
             results = [{{ path = '-', format = 'gitleaks' }}]\ntimeout = '1m'\nlimits = {{ memory = '64MiB' }}\n"
        );
        self.write("config.toml", &text);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Puts a program on the path.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        self.write(&path, &format!("#!/bin/sh\n{script}"));
        std::fs::set_permissions(self.path(&path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(AGENT);
        command.arg("--state").arg(self.path("state")).arg("--config").arg(self.path("config.toml")).args(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DRAGNET_")) {
            command.env_remove(name);
        }
        let search = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{search}", self.path("bin").display()));
        command.env("DOCKER_CONFIG", self.path("docker")).current_dir(self.path("project")).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must succeed; returns what is said beside the data.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        said
    }

    /// Checks that neither `plan` nor `start` goes on, with one error that has these words, and that nothing is stored. Returns
    /// what is said.
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        let said = ["plan", "start"].map(|verb| {
            let output = self.run(&[verb, "--scanner", "tool"]);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{verb}: {said}");
            assert_eq!(said.matches("error:").count(), 1, "{verb}: {said}");
            for word in words {
                assert!(said.contains(word), "{verb} does not say {word}: {said}");
            }
            assert!(!said.contains(PASSWORD), "{said}");
            said
        });
        let scans: serde_json::Value = serde_json::from_slice(&self.run(&["list", "--format", "json"]).stdout).unwrap();
        assert_eq!(scans["scans"], serde_json::json!([]));
        said.concat()
    }
}

/// A configuration of Docker with credentials in it.
pub(crate) fn auths(key: &str, password: &str) -> String {
    let auth = STANDARD.encode(format!("{USER}:{password}"));
    serde_json::json!({ "auths": { key: { "auth": auth } } }).to_string()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
