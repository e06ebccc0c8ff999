//! Asking a daemon over HTTP.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What is wrong, where it is told as it must be.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert!(problem["title"].is_string() && problem["type"] == "about:blank", "{self:?}");
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// Opens a connection and sends some bytes.
pub(crate) async fn send(port: u16, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Reads an answer, up to the end of the connection.
pub(crate) async fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = (head.to_owned(), body.to_owned());
    Answer { status, head, body }
}

/// Sends a request without a body, with these headers.
pub(crate) async fn ask(port: u16, request: &str, headers: &[&str]) -> Answer {
    let headers: Vec<String> = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("{request} HTTP/1.1\r\nConnection: close\r\n{}\r\n", headers.concat());
    answer(send(port, request.as_bytes()).await).await
}

/// Gets a page.
pub(crate) async fn get(port: u16, path: &str) -> Answer {
    ask(port, &format!("GET {path}"), &["Host: localhost"]).await
}
