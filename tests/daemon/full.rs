//! A disk that is full: the daemon says so, lives on, and makes up for all of it when there is room again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dragnet::model::coverage::Coverage;
use dragnet::model::outcome::FailureClass;
use dragnet::model::schedule::{Tick, TickState};
use dragnet::model::state::ScanState;
use dragnet::model::view::ScanView;
use dragnet::store::ScanFilter;

use super::ask::{Answer, get};
use super::bench::Bench;
use super::cli::{Cli, Home as _, until};
use super::disk::Tmpfs;
use super::process::{Daemon, daemon_is};
use super::reports::gitleaks;
use super::stub::{self, Stub};
use super::sums::{account, each_end_was_told_under_one_id, told, untold};
use super::tool::tool;

const FINDINGS: usize = 2;
/// Seconds between ticks.
const EVERY: i64 = 2;
/// Room beside the program: more than what a daemon calls none.
const ROOM: u64 = 160 << 20;
/// How long the disk is full: several ticks, and heartbeats.
const FULL: Duration = Duration::from_secs(12);

fn configure(bench: &Bench, stub: &Stub) {
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (tree, log) = (bench.tree(), bench.state.join("daemon.log"));
    let more = format!(
        "[daemon]\nlisten = '127.0.0.1:0'\n[daemon.log]\nfile = '{}'\nformat = 'json'\nmax_size = '4KiB'\nkeep = 2\n\
         [templates.probe]\nsteps = [{{ id = 'probe', scanner = 'probe' }}]\n\
         [[notify]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://{}/'\nevents = ['scan.*']\n\
         [[schedules]]\nname = 'often'\nevery = '{EVERY}s'\ntarget = 'dir:{}'\ntemplate = 'probe'\noverlap = 'queue'\n",
        log.display(),
        stub.host,
        tree.display(),
    );
    std::fs::write(file, text + &more).unwrap();
}

/// Takes all room that there is.
fn fill(ballast: &Path) {
    let mut file = std::fs::File::options().create(true).append(true).open(ballast).unwrap();
    std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
}

/// How a part of the daemon stands, and what it says.
fn part(readiness: &Answer, name: &str) -> (String, String) {
    let json = readiness.json();
    let part = json["components"].as_array().unwrap().iter().find(|part| part["name"] == name).unwrap().clone();
    let text = |key: &str| part[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_on_a_full_disk_says_so_and_makes_up_for_it() {
    let Some(bench) = Bench::local("bind").await else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can mount a small disk");
        return;
    }
    let agent = std::fs::metadata(super::engine::AGENT).unwrap().len();
    let disk = Tmpfs::mount(&bench.state, &(agent + ROOM).to_string());
    bench.write("report.json", gitleaks(FINDINGS));
    let cli = Cli::new(&bench, &[tool("probe", "sleep 0.3; cat /src/report.json")]);
    // What is told before the disk is full waits in the state.
    let deaf = Arc::new(AtomicBool::new(true));
    let of_stub = Arc::clone(&deaf);
    let stub = Stub::start(move |_, _| {
        if of_stub.load(Ordering::Relaxed) {
            stub::Answer::new(503).header("Retry-After", "1")
        } else {
            stub::Answer::new(204)
        }
    });
    configure(&bench, &stub);
    let daemon = Daemon::start(&cli).await;
    let view = daemon_is(&cli, "it listens", |daemon| daemon.address.is_some()).await;
    let port = view.address.unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    let ticks = || cli.app.store.ticks_after(0, 10_000).unwrap();
    let started = || ticks().iter().filter(|tick| tick.state == TickState::Started).count();
    until("the schedule runs", || (started() >= 2 && !stub.seen().is_empty()).then_some(())).await;
    assert_eq!(part(&get(port, "/readyz").await, "database").0, "ok");

    assert!(!untold(&cli).await.is_empty());
    let (ballast, begin) = (bench.state.join("ballast"), Instant::now());
    fill(&ballast);
    deaf.store(false, Ordering::Relaxed);
    let mut said = false;
    while begin.elapsed() < FULL || !said {
        // What ends, and logs that are begun anew, give some room back.
        fill(&ballast);
        let ready = get(port, "/readyz").await;
        let (database, disk) = (part(&ready, "database"), part(&ready, "disk"));
        said |= database == ("failed".to_owned(), "the disk of the state directory is full".to_owned())
            && (ready.status, disk.0.as_str()) == (503, "failed");
        assert_eq!(get(port, "/healthz").await.status, 200, "it lives");
        assert!(begin.elapsed() < Duration::from_mins(2), "it is never said: {ready:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = started();
    std::fs::remove_file(&ballast).unwrap();
    until("it goes on", || (started() > before + 1).then_some(())).await;
    while part(&get(port, "/readyz").await, "database").0 != "ok" {}

    let filter = ScanFilter { limit: 10_000, ..ScanFilter::default() };
    let scans = || cli.app.store.scans(&filter).unwrap();
    let all_told = |scans: &[ScanView]| {
        let told = told(&stub);
        scans.iter().all(|scan| told.contains_key(scan.id.as_str())).then_some(())
    };
    let until_now = scans();
    until("the ends of all these scans are told", || all_told(&until_now)).await;
    let (status, words) = daemon.end().await;
    assert!(status.success(), "{words}");
    for expected in [
        "daemon.log cannot be written to",
        "the disk of the state directory is full",
        "daemon.log can be written to again",
    ] {
        assert!(words.contains(expected), "{expected}: {words}");
    }

    // What has begun meanwhile is driven to its end, without anything that begins anew.
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("overlap = 'queue'", "enabled = false")).unwrap();
    let once = cli.run(&["daemon", "--once"]).await;
    assert!(once.status.success(), "{}", String::from_utf8_lossy(&once.stderr));
    assert_eq!(untold(&cli).await, Vec::<serde_json::Value>::new());
    let all = ticks();
    account("often", EVERY, &all.iter().collect::<Vec<&Tick>>());
    let scans = scans();
    for scan in &scans {
        let result = cli.result(cli.app.store.find_scan(scan.id.as_str()).unwrap());
        let whole = (result.view.coverage == Coverage::Full, result.findings.len()) == (true, FINDINGS);
        assert_eq!(scan.state == ScanState::Completed, whole, "{result:?}");
        if !whole {
            let failure = result.jobs.iter().find_map(|job| job.failure.as_ref());
            let short = failure.is_some_and(|failure| failure.reason.class() == FailureClass::Resource);
            assert!(short, "{result:?}");
        }
    }
    let whole = scans.iter().filter(|scan| scan.state == ScanState::Completed).count();
    eprintln!("{} ticks, {} scans, {whole} whole", all.len(), scans.len());
    each_end_was_told_under_one_id(&stub, &scans);
    for name in ["daemon.log", "daemon.log.1", "daemon.log.2"] {
        let text = std::fs::read_to_string(bench.state.join(name)).unwrap_or_default();
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
        }
    }
    drop(cli);
    bench.finish().await;
    drop(disk);
}
