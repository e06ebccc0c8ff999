//! What the engine's errors mean.

use std::error::Error as _;

use bollard::errors::Error;

use crate::executor::ExecutorError;

/// Translates an error of the client library.
pub(super) fn from_engine(error: &Error) -> ExecutorError {
    match error {
        Error::DockerResponseServerError { status_code, message } => from_response(*status_code, message),
        Error::DockerStreamError { error } => from_words(error),
        Error::UnsupportedURISchemeError { .. } | Error::APIVersionParseError {} | Error::CertPathError { .. } => {
            ExecutorError::Refused(error.to_string())
        }
        _ => ExecutorError::Unreachable(with_causes(error)),
    }
}

fn from_response(status: u16, message: &str) -> ExecutorError {
    let lower = message.to_lowercase();
    match status {
        404 if lower.contains("no such image") => image(message),
        404 => ExecutorError::NotFound(message.to_owned()),
        409 => ExecutorError::Conflict { name: String::new(), message: message.to_owned() },
        408 | 429 | 502..=504 => ExecutorError::Busy(message.to_owned()),
        // The engine answers 400 or 404 to a program that it cannot start, and 500 to most of what it cannot do.
        400 | 500 => from_words(message),
        _ => ExecutorError::Refused(message.to_owned()),
    }
}

/// Engines tell most causes by words only.
fn from_words(message: &str) -> ExecutorError {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let message = message.to_owned();
    if says(&["can only kill running containers"]) {
        // Podman's word for what Docker answers with 409.
        return ExecutorError::Conflict { name: String::new(), message };
    }
    if says(&["oci permission denied"]) {
        return ExecutorError::Refused(message);
    }
    if says(&["no space left", "cannot allocate memory", "disk quota", "too many open files", "resource temporarily"]) {
        return ExecutorError::Resource(message);
    }
    if says(&["exec format error", "executable file not found", "exec: \"", "permission denied: unknown"]) {
        return ExecutorError::NotStarted(message);
    }
    if says(&["toomanyrequests", "timeout", "deadline exceeded", "connection reset", "device or resource busy", "eof"])
    {
        return ExecutorError::Busy(message);
    }
    if says(&["pull access denied", "manifest unknown", "no such image", "unauthorized", "repository does not exist"])
        || says(&["no matching manifest", "invalid reference format", "manifest for "])
    {
        return image(&message);
    }
    if says(&[
        "invalid mount",
        "bind source path does not exist",
        "port is already allocated",
        "invalid",
        "not supported",
    ]) {
        return ExecutorError::Refused(message);
    }
    ExecutorError::Busy(message)
}

/// What an engine says of a start that it was cut off from: the program may have run, may even run, and the engine does not know.
const CUT_OFF: [&str; 6] = [
    "already exists",
    "context canceled",
    "ttrpc: closed",
    "transport is closing",
    "connection refused",
    "error reading from server",
];

/// Translates an engine's words on a container that it could not start.
pub(super) fn from_failed_start(name: &str, words: String) -> ExecutorError {
    let lower = words.to_lowercase();
    match from_words(&words) {
        short @ ExecutorError::Resource(_) => short,
        ExecutorError::Busy(_) if CUT_OFF.iter().any(|cut_off| lower.contains(cut_off)) => ExecutorError::NoResults {
            name: name.to_owned(),
            message: format!("the engine was cut off while it started it: {words}"),
        },
        _ => ExecutorError::NotStarted(words),
    }
}

/// The reference is named by who asked for it.
fn image(message: &str) -> ExecutorError {
    ExecutorError::Image { image: String::new(), message: message.to_owned() }
}

fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::{FailureClass, FailureReason};

    fn class(status: u16, message: &str) -> FailureReason {
        from_engine(&Error::DockerResponseServerError { status_code: status, message: message.to_owned() })
            .to_failure()
            .reason
    }

    #[test]
    fn answers_mean_what_can_be_done_about_them() {
        use FailureReason::{EngineError, ImageUnavailable, NoSpace, ProgramNotStarted, SpecRefused, Vanished};
        for (status, message, reason) in [
            (404, "No such image: nope:1", ImageUnavailable),
            (404, "No such container: dn-x", Vanished),
            (409, "Conflict. The container name \"/dn-x\" is already in use", SpecRefused),
            (429, "toomanyrequests: rate limit", EngineError),
            (503, "service unavailable", EngineError),
            (500, "write /var/lib/docker/x: no space left on device", NoSpace),
            (500, "OCI runtime create failed: cannot allocate memory: unknown", NoSpace),
            (
                400,
                "OCI runtime create failed: exec: \"x\": executable file not found in $PATH: unknown",
                ProgramNotStarted,
            ),
            (400, "standard_init_linux.go:228: exec user process caused: exec format error", ProgramNotStarted),
            (400, "invalid mount config for type \"bind\": bind source path does not exist: /x", SpecRefused),
            (500, "driver failed programming external connectivity: port is already allocated", SpecRefused),
            (500, "Get \"https://r/v2/\": net/http: TLS handshake timeout", EngineError),
            (500, "manifest for x:1 not found: manifest unknown", ImageUnavailable),
            (500, "runc: error setting rlimit type 7: operation not permitted: OCI permission denied", SpecRefused),
            (500, "something nobody has seen before", EngineError),
            (403, "authorization denied by plugin", SpecRefused),
        ] {
            assert_eq!(class(status, message), reason, "{status} {message}");
        }
    }

    #[test]
    fn a_start_that_the_engine_was_cut_off_from_is_a_loss_and_not_the_programs_fault() {
        use FailureReason::{Killed, NoSpace, ProgramNotStarted};
        for (words, reason) in [
            // Docker 20.10, killed in the middle of a start and begun again.
            ("task 938ca565af68bbaa2c245efabc6fe2b92f8c2cf988ff994e5471ef883b8c92f0: already exists", Killed),
            ("transport is closing: unavailable", Killed),
            ("OCI runtime create failed: cannot allocate memory: unknown", NoSpace),
            ("OCI runtime create failed: exec: \"x\": executable file not found in $PATH: unknown", ProgramNotStarted),
            ("OCI runtime create failed: something nobody has seen before", ProgramNotStarted),
        ] {
            assert_eq!(from_failed_start("dn-x", words.to_owned()).to_failure().reason, reason, "{words}");
        }
        assert_eq!(Killed.class(), FailureClass::Lost, "it is tried again");
    }

    #[test]
    fn silence_is_no_answer() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        for error in [Error::RequestTimeoutError, Error::IOError { err: refused }] {
            let failure = from_engine(&error).to_failure();
            assert_eq!(
                (failure.reason, failure.reason.class()),
                (FailureReason::EngineUnreachable, FailureClass::Transient)
            );
        }
        let pull = Error::DockerStreamError { error: "pull access denied for x, repository does not exist".to_owned() };
        assert_eq!(from_engine(&pull).to_failure().reason, FailureReason::ImageUnavailable);
    }
}
