//! Names for images, by the rules of registries.

use std::fmt;
use std::net::IpAddr;

/// A registry, a repository in it and a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(oci_client::Reference);

/// A text that is no name for an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be the name of an image: {message}")]
pub struct InvalidReference {
    text: String,
    message: String,
}

impl Reference {
    /// Reads a name; `tag` is added to one that has none. What is made here has no digest yet, and none is taken.
    pub fn parse(text: &str, tag: &str) -> Result<Self, InvalidReference> {
        let invalid = |message: String| InvalidReference { text: text.to_owned(), message };
        let tagged = text.rsplit('/').next().is_some_and(|name| name.contains(':'));
        let full = if tagged || text.contains('@') { text.to_owned() } else { format!("{text}:{tag}") };
        let reference: oci_client::Reference = full.parse().map_err(|error| {
            let error: oci_client::ParseError = error;
            invalid(error.to_string())
        })?;
        if reference.digest().is_some() {
            return Err(invalid("it has a digest, which is for images that are there already".to_owned()));
        }
        Ok(Self(reference))
    }

    /// Returns the registry's host, with its port if there is one, as people name it.
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// Returns the tag.
    pub fn tag(&self) -> &str {
        self.0.tag().unwrap_or("latest")
    }

    /// Whether the registry is of this machine alone, where engines ask for no encryption either.
    pub(super) fn is_local(&self) -> bool {
        let host = self.registry();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns the reference as the client library has it.
    pub(super) const fn inner(&self) -> &oci_client::Reference {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.whole())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, InvalidReference> {
        Reference::parse(text, "1").map(|reference| reference.to_string())
    }

    #[test]
    fn a_name_without_a_tag_gets_one() {
        assert_eq!(read("r.example/a/b").unwrap(), "r.example/a/b:1");
        assert_eq!(read("r.example:5000/a").unwrap(), "r.example:5000/a:1");
        assert_eq!(read("r.example/a:2").unwrap(), "r.example/a:2");
        assert_eq!(Reference::parse("team/a", "1").unwrap().registry(), "docker.io");
        for bad in ["", "r.example/A", "r.example/a:", "a@sha256:00", &format!("a@sha256:{}", "0".repeat(64))] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_is_local() {
        let local = |text: &str| Reference::parse(text, "1").unwrap().is_local();
        assert!(local("localhost:5000/a") && local("127.0.0.1:5000/a") && local("127.1.2.3/a"));
        assert!(!local("r.example/a") && !local("10.0.0.1:5000/a") && !local("a"));
    }
}
