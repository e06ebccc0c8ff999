//! What steps hand on to later steps.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// A source tree.
    Dir,
    /// A repository address.
    Repo,
    /// A container image.
    Image,
    /// A DNS domain.
    Domain,
    /// A host name.
    Host,
    /// An IP address.
    Ip,
    /// A range of addresses.
    Cidr,
    /// An open port, `host:port/protocol`.
    Port,
    /// A web address.
    Url,
    /// An endpoint of a web service.
    Endpoint,
    /// A piece of software seen at work.
    Technology,
    /// A mail address.
    Email,
}

impl AssetKind {
    /// Returns the kind's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dir => "dir",
            Self::Repo => "repo",
            Self::Image => "image",
            Self::Domain => "domain",
            Self::Host => "host",
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Port => "port",
            Self::Url => "url",
            Self::Endpoint => "endpoint",
            Self::Technology => "technology",
            Self::Email => "email",
        }
    }

    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Dir,
        Self::Repo,
        Self::Image,
        Self::Domain,
        Self::Host,
        Self::Ip,
        Self::Cidr,
        Self::Port,
        Self::Url,
        Self::Endpoint,
        Self::Technology,
        Self::Email,
    ];
}

impl fmt::Display for AssetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for AssetKind {
    type Err = super::id::InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| super::id::InvalidId { text: text.to_owned(), expected: "a kind of asset" })
    }
}

/// Something a step found that a later step can look at; canonical, so that equal assets are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Asset {
    /// Which kind.
    pub kind: AssetKind,
    /// Its canonical text, without control characters or spaces at the ends, at most 2,048 bytes.
    pub value: String,
}

impl Asset {
    /// Longest text of an asset, in bytes.
    pub const MAX_LEN: usize = 2048;

    /// Makes the canonical form: trimmed; host names in lower case without a final dot. `None` when nothing fit to be
    /// handed to a scanner remains (empty, too long, control characters, or a leading hyphen that a program would read as
    /// an option).
    pub fn new(kind: AssetKind, value: &str) -> Option<Self> {
        let value = value.trim();
        let value = match kind {
            AssetKind::Domain | AssetKind::Host => value.trim_end_matches('.').to_lowercase(),
            _ => value.to_owned(),
        };
        let usable = !value.is_empty()
            && value.len() <= Self::MAX_LEN
            && !value.starts_with('-')
            && !value.chars().any(char::is_control);
        usable.then_some(Self { kind, value })
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_canonical_and_cannot_be_options() {
        assert_eq!(Asset::new(AssetKind::Host, " Example.COM. ").unwrap().value, "example.com");
        assert_eq!(Asset::new(AssetKind::Host, "-oX"), None);
        assert_eq!(Asset::new(AssetKind::Url, "http://a/\u{1b}[2J"), None);
    }
}
