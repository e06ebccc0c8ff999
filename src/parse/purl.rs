//! Package URLs (`pkg:maven/org.a/b@1.0?type=jar`).

use super::path;

/// Name and version as the kind's own tools write them: `org.a:b` for maven, `@scope/name` for npm, without the distribution
/// for packages of a system. The version is empty when there is none.
pub(crate) fn package(purl: &str) -> Option<(String, String)> {
    let rest = purl.trim().strip_prefix("pkg:")?.split(['?', '#']).next()?;
    let (kind, path) = rest.trim_start_matches('/').split_once('/')?;
    // The `@` of a scope may stand bare; a version has no `/`.
    let (name, version) = path.rsplit_once('@').filter(|(_, version)| !version.contains('/')).unwrap_or((path, ""));
    let segments: Vec<String> = name.split('/').filter(|part| !part.is_empty()).map(path::unescape).collect();
    let last = segments.last()?;
    let name = match kind {
        "maven" => segments.join(":"),
        "deb" | "rpm" | "apk" | "alpm" => last.clone(),
        _ => segments.join("/"),
    };
    Some((name, path::unescape(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_kind() {
        for (purl, name, version) in [
            ("pkg:maven/org.a/b@1.0?type=jar", "org.a:b", "1.0"),
            ("pkg:npm/%40scope/name@2.0.0", "@scope/name", "2.0.0"),
            ("pkg:npm/@scope/name", "@scope/name", ""),
            ("pkg:deb/debian/libc6@2.28-10%2Bdeb10u1?arch=amd64", "libc6", "2.28-10+deb10u1"),
            ("pkg:golang/golang.org/x/net@v0.1.0#html", "golang.org/x/net", "v0.1.0"),
        ] {
            assert_eq!(package(purl), Some((name.to_owned(), version.to_owned())), "{purl}");
        }
        for none in ["", "pkg:", "pkg:npm", "pkg:npm/", "cpe:2.3:a:b", "pkg:npm/@1"] {
            assert_eq!(package(none), None, "{none}");
        }
    }
}
