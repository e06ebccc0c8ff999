//! Hosts, ports and web addresses as network tools write them.

use super::text::cut;
use crate::model::asset::{Asset, AssetKind};
use crate::model::finding::Location;

/// Longer is no place that anybody can go to.
const MAX_PLACE: usize = 4 << 10;

/// A service on a host, or the host when there is no port.
pub(super) fn service(host: &str, port: Option<u16>, protocol: Option<&str>) -> Location {
    let port = port.filter(|port| *port > 0);
    Location::Host { host: name(host), port, protocol: port.and(protocol).map(str::to_ascii_lowercase) }
}

/// A web address and its parameter.
pub(super) fn page(url: &str, parameter: Option<&str>) -> Location {
    Location::Url { url: cut(&bare(url), MAX_PLACE), parameter: parameter.map(|name| cut(name, MAX_PLACE)) }
}

/// `host:port`, `[address]:port`, or a name or address alone.
pub(super) fn split_port(text: &str) -> (&str, Option<u16>) {
    let text = text.trim();
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host.trim_matches(['[', ']']), Some(port)),
            Err(_) => (text, None),
        },
        _ => (text.trim_matches(['[', ']']), None),
    }
}

/// `https://host:port` of a web address, without a user's name and password.
pub(super) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = split_scheme(url)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next().filter(|host| is_service(host))?;
    Some(format!("{}://{}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase()))
}

/// A web address without credentials, fragment and the values of its query, which may be the payload of an attack, another each
/// time.
pub(super) fn bare(url: &str) -> String {
    let url = url.trim();
    let url = url.split('#').next().unwrap_or(url);
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let address = match origin(address) {
        Some(origin) => {
            let path = split_scheme(address).and_then(|(_, rest)| rest.find('/').map(|slash| &rest[slash..]));
            format!("{origin}{}", path.unwrap_or("/"))
        }
        None => address.to_owned(),
    };
    let names: Vec<&str> =
        query.split('&').filter_map(|pair| pair.split('=').next()).filter(|n| !n.is_empty()).collect();
    if names.is_empty() { address } else { format!("{address}?{}", names.join("&")) }
}

/// `host` or `host:port`; what is not may be a piece of a password.
fn is_service(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let named = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && host.chars().all(named) && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '-';
    (!scheme.is_empty() && scheme.chars().all(letters)).then_some((scheme, rest))
}

/// A host as an asset: an address or a name.
pub(super) fn host_asset(host: &str) -> Option<Asset> {
    let host = host.trim().trim_matches(['[', ']']);
    let kind = if host.parse::<std::net::IpAddr>().is_ok() { AssetKind::Ip } else { AssetKind::Host };
    Asset::new(kind, host)
}

/// An open port as an asset.
pub(super) fn port_asset(host: &str, port: u16, protocol: &str) -> Option<Asset> {
    let host = name(host);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    (port > 0 && !host.is_empty())
        .then(|| Asset::new(AssetKind::Port, &format!("{host}:{port}/{}", protocol.to_ascii_lowercase())))
        .flatten()
}

fn name(host: &str) -> String {
    cut(host.trim().trim_matches(['[', ']']).trim_end_matches('.'), MAX_PLACE).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_parted() {
        assert_eq!(split_port("example.com:443"), ("example.com", Some(443)));
        assert_eq!(split_port("[2001:db8::1]:22"), ("2001:db8::1", Some(22)));
        assert_eq!(split_port("2001:db8::1"), ("2001:db8::1", None));
        assert_eq!(split_port("example.com"), ("example.com", None));
        assert_eq!(port_asset("2001:DB8::1", 22, "TCP").unwrap().value, "[2001:db8::1]:22/tcp");
        assert_eq!(host_asset("10.0.0.1").unwrap().to_string(), "ip:10.0.0.1");
    }

    #[test]
    fn addresses_lose_what_changes_or_is_secret() {
        assert_eq!(bare("HTTP://Me:pw@Example.com:81/a?q=<x>&p#f"), "http://example.com:81/a?q&p");
        assert_eq!(bare("https://example.com"), "https://example.com/");
        assert_eq!(bare("/path?x=1"), "/path?x");
        assert_eq!(origin("http://:/favicon.ico"), None);
        assert_eq!(origin("no address"), None);
        assert_eq!(origin("http://user:pass"), None);
        assert_eq!(origin("http://[2001:db8::1]:81/").as_deref(), Some("http://[2001:db8::1]:81"));
    }
}
