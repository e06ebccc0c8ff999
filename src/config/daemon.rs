//! `[daemon]`: what works beside the command line.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::scanner::SecretRef;
use crate::model::unit::Span;

/// `[daemon]`: what works beside the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
            listen: None,
            token: None,
        }
    }
}
