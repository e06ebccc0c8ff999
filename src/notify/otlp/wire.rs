//! The words of OTLP 1.x in its JSON encoding: ids as hexadecimal text, 64-bit numbers as decimal text, enumerations as numbers.

use serde::Serialize;

/// A span that stands for work inside of one program.
pub(super) const INTERNAL: u8 = 1;
/// The status of what failed.
pub(super) const ERROR: u8 = 2;

/// What is posted.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) resource_spans: Vec<ResourceSpans>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceSpans {
    pub(super) resource: Resource,
    pub(super) scope_spans: Vec<ScopeSpans>,
}

#[derive(Debug, Serialize)]
pub(super) struct Resource {
    pub(super) attributes: Attributes,
}

#[derive(Debug, Serialize)]
pub(super) struct ScopeSpans {
    pub(super) scope: Scope,
    pub(super) spans: Vec<Span>,
}

#[derive(Debug, Serialize)]
pub(super) struct Scope {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Span {
    pub(super) trace_id: String,
    #[serde(rename = "spanId")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) parent_span_id: String,
    pub(super) name: String,
    pub(super) kind: u8,
    pub(super) start_time_unix_nano: String,
    pub(super) end_time_unix_nano: String,
    pub(super) attributes: Attributes,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<Event>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) dropped_events_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Status>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    pub(super) time_unix_nano: String,
    pub(super) name: &'static str,
    pub(super) attributes: Attributes,
}

#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) message: String,
    pub(super) code: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the derived code passes it so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Attributes, each under a name of its own.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Attributes(Vec<Attribute>);

#[derive(Debug, Serialize)]
struct Attribute {
    key: String,
    value: Value,
}

#[derive(Debug, Serialize)]
enum Value {
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "boolValue")]
    Flag(bool),
    #[serde(rename = "intValue")]
    Number(String),
    #[serde(rename = "arrayValue")]
    List { values: Vec<Self> },
}

impl Attributes {
    fn with(mut self, key: impl Into<String>, value: Value) -> Self {
        self.0.push(Attribute { key: key.into(), value });
        self
    }

    /// Adds a text; an empty one says nothing and is left out.
    pub(super) fn text(self, key: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { self } else { self.with(key, Value::Text(text)) }
    }

    /// Adds a text if there is one.
    pub(super) fn maybe(self, key: &str, text: Option<impl Into<String>>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self,
        }
    }

    /// Adds a list with one text, where OpenTelemetry wants a list.
    pub(super) fn listed(self, key: &str, text: Option<impl Into<String>>) -> Self {
        let Some(text) = text else { return self };
        self.with(key, Value::List { values: vec![Value::Text(text.into())] })
    }

    pub(super) fn flag(self, key: &str, flag: bool) -> Self {
        self.with(key, Value::Flag(flag))
    }

    pub(super) fn number(self, key: impl Into<String>, number: impl TryInto<i64>) -> Self {
        self.with(key, Value::Number(number.try_into().unwrap_or(i64::MAX).to_string()))
    }
}
