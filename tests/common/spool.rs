//! A large result on its way into the spool.

use std::path::{Path, PathBuf};

use dragnet::model::id::Sha256;
use dragnet::model::manifest::{ExitCause, Manifest};

use super::tool::Tool;

/// A scanner that leaves so many megabytes that do not compress, what they hash to by its own count, and a report.
pub(crate) fn large(megabytes: u64) -> Tool {
    let script = format!(
        "dd if=/dev/urandom of=/dragnet/out/work/big bs=1048576 count={megabytes} 2>/dev/null\n\
         sha256sum /dragnet/out/work/big | cut -c1-64 >/dragnet/out/work/sum\ncat /src/report.json"
    );
    // Nobody asks how long it takes to make them.
    let more = "limits = { memory = \"128MiB\", output = \"600MiB\" }\ntimeout = \"10m\"";
    Tool { name: "large", script, more }
}

/// Where the only attempt's results are collected, once they are.
pub(crate) fn spool(state: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(state.join("spool")).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "in"))
}

/// Bytes that have come so far.
pub(crate) fn fetched(state: &Path) -> u64 {
    let files = spool(state).and_then(|spool| std::fs::read_dir(spool).ok()).into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

/// Unpacks what was collected; returns the large file's length, its hash, and the hash that the scanner wrote down.
pub(crate) fn compare(spool: &Path) -> (u64, String, String) {
    let manifest: Manifest = serde_json::from_slice(&std::fs::read(spool.join("manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest.exit.cause, manifest.exit.code), (&ExitCause::Ended, Some(0)), "{:?}", manifest.exit);
    let parts: Vec<_> = manifest.parts.iter().map(|part| spool.join(&part.name)).collect();
    let into = tempfile::tempdir().unwrap();
    dragnet::shim::unseal(&manifest, &parts, into.path(), 1 << 30).unwrap();
    let big = std::fs::read(into.path().join("work/big")).unwrap();
    let told = std::fs::read_to_string(into.path().join("work/sum")).unwrap();
    (big.len() as u64, Sha256::of(&big).to_string(), told.trim().to_owned())
}
