//! Scanners that end in ways that scanners end: each way has an outcome and words that name it.

use dragnet::app::{ReportRequest, judge, report};
use dragnet::model::coverage::{Coverage, Gap};
use dragnet::model::outcome::FailureReason;
use dragnet::model::state::{JobState, ScanState};
use futures::future::join_all;

use super::bench::Bench;
use super::cli::Home as _;
use super::reports::gitleaks;
use super::scans::Scan;
use super::tool::{Tool, tool};

/// A way to fail: script, reason, and what the words must say.
const FAILURES: &[(&str, FailureReason, &str)] = &[
    ("exit 0", FailureReason::ResultEmpty, "the scanner wrote nothing to standard output"),
    ("echo 'Traceback (most recent call last):'", FailureReason::ResultInvalid, "-:"),
    ("head -c 700 /src/report.json", FailureReason::ResultInvalid, "-:"),
    ("cat /src/report.json; exit 7", FailureReason::ExitCode, "exit code 7; it should be one of [0, 1]"),
    (
        "echo '[]'; exit 1",
        FailureReason::ResultError,
        "the exit code says that there are findings, and the report has none",
    ),
    ("cat /src/report.json; kill -9 $$", FailureReason::Killed, "killed by signal 9"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_end_is_told_for_what_it_is() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(3));
    let names = ["none", "garbage", "cut", "code", "contradiction", "signal"];
    let tools: Vec<Tool> = names.into_iter().zip(FAILURES).map(|(name, failure)| tool(name, failure.0)).collect();
    let scan = bench.run(&tools).await;
    let jobs = scan.app.store.jobs(scan.id).unwrap();
    for (name, (_, reason, words)) in names.into_iter().zip(FAILURES) {
        let job = jobs.iter().find(|job| job.step == name).unwrap();
        let failure = job.failure.clone().unwrap_or_else(|| panic!("{name} did not fail"));
        assert_eq!((job.state, job.attempts, failure.reason), (JobState::Quarantined, 2, *reason), "{name}: {failure}");
        assert!(failure.to_string().contains(words), "{name}: {failure}");
        assert_eq!(job.coverage, Some(Coverage::None), "{name}");
    }
    assert_eq!((scan.view().state, scan.findings().len()), (ScanState::Failed, 0));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_log_marks_the_log_only_and_a_cut_result_is_partial() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(3));
    let chatter = tool("chatter", "yes 'a line of sixty-four bytes, as scanners print them to their logs' | head -c 67108864 >&2; cat /src/report.json")
        .with("limits = { memory = \"64MiB\", log = \"64KiB\" }");
    let scan = bench.run(&[chatter]).await;
    assert_eq!((scan.view().state, scan.view().coverage), (ScanState::Completed, Coverage::Full), "{:?}", scan.job());
    assert_eq!(scan.findings().len(), 3);
    let kept: u64 = walk(&bench.state.join("logs"));
    assert!(kept > 32 << 10 && kept < 1 << 20, "{kept} bytes of log were kept");

    let flood = tool("flood", "cat /src/report.json; yes").with("limits = { memory = \"64MiB\", output = \"1MiB\" }");
    let scan = bench.run(&[flood]).await;
    let job = scan.job();
    assert!(scan.view().state == ScanState::Failed && !scan.view().coverage.is_full(), "{job:?}");
    bench.finish().await;
}

fn walk(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { entry.metadata().unwrap().len() }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn escape_sequences_stay_out_of_findings_and_messages() {
    let Some(bench) = Bench::local("bind").await else { return };
    let report = String::from_utf8(gitleaks(1)).unwrap();
    bench.write("report.json", report.replace("A key", r"\u001b]0;owned\u0007\u001b[31mA key"));
    let scan = bench.run(&[tool("esc", "cat /src/report.json")]).await;
    let shown = shown(&scan);
    assert!(shown.contains("A key") && !shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");

    let scan = bench.run(&[tool("esc", "printf '\\033]0;owned\\007 no report'")]).await;
    let words = scan.job().failure.unwrap().to_string();
    assert!(!words.contains('\u{1b}') && !words.contains('\u{7}'), "{words:?}");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vulnerability_that_two_scanners_report_is_one_finding_when_asked() {
    let Some(bench) = Bench::local("bind").await else { return };
    let trivy = serde_json::json!({ "SchemaVersion": 2, "ArtifactName": "/src", "Results": [
        { "Target": "a.lock", "Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": [
            { "VulnerabilityID": "CVE-2021-44906", "PkgName": "minimist", "InstalledVersion": "1.2.5", "Severity": "CRITICAL" },
            { "VulnerabilityID": "CVE-2020-7598", "PkgName": "minimist", "InstalledVersion": "1.2.5", "Severity": "MEDIUM" },
        ] },
    ] });
    let grype = serde_json::json!({ "descriptor": { "name": "grype" }, "matches": [{
        "vulnerability": { "id": "GHSA-xvch-5gv4-984h", "severity": "High" },
        "relatedVulnerabilities": [{ "id": "CVE-2021-44906" }],
        "artifact": { "name": "minimist", "version": "1.2.5", "locations": [{ "path": "/src/a.lock" }] },
    }] });
    bench.write("trivy.json", trivy.to_string());
    bench.write("grype.json", grype.to_string());
    let trivy = tool("trivy", "cat /src/trivy.json").with("results = [{ path = \"-\", format = \"trivy\" }]");
    let grype = tool("grype", "cat /src/grype.json").with("results = [{ path = \"-\", format = \"grype\" }]");
    let scan = bench.run(&[trivy, grype]).await;
    let apart: serde_json::Value = serde_json::from_str(&reported(&scan, "json", false)).unwrap();
    assert_eq!((&apart["summary"]["total"], &apart["summary"]["merged"]), (&3.into(), &serde_json::Value::Null));
    let merged: serde_json::Value = serde_json::from_str(&reported(&scan, "json", true)).unwrap();
    let (summary, findings) = (&merged["summary"], merged["findings"].as_array().unwrap());
    assert_eq!(
        (&summary["total"], &summary["by_severity"]["high"], &summary["merged"]),
        (&2.into(), &0.into(), &1.into())
    );
    assert_eq!((findings.len(), &findings[0]["sources"][0]["rule"]), (2, &"GHSA-xvch-5gv4-984h".into()));
    assert!(findings[1].get("sources").is_none());
    let table = reported(&scan, "table", true);
    assert!(table.contains("trivy, grype · CVE-2021-44906"), "{table}");
    assert!(table.contains("1 report is told with another of the same vulnerability; gates count each"), "{table}");
    bench.finish().await;
}

/// The report as it is printed to a terminal.
fn shown(scan: &Scan) -> String {
    reported(scan, "table", false)
}

fn reported(scan: &Scan, format: &str, merge: bool) -> String {
    let mut text = Vec::new();
    let renderer = dragnet::report::renderer(format).unwrap();
    let style = dragnet::report::Style::default();
    let judged = judge(&scan.app, scan.id, &[], None).unwrap();
    let request = ReportRequest { judged: &judged, only_new: false, merge, renderer, limit: None, style };
    report(&scan.app, request, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_can_neither_write_to_the_source_nor_reach_a_network() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(1));
    let escape = "
        echo x >/src/new 2>/dev/null && exit 11
        rm /src/report.json 2>/dev/null && exit 12
        [ $(ls /sys/class/net | grep -v -e lo -e ifb | wc -l) = 0 ] || exit 13
        nc -w 1 172.17.0.1 22 </dev/null >/dev/null 2>&1 && exit 14
        nc -w 1 1.1.1.1 443 </dev/null >/dev/null 2>&1 && exit 15
        cat /src/report.json";
    let scan = bench.run(&[tool("escape", escape)]).await;
    assert_eq!(scan.view().state, ScanState::Completed, "{:?}", scan.job().failure);
    assert!(!bench.tree().join("new").exists());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_transports_show_the_same_source_as_it_was_at_submission() {
    let Some(mut bench) = Bench::local("volume").await else { return };
    let mut all = Vec::new();
    for transport in ["bind", "volume"] {
        bench.transport = transport;
        awkward_tree(&bench);
        // One finding for each file, its content's hash as the rule.
        let lists = "
            cd /src; printf '['
            find . -type f -o -type l | sort | while read -r f; do
                [ -L \"$f\" ] && h=link-$(cat \"$f\" 2>/dev/null | sha256sum | cut -c1-16) || h=$(sha256sum <\"$f\" | cut -c1-16)
                printf '%s{\"RuleID\":\"%s-%s\",\"Description\":\"d\",\"StartLine\":1,\"EndLine\":1,\"StartColumn\":1,\"EndColumn\":1,\"Match\":\"REDACTED\",\"Secret\":\"REDACTED\",\"File\":\"%s\",\"SymlinkFile\":\"\",\"Commit\":\"\",\"Entropy\":1,\"Author\":\"\",\"Email\":\"\",\"Date\":\"\",\"Message\":\"\",\"Tags\":[],\"Fingerprint\":\"x\"}' \"$c\" \"$h\" \"$(ls -ld \"$f\" | cut -c1-10)\" \"${f#./}\"
                c=,
            done; printf ']'";
        let scan = bench.submit(&[tool("lists", lists)]).await;
        // Too late: what was submitted is what is scanned.
        bench.write("edited", "after");
        bench.write("new", "new");
        std::fs::remove_file(bench.tree().join("gone")).unwrap();
        scan.drive().await;
        let job = scan.job();
        assert_eq!(job.state, JobState::Succeeded, "{transport}: {:?}", job.failure);
        let files: Vec<String> =
            scan.records().into_iter().map(|f| format!("{:?} {}", f.record.location, f.record.rule)).collect();
        let has = |name: &str| files.iter().any(|file| file.contains(&format!("\"{name}\"")));
        assert!(has("closed") && has("ignored") && has("gone") && has("edited") && !has("new"), "{files:#?}");
        assert!(!has("escaping"), "{files:#?}");
        all.push((scan.findings(), files));
        std::fs::remove_dir_all(bench.tree()).unwrap();
        std::fs::create_dir(bench.tree()).unwrap();
    }
    assert_eq!(all[0], all[1]);
    bench.finish().await;
}

fn awkward_tree(bench: &Bench) {
    use std::os::unix::fs::{PermissionsExt, symlink};
    for (name, content) in
        [("closed", "a"), ("ignored", "secret"), ("gone", "g"), ("edited", "before"), (".gitignore", "ignored\n")]
    {
        bench.write(name, content);
    }
    std::fs::set_permissions(bench.tree().join("closed"), PermissionsExt::from_mode(0o600)).unwrap();
    symlink("nowhere", bench.tree().join("dangling")).unwrap();
    symlink("/etc/passwd", bench.tree().join("escaping")).unwrap();
    symlink("edited", bench.tree().join("inside")).unwrap();
    std::fs::create_dir(bench.tree().join("closed-dir")).unwrap();
    bench.write("closed-dir/x", "x");
    std::fs::set_permissions(bench.tree().join("closed-dir"), PermissionsExt::from_mode(0o700)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_of_one_state_do_not_disturb_one_another() {
    let Some(bench) = Bench::local("volume").await else { return };
    bench.write("report.json", gitleaks(4));
    let tools = [tool("same", "cat /src/report.json")];
    let scans = join_all((0..3).map(|_| bench.submit(&tools))).await;
    join_all(scans.iter().map(Scan::drive)).await;
    for scan in &scans {
        assert_eq!((scan.view().state, scan.findings().len()), (ScanState::Completed, 4), "{:?}", scan.job().failure);
        assert_eq!(scan.view().coverage.without(&[Gap::StaleData].into()), Coverage::Full);
    }
    bench.finish().await;
}
