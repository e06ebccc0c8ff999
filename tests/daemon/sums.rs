//! What must hold in the end, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use dragnet::model::schedule::{Tick, TickState};
use dragnet::model::view::ScanView;
use serde_json::Value;

use super::bench::Bench;
use super::cli::Cli;
use super::stub::Stub;

/// Checks that the ticks of a schedule follow one another without a gap, and that none has two outcomes.
pub(super) fn account(name: &str, seconds: i64, ticks: &[&Tick]) {
    assert!(!ticks.is_empty(), "{name} was never due");
    let mut next = None;
    for tick in ticks {
        assert!(matches!(tick.state, TickState::Started | TickState::Skipped), "{name}: {tick:?}");
        if let Some(next) = next {
            assert_eq!(tick.due.0, next, "{name}: {tick:?}");
        }
        next = Some(tick.through.0 + seconds * 1000);
    }
}

/// Returns the notifications that wait.
pub(super) async fn untold(cli: &Cli<'_, Bench>) -> Vec<Value> {
    let pending = cli.run(&["notify", "list", "--pending", "--format", "json"]).await;
    let pending: Value = serde_json::from_slice(&pending.stdout).unwrap();
    pending["notifications"].as_array().unwrap().clone()
}

/// Under which ids a receiver was told of the end of each scan.
pub(super) fn told(stub: &Stub) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for request in stub.seen() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if let Some(scan) = body["scan"]["id"].as_str().filter(|_| body["event"].as_str().unwrap().starts_with("scan."))
        {
            told.entry(scan.to_owned()).or_default().insert(request.header("webhook-id").unwrap().to_owned());
        }
    }
    told
}

/// Checks that a receiver was told of the end of each scan, as often as may be, but under one id.
pub(super) fn each_end_was_told_under_one_id(stub: &Stub, scans: &[ScanView]) {
    let told = told(stub);
    for scan in scans {
        let ids = told.get(scan.id.as_str()).map_or(0, BTreeSet::len);
        assert_eq!(ids, 1, "the end of scan {} was told under {ids} ids", scan.id);
    }
}
