//! Memory does not grow with a file, whatever is in it.

use std::io::{self, Read};

use dragnet::parse::mask;

use super::MEMORY;
use super::check::{ALONE, executions, parse, parse_and_copy};
use super::corpus::{self, Corpus};

/// What a value becomes in memory, for each byte of it: an empty array of two bytes is one of 32 there, in a list that grows by doubling.
const TIMES: f32 = 66.0;
/// The longest value that a parser takes, in MiB.
const LONGEST: u16 = 16;
/// What is held beside it, in MiB.
const BESIDE: f32 = 44.0;

/// Formats that share nothing: JSON in which something is secret, and lines of it; plain JSON; XML in which something is secret, and
/// without; nmap's, which is read in another way; tables, lines, and lines of tags.
const OF_EACH_KIND: [&str; 7] = ["gitleaks", "nuclei", "grype", "burp", "junit", "nmap", "flawfinder"];

/// A file that is made while it is read: a piece many times, between a beginning and an end.
struct Made<'t> {
    rest: &'t [u8],
    piece: &'t [u8],
    times: usize,
    end: &'t [u8],
}

impl<'t> Made<'t> {
    fn new(head: &'t str, piece: &'t str, bytes: usize, end: &'t str) -> Self {
        Self { rest: head.as_bytes(), piece: piece.as_bytes(), times: bytes / piece.len(), end: end.as_bytes() }
    }
}

impl Read for Made<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.rest.is_empty() {
                self.rest = if self.times > 0 {
                    self.times -= 1;
                    self.piece
                } else {
                    std::mem::take(&mut self.end)
                };
                if self.rest.is_empty() {
                    break;
                }
            }
            let count = self.rest.len().min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&self.rest[..count]);
            self.rest = &self.rest[count..];
            filled += count;
        }
        Ok(filled)
    }
}

/// The most memory that a piece of work takes beyond what is in use, in MiB.
fn peak(work: impl FnOnce()) -> f32 {
    let before = MEMORY.current_usage_as_mb();
    MEMORY.reset_peak_usage();
    work();
    MEMORY.peak_usage_as_mb() - before
}

/// A long thing in an example.
struct Long {
    head: String,
    /// What is repeated.
    piece: &'static str,
    end: String,
    /// Whether the repetitions are a single value, and no list of many.
    one: bool,
}

/// Long things for a format: in the middle of its values, or where nobody reads them.
fn long(corpus: &Corpus) -> Vec<Long> {
    let example = corpus.example();
    let put = |one, place: usize, open: &str, piece, close: &str| {
        let (head, end) = (format!("{}{open}", &example[..place]), format!("{close}{}", &example[place..]));
        Long { head, piece, end, one }
    };
    let at = |place, open, piece, close| put(true, place, open, piece, close);
    let many = |place, piece, close| put(false, place, "", piece, close);
    match example.trim_start().as_bytes()[0] {
        b'{' | b'[' => {
            let object = example.find('{').unwrap() + 1;
            let quote = example.rfind('"').unwrap();
            let mut long = vec![
                at(object, "\"junk\":\"", "x", "\","),
                at(object, "\"junk\":\"", "\\u0041 password='hunter2' ", "\","),
                at(object, "\"junk\":[", "{},", "{}],"),
                at(object, "\"junk\":[", "[],", "[]],"),
                at(object, "\"", "k", "\":1,"),
                at(object, "\"junk\":", "9", ","),
                at(quote, "", "x", ""),
                at(quote, "", "pwd='a1b2' ", ""),
                many(0, " ", ""),
            ];
            // Results without anything in them, in the place of the real ones.
            for (list, _) in example.match_indices('[').take(3) {
                long.push(many(list + 1, "{},", "{},"));
                long.push(many(list + 1, "[],", "[],"));
                long.push(many(list + 1, "null,", "null,"));
            }
            long
        }
        b'<' => {
            let end = example.rfind("</").unwrap();
            let inner = example.find("</").unwrap();
            let tag = example.find('>').map_or(0, |first| first + usize::from(example.starts_with("<?")));
            let element = example[tag..].find('<').map_or(inner, |start| tag + start);
            vec![
                at(end, "<junk>", "x", "</junk>"),
                at(end, "<junk>", "a &amp; ", "</junk>"),
                at(end, "<junk a='", "x", "'/>"),
                at(end, "<junk ", "a='' ", "/>"),
                many(end, "<junk/>", ""),
                many(end, "<j a='pwd=a1b2c3'>pwd=a1b2c3</j>", ""),
                at(end, "<!--", "x", "-->"),
                at(end, "<![CDATA[", "x", "]]>"),
                at(inner, "", "x", ""),
                at(inner, "", "<junk></junk>", ""),
                many(element, "\n", ""),
                many(end, "<a>", ""),
            ]
        }
        _ => {
            let line = example.find('\n').unwrap() + 1;
            vec![
                at(line, "", "x", "\n"),
                at(line, "\"", "x", "\"\n"),
                many(line, "\n", ""),
                at(line, "", ",", "\n"),
                at(line, "", "pwd=a1b2c3,", "\n"),
                many(line, "x: y\n", ""),
                at(0, "", "a,", "\n"),
            ]
        }
    }
}

#[test]
fn no_file_fills_the_memory() {
    let _alone = ALONE.write().unwrap();
    let full = std::env::var_os("DRAGNET_FULL").is_some();
    let mut worst: (f32, String) = (0.0, String::new());
    for corpus in corpus::all() {
        let kind = OF_EACH_KIND.contains(&corpus.format);
        // One of each way of reading; all of all formats take their time.
        if !full && !kind {
            continue;
        }
        for Long { head, piece, end, one } in &long(&corpus) {
            let mib: u16 = match (full, kind) {
                (true, true) if *one => 100,
                (true, _) if *one || kind => 20,
                _ => 1,
            };
            let (bytes, most) = (usize::from(mib) << 20, BESIDE + TIMES * f32::from(mib.min(LONGEST)));
            let start = head.floor_char_boundary(head.len().saturating_sub(20));
            let what = format!("{} with {piece:?} many times behind …{:?}", corpus.format, &head[start..]);
            let parsed = peak(|| drop(parse(corpus.format, &mut Made::new(head, piece, bytes, end))));
            let masked =
                peak(|| drop(mask(corpus.format, &mut Made::new(head, piece, bytes, end), &mut io::sink(), b"key")));
            let copied = peak(|| drop(parse_and_copy(corpus.format, &mut Made::new(head, piece, bytes, end))));
            assert!(parsed < most, "{what} takes {parsed:.0} MiB to be read");
            assert!(copied < most, "{what} takes {copied:.0} MiB to be read and copied");
            assert!(masked < most, "{what} takes {masked:.0} MiB to be masked");
            let taken = parsed.max(masked).max(copied);
            if taken > worst.0 {
                worst = (taken, what);
            }
        }
    }
    println!("{} executions so far; at most {:.0} MiB: {}", executions(), worst.0, worst.1);
}

#[test]
fn the_measure_sees_what_is_taken() {
    let _alone = ALONE.write().unwrap();
    let taken = peak(|| drop(std::hint::black_box(vec![1_u8; 64 << 20])));
    assert!((60.0..80.0).contains(&taken), "{taken}");
}
