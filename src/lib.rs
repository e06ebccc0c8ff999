//! dragnet: a command-line orchestrator of security scans whose reports are true.
//!
//! ```text
//! 6 cli       words in, words out; the only layer that prints or exits
//! 5 daemon    workers beside the command line
//! 4 api       HTTP: translate, authenticate, call app
//! 3 app       one use case, one file: plan, start, watch, cancel, report …
//! 2 driver    transition (pure: state × input → state, events, effects) and the loop that performs effects
//! 1 plan parse report lifecycle       │
//!   catalog config suppress          │ store executor exploits artifact oci shim notify
//!   pure: values in, values out      │ I/O: one outside world each, blind to one another
//! 0 model     data and rules: no I/O, no async
//! ```
//! A module names lower layers only (within layer 1 only plan → catalog and suppress → parse); `tests/architecture.rs` checks that, and that each
//! outside crate stays in its module.
//!
//! # How a scan flows
//! target + template + configuration → facts ([`artifact`]) → [`plan`] (pure) → snapshot → rows in one transaction ([`store`]) →
//! [`driver`]: ready jobs → attempt intent, committed → [`executor`] launches → [`shim`] runs the scanner and seals its output →
//! fetched, verified, parsed in a stream ([`parse`]) → rows in small invisible batches, made visible by one last transaction →
//! engine objects removed → next jobs → compared with what was known before ([`lifecycle`]) → [`report`] from the store.
//!
//! # Where a line belongs
//! | to … | touch |
//! | --- | --- |
//! | add a scanner | `catalog/scanners/x.toml`, one word in `catalog/builtin.rs`; `parse/x.rs` and a row in its table, unless it prints SARIF |
//! | change what is new, fixed or the same | `lifecycle/`: no I/O; the scenarios of `tests/oracle` first |
//! | change what suppresses a finding | `suppress/`: no I/O; what people decide on single findings is `app/triage.rs` |
//! | change how a raw file is read and kept | `driver/raw.rs`; JSON is copied where it is walked, `parse/json` |
//! | read lists of targets in another format | `app/targets/read/` and a row in its `read` |
//! | read another kind of baseline | `parse/baseline/`; what recognises its findings is `lifecycle/face.rs` |
//! | add a report format | `report/x.rs` and a row in [`report::RENDERERS`] |
//! | add a subcommand | `cli/commands/x.rs`, `app/x.rs`, `cli/args.rs` |
//! | change what fails a gate | `model/gate/`: no I/O; a condition is a field of `RuleForm` and `When`, and a line in `matching.rs` |
//! | change when a schedule is due, or what becomes of its ticks | `model/schedule/`: no I/O; what starts their scans is `app/schedule/` |
//! | change what happens on failure | `model/outcome.rs`, `model/retry.rs`, `driver/verdict.rs`: no I/O in any |
//! | change what follows from an event | `driver/transition.rs`, `driver/settle.rs`: no I/O in either |
//! | change how a container is started | `executor/docker/container.rs`, `executor/kubernetes/manifest` |
//! | change what a pod's state means | `executor/kubernetes/status`: a table, no I/O |
//! | change how small results come from a pod | `letter.rs` (the text), `shim/letter.rs` (leaves it), `executor/kubernetes/letter.rs` (reads it) |
//! | tell another kind of receiver | `notify/x.rs`, a kind in `model/notify/route`; what is told is `app/notify/scans.rs` |
//! | change what a trace says | `notify/otlp/spans`: no I/O; it is read by `store/trace.rs`, ids are made in `model/trace.rs` |
//! | add a column | `store/migrations/NNNN_x.sql` and one file in `store/` |
//! | change the agent's image | `oci/image.rs`; users pin its digest |
//! | add an endpoint | `api/router.rs`; a metric, `api/metrics.rs`, and what it is made of, `store/figures.rs` |
//! | add a setting | `config/types.rs`, `config/default.toml`, `config/env.rs` |
//!
//! # Departures from the first design, and why
//! - *Jobs of a fan-out are made in slices* of 500 after the upstream job's last transaction, by a durable cursor
//!   ([`store::Expansion`]): a hundred thousand assets in one transaction would hold every other process up.
//! - *Images, databases and secrets are bound by the submitting process* before the scan's rows are written, so that what cannot be
//!   had is said at once and nothing is stored.
//! - *A finding has no row of its own.* What an attempt brought is one list in the order of fingerprints, and only what differs from the scan
//!   before is written down: a million known findings cost a walk along two lists.
//! - *Small results of a pod come in its status*, encrypted ([`letter`]), beside being kept by its keeper: the exec that fetches them cost more
//!   than all else that dragnet adds to a pod. The keeper stays until the results are taken over all the same: a kubelet may cut what it
//!   shows, and a driver of an older version knows no other way.
//! - *A scanner that opens its database for writing* gets a copy that the shim makes, on every executor alike.

pub mod beneath;
pub mod failpoint;
pub mod hashing;
pub mod letter;
pub mod model;
pub mod web;

pub mod artifact;
pub mod catalog;
pub mod config;
pub mod executor;
pub mod exploits;
pub mod lifecycle;
pub mod notify;
pub mod oci;
pub mod parse;
pub mod plan;
pub mod report;
pub mod shim;
pub mod store;
pub mod suppress;

pub mod driver;

pub mod app;

pub mod api;

pub mod daemon;

pub mod cli;
