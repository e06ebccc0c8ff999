//! What the cluster's errors mean.

use std::error::Error as _;

use kube::client::UpgradeConnectionError;
use kube::core::Status;

use crate::executor::ExecutorError;

/// What to do where a right is missing.
const RIGHTS: &str = "`dragnet doctor` prints the Role that is needed";

/// Translates an error of the client library.
pub(super) fn from_kube(error: &kube::Error) -> ExecutorError {
    match error {
        kube::Error::Api(status) => from_status(status),
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) => from_exec(status.as_u16()),
        kube::Error::Auth(_) | kube::Error::InferConfig(_) | kube::Error::InferKubeconfig(_) => {
            ExecutorError::Refused(format!("no credentials for the cluster: {}", with_causes(error)))
        }
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => ExecutorError::bug(error),
        _ => from_connection(with_causes(error)),
    }
}

/// Translates a status, as answers and watches carry it.
pub(super) fn from_status(status: &Status) -> ExecutorError {
    let message = if status.message.is_empty() { status.reason.clone() } else { status.message.clone() };
    let lower = message.to_lowercase();
    match status.code {
        401 => ExecutorError::Refused(format!(
            "the cluster does not accept our credentials ({message}): the token may have expired, log in again"
        )),
        403 if is_quota(&lower) => ExecutorError::Resource(message),
        403 if lower.contains("being terminated") => ExecutorError::Refused(message),
        403 if lower.contains("cannot ") => ExecutorError::Refused(format!("{message}: {RIGHTS}")),
        404 if lower.contains("namespaces \"") => {
            ExecutorError::Refused(format!("{message}: make it, or name another in `[executor.kubernetes] namespace`"))
        }
        404 => ExecutorError::NotFound(message),
        409 => ExecutorError::Conflict { name: String::new(), message },
        // The cluster is there and cannot say: that is silence, and like it says nothing about what was asked.
        408 | 429 | 502..=504 => ExecutorError::Unreachable(message),
        500 if is_without_store(&lower) => ExecutorError::Unreachable(message),
        410 | 500..=599 => ExecutorError::Busy(message),
        _ => ExecutorError::Refused(message),
    }
}

/// Whether the words say that a quota is used up.
pub(super) fn is_quota(lower: &str) -> bool {
    lower.contains("exceeded quota")
}

/// Whether the words say that the API server does not reach its own database. (A webhook that is not reached is another matter: it
/// may never be.)
fn is_without_store(lower: &str) -> bool {
    let words = ["etcd", "code = unavailable", "code = deadlineexceeded", "context deadline exceeded", "timed out"];
    words.iter().any(|words| lower.contains(words)) && !lower.contains("webhook")
}

/// The answer to an exec that was not upgraded has no words that we get to see.
fn from_exec(code: u16) -> ExecutorError {
    match code {
        401 => from_status(&Status { code, message: "401 Unauthorized".to_owned(), ..Status::default() }),
        403 => ExecutorError::Refused(format!("the cluster forbids exec: {RIGHTS} (pods/exec: get, create)")),
        // The pod or its container may be gone, or not be there yet: whoever asked looks again.
        _ => ExecutorError::Busy(format!("exec was answered with {code}")),
    }
}

fn from_connection(words: String) -> ExecutorError {
    let lower = words.to_lowercase();
    if lower.contains("invalid peer certificate") || lower.contains("certificate") && lower.contains("unknown") {
        return ExecutorError::Refused(format!(
            "the server is not the one that the kubeconfig describes ({words}): check its certificate-authority and server"
        ));
    }
    ExecutorError::Unreachable(words)
}

fn with_causes(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::FailureReason;

    fn reason(code: u16, message: &str) -> FailureReason {
        from_status(&Status { code, message: message.to_owned(), ..Status::default() }).to_failure().reason
    }

    #[test]
    fn answers_mean_what_can_be_done_about_them() {
        use FailureReason::{EngineError, EngineUnreachable, NoSpace, SpecRefused, Vanished};
        for (code, message, expected) in [
            (401, "Unauthorized", SpecRefused),
            (403, "jobs.batch is forbidden: User \"v\" cannot create resource \"jobs\"", SpecRefused),
            (403, "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1", NoSpace),
            (404, "namespaces \"nowhere\" not found", SpecRefused),
            (404, "jobs.batch \"dn-x\" not found", Vanished),
            (409, "jobs.batch \"dn-x\" already exists", SpecRefused),
            (410, "too old resource version", EngineError),
            (422, "Job.batch \"x\" is invalid: spec.template.labels: Invalid value", SpecRefused),
            (429, "the server is overloaded", EngineUnreachable),
            (500, "etcdserver: leader changed", EngineUnreachable),
            (500, "rpc error: code = Unavailable desc = transport is closing", EngineUnreachable),
            (500, "failed calling webhook \"w\": context deadline exceeded", EngineError),
            (503, "apiserver not ready", EngineUnreachable),
            (504, "Timeout: request did not complete within requested timeout 30s", EngineUnreachable),
        ] {
            assert_eq!(reason(code, message), expected, "{code} {message}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let words = |code, message: &str| {
            from_status(&Status { code, message: message.to_owned(), ..Status::default() }).to_string()
        };
        assert!(words(401, "Unauthorized").contains("log in again"));
        assert!(words(403, "User \"v\" cannot create resource \"jobs\"").contains("dragnet doctor"));
        assert!(words(404, "namespaces \"x\" not found").contains("[executor.kubernetes] namespace"));
    }

    #[test]
    fn a_wrong_certificate_is_no_silence() {
        let wrong = from_connection("client error (Connect): invalid peer certificate: UnknownIssuer".to_owned());
        assert!(matches!(wrong, ExecutorError::Refused(_)), "{wrong}");
        assert!(matches!(from_connection("connection refused".to_owned()), ExecutorError::Unreachable(_)));
    }
}
