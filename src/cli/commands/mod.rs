//! One file a verb: its arguments, and what it does with them.

pub(super) mod agent_image;
pub(super) mod cancel;
pub(super) mod choice;
pub(super) mod completions;
pub(super) mod config;
pub(super) mod daemon;
pub(super) mod doctor;
pub(super) mod findings;
pub(super) mod gc;
pub(super) mod import;
pub(super) mod list;
pub(super) mod logs;
pub(super) mod notify;
pub(super) mod output;
pub(super) mod pause;
pub(super) mod plan;
pub(super) mod report;
pub(super) mod resume;
pub(super) mod scanners;
pub(super) mod show;
pub(super) mod start;
pub(super) mod state;
pub(super) mod templates;
pub(super) mod watch;
