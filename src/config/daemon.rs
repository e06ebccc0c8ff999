//! `[daemon]`: what works beside the command line.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::quota::Quotas;
use crate::model::scanner::SecretRef;
use crate::model::unit::{ByteSize, Span};

/// `[daemon]`: what works beside the command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DaemonConfig {
    /// Scans that are driven at once; one of a higher priority does not wait for those of lower ones.
    pub scans: u32,
    /// How often what is in the engines is compared with what should be, such as `30s`.
    #[schemars(with = "String")]
    pub sweep_every: Span,
    /// How long an ending daemon may take to hand over what it drives, such as `20s`.
    #[schemars(with = "String")]
    pub drain: Span,
    /// Where health and metrics are served over HTTP, `ADDRESS:PORT`; nowhere when absent. Port 0 is any that is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub listen: Option<Listen>,
    /// Reference to the token that requests must bear, but those of `/healthz` and `/readyz`: `env:NAME`, `file:PATH` or
    /// `command:PROGRAM ARGUMENT…`. Without one only this machine is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub token: Option<SecretRef>,
    /// What the scanners that a daemon runs may use together.
    pub limits: Quotas,
    /// Its log.
    pub log: LogConfig,
}

/// `[daemon.log]`: what a daemon tells, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Levels, in general and by module, such as `warn,dragnet=info,dragnet::daemon=debug`.
    pub level: String,
    /// How lines are written.
    pub format: LogFormat,
    /// The file; standard error if absent.
    pub file: Option<PathBuf>,
    /// The file is begun anew before it is larger, such as `10MiB`.
    #[schemars(with = "String")]
    pub max_size: ByteSize,
    /// The file is begun anew when it is older, such as `7d`.
    #[schemars(with = "String")]
    pub max_age: Span,
    /// How many older files are kept.
    pub keep: u32,
}

/// How lines of a log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "warn,dragnet=info".to_owned(),
            format: LogFormat::default(),
            file: None,
            max_size: ByteSize(10 << 20),
            max_age: Span(Duration::from_hours(7 * 24)),
            keep: 5,
        }
    }
}

/// An address to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Listen(pub SocketAddr);

/// Text that is not an address to listen at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an address is written as ADDRESS:PORT, such as 127.0.0.1:9464 or [::1]:9464; names are not looked up")]
pub struct InvalidListen;

impl TryFrom<String> for Listen {
    type Error = InvalidListen;

    fn try_from(text: String) -> Result<Self, InvalidListen> {
        text.parse().map(Self).map_err(|_| InvalidListen)
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            scans: 16,
            sweep_every: Span(Duration::from_secs(30)),
            drain: Span(Duration::from_secs(20)),
            limits: Quotas::default(),
            log: LogConfig::default(),
            listen: None,
            token: None,
        }
    }
}
