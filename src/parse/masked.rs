//! Walks JSON with its secrets masked: what a parser is given is what is kept of the file.

use std::io::Read;

use super::json::{self, Event, Seen, Visit};
use super::known::may_hold_written;
use super::mask::{Masker, Redaction};
use super::{Context, ParseError, Parser};

/// Walks a document as [`json::walk`] does. Secrets are masked in each value before it is handed over.
pub(super) fn walk(
    parser: &dyn Parser,
    context: &Context,
    input: &mut dyn Read,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<Seen, ParseError> {
    walk_as(parser.name(), parser.redaction(), context, input, routes, visit)
}

/// The same for a document of a format's shape that goes by another name.
pub(super) fn walk_as(
    format: &'static str,
    redaction: Option<&'static Redaction>,
    context: &Context,
    input: &mut dyn Read,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<Seen, ParseError> {
    let mut masker = Masker::new(&context.secret_key);
    let walked = json::walk(format, input, routes, may_hold_written, &mut |route, event, may_hold| {
        visit(route, masker.event(redaction, route, event, may_hold))
    });
    walked.map_err(|error| masker.in_error(error))
}

/// Walks documents that follow one another as [`json::walk_all`] does, masked in the same way.
pub(super) fn walk_all(
    parser: &dyn Parser,
    context: &Context,
    input: &mut dyn Read,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<Seen, ParseError> {
    let mut masker = Masker::new(&context.secret_key);
    let redaction = parser.redaction();
    let walked = json::walk_all(parser.name(), input, routes, may_hold_written, &mut |route, event, may_hold| {
        visit(route, masker.event(redaction, route, event, may_hold))
    });
    walked.map_err(|error| masker.in_error(error))
}

impl Masker<'_> {
    /// Masks first what the format knows to be secret, with all places where it stands; then what is known by its looks, if the
    /// value may hold such.
    fn event(&mut self, redaction: Option<&Redaction>, route: &'static str, mut event: Event, may_hold: bool) -> Event {
        match (&mut event, redaction) {
            (Event::Value(value), Some(redaction)) if redaction.routes.contains(&route) => {
                (redaction.apply)(self, route, Some(value));
            }
            (Event::End, Some(redaction)) => (redaction.apply)(self, route, None),
            _ => {}
        }
        if let Event::Value(value) = &mut event
            && may_hold
        {
            self.known_in(value);
        }
        event
    }
}
