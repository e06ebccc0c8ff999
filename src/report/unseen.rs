//! What a scan did not see, as lines that any format can carry.

use super::ReportData;
use super::facts::unfinished;
use super::shortfall::{gap_in_words, shortfall};
use super::text::clean;
use crate::model::coverage::Coverage;
use crate::model::view::{ScanView, Verdict};

/// Says in a clause why a scan means nothing yet; none when it does.
pub(super) fn why(scan: &ScanView, verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::GateUndecided => Some("the gate asks what is not known"),
        _ => unfinished(scan),
    }
}

/// The scan's own line when it is not complete, then one for each job that did not see everything; empty only when all was
/// seen. Fit for a terminal, without line ends.
pub(super) fn lines(data: &ReportData<'_>) -> Vec<String> {
    let why = why(data.scan, data.verdict());
    let accepted = if why.is_none() { " (accepted)" } else { "" };
    let mut lines: Vec<String> = match data.verdict() {
        // All that is there is listed; what it means is not known.
        Verdict::GateUndecided => {
            let missing = data.gate.outcome.missing.iter().map(|missing| format!("NOT DECIDED: {missing}"));
            missing.map(|line| clean(&line).into_owned()).collect()
        }
        _ => why.map(|why| format!("INCOMPLETE: {why}; more may be there than is listed")).into_iter().collect(),
    };
    let of_jobs = data.jobs.iter().filter_map(|job| Some(format!("{}: {}{accepted}", job.name, shortfall(job)?)));
    lines.extend(of_jobs.map(|line| clean(&line).into_owned()));
    if let (1, Coverage::Partial(gaps)) = (lines.len(), &data.scan.coverage) {
        lines.extend(gaps.iter().map(|gap| gap_in_words(*gap).to_owned()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finished, job, troubled, unfinished, with_data};
    use super::lines;
    use crate::model::coverage::{Coverage, Gap};

    #[test]
    fn what_was_not_seen_is_told_by_job() {
        let expected = [
            "INCOMPLETE: the scan did not see all of its target; more may be there than is listed",
            "semgrep: timed_out: stopped after 10m (after 2 attempts)",
            "trivy: its report tells of errors; its database is older than allowed",
        ];
        assert_eq!(with_data(&unfinished(), &troubled(), Vec::new(), |data| lines(data)), expected);
        assert!(with_data(&finished(), &[job("bandit", "bandit", [0; 6])], Vec::new(), |data| lines(data)).is_empty());
    }

    #[test]
    fn what_a_step_accepts_is_told_too() {
        let told = with_data(&finished(), &troubled()[2..], Vec::new(), |data| lines(data));
        assert_eq!(told, ["trivy: its report tells of errors; its database is older than allowed (accepted)"]);
    }

    #[test]
    fn a_scan_whose_jobs_say_nothing_tells_its_own_gaps() {
        let mut scan = unfinished();
        scan.coverage = Coverage::partial(Gap::AssetCap);
        let told = with_data(&scan, &[], Vec::new(), |data| lines(data));
        assert_eq!(told[1..], ["not all assets were followed (max_assets, depth)"]);
    }
}
