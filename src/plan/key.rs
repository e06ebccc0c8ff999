//! A target's identity over time.

use crate::model::facts::GitFacts;
use crate::model::target::{Target, TargetKey, TargetKind};
use crate::web;

/// Returns the key of a target: its given name, or else its git remote and the path in it, or else what it is called.
///
/// `place` is the id of this machine and the absolute path, for directories that git does not know. `line` is the branch where git names
/// none; without one a commit is a line of its own, for two of them may be of two branches.
pub fn target_key(
    target: &Target,
    name: Option<&str>,
    line: Option<&str>,
    git: Option<&GitFacts>,
    place: (&str, &str),
) -> TargetKey {
    let remote = git.and_then(|git| Some((canonical_remote(git.remote.as_deref()?)?, git)));
    let commit = |git: &GitFacts| git.commit.as_ref().map(|commit| format!("@{commit}"));
    let line = git.and_then(|git| git.line.clone().or_else(|| line.map(str::to_owned)).or_else(|| commit(git)));
    if let Some(name) = name {
        return TargetKey { key: TargetKey::named(name), line };
    }
    match (target.kind, remote) {
        (TargetKind::Dir | TargetKind::Git, Some((remote, git))) if git.prefix.is_empty() => {
            TargetKey { key: format!("git:{remote}"), line }
        }
        (TargetKind::Dir | TargetKind::Git, Some((remote, git))) => {
            TargetKey { key: format!("git:{remote}#{}", git.prefix), line }
        }
        (TargetKind::Dir, None) => TargetKey { key: format!("dir:{}:{}", place.0, place.1), line },
        (TargetKind::Image, _) => image_key(&target.value),
        (kind, _) => TargetKey { key: format!("{}:{}", kind.as_str(), canonical(kind, &target.value)), line },
    }
}

fn canonical(kind: TargetKind, value: &str) -> String {
    match kind {
        TargetKind::Domain | TargetKind::Host | TargetKind::Cidr => value.trim_end_matches('.').to_lowercase(),
        TargetKind::Url | TargetKind::Archive => {
            let bare = value.split(['?', '#']).next().unwrap_or(value).trim_end_matches('/');
            let (scheme, rest) = bare.split_once("://").unwrap_or(("", bare));
            let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
            let host = host.rsplit('@').next().unwrap_or(host);
            let separator = if scheme.is_empty() { "" } else { "://" };
            format!("{}{separator}{}{path}", scheme.to_lowercase(), host.to_lowercase())
        }
        // Of a repository that is not here nothing is known but its address; who may read it is no part of what it is.
        TargetKind::Git => web::without_credentials(value),
        _ => value.to_owned(),
    }
}

/// The repository is the key, the tag the line; a digest is neither.
fn image_key(reference: &str) -> TargetKey {
    let tagged = reference.split('@').next().unwrap_or(reference);
    let (repository, line) = match tagged.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag.to_owned())),
        _ => (tagged, None),
    };
    let first = repository.split('/').next().unwrap_or(repository);
    let has_registry = repository.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let full = match (has_registry, repository.contains('/')) {
        (true, _) => repository.to_owned(),
        (false, true) => format!("docker.io/{repository}"),
        (false, false) => format!("docker.io/library/{repository}"),
    };
    TargetKey { key: format!("image:{full}"), line }
}

/// Returns `host/path` of a git remote, the same for every way of writing it; none for a path of this machine.
pub fn canonical_remote(url: &str) -> Option<String> {
    let (host, path) = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?,
        // As scp writes it: `user@host:path`; a slash before the colon makes it a path.
        None => url.split_once(':').filter(|(host, _)| !host.contains('/'))?,
    };
    let host = host.rsplit('@').next().unwrap_or(host).to_lowercase();
    let host = [":22", ":80", ":443", ":9418"].iter().find_map(|port| host.strip_suffix(port)).unwrap_or(&host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then(|| format!("{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(target: &str, git: Option<&GitFacts>) -> String {
        let key = target_key(&target.parse().unwrap(), None, None, git, ("m1", "/home/u/x"));
        key.line.iter().fold(key.key.clone(), |text, line| format!("{text} [{line}]"))
    }

    #[test]
    fn all_ways_to_write_a_remote_are_one() {
        for url in [
            "https://token@GitHub.com/org/repo.git",
            "git@github.com:org/repo.git",
            "ssh://git@github.com:22/org/repo/",
            "git://github.com/org/repo",
        ] {
            assert_eq!(canonical_remote(url).as_deref(), Some("github.com/org/repo"), "{url}");
        }
        for path in ["/srv/git/x.git", "file:///srv/x", "../x", "https://host/"] {
            assert_eq!(canonical_remote(path), None, "{path}");
        }
    }

    #[test]
    fn keys_outlive_tags_clones_and_spellings() {
        let git = GitFacts {
            line: Some("main".into()),
            remote: Some("git@h.example:o/r.git".into()),
            prefix: "sub/dir".into(),
            ..GitFacts::default()
        };
        assert_eq!(key("sub/dir", Some(&git)), "git:h.example/o/r#sub/dir [main]");
        let detached = GitFacts { line: None, commit: Some("1a2b".into()), ..git.clone() };
        assert_eq!(key(".", Some(&detached)), "git:h.example/o/r#sub/dir [@1a2b]");
        let place = ("m1", "/home/u/x");
        let told = |git: &GitFacts| target_key(&".".parse().unwrap(), None, Some("topic"), Some(git), place).line;
        assert_eq!((told(&detached).as_deref(), told(&git).as_deref()), (Some("topic"), Some("main")));
        assert_eq!(key(".", None), "dir:m1:/home/u/x");
        assert_eq!(key("image:nginx:1.27@sha256:00", None), "image:docker.io/library/nginx [1.27]");
        assert_eq!(key("image:localhost:5000/a/b", None), "image:localhost:5000/a/b");
        assert_eq!(key("host:WWW.Example.com.", None), "host:www.example.com");
        assert_eq!(key("git:https://u:p@example.com/o/r.git", None), "git:https://example.com/o/r.git");
        assert_eq!(key("url:HTTPS://u:p@Example.com/Path/?token=1", None), "url:https://example.com/Path");
    }
}
