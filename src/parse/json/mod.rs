//! Walks a JSON document as a stream: routes name the values to take, everything else is skipped without being built.
//!
//! A route is a list of segments parted by `/`: a key, `*` for any key, `[]` for each element of an array. `@` is any key too, and
//! tells it: the key itself comes as a text under the route up to and with the `@`, before what it leads to. Shapes are checked
//! on the way: where a route says array, an object is an error; `null` stands for "none" everywhere, as Go's encoder writes it.
//! Where one route ends and another goes on with `[]`, as in `""` and `"[]"`, an object is taken as it is and an array element by
//! element: many tools write one result bare and several in an array.
//!
//! What is passed over can be copied on the way, with its secrets masked ([`Mask`]). Routes that only the mask has are followed for the
//! copy alone: whatever stands there is no error.

mod route;
mod window;

use std::io::Read;

use serde_json::Value;

use self::route::{Lead, ended, leads, narrow};
use self::window::Window;
use super::strings::Strings;
use super::value::Borrowed;
use super::{ParseError, encoding};

/// What the walk comes upon.
pub(super) enum Event {
    /// The value at the end of a route.
    Value(Value),
    /// The end of an object or array that a route leads through.
    End,
}

/// Takes what the walk comes upon.
pub(super) trait Visitor {
    /// Takes an event, with its route or the part of it that has ended.
    fn visit(&mut self, route: &'static str, event: Event) -> Result<(), ParseError>;

    /// Whether values of a route that have nothing to hide are taken where they lie in the text, which spares building them.
    fn takes_plain(&self, route: &'static str) -> bool;

    /// Takes such a value.
    fn plain(&mut self, route: &'static str, value: &Borrowed<'_>) -> Result<(), ParseError>;
}

/// Hides what is secret in values, before they are handed over.
pub(super) trait Mask {
    /// Routes that are followed for the copy's sake, whether anybody else asks for what is there or not.
    fn routes(&self) -> &'static [&'static str];

    /// Whether there is nothing to hide in the value at the end of a route, which is written like this.
    fn is_plain(&self, route: &'static str, value: &Borrowed<'_>, written: &[u8]) -> bool;

    /// Masks the value at the end of a route, or a key, which is written like this.
    fn mask(&mut self, route: &'static str, value: &mut Value, written: &[u8]) -> Masked;

    /// Makes what stands for a value that cannot be built: it is too long, too deep or of no number; no parser takes it.
    fn instead(&mut self, written: &[u8]) -> String;

    /// An object or array that a route leads through has ended.
    fn end(&mut self, route: &'static str);
}

/// How a value is copied.
pub(super) enum Masked {
    /// As it is written: there is nothing to hide.
    AsWritten,
    /// As it is written, but for secrets that its strings may hold.
    ByString,
    /// As it has become.
    Anew,
}

/// A document, or several.
pub(super) struct Document<'d, 's, 'k> {
    pub(super) format: &'static str,
    pub(super) input: &'d mut dyn Read,
    pub(super) copy: Option<&'d mut Strings<'s, 'k>>,
    /// Whether documents may follow one another, one a line (JSON Lines) or not.
    pub(super) several: bool,
}

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

/// Walks from the first byte to the last.
pub(super) fn walk(
    document: Document<'_, '_, '_>,
    routes: &'static [&'static str],
    mask: &mut dyn Mask,
    visitor: &mut dyn Visitor,
) -> Result<Seen, ParseError> {
    let Document { format, input, copy, several } = document;
    let leads = leads(routes, if copy.is_some() { mask.routes() } else { &[] });
    let mut input = encoding::open(format, input)?;
    let mut window = Window::new(format, &mut input, copy);
    let seen = Seen { format, routes, found: vec![false; routes.len()], null: true };
    let mut walk = Walk { mask, visitor, seen };
    loop {
        walk.node(&mut window, &leads)?;
        match window.peek()? {
            None => return Ok(walk.seen),
            Some(_) if several => {}
            Some(_) => return Err(window.invalid("trailing characters")),
        }
    }
}

struct Walk<'w> {
    mask: &'w mut dyn Mask,
    visitor: &'w mut dyn Visitor,
    seen: Seen,
}

impl Walk<'_> {
    /// Walks the next value, into which these routes lead.
    fn node(&mut self, window: &mut Window<'_, '_, '_>, active: &[Lead]) -> Result<(), ParseError> {
        let asked = asked(active);
        if asked.is_empty() {
            return self.unasked(window, active);
        }
        for lead in asked {
            self.seen.found[lead.route] |= lead.rest.is_empty();
        }
        let (arrays, end) = (asked.iter().any(|lead| lead.wants_array()), ended(asked));
        match (window.peek()?, end) {
            (Some(b'{'), Some(lead)) => self.value(window, lead.full),
            (_, Some(lead)) if !arrays => self.value(window, lead.full),
            (Some(b'{'), None) if asked.iter().any(|lead| !lead.wants_array()) => self.object(window, active),
            (Some(b'['), _) if arrays => self.array(window, active),
            (Some(b'n'), _) => {
                self.see_array(asked);
                window.skip()
            }
            (None, _) => window.skip(),
            (Some(other), _) => Err(window.invalid(&misfit(asked, other))),
        }
    }

    /// Walks a value that at most the mask asks for.
    fn unasked(&mut self, window: &mut Window<'_, '_, '_>, active: &[Lead]) -> Result<(), ParseError> {
        if active.is_empty() {
            return window.skip();
        }
        let arrays = active.iter().any(|lead| lead.wants_array());
        match (window.peek()?, ended(active)) {
            (Some(b'{'), Some(lead)) => self.hide(window, lead.full),
            (_, Some(lead)) if !arrays => self.hide(window, lead.full),
            (Some(b'{'), None) => self.object(window, active),
            (Some(b'['), _) => self.array(window, active),
            _ => window.skip(),
        }
    }

    fn value(&mut self, window: &mut Window<'_, '_, '_>, route: &'static str) -> Result<(), ParseError> {
        if self.visitor.takes_plain(route) {
            let (mask, visitor) = (&*self.mask, &mut *self.visitor);
            let taken = window
                .peruse(|value, written| mask.is_plain(route, value, written).then(|| visitor.plain(route, value)))?;
            if let Some((taken, length)) = taken {
                taken?;
                return window.pass_masked(length, &Masked::AsWritten, &Value::Null);
            }
        }
        let (mut value, length) = window.read()?;
        let masked = self.mask.mask(route, &mut value, window.next(length));
        window.pass_masked(length, &masked, &value)?;
        self.visitor.visit(route, Event::Value(value))
    }

    /// Masks a value in the copy, whatever it is.
    fn hide(&mut self, window: &mut Window<'_, '_, '_>, route: &'static str) -> Result<(), ParseError> {
        let Some(length) = window.measure()? else {
            return window.omit(&Value::from(self.mask.instead(b"")));
        };
        let written = window.next(length);
        let mut value = serde_json::from_slice(written).unwrap_or_else(|_| Value::from(self.mask.instead(written)));
        self.mask.mask(route, &mut value, written);
        window.pass_masked(length, &Masked::Anew, &value)
    }

    fn object(&mut self, window: &mut Window<'_, '_, '_>, active: &[Lead]) -> Result<(), ParseError> {
        window.members(b'}', &mut |window| {
            let key = window.key()?;
            let active = narrow(active, Some(&key));
            if let Some(lead) = asked(&active).iter().find(|lead| lead.tells_key()) {
                let (route, mut told) = (lead.followed(), Value::from(key.as_str()));
                self.mask.mask(route, &mut told, key.as_bytes());
                self.visitor.visit(route, Event::Value(told))?;
            }
            self.node(window, &active)
        })?;
        self.end(active)
    }

    fn array(&mut self, window: &mut Window<'_, '_, '_>, active: &[Lead]) -> Result<(), ParseError> {
        self.see_array(asked(active));
        let below = narrow(active, None);
        window.members(b']', &mut |window| self.node(window, &below))?;
        self.end(active)
    }

    /// Notes that the array which a route leads into is there, if only as `null`.
    fn see_array(&mut self, asked: &[Lead]) {
        for lead in asked.iter().filter(|lead| lead.rest == "[]") {
            self.seen.found[lead.route] = true;
        }
    }

    fn end(&mut self, active: &[Lead]) -> Result<(), ParseError> {
        let Some(lead) = active.first() else { return Ok(()) };
        self.mask.end(lead.followed());
        if asked(active).is_empty() {
            return Ok(());
        }
        self.seen.null = false;
        self.visitor.visit(lead.followed(), Event::End)
    }
}

/// Those that somebody else than the mask asks for, which come first.
fn asked(active: &[Lead]) -> &[Lead] {
    &active[..active.partition_point(|lead| !lead.masks)]
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
mod tests;
