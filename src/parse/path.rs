//! Paths as scanners write them → paths relative to the source's root.
//!
//! Seen for the same file under `/src`: `/src/a.py`, `file:///src/a.py`, `src\a.py`, `./a.py`, `a.py`, and the first two with
//! a `uriBaseId` beside them.

/// A path of this or another system; never leads out of the root, has `/` only, and is `.` for the root itself.
pub(super) fn relative(raw: &str, root: &str) -> String {
    let slashed = raw.trim().replace('\\', "/");
    let slashed = slashed.strip_prefix("file://").unwrap_or(&slashed);
    let root = root.trim_end_matches('/');
    let inside = match slashed.strip_prefix(root) {
        Some(rest) if !root.is_empty() && (rest.is_empty() || rest.starts_with('/')) => rest,
        _ => slashed,
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in without_drive(inside).split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// A URI reference, as in SARIF 2.1.0, section 3.4: escapes are resolved before the rest.
pub(super) fn from_uri(uri: &str, root: &str) -> String {
    let after_scheme = uri.trim().strip_prefix("file:").map(|rest| match rest.strip_prefix("//") {
        Some(authority) => authority.find('/').map_or("", |slash| &authority[slash..]),
        None => rest,
    });
    relative(&unescape(after_scheme.unwrap_or(uri)), root)
}

/// Cuts `C:` and `/C:`.
fn without_drive(path: &str) -> &str {
    let bare = path.trim_start_matches('/');
    match bare.as_bytes() {
        [letter, b':', b'/', ..] if letter.is_ascii_alphabetic() => &bare[2..],
        _ => path,
    }
}

/// Resolves `%20`; what is no escape, or no UTF-8 when resolved, stays.
pub(super) fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut resolved = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            resolved.push(byte);
            at += 3;
        } else {
            resolved.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(resolved).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_shape_is_one_path() {
        for raw in ["/src/app/a b.py", "file:///src/app/a%20b.py", "app/a b.py", "./app/a b.py", r"app\a b.py"] {
            assert_eq!(from_uri(raw, "/src"), "app/a b.py", "{raw}");
        }
        assert_eq!(from_uri("file://host/src/a.py", "/src/"), "a.py");
        assert_eq!(from_uri("file:/src/a.py", "/src"), "a.py");
        assert_eq!(from_uri("file:///C:/x/a.py", "/src"), "x/a.py");
        assert_eq!(relative("/src2/a.py", "/src"), "src2/a.py", "a longer name is not inside");
        assert_eq!(relative("src/src/a.py", ""), "src/src/a.py");
        assert_eq!(relative("/src", "/src"), ".");
        assert_eq!(relative("100%.txt", ""), "100%.txt");
    }

    #[test]
    fn nothing_leads_out() {
        assert_eq!(relative("../../etc/passwd", "/src"), "etc/passwd");
        assert_eq!(from_uri("/src/..%2f..%2fetc/passwd", "/src"), "etc/passwd");
        assert_eq!(relative("/src/a/../../../b", "/src"), "b");
    }

    proptest! {
        #[test]
        fn every_path_stays_inside(raw in r"(\.\.|[a-z%/\\:. ]|%2[eEfF]){0,30}") {
            let path = from_uri(&raw, "/src");
            prop_assert!(!path.starts_with('/') && !path.contains('\\'), "{path}");
            prop_assert!(path.split('/').all(|part| part != ".." && !part.is_empty()), "{path}");
        }
    }
}
