//! Names and keys: how scans, jobs and attempts are called in the store and in the engines.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Base32 of 40 random bits (Crockford's alphabet in lower case): eight characters that are valid in DNS labels.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key8([u8; 8]);

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Key8 {
    /// Encodes the low 40 bits of `bits`.
    pub fn from_bits(bits: u64) -> Self {
        Self(std::array::from_fn(|i| {
            let shift = 35 - 5 * i;
            ALPHABET[(bits >> shift & 31) as usize]
        }))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Key8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Key8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that is not a key, a name or an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidId {
    /// What was given.
    pub text: String,
    /// What was wanted, with its article.
    pub expected: &'static str,
}

impl FromStr for Key8 {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes: [u8; 8] = text
            .as_bytes()
            .try_into()
            .ok()
            .filter(|b: &[u8; 8]| b.iter().all(|c| ALPHABET.contains(c)))
            .ok_or_else(|| InvalidId { text: text.to_owned(), expected: "an id of eight characters" })?;
        Ok(Self(bytes))
    }
}

impl Serialize for Key8 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Key8 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The state directory that owns an engine object; made once, when the database is created or restored.
pub type InstanceKey = Key8;

/// A scan's displayed id.
pub type ScanKey = Key8;

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

row_id! {
    /// Row of a scan.
    ScanId,
    /// Row of a job.
    JobId,
    /// Row of an attempt.
    AttemptId,
    /// Row of a finding.
    FindingId,
    /// Row of an asset.
    AssetId,
}

/// A step's id: `[a-z0-9-]`, 1 to 16 characters, starting and ending with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct StepId(String);

impl StepId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StepId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let bytes = text.as_bytes();
        let inside = bytes.iter().all(|&c| c == b'-' || edge(Some(c)));
        if bytes.len() <= 16 && inside && edge(bytes.first().copied()) && edge(bytes.last().copied()) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidId {
            text: text.to_owned(),
            expected: "a step id (1 to 16 characters of a-z, 0-9 and inner hyphens)",
        })
    }
}

impl<'de> Deserialize<'de> for StepId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A job within its scan: the step's id, then the chunk number; `trivy`, `ports-3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobName {
    /// The step that the job belongs to.
    pub step: StepId,
    /// The chunk of the step's assets; 0 for a step without `for_each`.
    pub chunk: u32,
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.step, self.chunk)
    }
}

/// The name of an attempt's engine object: `dn-<instance8>-<scan8>-<job>-a<NN>`, at most 52 characters.
///
/// It is the idempotency key of the launch: one name is created once, and never used again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptName(String);

impl AttemptName {
    /// Composes the name.
    pub fn new(instance: InstanceKey, scan: ScanKey, job: &JobName, attempt: u32) -> Self {
        Self(format!("dn-{instance}-{scan}-{job}-a{attempt:02}"))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the scan that it is an attempt of; none where the text is no such name.
    pub fn scan(&self) -> Option<ScanKey> {
        self.0.split('-').nth(2)?.parse().ok()
    }
}

impl fmt::Display for AttemptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for AttemptName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.splitn(4, '-');
        let shaped = parts.next() == Some("dn")
            && parts.next().is_some_and(|p| p.parse::<Key8>().is_ok())
            && parts.next().is_some_and(|p| p.parse::<Key8>().is_ok())
            && parts.next().is_some_and(|rest| {
                rest.rsplit_once("-a").is_some_and(|(job, n)| !job.is_empty() && n.parse::<u32>().is_ok())
            });
        if shaped && text.len() <= 52 && text.bytes().all(|c| c == b'-' || c.is_ascii_lowercase() || c.is_ascii_digit())
        {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidId { text: text.to_owned(), expected: "the name of an attempt" })
    }
}

/// SHA-256 of some bytes; shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Hashes `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes.as_ref()).into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: each result of a scan has several, and a formatter for each byte is slow.
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        f.write_str(str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId { text: text.to_owned(), expected: "a SHA-256 of 64 hexadecimal digits" };
        if text.len() != 64 || !text.is_ascii() {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_and_sort_like_their_bits() {
        for bits in [0, 1, 31, 32, 0xff_ffff_ffff, 0x12_3456_789a] {
            let key = Key8::from_bits(bits);
            assert_eq!(key.as_str().parse::<Key8>(), Ok(key));
        }
        assert!(Key8::from_bits(7) < Key8::from_bits(8));
        assert!("ABCDEFGH".parse::<Key8>().is_err());
    }

    #[test]
    fn the_longest_attempt_name_fits_a_kubernetes_job() {
        let job = JobName { step: "abcdefghijklmnop".parse().unwrap(), chunk: 999_999 };
        let name = AttemptName::new(Key8::from_bits(1), Key8::from_bits(2), &job, 99);
        assert!(name.as_str().len() <= 52, "{name}: {}", name.as_str().len());
        assert_eq!(name.as_str().parse::<AttemptName>(), Ok(name));
    }

    #[test]
    fn step_ids_refuse_what_an_engine_would() {
        for bad in ["", "-a", "a-", "A", "a_b", "abcdefghijklmnopq"] {
            assert!(bad.parse::<StepId>().is_err(), "{bad}");
        }
    }
}
