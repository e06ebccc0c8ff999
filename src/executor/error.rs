//! How an engine can fail us.

use crate::model::outcome::{Failure, FailureReason};
use crate::model::registry::RegistryFault;

/// What went wrong between us and an engine.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExecutorError {
    /// No answer, or a broken one: says nothing about what was asked for. Retried.
    #[error("the engine cannot be reached: {0}")]
    Unreachable(String),
    /// The engine had a passing fault.
    #[error("the engine answered with a passing error: {0}")]
    Busy(String),
    /// No space, no memory, no quota.
    #[error("the engine is short of a resource: {0}")]
    Resource(String),
    /// The image does not exist, may not be had, or is not here and must not be pulled.
    #[error("image {image} cannot be had: {message}")]
    Image {
        /// Its reference.
        image: String,
        /// The engine's words.
        message: String,
    },
    /// The image would have to come from a registry, which does not give it.
    #[error("image {image} cannot be had: {registry} {fault}: {message}")]
    Registry {
        /// Its reference.
        image: String,
        /// The registry's host.
        registry: String,
        /// What is wrong.
        fault: RegistryFault,
        /// The registry's words.
        message: String,
    },
    /// The image is for another processor or system.
    #[error("image {image} is for {platform}, the engine is {engine}")]
    Platform {
        /// Its reference.
        image: String,
        /// What it is for.
        platform: String,
        /// What the engine is.
        engine: String,
    },
    /// The engine will never accept this.
    #[error("the engine refused: {0}")]
    Refused(String),
    /// The program could not be started in the image.
    #[error("the program could not be started: {0}")]
    NotStarted(String),
    /// Nothing that could run it had room for it, or it was never begun, for as long as we wait for that.
    #[error("{name} was not started: {message}")]
    NeverScheduled {
        /// The attempt.
        name: String,
        /// What is known.
        message: String,
    },
    /// The engine's own limit of time has ended it.
    #[error("the engine ended it at its deadline: {0}")]
    TimedOut(String),
    /// The engine took it away to make room for something else.
    #[error("it was evicted: {0}")]
    Evicted(String),
    /// The machine that it ran on is gone.
    #[error("its node was lost: {0}")]
    NodeLost(String),
    /// The engine does not know the attempt.
    #[error("the engine does not know {0}")]
    NotFound(String),
    /// An object of that name exists and is not ours, or not this attempt's.
    #[error("{name} exists in the engine and is not this attempt: {message}")]
    Conflict {
        /// The name.
        name: String,
        /// What differs.
        message: String,
    },
    /// Results were there and are not what was sealed.
    #[error("the results of {name} are damaged: {message}")]
    Corrupt {
        /// The attempt.
        name: String,
        /// What does not match.
        message: String,
    },
    /// The attempt ended without leaving anything that could be sealed.
    #[error("{name} left no results: {message}")]
    NoResults {
        /// The attempt.
        name: String,
        /// What is known.
        message: String,
    },
    /// A file of ours could not be read or written.
    #[error("{action}: {message}")]
    Local {
        /// What was tried, with the path.
        action: String,
        /// The system's words.
        message: String,
        /// Whether the disk is full.
        full: bool,
    },
}

impl ExecutorError {
    /// Whether the same call may succeed later without anything else being done.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy(_) | Self::Registry { fault: RegistryFault::Away, .. })
    }

    /// Makes the error of a local file operation.
    pub fn local(action: impl Into<String>, error: &std::io::Error) -> Self {
        let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        Self::Local { action: action.into(), message: error.to_string(), full }
    }

    /// Makes the error of something that cannot happen.
    pub fn bug(error: impl std::fmt::Display) -> Self {
        Self::Refused(format!("bug in dragnet: {error}"))
    }

    /// Returns the failure that an attempt ends with when this error is final.
    pub fn to_failure(&self) -> Failure {
        let reason = match self {
            Self::Unreachable(_) => FailureReason::EngineUnreachable,
            Self::Busy(_) | Self::Local { full: false, .. } | Self::Registry { fault: RegistryFault::Away, .. } => {
                FailureReason::EngineError
            }
            Self::Resource(_) | Self::Local { full: true, .. } => FailureReason::NoSpace,
            Self::Image { .. } | Self::Registry { .. } => FailureReason::ImageUnavailable,
            Self::Platform { .. } => FailureReason::ImagePlatform,
            Self::Refused(_) | Self::Conflict { .. } => FailureReason::SpecRefused,
            Self::NeverScheduled { .. } => FailureReason::NeverScheduled,
            Self::TimedOut(_) => FailureReason::TimedOut,
            Self::Evicted(_) => FailureReason::Evicted,
            Self::NodeLost(_) => FailureReason::NodeLost,
            Self::NotStarted(_) => FailureReason::ProgramNotStarted,
            Self::NotFound(_) => FailureReason::Vanished,
            Self::NoResults { .. } => FailureReason::Killed,
            Self::Corrupt { .. } => FailureReason::Corrupt,
        };
        Failure::new(reason, self.to_string())
    }
}
