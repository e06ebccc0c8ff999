//! A user's machine with a state and a configuration, without an engine: results are imported.

use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use assert_cmd::cargo::CommandCargoExt as _;
use serde_json::Value;

use super::stub::{Answer, Request, Stub};

pub(super) struct Machine {
    pub(super) dir: tempfile::TempDir,
}

impl Machine {
    pub(super) fn new(config: &str) -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
        machine.configure(config);
        machine
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(super) fn configure(&self, config: &str) {
        self.write("config.toml", config);
    }

    pub(super) fn process(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::cargo_bin("dragnet").unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_PROXY", "*");
        command.env("HOME", self.dir.path()).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.current_dir(self.dir.path()).args(["--state", "state", "--config", "config.toml"]).args(args);
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Output {
        Command::from_std(self.process(args)).output().unwrap()
    }

    /// Runs what must succeed; returns what it says on both streams.
    pub(super) fn say(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Imports that many findings, each in a file of its own; returns the scan's id.
    pub(super) fn import(&self, findings: usize) -> String {
        let results: Vec<String> = (0..findings)
            .map(|n| {
                format!(
                    r#"{{"ruleId":"R{n}","level":"{}","message":{{"text":"bad <!channel> {n}"}},"locations":[{{"physicalLocation":
                       {{"artifactLocation":{{"uri":"f{n}.py"}},"region":{{"startLine":1}}}}}}]}}"#,
                    if n % 2 == 0 { "error" } else { "note" },
                )
            })
            .collect();
        let runs = format!(r#"[{{"tool":{{"driver":{{"name":"mine"}}}},"results":[{}]}}]"#, results.join(","));
        self.write("results.sarif", &format!(r#"{{"version":"2.1.0","runs":{runs}}}"#));
        self.say(&["import", "--scanner", "mine", "--as", "sarif", "--quiet", "results.sarif"]);
        let list: Value = serde_json::from_slice(&self.run(&["list", "--format", "json"]).stdout).unwrap();
        list["scans"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The notifications of the state, newest first.
    pub(super) fn notifications(&self) -> Vec<Value> {
        let output = self.run(&["notify", "list", "--format", "json"]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(list["schema"], "dragnet.notifications/v1");
        list["notifications"].as_array().unwrap().clone()
    }

    /// How each of them stands.
    pub(super) fn states(&self) -> Vec<String> {
        self.notifications().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A route to a receiver.
pub(super) fn webhook(name: &str, stub: &Stub, keys: &str) -> String {
    format!(
        "[[notify]]\nname = '{name}'\nkind = 'webhook'\nurl = 'http://{}/hook'\nevents = 'scan.*'\n{keys}\n",
        stub.host
    )
}

/// A receiver that takes everything.
pub(super) fn willing() -> Stub {
    Stub::start(|_, _| Answer::new(204))
}

/// A receiver that answers so at first, and then takes everything.
pub(super) fn flaky(first: Vec<Answer>) -> Stub {
    let left = std::sync::Mutex::new(first.into_iter());
    Stub::start(move |_, _| left.lock().unwrap().next().unwrap_or_else(|| Answer::new(200)))
}

/// The ids of what a receiver was told, in order.
pub(super) fn ids(stub: &Stub) -> Vec<String> {
    stub.seen().iter().map(|request| request.header("webhook-id").unwrap().to_owned()).collect()
}

pub(super) fn json(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_else(|_| panic!("no JSON: {}", text(&request.body)))
}
