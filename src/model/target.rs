//! What is scanned: `dir:.`, `git:URL@rev`, `image:REF`, `host:…`, and what they have in common over time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::asset::AssetKind;

/// What is scanned, as the user writes it. A text without a known prefix is a directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Target {
    /// Which kind of thing it is.
    pub kind: TargetKind,
    /// The text after the prefix; never empty.
    pub value: String,
}

/// The prefixes of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A directory or file of this machine.
    Dir,
    /// A git repository, `URL@rev`.
    Git,
    /// A container image reference.
    Image,
    /// A DNS domain.
    Domain,
    /// A host name or address.
    Host,
    /// A range of addresses.
    Cidr,
    /// A web address.
    Url,
    /// A mail address.
    Email,
    /// An archive to be fetched over HTTPS.
    Archive,
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Dir,
        Self::Git,
        Self::Image,
        Self::Domain,
        Self::Host,
        Self::Cidr,
        Self::Url,
        Self::Email,
        Self::Archive,
    ];

    /// Returns the prefix, without the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dir => "dir",
            Self::Git => "git",
            Self::Image => "image",
            Self::Domain => "domain",
            Self::Host => "host",
            Self::Cidr => "cidr",
            Self::Url => "url",
            Self::Email => "email",
            Self::Archive => "archive",
        }
    }

    /// Returns the kind of asset that a scanner receives for it.
    pub const fn asset_kind(self) -> AssetKind {
        match self {
            Self::Dir | Self::Git | Self::Archive => AssetKind::Dir,
            Self::Image => AssetKind::Image,
            Self::Domain => AssetKind::Domain,
            Self::Host => AssetKind::Host,
            Self::Cidr => AssetKind::Cidr,
            Self::Url => AssetKind::Url,
            Self::Email => AssetKind::Email,
        }
    }
}

/// A target that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Nothing was given after the prefix.
    #[error("the target `{0}` names nothing")]
    Empty(String),
    /// It has control characters in it.
    #[error("the target {0:?} has control characters in it")]
    Control(String),
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        if text.chars().any(char::is_control) {
            return Err(InvalidTarget::Control(text.to_owned()));
        }
        let (kind, value) = TargetKind::ALL
            .into_iter()
            .find_map(|kind| Some((kind, text.strip_prefix(kind.as_str())?.strip_prefix(':')?)))
            .unwrap_or((TargetKind::Dir, text));
        if value.is_empty() {
            return Err(InvalidTarget::Empty(text.to_owned()));
        }
        Ok(Self { kind, value: value.to_owned() })
    }
}

impl TryFrom<String> for Target {
    type Error = InvalidTarget;

    fn try_from(text: String) -> Result<Self, InvalidTarget> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.value)
    }
}

/// A target's identity over time: what two scans must share for their findings to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TargetKey {
    /// Given name, canonical git remote and path, host id and absolute path, canonical host or repository.
    pub key: String,
    /// The branch or tag beside it, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
}

impl TargetKey {
    /// Returns the key of targets that were given this name.
    pub fn named(name: &str) -> String {
        format!("name:{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_path_is_a_directory() {
        assert_eq!("./src".parse::<Target>().unwrap().to_string(), "dir:./src");
        assert_eq!("C:weird".parse::<Target>().unwrap().kind, TargetKind::Dir);
        assert_eq!("image:nginx:1".parse::<Target>().unwrap().value, "nginx:1");
        assert!("dir:".parse::<Target>().is_err());
        assert!("a\nb".parse::<Target>().is_err());
    }
}
