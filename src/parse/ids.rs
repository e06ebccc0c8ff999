//! Names of weaknesses and vulnerabilities inside free text and tags.

/// Numbers of the Common Weakness Enumeration: `CWE-79: …`, `external/cwe/cwe-079`, `79`-less texts give nothing.
pub(super) fn weaknesses<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<u32> {
    let mut found = Vec::new();
    for text in texts {
        for part in text.to_ascii_lowercase().split("cwe-").skip(1) {
            let digits = &part[..part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len())];
            push_new(&mut found, digits.parse().ok());
        }
    }
    found
}

/// `CVE-…`, `GHSA-…`, `RUSTSEC-…` and the like, in capitals as their registries write them.
pub(super) fn vulnerabilities<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let mut found = Vec::new();
    for text in texts {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
            push_new(&mut found, vulnerability(word));
        }
    }
    found
}

fn vulnerability(word: &str) -> Option<String> {
    let (registry, rest) = word.split_once('-')?;
    let registry = registry.to_ascii_uppercase();
    let parts: Vec<&str> = rest.split('-').collect();
    let numbers =
        |least: usize| matches!(parts[..], [year, number, ..] if is_number(year, 4) && is_number(number, least));
    match registry.as_str() {
        "CVE" if numbers(4) => Some(format!("CVE-{}-{}", parts[0], parts[1])),
        "RUSTSEC" | "PYSEC" | "GO" if numbers(1) && parts[0].len() == 4 => {
            Some(format!("{registry}-{}-{}", parts[0], parts[1]))
        }
        "GHSA" if parts.len() == 3 && parts.iter().all(|part| part.len() == 4) => {
            Some(format!("GHSA-{}", rest.to_ascii_lowercase()))
        }
        _ => None,
    }
}

fn is_number(text: &str, least: usize) -> bool {
    text.len() >= least && text.bytes().all(|b| b.is_ascii_digit())
}

fn push_new<T: PartialEq>(found: &mut Vec<T>, item: Option<T>) {
    if let Some(item) = item.filter(|item| !found.contains(item)) {
        found.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weaknesses_are_found_in_every_spelling() {
        let texts = ["CWE-79: Cross-site", "external/cwe/cwe-079", "cwe-89, CWE-90", "none", "CWE-"];
        assert_eq!(weaknesses(texts), [79, 89, 90]);
    }

    #[test]
    fn vulnerabilities_are_found_and_nothing_else() {
        let texts = [
            "BDSA-2020-1001 (CVE-2020-11022)",
            "cve-2008-0732-geronimo",
            "GHSA-g98v-hv3f-hcfr",
            "RUSTSEC-2021-0145",
            "CVE-x",
        ];
        assert_eq!(
            vulnerabilities(texts),
            ["CVE-2020-11022", "CVE-2008-0732", "GHSA-g98v-hv3f-hcfr", "RUSTSEC-2021-0145"]
        );
    }
}
