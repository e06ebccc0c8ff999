//! The variables of the environment that are read.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::ConfigError;
use super::merge::set;
use super::types::Config;
use crate::model::nearest::Hint;

/// An environment, handed in so that nothing depends on the process's own.
pub type Environment = BTreeMap<String, String>;

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The key that it sets; none for those that say where things are.
    pub key: Option<&'static str>,
    /// What it is for, in one line.
    pub about: &'static str,
}

const fn variable(name: &'static str, key: &'static str, about: &'static str) -> Variable {
    Variable { name, key: Some(key), about }
}

const fn place(name: &'static str, about: &'static str) -> Variable {
    Variable { name, key: None, about }
}

/// Directory of the state.
pub(super) const STATE: &str = "DRAGNET_STATE";
/// The user's configuration file.
pub(super) const CONFIG: &str = "DRAGNET_CONFIG";

/// Every variable that is read. An empty value counts as none.
pub const VARIABLES: &[Variable] = &[
    place(STATE, "directory of the state"),
    place(CONFIG, "the user's configuration file"),
    place("DRAGNET_POLICY", "a policy file"),
    variable("DRAGNET_AGENT", "executor.agent", "a file or image with a dragnet that runs in containers"),
    variable("DRAGNET_AGENT_IMAGE", "executor.kubernetes.agent_image", "the image that holds dragnet, for clusters"),
    variable("DRAGNET_DEPTH", "scan.depth", "most steps between the target and an asset"),
    variable("DRAGNET_DOCKER_CONTEXT", "executor.docker.context", "a context of the docker client's"),
    variable("DRAGNET_DOCKER_HOST", "executor.docker.host", "address of the Docker engine"),
    variable("DRAGNET_EXECUTOR", "executor.kind", "where scanners run"),
    variable("DRAGNET_EPSS", "data.epss", "a file of EPSS scores"),
    variable("DRAGNET_FAIL_ON", "gate.fail_on", "at what the gate fails: `high`, `new:high`, `critical,medium=10`"),
    variable("DRAGNET_GRACE", "scan.grace", "time to end by itself when cancelled"),
    variable("DRAGNET_ENGINE_TIMEOUT", "scan.engine_timeout", "silence of the engine before a command gives up"),
    variable("DRAGNET_KEV", "data.kev", "the catalogue of known exploited vulnerabilities, a file"),
    variable("DRAGNET_KUBE_CONTEXT", "executor.kubernetes.context", "a context of the kubeconfig"),
    variable("DRAGNET_KUBE_NAMESPACE", "executor.kubernetes.namespace", "the cluster's namespace"),
    variable("DRAGNET_MAX_ASSETS", "scan.max_assets", "most assets that the scan follows"),
    variable("DRAGNET_MAX_DURATION", "scan.max_duration", "longest run of the scan"),
    variable("DRAGNET_MAX_RESULTS", "scan.max_results", "most records that one job may store"),
    variable("DRAGNET_ON_INTERRUPT", "scan.on_interrupt", "what the first interrupt does"),
    variable("DRAGNET_PARALLELISM", "scan.parallelism", "jobs that may run at once"),
    variable("DRAGNET_SOURCE_GITIGNORE", "source.gitignore", "whether .gitignore leaves files out"),
    variable("DRAGNET_TARGET_LINE", "target.line", "the branch or tag, where git does not say"),
    variable("DRAGNET_TARGET_NAME", "target.name", "the target's name"),
    variable("DRAGNET_TEMPLATE", "scan.template", "the template to run"),
    variable("DRAGNET_TRANSPORT", "executor.transport", "how files reach the Docker engine"),
];

/// Returns a table for each variable that is set, checked.
pub(super) fn layers(env: &Environment) -> Result<Vec<(&'static str, Table)>, ConfigError> {
    let set_ones = VARIABLES.iter().filter_map(|variable| {
        let text = env.get(variable.name).filter(|text| !text.is_empty())?;
        Some((variable.name, variable.key?, text))
    });
    set_ones.map(|(name, key, text)| Ok((name, layer(name, key, text)?))).collect()
}

fn layer(name: &'static str, key: &str, text: &str) -> Result<Table, ConfigError> {
    // A name may look like a number: take the text as text where that is what the key wants.
    let mut last = None;
    for value in readings(text) {
        let mut table = Table::new();
        set(&mut table, key, value);
        match table.clone().try_into::<Config>() {
            Ok(_) => return Ok(table),
            Err(error) => last = Some(error),
        }
    }
    let message = last.map(|error| error.message().to_owned()).unwrap_or_default();
    Err(ConfigError::Variable { name, message })
}

/// The values that a text can stand for; the last is the one to complain about.
fn readings(text: &str) -> Vec<Value> {
    let string = Value::String(text.to_owned());
    match (text.parse::<i64>(), text.parse::<bool>()) {
        (Ok(number), _) => vec![string, Value::Integer(number)],
        (_, Ok(truth)) => vec![string, Value::Boolean(truth)],
        _ => vec![string],
    }
}

/// Returns the variables that begin like ours and are not known, with what was perhaps meant.
pub fn unknown(env: &Environment) -> Vec<(&str, Hint)> {
    let ours = env.keys().filter(|name| name.starts_with("DRAGNET_"));
    let unknown = ours.filter(|name| VARIABLES.iter().all(|variable| variable.name != *name));
    unknown.map(|name| (name.as_str(), Hint::new(name, VARIABLES.iter().map(|variable| variable.name)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str, value: &str) -> Environment {
        Environment::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn every_variable_sets_a_key_that_exists() {
        for variable in VARIABLES {
            let Some(key) = variable.key else { continue };
            let taken = ["7", "true", "1h", "docker", "auto", "cancel", "high"]
                .iter()
                .any(|text| layer(variable.name, key, text).is_ok());
            assert!(taken, "{key}");
        }
    }

    #[test]
    fn values_are_read_as_the_key_wants_them() {
        let table = |name, value| layers(&env(name, value)).unwrap().remove(0).1;
        assert_eq!(table("DRAGNET_TARGET_NAME", "42")["target"]["name"], Value::String("42".into()));
        assert_eq!(table("DRAGNET_DEPTH", "42")["scan"]["depth"], Value::Integer(42));
        assert!(layers(&env("DRAGNET_DEPTH", "")).unwrap().is_empty());
        let error = layers(&env("DRAGNET_DEPTH", "deep")).unwrap_err().to_string();
        assert!(error.starts_with("DRAGNET_DEPTH: invalid type: string \"deep\""), "{error}");
    }

    #[test]
    fn unknown_variables_are_told_not_refused() {
        // An orchestrator sets such variables for a service of our name.
        let env = Environment::from(
            ["DRAGNET_DEPHT", "DRAGNET_SERVICE_HOST", "PATH"].map(|name| (name.to_owned(), String::new())),
        );
        let unknown = unknown(&env);
        assert_eq!(unknown[0], ("DRAGNET_DEPHT", Hint(Some("DRAGNET_DEPTH".into()))));
        assert_eq!(unknown.len(), 2);
    }
}
