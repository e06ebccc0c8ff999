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
//!
//! # Measured in a spike (Docker 20.10, cgroup v1, two cores, 8 containers at a time; ratios within one round)
//! - The static binary is its own shim: 15.0 MiB with every dependency of the Kubernetes executor, 7.5 MiB without. It starts in
//!   0.79 ms (`/bin/true`: 0.52 ms), and runs as process 1 in images that hold nothing, a musl program, or glibc without a shell.
//! - `bind` costs a median of 1.05 × a bare client with the same hardening; `volume` 1.68 ×, all of it the two archive calls
//!   (about 0.11 s of the engine's processor time a job). So there is one upload and as few downloads as can be.
//! - Waiting by the events stream costs the engine as much as a `wait` call for each container; it is taken for being one stream.
//! - An upload skips the archive's root entry, and one into a read-only mount or root is refused with status 500: the volume is
//!   mounted at `/dragnet`, the shim's own below it.

mod agent;
mod archive;
mod collect;
mod connect;
mod container;
mod credentials;
mod engine;
mod error;
mod executor;
mod identity;
mod images;
mod launch;
mod logs;
mod owned;
mod place;
mod pull;
mod stop;
mod transport;
mod tunnel;
mod watch;

pub use credentials::login;
pub use executor::{DockerExecutor, DockerOptions};
pub use transport::Transport;
