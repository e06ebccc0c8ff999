//! Whether a finding meets the conditions of a rule.

use super::super::exploit::{Exploitation, Named};
use super::super::finding::{Location, Record};
use super::super::severity::Severity;
use super::super::standing::Standing;
use super::super::view::FindingView;
use super::patterns::Names;
use super::rule::When;

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// It does not.
    No,
    /// What would say so is not known: no score, no CVE number.
    Untold,
    /// It does.
    Yes,
}

impl From<bool> for Answer {
    fn from(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}

impl When {
    /// Whether a finding meets all conditions; `untold` if only what is not known stands against it.
    pub(super) fn holds(&self, finding: &FindingView, unknown: Severity) -> Answer {
        let record = &finding.record;
        let severity = record.severity.counted_as(unknown);
        let named = |names: Option<&Names>, name: &str| names.is_none_or(|names| names.contain(name));
        let cheap = self.severity.is_none_or(|least| severity <= least)
            && self.severity_below.is_none_or(|below| severity > below)
            && self.new.is_none_or(|new| new == finding.standing.is_none_or(Standing::is_news))
            && named(self.scanner.as_ref(), &finding.scanner)
            && named(self.rule.as_ref(), &record.rule)
            && self.fixable.is_none_or(|fixable| self::fixable(record) == Some(fixable));
        if !cheap {
            return Answer::No;
        }
        self.in_path(&record.location).min(self.exploited(record, finding.exploitation.unwrap_or_default()))
    }

    fn in_path(&self, location: &Location) -> Answer {
        let Some(paths) = &self.path else { return Answer::Yes };
        location.path().map_or(Answer::No, |path| paths.contain(path).map_or(Answer::Untold, Answer::from))
    }

    fn exploited(&self, record: &Record, known: Exploitation) -> Answer {
        if self.epss.is_none() && self.epss_below.is_none() && self.kev.is_none() {
            return Answer::Yes;
        }
        let any = Named::of(record).any;
        // Scores only ever say that one of several vulnerabilities is at least so likely; that none is more likely takes all.
        let score = |least: f64, enough: Answer, less: Answer| match known.epss {
            Some(epss) if epss.score >= least => enough,
            Some(_) if !known.unscored => less,
            _ if any => Answer::Untold,
            _ => Answer::No,
        };
        let kev = |wanted: bool| match known.kev {
            Some(kev) => Answer::from(kev == wanted),
            None => Answer::Untold,
        };
        let answers = [
            self.epss.map(|least| score(least.get(), Answer::Yes, Answer::No)),
            self.epss_below.map(|below| score(below.get(), Answer::No, Answer::Yes)),
            self.kev.map(kev),
        ];
        answers.into_iter().flatten().min().unwrap_or(Answer::Yes)
    }
}

/// Whether a fix is known; none of findings that are about no package and no known vulnerability, and name none.
fn fixable(record: &Record) -> Option<bool> {
    let mended_by_an_update = !record.vulnerabilities.is_empty() || matches!(record.location, Location::Package { .. });
    match &record.fix {
        Some(_) => Some(true),
        None => mended_by_an_update.then_some(false),
    }
}
