//! Walks a JSON document as a stream: routes name the values to take, everything else is skipped without being built.
//!
//! A route is a list of segments parted by `/`: a key, `*` for any key, `[]` for each element of an array. `@` is any key too, and
//! tells it: the key itself comes as a text under the route up to and with the `@`, before what it leads to. Shapes are checked
//! on the way: where a route says array, an object is an error; `null` stands for "none" everywhere, as Go's encoder writes it.
//! Where one route ends and another goes on with `[]`, as in `""` and `"[]"`, an object is taken as it is and an array element by
//! element: many tools write one result bare and several in an array.

mod rewrite;
mod route;
mod window;

use std::io::Read;

use serde_json::Value;

use self::route::{Lead, ended, leads, narrow};
use self::window::Window;
use super::{ParseError, encoding};

pub(super) use rewrite::{Change, rewrite};

/// What the walk comes upon.
pub(super) enum Event {
    /// The value at the end of a route.
    Value(Value),
    /// The end of an object or array that a route leads through.
    End,
}

/// Receives the route, or the part of it that has ended, and the event.
pub(super) type Visit<'v> = dyn FnMut(&'static str, Event) -> Result<(), ParseError> + 'v;

/// The same, with what a [`Look`] at the value as it is written has said.
pub(super) type Visited<'v> = dyn FnMut(&'static str, Event, bool) -> Result<(), ParseError> + 'v;

/// A look at the bytes of a whole value, which is faster than one at each of its texts.
pub(super) type Look = fn(&[u8]) -> bool;

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
    look: Look,
    visit: &mut Visited<'_>,
) -> Result<Seen, ParseError> {
    let seen = Seen { format, routes, found: vec![false; routes.len()], null: true };
    walk_documents(input, Walk { look, visit, seen }, false)
}

/// Walks documents that follow one another, one a line (JSON Lines) or not; at least one.
pub(super) fn walk_all(
    format: &'static str,
    input: &mut dyn Read,
    routes: &'static [&'static str],
    look: Look,
    visit: &mut Visited<'_>,
) -> Result<Seen, ParseError> {
    let seen = Seen { format, routes, found: vec![false; routes.len()], null: true };
    walk_documents(input, Walk { look, visit, seen }, true)
}

fn walk_documents(input: &mut dyn Read, mut walk: Walk<'_, '_>, several: bool) -> Result<Seen, ParseError> {
    let mut input = encoding::open(walk.seen.format, input)?;
    let mut window = Window::new(walk.seen.format, &mut input, None);
    let leads = leads(walk.seen.routes);
    loop {
        walk.node(&mut window, &leads)?;
        match window.peek()? {
            None => return Ok(walk.seen),
            Some(_) if several => {}
            Some(_) => return Err(window.invalid("trailing characters")),
        }
    }
}

struct Walk<'w, 'v> {
    look: Look,
    visit: &'w mut Visited<'v>,
    seen: Seen,
}

impl Walk<'_, '_> {
    /// Walks the next value, into which these routes lead.
    fn node(&mut self, window: &mut Window<'_>, active: &[Lead]) -> Result<(), ParseError> {
        for lead in active {
            self.seen.found[lead.route] |= lead.rest.is_empty();
        }
        if active.is_empty() {
            return window.skip();
        }
        let (arrays, end) = (active.iter().any(|lead| lead.wants_array()), ended(active));
        match (window.peek()?, end) {
            (Some(b'{'), Some(lead)) => self.value(window, lead.full),
            (_, Some(lead)) if !arrays => self.value(window, lead.full),
            (Some(b'{'), None) if active.iter().any(|lead| !lead.wants_array()) => self.object(window, active),
            (Some(b'['), _) if arrays => self.array(window, active),
            (Some(b'n'), _) => {
                self.see_array(active);
                window.skip()
            }
            (None, _) => window.skip(),
            (Some(other), _) => Err(window.invalid(&misfit(active, other))),
        }
    }

    fn value(&mut self, window: &mut Window<'_>, route: &'static str) -> Result<(), ParseError> {
        let (value, said) = window.take_with(self.look)?;
        (self.visit)(route, Event::Value(value), said)
    }

    fn object(&mut self, window: &mut Window<'_>, active: &[Lead]) -> Result<(), ParseError> {
        window.members(b'}', &mut |window| {
            let key = window.key()?;
            let active = narrow(active, Some(&key));
            if let Some(lead) = active.iter().find(|lead| lead.tells_key()) {
                let said = (self.look)(key.as_bytes());
                (self.visit)(lead.followed(), Event::Value(Value::String(key)), said)?;
            }
            self.node(window, &active)
        })?;
        self.end(active)
    }

    fn array(&mut self, window: &mut Window<'_>, active: &[Lead]) -> Result<(), ParseError> {
        self.see_array(active);
        let below = narrow(active, None);
        window.members(b']', &mut |window| self.node(window, &below))?;
        self.end(active)
    }

    /// Notes that the array which a route leads into is there, if only as `null`.
    fn see_array(&mut self, active: &[Lead]) {
        for lead in active.iter().filter(|lead| lead.rest == "[]") {
            self.seen.found[lead.route] = true;
        }
    }

    fn end(&mut self, active: &[Lead]) -> Result<(), ParseError> {
        self.seen.null = false;
        active.first().map_or(Ok(()), |lead| (self.visit)(lead.followed(), Event::End, false))
    }
}

/// What is wrong with a value that begins like this.
fn misfit(active: &[Lead], first: u8) -> String {
    let array = active.iter().any(|lead| lead.wants_array());
    let object = active.iter().any(|lead| !lead.wants_array());
    let expected = match (array, object) {
        (true, true) => "an array or an object",
        (true, false) => "an array",
        _ => "an object",
    };
    let found = match first {
        b'{' => "an object",
        b'[' => "an array",
        b'"' => "a text",
        b't' | b'f' => "a truth value",
        b'-' | b'0'..=b'9' => "a number",
        _ => return "expected value".to_owned(),
    };
    format!("{expected} was expected and {found} is there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::metered::MAX_VALUE;

    const ROUTES: &[&str] = &["runs/[]/results/[]", "runs/[]/tool/name", "extra/*/[]"];

    fn events(text: &str) -> Result<Vec<String>, String> {
        let mut events = Vec::new();
        walk("test", &mut text.as_bytes(), ROUTES, |_| false, &mut |route, event, _| {
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
        walk("test", &mut text.as_bytes(), &["files/@/[]", "rules/@"], |_| false, &mut |route, event, _| {
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
    fn a_value_is_looked_at_as_it_is_written() {
        let mut said = Vec::new();
        let text = r#"{"files":{"a<b":["x", "a\u003cb", {"k" : ["<"]}]}}"#;
        let less = |written: &[u8]| written.contains(&b'<');
        walk("test", &mut text.as_bytes(), &["files/@/[]"], less, &mut |_, event, yes| {
            if let Event::Value(value) = event {
                said.push(format!("{value} {yes}"));
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(said, [r#""a<b" true"#, r#""x" false"#, r#""a<b" false"#, r#"{"k":["<"]} true"#]);
    }

    #[test]
    fn wrong_shapes_and_broken_files_have_a_place() {
        assert_eq!(
            events(r#"{"runs":{}}"#).unwrap_err(),
            "not test: an array was expected and an object is there (at line 1 column 9)"
        );
        assert!(
            events(r#"{"runs":"x"}"#)
                .unwrap_err()
                .contains("an array was expected and a text is there (at line 1 column 9)")
        );
        assert!(events("{\"runs\":[\n{").unwrap_err().contains("line 2 column 2"));
        assert!(events("{} x").unwrap_err().contains("trailing characters"));
        assert!(events(&"[".repeat(1000)).unwrap_err().contains("expected"));
        assert!(events(&format!(r#"{{"z":{}1"#, "[".repeat(1000))).unwrap_err().contains("at line 1"));
    }

    #[test]
    fn one_result_and_many_are_read_alike() {
        let taken = |text: &str| {
            let mut taken = Vec::new();
            walk_all("test", &mut text.as_bytes(), &["", "[]"], |_| false, &mut |_, event, _| {
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
            let seen = walk("test", &mut text.as_bytes(), EITHER, |_| false, &mut |_, _, _| Ok(())).unwrap();
            seen.require(&["[]"]).is_ok()
        };
        assert!(has("[]") && has("[1]") && has("null"));
        assert!(!has("{}") && !has(r#"{"list":[]}"#));
    }

    #[test]
    fn one_value_cannot_fill_the_memory_but_a_skipped_one_may_be_long() {
        let huge = "x".repeat(MAX_VALUE + (1 << 20));
        assert!(
            events(&format!(r#"{{"runs":[{{"results":["{huge}"]}}]}}"#)).unwrap_err().contains("longer than 16 MiB")
        );
        assert_eq!(events(&format!(r#"{{"junk":"{huge}","runs":[]}}"#)).unwrap(), ["/runs", "/"]);
    }
}
