//! Registries that want a token which another server gives, as most public ones do; and what a tag means in a real one.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dragnet::model::id::Sha256;
use dragnet::model::registry::{Credentials, Login, RegistryFault};
use dragnet::oci::{self, Reference, RegistryError};

use super::machine::{Machine, auths, text};
use super::registry::{PASSWORD, Registry, USER};
use super::stub::{Answer, Request, Stub};

/// What the token server gives, and the other token that it takes.
const TOKEN: &str = "t0ken";
const IDENTITY: &str = "identity";

fn login(credentials: Option<Credentials>) -> Login {
    Login { credentials, trouble: None }
}

fn password(password: &str) -> Credentials {
    Credentials::Password { username: USER.to_owned(), password: password.to_owned() }
}

async fn resolve(name: &str, credentials: Option<Credentials>) -> Result<Sha256, RegistryError> {
    oci::resolve(&Reference::parse(name, "1").unwrap(), &login(credentials)).await
}

/// Returns the hash in a reference by digest.
fn hash(digest: &str) -> Sha256 {
    digest.rsplit_once("sha256:").unwrap().1.parse().unwrap()
}

/// A door before a registry that opens for tokens, and the server that gives them.
fn door(registry: &Registry) -> Stub {
    let inside = registry.host.clone();
    let known = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    Stub::start(move |host, request| {
        if request.path.starts_with("/token") {
            let form = String::from_utf8_lossy(&request.body).into_owned();
            let identity = form.contains("grant_type=refresh_token") && form.contains("refresh_token=identity");
            return match request.header("authorization") {
                _ if request.method == "POST" && identity => Answer::new(200).body(r#"{"access_token":"t0ken"}"#),
                Some(header) if header == known => Answer::new(200).body(r#"{"token":"t0ken","expires_in":60}"#),
                _ => Answer::new(401),
            };
        }
        match request.header("authorization") {
            Some(header) if header == format!("Bearer {TOKEN}") => pass(&inside, &known, request),
            _ => Answer::new(401).header(
                "WWW-Authenticate",
                format!("Bearer realm=\"http://{host}/token\",service=\"door\",scope=\"repository:x:pull\""),
            ),
        }
    })
}

/// Hands a request to the registry.
fn pass(host: &str, authorization: &str, request: &Request) -> Answer {
    let Request { method, path, headers, body } = request;
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nConnection: close\r\nAuthorization: {authorization}\r\n").unwrap();
    for (name, value) in headers.iter().filter(|(name, _)| !["authorization", "connection"].contains(&name.as_str())) {
        write!(stream, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all(b"\r\n").unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.filter(|(name, _)| !["Content-Length", "Connection"].contains(name));
    let passed = headers.fold(Answer::new(status), |passed, (name, value)| passed.header(name, value));
    passed.body(&answer[end + 4..])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_through_a_door_that_wants_a_token() {
    let Some(registry) = Registry::start().await else { return };
    let door = door(&registry);
    let machine = Machine::new("unused:1");
    machine.write("docker/config.json", &auths(&door.host, PASSWORD));
    let name = format!("{}/team/agent:1", door.host);
    let output = machine.run(&["agent-image", "--push", &name]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let digest = hash(text(&output.stdout).trim_end());

    // One token for all of it, for what is done and no more.
    let asked = || door.seen().into_iter().filter(|one| one.path.starts_with("/token")).collect::<Vec<_>>();
    assert_eq!(asked().len(), 1);
    assert_eq!(asked()[0].path, "/token?scope=repository%3Ateam%2Fagent%3Apull%2Cpush&service=door");
    // It is there, for those who ask at the registry itself too.
    assert_eq!(resolve(&format!("{}/team/agent", registry.host), Some(password(PASSWORD))).await.unwrap(), digest);
    assert_eq!(resolve(&name, Some(password(PASSWORD))).await.unwrap(), digest);
    assert_eq!(asked()[1].path, "/token?scope=repository%3Ateam%2Fagent%3Apull&service=door");

    // An identity token, as `docker login` to some clouds leaves it, is exchanged for another; one of the registry's is taken as it is.
    assert_eq!(resolve(&name, Some(Credentials::Identity(IDENTITY.to_owned()))).await.unwrap(), digest);
    assert!(text(&asked()[2].body).contains("scope=repository%3Ateam%2Fagent%3Apull&service=door"));
    assert_eq!(resolve(&name, Some(Credentials::Token(TOKEN.to_owned()))).await.unwrap(), digest);
    assert_eq!(asked().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_stays_shut_to_strangers() {
    let Some(registry) = Registry::start().await else { return };
    let door = door(&registry);
    let name = format!("{}/agent", door.host);
    for (credentials, fault) in [
        (None, RegistryFault::NoCredentials),
        (Some(password("wrong")), RegistryFault::WrongCredentials),
        (Some(Credentials::Identity("wrong".to_owned())), RegistryFault::WrongCredentials),
        (Some(Credentials::Token("wrong".to_owned())), RegistryFault::WrongCredentials),
    ] {
        assert_eq!(resolve(&name, credentials).await.unwrap_err().fault, fault);
    }
    let machine = Machine::new("unused:1");
    let output = machine.run(&["agent-image", "--push", &name]);
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("cannot be pushed") && words.contains(&format!("docker login {}", door.host)), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_means_the_digest_that_was_pushed() {
    let (Some(closed), Some(open)) = (Registry::start().await, Registry::open().await) else { return };
    for (registry, credentials) in [(&closed, Some(password(PASSWORD))), (&open, None)] {
        let digest = registry.offer("scanner").await;
        assert_eq!(resolve(&registry.image("scanner"), credentials.clone()).await.unwrap(), hash(&digest));
        for absent in ["scanner:2", "nothing:1"] {
            let error = resolve(&format!("{}/{absent}", registry.host), credentials.clone()).await.unwrap_err();
            assert_eq!(error.fault, RegistryFault::NoImage, "{error}");
        }
    }
    let image = closed.image("scanner");
    assert_eq!(resolve(&image, None).await.unwrap_err().fault, RegistryFault::NoCredentials);
    assert_eq!(resolve(&image, Some(password("wrong"))).await.unwrap_err().fault, RegistryFault::WrongCredentials);
    let identity = Some(Credentials::Identity(IDENTITY.to_owned()));
    assert_eq!(resolve(&image, identity).await.unwrap_err().fault, RegistryFault::WrongCredentials);
}
