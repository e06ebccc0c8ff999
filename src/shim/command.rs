//! `dragnet shim run|seal|open [DIR]`, and the roles of [`Role`] in a pod: called by containers, not by people.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use super::attempt::Attempt;
use super::{ShimError, keep, kept, prepare, reach, receive, run, seal, serve};
use crate::model::pod::{self, Role};
use crate::model::spec::{exit_code, paths};

/// Runs the shim with the arguments that follow `shim`, and returns the exit code.
pub fn main(args: &[OsString]) -> u8 {
    let words: Option<Vec<&str>> = args.iter().map(|argument| argument.to_str()).collect();
    let words = words.unwrap_or_default();
    let attempt = |rest: &[&str]| Attempt::open(Path::new(rest.first().copied().unwrap_or(paths::OUT)));
    let result = match (words.as_slice(), Role::parse(&words)) {
        (["run", rest @ ..], _) if rest.len() < 2 => attempt(rest).and_then(|attempt| run::run(&attempt)),
        (["seal", rest @ ..], _) if rest.len() < 2 => attempt(rest).and_then(|attempt| seal::seal_killed(&attempt)),
        (["open", rest @ ..], _) if rest.len() < 2 => {
            seal::open_up(Path::new(rest.first().copied().unwrap_or(paths::OUT)))
        }
        (_, Some((role, root))) => play(role, Path::new(root.unwrap_or(pod::paths::ROOT))),
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

/// Plays a role in the pod whose directories are below `root`.
fn play(role: Role, root: &Path) -> Result<(), ShimError> {
    match role {
        Role::Prepare { wait } => prepare::prepare(root, wait),
        Role::Receive => receive::receive(root),
        Role::Keep { start, hold } => keep::keep(root, start, hold),
        Role::Serve => serve::serve(root),
        Role::Lend { hold } => kept::lend(hold),
        Role::Lent => kept::serve(root),
        Role::Listen { span } => reach::listen(span),
        Role::Reach { to, span } => reach::reach(to, span, &mut std::io::stdout()),
    }
}

/// The shim's only words, for `docker logs`; without standard error there is nobody to tell.
pub(super) fn say(message: &str) {
    writeln!(std::io::stderr(), "dragnet shim: {message}").ok();
}
