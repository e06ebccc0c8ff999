//! Kubernetes: one attempt is one Job whose pod holds the scanner between two containers of our own.
//!
//! `prepare` puts the shim and the job in place and waits for source and databases, `scan` runs the scanner under the shim, and
//! `keeper` seals what a killed shim left and keeps the results until they were fetched. No log or copy channel of a cluster is
//! reliable for data, so everything of value crosses a [`session`]: a protocol with checksums, spoken over the standard streams of a
//! process that is started in one of our containers.

//!
//! ```text
//! launch   Secret → Job by name → delivery, each step repeatable
//! observe  one watch of Jobs and one of pods, judged together by the table in `status`
//! fetch    small results from the pod's status, see `letter`; else manifest, then part after part, from the keeper (or from object
//!          storage, see `s3`, or from a claim, see `kept`)
//! remove   the Job by its identity, its pods and its Secret with it
//! probe    two pods that are no attempt's show whether policies are heeded
//! ```

mod access;
mod bucket;
mod cluster;
mod collect;
mod connect;
mod core;
mod error;
mod executor;
mod kept;
mod launch;
mod letter;
mod manifest;
mod options;
mod owned;
mod probe;
mod s3;
pub mod session;
mod speak;
mod status;
mod stop;
mod stream;
mod watch;

pub use connect::ClusterPlace;
pub use executor::KubernetesExecutor;
pub use options::{KubernetesOptions, PodOptions, PullPolicy};
pub use s3::{MAX_EXPIRES, S3Keys, S3Options};
