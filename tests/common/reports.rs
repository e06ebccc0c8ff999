//! Reports as scanners write them.

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
