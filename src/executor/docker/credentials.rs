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

/// What was found for a registry.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The credentials, if there are any.
    pub credentials: Option<DockerCredentials>,
    /// Why there may be others that could not be had. Never holds a secret.
    pub trouble: Option<String>,
}

/// Finds the credentials for an image's registry. Trouble is no error yet: most images are public.
pub(super) async fn find(reference: &str) -> Found {
    match directory().map_or_else(|| Ok(Config::default()), |directory| try_read(&directory)) {
        Ok(config) => config.find(registry_of(reference)).await,
        Err(trouble) => Found { credentials: None, trouble: Some(trouble) },
    }
}

impl Config {
    async fn find(&self, registry: &str) -> Found {
        let stored = || self.auth(registry).and_then(|auth| auth.credentials(registry));
        match self.helpers.get(registry).or(self.store.as_ref()) {
            None => Found { credentials: stored(), trouble: None },
            Some(helper) => match ask_helper(helper, registry).await {
                Ok(credentials) => Found { credentials: Some(credentials), trouble: None },
                Err(trouble) => Found { credentials: stored(), trouble: Some(trouble) },
            },
        }
    }

    /// Older programs wrote whole addresses where only the host counts.
    fn auth(&self, registry: &str) -> Option<&Entry> {
        let host = |key: &str| {
            let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
            key.split('/').next().map(str::to_owned)
        };
        let same_host = || self.auths.iter().find(|(key, _)| host(key) == host(registry)).map(|(_, auth)| auth);
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
    fn credentials(&self, registry: &str) -> Option<DockerCredentials> {
        let decode = || String::from_utf8(STANDARD.decode(&self.auth).ok()?).ok();
        let (username, password) = match decode() {
            Some(decoded) if !decoded.is_empty() => {
                let (username, password) = decoded.trim_end_matches('\0').split_once(':')?;
                (Some(username.to_owned()), Some(password.to_owned()))
            }
            _ => (self.username.clone(), self.password.clone()),
        };
        let found = username.is_some() || self.identitytoken.is_some() || self.registrytoken.is_some();
        found.then(|| DockerCredentials {
            username,
            password,
            identitytoken: self.identitytoken.clone(),
            registrytoken: self.registrytoken.clone(),
            serveraddress: Some(registry.to_owned()),
            ..Default::default()
        })
    }
}

/// Asks a helper program; tells why when it has no credentials to give.
async fn ask_helper(helper: &str, registry: &str) -> Result<DockerCredentials, String> {
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
    let mut credentials = DockerCredentials { serveraddress: Some(registry.to_owned()), ..Default::default() };
    if answer.username == TOKEN_USER {
        credentials.identitytoken = Some(answer.secret);
    } else {
        credentials.username = Some(answer.username);
        credentials.password = Some(answer.secret);
    }
    Ok(credentials)
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
        let find = |registry| config.auth(registry).and_then(|auth| auth.credentials(registry));
        let words = |registry| find(registry).map(|found| (found.username.unwrap(), found.password.unwrap()));
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(words("r.example"), pair("user", "pa:ss"));
        assert_eq!(words("old.example"), pair("u", "p"));
        assert_eq!(words("fields.example"), pair("user", "pa:ss"));
        assert_eq!(find("token.example").unwrap().identitytoken.as_deref(), Some("t"));
        for none in ["bad.example", "empty.example", "example", "r.example:5000"] {
            assert_eq!(find(none), None, "{none}");
        }
    }

    #[tokio::test]
    async fn a_helper_that_is_not_there_is_trouble_and_no_end() {
        let text = r#"{"auths": {"r.example": {"auth": "dTpw"}}, "credsStore": "there-is-no-such-helper"}"#;
        let found = serde_json::from_str::<Config>(text).unwrap().find("r.example").await;
        assert!(found.credentials.is_some());
        assert!(found.trouble.unwrap().starts_with("docker-credential-there-is-no-such-helper: "));
    }
}
