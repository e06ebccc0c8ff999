//! Drift: findings that moved or changed their face between two scans, and are the same to a person.
//!
//! A fingerprint already forgives moved lines and indentation. What it does not forgive is paired here, in three passes, each
//! within one scanner and rule, each one to one:
//!
//! 1. *same place*: one file (or resource), the reported code was edited. The nearest line wins, if the two texts have enough
//!    words in common; a tie pairs nothing.
//! 2. *moved*: the same identity (code, secret, resource, package) in another file. Only if all that bear it went from one file
//!    to one other, in equal number: a rename, a moved manifest.
//! 3. *bumped*: the same package in the same manifest, in another version, if there is one before and one after.
//!
//! What is ambiguous stays apart: one too many is called new, and none is hidden.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::finding::{Location, Record};
use crate::model::standing::FindingKey;

/// More findings than this that are only before or only after are not searched for drift: so many do not drift, a rule was renamed.
pub const MAX_DRIFT: usize = 20_000;
/// Lines between two places that may still be one.
const MAX_DISTANCE: u32 = 60;
/// Share of words, in percent, that two texts must have in common to be versions of one.
const MIN_LIKENESS: usize = 50;
/// More comparisons than this within one rule and place pair nothing.
const MAX_COMPARISONS: usize = 40_000;

/// A finding that is only before or only after.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which.
    pub key: FindingKey,
    /// The record that showed it.
    pub record: Record,
}

/// Pairs findings before with findings after: positions in the two lists. Each position occurs once at most.
pub fn pair(before: &[Candidate], after: &[Candidate]) -> Vec<(usize, usize)> {
    let mut pairing =
        Pairing { before, after, old: (0..before.len()).collect(), new: (0..after.len()).collect(), pairs: Vec::new() };
    pairing.pass(same_place, nearest);
    pairing.pass(|record| (!record.identity.is_empty()).then(|| vec![record.identity.clone()]), renamed);
    pairing.pass(package_anywhere, renamed);
    pairing.pass(package_of_manifest, only_one);
    pairing.pairs.sort_unstable();
    pairing.pairs
}

/// What one pass looks at: findings that share a rule and whatever the pass asks for.
struct Bucket<'p> {
    before: Vec<(usize, &'p Record)>,
    after: Vec<(usize, &'p Record)>,
}

struct Pairing<'p> {
    before: &'p [Candidate],
    after: &'p [Candidate],
    old: BTreeSet<usize>,
    new: BTreeSet<usize>,
    pairs: Vec<(usize, usize)>,
}

impl<'p> Pairing<'p> {
    fn pass(
        &mut self,
        sort: impl Fn(&Record) -> Option<Vec<String>>,
        choose: impl Fn(&Bucket<'p>) -> Vec<(usize, usize)>,
    ) {
        let mut buckets: BTreeMap<(&str, Vec<String>), Bucket<'p>> = BTreeMap::new();
        let (before, after) = (self.before, self.after);
        for &at in &self.old {
            let record = &before[at].record;
            if let Some(key) = sort(record) {
                let bucket = buckets.entry((&record.rule, key));
                bucket.or_insert_with(|| Bucket { before: Vec::new(), after: Vec::new() }).before.push((at, record));
            }
        }
        for &at in &self.new {
            let record = &after[at].record;
            if let Some(bucket) = sort(record).and_then(|key| buckets.get_mut(&(record.rule.as_str(), key))) {
                bucket.after.push((at, record));
            }
        }
        for bucket in buckets.values() {
            if bucket.after.is_empty() || bucket.before.len().saturating_mul(bucket.after.len()) > MAX_COMPARISONS {
                continue;
            }
            for (old, new) in choose(bucket) {
                self.old.remove(&old);
                self.new.remove(&new);
                self.pairs.push((old, new));
            }
        }
    }
}

/// A file or a resource in it; what is found on a network or in a package has no lines that move.
fn same_place(record: &Record) -> Option<Vec<String>> {
    match &record.location {
        Location::File { path, .. } => Some(vec![path.clone()]),
        Location::Resource { name, path, .. } => Some(vec![path.clone(), name.clone()]),
        _ => None,
    }
}

fn package_anywhere(record: &Record) -> Option<Vec<String>> {
    match &record.location {
        Location::Package { name, version, .. } => Some(vec![name.clone(), version.clone(), record.identity.clone()]),
        _ => None,
    }
}

fn package_of_manifest(record: &Record) -> Option<Vec<String>> {
    match &record.location {
        Location::Package { name, path, .. } => Some(vec![name.clone(), path.clone().unwrap_or_default()]),
        _ => None,
    }
}

/// Pairs by distance, the nearest first; two that are equally near and alike are no pair.
fn nearest(bucket: &Bucket<'_>) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    for (old, before) in &bucket.before {
        for (new, after) in &bucket.after {
            if let Some(distance) = distance(before, after).filter(|_| are_alike(before, after)) {
                all.push((distance, *old, *new));
            }
        }
    }
    all.sort_unstable();
    let rivals = |distance: u32, old: usize, new: usize, gone: &BTreeSet<(bool, usize)>| {
        all.iter().any(|&(other, o, n)| {
            other == distance && (o == old) != (n == new) && !gone.contains(&(false, o)) && !gone.contains(&(true, n))
        })
    };
    let (mut gone, mut pairs) = (BTreeSet::new(), Vec::new());
    for &(distance, old, new) in &all {
        if gone.contains(&(false, old)) || gone.contains(&(true, new)) {
            continue;
        }
        if !rivals(distance, old, new, &gone) {
            gone.extend([(false, old), (true, new)]);
            pairs.push((old, new));
        }
    }
    pairs
}

fn distance(before: &Record, after: &Record) -> Option<u32> {
    let line = |record: &Record| record.location.region().map(|region| region.start_line);
    let distance = line(before)?.abs_diff(line(after)?);
    (distance <= MAX_DISTANCE).then_some(distance)
}

/// Whether two texts have enough words in common. Secrets that differ are different secrets.
fn are_alike(before: &Record, after: &Record) -> bool {
    let (Some(one), Some(two)) = (&before.evidence, &after.evidence) else { return false };
    if one.contains('‹') || two.contains('‹') {
        return false;
    }
    let (one, two) = (words(one), words(two));
    let shared: usize = one.iter().map(|(word, count)| (*count).min(two.get(word).copied().unwrap_or(0))).sum();
    let total = one.values().sum::<usize>().max(two.values().sum());
    total > 0 && shared * 100 >= total * MIN_LIKENESS
}

fn words(text: &str) -> HashMap<&str, usize> {
    let mut words = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()) {
        *words.entry(word).or_default() += 1;
    }
    words
}

/// Pairs in order if all went from one path to one other, in equal number.
fn renamed(bucket: &Bucket<'_>) -> Vec<(usize, usize)> {
    let paths = |side: &[(usize, &Record)]| -> BTreeSet<Option<String>> {
        side.iter().map(|(_, record)| record.location.path().map(str::to_owned)).collect()
    };
    let (from, to) = (paths(&bucket.before), paths(&bucket.after));
    if from.len() != 1 || to.len() != 1 || bucket.before.len() != bucket.after.len() {
        return Vec::new();
    }
    let in_order = |side: &[(usize, &Record)]| -> Vec<usize> {
        let mut side: Vec<_> = side.iter().map(|(at, record)| (record.location.region(), *at)).collect();
        side.sort_unstable();
        side.into_iter().map(|(_, at)| at).collect()
    };
    in_order(&bucket.before).into_iter().zip(in_order(&bucket.after)).collect()
}

fn only_one(bucket: &Bucket<'_>) -> Vec<(usize, usize)> {
    match (bucket.before.as_slice(), bucket.after.as_slice()) {
        ([(old, _)], [(new, _)]) => vec![(*old, *new)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::finding::Region;
    use crate::model::fingerprint::Fingerprint;

    fn candidate(rule: &str, location: Location, code: &str) -> Candidate {
        let record = Record {
            rule: rule.to_owned(),
            location,
            evidence: Some(code.to_owned()),
            identity: code.split_whitespace().collect(),
            ..Record::default()
        };
        Candidate { key: FindingKey { fingerprint: Fingerprint::of("s", &record), occurrence: 0 }, record }
    }

    fn file(rule: &str, path: &str, line: u32, code: &str) -> Candidate {
        let region = Some(Region { start_line: line, ..Region::default() });
        candidate(rule, Location::File { path: path.to_owned(), region }, code)
    }

    fn package(rule: &str, name: &str, version: &str, path: &str) -> Candidate {
        let location =
            Location::Package { name: name.to_owned(), version: version.to_owned(), path: Some(path.to_owned()) };
        candidate(rule, location, "")
    }

    #[test]
    fn an_edited_line_is_the_same_and_another_problem_is_not() {
        let before = [file("sqli", "a.py", 10, "cursor.execute(query % name)")];
        assert_eq!(pair(&before, &[file("sqli", "a.py", 14, "cursor.execute(query % user_name)")]), [(0, 0)]);
        assert_eq!(pair(&before, &[file("sqli", "a.py", 14, "os.system(command)")]), []);
        assert_eq!(pair(&before, &[file("sqli", "a.py", 300, "cursor.execute(query % user_name)")]), []);
        assert_eq!(pair(&before, &[file("xss", "a.py", 10, "cursor.execute(query % user_name)")]), []);
        assert_eq!(pair(&before, &[file("sqli", "b.py", 10, "cursor.execute(query % user_name)")]), []);
    }

    #[test]
    fn the_nearest_line_wins_and_a_tie_pairs_nothing() {
        let before = [file("r", "a.py", 10, "f(x, y, a)"), file("r", "a.py", 30, "f(x, y, b)")];
        let after = [file("r", "a.py", 12, "f(x, y, c)"), file("r", "a.py", 33, "f(x, y, d)")];
        assert_eq!(pair(&before, &after), [(0, 0), (1, 1)]);
        let after = [file("r", "a.py", 20, "f(x, y, c)")];
        assert_eq!(pair(&before, &after), []);
    }

    #[test]
    fn a_renamed_file_takes_its_findings_along() {
        let before = [file("r", "a.py", 1, "one"), file("r", "a.py", 5, "one"), file("r", "a.py", 9, "two")];
        let after = [file("r", "b.py", 3, "one"), file("r", "b.py", 7, "one"), file("r", "b.py", 11, "two")];
        assert_eq!(pair(&before, &after), [(0, 0), (1, 1), (2, 2)]);
        // Copied to two places, or one of two removed: nobody knows which is which.
        assert_eq!(pair(&before[..1], &[file("r", "b.py", 1, "one"), file("r", "c.py", 1, "one")]), []);
        assert_eq!(pair(&before[..2], &after[..1]), []);
    }

    #[test]
    fn packages_are_followed_through_bumps_and_moves() {
        let before = [package("CVE-1", "p", "1.0", "package-lock.json")];
        assert_eq!(pair(&before, &[package("CVE-1", "p", "1.1", "package-lock.json")]), [(0, 0)]);
        assert_eq!(pair(&before, &[package("CVE-1", "p", "1.0", "web/package-lock.json")]), [(0, 0)]);
        assert_eq!(pair(&before, &[package("CVE-1", "p", "1.1", "web/package-lock.json")]), []);
        let two =
            [package("CVE-1", "p", "1.1", "package-lock.json"), package("CVE-1", "p", "2.0", "package-lock.json")];
        assert_eq!(pair(&before, &two), [], "which of the two it was nobody knows");
    }

    #[test]
    fn another_secret_in_the_same_line_is_another_finding() {
        let before = [file("key", "a", 1, "key = ‹secret:11111111:abcd›")];
        assert_eq!(pair(&before, &[file("key", "a", 1, "key = ‹secret:22222222:abcd›")]), []);
        assert_eq!(pair(&before, &[file("key", "b", 9, "key = ‹secret:11111111:abcd›")]), [(0, 0)]);
    }

    proptest! {
        #[test]
        fn pairs_are_one_to_one_and_never_cross_rules(
            before in proptest::collection::vec((0u8..2, 0u8..2, 1u32..50, 0u8..4), 0..12),
            after in proptest::collection::vec((0u8..2, 0u8..2, 1u32..50, 0u8..4), 0..12),
        ) {
            let make = |all: &[(u8, u8, u32, u8)]| -> Vec<Candidate> {
                all.iter().map(|(rule, path, line, code)| {
                    file(&format!("r{rule}"), &format!("f{path}"), *line, &format!("call common words {code}"))
                }).collect()
            };
            let (before, after) = (make(&before), make(&after));
            let pairs = pair(&before, &after);
            let (old, new): (BTreeSet<usize>, BTreeSet<usize>) = pairs.iter().copied().unzip();
            prop_assert_eq!((old.len(), new.len()), (pairs.len(), pairs.len()));
            for (o, n) in pairs {
                prop_assert_eq!(&before[o].record.rule, &after[n].record.rule);
            }
        }

        #[test]
        fn the_order_of_the_lists_does_not_matter(lines in proptest::collection::btree_set(1u32..200, 1..8), shift in 0u32..5) {
            let before: Vec<_> = lines.iter().map(|line| file("r", "a", *line, &format!("call a b c x{line}"))).collect();
            let after: Vec<_> = lines.iter().map(|line| file("r", "a", line + shift, &format!("call a b c y{line}"))).collect();
            let told = |before: &[Candidate], after: &[Candidate]| -> BTreeSet<(FindingKey, FindingKey)> {
                pair(before, after).into_iter().map(|(o, n)| (before[o].key, after[n].key)).collect()
            };
            let mut turned = (before.clone(), after.clone());
            turned.0.reverse();
            turned.1.reverse();
            prop_assert_eq!(told(&before, &after), told(&turned.0, &turned.1));
        }
    }
}
