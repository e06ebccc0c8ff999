//! One vulnerability that several scanners report, as one finding.
//!
//! Two reports are of one finding if they name a vulnerability in common, under any of its names, in the same version of the same
//! package, and not in two files. Two of one scanner never are, unless they are the same finding, brought by two jobs. Where a
//! report could belong to one or the other, it belongs to none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::finding::{Location, Record};
use crate::model::standing::FindingKey;

/// A report of a finding, as far as merging needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    scanner: u16,
    name: FindingKey,
    vulnerable: Option<Vulnerable>,
}

/// A package with a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Vulnerable {
    package: (String, String),
    path: Option<String>,
    names: Vec<String>,
}

impl Sighting {
    /// Takes what matters of a record; `scanner` is any number that stands for its scanner alone.
    pub fn new(scanner: u16, name: FindingKey, record: &Record) -> Self {
        Self { scanner, name, vulnerable: Vulnerable::of(record) }
    }
}

impl Vulnerable {
    fn of(record: &Record) -> Option<Self> {
        let Location::Package { name, version, path } = &record.location else { return None };
        if record.vulnerabilities.is_empty() || version.is_empty() {
            return None;
        }
        // PyPI takes `-` and `_` for one, and no registry has two packages that differ in nothing else.
        let package = (name.to_lowercase().replace('_', "-"), version.clone());
        let names = record.vulnerabilities.iter().map(|name| name.to_ascii_uppercase()).collect();
        Some(Self { package, path: path.clone(), names })
    }
}

/// Returns which reports are of one finding, by their positions: groups of two or more, each in order, ordered by their first.
pub fn merge(all: &[Sighting]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let (mut firsts, mut packages): (HashMap<_, usize>, BTreeMap<_, Vec<usize>>) = (HashMap::new(), BTreeMap::new());
    for (at, sighting) in all.iter().enumerate() {
        let first = *firsts.entry((sighting.scanner, sighting.name)).or_insert(at);
        groups.entry(first).or_default().push(at);
        if let Some(vulnerable) = sighting.vulnerable.as_ref().filter(|_| first == at) {
            packages.entry(&vulnerable.package).or_default().push(at);
        }
    }
    for reports in packages.values() {
        for others in across_scanners(all, reports) {
            let merged: Vec<usize> = others[1..].iter().flat_map(|at| groups.remove(at).unwrap_or_default()).collect();
            let group = groups.entry(others[0]).or_default();
            group.extend(merged);
            group.sort_unstable();
        }
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// Finds among the reports on one package those of one vulnerability by different scanners.
fn across_scanners(all: &[Sighting], reports: &[usize]) -> Vec<Vec<usize>> {
    let partners = partners(all, reports);
    let clash = |a: usize, b: usize| a != b && (all[a].scanner == all[b].scanner || is_elsewhere(&all[a], &all[b]));
    let is_clear = |at: &usize| {
        let others = &partners[at];
        !others.iter().any(|a| others.iter().any(|b| clash(*a, *b)))
    };
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    for at in reports.iter().filter(|at| is_clear(at)) {
        // A report may tie several groups together, by a name that each has.
        let mut joined = vec![*at];
        for tied in partners[at].iter().filter_map(|other| group_of.get(other)).collect::<BTreeSet<_>>() {
            let group = &groups[tied];
            if !group.iter().any(|member| joined.iter().any(|known| clash(*known, *member))) {
                joined.extend(group);
            }
        }
        joined.sort_unstable();
        for member in &joined {
            if let Some(before) = group_of.insert(*member, joined[0]) {
                groups.remove(&before);
            }
        }
        groups.insert(joined[0], joined);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// For each report on a package, those of other scanners that may be of the same finding.
fn partners(all: &[Sighting], reports: &[usize]) -> HashMap<usize, BTreeSet<usize>> {
    let names = |at: usize| all[at].vulnerable.iter().flat_map(|vulnerable| &vulnerable.names);
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for at in reports {
        for name in names(*at) {
            by_name.entry(name).or_default().push(*at);
        }
    }
    let of = |at: usize| {
        let sharing = names(at).filter_map(|name| by_name.get(name.as_str())).flatten().copied();
        sharing
            .filter(|other| all[*other].scanner != all[at].scanner && !is_elsewhere(&all[at], &all[*other]))
            .collect()
    };
    reports.iter().map(|at| (*at, of(*at))).collect()
}

/// Whether both name a file, and not the same.
fn is_elsewhere(one: &Sighting, other: &Sighting) -> bool {
    let path = |sighting: &Sighting| sighting.vulnerable.as_ref().and_then(|vulnerable| vulnerable.path.clone());
    matches!((path(one), path(other)), (Some(one), Some(other)) if one != other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::fingerprint::Fingerprint;
    use crate::model::id::Sha256;

    fn report(scanner: u16, name: u8, version: &str, path: Option<&str>, ids: &[&str]) -> Sighting {
        named(scanner, Fingerprint([name; 16]), version, path, ids)
    }

    fn named(scanner: u16, fingerprint: Fingerprint, version: &str, path: Option<&str>, ids: &[&str]) -> Sighting {
        let record = Record {
            location: Location::Package {
                name: "Some_Package".to_owned(),
                version: version.to_owned(),
                path: path.map(str::to_owned),
            },
            vulnerabilities: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Record::default()
        };
        Sighting::new(scanner, FindingKey { fingerprint, occurrence: 0 }, &record)
    }

    #[test]
    fn a_vulnerability_is_one_under_all_its_names() {
        let all = [
            report(0, 1, "1.0", Some("a.lock"), &["CVE-2026-1"]),
            report(1, 2, "1.0", None, &["ghsa-x"]),
            report(2, 3, "1.0", Some("a.lock"), &["GHSA-x", "CVE-2026-1"]),
        ];
        assert_eq!(merge(&all), [[0, 1, 2]]);
        assert!(merge(&all[..2]).is_empty(), "nothing ties these");
    }

    #[test]
    fn another_version_file_or_vulnerability_is_another_finding() {
        let cases = [
            report(1, 2, "1.1", Some("a.lock"), &["CVE-2026-1"]),
            report(1, 2, "1.0", Some("b.lock"), &["CVE-2026-1"]),
            report(1, 2, "1.0", Some("a.lock"), &["CVE-2026-2"]),
            report(1, 2, "1.0", Some("a.lock"), &[]),
            report(0, 2, "1.0", Some("a.lock"), &["CVE-2026-1"]),
        ];
        for other in cases {
            assert!(
                merge(&[report(0, 1, "1.0", Some("a.lock"), &["CVE-2026-1"]), other.clone()]).is_empty(),
                "{other:?}"
            );
        }
    }

    #[test]
    fn what_could_belong_to_two_belongs_to_none() {
        let all = [
            report(0, 1, "1.0", Some("a.lock"), &["CVE-2026-1"]),
            report(0, 2, "1.0", Some("b.lock"), &["CVE-2026-1"]),
            report(1, 3, "1.0", None, &["CVE-2026-1"]),
            report(2, 4, "1.0", Some("a.lock"), &["CVE-2026-1"]),
        ];
        assert_eq!(merge(&all), [[0, 3]]);
    }

    #[test]
    fn what_two_jobs_bring_is_one() {
        let twice = report(0, 1, "1.0", None, &[]);
        assert_eq!(merge(&[twice.clone(), report(0, 2, "1.0", None, &[]), twice]), [[0, 2]]);
    }

    fn any_report() -> impl Strategy<Value = Sighting> {
        let ids = prop::collection::vec(prop::sample::select(vec!["A", "B", "C", "D"]), 0..3);
        let path = prop::sample::select(vec![None, Some("a"), Some("b")]);
        (0..4_u16, path, ids).prop_map(|(scanner, path, ids)| {
            // What is the same finding says the same.
            let mut name = [0; 16];
            name.copy_from_slice(&Sha256::of(format!("{scanner}{path:?}{ids:?}")).0[..16]);
            named(scanner, Fingerprint(name), "1", path, &ids)
        })
    }

    proptest! {
        #[test]
        fn each_report_is_in_one_group_at_most_and_no_scanner_is_merged_with_itself(
            all in prop::collection::vec(any_report(), 0..20),
        ) {
            let groups = merge(&all);
            let mut seen = BTreeSet::new();
            for group in &groups {
                prop_assert!(group.len() > 1 && group.is_sorted());
                prop_assert!(group.iter().all(|at| seen.insert(*at)));
                let members: Vec<&Sighting> = group.iter().map(|at| &all[*at]).collect();
                for (a, b) in members.iter().flat_map(|a| members.iter().map(move |b| (a, b))) {
                    prop_assert!(a.scanner != b.scanner || a.name == b.name);
                    prop_assert!(a.name == b.name || !is_elsewhere(a, b));
                }
            }
        }
    }
}
