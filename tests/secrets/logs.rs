//! What a scanner says beside its results.

use super::bench::Bench;
use super::cli::{Cli, Home as _};
use super::planted::{MARKER, lines, values};
use super::state::{assert_clean, files, found};
use super::tool::tool;

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_that_is_kept_or_shown() {
    let Some(bench) = Bench::local("bind").await else { return };
    let said = lines().join("\n").replace('\'', r"'\''");
    let script = format!("printf '%s\\n' '{said}' 'note {MARKER}' >&2\necho '[]'\n");
    let cli = Cli::new(&bench, &[tool("talker", script)]);
    let output = super::cli::ended(cli.start("talker", None)).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_clean(&bench.state());
    let logs = bench.state().join("logs");
    assert!(!files(&logs).is_empty());
    assert!(!found(&logs, &[MARKER.to_owned()]).is_empty(), "the log is kept, and found by the same search");
    let shown = cli.run(&["logs", "latest", "talker"]).await;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains(MARKER) && shown.contains("‹secret:"), "{shown}");
    assert!(values().iter().all(|value| !shown.contains(value)), "{shown}");
    bench.finish().await;
}
