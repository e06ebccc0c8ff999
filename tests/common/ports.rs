//! Reports of open ports.

use std::fmt::Write as _;

/// A report of nmap with these open ports.
pub(crate) fn nmap(ports: &[u16]) -> Vec<u8> {
    let mut xml = String::from(
        "<?xml version=\"1.0\"?><nmaprun scanner=\"nmap\" version=\"7.95\"><host><status state=\"up\"/>\
         <address addr=\"127.0.0.1\" addrtype=\"ipv4\"/><ports>",
    );
    for port in ports {
        write!(xml, "<port protocol=\"tcp\" portid=\"{port}\"><state state=\"open\"/></port>").unwrap();
    }
    xml.push_str("</ports></host><runstats><finished exit=\"success\"/></runstats></nmaprun>");
    xml.into_bytes()
}
