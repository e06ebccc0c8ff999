//! How an attempt can end, and what follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The class of a failure decides whether and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The engine or the network had a passing fault. Retried without touching the job's own budget.
    Transient,
    /// A resource was short: memory, disk, quota.
    Resource,
    /// The attempt vanished or was killed by nobody we know.
    Lost,
    /// The same again would fail again: image, arguments, permissions.
    Permanent,
    /// The scanner itself failed.
    Tool,
    /// The time limit passed.
    Timeout,
}

impl FailureClass {
    /// Returns the class's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Resource => "resource",
            Self::Lost => "lost",
            Self::Permanent => "permanent",
            Self::Tool => "tool",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What went wrong, in words that name the thing; the whole space that users will meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The image does not exist, or may not be had.
    ImageUnavailable,
    /// The image is for another processor.
    ImagePlatform,
    /// The engine refused the specification.
    SpecRefused,
    /// The engine answered with an error that passes.
    EngineError,
    /// The engine cannot be reached.
    EngineUnreachable,
    /// The engine or the spool has no space left.
    NoSpace,
    /// The program could not be started in the image.
    ProgramNotStarted,
    /// The scanner was killed for want of memory.
    OutOfMemory,
    /// It was killed by a signal that nobody of ours sent.
    Killed,
    /// Its engine object is gone.
    Vanished,
    /// The engine took it away to make room.
    Evicted,
    /// The machine that it ran on is gone.
    NodeLost,
    /// The engine found no place for it in time.
    NeverScheduled,
    /// Another process had claimed the attempt already.
    AlreadyClaimed,
    /// The time limit passed.
    TimedOut,
    /// The exit code says error.
    ExitCode,
    /// The result file does not exist.
    ResultMissing,
    /// The result file is empty.
    ResultEmpty,
    /// The result does not parse.
    ResultInvalid,
    /// The result parses and says itself that the scanner failed.
    ResultError,
    /// What arrived is not what was sealed.
    Corrupt,
    /// The scanner's database is missing.
    DataMissing,
    /// A secret it needs could not be read.
    SecretUnavailable,
    /// The scan was cancelled.
    Cancelled,
}

impl FailureReason {
    /// Returns the reason's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImageUnavailable => "image_unavailable",
            Self::ImagePlatform => "image_platform",
            Self::SpecRefused => "spec_refused",
            Self::EngineError => "engine_error",
            Self::EngineUnreachable => "engine_unreachable",
            Self::NoSpace => "no_space",
            Self::ProgramNotStarted => "program_not_started",
            Self::OutOfMemory => "out_of_memory",
            Self::Killed => "killed",
            Self::Vanished => "vanished",
            Self::Evicted => "evicted",
            Self::NodeLost => "node_lost",
            Self::NeverScheduled => "never_scheduled",
            Self::AlreadyClaimed => "already_claimed",
            Self::TimedOut => "timed_out",
            Self::ExitCode => "exit_code",
            Self::ResultMissing => "result_missing",
            Self::ResultEmpty => "result_empty",
            Self::ResultInvalid => "result_invalid",
            Self::ResultError => "result_error",
            Self::Corrupt => "corrupt",
            Self::DataMissing => "data_missing",
            Self::SecretUnavailable => "secret_unavailable",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the class that the reason belongs to.
    pub const fn class(self) -> FailureClass {
        match self {
            Self::ImageUnavailable
            | Self::ImagePlatform
            | Self::SpecRefused
            | Self::ProgramNotStarted
            | Self::NeverScheduled
            | Self::DataMissing
            | Self::SecretUnavailable
            | Self::Cancelled => FailureClass::Permanent,
            Self::EngineError | Self::EngineUnreachable | Self::Corrupt => FailureClass::Transient,
            Self::NoSpace | Self::OutOfMemory => FailureClass::Resource,
            Self::Killed | Self::Vanished | Self::Evicted | Self::NodeLost | Self::AlreadyClaimed => FailureClass::Lost,
            Self::TimedOut => FailureClass::Timeout,
            Self::ExitCode | Self::ResultMissing | Self::ResultEmpty | Self::ResultInvalid | Self::ResultError => {
                FailureClass::Tool
            }
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A failed attempt: reason and the words of whoever reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong.
    pub reason: FailureReason,
    /// Details: the engine's own message, the exit code, the place in the file. Free of control characters.
    pub message: String,
}

impl Failure {
    /// Makes a failure; control characters in `message` are replaced, for it often comes from outside.
    pub fn new(reason: FailureReason, message: impl AsRef<str>) -> Self {
        let message =
            message.as_ref().trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(2000).collect();
        Self { reason, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}
