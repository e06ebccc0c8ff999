//! Twenty secrets are planted in a repository, and in a document of every format; afterwards the whole state is searched for them:
//! database, kept files, logs; as they are, in base64, and as addresses have them.
//!
//! Real scanners need an engine and the images of `examples/images/build`, whose configuration `DRAGNET_IMAGES` names (`tests/run`
//! makes both): gitleaks and bandit always, and all that there are with `DRAGNET_FULL=1`.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

#[path = "../common/bench.rs"]
mod bench;
#[path = "../common/cli.rs"]
#[expect(dead_code, reason = "tests share it, and each uses a part")]
mod cli;
#[path = "../common/engine.rs"]
mod engine;
#[path = "../common/tool.rs"]
mod tool;

mod documents;
mod imports;
mod logs;
mod planted;
mod scanners;
mod state;
