//! The shim as a process of its own, on the host: not the first process, so it kills its descendants instead of everybody.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dragnet::model::id::{AttemptName, Sha256};
use dragnet::model::manifest::{ExitCause, LogStream, Manifest};
use dragnet::model::scanner::ResultSpec;
use dragnet::model::spec::ShimJob;
use dragnet::shim::{Entry, LogReader, UnsealError, unseal};

struct Case {
    dir: tempfile::TempDir,
    job: ShimJob,
}

impl Case {
    fn new(script: &str) -> Self {
        Self::with_argv(["/bin/sh", "-c", script])
    }

    fn with_argv<const N: usize>(argv: [&str; N]) -> Self {
        let job = ShimJob {
            copies: Vec::new(),
            letter_box: None,
            version: ShimJob::VERSION,
            name: "dn-00000000-00000001-test-0-a01".parse::<AttemptName>().unwrap(),
            spec: Sha256::of("spec"),
            argv: argv.map(str::to_owned).to_vec(),
            results: Vec::new(),
            timeout_ms: 60_000,
            grace_ms: 60_000,
            output_limit: 64 << 20,
            log_limit: 256 << 20,
        };
        Self { dir: tempfile::tempdir().unwrap(), job }
    }

    fn stdout_is_result(mut self) -> Self {
        self.job.results = vec![ResultSpec { path: "-".to_owned(), format: "any".to_owned(), produces: Vec::new() }];
        self
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    fn shim(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
        // The shim leads a group, so that a test can kill it together with the scanner, as an engine would.
        command.args(["shim", verb]).arg(self.dir.path()).current_dir(self.dir.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn start(&self) -> Child {
        fs::write(self.path("job.json"), serde_json::to_vec(&self.job).unwrap()).unwrap();
        self.shim("run").spawn().unwrap()
    }

    fn run(&self) -> Manifest {
        let output = self.start().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        self.manifest()
    }

    fn manifest(&self) -> Manifest {
        serde_json::from_slice(&fs::read(self.path("seal/manifest.json")).unwrap()).unwrap()
    }

    fn log(&self, from: u64) -> Vec<(u64, LogStream, String)> {
        LogReader::open(&self.path("log"), from)
            .unwrap()
            .map(|entry| match entry.unwrap() {
                Entry::Line(line) => (line.seq, line.stream, String::from_utf8_lossy(&line.bytes).into_owned()),
                Entry::Hole(hole) => panic!("lines {hole:?} are missing"),
            })
            .collect()
    }

    fn unsealed(&self) -> tempfile::TempDir {
        let into = tempfile::tempdir().unwrap();
        unseal(&self.manifest(), &self.parts(), into.path(), 1 << 30).unwrap();
        into
    }

    fn parts(&self) -> Vec<PathBuf> {
        self.manifest().parts.iter().map(|part| self.path("seal").join(&part.name)).collect()
    }

    /// Waits until the scanner has made a file, which it does when it is ready to be disturbed.
    fn wait_for(&self, relative: &str) {
        while !self.path(relative).exists() {
            std::thread::yield_now();
        }
    }
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn alive(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn results_exit_code_and_log_are_sealed() {
    let case = Case::new("mkdir work/deep; printf '{}' >work/deep/r.json; echo out; echo err >&2; exit 3");
    let manifest = case.run();
    assert_eq!((manifest.exit.cause, manifest.exit.code, manifest.exit.signal), (ExitCause::Ended, Some(3), None));
    let paths: Vec<_> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["log/seg-000000", "work/deep/r.json"]);
    assert_eq!((manifest.log.last_seq, manifest.log.bytes, manifest.log.dropped), (2, 6, 0));
    let mut log = case.log(1);
    log.sort_by(|a, b| a.2.cmp(&b.2));
    assert_eq!(
        log.iter().map(|(_, stream, text)| (*stream, text.as_str())).collect::<Vec<_>>(),
        [(LogStream::Stderr, "err"), (LogStream::Stdout, "out")]
    );
    assert_eq!(fs::read(case.unsealed().path().join("work/deep/r.json")).unwrap(), b"{}");
}

#[test]
fn a_signal_of_the_scanners_own_is_told() {
    let manifest = Case::new("kill -SEGV $$").run();
    assert_eq!((manifest.exit.cause, manifest.exit.code, manifest.exit.signal), (ExitCause::Ended, None, Some(11)));
}

#[test]
fn the_time_limit_kills_what_ignores_the_request() {
    let mut case = Case::new("trap '' TERM; echo partial >work/r; while :; do sleep 0.05; done");
    (case.job.timeout_ms, case.job.grace_ms) = (300, 200);
    let manifest = case.run();
    assert_eq!((manifest.exit.cause, manifest.exit.signal), (ExitCause::TimeLimit, Some(9)));
    assert_eq!(fs::read(case.unsealed().path().join("work/r")).unwrap(), b"partial\n");
}

#[test]
fn a_stop_lets_the_scanner_finish_its_result() {
    let case = Case::new("trap 'echo late >work/r; exit 7' TERM; : >ready; while :; do sleep 0.02; done");
    let mut child = case.start();
    case.wait_for("ready");
    signal(&child, rustix::process::Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let manifest = case.manifest();
    assert_eq!((manifest.exit.cause, manifest.exit.code), (ExitCause::Stopped, Some(7)));
    assert_eq!(fs::read(case.unsealed().path().join("work/r")).unwrap(), b"late\n");
}

#[test]
fn a_cancel_file_stops_with_its_own_grace() {
    let case = Case::new("trap '' TERM; : >ready; while :; do sleep 0.05; done");
    let mut child = case.start();
    case.wait_for("ready");
    fs::write(case.path("cancel"), "50").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!((case.manifest().exit.cause, case.manifest().exit.signal), (ExitCause::Stopped, Some(9)));
}

#[test]
fn orphans_are_reaped_and_killed_with_the_scanner() {
    let case = Case::new(
        "(setsid sleep 1000 & echo $! >orphan) ; setsid sh -c 'echo $$ >leaver; exec sleep 1000' & while [ ! -s leaver ]; do :; done",
    );
    let manifest = case.run();
    assert_eq!(manifest.exit.code, Some(0));
    assert!(!alive(&case.path("orphan")) && !alive(&case.path("leaver")));
}

#[test]
fn two_hundred_thousand_lines_are_complete() {
    let case = Case::new("seq -f %040.0f 1 200000");
    let manifest = case.run();
    assert_eq!((manifest.log.last_seq, manifest.log.dropped), (200_000, 0));
    let log = case.log(1);
    assert_eq!(log.len(), 200_000);
    assert!(log.iter().all(|(seq, _, text)| text.parse() == Ok(*seq)));
    assert_eq!(case.log(199_999).len(), 2);
    assert!(manifest.files.len() > 1, "more than one segment: {:?}", manifest.files);
}

#[test]
fn long_lines_and_binary_garbage_lose_no_byte() {
    let case = Case::new("head -c 200000 /dev/zero | tr '\\0' x; echo; head -c 3000000 /dev/urandom | tee work/raw");
    case.run();
    let mut bytes = Vec::new();
    for entry in LogReader::open(&case.path("log"), 1).unwrap() {
        let Entry::Line(line) = entry.unwrap() else { panic!("a hole") };
        bytes.extend_from_slice(&line.bytes);
        if !line.partial {
            bytes.push(b'\n');
        }
    }
    assert!(bytes[..200_000].iter().all(|byte| *byte == b'x'));
    assert_eq!(bytes[200_001..], fs::read(case.path("work/raw")).unwrap());
}

#[test]
fn the_live_view_is_limited_in_rate_and_clean() {
    let case = Case::new("printf '\\033[31mred\\n'; seq 1 300000");
    let output = case.start().wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("?[31mred\n1\n2\n"), "{:?}", &text[..20]);
    assert!(text.contains(" lines suppressed\n") && text.len() < 1_500_000, "{}", text.len());
}

#[test]
fn lines_over_the_log_limit_are_numbered_and_counted() {
    let mut case = Case::new("echo 12345; echo 1234567890; echo 123");
    case.job.log_limit = 10;
    let manifest = case.run();
    assert_eq!((manifest.log.last_seq, manifest.log.bytes, manifest.log.dropped), (3, 8, 1));
    let entries: Vec<_> = LogReader::open(&case.path("log"), 1).unwrap().map(Result::unwrap).collect();
    assert!(
        matches!(&entries[..], [Entry::Line(_), Entry::Hole(hole), Entry::Line(_)] if *hole == (2..3)),
        "{entries:?}"
    );
}

#[test]
fn a_missing_program_is_told_and_sealed() {
    let case = Case::with_argv(["no-such-program"]);
    match case.run().exit.cause {
        ExitCause::NotStarted { message } => assert!(message.starts_with("no-such-program: No such file"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(Case::with_argv(["/etc/passwd"]).run().exit.code, None);
}

#[test]
fn a_second_start_is_refused() {
    let case = Case::new("echo run >>count");
    case.run();
    assert_eq!(case.start().wait().unwrap().code(), Some(250));
    assert_eq!(fs::read(case.path("count")).unwrap(), b"run\n");
    assert_eq!(case.manifest().exit.code, Some(0));
}

#[test]
fn standard_output_as_result_is_exact_and_not_in_the_log() {
    let case = Case::new("printf 'a\\0b\\r\\nno newline'; echo log >&2").stdout_is_result();
    case.run();
    assert_eq!(fs::read(case.unsealed().path().join("stdout")).unwrap(), b"a\0b\r\nno newline");
    assert_eq!(case.log(1).into_iter().map(|line| line.2).collect::<Vec<_>>(), ["log"]);
}

#[test]
fn endless_output_is_stopped_at_its_limit() {
    let mut case = Case::new("exec cat /dev/zero").stdout_is_result();
    case.job.output_limit = 100_000;
    let manifest = case.run();
    assert_eq!(manifest.exit.cause, ExitCause::OutputLimit);
    assert_eq!(fs::metadata(case.unsealed().path().join("stdout")).unwrap().len(), 100_000);

    let mut case = Case::new("printf r >work/r; exec cat /dev/zero >work/big");
    case.job.output_limit = 100_000;
    case.job.results = vec![ResultSpec { path: "r".to_owned(), format: "any".to_owned(), produces: Vec::new() }];
    let manifest = case.run();
    assert_eq!(manifest.exit.cause, ExitCause::OutputLimit);
    assert_eq!(
        manifest.dropped.iter().map(|d| (d.path.as_str(), d.reason.as_str())).collect::<Vec<_>>(),
        [("work/big", "over the output limit")]
    );
    assert_eq!(fs::read(case.unsealed().path().join("work/r")).unwrap(), b"r");
}

#[test]
fn links_and_pipes_are_counted_and_not_sealed() {
    let case = Case::new(
        "ln -s /etc/passwd work/link; mkfifo work/pipe; ln -s / work/dir; echo x >work/file; chmod 0 work/file; mkdir work/shut; echo y >work/shut/in; chmod 0 work/shut",
    );
    let manifest = case.run();
    let dropped: Vec<_> = manifest.dropped.iter().map(|d| (d.path.as_str(), d.reason.as_str())).collect();
    assert_eq!(
        dropped,
        [("work/dir", "not a regular file"), ("work/link", "not a regular file"), ("work/pipe", "not a regular file")]
    );
    assert!(fs::symlink_metadata(case.path("work/pipe")).unwrap().file_type().is_fifo());
    let unsealed = case.unsealed();
    assert_eq!(fs::read(unsealed.path().join("work/file")).unwrap(), b"x\n");
    assert_eq!(fs::read(unsealed.path().join("work/shut/in")).unwrap(), b"y\n");
    assert_eq!(fs::metadata(case.path("work/shut")).unwrap().permissions().mode() & 0o777, 0o777);
}

#[test]
fn a_killed_shim_is_sealed_by_another() {
    let case = Case::new("echo $$ >pid; echo found >work/r; echo line; : >ready; exec sleep 1000");
    let mut child = case.start();
    case.wait_for("ready");
    while case.log(1).is_empty() {
        std::thread::yield_now();
    }
    signal(&child, rustix::process::Signal::KILL);
    child.wait().unwrap();
    let pid = fs::read_to_string(case.path("pid")).unwrap().trim().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
    assert!(!case.path("seal/manifest.json").exists());
    for _ in 0..2 {
        assert_eq!(case.shim("seal").status().unwrap().code(), Some(0));
        let manifest = case.manifest();
        assert_eq!((manifest.exit.cause, manifest.log.last_seq), (ExitCause::ShimKilled, 1));
        assert_eq!(fs::read(case.unsealed().path().join("work/r")).unwrap(), b"found\n");
    }
}

#[test]
fn what_was_never_claimed_is_not_sealed() {
    let case = Case::new("true");
    fs::write(case.path("job.json"), serde_json::to_vec(&case.job).unwrap()).unwrap();
    assert_eq!(case.shim("seal").status().unwrap().code(), Some(251));
    assert!(!case.path("seal").exists());
}

#[test]
fn a_forged_seal_is_replaced() {
    let case = Case::new("mkdir -p seal/part-0000; ln -s /etc seal/manifest.json; echo {} >exit.json; echo x >work/r");
    assert_eq!(case.run().exit.cause, ExitCause::Ended);
    assert_eq!(fs::read(case.unsealed().path().join("work/r")).unwrap(), b"x\n");
}

#[test]
fn a_log_directory_that_became_a_link_is_not_followed() {
    let case = Case::new("rm -rf log; ln -s /etc log; : ");
    let manifest = case.run();
    assert!(manifest.files.is_empty(), "{:?}", manifest.files);
}

#[test]
fn archives_that_are_not_what_was_sealed_are_refused() {
    let case = Case::new("head -c 40000000 /dev/urandom >work/big; echo x >work/r");
    let manifest = case.run();
    assert_eq!(manifest.parts.len(), 3);
    case.unsealed();
    let refused = |manifest: &Manifest, cap| {
        let into = tempfile::tempdir().unwrap();
        unseal(manifest, &case.parts(), into.path(), cap).unwrap_err()
    };
    assert!(matches!(refused(&manifest, 1000), UnsealError::TooLarge { .. }));
    for path in ["../r", "/work/r", "work//r", "work/./r", "work/\u{1b}r", ""] {
        let mut forged = manifest.clone();
        forged.files.last_mut().unwrap().path = path.to_owned();
        assert!(matches!(refused(&forged, 1 << 30), UnsealError::Mismatch(_)), "{path}");
    }
    let mut unlisted = manifest.clone();
    unlisted.files.pop();
    assert!(matches!(refused(&unlisted, 1 << 30), UnsealError::Mismatch(_)));
    let part = case.parts().pop().unwrap();
    let mut bytes = fs::read(&part).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&part, bytes).unwrap();
    assert!(matches!(refused(&manifest, 1 << 30), UnsealError::Mismatch(_)));
}

#[test]
fn an_unpacked_file_never_follows_a_link() {
    let case = Case::new("echo x >work/r");
    let manifest = case.run();
    let (into, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(elsewhere.path(), into.path().join("work")).unwrap();
    assert!(unseal(&manifest, &case.parts(), into.path(), 1 << 30).is_err());
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
