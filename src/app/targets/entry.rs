//! What somebody says of a target, made an entry of the registry.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::TargetError;
use crate::artifact::GitSource;
use crate::catalog::Catalog;
use crate::model::owner::{Owner, OwnerName};
use crate::model::registered::{EntryTags, Tag, TargetEntry, TargetName};
use crate::model::target::{Target, TargetKind};
use crate::web;

/// What somebody says of a target, in words. What is none is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawEntry {
    /// What is scanned.
    pub target: String,
    /// Its name; its text when there is none.
    pub name: Option<String>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// Whether it is enabled.
    pub enabled: Option<bool>,
    /// The template; an empty one takes away what there is.
    pub template: Option<String>,
    /// The note; an empty one takes away what there is.
    pub note: Option<String>,
    /// The organisation.
    pub organisation: Option<String>,
    /// The project.
    pub project: Option<String>,
}

/// How entries are understood.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// What a text is that says no kind; a path when there is none.
    pub kind: Option<TargetKind>,
    /// Tags that all get, beside their own.
    pub tags: BTreeSet<Tag>,
    /// The organisation of those that name none.
    pub organisation: Option<OwnerName>,
    /// The project of those that name none.
    pub project: Option<OwnerName>,
}

/// Makes an entry of what is said.
pub(super) fn entry(catalog: &Catalog, manner: &Manner, raw: RawEntry) -> Result<TargetEntry, TargetError> {
    let target = settle(read(raw.target.trim(), manner.kind)?)?;
    let name = match raw.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.parse()?,
        None => TargetName::of(&target)?,
    };
    let owner = |said: Option<&str>, otherwise: Option<&OwnerName>| match said.map(str::trim) {
        None | Some("") => Ok(otherwise.cloned().unwrap_or_default()),
        Some(name) => name.parse(),
    };
    let owner = Owner {
        organisation: owner(raw.organisation.as_deref(), manner.organisation.as_ref())?,
        project: owner(raw.project.as_deref(), manner.project.as_ref())?,
    };
    let tags = match &raw.tags {
        None => EntryTags::Also(manner.tags.clone()),
        Some(tags) => {
            let own = tags.iter().map(|tag| tag.parse());
            EntryTags::Only(own.chain(manner.tags.iter().cloned().map(Ok)).collect::<Result<_, _>>()?)
        }
    };
    let template = raw.template.map(|name| name.trim().to_owned());
    if let Some(name) = template.as_deref().filter(|name| !name.is_empty()) {
        catalog.template(name)?;
    }
    let note = raw.note.map(|note| note.trim().to_owned());
    let entry = TargetEntry { owner, name, target, tags, enabled: raw.enabled, template, note };
    entry.check()?;
    Ok(entry)
}

/// Reads a target. A text that says no kind is a path only if it looks like one or is there: a list of hosts is no list of
/// directories.
fn read(text: &str, kind: Option<TargetKind>) -> Result<Target, TargetError> {
    let target: Target = text.parse()?;
    let says_kind = text.strip_prefix(target.kind.as_str()).is_some_and(|rest| rest.starts_with(':'));
    if says_kind {
        return Ok(target);
    }
    if let Some(kind) = kind {
        return Ok(Target { kind, ..target });
    }
    let is_path = text.starts_with('/') || matches!(text.split('/').next(), Some("." | ".."));
    if is_path || Path::new(text).exists() { Ok(target) } else { Err(TargetError::NoKind(text.to_owned())) }
}

/// Makes paths absolute, for a scan is started anywhere, and refuses what must not be kept.
fn settle(target: Target) -> Result<Target, TargetError> {
    let value = match target.kind {
        TargetKind::Dir => absolute(&target.value)?,
        TargetKind::Archive if !target.value.contains("://") => absolute(&target.value)?,
        TargetKind::Git => settle_git(&target.value)?,
        TargetKind::Url | TargetKind::Archive if web::without_credentials(&target.value) != target.value => {
            return Err(TargetError::Credentials);
        }
        _ => target.value,
    };
    Ok(Target { value, ..target })
}

fn settle_git(text: &str) -> Result<String, TargetError> {
    // An address that git could not read is told of when it is scanned.
    let Ok(source) = text.parse::<GitSource>() else { return Ok(text.to_owned()) };
    if source.public() != text {
        return Err(TargetError::Credentials);
    }
    // As scp writes it, `user@host:path`; a slash before the colon makes it a path.
    let is_remote = text.contains("://") || text.find(':').is_some_and(|colon| !text[..colon].contains('/'));
    if is_remote { Ok(text.to_owned()) } else { absolute(text) }
}

/// Returns the absolute path without `.` and `..`. Links stay as they are, unless one must be followed for a `..` after it.
fn absolute(text: &str) -> Result<String, TargetError> {
    let unusable = |_| TargetError::NoKind(text.to_owned());
    let whole = std::path::absolute(text).map_err(unusable)?;
    let whole = if whole.components().any(|part| part == Component::ParentDir) {
        std::fs::canonicalize(&whole).unwrap_or_else(|_| without_parents(&whole))
    } else {
        whole.components().collect()
    };
    whole.into_os_string().into_string().map_err(|_| TargetError::NoKind(text.to_owned()))
}

/// Takes `..` out of a path of which nothing is known.
fn without_parents(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            whole.pop();
        } else {
            whole.push(part);
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry_of(raw: RawEntry, manner: &Manner) -> Result<TargetEntry, String> {
        let catalog = Catalog::builtin().unwrap();
        entry(&catalog, manner, raw).map_err(|error| error.to_string())
    }

    fn target(text: &str) -> Result<String, String> {
        let raw = RawEntry { target: text.to_owned(), ..RawEntry::default() };
        entry_of(raw, &Manner::default()).map(|entry| entry.target.to_string())
    }

    #[test]
    fn paths_are_made_whole() {
        let here = std::env::current_dir().unwrap();
        let below = |path: &str| Ok(format!("dir:{}", here.join(path).display()));
        assert_eq!(target("./nowhere/"), below("nowhere"));
        assert_eq!(target("src"), below("src"), "it is there");
        assert_eq!(target("dir:nowhere/./x"), below("nowhere/x"));
        assert_eq!(target("/srv//x/../y/"), Ok("dir:/srv/y".to_owned()));
        assert_eq!(target("archive:a.zip"), Ok(format!("archive:{}", here.join("a.zip").display())));
        assert_eq!(target("archive:https://h.example/a.zip").unwrap(), "archive:https://h.example/a.zip");
        assert_eq!(target("git:./r@v1"), Ok(format!("git:{}", here.join("r@v1").display())));
        assert_eq!(target("git:git@h.example:o/r.git@main").unwrap(), "git:git@h.example:o/r.git@main");
    }

    #[test]
    fn a_list_of_hosts_is_no_list_of_directories() {
        assert!(target("example.org").unwrap_err().contains("says no kind"));
        assert!(target("https://example.org").unwrap_err().contains("says no kind"));
        let raw = RawEntry { target: " example.org ".to_owned(), ..RawEntry::default() };
        let manner = Manner { kind: Some(TargetKind::Domain), ..Manner::default() };
        let entry = entry_of(raw, &manner).unwrap();
        assert_eq!(
            (entry.target.to_string(), entry.name.as_str()),
            ("domain:example.org".to_owned(), "domain:example.org")
        );
    }

    #[test]
    fn credentials_are_not_kept() {
        for text in [
            "git:https://token@h.example/r",
            "git:ssh://git:secret@h.example/r",
            "url:https://u:p@h.example/",
            "archive:https://u:p@h.example/a.zip",
        ] {
            assert!(target(text).unwrap_err().contains("password"), "{text}");
        }
        assert!(target("git:ssh://git@h.example/r@main").is_ok());
    }

    #[test]
    fn what_all_get_joins_what_each_says() {
        let manner = Manner {
            tags: BTreeSet::from(["all".parse().unwrap()]),
            project: Some("web".parse().unwrap()),
            ..Manner::default()
        };
        let raw = RawEntry { target: "host:a".to_owned(), tags: Some(vec!["x".to_owned()]), ..RawEntry::default() };
        let entry = entry_of(raw.clone(), &manner).unwrap();
        assert_eq!(entry.tags, EntryTags::Only(BTreeSet::from(["all".parse().unwrap(), "x".parse().unwrap()])));
        assert_eq!(entry.owner.to_string(), "web");
        let silent =
            entry_of(RawEntry { tags: None, project: Some("shop".to_owned()), ..raw.clone() }, &manner).unwrap();
        assert_eq!(silent.tags, EntryTags::Also(manner.tags.clone()));
        assert_eq!(silent.owner.to_string(), "shop");
        for wrong in [
            RawEntry { tags: Some(vec!["X".to_owned()]), ..raw.clone() },
            RawEntry { template: Some("secrts".to_owned()), ..raw.clone() },
            RawEntry { name: Some("all".to_owned()), ..raw.clone() },
            RawEntry { organisation: Some("a/b".to_owned()), ..raw },
        ] {
            assert!(entry_of(wrong.clone(), &manner).is_err(), "{wrong:?}");
        }
    }
}
