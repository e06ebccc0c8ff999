//! What a registry may do that it should not, and what becomes of our credentials and our patience then.

use dragnet::model::id::Sha256;
use dragnet::model::registry::{Credentials, Login, RegistryFault};
use dragnet::oci::{self, Reference, RegistryError};

use super::stub::{Answer, Request, Stub};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const PATH: &str = "/v2/a/manifests/1";

fn login() -> Login {
    let credentials = Credentials::Password { username: "user".to_owned(), password: "s3cret".to_owned() };
    Login { credentials: Some(credentials), trouble: None }
}

async fn resolve(stub: &Stub) -> Result<Sha256, RegistryError> {
    oci::resolve(&Reference::parse(&format!("{}/a", stub.host), "1").unwrap(), &login()).await
}

/// Pushes an image that is no program at all, but no registry knows that.
async fn push(stub: &Stub) -> Result<(), RegistryError> {
    let mut program = vec![0; 64];
    program[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
    program[18..20].copy_from_slice(&62_u16.to_le_bytes());
    let image = oci::build(&program, "1", 1).unwrap();
    oci::push(&image, &Reference::parse(&format!("{}/a", stub.host), "1").unwrap(), &login()).await
}

/// Checks that a registry is seen through.
async fn untrusted(stub: &Stub, words: &str) {
    let error = resolve(stub).await.unwrap_err();
    assert_eq!((error.fault, &error.registry), (RegistryFault::Untrusted, &stub.host), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

fn basic(request: &Request) -> Option<Answer> {
    let ask = Answer::new(401).header("WWW-Authenticate", "Basic realm=\"r\"");
    request.header("authorization").is_none().then_some(ask)
}

fn named(sha256: Sha256) -> Answer {
    Answer::new(200).header("Docker-Content-Digest", format!("sha256:{sha256}"))
}

#[tokio::test]
async fn a_manifest_is_what_its_hash_says() {
    let (own, other) = (Sha256::of("{}"), Sha256::of("other"));
    let digest = |sha256: Option<Sha256>| {
        move |_: &str, request: &Request| {
            let answer = Answer::new(200).header("Content-Type", format!("{MANIFEST}; charset=utf-8")).body("{}");
            match sha256.filter(|_| request.method == "GET") {
                Some(sha256) => answer.header("Docker-Content-Digest", format!("sha256:{sha256}")),
                None => answer,
            }
        }
    };
    for sha256 in [None, Some(own)] {
        assert_eq!(resolve(&Stub::start(digest(sha256))).await.unwrap(), own);
    }
    untrusted(&Stub::start(digest(Some(other))), &format!("says that it is sha256:{other}")).await;
}

#[tokio::test]
async fn what_the_registry_says_at_once_is_not_fetched() {
    let sha256 = Sha256::of("x");
    let stub = Stub::start(move |_, _| named(sha256));
    assert_eq!(resolve(&stub).await.unwrap(), sha256);
    let seen = stub.seen();
    assert_eq!(seen.iter().map(|one| (&*one.method, &*one.path)).collect::<Vec<_>>(), [("HEAD", PATH)]);
    let accept = seen[0].header("accept").unwrap();
    for kind in ["image.index.v1", "manifest.list.v2", "image.manifest.v1", "distribution.manifest.v2"] {
        assert!(accept.contains(kind), "{accept}");
    }
}

#[tokio::test]
async fn a_body_has_an_end() {
    let stub = Stub::start(|_, _| Answer::new(200).header("Content-Type", MANIFEST).endless());
    untrusted(&stub, "longer than 4194304 bytes").await;
    // Not even in what it says is wrong, of which little is shown, and nothing that a terminal would obey.
    let stub = Stub::start(|_, _| Answer::new(400).endless());
    assert_eq!(resolve(&stub).await.unwrap_err().fault, RegistryFault::Refused);
    let stub = Stub::start(|_, request| {
        let words =
            serde_json::json!({ "errors": [{ "code": "NO", "message": format!("\u{1b}[2J{}", "x".repeat(9999)) }] });
        if request.method == "HEAD" { Answer::new(200) } else { Answer::new(400).body(words.to_string()) }
    });
    let error = resolve(&stub).await.unwrap_err();
    assert!(error.message.contains("NO: [2Jxxx") && error.message.len() < 400, "{error:?}");
}

#[tokio::test]
async fn a_page_of_something_else_is_no_manifest() {
    let stub = Stub::start(|_, _| Answer::new(200).header("Content-Type", "text/html").body("<html>log in</html>"));
    let error = resolve(&stub).await.unwrap_err();
    assert_eq!(error.fault, RegistryFault::Away);
    assert!(error.message.contains("`text/html`"), "{error}");
}

#[tokio::test]
async fn who_is_sent_elsewhere_says_nothing_of_himself_there() {
    let sha256 = Sha256::of("x");
    let elsewhere = Stub::start(move |_, _| named(sha256));
    let to = format!("http://{}/moved", elsewhere.host);
    let stub = Stub::start(move |_, request| {
        basic(request).unwrap_or_else(|| Answer::new(307).header("Location", to.clone()))
    });
    assert_eq!(resolve(&stub).await.unwrap(), sha256);
    assert!(stub.seen().iter().any(|one| one.header("authorization").is_some()));
    let there = elsewhere.seen();
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].header("authorization"), None);

    // Nor when it is asked there.
    let curious = Stub::start(|host, request| match request.path.as_str() {
        "/moved" => Answer::new(401).header("WWW-Authenticate", format!("Bearer realm=\"http://{host}/token\"")),
        _ => Answer::new(200).body(r#"{"token":"t"}"#),
    });
    let to = format!("http://{}/moved", curious.host);
    let stub = Stub::start(move |_, request| {
        basic(request).unwrap_or_else(|| Answer::new(307).header("Location", to.clone()))
    });
    assert_eq!(resolve(&stub).await.unwrap_err().fault, RegistryFault::WrongCredentials);
    let there = curious.seen();
    assert!(there.iter().all(|one| one.path == "/moved" && one.header("authorization").is_none()), "{there:?}");
}

#[tokio::test]
async fn an_upload_that_goes_elsewhere_says_nothing_of_us_either() {
    let storage = Stub::start(|_, _| Answer::new(201));
    let to = format!("http://{}/upload?state=1", storage.host);
    let stub = Stub::start(move |_, request| {
        basic(request).unwrap_or_else(|| match request.method.as_str() {
            "HEAD" => Answer::new(404),
            "POST" => Answer::new(202).header("Location", to.clone()),
            _ => Answer::new(201),
        })
    });
    push(&stub).await.unwrap();
    let there = storage.seen();
    assert_eq!(there.len(), 2);
    for one in there {
        assert_eq!((one.method.as_str(), one.header("authorization")), ("PUT", None));
        let digest = format!("digest=sha256%3A{}", Sha256::of(&one.body));
        assert_eq!(one.path, format!("/upload?state=1&{digest}"));
    }
}

#[tokio::test]
async fn nothing_is_said_where_others_could_listen() {
    let stub = Stub::start(|_, _| Answer::new(302).header("Location", "http://registry.invalid/v2/"));
    untrusted(&stub, "leads to registry.invalid by http").await;
    let stub = Stub::start(|_, _| {
        Answer::new(401).header("WWW-Authenticate", "Bearer realm=\"http://registry.invalid/token\"")
    });
    untrusted(&stub, "leads to registry.invalid by http").await;
    let stub = Stub::start(|_, _| Answer::new(302).header("Location", "file:///etc/passwd"));
    untrusted(&stub, "by file").await;
    let stub = Stub::start(|_, _| Answer::new(302).header("Location", PATH));
    untrusted(&stub, "from one address to the next").await;
}

#[tokio::test]
async fn another_image_than_was_pushed_is_noticed() {
    let other = Sha256::of("other");
    let stub = Stub::start(move |_, request| match request.method.as_str() {
        "PUT" => Answer::new(201).header("Docker-Content-Digest", format!("sha256:{other}")),
        _ => Answer::new(200),
    });
    let error = push(&stub).await.unwrap_err();
    assert_eq!(error.fault, RegistryFault::Untrusted);
    assert!(error.message.contains("another image"), "{error}");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
    let sha256 = Sha256::of("x");
    let count = std::sync::atomic::AtomicU32::new(0);
    let stub = Stub::start(move |_, _| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 | 1 => Answer::new(503),
        _ => named(sha256),
    });
    assert_eq!(resolve(&stub).await.unwrap(), sha256);
    assert_eq!(stub.seen().len(), 3);
    for (status, fault, times) in [
        (500, RegistryFault::Away, 3),
        (429, RegistryFault::Away, 1),
        (404, RegistryFault::NoImage, 1),
        (403, RegistryFault::WrongCredentials, 1),
        (400, RegistryFault::Refused, 1),
        (204, RegistryFault::Away, 1),
    ] {
        let stub = Stub::start(move |_, _| Answer::new(status));
        assert_eq!(resolve(&stub).await.unwrap_err().fault, fault, "{status}");
        assert_eq!(stub.seen().len(), times, "{status}");
    }
}
