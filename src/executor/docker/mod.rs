//! Docker, and engines that speak its interface.
//!
//! One attempt is one container by the attempt's name, whose first process is the shim. Files reach it in one of two ways
//! behind one contract, chosen by proof: `bind` where the engine sees our spool, `volume` (named volumes, filled and
//! read through the archive calls) everywhere else. The shim's files are the authority; events and lists of the engine only say
//! when to look.
//!
//! ```text
//! launch   create by name → files → start, each step repeatable
//! observe  one stream of events, and a list at each connection and every half minute
//! fetch    manifest, then part after part, verified; an attempt without a manifest is sealed by a container of its own
//! ```

mod agent;
mod archive;
mod collect;
mod connect;
mod container;
mod credentials;
mod engine;
mod error;
mod executor;
mod images;
mod launch;
mod logs;
mod owned;
mod place;
mod stop;
mod transport;
mod tree;
mod watch;

pub use executor::{DockerExecutor, DockerOptions};
pub use transport::Transport;
