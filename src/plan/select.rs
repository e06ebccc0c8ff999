//! Which scanners fit a target, and why.

use super::error::join;
use crate::catalog::{Catalog, Manifest};
use crate::model::asset::AssetKind;
use crate::model::facts::Facts;
use crate::model::plan::Choice;
use crate::model::target::Target;

/// Decides on every scanner of the catalogue.
pub fn choose(catalog: &Catalog, target: &Target, facts: &Facts) -> Vec<Choice> {
    catalog.scanners().map(|scanner| choice(scanner, target, facts)).collect()
}

/// Decides on one scanner.
pub(super) fn choice(scanner: &Manifest, target: &Target, facts: &Facts) -> Choice {
    let (chosen, reason) = decide(scanner, target, facts);
    Choice { scanner: scanner.name.clone(), chosen, reason }
}

fn decide(scanner: &Manifest, target: &Target, facts: &Facts) -> (bool, String) {
    let kind = target.kind.asset_kind();
    if !scanner.enabled {
        return (false, "disabled by configuration".to_owned());
    }
    if !scanner.input.contains(&kind) {
        let takes: Vec<String> = scanner.input.iter().map(|&kind| one(kind)).collect();
        return (false, format!("needs {}, the target is {}", join(&takes, " or "), one(kind)));
    }
    if scanner.applies.always {
        return (true, format!("fits every {}", noun(kind)));
    }
    if scanner.applies.files.is_empty() {
        return (false, "runs only when asked for".to_owned());
    }
    by_files(scanner, facts)
}

/// "a host", "an image".
fn one(kind: AssetKind) -> String {
    let noun = noun(kind);
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

const fn noun(kind: AssetKind) -> &'static str {
    match kind {
        AssetKind::Dir => "directory",
        AssetKind::Ip => "address",
        AssetKind::Cidr => "range of addresses",
        AssetKind::Url => "web address",
        AssetKind::Email => "mail address",
        other => other.as_str(),
    }
}

fn by_files(scanner: &Manifest, facts: &Facts) -> (bool, String) {
    let what = scanner.applies.reason.clone().unwrap_or_else(|| join(&scanner.applies.files, ", "));
    // A file may match several globs: the greatest count is the one that is certain.
    match scanner.applies.files.iter().map(|glob| facts.count(glob)).max().unwrap_or(0) {
        0 if facts.truncated => (true, format!("{what} not ruled out: the tree has more than {} files", facts.files)),
        0 => (false, format!("no {what} found")),
        1 => (true, format!("{what} (1 file)")),
        count => (true, format!("{what} ({count} files)")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn reason(scanner: &str, target: &str, facts: &Facts) -> (bool, String) {
        let catalog = Catalog::builtin().unwrap();
        let target = target.parse().unwrap();
        let choice = choose(&catalog, &target, facts).into_iter().find(|choice| choice.scanner == scanner).unwrap();
        (choice.chosen, choice.reason)
    }

    #[test]
    fn every_choice_says_why() {
        let facts = Facts { files: 20, matches: BTreeMap::from([("*.py".to_owned(), 12)]), truncated: false };
        assert_eq!(reason("bandit", ".", &facts), (true, "Python source (12 files)".to_owned()));
        assert_eq!(reason("hadolint", ".", &facts), (false, "no Dockerfiles found".to_owned()));
        assert_eq!(reason("gitleaks", ".", &facts), (true, "fits every directory".to_owned()));
        let nmap = (false, "needs a host or an address or a domain, the target is a directory".to_owned());
        assert_eq!(reason("nmap", ".", &facts), nmap);
        assert!(reason("nmap", "host:localhost", &facts).0);
        assert_eq!(reason("nmap-ports", "host:localhost", &facts), (false, "runs only when asked for".to_owned()));
    }

    #[test]
    fn a_walk_that_ended_early_rules_nothing_out() {
        let facts = Facts { files: 20, matches: BTreeMap::new(), truncated: true };
        assert!(reason("hadolint", ".", &facts).0);
    }
}
