//! Recognising the findings of a scan in a list that somebody else has written: another program, or another installation.
//!
//! Three passes, each one to one. By *name*: the fingerprint that the list gives. By *look*: rule, place without its lines, and
//! what sets it apart, equal ones in the order of their places; that needs no fingerprint, and not even the same name of the
//! scanner. By *what shows of a secret*: each installation masks secrets under a key of its own, so the hashes in masks say
//! nothing across installations, and the last characters beside them do. A mask without any is recognised by nobody.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use crate::model::finding::Record;
use crate::model::fingerprint::Fingerprint;
use crate::model::severity::Severity;
use crate::model::standing::FindingKey;

/// Where a finding is in its file: line, column, end line, end column; 0 where unknown.
type Place = [u32; 4];

/// What is needed to recognise a finding. Small: there may be millions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// The scanner, as a number that both lists share; none where a list names none that the other knows: then any may be meant.
    pub scanner: Option<u16>,
    /// Its name; none in a list that gives none.
    pub name: Option<FindingKey>,
    /// Its severity.
    pub severity: Severity,
    look: Look,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    exact: Fingerprint,
    mask: Mask,
}

/// Whether a masked secret is part of what sets a finding apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mask {
    None,
    /// Its last characters show: the look with them in place of the hash.
    Shown(Fingerprint),
    Hidden,
}

/// How masks begin and end, and where in them the last characters begin.
const MASK: (&str, char, char) = ("‹secret:", '›', ':');
/// Hexadecimal digits of the keyed hash in a mask.
const HASH: usize = 8;

impl Face {
    /// Takes the face of a record.
    pub fn new(scanner: Option<u16>, name: Option<FindingKey>, record: &Record) -> Self {
        let place = record.location.region().map_or([0; 4], |region| {
            let part = |part: Option<u32>| part.unwrap_or_default();
            [region.start_line, part(region.start_column), part(region.end_line), part(region.end_column)]
        });
        let look = Look { exact: Fingerprint::of("", record), mask: mask(record) };
        Self { scanner, name, severity: record.severity, look, place }
    }

    /// Whether it is of a secret of which nothing shows that another installation could recognise.
    pub fn is_hidden(&self) -> bool {
        self.look.mask == Mask::Hidden
    }
}

/// What the masks in a record's evidence show.
fn mask(record: &Record) -> Mask {
    let (open, close, colon) = MASK;
    let evidence = record.evidence.as_deref().unwrap_or_default();
    let mut pieces = evidence.split(open);
    let mut shown: String = pieces.next().unwrap_or_default().to_owned();
    let (mut masks, mut hidden) = (0, false);
    for piece in pieces {
        let (inside, rest) = piece.split_once(close).unwrap_or((piece, ""));
        let last = inside.split_once(colon).map_or("", |(_, last)| last);
        (masks, hidden) = (masks + 1, hidden || last.is_empty());
        shown.extend([open, last, "›", rest]);
    }
    let keyed = record.identity.len() == HASH && record.identity.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (masks, hidden) {
        (0, _) if keyed => Mask::Hidden,
        (0, _) => Mask::None,
        (_, true) => Mask::Hidden,
        (_, false) => {
            shown.retain(|c| !c.is_whitespace());
            let record = Record {
                rule: record.rule.clone(),
                location: record.location.clone(),
                identity: shown,
                ..Record::default()
            };
            Mask::Shown(Fingerprint::of("", &record))
        }
    }
}

/// Finds the findings of a scan in a list of known ones: positions in the two, each position once at most.
pub fn recognise(known: &[Face], here: &[Face]) -> Vec<(usize, usize)> {
    let mut search = Search { known, here, met: vec![false; known.len()], found: vec![None; here.len()] };
    search.pass(|face| Some((face.scanner?, face.name?)), |face| Some((face.scanner?, face.name?)));
    let exact = |face: &Face| face.look.exact;
    search.pass(|face| Some((face.scanner?, exact(face))), |face| Some((face.scanner?, exact(face))));
    search.pass(|face| face.scanner.is_none().then(|| exact(face)), |face| Some(exact(face)));
    // Where one secret was recognised by its hash, the key is the same, and another hash is another secret.
    if !search.any_secret() {
        let shown = |face: &Face| if let Mask::Shown(look) = face.look.mask { Some(look) } else { None };
        search.pass(|face| Some((face.scanner?, shown(face)?)), |face| Some((face.scanner?, shown(face)?)));
        search.pass(|face| if face.scanner.is_none() { shown(face) } else { None }, shown);
    }
    search.found.iter().enumerate().filter_map(|(at, known)| Some(((*known)?, at))).collect()
}

struct Search<'f> {
    known: &'f [Face],
    here: &'f [Face],
    met: Vec<bool>,
    found: Vec<Option<usize>>,
}

impl Search<'_> {
    /// Pairs what has equal keys, in the order of places.
    fn pass<K: Eq + Hash>(&mut self, of_known: impl Fn(&Face) -> Option<K>, of_here: impl Fn(&Face) -> Option<K>) {
        let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
        for at in in_order(self.known, |at| !self.met[at]) {
            if let Some(key) = of_known(&self.known[at]) {
                waiting.entry(key).or_default().push_back(at);
            }
        }
        if waiting.is_empty() {
            return;
        }
        for at in in_order(self.here, |at| self.found[at].is_none()) {
            let known = of_here(&self.here[at]).and_then(|key| waiting.get_mut(&key)?.pop_front());
            if let Some(known) = known {
                self.met[known] = true;
                self.found[at] = Some(known);
            }
        }
    }

    fn any_secret(&self) -> bool {
        self.found.iter().zip(self.here).any(|(found, face)| found.is_some() && face.look.mask != Mask::None)
    }
}

/// Positions in the order of places; what is at no place, or at the same, in the order of the list.
fn in_order(faces: &[Face], wanted: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..faces.len()).filter(|at| wanted(*at)).collect();
    order.sort_by_key(|at| faces[*at].place);
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::finding::{Location, Region};

    fn record(path: &str, line: u32, code: &str) -> Record {
        let region = Some(Region { start_line: line, ..Region::default() });
        Record {
            rule: "rule".to_owned(),
            location: Location::File { path: path.to_owned(), region },
            evidence: Some(code.to_owned()),
            identity: code.to_owned(),
            ..Record::default()
        }
    }

    fn face(scanner: Option<u16>, path: &str, line: u32, code: &str) -> Face {
        Face::new(scanner, None, &record(path, line, code))
    }

    fn named(byte: u8, occurrence: u32, path: &str) -> Face {
        Face::new(Some(0), Some(FindingKey { fingerprint: Fingerprint([byte; 16]), occurrence }), &record(path, 1, "x"))
    }

    fn secret(line: u32, mask: &str) -> Face {
        let hash = mask.trim_start_matches("‹secret:").get(..8).unwrap_or_default();
        let record = Record { identity: hash.to_owned(), evidence: Some(mask.to_owned()), ..record("a", line, "") };
        Face::new(Some(0), None, &record)
    }

    #[test]
    fn a_name_says_more_than_a_look() {
        let known = [named(1, 0, "a"), named(1, 1, "b")];
        assert_eq!(recognise(&known, &[named(1, 1, "a"), named(1, 0, "b"), named(2, 0, "c")]), [(1, 0), (0, 1)]);
    }

    #[test]
    fn moved_lines_keep_their_order_and_one_more_is_one_more() {
        let known = [face(Some(0), "a", 30, "x"), face(Some(0), "a", 10, "x")];
        let here = [face(Some(0), "a", 12, "x"), face(Some(0), "a", 33, "x"), face(Some(0), "a", 90, "x")];
        assert_eq!(recognise(&known, &here), [(1, 0), (0, 1)]);
        assert_eq!(recognise(&known, &here[..1]), [(1, 0)]);
        assert_eq!(recognise(&known, &[face(Some(0), "b", 10, "x"), face(Some(0), "a", 10, "y")]), []);
    }

    #[test]
    fn a_scanner_of_unknown_name_may_be_any_and_one_of_known_name_is_itself() {
        let here = [face(Some(3), "a", 1, "x")];
        assert_eq!(recognise(&[face(None, "a", 1, "x")], &here), [(0, 0)]);
        assert_eq!(recognise(&[face(Some(2), "a", 1, "x")], &here), []);
        assert_eq!(recognise(&[face(None, "a", 1, "x"), face(Some(3), "a", 1, "x")], &here), [(1, 0)]);
    }

    #[test]
    fn a_secret_of_another_installation_is_recognised_by_what_shows() {
        let here = [secret(5, "‹secret:11111111:abcd›")];
        assert_eq!(recognise(&[secret(2, "‹secret:99999999:abcd›")], &here), [(0, 0)]);
        assert_eq!(recognise(&[secret(5, "‹secret:99999999:abce›")], &here), []);
        // Nothing shows of these.
        let hidden = [secret(5, "‹secret:11111111›")];
        assert!(hidden[0].is_hidden());
        assert_eq!(recognise(&[secret(5, "‹secret:99999999›")], &hidden), []);
        assert_eq!(recognise(&[secret(9, "‹secret:11111111›")], &hidden), [(0, 0)], "the hash is the same");
    }

    #[test]
    fn under_one_key_another_hash_is_another_secret() {
        let known = [secret(1, "‹secret:11111111:abcd›"), secret(2, "‹secret:22222222:wxyz›")];
        let here = [secret(1, "‹secret:11111111:abcd›"), secret(2, "‹secret:33333333:wxyz›")];
        assert_eq!(recognise(&known, &here), [(0, 0)]);
    }

    proptest! {
        #[test]
        fn each_is_met_once_and_only_its_like(
            known in proptest::collection::vec((0u16..3, 0u8..2, 1u32..20, 0u8..2), 0..30),
            here in proptest::collection::vec((0u16..2, 0u8..2, 1u32..20, 0u8..2), 0..30),
        ) {
            // The third scanner is one of a name that the scan does not know.
            let make = |all: &[(u16, u8, u32, u8)]| -> Vec<Face> {
                all.iter().map(|(scanner, path, line, code)| {
                    face(Some(*scanner).filter(|scanner| *scanner < 2), &path.to_string(), *line, &format!("code {code}"))
                }).collect()
            };
            let (known, here) = (make(&known), make(&here));
            let pairs = recognise(&known, &here);
            let (old, new): (std::collections::BTreeSet<_>, std::collections::BTreeSet<_>) = pairs.iter().copied().unzip();
            prop_assert_eq!((old.len(), new.len()), (pairs.len(), pairs.len()));
            for (o, n) in &pairs {
                prop_assert_eq!(known[*o].look, here[*n].look);
                prop_assert!(known[*o].scanner.is_none() || known[*o].scanner == here[*n].scanner);
            }
            // As many as can be are recognised: equal lists are, whole.
            prop_assert_eq!(recognise(&here, &here).len(), here.len());
        }
    }
}
