//! A scan that finds hosts, of which each is scanned by a job of its own.

use dragnet::model::asset::AssetKind;
use dragnet::model::plan::Step;

use super::scan::step;

/// The step `hosts`, whose result is [`report`], and the step `each`.
pub(crate) fn steps() -> Vec<Step> {
    let mut hosts = step("hosts");
    hosts.scanner.results[0].format = "nmap".into();
    let mut each = step("each");
    each.scanner.accept_empty = true;
    each.needs = vec!["hosts".parse().unwrap()];
    each.for_each = vec![AssetKind::Ip];
    vec![hosts, each]
}

/// A report of nmap with so many hosts.
pub(crate) fn report(count: usize) -> Vec<u8> {
    let mut xml = String::from("<?xml version=\"1.0\"?><nmaprun scanner=\"nmap\" version=\"7.95\">");
    for n in 0..count {
        let (a, b, c) = (n >> 16 & 255, n >> 8 & 255, n & 255);
        let host = format!("<host><status state=\"up\"/><address addr=\"10.{a}.{b}.{c}\" addrtype=\"ipv4\"/></host>");
        xml.push_str(&host);
    }
    xml.push_str("<runstats><finished exit=\"success\"/></runstats></nmaprun>");
    xml.into_bytes()
}
