//! Where a program may die, whatever runs the scan.

/// Points that every scan comes by.
pub(crate) const OF_SCANS: [&str; 17] = [
    "submit.committed",
    "launch.before",
    "launch.after",
    "collect.before",
    "collect.fetched",
    "ingest.begun",
    "ingest.batch",
    "ingest.identified",
    "compare.begun",
    "compare.done",
    "remove.before",
    "remove.after",
    "tidy.before",
    "tidy.withdrawn",
    "store.before_commit:abort@4",
    "store.before_commit:abort@7",
    "store.before_commit:abort@10",
];
/// Commits of a scan with a retry: death after each of them.
pub(crate) const COMMITS: u32 = 12;

/// Fails the first time, for retries to be tried too.
pub(crate) const FLAKY: &str = "grep -q -- -a01 /dragnet/out/job.json && exit 9; cat /src/report.json";
