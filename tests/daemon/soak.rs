//! A daemon among everything that happens to one: schedules of several kinds, commands that come and go, a receiver that fails every other
//! time, an engine that is restarted and killed, and kills at any moment. A minute, ten with `DRAGNET_FULL`. In the end each tick is accounted
//! for, each scan has ended as it truly went, each end was told, no attempt ran twice, and nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dragnet::model::coverage::Coverage;
use dragnet::model::id::AttemptName;
use dragnet::model::outcome::FailureClass;
use dragnet::model::schedule::Tick;
use dragnet::model::state::{JobState, ScanState};
use dragnet::model::view::ScanView;
use dragnet::store::ScanFilter;
use rustix::process::Signal;
use tokio::process::Child;

use super::bench::Bench;
use super::cli::{Cli, Home as _};
use super::process::Daemon;
use super::reports::gitleaks;
use super::second::Engine;
use super::stub::{Answer, Stub};
use super::sums::{account, each_end_was_told_under_one_id, untold};
use super::tool::{Tool, tool};

/// Name, seconds between ticks, and more.
const SCHEDULES: [(&str, i64, &str); 5] = [
    ("forbids", 2, "overlap = 'forbid'"),
    ("queues", 3, "overlap = 'queue'"),
    ("replaces", 5, "overlap = 'replace'"),
    ("makes-up", 7, "missed = 'run_all'"),
    ("rests", 11, "missed = 'skip'\nmissed_after = '1s'"),
];
/// The seed of all that is random.
const SEED: u64 = 20_261_122;
/// What a daemon of a test build may hold; measured are 170 MiB, at its start, when it hashes itself.
const MEMORY: u64 = 400 << 20;
/// What each whole scan finds.
const FINDINGS: usize = 2;
/// The engine is restarted no less often, however slow the machine is.
const RESTARTS: u32 = 2;

fn random(state: &AtomicU64) -> u64 {
    // xorshift64: the same run again has the same order.
    let mut x = state.load(Ordering::Relaxed);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    state.store(x, Ordering::Relaxed);
    x
}

fn configure(bench: &Bench, stub: &Stub) {
    let file = bench.dir().join("config.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text += "\n[templates.probe]\nsteps = [{ id = 'probe', scanner = 'probe' }]\n";
    write!(
        text,
        "[[notify]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://{}/'\nevents = ['scan.*', 'schedule.*']\n",
        stub.host
    )
    .unwrap();
    let tree = bench.tree();
    for (name, seconds, more) in SCHEDULES {
        let target = tree.display();
        write!(
            text,
            "[[schedules]]\nname = '{name}'\nevery = '{seconds}s'\ntarget = 'dir:{target}'\ntemplate = 'probe'\n{more}\n"
        )
        .unwrap();
    }
    std::fs::write(file, text).unwrap();
}

/// Tells the witness which attempt it is, by the name of what is mounted for it; then finds what it is to find.
fn probe(witness: &Stub) -> Tool {
    let (host, port) = witness.host.split_once(':').unwrap();
    let script = format!(
        "name=$(grep -o 'dn-[a-z0-9-]*-a[0-9][0-9]' /proc/self/mountinfo | head -n 1)
         printf 'POST /%s HTTP/1.1\\r\\nContent-Length: 0\\r\\n\\r\\n' \"$name\" | nc {host} {port} >/dev/null || exit 9
         sleep 0.3; cat /src/report.json"
    );
    Tool { more: "network = \"host\"", ..tool("probe", script) }
}

/// What is resident of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Ends the engine now and then, in order and by a kill in turn, and begins it again a little later.
async fn restart(engine: &mut Engine, time: Duration) -> u32 {
    let (state, end) = (AtomicU64::new(SEED), Instant::now() + time);
    let mut restarts = 0;
    while restarts < RESTARTS || Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(3000 + random(&state) % 7000)).await;
        engine.end(if restarts % 2 == 0 { Signal::TERM } else { Signal::KILL }).await;
        tokio::time::sleep(Duration::from_millis(random(&state) % 3000)).await;
        engine.boot().await;
        restarts += 1;
    }
    restarts
}

async fn churn(cli: &Cli<'_, Bench>, time: Duration) -> (u64, usize) {
    let (state, end) = (AtomicU64::new(SEED), Instant::now() + time);
    let mut daemon = Some(Daemon::start(cli).await);
    let mut commands: Vec<Child> = Vec::new();
    let (mut most, mut kills) = (0, 0);
    while Instant::now() < end {
        most = most.max(daemon.as_ref().map_or(0, |daemon| resident(daemon.pid())));
        match random(&state) % 12 {
            0 => {
                daemon.take().unwrap().kill().await;
                kills += 1;
                daemon = Some(Daemon::start(cli).await);
            }
            1 => {
                let (status, said) = daemon.take().unwrap().end().await;
                assert!(status.success(), "{status}: {said}");
                daemon = Some(Daemon::start(cli).await);
            }
            2 => daemon.as_ref().unwrap().signal(Signal::HUP),
            3 | 4 => commands.push(cli.start("probe", None)),
            5 => drop(cli.run(&["start", cli.bench.tree().to_str().unwrap(), "--scanner", "probe", "--detach"]).await),
            6 => drop(cli.run(&["cancel", "--no-wait", "latest"]).await),
            7 => {
                if let Some(mut child) = commands.pop() {
                    child.kill().await.unwrap();
                }
            }
            8 => drop(cli.run(&["list", "--open"]).await),
            _ => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    }
    for child in commands {
        super::cli::ended(child).await;
    }
    let (status, said) = daemon.unwrap().end().await;
    assert!(status.success(), "{status}: {said}");
    (most, kills)
}

/// Checks that a scan is what it says: whole, or visibly not.
fn truthful(cli: &Cli<'_, Bench>, view: &ScanView, ran: &BTreeMap<String, u32>) {
    let scan = cli.app.store.find_scan(view.id.as_str()).unwrap();
    let result = cli.result(scan);
    assert!(view.state.is_terminal(), "{view:?}");
    if view.state == ScanState::Failed {
        assert_ne!(view.coverage, Coverage::Full, "{result:?}");
        let failure = result.jobs.iter().find_map(|job| job.failure.as_ref()).unwrap();
        let class = failure.reason.class();
        assert!(matches!(class, FailureClass::Lost | FailureClass::Transient), "{:?}", cli.failures(scan));
    }
    if view.state != ScanState::Completed {
        return;
    }
    assert_eq!((view.coverage.clone(), result.findings.len()), (Coverage::Full, FINDINGS), "{result:?}");
    for job in &result.jobs {
        assert_eq!((job.state, job.records.total()), (JobState::Succeeded, FINDINGS as u64), "{job:?}");
        let attempts = cli.app.store.attempts(scan, &job.name).unwrap();
        assert!(attempts.iter().any(|(name, ..)| ran.contains_key(name.as_str())), "{job:?} succeeded and never ran");
    }
}

/// Returns how often each attempt ran, as it told the witness; checks that each is known.
fn runs(cli: &Cli<'_, Bench>, scans: &[ScanView], witness: &Stub) -> BTreeMap<String, u32> {
    let mut ran: BTreeMap<String, u32> = BTreeMap::new();
    for request in witness.seen() {
        *ran.entry(request.path.trim_start_matches('/').to_owned()).or_default() += 1;
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    for view in scans {
        let scan = cli.app.store.find_scan(view.id.as_str()).unwrap();
        for job in cli.app.store.jobs(scan).unwrap() {
            let attempts = cli.app.store.attempts(scan, &job.name).unwrap();
            known.extend(attempts.iter().map(|(name, ..): &(AttemptName, _, _)| name.to_string()));
        }
    }
    let strange: Vec<_> = ran.iter().filter(|(name, times)| **times > 1 || !known.contains(*name)).collect();
    assert!(strange.is_empty(), "ran twice, or without a row: {strange:?}");
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_each_tick_is_accounted_for_and_each_end_is_told() {
    let Some(mut engine) = Engine::at_socket().await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(FINDINGS));
    let witness = Stub::start(|_, _| Answer::new(204));
    let cli = Cli::new(&bench, &[probe(&witness)]);
    let (flaky, asked) = (Arc::new(AtomicBool::new(true)), AtomicU64::new(SEED));
    let of_stub = Arc::clone(&flaky);
    let stub = Stub::start(move |_, _| match random(&asked) % 4 {
        0 if of_stub.load(Ordering::Relaxed) => Answer::new(503).header("Retry-After", "1"),
        1 if of_stub.load(Ordering::Relaxed) => Answer::new(200).body("{").cut(10),
        _ => Answer::new(204),
    });
    configure(&bench, &stub);
    let time =
        if std::env::var_os("DRAGNET_FULL").is_some() { Duration::from_mins(10) } else { Duration::from_mins(1) };
    let ((most, kills), restarts) = tokio::join!(churn(&cli, time), restart(&mut engine, time));
    eprintln!("{kills} kills; {restarts} restarts of the engine; at most {} MiB resident", most >> 20);
    assert!(most < MEMORY, "{most} bytes resident");

    // What is open is driven to its end, without anything that begins anew.
    flaky.store(false, Ordering::Relaxed);
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("template = 'probe'\n", "template = 'probe'\nenabled = false\n")).unwrap();
    let once = cli.run(&["daemon", "--once"]).await;
    assert!(once.status.success(), "{}", String::from_utf8_lossy(&once.stderr));
    let ticks = cli.app.store.ticks_after(0, 100_000).unwrap();
    for (name, seconds, _) in SCHEDULES {
        let mut own: Vec<&Tick> = ticks.iter().filter(|tick| tick.schedule.to_string() == name).collect();
        own.sort_by_key(|tick| tick.due);
        account(name, seconds, &own);
    }
    let started: Vec<_> = ticks.iter().filter_map(|tick| tick.scan).collect();
    assert_eq!(started.iter().collect::<BTreeSet<_>>().len(), started.len(), "each scan is of one tick");

    let filter = ScanFilter { limit: 100_000, ..ScanFilter::default() };
    let scans = cli.app.store.scans(&filter).unwrap();
    let ran = runs(&cli, &scans, &witness);
    for scan in &scans {
        truthful(&cli, scan, &ran);
    }
    let count = |state| scans.iter().filter(|scan| scan.state == state).count();
    eprintln!(
        "{} scans: {} whole, {} failed, {} cancelled; {} attempts ran",
        scans.len(),
        count(ScanState::Completed),
        count(ScanState::Failed),
        count(ScanState::Cancelled),
        ran.len()
    );
    assert!(count(ScanState::Completed) > 0);

    // Waits between deliveries grow: some are due only now.
    let deadline = Instant::now() + Duration::from_mins(3);
    loop {
        assert!(cli.run(&["notify", "run"]).await.status.success());
        let waiting = untold(&cli).await;
        if waiting.is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "never told: {waiting:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    each_end_was_told_under_one_id(&stub, &scans);
    bench.finish().await;
}
