//! `[daemon]`: what works beside the command line.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::quota::Quotas;
use crate::model::unit::Span;

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
    /// What the scanners that a daemon runs may use together.
    pub limits: Quotas,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            scans: 16,
            sweep_every: Span(Duration::from_secs(30)),
            drain: Span(Duration::from_secs(20)),
            limits: Quotas::default(),
        }
    }
}
