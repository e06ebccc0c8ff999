//! The place of a finding as people look at it: its code with numbers, and the file that it belongs to.

use serde::Serialize;

use super::text::clean;
use crate::model::finding::{Location, Record};

/// What the scanner itself shows of the place, secrets masked. The source is not read for it: its lines are not masked.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Excerpt {
    /// Its lines, cleaned.
    pub(crate) lines: Vec<String>,
    /// The first line's number in the file, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<u32>,
    /// First and last line of the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) marked: Option<[u32; 2]>,
}

/// What findings are grouped by where a reader asks for files.
pub(super) fn grouped_by(location: &Location) -> &str {
    match location {
        Location::Package { name, path: None, .. } | Location::Resource { name, .. } if location.path().is_none() => {
            name
        }
        Location::Host { host, .. } => host,
        Location::Url { url, .. } => url.split(['?', '#']).next().unwrap_or_default(),
        other => other.path().unwrap_or("-"),
    }
}

/// Lines, each cleaned; tabs keep their width.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| clean(&line.replace('\t', "    ")).trim_end().to_owned()).collect()
}

impl Excerpt {
    pub(crate) fn new(record: &Record) -> Option<Self> {
        let lines = lines(record.evidence.as_deref()?);
        let Some(region) = record.location.region() else { return Some(Self { lines, first: None, marked: None }) };
        let (start, end) = (region.start_line, region.end_line.unwrap_or(region.start_line).max(region.start_line));
        let marked = Some([start, end]);
        if let Some((first, lines)) = numbered(&lines, start) {
            return Some(Self { lines, first: Some(first), marked });
        }
        let is_place = u32::try_from(lines.len()).is_ok_and(|count| count == end - start + 1);
        if is_place {
            return Some(Self { lines, first: Some(start), marked });
        }
        Some(Self { lines, first: None, marked: None })
    }
}

/// Takes off the numbers that some scanners (bandit, gosec) write before each line, if they are that: they follow one another,
/// and the place is among them.
fn numbered(lines: &[String], start: u32) -> Option<(u32, Vec<String>)> {
    let split = |line: &str| {
        let line = line.trim_start();
        let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
        let (number, rest) = line.split_at(digits);
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let is_number = rest.is_empty() || rest.starts_with(' ');
        is_number.then(|| Some((number.parse::<u32>().ok()?, rest.strip_prefix(' ').unwrap_or(rest).to_owned())))?
    };
    let parts: Vec<(u32, String)> = lines.iter().map(|line| split(line)).collect::<Option<_>>()?;
    let follow = parts.windows(2).all(|pair| pair[0].0.checked_add(1) == Some(pair[1].0));
    let (first, last) = (parts.first()?.0, parts.last()?.0);
    let fits = follow && (first..=last).contains(&start);
    fits.then(|| (first, parts.into_iter().map(|(_, text)| text).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Region;

    fn excerpt(evidence: &str, start_line: u32, end_line: Option<u32>) -> Excerpt {
        let region = Some(Region { start_line, end_line, ..Region::default() });
        let location = Location::File { path: "a.py".to_owned(), region };
        Excerpt::new(&Record { evidence: Some(evidence.to_owned()), location, ..Record::default() }).unwrap()
    }

    fn of(lines: &[&str], first: Option<u32>, marked: Option<[u32; 2]>) -> Excerpt {
        Excerpt { lines: lines.iter().map(|&line| line.to_owned()).collect(), first, marked }
    }

    #[test]
    fn lines_are_numbered_where_their_numbers_are_known() {
        let bandit = "11 def f(x):\n12     q = x\n13 \n14 \treturn q";
        let lines = ["def f(x):", "    q = x", "", "    return q"];
        assert_eq!(excerpt(bandit, 12, None), of(&lines, Some(11), Some([12, 12])));
        assert_eq!(excerpt("7: a\n8: b", 7, Some(8)), of(&["a", "b"], Some(7), Some([7, 8])));
        assert_eq!(excerpt("a\nb", 3, Some(4)), of(&["a", "b"], Some(3), Some([3, 4])));
        assert_eq!(excerpt("key", 3, None), of(&["key"], Some(3), Some([3, 3])));
    }

    #[test]
    fn other_lines_have_no_numbers() {
        assert_eq!(excerpt("a\nb\nc", 3, Some(4)), of(&["a", "b", "c"], None, None));
        assert_eq!(excerpt("1 a\n3 b", 9, None), of(&["1 a", "3 b"], None, None));
        assert_eq!(excerpt("1 a\n2 b", 9, None), of(&["1 a", "2 b"], None, None), "the place is not among them");
        assert_eq!(excerpt("4294967295 a\n0 b", 9, None), of(&["4294967295 a", "0 b"], None, None));
        assert_eq!(excerpt("", 9, None), of(&[], None, None));
        let nowhere = Record { evidence: Some("x\u{202e}y\nz".to_owned()), ..Record::default() };
        assert_eq!(Excerpt::new(&nowhere), Some(of(&["xy", "z"], None, None)));
        assert_eq!(excerpt("a", u32::MAX, Some(1)), of(&["a"], Some(u32::MAX), Some([u32::MAX; 2])));
    }

    #[test]
    fn groups_are_files_or_what_comes_next_to_them() {
        let url = Location::Url { url: "https://example.org/a?b=c".to_owned(), parameter: None };
        let package = |path: Option<&str>| Location::Package {
            name: "left-pad".to_owned(),
            version: "1".to_owned(),
            path: path.map(str::to_owned),
        };
        assert_eq!(grouped_by(&url), "https://example.org/a");
        assert_eq!((grouped_by(&package(None)), grouped_by(&package(Some("a.lock")))), ("left-pad", "a.lock"));
        assert_eq!((grouped_by(&Location::running("vm-1")), grouped_by(&Location::Nowhere)), ("vm-1", "-"));
    }
}
