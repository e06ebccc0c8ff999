//! Records: the normalised results of one attempt.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::severity::Severity;
use super::triage::Muting;

/// One result of a scanner, normalised; nothing is collapsed. Text fields come from outside and are untrusted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The scanner's id of the rule; never empty.
    pub rule: String,
    /// A short name of the problem.
    pub title: String,
    /// What the scanner says about this place.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
    /// The severity in the scanner's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_severity: Option<String>,
    /// How sure the scanner is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// Where it is.
    pub location: Location,
    /// Weaknesses, as numbers of the Common Weakness Enumeration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<u32>,
    /// Vulnerabilities: `CVE-…`, `GHSA-…`, `RUSTSEC-…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<String>,
    /// The score of the Common Vulnerability Scoring System, with its vector where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cvss: Option<Cvss>,
    /// What mends it: a version, a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The code or answer that shows it, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Why the report itself says that it does not count: a comment in the code, the scanner's configuration. Empty when it says
    /// no more than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
    /// Why a rule or a comment of the user's says that it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muting: Option<Muting>,
    /// What sets the record apart from others of its rule in its file, free of lines and times: normalised code, a masked
    /// secret's keyed hash, a resource's address. Enters the fingerprint.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub identity: String,
}

/// Default severity is `unknown`: a parser must say otherwise.
impl Default for Severity {
    fn default() -> Self {
        Self::Unknown
    }
}

/// How sure a scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Almost certain.
    High,
    /// Likely.
    Medium,
    /// A guess.
    Low,
}

/// A CVSS score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cvss {
    /// 0.0 to 10.0.
    pub score: f64,
    /// `CVSS:3.1/AV:N/…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
}

/// A part of a text file, 1-based as in SARIF 2.1.0, section 3.30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Region {
    /// First line.
    pub start_line: u32,
    /// Last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// First column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_column: Option<u32>,
    /// Column after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Location {
    /// A place in a file; the path is relative to the source's root, with `/`.
    File {
        /// The file.
        path: String,
        /// The place in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<Region>,
    },
    /// A package of software.
    Package {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// The lock file or path that names it, when there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// A network service.
    Host {
        /// Name or address.
        host: String,
        /// Port, when it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// `tcp` or `udp`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<String>,
    },
    /// A web address.
    Url {
        /// The address.
        url: String,
        /// The parameter, when it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parameter: Option<String>,
    },
    /// A file in a layer of an image.
    Image {
        /// The layer's digest.
        layer: String,
        /// The file in it.
        path: String,
    },
    /// A resource that a file declares, such as `aws_s3_bucket.data`.
    Resource {
        /// Its address.
        name: String,
        /// The file that declares it; empty for one that is looked at where it runs.
        path: String,
        /// The place in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<Region>,
    },
    /// The scanner names no place.
    #[default]
    Nowhere,
}

impl Location {
    /// Returns the location of a resource that is looked at where it runs: in a cloud, in a cluster.
    pub fn running(name: impl Into<String>) -> Self {
        Self::Resource { name: name.into(), path: String::new(), region: None }
    }

    /// Returns the file that the location is in, when there is one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Resource { path, .. } if path.is_empty() => None,
            Self::File { path, .. } | Self::Image { path, .. } | Self::Resource { path, .. } => Some(path),
            Self::Package { path, .. } => path.as_deref(),
            Self::Host { .. } | Self::Url { .. } | Self::Nowhere => None,
        }
    }

    /// Returns the place in the file, when there is one.
    pub fn region(&self) -> Option<Region> {
        match self {
            Self::File { region, .. } | Self::Resource { region, .. } => *region,
            _ => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, region } => write_place(f, path, *region),
            Self::Package { name, version, path } => match path {
                Some(path) => write!(f, "{path}: {name} {version}"),
                None => write!(f, "{name} {version}"),
            },
            Self::Host { host, port: Some(port), .. } => write!(f, "{host}:{port}"),
            Self::Host { host, .. } => f.write_str(host),
            Self::Url { url, parameter: Some(parameter) } => write!(f, "{url} ({parameter})"),
            Self::Url { url, .. } => f.write_str(url),
            Self::Image { layer, path } => write!(f, "{path} in {layer}"),
            Self::Resource { name, path, .. } if path.is_empty() => f.write_str(name),
            Self::Resource { name, path, region } => {
                write_place(f, path, *region)?;
                write!(f, " ({name})")
            }
            Self::Nowhere => f.write_str("-"),
        }
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, path: &str, region: Option<Region>) -> fmt::Result {
    match region {
        Some(region) => write!(f, "{path}:{}", region.start_line),
        None => f.write_str(path),
    }
}

/// How many records of each severity, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "[u64; 6]", into = "[u64; 6]")]
pub struct SeverityCounts(pub [u64; 6]);

impl SeverityCounts {
    /// Counts one record.
    pub fn add(&mut self, severity: Severity) {
        self.0[usize::from(severity.rank())] += 1;
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// Takes another count away.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].saturating_sub(other.0[i])))
    }

    /// Returns how many have this severity.
    pub fn of(&self, severity: Severity) -> u64 {
        self.0[usize::from(severity.rank())]
    }

    /// Returns how many there are in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl From<[u64; 6]> for SeverityCounts {
    fn from(counts: [u64; 6]) -> Self {
        Self(counts)
    }
}

impl From<SeverityCounts> for [u64; 6] {
    fn from(counts: SeverityCounts) -> Self {
        counts.0
    }
}
