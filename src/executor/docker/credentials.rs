//! Credentials of registries, from the configuration of the `docker` program: read by the same rules, never stored.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

use crate::model::registry::{Credentials, Login};

/// The registry of references that name none.
const DEFAULT_HOST: &str = "docker.io";
/// How it is called in the configuration.
const DEFAULT_REGISTRY: &str = "https://index.docker.io/v1/";
/// User name by which a helper says that the password is an identity token.
const TOKEN_USER: &str = "<token>";

/// The part of `config.json` that matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    auths: HashMap<String, Entry>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers")]
    helpers: HashMap<String, String>,
    /// The context in use.
    #[serde(rename = "currentContext")]
    pub current_context: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    /// Other programs than `docker` write these two instead of `auth`.
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// Returns the directory of the configuration.
pub(super) fn directory() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(Path::new(&set("HOME")?).join(".docker")))
}

/// Reads the configuration; one that is missing or does not read says nothing.
pub(super) fn read(directory: &Path) -> Config {
    try_read(directory).unwrap_or_default()
}

fn try_read(directory: &Path) -> Result<Config, String> {
    let path = directory.join("config.json");
    match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| format!("{} does not read: {error}", path.display()))
        }
    }
}

/// Finds the credentials for a reference's registry. Trouble is no error yet: most images are public.
pub async fn login(reference: &str) -> Login {
    match directory().map_or_else(|| Ok(Config::default()), |directory| try_read(&directory)) {
        Ok(config) => config.login(registry_of(reference)).await,
        Err(trouble) => Login { credentials: None, trouble: Some(trouble) },
    }
}

/// Returns credentials as the engine takes them.
pub(super) fn for_engine(credentials: Credentials, reference: &str) -> DockerCredentials {
    let mut given =
        DockerCredentials { serveraddress: Some(registry_of(reference).to_owned()), ..DockerCredentials::default() };
    match credentials {
        Credentials::Password { username, password } => {
            (given.username, given.password) = (Some(username), Some(password));
        }
        Credentials::Token(token) => given.registrytoken = Some(token),
        Credentials::Identity(token) => given.identitytoken = Some(token),
    }
    given
}

impl Config {
    async fn login(&self, registry: &str) -> Login {
        let stored = || self.entry(registry).and_then(Entry::credentials);
        match self.helpers.get(registry).or(self.store.as_ref()) {
            None => Login { credentials: stored(), trouble: None },
            Some(helper) => match ask_helper(helper, registry).await {
                Ok(credentials) => Login { credentials: Some(credentials), trouble: None },
                Err(trouble) => Login { credentials: stored(), trouble: Some(trouble) },
            },
        }
    }

    /// Older programs wrote whole addresses where only the host counts.
    fn entry(&self, registry: &str) -> Option<&Entry> {
        let host = |key: &str| {
            let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
            key.split('/').next().map(str::to_owned)
        };
        let same_host = || self.auths.iter().find(|(key, _)| host(key) == host(registry)).map(|(_, entry)| entry);
        self.auths.get(registry).or_else(same_host)
    }
}

/// Returns the registry of a reference as the configuration names it.
fn registry_of(reference: &str) -> &str {
    match host_of(reference) {
        DEFAULT_HOST => DEFAULT_REGISTRY,
        host => host,
    }
}

/// Returns the registry of a reference as people name it.
pub(super) fn host_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some(("index.docker.io", _)) => DEFAULT_HOST,
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => DEFAULT_HOST,
    }
}

impl Entry {
    /// Tokens come first: where there is one, the password beside it is empty.
    fn credentials(&self) -> Option<Credentials> {
        if let Some(token) = self.identitytoken.clone().filter(|token| !token.is_empty()) {
            return Some(Credentials::Identity(token));
        }
        if let Some(token) = self.registrytoken.clone().filter(|token| !token.is_empty()) {
            return Some(Credentials::Token(token));
        }
        let (username, password) = if self.auth.is_empty() {
            (self.username.clone()?, self.password.clone()?)
        } else {
            let decoded = String::from_utf8(STANDARD.decode(&self.auth).ok()?).ok()?;
            let (username, password) = decoded.trim_end_matches('\0').split_once(':')?;
            (username.to_owned(), password.to_owned())
        };
        Some(Credentials::Password { username, password })
    }
}

/// Asks a helper program; tells why when it has no credentials to give.
async fn ask_helper(helper: &str, registry: &str) -> Result<Credentials, String> {
    let program = format!("docker-credential-{helper}");
    let refused = |why: &dyn fmt::Display| format!("{program}: {why}");
    let mut child = tokio::process::Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| refused(&error))?;
    if let Some(mut input) = child.stdin.take() {
        // One that knows a single registry need not listen.
        input.write_all(registry.as_bytes()).await.ok();
    }
    let output = child.wait_with_output().await.map_err(|error| refused(&error))?;
    if !output.status.success() {
        // By the protocol it tells on standard output what is wrong.
        let words = String::from_utf8_lossy(&output.stdout);
        return Err(refused(&words.lines().next().unwrap_or("it failed")));
    }
    let answer: HelperAnswer =
        serde_json::from_slice(&output.stdout).map_err(|_| refused(&"its answer does not read"))?;
    Ok(match answer.username.as_str() {
        TOKEN_USER => Credentials::Identity(answer.secret),
        _ => Credentials::Password { username: answer.username, password: answer.secret },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_read_from_the_reference() {
        for (reference, registry) in [
            ("alpine", DEFAULT_REGISTRY),
            ("library/alpine:3", DEFAULT_REGISTRY),
            ("docker.io/library/alpine", DEFAULT_REGISTRY),
            ("ghcr.io/a/b@sha256:00", "ghcr.io"),
            ("localhost/a", "localhost"),
            ("r:5000/a", "r:5000"),
        ] {
            assert_eq!(registry_of(reference), registry, "{reference}");
        }
    }

    #[test]
    fn stored_credentials_are_decoded() {
        let config: Config = serde_json::from_str(
            r#"{"auths": {"r.example": {"auth": "dXNlcjpwYTpzcw=="}, "https://old.example/v1/": {"auth": "dTpw"},
                "fields.example": {"username": "user", "password": "pa:ss"}, "token.example": {"identitytoken": "t"},
                "bad.example": {"auth": "%"}, "empty.example": {}}, "credsStore": "x"}"#,
        )
        .unwrap();
        let find = |registry| config.entry(registry).and_then(Entry::credentials);
        let password = |username: &str, password: &str| {
            Some(Credentials::Password { username: username.to_owned(), password: password.to_owned() })
        };
        assert_eq!(find("r.example"), password("user", "pa:ss"));
        assert_eq!(find("old.example"), password("u", "p"));
        assert_eq!(find("fields.example"), password("user", "pa:ss"));
        assert_eq!(find("token.example"), Some(Credentials::Identity("t".to_owned())));
        for none in ["bad.example", "empty.example", "example", "r.example:5000"] {
            assert_eq!(find(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn a_helper_that_is_not_there_is_trouble_and_no_end() {
        let text = r#"{"auths": {"r.example": {"auth": "dTpw"}}, "credsStore": "there-is-no-such-helper"}"#;
        let found = serde_json::from_str::<Config>(text).unwrap().login("r.example").await;
        assert!(found.credentials.is_some());
        assert!(found.trouble.unwrap().starts_with("docker-credential-there-is-no-such-helper: "));
    }
}
