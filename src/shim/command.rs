//! `dragnet shim run|seal|open [DIR]`: called by containers, not by people.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use super::attempt::Attempt;
use super::{ShimError, run, seal};
use crate::model::spec::{exit_code, paths};

/// Runs the shim with the arguments that follow `shim`, and returns the exit code.
pub fn main(args: &[OsString]) -> u8 {
    let dir = args.get(1).map_or_else(|| Path::new(paths::OUT), Path::new);
    let result = match args.first().and_then(|verb| verb.to_str()) {
        Some("run") => Attempt::open(dir).and_then(|attempt| run::run(&attempt)),
        Some("seal") => Attempt::open(dir).and_then(|attempt| seal::seal_killed(&attempt)),
        Some("open") => seal::open_up(dir),
        _ => {
            say("usage: dragnet shim run|seal|open [DIR]");
            return 2;
        }
    };
    match result {
        Ok(()) => exit_code::SEALED,
        Err(error) => {
            say(&error.to_string());
            if matches!(error, ShimError::AlreadyClaimed) { exit_code::CLAIMED } else { exit_code::FAILED }
        }
    }
}

/// The shim's only words, for `docker logs`; without standard error there is nobody to tell.
fn say(message: &str) {
    writeln!(std::io::stderr(), "dragnet shim: {message}").ok();
}
