//! Whoever asks too much, or too slowly, is refused, and shuts nobody else out.

use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;

use super::ask::{answer, ask, get, send};
use super::cli::{Cli, Home as _};
use super::place::{Place, served};

/// More than connections may be open.
const MANY: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_shut_nobody_out() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let mut slow = Vec::new();
    for _ in 0..MANY {
        slow.push(send(port, b"GET /healthz HTTP/1.1\r\nHost: loc").await);
    }
    let start = Instant::now();
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(port, path).await.status, 200, "{path}");
    }
    assert!(start.elapsed() < Duration::from_secs(8), "it waits for slow clients: {:?}", start.elapsed());
    // The oldest went first: there is no answer to it, not even a late one.
    let mut oldest = slow.remove(0);
    let mut rest = Vec::new();
    oldest.read_to_end(&mut rest).await.ok();
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    // The newest is let go when it has said nothing for too long.
    let mut newest = slow.pop().unwrap();
    newest.read_to_end(&mut rest).await.ok();
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    assert!(daemon.end().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded_in_size_number_and_time() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;

    let large = ask(port, "POST /workers", &["Host: localhost", "Content-Length: 65537"]).await;
    assert_eq!(large.status, 413);
    large.problem();
    let mut chunked =
        b"POST /workers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            .to_vec();
    chunked.extend(format!("{:x}\r\n", 70_000).bytes().chain(vec![b'x'; 70_000]).chain(*b"\r\n"));
    let large = answer(send(port, &chunked).await).await;
    assert_eq!(large.status, 413);
    let head = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    assert_eq!(answer(send(port, head.as_bytes()).await).await.status, 431);

    let late =
        send(port, b"POST /workers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9\r\n\r\n123")
            .await;
    let late = answer(late).await;
    assert_eq!(late.status, 408);
    assert!(late.problem().contains("10 s"));
    assert!(daemon.end().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_do_not_come_shut_nobody_out() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let mut slow = Vec::new();
    for path in ["/healthz", "/readyz", "/workers"].into_iter().cycle().take(MANY) {
        let request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n");
        slow.push(send(port, request.as_bytes()).await);
    }
    let start = Instant::now();
    for path in ["/healthz", "/readyz", "/metrics", "/workers"] {
        assert_eq!(get(port, path).await.status, 200, "{path}");
    }
    assert!(start.elapsed() < Duration::from_secs(8), "it waits for slow clients: {:?}", start.elapsed());
    drop(slow);
    assert!(daemon.end().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_written_is_not_ready_and_requests_do_not_heap_up() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let other = rusqlite::Connection::open(place.state().join("dragnet.db")).unwrap();
    other.busy_timeout(Duration::from_mins(1)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    // The first waits for the write, the others for the first; on a busy machine it may take them more than one try to be there at once.
    let mut asked = Vec::new();
    let full = loop {
        asked.clear();
        for _ in 0..40 {
            asked.push(send(port, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await);
        }
        let full = get(port, "/workers").await;
        if full.status == 429 {
            break full;
        }
    };
    full.problem();
    assert_eq!(full.header("retry-after"), Some("1"));
    assert_eq!(get(port, "/healthz").await.status, 200, "who asks whether it lives is always answered");
    let mut statuses = Vec::new();
    for one in asked {
        let one = answer(one).await;
        if one.status == 503 {
            assert!(one.body.contains("a write takes longer than 2 s"), "{one:?}");
        }
        statuses.push(one.status);
    }
    assert!(statuses.contains(&503) && statuses.iter().all(|status| [429, 503].contains(status)), "{statuses:?}");

    other.execute_batch("ROLLBACK").unwrap();
    while get(port, "/readyz").await.status != 200 {}
    assert!(daemon.end().await.0.success());
}
