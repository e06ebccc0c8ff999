//! Walks JSON with its secrets masked: what a parser is given is what is kept of the file.

use std::io::{Read, Write};

use serde_json::Value;

use super::json::{self, Document, Event, Mask, Masked, Seen, Visitor};
use super::known::may_hold_written;
use super::mask::{Masker, Redaction};
use super::strings::Strings;
use super::value::Borrowed;
use super::{Context, Input, ParseError, Parser};

/// Receives the route, or the part of it that has ended, and the event.
pub(super) type Visit<'v> = dyn FnMut(&'static str, Event) -> Result<(), ParseError> + 'v;

/// Walks a document as [`json::walk`] does, and copies it if that is wanted. Secrets are masked in each value before it is handed over.
pub(super) fn walk(
    parser: &dyn Parser,
    context: &Context,
    input: &mut Input<'_>,
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
    input: &mut Input<'_>,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<Seen, ParseError> {
    let (input, copy) = input.part();
    let mut masking = Masking::new(&context.secret_key, redaction);
    masking.walk(Source { format, input, copy, several: false }, routes, &mut Built(visit))
}

/// The same for who takes values where they lie.
pub(super) fn walk_plain(
    parser: &dyn Parser,
    context: &Context,
    input: &mut Input<'_>,
    routes: &'static [&'static str],
    visitor: &mut dyn Visitor,
) -> Result<Seen, ParseError> {
    let (input, copy) = input.part();
    let mut masking = Masking::new(&context.secret_key, parser.redaction());
    masking.walk(Source { format: parser.name(), input, copy, several: false }, routes, visitor)
}

/// The same for documents that follow one another, one a line (JSON Lines) or not; at least one.
pub(super) fn walk_all(
    parser: &dyn Parser,
    context: &Context,
    input: &mut Input<'_>,
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<Seen, ParseError> {
    let (input, copy) = input.part();
    let mut masking = Masking::new(&context.secret_key, parser.redaction());
    masking.walk(Source { format: parser.name(), input, copy, several: true }, routes, &mut Built(visit))
}

/// Copies documents with their secrets masked, and does nothing else with them; returns how many secrets were.
pub(super) fn copy(
    format: &'static str,
    redaction: Option<&'static Redaction>,
    input: &mut dyn Read,
    output: &mut dyn Write,
    key: &[u8],
) -> Result<u64, ParseError> {
    let mut masking = Masking::new(key, redaction);
    masking.walk(Source { format, input, copy: Some(output), several: true }, &[], &mut Built(&mut |_, _| Ok(())))?;
    Ok(masking.masker.count())
}

/// Takes each value built.
struct Built<'v, 'w>(&'v mut Visit<'w>);

impl Visitor for Built<'_, '_> {
    fn visit(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        (self.0)(route, event)
    }

    fn takes_plain(&self, _: &'static str) -> bool {
        false
    }

    fn plain(&mut self, _: &'static str, _: &Borrowed<'_>) -> Result<(), ParseError> {
        Ok(())
    }
}

/// A document, or several, and where the copy goes.
struct Source<'d, 'c> {
    format: &'static str,
    input: &'d mut dyn Read,
    copy: Option<&'c mut dyn Write>,
    several: bool,
}

/// Masks first what the format knows to be secret, with all places where it stands; then what is known by its looks.
struct Masking<'k> {
    redaction: Option<&'static Redaction>,
    masker: Masker<'k>,
}

impl<'k> Masking<'k> {
    fn new(key: &'k [u8], redaction: Option<&'static Redaction>) -> Self {
        Self { redaction, masker: Masker::new(key) }
    }

    fn of_format(&self, route: &str) -> Option<&'static Redaction> {
        self.redaction.filter(|redaction| redaction.routes.contains(&route))
    }

    fn walk(
        &mut self,
        source: Source<'_, '_>,
        routes: &'static [&'static str],
        visitor: &mut dyn Visitor,
    ) -> Result<Seen, ParseError> {
        let Source { format, input, copy, several } = source;
        let mut known = self.masker.beside();
        let mut copy = copy.map(|output| Strings::new(output, &mut known));
        let walked = json::walk(Document { format, input, copy: copy.as_mut(), several }, routes, self, visitor);
        if let Some(copy) = copy {
            copy.finish()?;
        }
        self.masker.add(&known);
        walked.map_err(|error| self.masker.in_error(error))
    }
}

impl Mask for Masking<'_> {
    fn routes(&self) -> &'static [&'static str] {
        self.redaction.map_or(&[], |redaction| redaction.routes)
    }

    fn is_plain(&self, route: &'static str, value: &Borrowed<'_>, written: &[u8]) -> bool {
        let concerns = |redaction: &Redaction| redaction.concerns.is_none_or(|concerns| concerns(&self.masker, value));
        !may_hold_written(written) && !self.of_format(route).is_some_and(concerns)
    }

    fn mask(&mut self, route: &'static str, value: &mut Value, written: &[u8]) -> Masked {
        let mut anew = false;
        if let Some(redaction) = self.of_format(route) {
            self.masker.touched = false;
            (redaction.apply)(&mut self.masker, route, Some(value));
            // Not as it is written, though nothing was masked: an object may have a key twice, of which a value has the last.
            anew = redaction.concerns.is_none() || self.masker.touched;
        }
        let may_hold = may_hold_written(written);
        if may_hold {
            self.masker.known_in(value);
        }
        match (anew, may_hold) {
            (true, _) => Masked::Anew,
            (false, true) => Masked::ByString,
            (false, false) => Masked::AsWritten,
        }
    }

    fn instead(&mut self, written: &[u8]) -> String {
        self.masker.token(&String::from_utf8_lossy(written))
    }

    fn end(&mut self, route: &'static str) {
        if let Some(redaction) = self.redaction {
            (redaction.apply)(&mut self.masker, route, None);
        }
    }
}
