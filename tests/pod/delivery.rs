//! Trees and jobs on their way into a pod.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use dragnet::executor::kubernetes::session::{Delivery, STALL, Session, SessionError};
use dragnet::model::pod::{Order, Role};

use crate::harness::{Cut, PATIENCE, PREPARE, Pod, bytes_below, database, listing, noise};

/// A tree of several pieces with everything that a snapshot may hold.
fn tree(files: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &Path, mode, bytes: &[u8]| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for number in 0..files {
        let path = dir.path().join(format!("d{}/e{}/f{number}", number % 17, number % 5));
        write(&path, if number % 3 == 0 { 0o755 } else { 0o644 }, format!("file {number}").as_bytes());
    }
    let long = "long".repeat(50);
    write(&dir.path().join(&long).join(&long), 0o644, b"deep");
    write(&dir.path().join(std::ffi::OsStr::from_bytes(b"not \xff text")), 0o644, b"");
    write(&dir.path().join("noise"), 0o644, &noise(3, 40 << 20));
    fs::create_dir_all(dir.path().join("empty/inside")).unwrap();
    symlink("../noise", dir.path().join("empty/link")).unwrap();
    symlink(format!("{long}/{long}"), dir.path().join("far")).unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    dir
}

fn delivery(place: &str, tree: &Path) -> Delivery {
    Delivery::Tree { place: place.to_owned(), tree: tree.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_arrive_as_they_are_and_a_second_delivery_brings_nothing() {
    let (source, data) = (tree(3000), tree(2));
    let pod = Pod::with_trees(&["src", &database()]);
    let prepare = pod.start(PREPARE);
    let items = [delivery("src", source.path()), delivery(&database(), data.path())];
    let (mut receiver, mut session) = pod.session(Role::Receive).await;
    session.deliver(&items).await.unwrap();
    assert_eq!(listing(&pod.path("in/src")), listing(source.path()));
    assert_eq!(listing(&pod.path("in/data/db")), listing(data.path()));
    assert!(bytes_below(&pod.path("in/.delivery")) < 100, "unpacked pieces take no space");
    assert!(pod.path("out/job.json").exists());

    // The first session keeps the container alive.
    let mut second = pod.speaker(Role::Receive);
    let (reader, writer) = (second.stdout.take().unwrap(), second.stdin.take().unwrap());
    let mut writer = Cut { stream: writer, left: 1000 };
    let mut again = Session::open(reader, &mut writer).await.unwrap();
    again.deliver(&items).await.unwrap();
    again.close().await.unwrap();
    assert_eq!(second.wait().await.unwrap().code(), Some(0));
    session.close().await.unwrap();
    assert_eq!(receiver.wait().await.unwrap().code(), Some(0));
    assert_eq!(prepare.code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_cut_anywhere_goes_on_where_it_was() {
    let source = tree(50);
    let pod = Pod::with_trees(&["src"]);
    let prepare = pod.start(PREPARE);
    let items = [delivery("src", source.path())];
    let mut sent = 0;
    // Within the first word, within a piece, behind one, and so on: at places that are no multiple of anything.
    for left in [5, 300, 1 << 20].into_iter().chain((0..6).map(|n| (5 << 20) + n * 2_777_777)) {
        let mut receiver = pod.speaker(Role::Receive);
        let (reader, writer) = (receiver.stdout.take().unwrap(), receiver.stdin.take().unwrap());
        let mut writer = Cut { stream: writer, left };
        let cut = match Session::open(reader, &mut writer).await {
            Ok(mut session) => session.deliver(&items).await.err(),
            Err(error) => Some(error),
        };
        sent += left - writer.left;
        drop(writer);
        assert!(matches!(cut, Some(SessionError::Cut(_))), "{cut:?}");
        assert_eq!(receiver.wait().await.unwrap().code(), Some(0), "a client that vanishes ends its process");
    }
    let (_receiver, mut session) = pod.session(Role::Receive).await;
    session.deliver(&items).await.unwrap();
    assert_eq!(listing(&pod.path("in/src")), listing(source.path()));
    assert!(sent > 40 << 20, "{sent} bytes were sent in vain or not");
    session.close().await.unwrap();
    assert_eq!(prepare.code(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_started_again_begins_anew() {
    let source = tree(10);
    let pod = Pod::with_trees(&["src"]);
    let items = [delivery("src", source.path())];
    let prepare = pod.start(PREPARE);
    let mut receiver = pod.speaker(Role::Receive);
    let (reader, writer) = (receiver.stdout.take().unwrap(), receiver.stdin.take().unwrap());
    let mut session = Session::open(reader, Cut { stream: writer, left: 40 << 20 }).await.unwrap();
    session.deliver(&items).await.unwrap_err();
    drop(session);
    receiver.wait().await.unwrap();
    prepare.kill();
    let before = fs::metadata(pod.path("in/.delivery/ready")).unwrap().modified().unwrap();

    let prepare = pod.start(PREPARE);
    // Engines start no process in a container before its first one runs.
    while fs::metadata(pod.path("in/.delivery/ready")).and_then(|ready| ready.modified()).is_ok_and(|m| m == before) {
        std::thread::yield_now();
    }
    let (_receiver, mut session) = pod.session(Role::Receive).await;
    session.deliver(&items).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(prepare.code(), 0);
    assert_eq!(listing(&pod.path("in/src")), listing(source.path()));
    assert_eq!(pod.start(PREPARE).code(), 0, "what is complete stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_fit_its_order_is_delivered() {
    let mut pod = Pod::new("cat input >work/r");
    pod.launch.assets = (0..40_000).map(|n| format!("asset-{n}.example.com")).collect();
    let order = pod.plain_order();
    assert!(order.needs_delivery() && order.to_text().len() <= Order::MAX_BYTES);
    pod.order(&order);
    let prepare = pod.start(PREPARE);
    let job = serde_json::to_vec(&dragnet::model::spec::ShimJob::of(&pod.launch, 60_000)).unwrap();
    let items = [Delivery::Job(job), Delivery::Input(pod.launch.input().into_bytes())];
    let (_receiver, mut session) = pod.session(Role::Receive).await;
    session.deliver(&items).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(prepare.code(), 0);
    assert_eq!(pod.run().code(), 0);
    assert_eq!(fs::read_to_string(pod.path("out/work/r")).unwrap(), pod.launch.input());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_ordered_or_differs_is_refused() {
    let pod = Pod::with_trees(&["src"]);
    let prepare = pod.start(PREPARE);
    let (one, other) = (tree(1), tree(2));
    let (_receiver, mut session) = pod.session(Role::Receive).await;
    let error = session.deliver(&[delivery("../src", one.path())]).await.unwrap_err();
    assert!(matches!(&error, SessionError::Refused(words) if words.contains("ordered")), "{error}");

    let mut receiver = pod.speaker(Role::Receive);
    let (reader, writer) = (receiver.stdout.take().unwrap(), receiver.stdin.take().unwrap());
    let mut session = Session::open(reader, Cut { stream: writer, left: 20 << 20 }).await.unwrap();
    session.deliver(&[delivery("src", one.path())]).await.unwrap_err();
    let (_receiver, mut session) = pod.session(Role::Receive).await;
    let error = session.deliver(&[delivery("src", other.path())]).await.unwrap_err();
    assert!(matches!(&error, SessionError::Refused(words) if words.contains("other pieces")), "{error}");
    drop(prepare);
}

#[test]
fn a_delivery_that_never_comes_is_not_waited_for_for_ever() {
    let pod = Pod::with_trees(&["src"]);
    assert_eq!(pod.start(Role::Prepare { wait: std::time::Duration::from_millis(50) }).code(), 251);
    assert!(!pod.path("out/job.json").exists());
    assert!(PATIENCE > STALL, "the other tests would not notice a session that hangs");
}
