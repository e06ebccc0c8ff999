//! Parsers: what scanners print → records and assets. Layer 1, pure: bytes in, values out, streaming.
//!
//! Every parser counts: records in the file = records handed to the sink + records skipped for a stated reason. A file that is
//! truncated, garbled or of another format is an error with its place, never "nothing found".
//!
//! Memory is flat in the size of a file: one result at a time is held, and none may be longer than [`metered::MAX_VALUE`].
//! Secrets are masked on that one result before anything is read from it, by the same function that [`mask()`] uses on the raw
//! file; so a masked file parses to the same records as the original. JSON is copied with its secrets masked in the pass that reads it
//! ([`Input::copied_to`]).

mod bandit;
mod baseline;
mod brakeman;
mod burp;
mod cargo_audit;
mod checkov;
mod clair;
mod clamav;
mod colours;
mod cyclonedx;
mod dependency_check;
mod detect_secrets;
mod dnsx;
mod encoding;
mod flawfinder;
mod gitlab;
mod gitleaks;
mod gosec;
mod govulncheck;
mod grype;
mod hadolint;
mod held;
mod httpx;
mod ids;
mod input;
mod json;
mod junit;
mod katana;
mod key_lines;
mod kics;
mod kingfisher;
mod known;
mod kube_bench;
mod kubeaudit;
mod kubescape;
mod lines;
mod log;
mod lynis;
mod mask;
mod masked;
mod metered;
mod naabu;
mod net;
mod nikto;
mod nikto_xml;
mod njsscan;
mod nmap;
mod noseyparker;
mod npm_audit;
mod nuclei;
mod openvas;
mod openvas_csv;
mod osv;
mod osv_scanner;
mod output;
mod path;
mod pip_audit;
#[cfg(test)]
mod properties;
mod prowler;
pub(crate) mod purl;
mod registry;
mod results;
mod rewrite_text;
mod rewrite_xml;
mod sarif;
mod score;
mod semgrep;
mod severity;
mod sniff;
mod snyk;
mod spdx;
mod ssh_audit;
mod sslscan;
mod sslyze;
mod sslyze_xml;
mod strings;
mod subfinder;
mod syft;
mod table;
#[cfg(test)]
mod testing;
mod testssl;
mod testssl_csv;
mod text;
mod tfsec;
mod tls;
mod trivy;
mod trufflehog;
mod trufflehog3;
mod value;
mod wapiti;
mod wapiti_xml;
mod words;
mod wpscan;
mod xml;
mod zap;
mod zap_xml;
mod zizmor;

use crate::model::asset::Asset;
use crate::model::finding::Record;
use std::collections::BTreeMap;

pub use baseline::{BaselineFacts, KnownFinding, baseline};
pub use encoding::Encoding;
pub use input::Input;
pub use mask::{LineMask, Redaction, mask};
pub use registry::{PARSERS, parser, sniff};
pub use sniff::Outline;

/// Takes what a parser finds, in the order of the file.
pub trait Sink {
    /// Takes a record. An error stops the parser ([`ParseError::Stopped`]).
    fn record(&mut self, record: Record) -> Result<(), Stop>;

    /// Takes an asset to be handed on to later steps.
    fn asset(&mut self, asset: Asset) -> Result<(), Stop>;
}

/// The sink wants no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// What a parser must know beside the file.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Where the scanner saw the source (`/src`); cut off from paths. Empty when it saw none.
    pub source_root: String,
    /// Keys the hashes that stand for secrets.
    pub secret_key: Vec<u8>,
}

/// What a parser says at the end of a whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Records handed to the sink.
    pub records: u64,
    /// Assets handed to the sink.
    pub assets: u64,
    /// Records not handed on, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Errors that the report itself tells of (`errors[]`, error-level notifications), at most 20.
    pub errors: Vec<String>,
    /// The tool's version, if the report says.
    pub tool_version: Option<String>,
}

/// A file that cannot be read as what it should be.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It is not of the format.
    #[error("not {format}: {message} (at {place})")]
    Invalid {
        /// The format that was expected.
        format: &'static str,
        /// What is wrong.
        message: String,
        /// Line and column, byte, or path in the document.
        place: String,
    },
    /// No parser has this name.
    #[error("there is no parser called `{0}`")]
    UnknownFormat(String),
    /// The sink wanted no more.
    #[error("stopped")]
    Stopped,
    /// Reading failed.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

impl From<Stop> for ParseError {
    fn from(_: Stop) -> Self {
        Self::Stopped
    }
}

/// A format of results.
pub trait Parser: Sync {
    /// Its name in catalogue and `import --format`.
    fn name(&self) -> &'static str;

    /// Whether a document that begins like this is of the format.
    fn recognises(&self, outline: &Outline) -> bool;

    /// Which values of the format are secret; none when the format carries none.
    fn redaction(&self) -> Option<&'static Redaction> {
        None
    }

    /// How a file is written whose first line, but for white space, is `head`.
    fn encoding(&self, head: &[u8]) -> Encoding {
        if head.starts_with(b"<") { Encoding::Xml } else { Encoding::Json }
    }

    /// Reads a whole file, and copies it if it is JSON and a copy is wanted.
    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError>;
}
