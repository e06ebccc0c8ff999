//! Finding the engine: by option, by environment, by context, by the sockets that are there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use serde::Deserialize;

use super::credentials;
use super::engine::Engine;
use super::error::from_engine;
use super::tunnel::Tunnel;
use crate::executor::ExecutorError;
use crate::model::id::Sha256;

/// Seconds until an answer begins; longer calls set their own.
const TIMEOUT: u64 = 120;

/// Where an engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// `unix://…`, `tcp://…`, `ssh://…`.
    pub host: String,
    /// Directory with `ca.pem`, `cert.pem` and `key.pem`, when the connection is encrypted.
    pub certificates: Option<PathBuf>,
}

/// What decides where the engine is.
pub(super) struct Surroundings<'a> {
    /// The host that the user named.
    pub host: Option<&'a str>,
    /// The context that the user named.
    pub context: Option<&'a str>,
    /// Variables of the environment.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Directory of the `docker` program's configuration.
    pub config: Option<&'a Path>,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints")]
    endpoints: std::collections::HashMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host", default)]
    host: String,
}

impl Surroundings<'_> {
    /// Finds the engine by the rules of the `docker` program, and where those end, by the usual sockets.
    pub(super) fn endpoint(&self) -> Result<Endpoint, ExecutorError> {
        if let Some(host) = self.host {
            return Ok(self.of_host(host));
        }
        if let Some(context) = self.context {
            return self.of_context(context);
        }
        if let Some(host) = self.set("DOCKER_HOST") {
            return Ok(self.of_host(&host));
        }
        let current = || credentials::read(self.config?).current_context;
        if let Some(context) = self.set("DOCKER_CONTEXT").or_else(current) {
            return self.of_context(&context);
        }
        let socket = self.sockets().into_iter().find(|path| path.exists());
        let socket = socket.ok_or_else(|| ExecutorError::Unreachable("no engine's socket was found".to_owned()))?;
        Ok(Endpoint { host: format!("unix://{}", socket.display()), certificates: None })
    }

    fn set(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn of_host(&self, host: &str) -> Endpoint {
        let encrypted =
            host.starts_with("https://") || host.starts_with("tcp://") && self.set("DOCKER_TLS_VERIFY").is_some();
        let certificates =
            || self.set("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| self.config.map(Path::to_owned));
        Endpoint { host: host.to_owned(), certificates: if encrypted { certificates() } else { None } }
    }

    fn of_context(&self, name: &str) -> Result<Endpoint, ExecutorError> {
        if name == "default" {
            return Ok(Endpoint { host: "unix:///var/run/docker.sock".to_owned(), certificates: None });
        }
        let refused = |why: String| ExecutorError::Refused(format!("docker context `{name}` {why}"));
        let config = self.config.ok_or_else(|| refused("cannot be read without a home directory".to_owned()))?;
        // Contexts are stored under the hash of their names.
        let id = Sha256::of(name).to_string();
        let path = config.join("contexts/meta").join(&id).join("meta.json");
        let text = std::fs::read(&path).map_err(|error| refused(format!("cannot be read: {error}")))?;
        let meta: ContextMeta =
            serde_json::from_slice(&text).map_err(|error| refused(format!("does not read: {error}")))?;
        let endpoint = meta.endpoints.get("docker").filter(|endpoint| !endpoint.host.is_empty());
        let host = endpoint.ok_or_else(|| refused("names no host".to_owned()))?.host.clone();
        let certificates = config.join("contexts/tls").join(&id).join("docker");
        Ok(Endpoint { host, certificates: certificates.join("ca.pem").exists().then_some(certificates) })
    }

    fn sockets(&self) -> Vec<PathBuf> {
        let mut paths = vec![PathBuf::from("/var/run/docker.sock")];
        if let Some(runtime) = self.set("XDG_RUNTIME_DIR").map(PathBuf::from) {
            paths.extend([runtime.join("docker.sock"), runtime.join("podman/podman.sock")]);
        }
        if let Some(home) = self.set("HOME") {
            paths.push(Path::new(&home).join(".docker/run/docker.sock"));
        }
        paths.push(PathBuf::from("/run/podman/podman.sock"));
        paths
    }
}

impl Endpoint {
    /// Connects and agrees on a version of the interface.
    pub(super) async fn connect(&self) -> Result<Engine, ExecutorError> {
        let host = self.host.as_str();
        let tunnel = host.starts_with("ssh://").then(|| Tunnel::open(host)).transpose()?.map(Arc::new);
        let docker = match (&self.certificates, &tunnel) {
            (_, Some(tunnel)) => {
                Docker::connect_with_unix(&tunnel.socket().to_string_lossy(), TIMEOUT, API_DEFAULT_VERSION)
            }
            (Some(directory), None) => {
                let file = |name| directory.join(name);
                Docker::connect_with_ssl(
                    host,
                    &file("key.pem"),
                    &file("cert.pem"),
                    &file("ca.pem"),
                    TIMEOUT,
                    API_DEFAULT_VERSION,
                )
            }
            (None, None) => Docker::connect_with_host(host),
        };
        let explain = |error: bollard::errors::Error| match (from_engine(&error), &tunnel) {
            (ExecutorError::Unreachable(_), Some(tunnel)) if !tunnel.said().is_empty() => {
                ExecutorError::Unreachable(format!("{host}: {}", tunnel.said()))
            }
            (ExecutorError::Unreachable(message), _) => ExecutorError::Unreachable(format!("{host}: {message}")),
            (error, _) if error.to_string().contains("HTTP request to an HTTPS server") => ExecutorError::Unreachable(
                format!("{host} wants an encrypted connection: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"),
            ),
            (error, _) => error,
        };
        let docker = docker.map_err(explain)?.with_request_modifier(rewrite_credentials);
        let docker = docker.negotiate_version().await.map_err(explain)?;
        Ok(Engine::new(docker, tunnel))
    }
}

/// Engines read the credentials of registries in the alphabet that base64 has for URLs, and take what they cannot read for
/// none; the client library writes them in the other alphabet.
fn rewrite_credentials(mut request: BollardRequest) -> BollardRequest {
    if let Some(header) = request.headers_mut().get_mut("X-Registry-Auth") {
        let rewritten = header.to_str().ok().and_then(|text| text.replace('+', "-").replace('/', "_").parse().ok());
        if let Some(rewritten) = rewritten {
            *header = rewritten;
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(
        host: Option<&str>,
        context: Option<&str>,
        variables: &[(&str, &str)],
        config: &Path,
    ) -> Result<Endpoint, ExecutorError> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Surroundings { host, context, variable: &variable, config: Some(config) }.endpoint()
    }

    #[test]
    fn what_is_nearest_to_the_user_wins() {
        let config = tempfile::tempdir().unwrap();
        let config = config.path();
        let id = Sha256::of("lab").to_string();
        std::fs::create_dir_all(config.join("contexts/meta").join(&id)).unwrap();
        let meta = r#"{"Name":"lab","Endpoints":{"docker":{"Host":"ssh://lab","SkipTLSVerify":false}}}"#;
        std::fs::write(config.join("contexts/meta").join(&id).join("meta.json"), meta).unwrap();
        let host = |found: Result<Endpoint, ExecutorError>| found.unwrap().host;

        let variables = [("DOCKER_HOST", "tcp://e:2375"), ("DOCKER_CONTEXT", "lab")];
        assert_eq!(host(find(Some("unix:///x"), Some("lab"), &variables, config)), "unix:///x");
        assert_eq!(host(find(None, Some("lab"), &variables, config)), "ssh://lab");
        assert_eq!(host(find(None, None, &variables, config)), "tcp://e:2375");
        assert_eq!(host(find(None, None, &variables[1..], config)), "ssh://lab");
        std::fs::write(config.join("config.json"), r#"{"currentContext":"lab"}"#).unwrap();
        assert_eq!(host(find(None, None, &[], config)), "ssh://lab");
        assert!(find(None, Some("nowhere"), &[], config).is_err());
    }

    #[test]
    fn certificates_are_used_where_they_are_asked_for() {
        let config = Path::new("/config");
        let variables = [("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/certs")];
        let certificates = |host, variables: &[_]| find(Some(host), None, variables, config).unwrap().certificates;
        assert_eq!(certificates("tcp://e:2376", &variables), Some("/certs".into()));
        assert_eq!(certificates("tcp://e:2376", &variables[..1]), Some("/config".into()));
        assert_eq!(certificates("tcp://e:2375", &[]), None);
        assert_eq!(certificates("unix:///x", &variables), None);
    }
}
