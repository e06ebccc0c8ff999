//! Files that are made to do harm, of every format.

use super::check::{ALONE, check, executions};
use super::corpus::{self, Corpus};

/// Deeper than any stack.
const DEPTH: usize = 100_000;

fn deep(open: &str, inner: &str, close: &str) -> String {
    [open.repeat(DEPTH).as_str(), inner, &close.repeat(DEPTH)].concat()
}

/// Where one of these signs stands in JSON, outside its strings.
fn signs(example: &str, signs: &[u8]) -> Vec<usize> {
    let mut inside = false;
    let bytes = example.as_bytes();
    let places = (0..bytes.len()).filter(|at| {
        inside ^= bytes[*at] == b'"' && (*at == 0 || bytes[at - 1] != b'\\');
        !inside && signs.contains(&bytes[*at])
    });
    places.collect()
}

/// The end of the value that begins here.
fn end_of_value(text: &str) -> usize {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    values.next();
    values.byte_offset()
}

/// The example with something in the place of each of its values, one after the other.
fn replaced(example: &str, value: &str, most: usize) -> Vec<String> {
    let places: Vec<usize> = signs(example, b":,[").into_iter().map(|at| at + 1).collect();
    let step = places.len().div_ceil(most).max(1);
    let put = |at: usize| [&example[..at], value, &example[at + end_of_value(&example[at..])..]].concat();
    places.into_iter().step_by(step).map(put).collect()
}

fn is_json(corpus: &Corpus) -> bool {
    corpus.example().trim_start().starts_with(['{', '['])
}

fn is_xml(corpus: &Corpus) -> bool {
    corpus.example().trim_start().starts_with('<')
}

#[test]
fn deep_documents_end_no_process() {
    let _shared = ALONE.read().unwrap();
    for corpus in corpus::all() {
        let mut texts = vec![deep("[", "", "]"), "[".repeat(DEPTH), deep("{\"a\":", "1", "}"), "{\"a\":".repeat(DEPTH)];
        texts.extend([deep("<a>", "", "</a>"), "<a>".repeat(DEPTH)]);
        if is_json(&corpus) {
            texts.extend(replaced(corpus.example(), &deep("[", "", "]"), 6));
            texts.extend(replaced(corpus.example(), &deep("{\"a\":", "1", "}"), 6));
        } else if is_xml(&corpus) {
            let (before, end) = corpus.example().rsplit_once("</").unwrap();
            texts.push(format!("{before}{}</{end}", deep("<a>", "", "</a>")));
            texts.push(format!("{before}{}</{end}", "<a b='c'/>".repeat(DEPTH)));
        }
        for text in texts {
            check(corpus.format, text.as_bytes());
        }
    }
    println!("{} executions so far", executions());
}

#[test]
fn numbers_beyond_all_bounds_are_no_findings_of_their_own() {
    let _shared = ALONE.read().unwrap();
    let digits = "9".repeat(10_000);
    let numbers = [
        "1e999",
        "-1e999",
        "-0",
        "-9223372036854775809",
        "18446744073709551616",
        "1e-999",
        "0.5",
        "null",
        "{}",
        "[]",
        "\"\"",
        &digits,
    ];
    for corpus in corpus::all().iter().filter(|corpus| is_json(corpus)) {
        for number in numbers {
            for text in replaced(corpus.example(), number, usize::MAX) {
                check(corpus.format, text.as_bytes());
            }
        }
    }
    println!("{} executions so far", executions());
}

#[test]
fn keys_that_stand_twice_are_read_as_one_way_or_the_other() {
    let _shared = ALONE.read().unwrap();
    for corpus in corpus::all().iter().filter(|corpus| is_json(corpus)) {
        let example = corpus.example();
        for at in signs(example, b"{") {
            let end = at + end_of_value(&example[at..]);
            let inside = example[at + 1..end - 1].trim_end_matches(',');
            if !inside.trim().is_empty() {
                check(corpus.format, format!("{}{inside},{}", &example[..=at], &example[at + 1..]).as_bytes());
            }
        }
    }
}

#[test]
fn other_encodings_are_refused_or_read() {
    let _shared = ALONE.read().unwrap();
    for corpus in corpus::all() {
        let example = corpus.example();
        let wide = |unit: fn(u16) -> [u8; 2]| example.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
        for text in [&[b"\xFF\xFE", little.as_slice()].concat(), &little, &[b"\xFE\xFF", big.as_slice()].concat(), &big]
        {
            assert_eq!(check(corpus.format, text), None, "{} in UTF-16", corpus.format);
        }
        let marked = check(corpus.format, &[b"\xEF\xBB\xBF", example.as_bytes()].concat());
        assert_eq!(marked, check(corpus.format, example.as_bytes()), "{} with a mark", corpus.format);
        let step = (example.len() / 60).max(1);
        for at in (0..=example.len()).step_by(step) {
            for bytes in [&b"\xFF"[..], b"\xC3", b"\xED\xA0\x80", b"\0", b"\0\0\0\0", b"\xF4\x90\x80\x80", b"\x1b"] {
                check(corpus.format, &[&example.as_bytes()[..at], bytes, &example.as_bytes()[at..]].concat());
            }
        }
    }
    println!("{} executions so far", executions());
}

#[test]
fn entities_are_neither_multiplied_nor_fetched() {
    let _shared = ALONE.read().unwrap();
    let mut laughs = "<!ENTITY l0 \"lol\">".to_owned();
    for level in 1..30 {
        let below = format!("&l{};", level - 1).repeat(10);
        laughs.extend(["<!ENTITY l", &level.to_string(), " \"", &below, "\">"]);
    }
    let outside = "<!ENTITY l29 SYSTEM \"file:///etc/passwd\"><!ENTITY % p SYSTEM \"http://127.0.0.1:1/x\">%p;";
    for corpus in corpus::all().iter().filter(|corpus| is_xml(corpus)) {
        let body = corpus.example().split_once("?>").map_or_else(|| corpus.example(), |(_, body)| body);
        for entities in [laughs.as_str(), outside] {
            let head = format!("<?xml version=\"1.0\"?><!DOCTYPE x [{entities}]>");
            let whole = check(corpus.format, format!("{head}{body}").as_bytes());
            assert!(whole.is_some_and(|told| told.count() > 0), "{}: definitions alone do no harm", corpus.format);
            for (at, _) in body.match_indices("</") {
                check(corpus.format, format!("{head}{}&l29;{}", &body[..at], &body[at..]).as_bytes());
            }
            for (at, _) in body.match_indices("=\"") {
                check(corpus.format, format!("{head}{}&l29;{}", &body[..at + 2], &body[at + 2..]).as_bytes());
            }
        }
    }
    println!("{} executions so far", executions());
}

#[test]
fn tables_and_lines_of_any_shape_are_read_or_refused() {
    let _shared = ALONE.read().unwrap();
    let wide = |cell: &str| format!("{}\n", format!("{cell},").repeat(1_000_000));
    for corpus in
        corpus::all().iter().filter(|corpus| !is_json(corpus) && !is_xml(corpus) || corpus.format == "prowler")
    {
        let example = corpus.example();
        let head = example.lines().next().unwrap();
        let texts = [
            format!("{example}\"not closed\n{}", "a,\n".repeat(1000)),
            example.replace('"', "\"\"\""),
            wide("a"),
            format!("{head},{}", wide("b")),
            format!("{head}\n{}", wide("")),
            format!("{head}\n{}", wide("\"\"")),
            format!("{head}\n{}", "\n\r\n \n".repeat(10_000)),
            format!("{head}\n{}", "=".repeat(100_000)),
            head.repeat(10_000),
            example.replace('\n', "\r"),
            example.replace(',', ";"),
        ];
        for text in texts {
            check(corpus.format, text.as_bytes());
        }
    }
    println!("{} executions so far", executions());
}
