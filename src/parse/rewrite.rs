//! Copies a JSON document as a stream, changing the values that routes name.

use std::fmt;
use std::io::{BufReader, Read, Write};

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::json::{Budget, Lead, Metered, ended, explain, is_trailing, leads, narrow};
use super::{ParseError, encoding};

/// Receives a route and its value, to change it; or the part of a route that has ended.
pub(super) type Change<'c> = dyn FnMut(&'static str, Option<&mut Value>) + 'c;

/// Copies a whole document, or several that follow one another. White space is not kept, nor the order of keys inside changed
/// values.
pub(super) fn rewrite(
    format: &'static str,
    input: &mut dyn Read,
    output: &mut dyn Write,
    routes: &'static [&'static str],
    change: &mut Change<'_>,
) -> Result<(), ParseError> {
    let budget = Budget::default();
    let reader = BufReader::new(Metered { inner: encoding::open(format, input)?, budget: budget.clone() });
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut copy = Copy { output, change, failed: None, budget: budget.clone() };
    let outcome = loop {
        let read = Node { copy: &mut copy, active: leads(routes) }.deserialize(&mut deserializer);
        match read.and_then(|()| deserializer.end()) {
            Err(error) if copy.failed.is_none() && is_trailing(&error) => {
                if let Err(error) = copy.raw("\n") {
                    break Err(error);
                }
            }
            outcome => break outcome,
        }
    };
    match (copy.failed, outcome) {
        (Some(error), _) => Err(ParseError::Read(error)),
        (None, Err(error)) => Err(explain(format, error, &budget)),
        (None, Ok(())) => Ok(()),
    }
}

struct Copy<'c, 'f> {
    output: &'c mut dyn Write,
    change: &'c mut Change<'f>,
    failed: Option<std::io::Error>,
    budget: Budget,
}

impl Copy<'_, '_> {
    fn put<E: serde::de::Error>(&mut self, value: &impl serde::Serialize) -> Result<(), E> {
        let written = serde_json::to_writer(&mut *self.output, value).map_err(Into::into);
        self.check(written)
    }

    fn raw<E: serde::de::Error>(&mut self, token: &str) -> Result<(), E> {
        let written = self.output.write_all(token.as_bytes());
        self.check(written)
    }

    fn check<E: serde::de::Error>(&mut self, written: std::io::Result<()>) -> Result<(), E> {
        written.map_err(|error| {
            self.failed = Some(error);
            E::custom("the copy cannot be written")
        })
    }
}

struct Node<'n, 'c, 'f> {
    copy: &'n mut Copy<'c, 'f>,
    active: Vec<Lead>,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.copy.budget.renew();
        match ended(&self.active).filter(|_| !self.active.iter().any(|lead| lead.wants_array())) {
            Some(lead) => self.changed(lead, serde::Deserialize::deserialize(deserializer)?),
            None => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some(lead) = ended(&self.active) {
            return self.changed(lead, serde::Deserialize::deserialize(MapAccessDeserializer::new(map))?);
        }
        let mut before = "{";
        while let Some(key) = map.next_key::<String>()? {
            self.copy.raw(before)?;
            self.copy.put(&key)?;
            self.copy.raw(":")?;
            map.next_value_seed(Node { copy: &mut *self.copy, active: narrow(&self.active, Some(&key)) })?;
            before = ",";
        }
        self.close(if before == "{" { "{}" } else { "}" })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let active = narrow(&self.active, None);
        let mut before = "[";
        while seq
            .next_element_seed(Element { before, node: Node { copy: &mut *self.copy, active: active.clone() } })?
            .is_some()
        {
            before = ",";
        }
        self.close(if before == "[" { "[]" } else { "]" })
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.copy.put(&value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.copy.put(&value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.copy.put(&value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.copy.put(&value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.copy.put(&value)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.copy.raw("null")
    }
}

impl Node<'_, '_, '_> {
    fn changed<E: serde::de::Error>(self, lead: Lead, mut value: Value) -> Result<(), E> {
        (self.copy.change)(lead.full, Some(&mut value));
        self.copy.put(&value)
    }

    fn close<E: serde::de::Error>(self, token: &str) -> Result<(), E> {
        self.copy.raw(token)?;
        if let Some(lead) = self.active.first() {
            (self.copy.change)(lead.followed(), None);
        }
        Ok(())
    }
}

/// An element of an array, which exists only if the comma before it is due.
struct Element<'n, 'c, 'f> {
    before: &'static str,
    node: Node<'n, 'c, 'f>,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.node.copy.raw::<D::Error>(self.before).map_err(D::Error::custom)?;
        self.node.deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(text: &str) -> Result<String, ParseError> {
        let mut output = Vec::new();
        rewrite("test", &mut text.as_bytes(), &mut output, &["a/[]/secret"], &mut |_, value| {
            if let Some(value) = value {
                *value = Value::from("gone");
            }
        })?;
        Ok(String::from_utf8(output).unwrap())
    }

    #[test]
    fn only_named_values_change() {
        let text =
            r#"{"a":[{"secret":"x","n":-1},{"secret":{"y":1}},[]],"b":[{},null,true,1.5,"é\n"],"secret":"kept"}"#;
        let expected =
            r#"{"a":[{"secret":"gone","n":-1},{"secret":"gone"},[]],"b":[{},null,true,1.5,"é\n"],"secret":"kept"}"#;
        assert_eq!(copy(text).unwrap(), expected);
        assert!(matches!(copy("{\"a\":["), Err(ParseError::Invalid { .. })));
    }
}
