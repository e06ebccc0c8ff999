//! Lenient looks into one taken value, by JSON pointer (RFC 6901): scanners change types between versions.

use memchr::memchr;
use serde_json::Value;

use super::ParseError;
use crate::model::finding::Region;

/// The value at `pointer`. The library's own search builds a text for each segment, and most of what is looked for is not there.
pub(super) fn at<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    if memchr(b'~', pointer.as_bytes()).is_some() {
        return value.pointer(pointer);
    }
    let (mut value, mut rest) = (value, pointer.strip_prefix('/'));
    while let Some(path) = rest {
        let end = memchr(b'/', path.as_bytes());
        let segment = &path[..end.unwrap_or(path.len())];
        value = match value {
            Value::Object(map) => map.get(segment)?,
            Value::Array(items) => items.get(segment.parse::<usize>().ok()?)?,
            _ => return None,
        };
        rest = end.map(|end| &path[end + 1..]);
    }
    Some(value)
}

/// The text at `pointer`, trimmed; `None` when absent or empty.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    at(value, pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The first of several pointers that holds a text.
pub(super) fn first<'v>(value: &'v Value, pointers: &[&str]) -> Option<&'v str> {
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
pub(super) fn owned(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or_default().to_owned()
}

/// The texts at `pointer`, where one text stands for a list of one.
pub(super) fn texts(value: &Value, pointer: &str) -> Vec<String> {
    let one = |value: &Value| value.as_str().map(str::to_owned);
    match at(value, pointer) {
        Some(Value::Array(items)) => items.iter().filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The elements of the array at `pointer`; empty when there is none.
pub(super) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    at(value, pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
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
pub(super) fn number(value: &Value, pointer: &str) -> Option<u32> {
    match at(value, pointer)? {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The number at `pointer`, also when it is written as a text.
pub(super) fn float(value: &Value, pointer: &str) -> Option<f64> {
    match at(value, pointer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
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
        let value = json!({"a": [{"b": "x"}], "": 1, "a/b": 2, "m~n": 3, "7": 4});
        for pointer in ["", "/a", "/a/0", "/a/0/b", "/a/1", "/a/x", "/", "/a~1b", "/m~0n", "/7", "/a/0/b/c", "/none"] {
            assert_eq!(at(&value, pointer), value.pointer(pointer), "{pointer}");
        }
    }
}
