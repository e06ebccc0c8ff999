//! All layers → one configuration, with the origin of each value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use toml::Table;

use super::env::{self, Environment};
use super::error::ConfigError;
use super::keys;
use super::merge::{leaves, merge};
use super::trust;
use super::types::Config;
use crate::model::notify::Address;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is, as messages name it.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// The project's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The file.
    pub file: File,
    /// Whether the user trusted what is in it.
    pub trusted: bool,
}

/// What a configuration is made from.
#[derive(Debug, Clone, Default)]
pub struct Layers<'a> {
    /// What the command line sets; see [`super::set`].
    pub flags: Table,
    /// The policy, from outside the project.
    pub policy: Option<File>,
    /// The environment.
    pub env: Option<&'a Environment>,
    /// `./dragnet.toml`.
    pub project: Option<Project>,
    /// The user's own file.
    pub user: Option<File>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The program.
    Default,
    /// The user's file.
    User(PathBuf),
    /// The project's file.
    Project(PathBuf),
    /// A variable.
    Variable(&'static str),
    /// The policy file.
    Policy(PathBuf),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::User(path) => write!(f, "user: {}", path.display()),
            Self::Project(path) => write!(f, "project: {}", path.display()),
            Self::Variable(name) => write!(f, "environment: {name}"),
            Self::Policy(path) => write!(f, "policy: {}", path.display()),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The configuration.
    pub config: Config,
    /// Every value that is set, sorted by key.
    pub settings: Vec<Setting>,
}

/// One value with its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Its key with the tables it is in.
    pub key: String,
    /// Its value.
    pub value: toml::Value,
    /// Where it came from.
    #[serde(serialize_with = "as_text")]
    pub origin: Origin,
}

fn as_text<S: serde::Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(origin)
}

/// Returns a value as it may be shown: of the addresses that notifications go to, which are secrets mostly, scheme and host.
fn shown(key: &str, value: &toml::Value) -> toml::Value {
    let mut value = value.clone();
    if key == "notify" {
        for route in value.as_array_mut().into_iter().flatten().filter_map(toml::Value::as_table_mut) {
            if let Some(url) = route.get_mut("url") {
                let text = url.as_str().unwrap_or_default().to_owned();
                *url = Address::try_from(text).map(String::from).unwrap_or_default().into();
            }
        }
    }
    value
}

/// Checks each layer and lays them over one another.
pub fn resolve(layers: Layers<'_>) -> Result<Resolved, ConfigError> {
    let (mut merged, mut origins) = (Table::new(), BTreeMap::new());
    for (origin, table) in stack(layers)? {
        merge(&mut merged, table, &origin, &mut origins);
    }
    let mut settings: Vec<Setting> = leaves(&merged)
        .into_iter()
        .map(|(key, value)| {
            let origin = origins.get(&key).cloned().unwrap_or(Origin::Default);
            Setting { value: shown(&key, value), key, origin }
        })
        .collect();
    settings.sort_by(|a, b| a.key.cmp(&b.key));
    let config = merged.try_into::<Config>().map_err(|error| ConfigError::Flags(error.message().to_owned()))?;
    Ok(Resolved { config, settings })
}

/// Returns the layers, weakest first, each checked by itself.
fn stack(layers: Layers<'_>) -> Result<Vec<(Origin, Table)>, ConfigError> {
    let read = |file: &File| keys::parse(&file.path, &file.text);
    let defaults = Table::try_from(Config::default()).map_err(|error| ConfigError::Flags(error.to_string()))?;
    let mut stack = vec![(Origin::Default, defaults)];
    if let Some(file) = layers.user {
        stack.push((Origin::User(file.path.clone()), read(&file)?));
    }
    if let Some(Project { file, trusted }) = layers.project {
        let table = read(&file)?;
        trust::refuse_schedules(&file)?;
        if !trusted {
            trust::check(&file)?;
        }
        stack.push((Origin::Project(file.path), table));
    }
    if let Some(env) = layers.env {
        stack.extend(env::layers(env)?.into_iter().map(|(name, table)| (Origin::Variable(name), table)));
    }
    if let Some(file) = layers.policy {
        stack.push((Origin::Policy(file.path.clone()), read(&file)?));
    }
    layers.flags.clone().try_into::<Config>().map_err(|error| ConfigError::Flags(error.message().to_owned()))?;
    stack.push((Origin::Flag, layers.flags));
    Ok(stack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::set;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.to_owned() }
    }

    /// Every layer sets `scan.depth`, the strongest first; the `n` strongest are left out.
    fn without(n: usize) -> (u32, String) {
        let env = Environment::from([("DRAGNET_DEPTH".to_owned(), "13".to_owned())]);
        let mut layers = Layers {
            policy: Some(file("policy.toml", "scan.depth = 14")),
            env: Some(&env),
            project: Some(Project { file: file("dragnet.toml", "scan.depth = 12"), trusted: true }),
            user: Some(file("config.toml", "scan.depth = 11")),
            ..Layers::default()
        };
        set(&mut layers.flags, "scan.depth", 15);
        if n > 0 {
            layers.flags.clear();
        }
        if n > 1 {
            layers.policy = None;
        }
        if n > 2 {
            layers.env = None;
        }
        if n > 3 {
            layers.project = None;
        }
        if n > 4 {
            layers.user = None;
        }
        let resolved = resolve(layers).unwrap();
        let setting = resolved.settings.iter().find(|setting| setting.key == "scan.depth").unwrap();
        (resolved.config.scan.depth, setting.origin.to_string())
    }

    #[test]
    fn the_strongest_layer_wins_and_is_named() {
        let expected = [
            (15, "flag"),
            (14, "policy: policy.toml"),
            (13, "environment: DRAGNET_DEPTH"),
            (12, "project: dragnet.toml"),
            (11, "user: config.toml"),
            (5, "default"),
        ];
        for (n, (depth, origin)) in expected.into_iter().enumerate() {
            assert_eq!(without(n), (depth, origin.to_owned()));
        }
    }

    #[test]
    fn tables_of_several_layers_are_merged_and_lists_replaced() {
        let layers = Layers {
            project: Some(Project {
                file: file("dragnet.toml", "source.exclude = ['b']\n[scanners.nmap.params]\ntop_ports = '10'"),
                trusted: false,
            }),
            user: Some(file("config.toml", "source.exclude = ['a']\n[scanners.nmap]\ntimeout = '5m'\nparams.x = 'y'")),
            ..Layers::default()
        };
        let config = resolve(layers).unwrap().config;
        assert_eq!(config.source.exclude, ["b"]);
        assert_eq!(config.scanners["nmap"].timeout.unwrap().to_string(), "5m");
        assert_eq!(config.scanners["nmap"].params.len(), 2);
    }

    #[test]
    fn of_an_address_of_notifications_its_host_is_shown() {
        let text = "[[notify]]\nname = 'a'\nkind = 'slack'\nurl = 'https://hooks.example/planted'\n\
                    [[notify]]\nname = 'b'\nkind = 'webhook'\nurl = 'env:HOOK'";
        let resolved = resolve(Layers { user: Some(file("config.toml", text)), ..Layers::default() }).unwrap();
        let shown = serde_json::to_string(&resolved.settings).unwrap();
        assert!(shown.contains(r#""url":"https://hooks.example""#) && shown.contains(r#""url":"env:HOOK""#), "{shown}");
        assert!(!format!("{shown}{:?}", resolved.config).contains("planted"));
    }

    #[test]
    fn without_layers_there_are_the_defaults() {
        let resolved = resolve(Layers::default()).unwrap();
        assert_eq!(resolved.config, Config::default());
        assert!(resolved.settings.iter().all(|setting| setting.origin == Origin::Default));
        assert!(resolved.settings.iter().any(|setting| setting.key == "scan.grace"));
    }
}
