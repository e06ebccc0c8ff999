//! Real files with damage by chance.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use super::check::{ALONE, check, executions, parse};
use super::{cases, corpus};

/// Lines and tables may end behind any of them: that such a file was cut shows in nothing but its length.
const WITHOUT_END: &[&str] = &[
    "dnsx",
    "flawfinder",
    "govulncheck",
    "httpx",
    "katana",
    "kube-bench",
    "kubeaudit",
    "naabu",
    "noseyparker",
    "npm-audit",
    "nuclei",
    "openvas-csv",
    "prowler",
    "subfinder",
    "testssl-csv",
    "trufflehog",
    "spdx",
];

/// What scanners, and those who want to fool them, write in the place of something else.
const WORDS: &[&str] = &[
    "1e999",
    "-0",
    "-9223372036854775809",
    "18446744073709551616",
    "0.1e-400",
    "1E+2",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "[[[[",
    "{\"a\":{\"a\":",
    "]",
    "}",
    ",",
    ":",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\u00e9",
    "\0",
    "\u{feff}",
    "\u{fffd}",
    "é",
    "‹secret:0123abcd:wxyz›",
    "‹secret:",
    "›",
    "password = 'hunter2'",
    "postgres://u:hunter2@h/",
    "AKIAIOSFODNN7EXAMPLE",
    "<a>",
    "</a>",
    "<a b='c'/>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#0;",
    "&#x10FFFF;",
    "&x;",
    "<?x",
    "<!DOCTYPE a [<!ENTITY x 'y'>]>",
    "\r",
    "\n",
    "\r\n",
    "\t",
    ";",
    "\"\"\"",
    "../../../etc/passwd",
    "file:///src/",
    "\u{1b}[2J",
    "=cmd()",
    "-1",
    "4294967296",
    "65536",
];

/// One change of a file.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// A piece again: a key, an element, a row.
    Repeat(Index, usize),
    Truncate(Index),
    /// The rest of another file of the format.
    Splice(Index, Index, Index),
    /// A value in the place of what stands between two quotes, signs or brackets.
    Replace(Index, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let word = prop_oneof![
        8 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..5),
        1 => Just(vec![b'9'; 400]),
    ];
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), 0_u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        3 => (at(), word.clone()).prop_map(|(at, word)| Change::Insert(at, word)),
        2 => (at(), 1..200_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        3 => (at(), 1..400_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        1 => at().prop_map(Change::Truncate),
        1 => (at(), at(), at()).prop_map(|(file, from, to)| Change::Splice(file, from, to)),
        6 => (at(), word).prop_map(|(at, word)| Change::Replace(at, word)),
    ]
}

fn apply(change: &Change, bytes: &mut Vec<u8>, files: &[Vec<u8>]) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match change {
        Change::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Change::Insert(at, word) => {
            let at = at.index(length + 1);
            bytes.splice(at..at, word.iter().copied());
        }
        Change::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..length.min(at + count));
        }
        Change::Repeat(at, count) => {
            let at = at.index(length);
            let end = length.min(at + count);
            let piece = bytes[at..end].to_vec();
            bytes.splice(end..end, piece);
        }
        Change::Truncate(at) => bytes.truncate(at.index(length)),
        Change::Splice(file, from, to) => {
            let other = file.get(files);
            bytes.truncate(to.index(length));
            bytes.extend_from_slice(&other[from.index(other.len())..]);
        }
        Change::Replace(at, word) => {
            let ends = |byte: &u8| b"\"'<>,:;=[]{}\n".contains(byte);
            let at = at.index(length);
            let start = bytes[..at].iter().rposition(ends).map_or(0, |end| end + 1);
            let end = bytes[at..].iter().position(ends).map_or(length, |end| at + end);
            bytes.splice(start..end.max(start), word.iter().copied());
        }
    }
}

#[test]
fn damaged_files_are_errors_or_count_and_mask_as_they_are() {
    let _shared = ALONE.read().unwrap();
    let corpora = corpus::all();
    let mut read = 0_u64;
    for corpus in &corpora {
        let config = Config { cases: cases(60), failure_persistence: None, ..Config::default() };
        let strategy = (any::<Index>(), prop::collection::vec(change(), 1..4));
        let run = std::cell::Cell::new(0_u64);
        let outcome = TestRunner::new(config).run(&strategy, |(file, changes)| {
            let mut bytes = file.get(&corpus.files).clone();
            changes.iter().for_each(|change| apply(change, &mut bytes, &corpus.files));
            run.set(run.get() + u64::from(check(corpus.format, &bytes).is_some()));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", corpus.format);
        }
        read += run.get();
    }
    println!("{} executions so far, {} formats; {read} damaged files could be read", executions(), corpora.len());
    assert!(read > u64::from(cases(60)), "only {read} damaged files could be read");
}

#[test]
fn a_real_file_that_breaks_off_never_counts_as_another() {
    let _shared = ALONE.read().unwrap();
    let cuts = std::cell::Cell::new(0_u64);
    for corpus in corpus::all() {
        let config = Config { cases: cases(60), failure_persistence: None, ..Config::default() };
        let strategy = (any::<Index>(), any::<Index>(), any::<Index>());
        let outcome = TestRunner::new(config).run(&strategy, |(file, first, second)| {
            let bytes = file.get(&corpus.files).trim_ascii_end();
            let Ok(whole) = parse(corpus.format, &mut &bytes[..]) else { return Ok(()) };
            let mut ends = [first.index(bytes.len()), second.index(bytes.len())];
            ends.sort_unstable();
            let counts = ends.map(|end| check(corpus.format, &bytes[..end]).map(|told| told.count()));
            cuts.set(cuts.get() + 2);
            if !WITHOUT_END.contains(&corpus.format) {
                prop_assert_eq!(counts, [None, None], "cut at {:?}", ends);
            } else if let [Some(less), Some(more)] = counts {
                prop_assert!(less <= more && more <= whole.count(), "{} of {} of {}", less, more, whole.count());
            }
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", corpus.format);
        }
    }
    println!("{} executions so far; {} cuts", executions(), cuts.get());
}
