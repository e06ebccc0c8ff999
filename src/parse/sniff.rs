//! The outline of a document: which keys it begins with.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

const MAX_HEAD: usize = 64 << 10;
const MAX_DEPTH: usize = 4;

/// The first keys of a JSON document as paths (`runs/[]/tool`), the root element of an XML document, or the first line of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    paths: BTreeSet<String>,
    xml_root: Option<String>,
    root_attributes: BTreeSet<String>,
    first_line: Option<String>,
}

impl Outline {
    /// Reads the beginning of a document; that it breaks off in the middle is expected.
    pub fn of(head: &[u8]) -> Self {
        let head = &head[..head.len().min(MAX_HEAD)];
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
        if text.starts_with(b"<") {
            let (xml_root, root_attributes) = xml_root(text).unzip();
            return Self { xml_root, root_attributes: root_attributes.unwrap_or_default(), ..Self::default() };
        }
        if !text.starts_with(b"{") && !text.starts_with(b"[") {
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let first_line = Some(String::from_utf8_lossy(line).trim_end().to_owned());
            return Self { first_line, ..Self::default() };
        }
        let mut outline = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        // An error only says that the head ends here.
        drop(Keys { outline: &mut outline, path: String::new(), depth: 0 }.deserialize(&mut deserializer));
        outline
    }

    /// Whether the document has a value at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Whether it has values at all these paths.
    pub(super) fn has_all(&self, paths: &[&str]) -> bool {
        paths.iter().all(|path| self.has(path))
    }

    /// Whether it is XML with this root element.
    pub(super) fn is_xml(&self, root: &str) -> bool {
        self.xml_root.as_deref() == Some(root)
    }

    /// Whether it is XML with this root element, and that has the attribute.
    pub(super) fn is_xml_with(&self, root: &str, attribute: &str) -> bool {
        self.is_xml(root) && self.root_attributes.contains(attribute)
    }

    /// Whether it is neither JSON nor XML, and begins like this.
    pub(super) fn begins_with(&self, text: &str) -> bool {
        self.first_line.as_deref().is_some_and(|line| line.starts_with(text))
    }

    /// Whether it is neither JSON nor XML, and its first line ends like this.
    pub(super) fn first_line_ends_with(&self, text: &str) -> bool {
        self.first_line.as_deref().is_some_and(|line| line.ends_with(text))
    }

    /// Whether it is a table with all these columns, parted by `delimiter`.
    pub(super) fn has_columns(&self, delimiter: char, columns: &[&str]) -> bool {
        let Some(line) = &self.first_line else { return false };
        let names: Vec<&str> = line.split(delimiter).map(|name| name.trim().trim_matches('"')).collect();
        columns.iter().all(|column| names.iter().any(|name| name.eq_ignore_ascii_case(column)))
    }
}

/// The name of the root element and those of its attributes.
fn xml_root(text: &[u8]) -> Option<(String, BTreeSet<String>)> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let attributes = tag.attributes().flatten().map(|attribute| text(attribute.key.local_name().as_ref()));
                return Some((text(tag.local_name().as_ref()), attributes.collect()));
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

struct Keys<'o> {
    outline: &'o mut Outline,
    path: String,
    depth: usize,
}

impl Keys<'_> {
    fn below(&mut self, key: &str) -> Keys<'_> {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}/{key}", self.path) };
        Keys { outline: &mut *self.outline, path, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.outline.paths.insert(self.path.clone());
        if self.depth < MAX_DEPTH {
            deserializer.deserialize_any(self)
        } else {
            deserializer.deserialize_ignored_any(IgnoredAny).map(drop)
        }
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(self.below(&key))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.below("[]"))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
