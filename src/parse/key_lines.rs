//! Lines of the body of a private key that stand without the line that begins it, as code is often shown: a few lines around a
//! place, with their numbers or as a comment.
//!
//! Such a line is 64 characters of base64 (RFC 7468 §2), 70 as OpenSSH and 76 as MIME write it, and random: hashes in base64 stand
//! behind their algorithm, paths have more slashes, and names change less often between small letters and capitals.

use std::ops::{Range, RangeInclusive};

/// What begins the line before a key, or before what is public.
pub(super) const BEGIN: &str = "-----BEGIN ";
/// What begins the line behind it.
pub(super) const END: &str = "-----END ";
/// What both say of a key that is private.
pub(super) const PRIVATE: &str = "PRIVATE KEY";

const LENGTH: RangeInclusive<usize> = 60..=76;
/// The last line of a key is shorter; it is known behind another, or before the line that ends the key.
const LAST: RangeInclusive<usize> = 16..=76;
/// Signs behind a line of a key that stands in a program: quotes, a line break in words, an operator.
const TAIL: usize = 8;

/// Whether a text may hold a line of a key: every run of that length lies over one of the places that are looked at.
pub(super) fn may_hold(text: &[u8]) -> bool {
    let (shortest, longest) = (*LENGTH.start(), LENGTH.end() + 2);
    (shortest - 1..text.len()).step_by(shortest).filter(|at| is_body(text[*at])).any(|at| {
        let before = text[..at].iter().rev().take(longest).take_while(|byte| is_body(**byte)).count();
        let behind = text[at..].iter().take(longest).take_while(|byte| is_body(**byte)).count();
        let run = &text[begin(text, at - before)..at + behind];
        // Hashes are as long, and common.
        LENGTH.contains(&run.len()) && is_random(run)
    })
}

/// Where a run begins that may stand behind a line break written in words, of which the letter is none of its own.
fn begin(text: &[u8], start: usize) -> usize {
    let letter = start > 0 && text[start - 1] == b'\\' && matches!(text.get(start), Some(b'n' | b'r' | b't'));
    start + usize::from(letter)
}

/// Returns where the lines are, in order.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // What may be the last line of a key, when a line that ends one comes next; what a key that is public has is no secret.
    let (mut last, mut behind, mut public) = (None, false, false);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.contains(BEGIN) {
            public = !line.contains(PRIVATE);
        } else if line.contains(END) {
            found.extend(last.take().filter(|_| line.contains(PRIVATE)));
            public = false;
        }
        let run = run(line).filter(|_| !public);
        let is_key = |length: &RangeInclusive<usize>| {
            run.as_ref()
                .filter(|run| length.contains(&run.len()) && is_random(line[(*run).clone()].as_bytes()))
                .cloned()
        };
        let place = |run: Range<usize>| start + run.start..start + run.end;
        let whole = is_key(&LENGTH);
        let known = whole.clone().or_else(|| is_key(&LAST).filter(|_| behind));
        behind = whole.is_some();
        last = if known.is_none() { run.filter(|run| run.len() <= *LAST.end()).map(place) } else { None };
        found.extend(known.map(place));
        start += line.len();
    }
    found
}

fn is_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/' || byte == b'='
}

/// The run of characters of base64 with which a line ends, but for signs.
fn run(line: &str) -> Option<Range<usize>> {
    let bytes = line.trim_end().as_bytes();
    // A line break may be written in words.
    let written =
        bytes.windows(2).rposition(|pair| matches!(pair, b"\\n" | b"\\r")).filter(|at| at + TAIL >= bytes.len());
    let mut end = written.unwrap_or(bytes.len());
    let tail = bytes[..end].iter().rev().take(TAIL).take_while(|byte| !is_body(**byte)).count();
    end -= tail;
    let start = begin(bytes, end - bytes[..end].iter().rev().take_while(|byte| is_body(**byte)).count());
    let apart = match bytes[..start] {
        [] | [b'-'] => true,
        [.., last] => last.is_ascii_whitespace() || b"\"'`#*;,(|>\\ntr".contains(&last),
    };
    (start < end && apart).then_some(start..end)
}

/// Whether it is as mixed as random base64 is, all but one line in thousands.
fn is_random(run: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| run.iter().filter(|byte| is(byte)).count();
    let share = run.len() / 8;
    let kind = |byte: u8| (byte.is_ascii_uppercase(), byte.is_ascii_lowercase(), byte.is_ascii_digit());
    let changes = || run.windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let padding = run.iter().rev().take_while(|byte| **byte == b'=').count();
    // Capitals first: words and hashes have none. The keys of SSH that are public begin with what is excluded next.
    count(u8::is_ascii_uppercase) >= share
        && !run.starts_with(b"AAAA")
        && padding <= 2
        && count(|byte| *byte == b'=') == padding
        && count(u8::is_ascii_lowercase) >= share
        && count(u8::is_ascii_digit) >= run.len() / 32
        && count(|byte| *byte == b'/') <= 2 + run.len() / 16
        && changes() >= run.len() * 7 / 16
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::model::id::Sha256;

    const LINE: &str = "MIIEowIBAAKCAQEAu9PqYh4TzLd2Wv7NcRb5XsKe8Jf3GmAo6Ui1Qx0Ht5Zy4Bw7";

    fn found(text: &str) -> Vec<&str> {
        find(text).into_iter().map(|place| &text[place]).collect()
    }

    #[test]
    fn a_line_of_a_key_is_known_as_code_is_shown() {
        for (before, behind) in [
            ("", ""),
            ("  ", "\r\n"),
            ("12 ", "\n13 x"),
            ("    # ", "\n    assert x\n"),
            ("const KEY = \"", "\\n\" +\n"),
            ("'", "',\n"),
            ("-", "\n"),
            ("a\\n", "\\n"),
        ] {
            let text = format!("{before}{LINE}{behind}");
            assert_eq!(found(&text), [LINE], "{text}");
            assert!(may_hold(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_last_line_of_a_key_is_known_by_its_neighbours() {
        assert_eq!(found(&format!("{LINE}\nqT4bDEv0Yw3Zk789x=\n-----END RSA PRIVATE KEY-----")).len(), 2);
        assert_eq!(found(&format!("7 {LINE}\n8 qT4bDEv0Yw3Zk789x==\n")).len(), 2);
        assert_eq!(found("abc=\n-----END EC PRIVATE KEY-----"), ["abc="]);
        assert_eq!(found("7 abcd\n8 -----END CERTIFICATE-----"), [""; 0]);
    }

    #[test]
    fn what_is_no_line_of_a_key_stays() {
        for text in [
            "d2f8ab0d9f2d3a4c5b6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4",
            "integrity=\"sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC\"",
            "src/main/java/org/owasp/webgoat/lessons/Jwt/JWTRefreshEndpoint25",
            "aTestThatChecksWhetherConfigurationsOfKubernetesClustersAreValid12",
            &format!("ssh-rsa AAAA{}", &LINE[4..]),
            &format!("-----BEGIN CERTIFICATE-----\n{LINE}\n{LINE}\n-----END CERTIFICATE-----"),
            &format!("{LINE} and more words"),
            &LINE.repeat(2),
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        assert!(!may_hold("d2f8ab0d9f2d3a4c5b6e7f8091a2b3c4".repeat(2).as_bytes()), "results have hashes");
    }

    #[test]
    fn all_but_a_few_lines_of_random_keys_are_known() {
        let key = |number: u32| [Sha256::of(number.to_be_bytes()).0, Sha256::of(number.to_le_bytes()).0].concat();
        let line = |number: u32| STANDARD.encode(&key(number)[..48]);
        let known = (0..10_000).filter(|number| found(&format!("{number} {}\n", line(*number))).len() == 1).count();
        assert!(known >= 9_980, "{known} of 10,000");
    }

    proptest! {
        #[test]
        fn a_text_that_cannot_hold_a_line_has_none(text in "[a-zA-Z0-9+/ \n\"\\\\]{0,200}") {
            let whole = find(&text).into_iter().any(|place| LENGTH.contains(&place.len()));
            prop_assert!(may_hold(text.as_bytes()) || !whole);
        }
    }
}
