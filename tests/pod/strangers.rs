//! Clients and servers that do not speak as they should, or not at all.

use std::time::{Duration, Instant};

use dragnet::executor::kubernetes::session::{Session, SessionError};
use dragnet::model::pod::Role;
use dragnet::model::wire::{Answer, Decoder, Message, OLDEST, Request, VERSION};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Pod, noise};

/// Says something to a server; returns its first answer to it and its exit code, which must not come before we close.
async fn said(pod: &Pod, words: &[u8]) -> (Message, Option<i32>) {
    let mut server = pod.speaker(Role::Serve);
    let (mut reader, mut writer) = (server.stdout.take().unwrap(), server.stdin.take().unwrap());
    writer.write_all(words).await.unwrap();
    let (mut decoder, mut buffer) = (Decoder::default(), vec![0; 1000]);
    let message = loop {
        match decoder.next_message().unwrap() {
            Some(Message::Answer(Answer::Hello { .. })) => {}
            Some(message) => break message,
            None => {
                let read = reader.read(&mut buffer).await.unwrap();
                assert!(read > 0, "it ended without a word");
                decoder.push(&buffer[..read]);
            }
        }
    };
    // It goes on reading, and says no more.
    writer.write_all(&noise(9, 1 << 20)).await.unwrap();
    assert_eq!(server.try_wait().unwrap(), None);
    drop(writer);
    assert_eq!(reader.read(&mut buffer).await.unwrap(), 0);
    (message, server.wait().await.unwrap().code())
}

fn hello(newest: u32, oldest: u32) -> Vec<u8> {
    Message::Request(Request::Hello { newest, oldest }).to_bytes()
}

#[tokio::test]
async fn garbage_is_told_and_not_acted_upon() {
    let pod = Pod::new("true").prepared();
    let part = Message::Request(Request::Part { name: "../job.json".to_owned(), from: 0 }).to_bytes();
    let mut damaged = Message::Request(Request::Cancel { grace_ms: 1 }).to_bytes();
    damaged[12] ^= 1;
    let data = Message::Data(vec![1, 2, 3]).to_bytes();
    for words in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        data.clone(),
        [hello(VERSION, OLDEST), damaged].concat(),
        [hello(VERSION, OLDEST), data].concat(),
        [hello(VERSION, OLDEST), part].concat(),
        [hello(VERSION, OLDEST), Message::Request(Request::Finish { wait_ms: 0 }).to_bytes()].concat(),
    ] {
        let (answer, code) = said(&pod, &words).await;
        assert!(matches!(answer, Message::Answer(Answer::Refused { .. })), "{answer:?}");
        assert_eq!(code, Some(251));
    }
}

#[tokio::test]
async fn versions_without_a_common_one_part() {
    let pod = Pod::new("true").prepared();
    let (answer, code) = said(&pod, &hello(VERSION + 2, VERSION + 1)).await;
    assert_eq!(answer, Message::Answer(Answer::Versions { newest: VERSION, oldest: OLDEST }));
    assert_eq!(code, Some(251));

    for answer in [Answer::Versions { newest: 9, oldest: 8 }, Answer::Hello { version: 9 }] {
        let (ours, mut theirs) = tokio::io::duplex(1000);
        theirs.write_all(&Message::Answer(answer).to_bytes()).await.unwrap();
        let (reader, writer) = tokio::io::split(ours);
        let error = Session::open(reader, writer).await.unwrap_err();
        assert!(matches!(error, SessionError::Version { newest: 9, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_the_protocol_is_an_error() {
    for words in ["sh: /dragnet: not found\n".as_bytes(), &noise(5, 500), &Message::Data(vec![0; 9]).to_bytes(), b""] {
        let (ours, mut theirs) = tokio::io::duplex(10_000);
        theirs.write_all(words).await.unwrap();
        theirs.shutdown().await.unwrap();
        let (reader, writer) = tokio::io::split(ours);
        let error = Session::open(reader, writer).await.unwrap_err();
        assert!(matches!(error, SessionError::Broken(_) | SessionError::Cut(_)), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_stands_still_is_an_error_in_time() {
    let stall = Duration::from_millis(300);
    let pod = Pod::new("true").prepared();
    let mut server = pod.speaker(Role::Serve);
    let (reader, writer) = (server.stdout.take().unwrap(), server.stdin.take().unwrap());
    let mut session = Session::open_with(reader, writer, stall).await.unwrap();
    let pid = Pid::from_raw(i32::try_from(server.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let begun = Instant::now();
    let error = session.manifest(Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, SessionError::Stalled(_)), "{error}");
    assert!((stall..stall * 20).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    let error = session.ping().await.unwrap_err();
    assert!(matches!(error, SessionError::Broken(_)), "what comes late must not be taken for another answer: {error}");
    server.kill().await.unwrap();
}

#[tokio::test]
async fn a_server_that_works_is_not_taken_for_one_that_stands_still() {
    let pod = Pod::new("true").prepared();
    let (mut server, mut session) = {
        let mut server = pod.speaker(Role::Serve);
        let (reader, writer) = (server.stdout.take().unwrap(), server.stdin.take().unwrap());
        (server, Session::open_with(reader, writer, Duration::from_secs(7)).await.unwrap())
    };
    // Longer than the silence that is allowed.
    assert_eq!(session.manifest(Duration::from_secs(8)).await.unwrap(), None);
    session.close().await.unwrap();
    assert_eq!(server.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_ends_its_server() {
    let pod = Pod::new("true").prepared();
    let mut server = pod.speaker(Role::Serve);
    let mut writer = server.stdin.take().unwrap();
    let wait = Message::Request(Request::Manifest { wait_ms: u64::MAX }).to_bytes();
    writer.write_all(&[hello(VERSION, OLDEST), wait].concat()).await.unwrap();
    drop(writer);
    assert_eq!(server.wait().await.unwrap().code(), Some(0));
}
