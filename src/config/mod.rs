//! Configuration: flags > policy > `DRAGNET_*` > `./dragnet.toml` > `$XDG_CONFIG_HOME/dragnet/config.toml` > defaults.
//!
//! [`resolve()`] checks each layer by itself, so that an error names its file and line, lays them over one another, and
//! remembers where each value came from. The environment is handed in as a map. The project's `dragnet.toml` belongs to the
//! target: until it was trusted ([`trust`]) it may set little.

mod daemon;
mod env;
mod error;
mod keys;
mod kubernetes;
mod merge;
mod paths;
mod resolve;
mod schema;
pub mod trust;
mod types;

pub use daemon::{DaemonConfig, Listen, LogConfig, LogFormat};
pub use env::{Environment, VARIABLES, Variable, unknown as unknown_variables};
pub use error::ConfigError;
pub use kubernetes::{ImagePullPolicy, KubernetesConfig, S3Config};
pub use merge::set;
pub use paths::{PathError, config_dir, prepare_state, state_dir, user_config};
pub use resolve::{File, Layers, Origin, Project, Resolved, Setting, resolve};
pub use schema::json_schema;
pub use types::{
    Config, DEFAULTS, DataConfig, DockerConfig, ExecutorConfig, ExecutorKind, OnInterrupt, ScanConfig, SourceConfig,
    SuppressConfig, TargetConfig, Transport,
};
