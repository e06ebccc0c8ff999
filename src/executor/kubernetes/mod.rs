//! Kubernetes: one attempt is one Job whose pod holds the scanner between two containers of our own.
//!
//! `prepare` puts the shim and the job in place and waits for source and databases, `scan` runs the scanner under the shim, and
//! `keeper` seals what a killed shim left and keeps the results until they were fetched. No log or copy channel of a cluster is
//! reliable for data, so everything of value crosses a [`session`]: a protocol with checksums, spoken over the standard streams of a
//! process that is started in one of our containers.

pub mod session;
