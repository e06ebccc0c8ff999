//! Fingerprints: what makes two records of different scans the same finding.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::finding::{Location, Record};
use super::id::InvalidId;

/// Version 1: SHA-256, cut to 16 bytes, over scanner, rule, location without region or layer, and identity.
///
/// Neither line, time, absolute path, description nor severity enters, nor a fingerprint of the scanner's own. Records of one
/// scan with equal fingerprints are told apart by their rank in [`location_order`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The version of the recipe; findings of different versions are never compared.
    pub const VERSION: u32 = 1;

    /// Takes the fingerprint of a record.
    pub fn of(scanner: &str, record: &Record) -> Self {
        let mut hash = Sha256::new();
        let named = [scanner, &record.rule, &record.identity].map(Cow::Borrowed);
        for field in named.into_iter().chain(place(&record.location)) {
            // The length before each field keeps ("ab", "c") apart from ("a", "bc").
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field.as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        Self(std::array::from_fn(|i| digest[i]))
    }
}

/// The fields of a location that stay when code moves and images are built anew.
fn place(location: &Location) -> [Cow<'_, str>; 4] {
    let fields = match location {
        Location::File { path, .. } => ["file", path, "", ""],
        Location::Package { name, version, path } => ["package", name, version, path.as_deref().unwrap_or_default()],
        Location::Host { host, port, protocol } => {
            let port = port.map(|port| port.to_string()).unwrap_or_default();
            return ["host".into(), host.into(), port.into(), protocol.as_deref().unwrap_or_default().into()];
        }
        Location::Url { url, parameter } => ["url", url, parameter.as_deref().unwrap_or_default(), ""],
        Location::Image { path, .. } => ["image", path, "", ""],
        Location::Resource { name, path, .. } => ["resource", name, path, ""],
        Location::Nowhere => ["nowhere", "", "", ""],
    };
    fields.map(Cow::Borrowed)
}

/// The order in which equals of one scan are counted: the first is occurrence 1.
pub fn location_order(record: &Record) -> impl Ord + '_ {
    (&record.location, &record.message)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}:", Self::VERSION)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId { text: text.to_owned(), expected: "a fingerprint, v1: and 32 hexadecimal digits" };
        let digits = text.strip_prefix("v1:").filter(|digits| digits.len() == 32).ok_or_else(invalid)?;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::finding::Region;
    use crate::model::severity::Severity;

    fn record(path: &str, line: u32, identity: &str) -> Record {
        let region = Some(Region { start_line: line, ..Region::default() });
        Record {
            rule: "rule".to_owned(),
            location: Location::File { path: path.to_owned(), region },
            identity: identity.to_owned(),
            ..Record::default()
        }
    }

    #[test]
    fn the_recipe_of_version_1_never_changes() {
        let fingerprint = Fingerprint::of("bandit", &record("a.py", 3, "0123456789abcdef"));
        insta::assert_snapshot!(fingerprint, @"v1:1f32a1f9c6f49842ab87bc072a211c46");
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert!("v2:00".parse::<Fingerprint>().is_err());
    }

    #[test]
    fn ports_and_packages_are_told_apart() {
        let host =
            |port| Record { location: Location::Host { host: "h".into(), port, protocol: None }, ..Record::default() };
        assert_ne!(Fingerprint::of("nmap", &host(Some(80))), Fingerprint::of("nmap", &host(Some(443))));
        let package = |version: &str| Record {
            location: Location::Package { name: "p".into(), version: version.into(), path: None },
            ..Record::default()
        };
        assert_ne!(Fingerprint::of("trivy", &package("1")), Fingerprint::of("trivy", &package("2")));
    }

    proptest! {
        #[test]
        fn lines_words_and_severities_do_not_matter(line in 1u32.., other in 1u32.., message in ".*", score in 0u8..6) {
            let one = record("a.py", line, "id");
            let mut two = record("a.py", other, "id");
            two.message = message;
            two.severity = Severity::from_rank(score).unwrap_or_default();
            prop_assert_eq!(Fingerprint::of("s", &one), Fingerprint::of("s", &two));
        }

        #[test]
        fn what_differs_in_a_field_differs(a in "[a-c]{0,3}", b in "[a-c]{0,3}", c in "[a-c]{0,3}", d in "[a-c]{0,3}") {
            let same = (&a, &b) == (&c, &d);
            let (one, two) = (record(&a, 1, &b), record(&c, 1, &d));
            prop_assert_eq!(Fingerprint::of("s", &one) == Fingerprint::of("s", &two), same);
        }

        #[test]
        fn occurrence_follows_the_place_in_the_file(mut lines in proptest::collection::vec(1u32..1000, 1..20)) {
            let mut records: Vec<Record> = lines.iter().map(|line| record("a.py", *line, "id")).collect();
            records.sort_by(|a, b| location_order(a).cmp(&location_order(b)));
            lines.sort_unstable();
            let sorted: Vec<u32> = records.iter().filter_map(|r| r.location.region()).map(|r| r.start_line).collect();
            prop_assert_eq!(sorted, lines);
        }
    }
}
