//! What can be configured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::daemon::DaemonConfig;
use super::kubernetes::KubernetesConfig;
use crate::model::gate::Gate;
use crate::model::notify::Routes;
use crate::model::patch::ScannerPatch;
use crate::model::plan::ScanOptions;
use crate::model::retention::Retention;
use crate::model::schedule::Schedule;
use crate::model::suppress::SuppressRule;
use crate::model::template::Template;
use crate::model::unit::Span;

/// The defaults with their explanations, as a file to start from.
pub const DEFAULTS: &str = include_str!("default.toml");

/// The configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where scanners run.
    pub executor: ExecutorConfig,
    /// Limits and rules of a scan.
    pub scan: ScanConfig,
    /// When a scan fails although it saw everything.
    pub gate: Gate,
    /// Local copies of what is known of vulnerabilities.
    pub data: DataConfig,
    /// What of a source tree is scanned.
    pub source: SourceConfig,
    /// Findings that do not count.
    pub suppress: SuppressConfig,
    /// The target's identity.
    pub target: TargetConfig,
    /// Changes to scanners of the catalogue, and scanners of one's own.
    pub scanners: BTreeMap<String, ScannerPatch>,
    /// Templates of one's own.
    pub templates: BTreeMap<String, Template>,
    /// How long scans are kept, where that is asked for: by a daemon, and by `dragnet gc --expired`.
    pub retention: Retention,
    /// What works beside the command line.
    pub daemon: DaemonConfig,
    /// Scans that begin by themselves; never in a project's file.
    #[serde(deserialize_with = "schedules", skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Schedule>,
    /// Whom to tell what became of scans.
    #[serde(skip_serializing_if = "Routes::is_empty")]
    pub notify: Routes,
}

/// Reads schedules whose names are all different.
fn schedules<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Schedule>, D::Error> {
    let schedules = Vec::deserialize(deserializer)?;
    Schedule::check_names(&schedules).map_err(serde::de::Error::custom)?;
    Ok(schedules)
}

/// `[executor]`: where scanners run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutorConfig {
    /// Which kind of engine.
    pub kind: ExecutorKind,
    /// How files reach a Docker engine.
    pub transport: Transport,
    /// A file or image with a dragnet that runs in the scanners' containers; this program itself if absent.
    pub agent: Option<String>,
    /// The Docker engine.
    pub docker: DockerConfig,
    /// The cluster.
    pub kubernetes: KubernetesConfig,
}

/// `[executor.docker]`: which Docker engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DockerConfig {
    /// Its address, such as `unix:///var/run/docker.sock`; what `docker` itself would use if absent.
    pub host: Option<String>,
    /// The name of a context of the `docker` client's.
    pub context: Option<String>,
}

/// The kinds of engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExecutorKind {
    /// A Docker engine.
    #[default]
    Docker,
    /// A namespace of a Kubernetes cluster.
    Kubernetes,
    /// No engine: outcomes are scripted.
    Fake,
}

impl ExecutorKind {
    /// Returns the kind's name, as the configuration writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Kubernetes => "kubernetes",
            Self::Fake => "fake",
        }
    }
}

/// How files reach a Docker engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// A probe decides.
    #[default]
    Auto,
    /// The engine sees our files.
    Bind,
    /// Files are copied into volumes.
    Volume,
}

/// `[scan]`: limits and rules of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScanConfig {
    /// The template to run; the scanners that fit if absent.
    pub template: Option<String>,
    /// Jobs that may run at once.
    pub parallelism: u32,
    /// Longest run of the scan, such as `2h`.
    #[schemars(with = "Option<String>")]
    pub max_duration: Option<Span>,
    /// Most records that one job may store.
    pub max_results: Option<u64>,
    /// Most assets that the scan follows.
    pub max_assets: u64,
    /// Most steps between the target and an asset that is still followed.
    pub depth: u32,
    /// What the first interrupt does.
    pub on_interrupt: OnInterrupt,
    /// Time that a scanner has to end by itself when it is cancelled, such as `8s`.
    #[schemars(with = "String")]
    pub grace: Span,
    /// How long the engine may be silent before a command gives up; the scan can be taken up again. Such as `10m`.
    #[schemars(with = "String")]
    pub engine_timeout: Span,
}

/// What the first interrupt does to a scan that runs in the foreground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInterrupt {
    /// Cancels it, and keeps what was found.
    #[default]
    Cancel,
    /// Leaves it running.
    Detach,
}

impl Default for ScanConfig {
    fn default() -> Self {
        let options = ScanOptions::default();
        Self {
            template: None,
            parallelism: options.parallelism,
            max_duration: options.max_duration,
            max_results: options.max_results,
            max_assets: options.max_assets,
            depth: options.depth,
            on_interrupt: OnInterrupt::default(),
            grace: Span(Duration::from_secs(8)),
            engine_timeout: Span(Duration::from_mins(10)),
        }
    }
}

impl Config {
    /// Returns the options that a plan freezes, the gate among them.
    pub fn options(&self, priority: i32, seed: u64) -> ScanOptions {
        let scan = &self.scan;
        let options = ScanOptions {
            parallelism: scan.parallelism,
            priority,
            max_duration: scan.max_duration,
            max_results: scan.max_results,
            max_assets: scan.max_assets,
            depth: scan.depth,
            seed,
            ..ScanOptions::default()
        };
        options.with_gate(self.gate.clone())
    }
}

/// `[data]`: local copies of what is known of vulnerabilities; nothing is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// A file of EPSS scores as FIRST.org publishes them, `epss_scores-current.csv.gz`, compressed or not.
    pub epss: Option<PathBuf>,
    /// CISA's catalogue of known exploited vulnerabilities, `known_exploited_vulnerabilities.json`.
    pub kev: Option<PathBuf>,
    /// The age from which on a copy decides nothing any more.
    #[schemars(with = "String")]
    pub max_age: Span,
}

impl Default for DataConfig {
    /// A score is about the 30 days after its day.
    fn default() -> Self {
        Self { epss: None, kev: None, max_age: Span(Duration::from_hours(30 * 24)) }
    }
}

/// `[source]`: what of a source tree is scanned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// Globs, as in `.gitignore`, of what is left out.
    pub exclude: Vec<String>,
    /// Whether what `.gitignore` files name is left out too.
    pub gitignore: bool,
}

/// `[suppress]`: findings that do not count. Reports show them, with why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SuppressConfig {
    /// Whether comments `dragnet:ignore` in the source count.
    pub comments: bool,
    /// Whether rules and VEX documents in the target's own `.dragnet/` count.
    pub target: bool,
    /// VEX documents: OpenVEX, CycloneDX or CSAF.
    pub vex: Vec<String>,
    /// Rules, the strongest first.
    pub rules: Vec<SuppressRule>,
}

impl Default for SuppressConfig {
    fn default() -> Self {
        Self { comments: true, target: true, vex: Vec::new(), rules: Vec::new() }
    }
}

/// `[target]`: the target's identity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TargetConfig {
    /// Its name; scans of one name are compared with each other, wherever they were made.
    pub name: Option<String>,
    /// The branch or tag, where git does not say: a pipeline checks a commit out, and no branch. GitHub, GitLab, Bitbucket and Jenkins
    /// are asked by their variables.
    pub line: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_defaults_are_the_defaults() {
        let written: toml::Table = toml::from_str(DEFAULTS).unwrap();
        assert_eq!(toml::from_str::<Config>(DEFAULTS).unwrap(), Config::default());
        let mut all = toml::Table::try_from(Config::default()).unwrap();
        all.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
        if let Some(executor) = all["executor"].as_table_mut() {
            executor.remove("docker");
        }
        assert_eq!(written, all, "every default is written out");
    }

    #[test]
    fn every_key_is_explained_in_the_defaults() {
        let schema = crate::config::json_schema();
        for table in [
            "ExecutorConfig",
            "DockerConfig",
            "KubernetesConfig",
            "S3Config",
            "ScanConfig",
            "GateConfig",
            "GateRule",
            "DataConfig",
            "SourceConfig",
            "SuppressConfig",
            "TargetConfig",
            "Rules",
            "DaemonConfig",
            "LogConfig",
            "Quota",
            "Schedule",
            "Route",
        ] {
            let keys = schema["$defs"][table]["properties"].as_object().unwrap().keys();
            for key in
                keys.filter(|key| !["docker", "kubernetes", "s3", "rules", "limits", "log"].contains(&key.as_str()))
            {
                let line = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
                assert!(DEFAULTS.lines().any(line), "{table}: {key}");
            }
        }
    }
}
