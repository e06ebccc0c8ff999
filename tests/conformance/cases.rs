//! The cases.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use dragnet::artifact::{self, SnapshotOptions};
use dragnet::executor::{ExecutorError, Observation, Observed, OwnedKind};
use dragnet::model::manifest::{ExitCause, LogStream};
use dragnet::model::scanner::{ResultSpec, SecretRef};
use dragnet::model::spec::DataTree;
use dragnet::model::unit::{ByteSize, Span};
use futures::StreamExt as _;

use super::harness::{Attempt, Harness};

/// Runs cases side by side and names those that fail.
macro_rules! suite {
    ($($case:ident),+ $(,)?) => {
        /// Runs all cases that the harness supports, or the one that `CONFORMANCE_CASE` names; returns the names of those that
        /// failed.
        pub(crate) async fn run_all(harness: &Arc<dyn Harness>) -> Vec<&'static str> {
            let only = std::env::var("CONFORMANCE_CASE").ok();
            let running = [$((stringify!($case), {
                let harness = Arc::clone(harness);
                Box::pin(async move { $case(&*harness).await }) as futures::future::BoxFuture<'static, ()>
            })),+];
            futures::stream::iter(running)
                .filter(|(name, _)| std::future::ready(harness.supports(name) && only.as_deref().is_none_or(|only| only == *name)))
                .map(|(name, case)| async move { (name, tokio::spawn(case).await) })
                .buffer_unordered(6)
                .filter_map(|(name, result)| async move { result.err().map(|_| name) })
                .collect()
                .await
        }
    };
}

suite!(
    results_arrive_byte_for_byte,
    standard_output_is_a_result,
    many_parts_arrive_and_resume,
    a_second_launch_adopts,
    racing_launches_run_once,
    another_specification_is_a_conflict,
    a_relaunch_after_the_end_does_not_run_again,
    a_stop_seals_what_there_is,
    a_stop_overrules_deafness_after_the_grace,
    a_stop_of_what_ended_or_never_was_is_no_error,
    removal_may_be_repeated,
    logs_are_complete_from_any_line,
    exit_codes_and_signals_are_told,
    memory_that_runs_out_is_told,
    the_time_limit_is_kept,
    a_missing_program_is_told,
    a_missing_image_is_told,
    a_missing_image_is_not_resolved,
    output_over_the_limit_is_told,
    everything_made_is_listed,
    the_watch_tells_of_start_end_and_removal,
    a_killed_attempt_is_sealed_later,
    a_destroyed_attempt_is_gone,
    trees_are_read_only_and_readable,
    nothing_is_reached_without_a_network,
    secrets_and_assets_are_files,
    a_frozen_attempt_thaws_and_stops,
    hostile_results_stay_out,
);

async fn results_arrive_byte_for_byte(h: &dyn Harness) {
    let attempt =
        Attempt::script(h, "mkdir {out}/d && printf 'a\\000b\\n' >{out}/r && printf x >{out}/d/e; id -u; pwd");
    let fetched = attempt.run(h).await;
    assert_eq!(fetched.file("work/r").unwrap(), b"a\0b\n");
    assert_eq!(fetched.file("work/d/e").unwrap(), b"x");
    let exit = &fetched.manifest().exit;
    assert_eq!((&exit.cause, exit.code, exit.signal), (&ExitCause::Ended, Some(0), None));
    assert!(exit.started_at <= exit.finished_at && exit.max_rss > 0, "{exit:?}");
}

async fn standard_output_is_a_result(h: &dyn Harness) {
    let attempt =
        Attempt::script(h, "echo result; echo talk >&2").with(|spec| "-".clone_into(&mut spec.results[0].path));
    let fetched = attempt.run(h).await;
    assert_eq!(fetched.text("stdout"), "result\n");
    assert_eq!(fetched.manifest().log.last_seq, 1);
}

async fn many_parts_arrive_and_resume(h: &dyn Harness) {
    let attempt = Attempt::script(h, "head -c 40000000 /dev/urandom >{out}/r; sha256sum <{out}/r >{out}/sum");
    attempt.launch(h).await;
    attempt.ended(h).await;
    let fetched = attempt.fetch(h).await.unwrap();
    assert_eq!(fetched.sealed.parts.len(), 3);
    // As after a crash in the middle: one part missing, one torn, the manifest not written.
    let into = fetched.into.path();
    fs::remove_file(into.join("manifest.json")).unwrap();
    fs::remove_file(into.join("part-0001")).unwrap();
    fs::write(into.join("part-0002"), "torn").unwrap();
    let untouched = fs::metadata(into.join("part-0000")).unwrap().modified().unwrap();
    let sealed = h.executor().fetch(&attempt.0, into).await.unwrap();
    assert_eq!(sealed, fetched.sealed);
    assert_eq!(fs::metadata(into.join("part-0000")).unwrap().modified().unwrap(), untouched);
    let sum = fetched.manifest().files.iter().find(|file| file.path == "work/r").unwrap().sha256.to_string();
    assert!(fetched.text("work/sum").starts_with(&sum));
    attempt.remove(h).await;
}

async fn a_second_launch_adopts(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo run >>{out}/r; sleep 0.3");
    let first = h.executor().launch(&attempt.0).await.unwrap();
    let second = h.executor().launch(&attempt.0).await.unwrap();
    assert_eq!((first.adopted, second.adopted), (false, true));
    assert_eq!(first.engine_id, second.engine_id);
    attempt.ended(h).await;
    assert_eq!(attempt.fetch(h).await.unwrap().text("work/r"), "run\n");
    attempt.remove(h).await;
}

async fn racing_launches_run_once(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo run >>{out}/r");
    let launches = (0..6).map(|_| h.executor().launch(&attempt.0));
    let launched = futures::future::join_all(launches).await;
    assert_eq!(launched.iter().filter(|one| one.as_ref().is_ok_and(|one| !one.adopted)).count(), 1, "{launched:?}");
    assert!(launched.iter().all(Result::is_ok), "{launched:?}");
    attempt.ended(h).await;
    assert_eq!(attempt.fetch(h).await.unwrap().text("work/r"), "run\n");
    attempt.remove(h).await;
}

async fn another_specification_is_a_conflict(h: &dyn Harness) {
    let attempt = Attempt::script(h, "true");
    attempt.launch(h).await;
    let mut other = Attempt::script(h, "false");
    other.0 =
        dragnet::model::spec::Launch { spec: other.0.spec, spec_sha256: other.0.spec_sha256, ..attempt.0.clone() };
    let refused = h.executor().launch(&other.0).await.unwrap_err();
    assert!(matches!(refused, ExecutorError::Conflict { .. }), "{refused}");
    attempt.ended(h).await;
    assert_eq!(attempt.fetch(h).await.unwrap().manifest().exit.code, Some(0));
    attempt.remove(h).await;
}

async fn a_relaunch_after_the_end_does_not_run_again(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo run >>{out}/r");
    attempt.launch(h).await;
    attempt.ended(h).await;
    assert!(h.executor().launch(&attempt.0).await.unwrap().adopted);
    attempt.ended(h).await;
    assert_eq!(attempt.fetch(h).await.unwrap().text("work/r"), "run\n");
    attempt.remove(h).await;
}

async fn a_stop_seals_what_there_is(h: &dyn Harness) {
    let attempt = Attempt::script(
        h,
        "trap 'echo late >>{out}/r; exit 3' TERM; echo early >{out}/r; echo ready; while :; do sleep 0.05; done",
    );
    attempt.launch(h).await;
    attempt.says(h, "ready").await;
    assert!(matches!(attempt.fetch(h).await.map(drop), Err(ExecutorError::Busy(_))), "results of what still runs");
    h.executor().stop(attempt.name(), Duration::from_secs(30)).await.unwrap();
    h.executor().stop(attempt.name(), Duration::from_secs(30)).await.unwrap();
    attempt.ended(h).await;
    let fetched = attempt.fetch(h).await.unwrap();
    assert_eq!((&fetched.manifest().exit.cause, fetched.manifest().exit.code), (&ExitCause::Stopped, Some(3)));
    assert_eq!(fetched.text("work/r"), "early\nlate\n");
    attempt.remove(h).await;
}

async fn a_stop_overrules_deafness_after_the_grace(h: &dyn Harness) {
    let attempt = Attempt::script(h, "trap '' TERM; echo partial >{out}/r; echo ready; while :; do sleep 0.05; done");
    attempt.launch(h).await;
    attempt.says(h, "ready").await;
    h.executor().stop(attempt.name(), Duration::from_millis(100)).await.unwrap();
    attempt.ended(h).await;
    let fetched = attempt.fetch(h).await.unwrap();
    assert_eq!((&fetched.manifest().exit.cause, fetched.manifest().exit.signal), (&ExitCause::Stopped, Some(9)));
    assert_eq!(fetched.text("work/r"), "partial\n");
    attempt.remove(h).await;
}

async fn a_stop_of_what_ended_or_never_was_is_no_error(h: &dyn Harness) {
    let attempt = Attempt::script(h, "true");
    h.executor().stop(attempt.name(), Duration::ZERO).await.unwrap();
    attempt.launch(h).await;
    attempt.ended(h).await;
    h.executor().stop(attempt.name(), Duration::ZERO).await.unwrap();
    assert_eq!(attempt.fetch(h).await.unwrap().manifest().exit.cause, ExitCause::Ended);
    attempt.remove(h).await;
}

async fn removal_may_be_repeated(h: &dyn Harness) {
    let attempt = Attempt::script(h, "sleep 1000");
    attempt.launch(h).await;
    let (one, two) = tokio::join!(h.executor().remove(attempt.name()), h.executor().remove(attempt.name()));
    one.and(two).unwrap();
    attempt.remove(h).await;
    let gone = attempt.fetch(h).await.map(drop).unwrap_err();
    assert!(matches!(gone, ExecutorError::NotFound(_)), "{gone}");
    assert!(matches!(h.executor().logs(attempt.name(), 1).await, Err(ExecutorError::NotFound(_))));
}

async fn logs_are_complete_from_any_line(h: &dyn Harness) {
    let attempt = Attempt::script(h, "seq 1 100000; echo last >&2").with(|spec| spec.results.clear());
    attempt.launch(h).await;
    attempt.ended(h).await;
    for (from, count) in [(1, 100_001), (99_990, 12)] {
        let (mut next, mut lines) = (from, Vec::new());
        loop {
            let chunk = h.executor().logs(attempt.name(), next).await.unwrap();
            lines.extend(chunk.lines);
            next = lines.last().map_or(from, |line| line.seq + 1);
            if chunk.end {
                break;
            }
        }
        assert_eq!(lines.len(), count);
        assert!(lines.iter().zip(from..).all(|(line, seq)| line.seq == seq));
        let stdout: Vec<_> = lines.iter().filter(|line| line.stream == LogStream::Stdout).collect();
        assert_eq!(stdout.last().unwrap().bytes, b"100000");
    }
    attempt.remove(h).await;
}

async fn exit_codes_and_signals_are_told(h: &dyn Harness) {
    let exit = Attempt::script(h, "exit 42").run(h).await.sealed.manifest.exit;
    assert_eq!((exit.cause, exit.code, exit.signal), (ExitCause::Ended, Some(42), None));
    let exit = Attempt::script(h, "kill -SEGV $$").run(h).await.sealed.manifest.exit;
    assert_eq!((exit.cause, exit.code, exit.signal), (ExitCause::Ended, None, Some(11)));
}

async fn memory_that_runs_out_is_told(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo before >{out}/r; tail /dev/zero; echo $? >{out}/code")
        .with(|spec| spec.limits.memory = ByteSize(96 << 20));
    let fetched = attempt.run(h).await;
    assert_eq!(fetched.text("work/r"), "before\n");
    assert!(fetched.manifest().exit.oom_kills >= 1, "{:?}", fetched.manifest().exit);
}

async fn the_time_limit_is_kept(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo partial >{out}/r; sleep 1000")
        .with(|spec| spec.timeout = Span(Duration::from_millis(300)));
    let fetched = attempt.run(h).await;
    assert_eq!(fetched.manifest().exit.cause, ExitCause::TimeLimit);
    assert_eq!(fetched.text("work/r"), "partial\n");
}

async fn a_missing_program_is_told(h: &dyn Harness) {
    let fetched = Attempt::program(h, "no-such-program", &[]).run(h).await;
    match &fetched.manifest().exit.cause {
        ExitCause::NotStarted { message } => assert!(message.contains("no-such-program"), "{message}"),
        other => panic!("{other:?}"),
    }
}

async fn a_missing_image_is_told(h: &dyn Harness) {
    let attempt = Attempt::script(h, "true").with(|spec| "dragnet.invalid/missing:1".clone_into(&mut spec.image));
    for _ in 0..2 {
        // Some engines look for it at once, others when they have found a place for the attempt.
        let error = if let Err(error) = h.executor().launch(&attempt.0).await {
            error
        } else {
            attempt.ended(h).await;
            attempt.fetch(h).await.map(drop).unwrap_err()
        };
        assert!(matches!(&error, ExecutorError::Image { image, .. } if *image == attempt.0.spec.image), "{error:?}");
    }
    attempt.remove(h).await;
}

async fn a_missing_image_is_not_resolved(h: &dyn Harness) {
    let error = h.executor().resolve_image("dragnet.invalid/missing:1", false, &|_| ()).await.unwrap_err();
    assert!(matches!(error, ExecutorError::Image { .. }), "{error}");
    let found = h.executor().resolve_image(h.image(), false, &|_| ()).await.unwrap();
    assert_eq!(found.platform, h.executor().capabilities().platform);
}

async fn output_over_the_limit_is_told(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo kept >{out}/r; cat /dev/zero >{out}/big")
        .with(|spec| spec.limits.output = ByteSize(1 << 20));
    let fetched = attempt.run(h).await;
    assert_eq!(fetched.manifest().exit.cause, ExitCause::OutputLimit);
    assert_eq!(fetched.text("work/r"), "kept\n");
    assert_eq!(fetched.manifest().dropped.len(), 1);
}

async fn everything_made_is_listed(h: &dyn Harness) {
    let attempt = Attempt::script(h, "true");
    attempt.launch(h).await;
    let owned = h.executor().list_owned(h.instance()).await.unwrap();
    let ours: Vec<_> = owned.iter().filter(|one| one.attempt.as_ref() == Some(attempt.name())).collect();
    let container = ours.iter().find(|one| matches!(one.kind, OwnedKind::Container | OwnedKind::Job)).unwrap();
    assert_eq!((container.role.as_str(), container.instance.as_str()), ("scan", h.instance().as_str()));
    assert!(container.created_at.is_some());
    assert!(h.executor().list_foreign().await.unwrap().iter().any(|one| one.id == container.id));
    attempt.ended(h).await;
    // An engine may have made more since the launch was answered, and what is removed may take a moment to go.
    let gone = async {
        loop {
            let owned = h.executor().list_owned(h.instance()).await.unwrap();
            let ours: Vec<_> = owned.iter().filter(|one| one.attempt.as_ref() == Some(attempt.name())).collect();
            if ours.is_empty() {
                return;
            }
            for one in ours.iter().chain(ours.iter()) {
                h.executor().remove_owned(one).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), gone).await.expect("something is left");
    attempt.remove(h).await;
}

async fn the_watch_tells_of_start_end_and_removal(h: &dyn Harness) {
    let mut watch = h.executor().observe(h.instance());
    let attempt = Attempt::script(h, "exit 5");
    let name = attempt.name().clone();
    let first = watch.next().await;
    assert!(matches!(first, Some(Observation::Listing(_))), "{first:?}");
    attempt.launch(h).await;
    let (mut ended, mut gone) = (false, false);
    let follow = async {
        while !gone {
            match watch.next().await.unwrap() {
                Observation::Changed(of, Observed::Exited { code, .. }) if of == name => {
                    assert_eq!(code, Some(0), "the shim's own code");
                    ended = true;
                    attempt.remove(h).await;
                }
                Observation::Gone(of) if of == name => gone = true,
                Observation::Unreachable(message) => panic!("{message}"),
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), follow).await.unwrap();
    assert!(ended);
}

async fn a_killed_attempt_is_sealed_later(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo found >{out}/r; echo ready; sleep 1000");
    attempt.launch(h).await;
    attempt.says(h, "ready").await;
    h.kill(attempt.name()).await;
    assert!(matches!(attempt.ended(h).await, Observed::Exited { code: Some(137), .. }));
    let fetched = attempt.fetch(h).await.unwrap();
    assert_eq!(fetched.manifest().exit.cause, ExitCause::ShimKilled);
    assert_eq!((fetched.text("work/r").as_str(), fetched.manifest().log.last_seq), ("found\n", 1));
    attempt.remove(h).await;
}

async fn a_destroyed_attempt_is_gone(h: &dyn Harness) {
    let mut watch = h.executor().observe(h.instance());
    let first = watch.next().await;
    assert!(matches!(first, Some(Observation::Listing(_))), "{first:?}");
    let attempt = Attempt::script(h, "echo ready; sleep 1000");
    attempt.launch(h).await;
    attempt.says(h, "ready").await;
    h.destroy(attempt.name()).await;
    assert_eq!(h.executor().inspect(attempt.name()).await.unwrap(), None);
    let gone = async { while watch.next().await.unwrap() != Observation::Gone(attempt.name().clone()) {} };
    tokio::time::timeout(Duration::from_mins(1), gone).await.unwrap();
    attempt.remove(h).await;
}

async fn trees_are_read_only_and_readable(h: &dyn Harness) {
    let dir = tempfile::tempdir().unwrap();
    let (source, data) = (dir.path().join("source"), dir.path().join("data"));
    fs::create_dir_all(source.join("sub")).unwrap();
    fs::create_dir_all(&data).unwrap();
    fs::write(source.join("sub/private"), "code\n").unwrap();
    fs::set_permissions(source.join("sub/private"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(source.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(source.join("run"), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::symlink("sub/private", source.join("link")).unwrap();
    fs::write(data.join("db"), "data\n").unwrap();
    // What is private to its owner is readable in the snapshot.
    let artifacts = dir.path().join("artifacts");
    let take = |tree| artifact::snapshot(&artifacts, tree, SnapshotOptions::default()).unwrap().facts.sha256;
    let (source_hash, data_hash) = (take(&source), take(&data));
    for hash in [source_hash, data_hash] {
        h.executor().provide_tree(hash, &artifact::tree(&artifacts, hash)).await.unwrap();
    }
    let script = "cat {target}/sub/private {target}/link /db/db >{out}/r; ls -l {target}/run | cut -c1-10 >>{out}/r; \
                  ls /src | wc -l >>{out}/r; for f in /src/x /db/x /etc/x /x; do (: >$f) 2>/dev/null && echo $f >>{out}/r; done; true";
    for _ in 0..2 {
        let attempt = Attempt::script(h, script).with(|spec| {
            let (name, mount) = ("db".to_owned(), "/db".to_owned());
            spec.source = Some(source_hash);
            spec.data = vec![DataTree { name, mount, sha256: data_hash, version: "1".to_owned(), stale: false }];
        });
        assert_eq!(attempt.run(h).await.text("work/r"), "code\ncode\ndata\n-rwxr-xr-x\n3\n");
    }
}

async fn nothing_is_reached_without_a_network(h: &dyn Harness) {
    let fetched = Attempt::script(h, "ls /sys/class/net | tr '\\n' ' ' >{out}/r").run(h).await;
    assert_eq!(fetched.text("work/r").trim(), "lo");
}

async fn secrets_and_assets_are_files(h: &dyn Harness) {
    let attempt = Attempt::script(
        h,
        "cat /dragnet/secrets/token {input} >{out}/r; env >{out}/env; cat /proc/1/cmdline >{out}/cmd",
    )
    .with(|spec| {
        spec.secrets.insert("token".to_owned(), SecretRef::Env("UNUSED".to_owned()));
        spec.env.insert("COLOUR".to_owned(), "never".to_owned());
    })
    .with_assets(&["a.example", "b.example"]);
    let spooled = dragnet::executor::types::secret_file(h.state(), attempt.0.scan, "token");
    fs::create_dir_all(spooled.parent().unwrap()).unwrap();
    fs::write(&spooled, "s3cret\n").unwrap();
    fs::set_permissions(&spooled, fs::Permissions::from_mode(0o400)).unwrap();
    let fetched = attempt.run(h).await;
    assert_eq!(fetched.text("work/r"), "s3cret\na.example\nb.example\n");
    let environment = fetched.text("work/env");
    assert!(environment.contains("HOME=/tmp\n") && environment.contains("COLOUR=never\n"), "{environment}");
    assert!(!environment.contains("s3cret") && !fetched.text("work/cmd").contains("s3cret"));
}

async fn a_frozen_attempt_thaws_and_stops(h: &dyn Harness) {
    let attempt = Attempt::script(h, "echo ready; sleep 1000");
    attempt.launch(h).await;
    attempt.says(h, "ready").await;
    for frozen in [true, true, false, false, true] {
        h.executor().freeze(attempt.name(), frozen).await.unwrap();
        assert_eq!(h.executor().inspect(attempt.name()).await.unwrap(), Some(Observed::Running));
    }
    h.executor().stop(attempt.name(), Duration::from_secs(5)).await.unwrap();
    attempt.ended(h).await;
    assert_eq!(attempt.fetch(h).await.unwrap().manifest().exit.cause, ExitCause::Stopped);
    attempt.remove(h).await;
}

async fn hostile_results_stay_out(h: &dyn Harness) {
    let script = "cd /dragnet/out; ln -s /etc/passwd work/r; mkfifo work/pipe; rm -rf log; ln -s /etc log; mkdir -p seal/part-0000; \
                  ln -s /etc/shadow seal/manifest.json; mkdir work/shut; echo x >work/shut/f; chmod 0 work/shut";
    let attempt = Attempt::script(h, script).with(|spec| {
        spec.results.push(ResultSpec { path: "pipe".to_owned(), format: "any".to_owned(), produces: vec![] });
    });
    attempt.launch(h).await;
    attempt.ended(h).await;
    let chunk = h.executor().logs(attempt.name(), 1).await;
    assert!(chunk.is_err() || chunk.is_ok_and(|chunk| chunk.lines.is_empty()));
    let fetched = attempt.fetch(h).await.unwrap();
    let dropped: Vec<_> = fetched.manifest().dropped.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(dropped, ["work/pipe", "work/r"]);
    assert_eq!(fetched.text("work/shut/f"), "x\n");
    attempt.remove(h).await;
}
