//! Reports as scanners write them.

use std::fmt::Write as _;

/// A report of gitleaks with so many secrets, each in a file of its own.
pub(crate) fn gitleaks(count: usize) -> Vec<u8> {
    let secrets: Vec<String> = (0..count)
        .map(|n| {
            format!(
                r#"{{"RuleID": "generic-api-key", "Description": "A key", "StartLine": {n}, "EndLine": {n}, "StartColumn": 1,
                     "EndColumn": 9, "Match": "REDACTED", "Secret": "REDACTED", "File": "file{n}.txt", "SymlinkFile": "", "Commit": "",
                     "Entropy": 4.5, "Author": "", "Email": "", "Date": "", "Message": "", "Tags": [], "Fingerprint": "x"}}"#
            )
        })
        .collect();
    format!("[{}]", secrets.join(",")).into_bytes()
}

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
