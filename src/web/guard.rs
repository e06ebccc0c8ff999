//! Addresses that somebody has configured, and that must not lead to where a machine is told its own secrets.
//!
//! Refused are link-local addresses, where clouds serve metadata and credentials, and the few other addresses that they use for it. All
//! else may be asked, this machine included. What a name means is decided where it is resolved, for every connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};

use super::{WebError, builder, setup};

/// Addresses of metadata services that are not link-local: AWS over IPv6, Alibaba, Oracle.
const METADATA: [IpAddr; 3] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];
/// Names of metadata services, which a proxy would resolve.
const NAMES: [&str; 2] = ["metadata.google.internal", "metadata"];

/// Whether nothing is to be asked at an address.
pub fn is_forbidden(address: IpAddr) -> bool {
    let inner = match address {
        IpAddr::V4(address) => Some(address),
        // IPv4 within IPv6: mapped, or behind NAT64 (RFC 6052).
        IpAddr::V6(address) => address.to_ipv4_mapped().or_else(|| match address.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
            _ => None,
        }),
    };
    match (inner, address) {
        (Some(address), _) => address.is_link_local() || METADATA.contains(&address.into()),
        (None, IpAddr::V6(v6)) => v6.is_unicast_link_local() || METADATA.contains(&address),
        (None, IpAddr::V4(_)) => false,
    }
}

/// Reads an address; refuses what must not be asked.
pub fn guarded(address: &str) -> Result<Url, WebError> {
    // What is wrong is told without the address, which may be a secret.
    let url: Url = address.parse().map_err(|error| WebError::Refused(format!("it is no address ({error})")))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(WebError::Refused("only http and https addresses can be told anything".to_owned()));
    }
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if literal.is_ok_and(is_forbidden) || NAMES.contains(&name.as_str()) {
        return Err(WebError::Refused(FORBIDDEN.to_owned()));
    }
    Ok(url)
}

/// Why an address is refused.
pub const FORBIDDEN: &str = "its address is link-local or that of a metadata service";

/// Makes a client that connects to no forbidden address, whatever a name resolves to; `silence` is the longest wait for bytes.
pub fn guarded_client(silence: Duration) -> Result<Client, WebError> {
    builder(None, silence)?.dns_resolver(Arc::new(Guard)).build().map_err(setup)
}

struct Guard;

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let sound: Vec<_> = found.iter().copied().filter(|address| !is_forbidden(address.ip())).collect();
            if sound.is_empty() && !found.is_empty() {
                return Err(FORBIDDEN.into());
            }
            Ok(Box::new(sound.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serves_metadata_is_not_asked_and_all_else_is() {
        for bad in [
            "http://169.254.169.254/latest",
            "http://169.254.1.1",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://100.100.100.200/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://metadata.google.internal./x",
        ] {
            assert!(matches!(guarded(bad), Err(WebError::Refused(why)) if why == FORBIDDEN), "{bad}");
        }
        assert!(guarded("ftp://example.org").is_err());
        for good in
            ["http://127.0.0.1:9", "http://localhost", "https://10.0.0.1", "https://[fd00::1]", "https://hooks.example"]
        {
            assert!(guarded(good).is_ok(), "{good}");
        }
    }
}
