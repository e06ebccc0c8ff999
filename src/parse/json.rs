//! Walks a JSON document as a stream: routes name the values to take, everything else is skipped without being built.
//!
//! A route is a list of segments parted by `/`: a key, `*` for any key, `[]` for each element of an array. `@` is any key too, and
//! tells it: the key itself comes as a text under the route up to and with the `@`, before what it leads to. Shapes are checked
//! on the way: where a route says array, an object is an error; `null` stands for "none" everywhere, as Go's encoder writes it.
//! Where one route ends and another goes on with `[]`, as in `""` and `"[]"`, an object is taken as it is and an array element by
//! element: many tools write one result bare and several in an array.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{ParseError, encoding};

/// Longest single value that is taken, in bytes.
pub(super) const MAX_VALUE: u64 = 16 << 20;

/// What the walk comes upon.
pub(super) enum Event {
    /// The value at the end of a route.
    Value(Value),
    /// The end of an object or array that a route leads through.
    End,
}

/// Receives the route, or the part of it that has ended, and the event.
pub(super) type Visit<'v> = dyn FnMut(&'static str, Event) -> Result<(), ParseError> + 'v;

/// Which routes the document had.
pub(super) struct Seen {
    format: &'static str,
    routes: &'static [&'static str],
    found: Vec<bool>,
    null: bool,
}

impl Seen {
    /// Whether the whole document is `null`.
    pub(super) fn is_null(&self) -> bool {
        self.null
    }

    /// Refuses a document that has none of these routes (a route to elements counts when its array is there, even empty).
    pub(super) fn require(&self, any_of: &[&str]) -> Result<(), ParseError> {
        let found = self.routes.iter().zip(&self.found).any(|(route, seen)| *seen && any_of.contains(route));
        if found {
            return Ok(());
        }
        let wanted: Vec<_> = any_of.iter().map(|route| format!("`{}`", route.trim_end_matches("/[]"))).collect();
        let message = format!("it has no {}", wanted.join(" or "));
        Err(ParseError::Invalid { format: self.format, message, place: "the whole document".to_owned() })
    }
}

/// Walks a document from its first byte to its last.
pub(super) fn walk(
    format: &'static str,
    input: &mut dyn Read,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<Seen, ParseError> {
    walk_documents(format, input, routes, visit, false)
}

/// Walks documents that follow one another, one a line (JSON Lines) or not; at least one.
pub(super) fn walk_all(
    format: &'static str,
    input: &mut dyn Read,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<Seen, ParseError> {
    walk_documents(format, input, routes, visit, true)
}

fn walk_documents(
    format: &'static str,
    input: &mut dyn Read,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
    several: bool,
) -> Result<Seen, ParseError> {
    let budget = Budget::default();
    let mut walk = Walk { visit, seen: vec![false; routes.len()], halt: None, null: true, budget: budget.clone() };
    let reader = BufReader::new(Metered { inner: encoding::open(format, input)?, budget: budget.clone() });
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let outcome = loop {
        let read = Node { walk: &mut walk, active: leads(routes) }.deserialize(&mut deserializer);
        match read.and_then(|()| deserializer.end()) {
            // What is behind a document is the beginning of the next.
            Err(error) if several && walk.halt.is_none() && is_trailing(&error) => {}
            outcome => break outcome,
        }
    };
    match (walk.halt, outcome) {
        (Some(halt), _) => Err(halt),
        (None, Err(error)) => Err(explain(format, error, &budget)),
        (None, Ok(())) => Ok(Seen { format, routes, found: walk.seen, null: walk.null }),
    }
}

/// Turns a JSON error into ours, with its place.
pub(super) fn explain(format: &'static str, error: serde_json::Error, budget: &Budget) -> ParseError {
    if budget.is_spent() {
        let message = format!("a single value is longer than {} MiB", MAX_VALUE >> 20);
        return ParseError::Invalid { format, message, place: place(&error) };
    }
    if error.is_io() {
        return ParseError::Read(error.into());
    }
    let place = place(&error);
    let text = error.to_string();
    let message = text.strip_suffix(&format!(" at {place}")).unwrap_or(&text).to_owned();
    ParseError::Invalid { format, message, place }
}

/// Whether a document is whole and something follows it.
pub(super) fn is_trailing(error: &serde_json::Error) -> bool {
    error.is_syntax() && error.to_string().starts_with("trailing characters")
}

fn place(error: &serde_json::Error) -> String {
    format!("line {} column {}", error.line(), error.column())
}

/// How many more bytes may be read before the next value begins.
#[derive(Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MAX_VALUE)))
    }
}

impl Budget {
    /// Begins a value that will be held in memory.
    pub(super) fn renew(&self) {
        self.0.set(MAX_VALUE);
    }

    /// Begins a value that is skipped and may be of any length.
    pub(super) fn lift(&self) {
        self.0.set(u64::MAX);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// A reader that stops when the budget is spent.
pub(super) struct Metered<R> {
    pub(super) inner: R,
    pub(super) budget: Budget,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.budget.is_spent() {
            return Err(io::Error::other("a value is too long"));
        }
        let read = self.inner.read(buffer)?;
        self.budget.0.set(self.budget.0.get().saturating_sub(read as u64));
        Ok(read)
    }
}

/// A route that still fits, and what of it lies ahead.
#[derive(Clone, Copy)]
pub(super) struct Lead {
    pub(super) route: usize,
    pub(super) full: &'static str,
    pub(super) rest: &'static str,
}

impl Lead {
    /// Follows a key (`None`: an element of an array).
    fn follow(self, key: Option<&str>) -> Option<Self> {
        let (segment, rest) = self.rest.split_once('/').unwrap_or((self.rest, ""));
        let fits = match key {
            None => segment == "[]",
            Some(key) => segment != "[]" && (segment == "*" || segment == "@" || segment == key),
        };
        fits.then_some(Self { rest, ..self })
    }

    pub(super) fn wants_array(self) -> bool {
        self.rest == "[]" || self.rest.starts_with("[]/")
    }

    /// Whether the last segment that was followed tells its key.
    fn tells_key(self) -> bool {
        self.followed().rsplit('/').next() == Some("@")
    }

    /// The part of the route that has been followed.
    pub(super) fn followed(self) -> &'static str {
        self.full[..self.full.len() - self.rest.len()].trim_end_matches('/')
    }
}

/// All routes, at the root of a document.
pub(super) fn leads(routes: &[&'static str]) -> Vec<Lead> {
    routes.iter().copied().enumerate().map(|(route, rest)| Lead { route, full: rest, rest }).collect()
}

/// The routes that go on at `key`.
pub(super) fn narrow(active: &[Lead], key: Option<&str>) -> Vec<Lead> {
    active.iter().filter_map(|lead| lead.follow(key)).collect()
}

/// The route that ends here.
pub(super) fn ended(active: &[Lead]) -> Option<Lead> {
    active.iter().find(|lead| lead.rest.is_empty()).copied()
}

struct Walk<'w, 'v> {
    visit: &'w mut Visit<'v>,
    seen: Vec<bool>,
    halt: Option<ParseError>,
    null: bool,
    budget: Budget,
}

impl Walk<'_, '_> {
    fn tell<E: serde::de::Error>(&mut self, route: &'static str, event: Event) -> Result<(), E> {
        (self.visit)(route, event).map_err(|halt| {
            self.halt = Some(halt);
            E::custom("halted")
        })
    }
}

struct Node<'n, 'w, 'v> {
    walk: &'n mut Walk<'w, 'v>,
    active: Vec<Lead>,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        for lead in &self.active {
            self.walk.seen[lead.route] |= lead.rest.is_empty();
        }
        if self.active.is_empty() {
            self.walk.budget.lift();
            deserializer.deserialize_ignored_any(IgnoredAny)?;
        } else if let Some(lead) = ended(&self.active).filter(|_| !self.active.iter().any(|lead| lead.wants_array())) {
            self.walk.budget.renew();
            let value = serde::Deserialize::deserialize(deserializer)?;
            self.walk.tell(lead.full, Event::Value(value))?;
        } else {
            let walk = &mut *self.walk;
            deserializer.deserialize_any(Node { walk, active: self.active })?;
        }
        self.walk.budget.renew();
        Ok(())
    }
}

impl<'de> Visitor<'de> for Node<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let array = self.active.iter().any(|lead| lead.wants_array());
        let object = self.active.iter().any(|lead| !lead.wants_array());
        f.write_str(match (array, object) {
            (true, true) => "an array or an object",
            (true, false) => "an array",
            _ => "an object",
        })
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.see_array();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some(lead) = ended(&self.active) {
            self.walk.budget.renew();
            let value = serde::Deserialize::deserialize(MapAccessDeserializer::new(map))?;
            return self.walk.tell(lead.full, Event::Value(value));
        }
        if self.active.iter().all(|lead| lead.wants_array()) {
            return Err(A::Error::custom("an array was expected and an object is there"));
        }
        while let Some(key) = map.next_key::<String>()? {
            let active = narrow(&self.active, Some(&key));
            if let Some(lead) = active.iter().find(|lead| lead.tells_key()) {
                self.walk.tell(lead.followed(), Event::Value(Value::String(key)))?;
            }
            map.next_value_seed(Node { walk: &mut *self.walk, active })?;
        }
        self.end()
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        if !self.active.iter().any(|lead| lead.wants_array()) {
            return Err(A::Error::custom("an object was expected and an array is there"));
        }
        self.see_array();
        let active = narrow(&self.active, None);
        while seq.next_element_seed(Node { walk: &mut *self.walk, active: active.clone() })?.is_some() {}
        self.end()
    }
}

impl Node<'_, '_, '_> {
    /// Notes that the array which a route leads into is there, if only as `null`.
    fn see_array(&mut self) {
        for lead in self.active.iter().filter(|lead| lead.rest == "[]") {
            self.walk.seen[lead.route] = true;
        }
    }

    fn end<E: serde::de::Error>(self) -> Result<(), E> {
        self.walk.null = false;
        match self.active.first() {
            Some(lead) => self.walk.tell(lead.followed(), Event::End),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &[&str] = &["runs/[]/results/[]", "runs/[]/tool/name", "extra/*/[]"];

    fn events(text: &str) -> Result<Vec<String>, String> {
        let mut events = Vec::new();
        walk("test", &mut text.as_bytes(), ROUTES, &mut |route, event| {
            events.push(match event {
                Event::Value(value) => format!("{route}={value}"),
                Event::End => format!("/{route}"),
            });
            Ok(())
        })
        .map_err(|error| error.to_string())?;
        Ok(events)
    }

    #[test]
    fn values_come_in_the_order_of_the_file() {
        let got = events(r#"{"runs":[{"results":[1,{"a":2}],"junk":[[[]]],"tool":{"name":"x"}}],"extra":{"k":[3]}}"#);
        let expected = [
            "runs/[]/results/[]=1",
            r#"runs/[]/results/[]={"a":2}"#,
            "/runs/[]/results",
            r#"runs/[]/tool/name="x""#,
            "/runs/[]/tool",
            "/runs/[]",
            "/runs",
            "extra/*/[]=3",
            "/extra/*",
            "/extra",
            "/",
        ];
        assert_eq!(got.unwrap(), expected);
    }

    #[test]
    fn a_key_that_looks_like_a_route_is_only_a_key() {
        assert_eq!(events(r#"{"runs":null,"[]":1,"runs/[]/results/[]":2}"#).unwrap(), ["/"]);
    }

    #[test]
    fn keys_are_told_where_a_route_asks_for_them() {
        let mut told = Vec::new();
        let text = r#"{"files":{"a.py":[1,2],"b/[]":[]},"rules":{"r":{"x":3}}}"#;
        walk("test", &mut text.as_bytes(), &["files/@/[]", "rules/@"], &mut |route, event| {
            if let Event::Value(value) = event {
                told.push(format!("{route}={value}"));
            }
            Ok(())
        })
        .unwrap();
        let expected = [
            r#"files/@="a.py""#,
            "files/@/[]=1",
            "files/@/[]=2",
            r#"files/@="b/[]""#,
            r#"rules/@="r""#,
            r#"rules/@={"x":3}"#,
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn wrong_shapes_and_broken_files_have_a_place() {
        assert_eq!(
            events(r#"{"runs":{}}"#).unwrap_err(),
            "not test: an array was expected and an object is there (at line 1 column 10)"
        );
        assert!(events(r#"{"runs":"x"}"#).unwrap_err().contains("expected an array"));
        assert!(events("{\"runs\":[\n{").unwrap_err().contains("line 2 column 1"));
        assert!(events("{} x").unwrap_err().contains("trailing characters"));
        assert!(events(&"[".repeat(1000)).unwrap_err().contains("expected"));
        assert!(events(&format!(r#"{{"z":{}1"#, "[".repeat(1000))).unwrap_err().contains("at line 1"));
    }

    #[test]
    fn one_result_and_many_are_read_alike() {
        let taken = |text: &str| {
            let mut taken = Vec::new();
            walk_all("test", &mut text.as_bytes(), &["", "[]"], &mut |_, event| {
                if let Event::Value(value) = event {
                    taken.push(value.to_string());
                }
                Ok(())
            })
            .map(|_| taken.join(" "))
            .map_err(|error| error.to_string())
        };
        assert_eq!(taken(r#"{"a":1}"#).unwrap(), r#"{"a":1}"#);
        assert_eq!(taken(r#"[{"a":1},{"a":2}]"#).unwrap(), r#"{"a":1} {"a":2}"#);
        assert_eq!(taken("{\"a\":1}\n{\"a\":2}\n").unwrap(), r#"{"a":1} {"a":2}"#);
        assert!(taken("{\"a\":1}\n{\"a\"").unwrap_err().contains("line 2"));
        assert!(taken("{\"a\":1}\nERROR x").is_err());
        assert!(taken("").unwrap_err().contains("empty"));
    }

    #[test]
    fn an_array_counts_when_it_is_there() {
        const EITHER: &[&str] = &["list/[]", "[]"];
        let has = |text: &str| {
            let seen = walk("test", &mut text.as_bytes(), EITHER, &mut |_, _| Ok(())).unwrap();
            seen.require(&["[]"]).is_ok()
        };
        assert!(has("[]") && has("[1]") && has("null"));
        assert!(!has("{}") && !has(r#"{"list":[]}"#));
    }

    #[test]
    fn one_value_cannot_fill_the_memory_but_a_skipped_one_may_be_long() {
        let huge = "x".repeat(usize::try_from(MAX_VALUE).unwrap() + (1 << 20));
        assert!(
            events(&format!(r#"{{"runs":[{{"results":["{huge}"]}}]}}"#)).unwrap_err().contains("longer than 16 MiB")
        );
        assert_eq!(events(&format!(r#"{{"junk":"{huge}","runs":[]}}"#)).unwrap(), ["/runs", "/"]);
    }
}
