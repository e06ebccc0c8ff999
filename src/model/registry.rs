//! Registries of images: who may use them, and why they do not give or take an image.

use std::fmt;

/// Why a registry does not give or take an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFault {
    /// It wants credentials, and there are none.
    #[error("wants credentials, and there are none")]
    NoCredentials,
    /// It has no use for those that there are.
    #[error("does not accept the credentials that there are")]
    WrongCredentials,
    /// It has no such image, or hides it from us.
    #[error("has no such image")]
    NoImage,
    /// It will not take the image.
    #[error("refuses the image")]
    Refused,
    /// What it says does not fit what it sends, or it leads where nobody should go.
    #[error("cannot be trusted")]
    Untrusted,
    /// It does not answer, or not as a registry does. May pass.
    #[error("does not answer as it should")]
    Away,
}

/// What a registry knows its user by.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user's name and password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A token that the registry takes as it is.
    Token(String),
    /// A token that the registry's authorisation server exchanges for others (OAuth 2).
    Identity(String),
}

/// Secrets are nowhere to be printed.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::Token(_) => "Token",
            Self::Identity(_) => "Identity",
        })
    }
}

/// What was found out about how to use a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The credentials, if there are any.
    pub credentials: Option<Credentials>,
    /// Why there may be others that could not be had. Never holds a secret.
    pub trouble: Option<String>,
}

impl Login {
    /// Tells which fault it is when a registry lets nobody like us in.
    pub const fn fault(&self) -> RegistryFault {
        match self.credentials {
            None => RegistryFault::NoCredentials,
            Some(_) => RegistryFault::WrongCredentials,
        }
    }

    /// Adds what kept credentials away to what a registry says.
    pub fn explain(&self, message: &str) -> String {
        match &self.trouble {
            Some(trouble) => format!("{message} ({trouble})"),
            None => message.to_owned(),
        }
    }
}
