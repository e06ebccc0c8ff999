//! Finding the cluster: by option, by `KUBECONFIG`, by the user's kubeconfig, by the pod's own account.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{ExecConfig, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::error::from_kube;
use crate::executor::ExecutorError;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence in a call that answers at once.
const ANSWER: Duration = Duration::from_secs(30);
/// Where a pod finds its own account.
const OWN_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Where a cluster is found, so that another process finds the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterPlace {
    /// Kubeconfig files by their absolute paths, separated by `:`; none for the account of the pod that we run in.
    pub kubeconfig: Option<String>,
    /// The context; none for the pod's own account.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
}

/// The two connections to a cluster.
pub(super) struct Connection {
    /// For calls that are answered at once: every wait has an end.
    pub api: Client,
    /// For watches and exec: silence has no end here, whoever reads keeps the time.
    pub stream: Client,
    /// Who the cluster is, where it says nothing itself: its address and its certificate authority.
    pub address: String,
}

impl ClusterPlace {
    /// Finds the cluster by the rules of `kubectl`; what is not given is what is in force now.
    pub fn find(
        kubeconfig: Option<&str>,
        context: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<Self, ExecutorError> {
        let Some(paths) = kubeconfig.map(str::to_owned).or_else(standard) else {
            return Self::of_pod(namespace);
        };
        let file = read(&paths)?;
        let Some(context) = context.map(str::to_owned).or_else(|| file.current_context.clone()) else {
            let words = format!("the kubeconfig {paths} has no current context: name one with {CONTEXT}");
            return Err(ExecutorError::Refused(words));
        };
        let Some(found) = file.contexts.iter().find(|one| one.name == context) else {
            let names: Vec<_> = file.contexts.iter().map(|one| one.name.as_str()).collect();
            let words = format!("the kubeconfig {paths} has no context `{context}`, but {}", names.join(", "));
            return Err(ExecutorError::Refused(words));
        };
        let of_context = || found.context.as_ref().and_then(|context| context.namespace.clone());
        let namespace = namespace.map(str::to_owned).or_else(of_context).unwrap_or_else(|| "default".to_owned());
        Ok(Self { kubeconfig: Some(absolute(&paths)), context: Some(context), namespace })
    }

    fn of_pod(namespace: Option<&str>) -> Result<Self, ExecutorError> {
        if !Path::new(OWN_ACCOUNT).exists() {
            let words = "no cluster is known: there is no kubeconfig; name one with KUBECONFIG or `[executor.kubernetes] kubeconfig`";
            return Err(ExecutorError::Refused(words.to_owned()));
        }
        let namespace = match namespace {
            Some(namespace) => namespace.to_owned(),
            None => Config::incluster().map_err(|error| ExecutorError::Refused(error.to_string()))?.default_namespace,
        };
        Ok(Self { kubeconfig: None, context: None, namespace })
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Connection, ExecutorError> {
        let mut config = match &self.kubeconfig {
            Some(paths) => {
                let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
                let refused = |error| ExecutorError::Refused(format!("the kubeconfig {paths}: {error}"));
                Config::from_custom_kubeconfig(read(paths)?, &options).await.map_err(refused)?
            }
            None => Config::incluster().map_err(|error| ExecutorError::Refused(error.to_string()))?,
        };
        // Repeating is decided by who knows what was asked for.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        let address = format!("{} {:?}", config.cluster_url, config.root_cert);
        config.write_timeout = Some(ANSWER);
        config.read_timeout = None;
        let stream = config.clone();
        let mut api = config;
        api.read_timeout = Some(ANSWER);
        let plugin = api.auth_info.exec.clone();
        let client =
            |config| Client::try_from(config).map_err(|error| about_plugin(plugin.as_ref(), from_kube(&error)));
        Ok(Connection { api: client(api)?, stream: client(stream)?, address })
    }
}

/// Names the program that the kubeconfig has for credentials, and says what it says of how to get it.
fn about_plugin(plugin: Option<&ExecConfig>, error: ExecutorError) -> ExecutorError {
    match (plugin, error) {
        (Some(ExecConfig { command: Some(command), install_hint, .. }), ExecutorError::Refused(words)) => {
            let hint = install_hint.as_ref().map(|hint| format!("; {}", hint.trim())).unwrap_or_default();
            ExecutorError::Refused(format!("the kubeconfig's program `{command}` brings no credentials: {words}{hint}"))
        }
        (_, error) => error,
    }
}

const CONTEXT: &str = "`[executor.kubernetes] context`";

/// Returns what `kubectl` reads: `KUBECONFIG`, or the file in the home directory if there is one.
fn standard() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("KUBECONFIG").or_else(|| {
        let file = PathBuf::from(set("HOME")?).join(".kube/config");
        file.exists().then(|| file.to_string_lossy().into_owned())
    })
}

/// Reads the files and lays them over one another; of several, those that do not exist are passed over, as `kubectl` does.
fn read(paths: &str) -> Result<Kubeconfig, ExecutorError> {
    let refused = |path: &Path, why: String| {
        let words = format!("the kubeconfig {} cannot be used: {why}", path.display());
        ExecutorError::Refused(words)
    };
    let all: Vec<_> = std::env::split_paths(paths).filter(|path| !path.as_os_str().is_empty()).collect();
    let mut merged = Kubeconfig::default();
    for path in &all {
        if all.len() > 1 && !path.exists() {
            continue;
        }
        let one = Kubeconfig::read_from(path).map_err(|error| refused(path, error.to_string()))?;
        merged = merged.merge(one).map_err(|error| refused(path, error.to_string()))?;
    }
    Ok(merged)
}

fn absolute(paths: &str) -> String {
    let one = |path: PathBuf| std::path::absolute(&path).unwrap_or(path).to_string_lossy().into_owned();
    std::env::split_paths(paths).map(one).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters:\n- name: c\n  cluster: { server: 'https://c:6443' }\n\
        users:\n- name: u\n  user: { token: t }\ncontexts:\n- name: lab\n  context: { cluster: c, user: u, namespace: scans }\n\
        - name: bare\n  context: { cluster: c, user: u }\n";

    #[test]
    fn the_place_is_pinned_when_it_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        std::fs::write(&path, FILE).unwrap();
        let path = path.to_str().unwrap();
        let find = |context, namespace| ClusterPlace::find(Some(path), context, namespace);
        let place = |context: &str, namespace: &str| ClusterPlace {
            kubeconfig: Some(path.to_owned()),
            context: Some(context.to_owned()),
            namespace: namespace.to_owned(),
        };
        assert_eq!(find(None, None).unwrap(), place("lab", "scans"));
        assert_eq!(find(Some("bare"), None).unwrap(), place("bare", "default"));
        assert_eq!(find(None, Some("other")).unwrap(), place("lab", "other"));
        let error = find(Some("nowhere"), None).unwrap_err().to_string();
        assert!(error.contains("`nowhere`, but lab, bare"), "{error}");
    }

    #[test]
    fn a_kubeconfig_that_is_missing_or_broken_is_named() {
        let error = ClusterPlace::find(Some("/nonexistent/config"), None, None).unwrap_err();
        assert!(matches!(&error, ExecutorError::Refused(words) if words.contains("/nonexistent/config")), "{error}");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        std::fs::write(&path, "apiVersion: [").unwrap();
        assert!(ClusterPlace::find(path.to_str(), None, None).is_err());
        std::fs::write(&path, "apiVersion: v1\nkind: Config\n").unwrap();
        let error = ClusterPlace::find(path.to_str(), None, None).unwrap_err().to_string();
        assert!(error.contains("no current context"), "{error}");
    }
}
