//! Lenient looks into one taken value, by JSON pointer (RFC 6901): scanners change types between versions.

use std::borrow::Cow;

use serde_json::Value;
pub(super) use serde_json_borrow::Value as Borrowed;

use super::ParseError;
use crate::model::finding::Region;

/// A value that was taken: one of its own, or one whose texts lie where they were read.
pub(super) trait Node: Sized {
    /// The value of a key: the last one, if an object has several.
    fn member(&self, key: &str) -> Option<&Self>;

    /// All members of an object.
    fn each_member<'n>(&'n self, take: impl FnMut(&'n str, &'n Self));

    /// The elements of an array.
    fn elements(&self) -> Option<&[Self]>;

    /// A text.
    fn as_text(&self) -> Option<&str>;

    /// A whole number that is not negative.
    fn as_whole(&self) -> Option<u64>;

    /// A number.
    fn as_number(&self) -> Option<f64>;
}

impl Node for Value {
    fn member(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    fn each_member<'n>(&'n self, mut take: impl FnMut(&'n str, &'n Self)) {
        self.as_object().into_iter().flatten().for_each(|(key, value)| take(key, value));
    }

    fn elements(&self) -> Option<&[Self]> {
        self.as_array().map(Vec::as_slice)
    }

    fn as_text(&self) -> Option<&str> {
        self.as_str()
    }

    fn as_whole(&self) -> Option<u64> {
        self.as_u64()
    }

    fn as_number(&self) -> Option<f64> {
        self.as_f64()
    }
}

impl Node for Borrowed<'_> {
    fn member(&self, key: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.as_vec().iter().rev().find(|(name, _)| **name == *key).map(|(_, value)| value)
    }

    fn each_member<'n>(&'n self, mut take: impl FnMut(&'n str, &'n Self)) {
        if let Self::Object(members) = self {
            members.iter().for_each(|(key, value)| take(key, value));
        }
    }

    fn elements(&self) -> Option<&[Self]> {
        let Self::Array(elements) = self else { return None };
        Some(elements)
    }

    fn as_text(&self) -> Option<&str> {
        let Self::Str(text) = self else { return None };
        Some(text)
    }

    fn as_whole(&self) -> Option<u64> {
        let Self::Number(number) = self else { return None };
        number.as_u64()
    }

    fn as_number(&self) -> Option<f64> {
        let Self::Number(number) = self else { return None };
        number.as_f64()
    }
}

/// The value at `pointer`. The library's own search builds a text for each segment, and most of what is looked for is not there.
pub(super) fn at<'v, N: Node>(value: &'v N, pointer: &str) -> Option<&'v N> {
    let (mut value, mut rest) = (value, pointer.strip_prefix('/'));
    while let Some(path) = rest {
        // Segments are too short for a search that is fast on long texts.
        let end = path.bytes().position(|byte| byte == b'/');
        let segment = unescaped(&path[..end.unwrap_or(path.len())]);
        value = match value.elements() {
            Some(elements) => elements.get(segment.parse::<usize>().ok()?)?,
            None => value.member(&segment)?,
        };
        rest = end.map(|end| &path[end + 1..]);
    }
    Some(value)
}

fn unescaped(segment: &str) -> Cow<'_, str> {
    if segment.bytes().all(|byte| byte != b'~') {
        return segment.into();
    }
    segment.replace("~1", "/").replace("~0", "~").into()
}

/// The text at `pointer`, trimmed; `None` when absent or empty.
pub(super) fn text<'v, N: Node>(value: &'v N, pointer: &str) -> Option<&'v str> {
    at(value, pointer)?.as_text().map(str::trim).filter(|text| !text.is_empty())
}

/// The first of several pointers that holds a text.
pub(super) fn first<'v, N: Node>(value: &'v N, pointers: &[&str]) -> Option<&'v str> {
    pointers.iter().find_map(|pointer| text(value, pointer))
}

/// The first of several pointers that holds a text; a result that has none of them is of another format.
pub(super) fn required<'v>(format: &'static str, value: &'v Value, pointers: &[&str]) -> Result<&'v str, ParseError> {
    first(value, pointers).ok_or_else(|| {
        let names: Vec<_> = pointers.iter().map(|pointer| format!("`{}`", pointer.trim_start_matches('/'))).collect();
        missing(format, &names.join(" or "), "a result")
    })
}

/// The error for what a document or a result must have and has not.
pub(super) fn missing(format: &'static str, what: &str, place: &str) -> ParseError {
    ParseError::Invalid { format, message: format!("it has no {what}"), place: place.to_owned() }
}

/// A copy of the text at `pointer`; empty when absent.
pub(super) fn owned<N: Node>(value: &N, pointer: &str) -> String {
    text(value, pointer).unwrap_or_default().to_owned()
}

/// The texts at `pointer`, where one text stands for a list of one.
pub(super) fn texts<N: Node>(value: &N, pointer: &str) -> Vec<String> {
    let Some(value) = at(value, pointer) else { return Vec::new() };
    let elements = value.elements().unwrap_or_else(|| std::slice::from_ref(value));
    elements.iter().filter_map(|element| element.as_text().map(str::to_owned)).collect()
}

/// The elements of the array at `pointer`; empty when there is none.
pub(super) fn items<'v, N: Node>(value: &'v N, pointer: &str) -> &'v [N] {
    at(value, pointer).and_then(Node::elements).unwrap_or_default()
}

/// The text at `inner` of each element of the array at `pointer`; an element that is a text itself stands as it is.
pub(super) fn each(value: &Value, pointer: &str, inner: &str) -> Vec<String> {
    let texts = items(value, pointer).iter().filter_map(|item| item.as_str().or_else(|| text(item, inner)));
    texts.map(str::to_owned).collect()
}

/// The text or number at `pointer` as a text: ids are both.
pub(super) fn scalar(value: &Value, pointer: &str) -> Option<String> {
    match at(value, pointer)? {
        Value::Number(number) => Some(number.to_string()),
        _ => text(value, pointer).map(str::to_owned),
    }
}

/// The whole number at `pointer`, also when it is written as a text.
pub(super) fn number<N: Node>(value: &N, pointer: &str) -> Option<u32> {
    let value = at(value, pointer)?;
    match value.as_text() {
        Some(text) => text.trim().parse().ok(),
        None => value.as_whole()?.try_into().ok(),
    }
}

/// The number at `pointer`, also when it is written as a text.
pub(super) fn float<N: Node>(value: &N, pointer: &str) -> Option<f64> {
    let value = at(value, pointer)?;
    match value.as_text() {
        Some(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        None => value.as_number(),
    }
}

/// The truth value at `pointer`; `None` for anything else.
pub(super) fn flag(value: &Value, pointer: &str) -> Option<bool> {
    at(value, pointer)?.as_bool()
}

/// A place in a file; `None` without a first line.
pub(super) fn region(
    start_line: Option<u32>,
    end_line: Option<u32>,
    start_column: Option<u32>,
    end_column: Option<u32>,
) -> Option<Region> {
    let positive = |number: Option<u32>| number.filter(|n| *n > 0);
    let start_line = positive(start_line)?;
    Some(Region {
        start_line,
        end_line: positive(end_line).filter(|end| *end >= start_line),
        start_column: positive(start_column),
        end_column: positive(end_column),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_lead_where_the_standard_says() {
        let value = json!({"a": [{"b": "x\n"}], "": 1, "a/b": 2, "m~n": 3, "7": 4});
        for pointer in ["", "/a", "/a/0", "/a/0/b", "/a/1", "/a/x", "/", "/a~1b", "/m~0n", "/7", "/a/0/b/c", "/none"] {
            assert_eq!(at(&value, pointer), value.pointer(pointer), "{pointer}");
            let written = value.to_string();
            let borrowed: Borrowed<'_> = serde_json::from_str(&written).unwrap();
            let there = at(&borrowed, pointer).map(|found| serde_json::to_value(found).unwrap());
            assert_eq!(there.as_ref(), value.pointer(pointer), "{pointer}");
        }
    }

    #[test]
    fn what_is_borrowed_reads_as_what_is_not() {
        let written = r#"{"t": " a\n ", "n": 7, "f": 1.5, "neg": -1, "s": "8", "l": ["x", 1, "y"], "k": 1, "k": 2, "\u0065": 3, "big": 1e30}"#;
        let value: Value = serde_json::from_str(written).unwrap();
        let borrowed: Borrowed<'_> = serde_json::from_str(written).unwrap();
        for pointer in ["/t", "/n", "/f", "/neg", "/s", "/l", "/l/0", "/k", "/e", "/big", "/none"] {
            assert_eq!(text(&borrowed, pointer), text(&value, pointer), "{pointer}");
            assert_eq!(texts(&borrowed, pointer), texts(&value, pointer), "{pointer}");
            assert_eq!(number(&borrowed, pointer), number(&value, pointer), "{pointer}");
            assert_eq!(float(&borrowed, pointer), float(&value, pointer), "{pointer}");
            assert_eq!(items(&borrowed, pointer).len(), items(&value, pointer).len(), "{pointer}");
        }
        assert_eq!((number(&borrowed, "/k"), number(&borrowed, "/e")), (Some(2), Some(3)));
    }
}
