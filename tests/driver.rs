//! The driver over the fake engine: scans that go well, scans that do not, crashes anywhere, two drivers at once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and is written for its reader")]

#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::ports::nmap;
use common::reports::gitleaks;
use common::scan::{Lab, step};
use dragnet::driver::Rest;
use dragnet::executor::Executor as _;
use dragnet::executor::fake::{FakeExecutor, Fault, Operation, Outcome};
use dragnet::model::asset::AssetKind;
use dragnet::model::coverage::{Coverage, Gap};
use dragnet::model::event::EventBody;
use dragnet::model::plan::{Gather, OnFailure};
use dragnet::model::state::{JobState, ScanState};
use dragnet::model::view::EndReason;
use dragnet::model::wait::{Wait, WaitReason};
use dragnet::store::Verb;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_scan_brings_its_findings() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::success([("stdout", gitleaks(3))])));
    let scan = lab.submit(vec![step("secrets")]).await;
    assert_eq!(lab.drive(scan).await, Rest::Ended);
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.coverage, view.records.total()), (ScanState::Completed, Coverage::Full, 3));
    assert_eq!(lab.findings(scan).len(), 3);
    assert_eq!(lab.engine.containers(), 0);
    lab.check(scan);
}

#[tokio::test]
async fn found_ports_become_chunks_of_the_next_step() {
    let lab = Lab::new(FakeExecutor::new(|launch| match launch.job.step.as_str() {
        "ports" => Outcome::success([("stdout", nmap(&[22, 80, 443, 8080, 8443]))]),
        _ => Outcome::success([("stdout", gitleaks(launch.assets.len()))]),
    }));
    let mut ports = step("ports");
    ports.scanner.results[0].format = "nmap".to_owned();
    let mut services = step("services");
    services.needs = vec!["ports".parse().unwrap()];
    (services.for_each, services.chunk) = (vec![AssetKind::Port], 2);
    let scan = lab.submit(vec![ports, services]).await;
    assert_eq!(lab.drive(scan).await, Rest::Ended);
    let jobs = lab.store.jobs(scan).unwrap();
    let names: Vec<_> = jobs.iter().map(|job| (job.name.as_str(), job.inputs, job.records.total())).collect();
    assert_eq!(names, [("ports-0", 0, 0), ("services-0", 2, 2), ("services-1", 2, 2), ("services-2", 1, 1)]);
    assert_eq!(lab.store.scan(scan).unwrap().state, ScanState::Completed);
    lab.check(scan);
}

#[tokio::test]
async fn a_step_without_assets_is_skipped_and_the_scan_complete() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::success([("stdout", nmap(&[]))])));
    let mut ports = step("ports");
    ports.scanner.results[0].format = "nmap".to_owned();
    let mut services = step("services");
    services.needs = vec!["ports".parse().unwrap()];
    (services.for_each, services.gather) = (vec![AssetKind::Port], Gather::All);
    let scan = lab.submit(vec![ports, services]).await;
    lab.drive(scan).await;
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.jobs[&JobState::Skipped]), (ScanState::Completed, 1));
    lab.check(scan);
}

#[tokio::test]
async fn a_scanner_that_prints_nothing_never_looks_clean() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::success([("stdout", Vec::new())])));
    let scan = lab.submit(vec![step("secrets")]).await;
    lab.drive(scan).await;
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.end), (ScanState::Failed, Some(EndReason::Incomplete)));
    assert_eq!(view.coverage, Coverage::None);
    let job = &lab.store.jobs(scan).unwrap()[0];
    assert_eq!((job.state, job.attempts), (JobState::Quarantined, 2));
    lab.check(scan);
}

#[tokio::test]
async fn a_failed_step_skips_what_needs_it_unless_it_says_otherwise() {
    for (rule, expected) in [(OnFailure::Skip, JobState::Skipped), (OnFailure::Continue, JobState::Succeeded)] {
        let lab = Lab::new(FakeExecutor::new(|launch| match launch.job.step.as_str() {
            "first" => Outcome::Ends { after: Duration::ZERO, code: 9, files: Vec::new() },
            _ => Outcome::success([("stdout", gitleaks(1))]),
        }));
        let mut first = step("first");
        (first.on_failure, first.scanner.retry.max_attempts) = (rule, 1);
        let mut second = step("second");
        second.needs = vec!["first".parse().unwrap()];
        let scan = lab.submit(vec![first, second]).await;
        lab.drive(scan).await;
        let jobs = lab.store.jobs(scan).unwrap();
        assert_eq!((jobs[0].state, jobs[1].state), (JobState::Failed, expected));
        let view = lab.store.scan(scan).unwrap();
        assert_eq!(view.state, ScanState::Failed);
        lab.check(scan);
    }
}

#[tokio::test]
async fn a_container_that_vanishes_is_lost_and_tried_again() {
    let lab = Lab::new(FakeExecutor::new(|launch| match launch.attempt {
        1 => Outcome::Vanishes,
        _ => Outcome::success([("stdout", gitleaks(1))]),
    }));
    let scan = lab.submit(vec![step("secrets")]).await;
    lab.drive(scan).await;
    let job = &lab.store.jobs(scan).unwrap()[0];
    assert_eq!((job.state, job.attempts, job.records.total()), (JobState::Succeeded, 2, 1));
    lab.check(scan);
}

#[tokio::test]
async fn cancelling_keeps_what_was_found_and_leaves_nothing_behind() {
    let lab =
        Lab::new(FakeExecutor::new(|_| Outcome::Hangs { files: vec![("stdout".to_owned(), gitleaks(2).into())] }));
    let scan = lab.submit(vec![step("one"), step("two")]).await;
    let driving = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Running) == Some(&2)).await;
    for _ in 0..2 {
        lab.store.ask(scan, Verb::Cancel, "test", lab.now()).await.unwrap();
    }
    assert_eq!(driving.await.unwrap(), Rest::Ended);
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.end), (ScanState::Cancelled, Some(EndReason::Cancelled)));
    assert_eq!(view.coverage, Coverage::partial(Gap::Stopped));
    assert_eq!(lab.findings(scan).len(), 4);
    assert_eq!(lab.engine.containers(), 0);
    let (state, asked) = lab.store.ask(scan, Verb::Cancel, "test", lab.now()).await.unwrap();
    assert_eq!((state, asked), (ScanState::Cancelled, false));
    lab.check(scan);
}

#[tokio::test]
async fn a_pause_lets_live_attempts_finish_and_starts_nothing() {
    let lab = Lab::new(FakeExecutor::new(|launch| Outcome::Ends {
        after: Duration::from_millis(if launch.job.step.as_str() == "one" { 300 } else { 0 }),
        code: 0,
        files: vec![("stdout".to_owned(), gitleaks(1).into())],
    }));
    let mut two = step("two");
    two.needs = vec!["one".parse().unwrap()];
    let scan = lab.submit(vec![step("one"), two]).await;
    let driving = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Running) == Some(&1)).await;
    lab.store.ask(scan, Verb::Pause, "test", lab.now()).await.unwrap();
    assert_eq!(driving.await.unwrap(), Rest::Paused);
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.jobs[&JobState::Succeeded]), (ScanState::Paused, 1));
    lab.store.ask(scan, Verb::Resume, "test", lab.now()).await.unwrap();
    assert_eq!(lab.drive(scan).await, Rest::Ended);
    assert_eq!(lab.store.scan(scan).unwrap().state, ScanState::Completed);
    lab.check(scan);
}

/// What it had found by then is not kept: the job begins anew. What had ended by itself stays.
#[tokio::test]
async fn what_is_stopped_by_a_pause_begins_anew_when_the_scan_goes_on() {
    let lab = Lab::new(FakeExecutor::new(|launch| match (launch.job.step.as_str(), launch.attempt) {
        ("one", 1) => Outcome::Hangs { files: vec![("stdout".to_owned(), gitleaks(1).into())] },
        _ => Outcome::success([("stdout", gitleaks(2))]),
    }));
    let scan = lab.submit(vec![step("one"), step("two")]).await;
    let driving = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Succeeded) == Some(&1)).await;
    lab.store.ask(scan, Verb::Requeue, "test", lab.now()).await.unwrap();
    assert_eq!(driving.await.unwrap(), Rest::Paused);
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.records.total()), (ScanState::Paused, 2));
    assert_eq!(lab.engine.containers(), 0);
    lab.store.ask(scan, Verb::Resume, "test", lab.now()).await.unwrap();
    assert_eq!(lab.drive(scan).await, Rest::Ended);
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.coverage, view.records.total()), (ScanState::Completed, Coverage::Full, 4));
    let attempts: Vec<_> = lab.store.jobs(scan).unwrap().iter().map(|job| job.attempts).collect();
    assert_eq!(attempts, [2, 1]);
    lab.check(scan);
}

/// The end that was asked for last counts, whatever the attempts were stopped for.
#[tokio::test]
async fn a_cancel_behind_a_requeue_ends_the_scan() {
    let lab =
        Lab::new(FakeExecutor::new(|_| Outcome::Hangs { files: vec![("stdout".to_owned(), gitleaks(1).into())] }));
    let scan = lab.submit(vec![step("one")]).await;
    let driving = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Running) == Some(&1)).await;
    for verb in [Verb::Requeue, Verb::Cancel] {
        lab.store.ask(scan, verb, "test", lab.now()).await.unwrap();
    }
    assert_eq!(driving.await.unwrap(), Rest::Ended);
    assert_eq!(lab.store.scan(scan).unwrap().state, ScanState::Cancelled);
    assert_eq!(lab.engine.containers(), 0);
    lab.check(scan);
}

#[tokio::test]
async fn the_time_limit_of_a_scan_stops_it() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::Hangs { files: Vec::new() }));
    let scan = lab.submit_with(vec![step("one")], |options| options.max_duration = Some("50ms".parse().unwrap())).await;
    lab.drive(scan).await;
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.end), (ScanState::Failed, Some(EndReason::MaxDuration)));
    lab.check(scan);
}

#[tokio::test]
async fn too_many_results_are_cut_and_said_so() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::success([("stdout", gitleaks(10))])));
    let scan = lab.submit_with(vec![step("one")], |options| options.max_results = Some(4)).await;
    lab.drive(scan).await;
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.records.total()), (ScanState::Failed, 4));
    assert_eq!(view.coverage, Coverage::partial(Gap::ResultCap));
    lab.check(scan);
}

#[tokio::test]
async fn more_assets_than_allowed_are_left_out_and_said_so() {
    let lab = Lab::new(FakeExecutor::new(|launch| match launch.job.step.as_str() {
        "ports" => Outcome::success([("stdout", nmap(&[1, 2, 3, 4, 5]))]),
        _ => Outcome::success([("stdout", gitleaks(1))]),
    }));
    let mut ports = step("ports");
    ports.scanner.results[0].format = "nmap".to_owned();
    let mut services = step("services");
    services.needs = vec!["ports".parse().unwrap()];
    services.for_each = vec![AssetKind::Port];
    let scan = lab.submit_with(vec![ports, services], |options| options.max_assets = 3).await;
    lab.drive(scan).await;
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.coverage), (ScanState::Failed, Coverage::partial(Gap::AssetCap)));
    assert_eq!(lab.store.jobs(scan).unwrap().len(), 4);
    lab.check(scan);
}

#[tokio::test]
async fn lost_answers_start_nothing_twice() {
    let counter = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let engine =
        FakeExecutor::new(|launch| Outcome::success([("stdout", gitleaks(launch.job.chunk as usize % 3 + 1))]))
            .with_faults(move |_, _| {
                let n = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                match dragnet::model::retry::mix(n) % 8 {
                    0 => Some(Fault::Lost),
                    1 => Some(Fault::AnswerLost),
                    _ => None,
                }
            });
    let lab = Lab::new(engine);
    let steps = (0..20).map(|n| step(&format!("s{n}"))).collect();
    let scan = lab.submit(steps).await;
    assert_eq!(lab.drive(scan).await, Rest::Ended);
    assert_eq!(lab.findings(scan).len(), 20);
    let starts = lab.engine.operations().iter().filter(|(operation, _)| *operation == Operation::Start).count();
    assert_eq!(starts, 20);
    lab.check(scan);
}

#[tokio::test]
async fn a_second_driver_is_refused_while_the_first_lives() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::Hangs { files: Vec::new() }));
    let scan = lab.submit(vec![step("one")]).await;
    let first = lab.lease(scan, None).await.unwrap();
    let (_, heartbeat) = lab.store.owner(scan).unwrap();
    assert!(lab.lease(scan, None).await.is_err());
    assert!(lab.lease(scan, Some(heartbeat - 1)).await.is_err());
    // The taker has seen the heartbeat stand still for the whole of its patience.
    let second = lab.lease(scan, Some(heartbeat)).await.unwrap();
    assert_eq!(lab.driver().run(&first, CancellationToken::default()).await.unwrap(), Rest::LostOwnership);
    drop(second);
}

#[tokio::test]
async fn two_result_files_may_both_bring_assets_and_share_one_limit() {
    let files = |ports: &[u16]| {
        vec![
            ("stdout", gitleaks(3)),
            ("work/a.json", gitleaks(3)),
            ("work/a.xml", nmap(ports)),
            ("work/b.xml", nmap(&[80])),
        ]
    };
    let lab = Lab::new(FakeExecutor::new(move |_| Outcome::success(files(&[22, 443]))));
    let mut one = step("one");
    let result = |path: &str, format: &str| {
        let mut result = one.scanner.results[0].clone();
        (result.path, result.format) = (path.to_owned(), format.to_owned());
        result
    };
    let results =
        vec![result("a.xml", "nmap"), result("b.xml", "nmap"), result("-", "gitleaks"), result("a.json", "gitleaks")];
    one.scanner.results = results;
    let scan = lab.submit_with(vec![one], |options| options.max_results = Some(4)).await;
    lab.drive(scan).await;
    let job = &lab.store.jobs(scan).unwrap()[0];
    // Three ports, and the address once for each file.
    assert_eq!((job.state, job.assets, job.records.total()), (JobState::Succeeded, 5, 4));
    assert_eq!(job.coverage, Some(Coverage::partial(Gap::ResultCap)));
    lab.check(scan);
}

#[tokio::test]
async fn what_a_stranger_stops_is_lost_and_tried_again() {
    let lab = Lab::new(FakeExecutor::new(|launch| match launch.attempt {
        1 => Outcome::Hangs { files: vec![("stdout".to_owned(), gitleaks(1).into())] },
        _ => Outcome::success([("stdout", gitleaks(2))]),
    }));
    let scan = lab.submit(vec![step("one")]).await;
    let driving = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Running) == Some(&1)).await;
    let name = lab.store.attempts(scan, "one-0").unwrap()[0].0.clone();
    while lab.engine.inspect(&name).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    lab.engine.stop(&name, Duration::ZERO).await.unwrap();
    assert_eq!(driving.await.unwrap(), Rest::Ended);
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.records.total()), (ScanState::Completed, 2));
    assert_eq!(lab.store.attempts(scan, "one-0").unwrap().len(), 2);
    lab.check(scan);
}

#[tokio::test]
async fn a_scan_that_was_paused_before_it_began_keeps_its_time_limit() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::Hangs { files: Vec::new() }));
    let scan = lab.submit_with(vec![step("one")], |options| options.max_duration = Some("50ms".parse().unwrap())).await;
    lab.store.ask(scan, Verb::Pause, "test", lab.now()).await.unwrap();
    assert_eq!(lab.drive(scan).await, Rest::Paused);
    lab.store.ask(scan, Verb::Resume, "test", lab.now()).await.unwrap();
    assert_eq!(lab.drive(scan).await, Rest::Ended);
    assert_eq!(lab.store.scan(scan).unwrap().end, Some(EndReason::MaxDuration));
    lab.check(scan);
}

#[tokio::test]
async fn a_cancel_keeps_what_was_found_although_the_launch_was_never_answered() {
    // The container runs from the first try on; the engine never says so.
    let silent = |operation, _: &_| (operation == Operation::Start).then_some(Fault::AnswerLost);
    let lab = Lab::new(
        FakeExecutor::new(|_| Outcome::Hangs { files: vec![("stdout".to_owned(), gitleaks(2).into())] })
            .with_faults(silent),
    );
    let scan = lab.submit(vec![step("one")]).await;
    let driving = lab.spawn(scan).await;
    while !lab.engine.operations().iter().any(|(operation, _)| *operation == Operation::Start) {
        tokio::task::yield_now().await;
    }
    lab.store.ask(scan, Verb::Cancel, "test", lab.now()).await.unwrap();
    assert_eq!(driving.await.unwrap(), Rest::Ended);
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.records.total()), (ScanState::Cancelled, 2));
    lab.check(scan);
}

/// The stop finds nothing, for the launch has made nothing yet; what it makes then waits for room.
#[tokio::test]
async fn a_cancel_reaches_an_attempt_that_is_launched_behind_it() {
    let gate = Arc::new(Semaphore::new(0));
    let room = || Wait::new(WaitReason::Place, "there is no room");
    let waits = move |_: &_| Outcome::Waits { wait: room(), then: Box::new(Outcome::Killed) };
    let lab = Lab::new(FakeExecutor::new(waits).with_gate(Arc::clone(&gate)));
    let scan = lab.submit(vec![step("one")]).await;
    let driving = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Running) == Some(&1)).await;
    lab.store.ask(scan, Verb::Cancel, "test", lab.now()).await.unwrap();
    while !lab.engine.operations().iter().any(|(operation, _)| *operation == Operation::Stop) {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), driving).await.unwrap().unwrap(), Rest::Ended);
    assert_eq!(lab.store.scan(scan).unwrap().state, ScanState::Cancelled);
    assert_eq!(lab.engine.containers(), 0);
    lab.check(scan);
}

#[tokio::test]
async fn an_ended_scan_has_no_open_intents() {
    let lab = Lab::new(FakeExecutor::new(|_| Outcome::Hangs { files: Vec::new() }));
    let scan = lab.submit(vec![step("one")]).await;
    let driving = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Running) == Some(&1)).await;
    while !lab.store.scan(scan).unwrap().state.is_terminal() {
        lab.store.ask(scan, Verb::Cancel, "test", lab.now()).await.unwrap();
    }
    assert_eq!(driving.await.unwrap(), Rest::Ended);
    assert_eq!(lab.store.open_intents(scan).unwrap(), []);
    lab.check(scan);
}

#[tokio::test]
async fn a_step_fed_by_one_that_did_not_see_everything_says_so() {
    let lab = Lab::new(FakeExecutor::new(|launch| match launch.job.step.as_str() {
        "ports" => Outcome::success([("stdout", gitleaks(3)), ("work/a.xml", nmap(&[22, 80, 443]))]),
        _ => Outcome::success([("stdout", gitleaks(1))]),
    }));
    let mut ports = step("ports");
    let mut found = ports.scanner.results[0].clone();
    (found.path, found.format) = ("a.xml".to_owned(), "nmap".to_owned());
    ports.scanner.results.push(found);
    let mut services = step("services");
    services.needs = vec!["ports".parse().unwrap()];
    services.for_each = vec![AssetKind::Port];
    let capped = |options: &mut dragnet::model::plan::ScanOptions| options.max_results = Some(1);

    let scan = lab.submit_with(vec![ports.clone(), services.clone()], capped).await;
    lab.drive(scan).await;
    let view = lab.store.scan(scan).unwrap();
    let expected = Coverage::from_gaps([Gap::ResultCap, Gap::UpstreamPartial].into());
    assert_eq!((view.state, view.coverage), (ScanState::Failed, expected));
    lab.check(scan);

    // What is accepted of the first step is no gap for the next.
    ports.accept_partial = [Gap::ResultCap].into();
    let scan = lab.submit_with(vec![ports, services], capped).await;
    lab.drive(scan).await;
    let view = lab.store.scan(scan).unwrap();
    assert_eq!((view.state, view.coverage), (ScanState::Completed, Coverage::Full));
    lab.check(scan);
}

#[tokio::test]
async fn a_driver_that_takes_over_knows_of_a_step_that_a_failed_one_left_without_assets() {
    let lab = Lab::new(FakeExecutor::new(|launch| match launch.job.step.as_str() {
        "ports" => Outcome::Ends { after: Duration::ZERO, code: 99, files: Vec::new() },
        _ => Outcome::Hangs { files: Vec::new() },
    }));
    let mut services = step("services");
    services.needs = vec!["ports".parse().unwrap()];
    services.for_each = vec![AssetKind::Port];
    let scan = lab.submit(vec![step("ports"), services, step("slow")]).await;
    let first = lab.spawn(scan).await;
    lab.until(scan, |view| view.jobs.get(&JobState::Skipped) == Some(&1)).await;
    first.abort();
    drop(first.await);
    lab.store.ask(scan, Verb::Cancel, "test", lab.now()).await.unwrap();
    lab.drive(scan).await;
    let Coverage::Partial(gaps) = lab.store.scan(scan).unwrap().coverage else { panic!("something was seen") };
    assert!(gaps.contains(&Gap::UpstreamPartial), "{gaps:?}");
    lab.check(scan);
}

#[tokio::test]
async fn why_an_attempt_waits_is_told_once_whoever_drives() {
    let image = Wait::new(WaitReason::Image, "ErrImagePull: back-off 10s");
    let place = Wait::new(WaitReason::Place, "Unschedulable: 0/1");
    let (first, ends) = (image.clone(), Box::new(Outcome::success([("stdout", gitleaks(1))])));
    let lab = Lab::new(FakeExecutor::new(move |_| Outcome::Waits { wait: first.clone(), then: ends.clone() }));
    let scan = lab.submit(vec![step("secrets")]).await;
    let waits = || lab.store.jobs(scan).unwrap()[0].wait.clone();
    let told = || {
        let events = lab.store.events(scan, 0, 1000).unwrap().into_iter();
        let told = events.filter_map(|event| match event.body {
            EventBody::AttemptWaits { job, attempt, wait } => Some((job, attempt, wait)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let of = |wait: &Wait| ("secrets-0".to_owned(), 1, wait.clone());

    let lease = lab.lease(scan, None).await.unwrap();
    let (detach, driver) = (CancellationToken::new(), lab.driver());
    let driving = tokio::spawn({
        let detach = detach.clone();
        async move { driver.run(&lease, detach).await.unwrap() }
    });
    lab.until(scan, |_| waits().as_ref() == Some(&image)).await;
    let name = lab.store.attempts(scan, "secrets-0").unwrap()[0].0.clone();
    lab.engine.wait(&name, &Wait::new(WaitReason::Image, "ImagePullBackOff: back-off 20s"));
    lab.engine.wait(&name, &place);
    lab.until(scan, |_| waits().as_ref() == Some(&place)).await;
    detach.cancel();
    assert_eq!(driving.await.unwrap(), Rest::Detached);
    assert_eq!(told(), [of(&image), of(&place)]);

    // Whoever takes over hears it again, and something new after that.
    let driving = lab.spawn(scan).await;
    let quota = Wait::new(WaitReason::Quota, "exceeded quota");
    lab.until(scan, |view| view.owner.is_some()).await;
    lab.engine.wait(&name, &place);
    lab.engine.wait(&name, &quota);
    lab.until(scan, |_| waits().as_ref() == Some(&quota)).await;
    assert_eq!(told(), [of(&image), of(&place), of(&quota)]);
    lab.engine.begin(&name);
    assert_eq!(driving.await.unwrap(), Rest::Ended);
    assert_eq!((told().len(), waits()), (3, None));
    assert_eq!(lab.store.scan(scan).unwrap().state, ScanState::Completed);
    lab.check(scan);
}
