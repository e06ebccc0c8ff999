use super::*;

fn read(text: &str) -> Result<Routes, String> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        notify: Routes,
    }
    toml::from_str::<File>(text).map(|file| file.notify).map_err(|error| error.message().to_owned())
}

fn route(keys: &str) -> String {
    format!("[[notify]]\nname = 'ops'\n{keys}\n")
}

#[test]
fn what_cannot_be_is_refused_with_why_and_no_address_is_repeated() {
    for (keys, said) in [
        ("kind = 'slack'", "the route `ops` needs `url`: it is of the kind `slack`"),
        (
            "kind = 'slack'\nurl = 'https://h/x'\nsmtp = 'smtp://h'",
            "the route `ops` is of the kind `slack`, which has no `smtp`",
        ),
        ("kind = 'webhook'\nurl = 'ftp://h/planted'", "an address begins with http://"),
        ("kind = 'webhook'\nurl = 'https://h/x'\nsecret = 'planted'", "a secret is written as env:NAME"),
        (
            "kind = 'webhook'\nurl = 'https://h/x'\nevents = ['scan.faild']",
            "there is no event `scan.faild` (did you mean `scan.failed`?)",
        ),
        ("kind = 'webhook'\nurl = 'https://h/x'\nattempts = 0", "`attempts`: it goes from 1 to 1000"),
        ("kind = 'webhook'\nurl = 'https://h/x'\ntimeout = '1h'", "`timeout`: it goes up to 2m"),
        ("kind = 'email'\nsmtp = 'smtp://u:planted@h'\nfrom = 'a@b'\nto = ['a@b']", "`username` and `password`"),
        ("kind = 'email'\nsmtp = 'smtp://h'\nfrom = 'a@b'\nto = [\"a@b\\nBcc: c@d\"]", "is no mail address"),
        ("kind = 'email'\nsmtp = 'smtp://h'\nfrom = 'a@b'\nto = ['a@b']\nusername = 'u'", "go together"),
        ("kind = 'github'\nrepository = 'a/../b'\ntoken = 'env:T'", "it is written as OWNER/NAME"),
        ("kind = 'github'\nrepository = 'a'\ntoken = 'env:T'", "it is written as OWNER/NAME"),
        ("kind = 'otlp'", "the route `ops` needs `url`: it is of the kind `otlp`"),
        ("kind = 'otlp'\nurl = 'https://h'\ntemplate = 'x'", "of the kind `otlp`, which has no `template`"),
        ("kind = 'webhook'\nurl = 'https://h'\nheaders = { a = 'env:A' }", "which has no `headers`"),
        (
            "kind = 'otlp'\nurl = 'https://h'\nevents = ['scan.*', 'finding.new']",
            "`events`: there are traces of the ends of scans alone (scan.completed, scan.incomplete, scan.failed, scan.cancelled), \
             not of finding.new",
        ),
        ("kind = 'otlp'\nurl = 'https://h'\nevents = '*'", "not of gate.failed"),
        ("kind = 'otlp'\nurl = 'https://h'\nheaders = { x = 'planted' }", "a secret is written as env:NAME"),
        ("kind = 'otlp'\nurl = 'https://h'\nheaders = { 'a b' = 'env:A' }", "`a b` is no header that can be set"),
        ("kind = 'otlp'\nurl = 'https://h'\nheaders = { Content-Type = 'env:A' }", "`Content-Type` is no header"),
        (
            "kind = 'otlp'\nurl = 'https://h'\ntoken = 'env:T'\nheaders = { Authorization = 'env:A' }",
            "`token` is that header already",
        ),
    ] {
        let error = read(&route(keys)).unwrap_err();
        assert!(error.contains(said), "{keys}: {error}");
        assert!(!error.contains("planted"), "{error}");
    }
    let twice = route("kind = 'desktop'").repeat(2);
    assert!(read(&twice).unwrap_err().contains("two routes called `ops`"));
    assert!(read("[[notify]]\nname = 'Ops!'\nkind = 'desktop'").unwrap_err().contains("is no name for a route"));
}

#[test]
fn of_an_address_nothing_is_shown_but_its_scheme_and_host() {
    for (url, shown) in [
        ("https://hooks.example/services/T/planted", "https://hooks.example"),
        ("HTTP://u:planted@h:8080?token=planted", "http://h:8080"),
        ("https://h#planted", "https://h"),
        ("env:HOOK", "env:HOOK"),
    ] {
        let routes = read(&route(&format!("kind = 'slack'\nurl = '{url}'"))).unwrap();
        let address = routes.get("ops").unwrap().url.clone().unwrap();
        assert!(!format!("{routes:?}").contains("planted"));
        assert_eq!(String::from(address), shown);
    }
    for bad in ["https://", "https://h/ x", "https:/h", "file"] {
        assert_eq!(host_of(bad), None, "{bad}");
    }
}

#[test]
fn events_are_named_by_globs_and_have_a_default() {
    let asks = |keys: &str| {
        let routes = read(&route(keys)).unwrap();
        let route = routes.get("ops").unwrap().clone();
        NoticeEvent::ALL.into_iter().filter(|event| route.asks_for(*event)).map(NoticeEvent::as_str).collect::<Vec<_>>()
    };
    assert_eq!(
        asks("kind = 'desktop'\nevents = ['scan.*', 'finding.new']"),
        ["scan.completed", "scan.incomplete", "scan.failed", "scan.cancelled", "finding.new"]
    );
    assert_eq!(
        asks("kind = 'desktop'"),
        ["scan.incomplete", "scan.failed", "gate.failed", "finding.new", "schedule.skipped", "schedule.failed"]
    );
    assert_eq!(
        asks("kind = 'github'\nrepository = 'a/b'\ntoken = 'env:T'"),
        ["scan.completed", "scan.incomplete", "scan.failed", "scan.cancelled"]
    );
    assert_eq!(
        asks("kind = 'otlp'\nurl = 'http://127.0.0.1:4318'"),
        ["scan.completed", "scan.incomplete", "scan.failed", "scan.cancelled"]
    );
    assert_eq!(asks("kind = 'otlp'\nurl = 'http://127.0.0.1:4318'\nevents = 'scan.failed'"), ["scan.failed"]);
}

#[test]
fn mail_servers_have_their_usual_ports() {
    for (text, expected) in [
        ("smtps://mail.example", Ok((true, "mail.example", 465))),
        ("smtp://mail.example", Ok((false, "mail.example", 587))),
        ("smtp://127.0.0.1:2525/", Ok((false, "127.0.0.1", 2525))),
        ("smtp://[::1]:25", Ok((false, "::1", 25))),
        ("smtp://[::1]", Ok((false, "::1", 587))),
    ] {
        assert_eq!(mail_server(text), expected, "{text}");
    }
    assert!(mail_server("mail.example:25").is_err());
    assert!(mail_server("smtp://h:99999").is_err());
    assert!(mail_server("smtp://h\r\n").is_err());
}
