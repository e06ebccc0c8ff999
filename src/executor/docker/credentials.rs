//! Credentials of registries, from the configuration of the `docker` program: read by the same rules, never stored.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

/// How the default registry is called in the configuration.
const DEFAULT_REGISTRY: &str = "https://index.docker.io/v1/";
/// User name by which a helper says that the password is an identity token.
const TOKEN_USER: &str = "<token>";

/// The part of `config.json` that matters.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    auths: HashMap<String, Auth>,
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
struct Auth {
    auth: String,
    identitytoken: Option<String>,
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
    std::fs::read(directory.join("config.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Finds the credentials for an image's registry.
pub(super) async fn find(reference: &str) -> Option<DockerCredentials> {
    let config = read(&directory()?);
    let registry = registry_of(reference);
    let helper = config.helpers.get(registry).or(config.store.as_ref());
    if let Some(helper) = helper
        && let Some(credentials) = ask_helper(helper, registry).await
    {
        return Some(credentials);
    }
    config.auths.get(registry).and_then(|auth| from_auth(auth, registry))
}

/// Returns the registry of a reference as the configuration names it.
fn registry_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => {
            if host == "docker.io" {
                DEFAULT_REGISTRY
            } else {
                host
            }
        }
        _ => DEFAULT_REGISTRY,
    }
}

fn from_auth(auth: &Auth, registry: &str) -> Option<DockerCredentials> {
    let decoded = String::from_utf8(STANDARD.decode(&auth.auth).ok()?).ok()?;
    let (username, password) = decoded.trim_end_matches('\0').split_once(':')?;
    Some(DockerCredentials {
        username: Some(username.to_owned()),
        password: Some(password.to_owned()),
        identitytoken: auth.identitytoken.clone(),
        serveraddress: Some(registry.to_owned()),
        ..Default::default()
    })
}

/// Asks a helper program; one that fails has no credentials to give.
async fn ask_helper(helper: &str, registry: &str) -> Option<DockerCredentials> {
    let mut child = tokio::process::Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(registry.as_bytes()).await.ok()?;
    let output = child.wait_with_output().await.ok()?;
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout).ok()?;
    let mut credentials = DockerCredentials { serveraddress: Some(registry.to_owned()), ..Default::default() };
    if answer.username == TOKEN_USER {
        credentials.identitytoken = Some(answer.secret);
    } else {
        credentials.username = Some(answer.username);
        credentials.password = Some(answer.secret);
    }
    Some(credentials)
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
            r#"{"auths":{"r.example":{"auth":"dXNlcjpwYTpzcw=="},"bad":{"auth":"%"}},"credsStore":"x"}"#,
        )
        .unwrap();
        let found = from_auth(&config.auths["r.example"], "r.example").unwrap();
        assert_eq!((found.username.as_deref(), found.password.as_deref()), (Some("user"), Some("pa:ss")));
        assert_eq!(from_auth(&config.auths["bad"], "bad"), None);
    }
}
