//! Targets as JSON: a list of objects or texts, alone or as `targets` of an object. Each is read by itself.

use std::io::BufRead;
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Malformed, Meter, Metered, Take, set, unknown_field};
use crate::app::targets::entry::RawEntry;
use crate::app::targets::import::Stop;

pub(super) fn read(input: impl BufRead, take: Take<'_>) -> Result<(), Stop> {
    let (input, meter) = Metered::new(input, 0);
    let mut stopped = None;
    let mut reader = serde_json::Deserializer::from_reader(input);
    let list = List { meter, take, stopped: &mut stopped };
    let read = list.deserialize(&mut reader).and_then(|()| reader.end());
    match (stopped, read) {
        (Some(stop), _) => Err(stop),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => {
            // The place is told apart from the words.
            let words = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = words.strip_suffix(&place).unwrap_or(&words);
            Err(Malformed::at(error.line() as u64, message).into())
        }
    }
}

/// The document.
struct List<'a, 't> {
    meter: Rc<Meter>,
    take: Take<'t>,
    /// Why the taker wants no more.
    stopped: &'a mut Option<Stop>,
}

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of targets, or an object with `targets`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.meter.renew();
        while list
            .next_element_seed(Element { meter: &self.meter, take: &mut *self.take, stopped: &mut *self.stopped })?
            .is_some()
        {
            self.meter.renew();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { meter, take, stopped } = self;
        let mut has_targets = false;
        while let Some(key) = object.next_key::<String>()? {
            match key.as_str() {
                "targets" if !has_targets => {
                    has_targets = true;
                    object.next_value_seed(List { meter: meter.clone(), take: &mut *take, stopped: &mut *stopped })?;
                }
                "targets" => return Err(A::Error::custom("`targets` is there twice")),
                "schema" => drop(object.next_value::<IgnoredAny>()?),
                other => {
                    let short: String = other.chars().take(64).collect();
                    return Err(A::Error::custom(format!("`{short}` is not known here; there is `targets`")));
                }
            }
            meter.renew();
        }
        if has_targets { Ok(()) } else { Err(A::Error::custom("it has no `targets`")) }
    }
}

/// One entry.
struct Element<'a, 't> {
    meter: &'a Meter,
    take: Take<'t>,
    stopped: &'a mut Option<Stop>,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        let line = self.meter.line.get();
        let value = <Value as serde::Deserialize>::deserialize(reader)?;
        (self.take)(line, entry(value)).map_err(|stop| {
            *self.stopped = Some(stop);
            D::Error::custom("stopped")
        })
    }
}

/// Makes an entry of an object, or of a text: a target alone.
pub(super) fn entry(value: Value) -> Result<RawEntry, String> {
    let object = match value {
        Value::String(target) => return Ok(RawEntry { target, ..RawEntry::default() }),
        Value::Object(object) => object,
        _ => return Err("it is neither an object nor a text".to_owned()),
    };
    let mut entry = RawEntry::default();
    for (field, value) in object {
        match (field.as_str(), value) {
            (field, Value::String(text)) => set(&mut entry, field, text)?,
            (field, Value::Null) if field != "target" => set(&mut entry, field, String::new())?,
            ("enabled", Value::Bool(enabled)) => entry.enabled = Some(enabled),
            ("tags", Value::Array(tags)) => entry.tags = Some(texts(tags)?),
            (told, _) if super::TOLD.contains(&told) => {}
            (known, _) if super::FIELDS.contains(&known) => {
                return Err(format!("`{known}` is of another type than it may be"));
            }
            (unknown, _) => return Err(unknown_field(unknown)),
        }
    }
    if entry.target.is_empty() {
        return Err("it has no `target`".to_owned());
    }
    Ok(entry)
}

fn texts(values: Vec<Value>) -> Result<Vec<String>, String> {
    let text = |value| match value {
        Value::String(text) => Ok(text),
        _ => Err("a tag is a text".to_owned()),
    };
    values.into_iter().map(text).collect()
}
