//! HTTP: translate, authenticate, call [`crate::app`]. Layer 4; the daemon serves it.
//!
//! ```text
//! GET /healthz    the process lives; open to all that reach the address
//! GET /readyz     the daemon can do its work, in parts; open, but the words are for those with a token
//! GET /workers    what `dragnet daemon status --format json` prints
//! GET /metrics    OpenMetrics, or the text format of Prometheus
//! ```
//! A request passes, in this order: the guard of its connection ([`listen`]: bounded in number, patience with slow clients), its name for
//! us ([`host`]), its token ([`auth`]), bounds on number, time and size ([`router`]). Whatever is refused is told as RFC 9457 has it
//! ([`problem`]); what is no HTTP at all is answered below that, with a bare 400 or 431.

mod auth;
mod disk;
mod health;
mod host;
mod listen;
mod metrics;
mod problem;
mod process;
mod router;
mod text;
mod vitals;

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

pub use auth::Door;
pub use listen::Server;
pub use vitals::Vitals;

use crate::app::App;
use crate::executor::SharedExecutor;

/// What the daemon shows of itself.
#[derive(Clone)]
pub struct Shown {
    /// State and configuration, as they are now.
    pub apps: watch::Receiver<Arc<App>>,
    /// Who may ask, as it is now.
    pub door: watch::Receiver<Door>,
    /// What the workers do.
    pub vitals: Vitals,
    /// The engines.
    pub engines: Arc<dyn Engines>,
}

/// The engines that the daemon is connected to.
#[async_trait]
pub trait Engines: Send + Sync {
    /// Returns them.
    async fn connected(&self) -> Vec<SharedExecutor>;
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Other machines reach the address, and nobody would be asked for a token.
    #[error("[daemon] listen = \"{address}\" is open to other machines, and there is no token that they must bear")]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// The system does not give the address.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}
