//! Names for images, by the rules of registries.
//!
//! Source: OCI Distribution Specification 1.1, "Pulling manifests", for repositories and tags; the `docker` program for what is left
//! out: a name without a registry is one of Docker Hub's, and one of a single part is in `library` there.

use std::fmt;
use std::net::IpAddr;

/// Docker Hub, as people name it.
const HUB: &str = "docker.io";
/// Docker Hub, as it answers.
const HUB_HOST: &str = "registry-1.docker.io";
/// Longest repository with its registry, and longest tag.
const MAX_NAME: usize = 255;
const MAX_TAG: usize = 128;

/// A registry, a repository in it and a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: String,
}

/// A text that is no name for an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be the name of an image: {why}")]
pub struct InvalidReference {
    text: String,
    why: &'static str,
}

impl Reference {
    /// Reads a name; `tag` is added to one that has none. A digest is refused: who has one need not ask what a tag means.
    pub fn parse(text: &str, tag: &str) -> Result<Self, InvalidReference> {
        let invalid = |why| InvalidReference { text: text.to_owned(), why };
        if text.contains('@') {
            return Err(invalid("it has a digest, which is for images that are there already"));
        }
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, tag),
        };
        let (registry, repository) = match name.split_once('/') {
            Some(("index.docker.io", path)) => (HUB, path.to_owned()),
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path.to_owned()),
            _ => (HUB, name.to_owned()),
        };
        let repository = match repository {
            path if registry == HUB && !path.contains('/') => format!("library/{path}"),
            path => path,
        };
        if !is_host(registry) {
            return Err(invalid("its registry is no host"));
        }
        if !repository.split('/').all(is_part) || registry.len() + repository.len() >= MAX_NAME {
            return Err(invalid(
                "its repository is not made of lowercase letters and digits, with `.`, `_`, `-` between",
            ));
        }
        if !is_tag(tag) {
            return Err(invalid("its tag is not made of letters, digits, `_`, `.` and `-`, at most 128"));
        }
        Ok(Self { registry: registry.to_owned(), repository, tag: tag.to_owned() })
    }

    /// Returns the registry's host, with its port if there is one, as people name it.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Returns the repository with its registry.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns the repository in its registry.
    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the address of the registry. Engines ask for no encryption where it is of this machine alone, nor do we.
    pub(super) fn address(&self) -> String {
        let host = if self.registry == HUB { HUB_HOST } else { &self.registry };
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let scheme = if is_loopback(name) { "http" } else { "https" };
        format!("{scheme}://{host}")
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a text is a host with or without a port, and nothing else that an address may hold.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let named = |label: &str| {
        let edges = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && !edges && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let host = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(named),
    };
    host && port.is_none_or(|port| port.bytes().all(|c| c.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_part(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = text.split(word).filter(|separator| !separator.is_empty());
    let fits = |separator: &str| matches!(separator, "." | "_" | "__") || separator.bytes().all(|c| c == b'-');
    text.starts_with(word) && text.ends_with(word) && separators.into_iter().all(fits)
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(text: &str) -> bool {
    let word = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    text.len() <= MAX_TAG
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|c| word(c) || c == b'.' || c == b'-')
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.name(), self.tag))
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
        assert_eq!(read("[::1]:5000/a__b/c--d.e:V_1.2-x").unwrap(), "[::1]:5000/a__b/c--d.e:V_1.2-x");
        assert_eq!(Reference::parse("team/a", "1").unwrap().registry(), "docker.io");
    }

    #[test]
    fn what_is_left_out_is_what_the_docker_program_adds() {
        for name in ["a", "library/a", "docker.io/a", "docker.io/library/a", "index.docker.io/a"] {
            assert_eq!(read(name).unwrap(), "docker.io/library/a:1", "{name}");
        }
        assert_eq!(read("team/a:2").unwrap(), "docker.io/team/a:2");
    }

    #[test]
    fn what_no_registry_takes_is_refused() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        for bad in [
            "",
            "a/",
            "/a",
            "r.example//a",
            "r.example/A",
            "r.example/a:",
            "r.example/a:-1",
            "r.example/a___b",
            "r.example/a._b",
            "r.example/-a",
            "r.example/a b",
            "r.example:http/a",
            "r.example:99999/a",
            "user:password@r.example/a",
            "r..example/a",
            "r.example/../a",
            "r.example/a?b",
            "[::1/a",
            "a@sha256:00",
            &digest,
            &format!("r.example/{}", "a".repeat(300)),
            &format!("r.example/a:{}", "1".repeat(129)),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_is_asked_without_encryption() {
        let address = |text: &str| Reference::parse(text, "1").unwrap().address();
        for (name, expected) in [
            ("localhost:5000/a", "http://localhost:5000"),
            ("127.0.0.1:5000/a", "http://127.0.0.1:5000"),
            ("127.1.2.3/a", "http://127.1.2.3"),
            ("[::1]:5000/a", "http://[::1]:5000"),
            ("r.example/a", "https://r.example"),
            ("127.0.0.1.example/a", "https://127.0.0.1.example"),
            ("10.0.0.1:5000/a", "https://10.0.0.1:5000"),
            ("a", "https://registry-1.docker.io"),
        ] {
            assert_eq!(address(name), expected, "{name}");
        }
    }
}
