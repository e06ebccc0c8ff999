//! What a job could see, and whether another would have seen the same.

use std::collections::BTreeSet;

use crate::model::coverage::Coverage;
use crate::model::finding::Location;
use crate::model::id::Sha256;
use crate::model::spec::JobSpec;
use crate::model::standing::{Fate, Unseen};

/// What one job could see: its coverage key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The scanner's version as its report has it, else the image that it ran from.
    pub version: String,
    /// Hash of how it is called: program, arguments, environment, results that are read.
    pub parameters: Sha256,
    /// Families of data that it reads, by name. Their versions do not count: newer data know more.
    pub data: BTreeSet<String>,
    /// Where it looked.
    pub scope: Scope,
}

/// Where a job looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// The whole target, as far as these rules leave nothing out; none when nothing was left out.
    Target(Option<Sha256>),
    /// These assets.
    Assets(BTreeSet<String>),
}

impl Reach {
    /// Returns the reach of a job of this specification. `version` is that of the scanner's report; `rules` are those of the
    /// source, of which `assets` are no part.
    pub fn of(spec: &JobSpec, version: Option<&str>, rules: Option<Sha256>, assets: Option<BTreeSet<String>>) -> Self {
        let results: Vec<_> = spec.results.iter().map(|result| (&result.path, &result.format)).collect();
        let called = serde_json::to_vec(&(&spec.program, &spec.command, &spec.env, results)).unwrap_or_default();
        Self {
            version: version.unwrap_or(&spec.image).to_owned(),
            parameters: Sha256::of(called),
            data: spec.data.iter().map(|tree| tree.name.clone()).collect(),
            scope: assets.map_or(Scope::Target(rules), Scope::Assets),
        }
    }

    /// Adds it to those of other jobs of a scan: like ones with other assets become one.
    pub fn join(self, all: &mut Vec<Self>) {
        let like =
            |one: &&mut Self| one.version == self.version && one.parameters == self.parameters && one.data == self.data;
        match (all.iter_mut().find(like), &self.scope) {
            (Some(Self { scope: Scope::Assets(known), .. }), Scope::Assets(more)) => known.extend(more.iter().cloned()),
            (Some(other), _) if other.scope == self.scope => {}
            _ => all.push(self),
        }
    }

    /// Whether it matters where a finding is.
    pub fn needs_location(&self) -> bool {
        matches!(self.scope, Scope::Assets(_))
    }

    /// Why this one would not have seen what `other` saw at `location`; none if it would.
    fn misses(&self, other: &Self, location: &Location) -> Option<Unseen> {
        if self.version != other.version {
            return Some(Unseen::Version);
        }
        if self.parameters != other.parameters || !self.data.is_superset(&other.data) {
            return Some(Unseen::Parameters);
        }
        (!self.scope.covers(&other.scope, location)).then_some(Unseen::Scope)
    }
}

impl Scope {
    fn covers(&self, other: &Self, location: &Location) -> bool {
        match (self, other) {
            // What leaves nothing out sees what any rules leave.
            (Self::Target(mine), Self::Target(theirs)) => mine.is_none() || mine == theirs,
            (Self::Assets(mine), Self::Assets(theirs)) => {
                mine.is_superset(theirs)
                    || host(location).is_some_and(|host| mine.iter().any(|asset| is_on(asset, host)))
            }
            _ => false,
        }
    }
}

fn host(location: &Location) -> Option<&str> {
    match location {
        Location::Host { host, .. } => Some(host),
        Location::Url { url, .. } => Some(host_of(url)),
        _ => None,
    }
}

/// Whether an asset (a host, `host:port/protocol`, a web address) is this host, or on it.
fn is_on(asset: &str, host: &str) -> bool {
    host_of(asset).eq_ignore_ascii_case(host)
}

/// The host in a web address or in `host:port/protocol`.
fn host_of(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    match authority.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        Some((address, _)) => address,
        // More than one colon is an address of version 6 without a port.
        None if authority.matches(':').count() > 1 => authority,
        None => authority.split(':').next().unwrap_or(authority),
    }
}

/// What one scanner saw in a scan: everything that its jobs could see, and whether they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// What its jobs saw together, before what the steps accept: an accepted gap is a gap.
    pub coverage: Coverage,
    /// What each could see; equal ones once, and assets of like jobs together.
    pub reaches: Vec<Reach>,
}

impl Sight {
    /// Says what became of a finding that a job of `reach` saw at `location`, and that this scan did not bring.
    pub fn fate(&self, reach: &Reach, location: &Location) -> Fate {
        if !self.coverage.is_full() {
            return Fate::NotObserved(Unseen::Coverage);
        }
        let mut reasons = self.reaches.iter().map(|mine| mine.misses(reach, location));
        // The job that comes nearest tells why.
        let nearest = reasons.try_fold(Unseen::Version, |nearest, reason| reason.map(|reason| nearest.max(reason)));
        nearest.map_or(Fate::Fixed, Fate::NotObserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(version: &str, scope: Scope) -> Reach {
        Reach { version: version.to_owned(), parameters: Sha256::of("a"), data: BTreeSet::new(), scope }
    }

    fn assets(all: &[&str]) -> Scope {
        Scope::Assets(all.iter().map(|asset| (*asset).to_owned()).collect())
    }

    fn fate(now: Vec<Reach>, before: &Reach, location: &Location) -> Fate {
        Sight { coverage: Coverage::Full, reaches: now }.fate(before, location)
    }

    #[test]
    fn only_one_that_would_have_seen_it_fixes() {
        let before = reach("1", Scope::Target(None));
        let nowhere = Location::Nowhere;
        assert_eq!(fate(vec![before.clone()], &before, &nowhere), Fate::Fixed);
        assert_eq!(fate(vec![reach("2", Scope::Target(None))], &before, &nowhere), Fate::NotObserved(Unseen::Version));
        let ruled = reach("1", Scope::Target(Some(Sha256::of("target/"))));
        assert_eq!(fate(vec![ruled.clone()], &before, &nowhere), Fate::NotObserved(Unseen::Scope));
        assert_eq!(fate(vec![before.clone()], &ruled, &nowhere), Fate::Fixed, "it sees more than the one before");
        let other = Reach { parameters: Sha256::of("b"), ..before.clone() };
        assert_eq!(fate(vec![other.clone()], &before, &nowhere), Fate::NotObserved(Unseen::Parameters));
        assert_eq!(fate(vec![other, before.clone()], &before, &nowhere), Fate::Fixed, "one of two is enough");
        assert_eq!(fate(vec![], &before, &nowhere), Fate::NotObserved(Unseen::Version));
        let part = Sight { coverage: Coverage::None, reaches: vec![before.clone()] };
        assert_eq!(part.fate(&before, &nowhere), Fate::NotObserved(Unseen::Coverage));
    }

    #[test]
    fn data_may_grow_and_not_shrink() {
        let with = Reach { data: BTreeSet::from(["db".to_owned()]), ..reach("1", Scope::Target(None)) };
        let without = reach("1", Scope::Target(None));
        assert_eq!(fate(vec![with.clone()], &without, &Location::Nowhere), Fate::Fixed);
        assert_eq!(fate(vec![without], &with, &Location::Nowhere), Fate::NotObserved(Unseen::Parameters));
    }

    #[test]
    fn a_host_that_was_not_looked_at_proves_nothing() {
        let before = reach("1", assets(&["a.example:443/tcp", "b.example:443/tcp"]));
        let on = |host: &str| Location::Host { host: host.to_owned(), port: Some(443), protocol: None };
        let now = vec![reach("1", assets(&["A.example:443/tcp", "c.example:80/tcp"]))];
        assert_eq!(fate(now.clone(), &before, &on("a.example")), Fate::Fixed);
        assert_eq!(fate(now.clone(), &before, &on("b.example")), Fate::NotObserved(Unseen::Scope));
        let url = Location::Url { url: "https://u@a.example:443/x?y".to_owned(), parameter: None };
        assert_eq!(fate(now.clone(), &before, &url), Fate::Fixed);
        assert_eq!(fate(now, &before, &Location::Nowhere), Fate::NotObserved(Unseen::Scope), "no host is named");
        assert_eq!(host_of("[::1]:80/tcp"), "::1");
        assert_eq!(host_of("fe80::1"), "fe80::1");
    }
}
