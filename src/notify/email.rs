//! Mail, over SMTP. Headers are built by the library, which encodes what could end one; the text is plain.

use std::net::{IpAddr, SocketAddr};

use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::Delivery;
use super::outcome::{Failure, Taken};
use super::words::{cut, plain};
use crate::model::notify::{Hidden, Notice, Route};
use crate::web;

/// Most characters of a subject.
const SUBJECT: usize = 200;

pub(super) async fn send(delivery: &Delivery<'_>, text: Option<&str>) -> Result<Taken, Failure> {
    let message = message(delivery.route, delivery.notice, text)?;
    let answer = transport(delivery).await?.send(message).await.map_err(|error| failure(&error))?;
    let words: Vec<&str> = answer.message().collect();
    Ok(Taken { words: format!("{} {}", answer.code(), words.join(" ")) })
}

/// Makes the mail. Its id is that of the notification: a program that gets it twice can know.
fn message(route: &Route, notice: &Notice, text: Option<&str>) -> Result<Message, Failure> {
    let address = |text: &str| text.parse().map_err(|_| Failure::lasting(format!("`{text}` is no mail address")));
    let from = address(route.from.as_deref().unwrap_or_default())?;
    let subject: String = cut(&notice.title, SUBJECT).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut builder = Message::builder()
        .from(from)
        .subject(format!("[dragnet] {subject}"))
        .message_id(Some(format!("<{}@dragnet.invalid>", notice.id)));
    for to in &route.to {
        builder = builder.to(address(to)?);
    }
    let text = text.map_or_else(|| plain(notice), str::to_owned);
    let message = builder.header(ContentType::TEXT_PLAIN).body(text);
    message.map_err(|error| Failure::lasting(format!("the mail cannot be written: {error}")))
}

async fn transport(delivery: &Delivery<'_>) -> Result<AsyncSmtpTransport<Tokio1Executor>, Failure> {
    let Some((implicit, host, port)) = delivery.route.mail_server() else {
        return Err(Failure::lasting("it has no mail server"));
    };
    let server = resolve(host, port).await?;
    let tls = if implicit {
        Tls::Wrapper(parameters(host)?)
    } else if server.is_loopback() {
        Tls::None
    } else {
        Tls::Required(parameters(host)?)
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.to_string())
        .port(port)
        .tls(tls)
        .timeout(Some(delivery.route.timeout.0));
    if let (Some(name), Some(Hidden(password))) = (&delivery.route.username, &delivery.secrets.password) {
        builder = builder.credentials(Credentials::new(name.clone(), password.clone()));
    }
    Ok(builder.build())
}

/// Returns the server's address. The one that was looked at is the one that is connected to.
async fn resolve(host: &str, port: u16) -> Result<IpAddr, Failure> {
    let found = tokio::net::lookup_host((host, port)).await;
    let found =
        found.map_err(|error| Failure::passing(format!("the name of the mail server does not resolve: {error}")))?;
    let addresses: Vec<IpAddr> = found.map(|address: SocketAddr| address.ip()).collect();
    match addresses.iter().copied().find(|address| !web::is_forbidden(*address)) {
        Some(address) => Ok(address),
        None if addresses.is_empty() => Err(Failure::passing("the name of the mail server has no address")),
        None => Err(Failure::lasting(web::FORBIDDEN)),
    }
}

/// The certificate is checked against the name, whatever address that has.
fn parameters(host: &str) -> Result<TlsParameters, Failure> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::None);
    for der in web::roots() {
        if let Ok(certificate) = Certificate::from_der(der) {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| Failure::lasting(format!("TLS cannot be set up: {error}")))
}

fn failure(error: &Error) -> Failure {
    let mut words = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        next = cause.source();
    }
    if error.is_permanent() || error.is_client() { Failure::lasting(words) } else { Failure::passing(words) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::hostile;
    use super::*;

    #[test]
    fn no_text_becomes_a_header() {
        let route: Route = serde_json::from_value(serde_json::json!({
            "name": "m", "kind": "email", "smtp": "smtp://localhost", "from": "dragnet <a@b.example>", "to": ["c@d.example"],
        }))
        .unwrap();
        let mut notice = hostile();
        notice.title = "x\r\nBcc: evil@example.org\r\n\r\nbody é".to_owned();
        let mail = String::from_utf8(message(&route, &notice, None).unwrap().formatted()).unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        assert!(head.contains("Message-ID: <msg_1@dragnet.invalid>"), "{head}");
        assert!(head.contains("To: c@d.example"), "{head}");
        assert!(!body.is_empty());
    }
}
