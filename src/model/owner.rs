//! Whose something is: an organisation, and a project of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The organisation and the project that a scan or a registered target belongs to. What is known of a target is known within its
/// project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The organisation.
    #[serde(default)]
    pub organisation: OwnerName,
    /// The project, unique within the organisation.
    #[serde(default)]
    pub project: OwnerName,
}

impl Owner {
    /// Whether it is the one that things belong to when nobody says otherwise.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Owner {
    /// The project, with its organisation before it unless that is the default one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.organisation != OwnerName::default() {
            write!(f, "{}/", self.organisation)?;
        }
        write!(f, "{}", self.project)
    }
}

/// The name of an organisation or a project: 1 to 100 letters, digits, `.`, `_` and `-`, the first a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OwnerName(String);

impl OwnerName {
    /// Most bytes of one.
    pub const MOST: usize = 100;

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for OwnerName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

/// A text that cannot name an organisation or a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of an organisation or project: letters, digits, `.`, `_` and `-`, {most} at most", most = OwnerName::MOST)]
pub struct InvalidOwnerName(String);

impl FromStr for OwnerName {
    type Err = InvalidOwnerName;

    fn from_str(text: &str) -> Result<Self, InvalidOwnerName> {
        let fits = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if fits && text.len() <= Self::MOST && text.starts_with(char::is_alphanumeric) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidOwnerName(text.chars().take(Self::MOST).collect()))
    }
}

impl TryFrom<String> for OwnerName {
    type Error = InvalidOwnerName;

    fn try_from(text: String) -> Result<Self, InvalidOwnerName> {
        text.parse()
    }
}

impl From<OwnerName> for String {
    fn from(name: OwnerName) -> Self {
        name.0
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words() {
        for good in ["default", "web-shop_2.0", "Größe", "7"] {
            assert_eq!(good.parse::<OwnerName>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "-a", ".a", "a\n", &"a".repeat(101)] {
            assert!(bad.parse::<OwnerName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_organisation_goes_without_saying() {
        let mut owner = Owner { project: "web".parse().unwrap(), ..Owner::default() };
        assert_eq!((owner.to_string(), owner.is_default()), ("web".to_owned(), false));
        owner.organisation = "acme".parse().unwrap();
        assert_eq!(owner.to_string(), "acme/web");
    }
}
