//! Registered targets: what is scanned again and again, under a name, with tags to choose it by.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::asset::{Asset, AssetKind};
use super::clock::Timestamp;
use super::owner::Owner;
use super::target::{InvalidTarget, Target, TargetKey};

/// The row of a registered target. Rows grow with the order in which targets were added, and none is used again: they serve as
/// places to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetId(pub i64);

/// A target in the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegisteredTarget {
    /// Its row; of no meaning outside this state.
    #[serde(skip)]
    pub id: TargetId,
    /// Its name, unique within the project.
    pub name: TargetName,
    /// What is scanned.
    pub target: Target,
    /// What it is chosen by.
    pub tags: BTreeSet<Tag>,
    /// Whether it is scanned when its tag, or all, are asked for.
    pub enabled: bool,
    /// The template that its scans use unless told otherwise.
    pub template: Option<String>,
    /// What somebody wants to be known of it.
    pub note: Option<String>,
    /// Whose it is, and whose its scans are.
    #[serde(flatten)]
    pub owner: Owner,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub actor: String,
}

impl RegisteredTarget {
    /// Returns the key that its scans bear; the line beside it is theirs.
    pub fn key(&self) -> String {
        TargetKey::named(self.name.as_str())
    }
}

/// What is said of a target that is to be added or changed. What is not said stays as it is, or as it is for new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetEntry {
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub name: TargetName,
    /// What is scanned.
    pub target: Target,
    /// Its tags.
    pub tags: EntryTags,
    /// Whether it is enabled; new ones are.
    pub enabled: Option<bool>,
    /// The template; an empty one takes away what there is.
    pub template: Option<String>,
    /// The note; an empty one takes away what there is.
    pub note: Option<String>,
}

/// What is said of a target's tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryTags {
    /// These, and no others.
    Only(BTreeSet<Tag>),
    /// These beside those that it has.
    Also(BTreeSet<Tag>),
}

impl EntryTags {
    /// Returns the tags that are named.
    pub const fn named(&self) -> &BTreeSet<Tag> {
        match self {
            Self::Only(tags) | Self::Also(tags) => tags,
        }
    }
}

/// Most bytes of a target's text.
pub const MOST_TARGET: usize = 4096;
/// Most bytes of a note.
pub const MOST_NOTE: usize = 4096;
/// Most bytes of a template's name.
pub const MOST_TEMPLATE: usize = 255;
/// Most tags of one entry.
pub const MOST_TAGS: usize = 64;

impl TargetEntry {
    /// Checks what its parts do not check themselves: lengths, and that the target can be what its kind says.
    pub fn check(&self) -> Result<(), InvalidEntry> {
        if !is_plausible(&self.target) {
            return Err(InvalidEntry::Value(self.target.clone()));
        }
        for (what, text, most) in [
            ("target", Some(&self.target.value), MOST_TARGET),
            ("note", self.note.as_ref(), MOST_NOTE),
            ("template's name", self.template.as_ref(), MOST_TEMPLATE),
        ] {
            if let Some(length) = text.map(String::len).filter(|length| *length > most) {
                return Err(InvalidEntry::Long { what, length, most });
            }
        }
        let tags = self.tags.named().len();
        if tags > MOST_TAGS {
            return Err(InvalidEntry::Tags(tags));
        }
        Ok(())
    }
}

/// Whether the value can be what its kind says. Whoever scans it looks closer; a list with two columns mixed up ends here.
fn is_plausible(target: &Target) -> bool {
    let (kind, value) = (target.kind.asset_kind(), target.value.as_str());
    if kind == AssetKind::Dir {
        return true;
    }
    let is_word = Asset::new(kind, value).is_some() && !value.contains(char::is_whitespace);
    is_word
        && match kind {
            AssetKind::Domain => value.chars().all(|c| c.is_alphanumeric() || ".-_*".contains(c)),
            // Addresses too, with a zone or in brackets.
            AssetKind::Host => value.chars().all(|c| c.is_alphanumeric() || ".-_:%[]".contains(c)),
            AssetKind::Cidr => is_range(value),
            AssetKind::Url => value.contains("://"),
            AssetKind::Email => value.contains('@'),
            _ => true,
        }
}

/// `10.0.0.0/8`, `2001:db8::/32`, or a single address.
fn is_range(value: &str) -> bool {
    let (address, bits) = value.split_once('/').map_or((value, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// An entry that cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntry {
    /// The target.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    /// The name.
    #[error(transparent)]
    Name(#[from] InvalidTargetName),
    /// A tag.
    #[error(transparent)]
    Tag(#[from] InvalidTag),
    /// The organisation or the project.
    #[error(transparent)]
    Owner(#[from] super::owner::InvalidOwnerName),
    /// The value cannot be one of its kind.
    #[error("`{}` is no {}", .0.value, .0.kind.as_str())]
    Value(Target),
    /// A text is too long.
    #[error("the {what} is {length} bytes long; {most} are the most")]
    Long {
        /// Which one.
        what: &'static str,
        /// Its bytes.
        length: usize,
        /// Most bytes.
        most: usize,
    },
    /// There are too many tags.
    #[error("it has {0} tags; {most} are the most", most = MOST_TAGS)]
    Tags(usize),
}

/// The name of a registered target: 1 to 255 bytes without control characters, and without white space around it. `all` and
/// what begins with `tag:`, `@` or `-` means something else where names are given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TargetName(String);

impl TargetName {
    /// Most bytes of one.
    pub const MOST: usize = 255;

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name of a target that was given none: its text.
    pub fn of(target: &Target) -> Result<Self, InvalidTargetName> {
        target.to_string().parse()
    }
}

/// A text that cannot name a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTargetName {
    /// It is empty, or white space is around it, or control characters are in it.
    #[error("{0:?} is no name for a target")]
    Text(String),
    /// It means something else.
    #[error("a target cannot be named `{0}`: `all`, and what begins with `tag:`, `@` or `-`, means something else")]
    Reserved(String),
    /// It is too long.
    #[error("the target's name is {0} bytes long; {most} are the most", most = TargetName::MOST)]
    Long(usize),
}

impl FromStr for TargetName {
    type Err = InvalidTargetName;

    fn from_str(text: &str) -> Result<Self, InvalidTargetName> {
        if text.len() > Self::MOST {
            return Err(InvalidTargetName::Long(text.len()));
        }
        if text.is_empty() || text.trim() != text || text.chars().any(char::is_control) {
            return Err(InvalidTargetName::Text(text.to_owned()));
        }
        if text == ALL || text.starts_with(TAG) || text.starts_with(['@', '-']) {
            return Err(InvalidTargetName::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for TargetName {
    type Error = InvalidTargetName;

    fn try_from(text: String) -> Result<Self, InvalidTargetName> {
        text.parse()
    }
}

impl From<TargetName> for String {
    fn from(name: TargetName) -> Self {
        name.0
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What targets are chosen by: 1 to 64 of `a`–`z`, `0`–`9`, `.`, `_`, `:`, `/` and `-`, the first a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Tag(String);

impl Tag {
    /// Most bytes of one.
    pub const MOST: usize = 64;

    /// Returns the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no tag: lower-case letters, digits, `.`, `_`, `:`, `/` and `-`, {most} at most, a letter or a digit first", most = Tag::MOST)]
pub struct InvalidTag(String);

impl FromStr for Tag {
    type Err = InvalidTag;

    fn from_str(text: &str) -> Result<Self, InvalidTag> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = text.chars().all(|c| is_word(c) || matches!(c, '.' | '_' | ':' | '/' | '-'));
        if fits && text.starts_with(is_word) && text.len() <= Self::MOST {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidTag(text.chars().take(Self::MOST + 1).collect()))
    }
}

impl TryFrom<String> for Tag {
    type Error = InvalidTag;

    fn try_from(text: String) -> Result<Self, InvalidTag> {
        text.parse()
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

const ALL: &str = "all";
const TAG: &str = "tag:";

/// Which registered targets are meant: `NAME`, `tag:TAG` or `all`, as they are written after an `@`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TargetSelector {
    /// The one of this name.
    Name(TargetName),
    /// The enabled ones with this tag.
    Tag(Tag),
    /// All that are enabled.
    All,
}

/// A text that chooses no targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSelector {
    /// It would be a tag.
    #[error(transparent)]
    Tag(#[from] InvalidTag),
    /// It would be a name.
    #[error(transparent)]
    Name(#[from] InvalidTargetName),
}

impl FromStr for TargetSelector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        if text == ALL {
            return Ok(Self::All);
        }
        Ok(match text.strip_prefix(TAG) {
            Some(tag) => Self::Tag(tag.parse()?),
            None => Self::Name(text.parse()?),
        })
    }
}

impl TryFrom<String> for TargetSelector {
    type Error = InvalidSelector;

    fn try_from(text: String) -> Result<Self, InvalidSelector> {
        text.parse()
    }
}

impl From<TargetSelector> for String {
    fn from(selector: TargetSelector) -> Self {
        selector.to_string()
    }
}

impl fmt::Display for TargetSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}"),
            Self::Tag(tag) => write!(f, "{TAG}{tag}"),
            Self::All => f.write_str(ALL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_plain() {
        for good in ["web", "env:prod", "team/a-b_c.d", "2024", &"a".repeat(64)] {
            assert_eq!(good.parse::<Tag>().unwrap().as_str(), good);
        }
        for bad in ["", "Web", "a b", "a;b", "ä", ":a", "-a", "a\n", &"a".repeat(65)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_anything_that_can_be_told_from_the_rest() {
        for good in ["shop", "domain:example.org", "my shop", "allow", "größe", &"n".repeat(255)] {
            assert_eq!(good.parse::<TargetName>().unwrap().as_str(), good);
        }
        for bad in ["", " a", "a ", "a\tb", "all", "tag:web", "@a", "-a", &"n".repeat(256)] {
            assert!(bad.parse::<TargetName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn selectors_are_read_as_they_are_written() {
        for text in ["shop", "tag:env:prod", "all"] {
            assert_eq!(text.parse::<TargetSelector>().unwrap().to_string(), text);
        }
        assert!("tag:A".parse::<TargetSelector>().is_err());
        assert!("@all".parse::<TargetSelector>().is_err());
    }

    #[test]
    fn an_entry_is_what_its_kind_says_and_no_longer_than_it_may() {
        let target: Target = "domain:example.org".parse().unwrap();
        let entry = TargetEntry {
            owner: Owner::default(),
            name: TargetName::of(&target).unwrap(),
            target,
            tags: EntryTags::Also(BTreeSet::new()),
            enabled: None,
            template: None,
            note: None,
        };
        assert_eq!(entry.check(), Ok(()));
        let with = |target: &str| TargetEntry { target: target.parse().unwrap(), ..entry.clone() }.check();
        assert_eq!(with("cidr:nonsense").unwrap_err().to_string(), "`nonsense` is no cidr");
        for bad in [
            "cidr:10.0.0.0/33",
            "domain:a b",
            "domain:https://a",
            "domain:a,b",
            "host:a/b",
            "host:a;b",
            "url:a.example",
            "email:a",
            "image:-v",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
        for good in
            ["cidr:10.0.0.0/8", "cidr:2001:db8::/32", "host:::1", "url:https://a/b?c", "dir:/my files", "git:g@h:r@v"]
        {
            assert_eq!(with(good), Ok(()), "{good}");
        }
        let long = TargetEntry { note: Some("n".repeat(4097)), ..entry.clone() };
        assert_eq!(long.check().unwrap_err().to_string(), "the note is 4097 bytes long; 4096 are the most");
        let tags = (0..65).map(|n| format!("t{n}").parse().unwrap()).collect();
        assert_eq!(TargetEntry { tags: EntryTags::Only(tags), ..entry }.check(), Err(InvalidEntry::Tags(65)));
    }
}
