//! By which name we are asked. A page of the web may make its own name mean this machine (DNS rebinding), and then ask for what the
//! browser's user alone reaches; it cannot change the name that the browser sends.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version};

use super::problem::Problem;

/// Refuses a request that names another host than this machine itself.
pub(super) fn check(parts: &Parts) -> Result<(), Problem> {
    let wrong = |detail: String| Problem::new(StatusCode::MISDIRECTED_REQUEST, detail);
    let mut headers = parts.headers.get_all(HOST).iter();
    let header = headers.next();
    if headers.next().is_some() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "there are several headers Host"));
    }
    if header.is_none() && parts.uri.authority().is_none() && parts.version != Version::HTTP_10 {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "there is no header Host"));
    }
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let named = parts.uri.authority().map(Authority::as_str).into_iter().chain(header);
    for name in named {
        if !is_local(name) {
            return Err(wrong(
                "the header Host names another machine; here only `localhost` and loopback addresses are served"
                    .to_owned(),
            ));
        }
    }
    Ok(())
}

/// Whether a host with or without a port can only mean this machine.
fn is_local(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let port = host.strip_prefix(name).map(|rest| rest.strip_prefix(':').map(str::parse::<u16>));
    // Neither a user before it, nor a port that is none.
    if !matches!(port, Some(None | Some(Ok(_)))) {
        return false;
    }
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for local in ["localhost", "LOCALHOST:9464", "localhost.", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:9464"] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil@localhost",
            "192.0.2.1:80",
            "0.0.0.0",
            "::1",
            "[::]",
            "localhost:x",
            "localhost/..",
            "2130706433",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
