//! Walks an XML document as a stream: routes name the elements to take, everything else is passed over without being built.
//!
//! A route is the local names of the elements from the root, parted by `/`; `*` stands for any name. With `@` at its end it
//! takes the start tag alone, as it opens: the attributes of an element whose content is walked through. Entities are the five
//! of the standard and numbers; a document that defines its own is refused where it uses them.

use std::io::{BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value};

use super::mask::{Masker, Redaction};
use super::metered::{Budget, MAX_VALUE, Metered};
use super::{Context, ParseError, Parser, encoding};

/// Deeper is no report of a scanner.
pub(super) const MAX_DEPTH: usize = 128;

/// An element with all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name, without a prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// Its own text, without that of the elements in it.
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// An attribute, trimmed; `None` when absent or empty.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let value = self.attributes.iter().find(|(key, _)| key == name)?.1.trim();
        Some(value).filter(|value| !value.is_empty())
    }

    /// Its own text, trimmed; `None` when empty.
    pub(super) fn own_text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// The first element below it along `path` (names parted by `/`).
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| element.children.iter().find(|child| child.name == name))
    }

    /// The text of the first element along `path`.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.own_text()
    }

    /// A copy of the text along `path`; empty when absent.
    pub(super) fn owned(&self, path: &str) -> String {
        self.text(path).unwrap_or_default().to_owned()
    }

    /// The number that the text along `path` is.
    pub(super) fn number<N: std::str::FromStr>(&self, path: &str) -> Option<N> {
        self.text(path)?.parse().ok()
    }

    /// The element as JSON of the same shape: a text where it has nothing else, an array where its name is one of `lists`, else
    /// an object of its attributes and elements. For formats that are both XML and JSON.
    pub(super) fn to_json(&self, lists: &[&str]) -> Value {
        if lists.contains(&self.name.as_str()) {
            return self.children.iter().map(|child| child.to_json(lists)).collect();
        }
        if self.children.is_empty() && self.attributes.is_empty() {
            return Value::from(self.text.trim());
        }
        let mut map = Map::new();
        for (name, value) in &self.attributes {
            map.entry(name.as_str()).or_insert_with(|| Value::from(value.trim()));
        }
        for child in &self.children {
            map.entry(child.name.as_str()).or_insert_with(|| child.to_json(lists));
        }
        Value::Object(map)
    }

    /// All elements along `path`, of which the last name may stand several times.
    pub(super) fn all<'e>(&'e self, path: &str) -> Vec<&'e Self> {
        let (parent, name) = path.rsplit_once('/').map_or((Some(self), path), |(above, name)| (self.at(above), name));
        parent.map_or_else(Vec::new, |parent| parent.children.iter().filter(|child| child.name == name).collect())
    }
}

/// Receives the route and the element that it leads to.
pub(super) type Visit<'v> = dyn FnMut(&'static str, Element) -> Result<(), ParseError> + 'v;

/// Walks a document from its first byte to its last; its root must be one of `roots`. Secrets are masked in what is handed over.
pub(super) fn walk(
    parser: &dyn Parser,
    context: &Context,
    input: &mut dyn Read,
    roots: &[&str],
    routes: &'static [&'static str],
    visit: &mut Visit<'_>,
) -> Result<(), ParseError> {
    let format = parser.name();
    let budget = Budget::default();
    let metered = Metered { inner: encoding::open(format, input)?, budget: budget.clone() };
    let mut xml = Reader::from_reader(BufReader::new(metered));
    let mut walk = Walk {
        format,
        roots,
        routes,
        redaction: parser.redaction(),
        masker: Masker::new(&context.secret_key),
        path: Vec::new(),
        run: String::new(),
        taken: None,
        open: Vec::new(),
        done: false,
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = match xml.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(event) => event,
            Err(error) => return Err(broken(format, &xml, &error, &budget)),
        };
        walk.take(event, visit).map_err(|fault| fault.at(format, xml.buffer_position()))?;
        // What is taken must fit; what is passed over may be of any length, if not in one piece.
        if walk.open.is_empty() {
            budget.renew();
        }
    }
    if walk.path.is_empty() && walk.done {
        return Ok(());
    }
    Err(invalid(format, "the document breaks off", xml.buffer_position()))
}

/// The error for a document of the right root that lacks what every report of the format has.
pub(super) fn lacking(format: &'static str, what: &str) -> ParseError {
    ParseError::Invalid { format, message: format!("it has no {what}"), place: "the whole document".to_owned() }
}

pub(super) fn broken<R>(
    format: &'static str,
    xml: &Reader<R>,
    error: &quick_xml::Error,
    budget: &Budget,
) -> ParseError {
    match error {
        quick_xml::Error::Io(_) if budget.is_spent() => {
            invalid(format, &format!("a single element is longer than {} MiB", MAX_VALUE >> 20), xml.buffer_position())
        }
        quick_xml::Error::Io(error) => ParseError::Read(std::io::Error::new(error.kind(), error.to_string())),
        other => invalid(format, &other.to_string(), xml.error_position()),
    }
}

pub(super) fn invalid(format: &'static str, message: &str, byte: u64) -> ParseError {
    ParseError::Invalid { format, message: message.to_owned(), place: format!("byte {byte}") }
}

/// What can be wrong with one piece of a document.
pub(super) enum Fault {
    Shape(String),
    Halted(ParseError),
}

impl Fault {
    fn of(error: impl std::fmt::Display) -> Self {
        Self::Shape(error.to_string())
    }

    fn at(self, format: &'static str, byte: u64) -> ParseError {
        match self {
            Self::Shape(message) => invalid(format, &message, byte),
            Self::Halted(error) => error,
        }
    }
}

struct Walk<'w> {
    format: &'static str,
    roots: &'w [&'w str],
    routes: &'static [&'static str],
    redaction: Option<&'static Redaction>,
    masker: Masker<'w>,
    /// Names of the open elements.
    path: Vec<String>,
    /// The text since the last tag, which is masked as one.
    run: String,
    /// The route of the element that is being taken.
    taken: Option<&'static str>,
    /// That element and the open ones in it.
    open: Vec<Element>,
    done: bool,
}

impl Walk<'_> {
    fn take(&mut self, event: Event<'_>, visit: &mut Visit<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.start(&tag, visit),
            Event::Empty(tag) => self.start(&tag, visit).and_then(|()| self.end(visit)),
            Event::End(_) => self.end(visit),
            Event::Text(text) => self.text(&text.decode().map_err(Fault::of)?),
            Event::CData(text) => self.text(&text.decode().map_err(Fault::of)?),
            Event::GeneralRef(reference) => {
                let text = resolve(&reference)?;
                self.text(&text)
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.end_run();
        let name = std::str::from_utf8(tag.local_name().into_inner()).map_err(Fault::of)?.to_owned();
        if self.path.is_empty() && (self.done || !self.roots.contains(&name.as_str())) {
            let wanted = self.roots.join("> or <");
            return Err(Fault::Shape(format!("the root of {} is one <{wanted}>, and not <{name}>", self.format)));
        }
        if self.path.len() >= MAX_DEPTH {
            return Err(Fault::Shape("it is nested too deeply".to_owned()));
        }
        self.path.push(name.clone());
        if !self.open.is_empty() {
            let element = self.element(tag, name)?;
            self.open.push(element);
            return Ok(());
        }
        if let Some(route) = self.route(true) {
            visit(route, self.element(tag, name.clone())?).map_err(Fault::Halted)?;
        }
        self.taken = self.route(false);
        if self.taken.is_some() {
            let element = self.element(tag, name)?;
            self.open.push(element);
        }
        Ok(())
    }

    fn end(&mut self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.end_run();
        self.redact();
        self.path.pop();
        self.done |= self.path.is_empty();
        let Some(element) = self.open.pop() else { return Ok(()) };
        match (self.open.last_mut(), self.taken) {
            (Some(parent), _) => parent.children.push(element),
            (None, Some(route)) => visit(route, element).map_err(Fault::Halted)?,
            (None, None) => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.path.is_empty() && !text.trim().is_empty() {
            return Err(Fault::Shape("there is text outside the root element".to_owned()));
        }
        if !self.open.is_empty() {
            self.run.push_str(text);
        }
        Ok(())
    }

    fn end_run(&mut self) {
        if let Some(element) = self.open.last_mut() {
            self.masker.known(&mut self.run);
            element.text.push_str(&self.run);
        }
        self.run.clear();
    }

    /// Masks the text of the element that ends, if the format knows it to be secret.
    fn redact(&mut self) {
        let Some(redaction) = self.redaction else { return };
        let route = redaction.routes.iter().copied().find(|route| is_at(&self.path, route));
        if let (Some(route), Some(element)) = (route, self.open.last_mut()) {
            let mut text = Value::String(std::mem::take(&mut element.text));
            (redaction.apply)(&mut self.masker, route, Some(&mut text));
            if let Value::String(text) = text {
                element.text = text;
            }
        }
    }

    fn element(&mut self, tag: &BytesStart<'_>, name: String) -> Result<Element, Fault> {
        let mut element = element(tag, name)?;
        for (_, value) in &mut element.attributes {
            self.masker.known(value);
        }
        Ok(element)
    }

    /// The route that leads to where we are; one for start tags or one for whole elements.
    fn route(&self, start: bool) -> Option<&'static str> {
        self.routes.iter().copied().find(|route| {
            let names = route.strip_suffix('@');
            names.is_some() == start && is_at(&self.path, names.unwrap_or(route))
        })
    }
}

/// Whether a route leads to where these elements are open.
pub(super) fn is_at(path: &[String], route: &str) -> bool {
    let mut names = route.split('/');
    let along = path.iter().all(|open| names.next().is_some_and(|name| name == "*" || name == open));
    along && names.next().is_none()
}

fn element(tag: &BytesStart<'_>, name: String) -> Result<Element, Fault> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(Fault::of)?;
        let key = std::str::from_utf8(attribute.key.local_name().into_inner()).map_err(Fault::of)?.to_owned();
        let raw = std::str::from_utf8(&attribute.value).map_err(Fault::of)?;
        let value =
            quick_xml::escape::unescape(raw).map_err(|error| Fault::Shape(format!("attribute `{key}`: {error}")))?;
        attributes.push((key, value.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

pub(super) fn resolve(reference: &BytesRef<'_>) -> Result<String, Fault> {
    if let Some(character) = reference.resolve_char_ref().map_err(Fault::of)? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(Fault::of)?;
    let text = quick_xml::escape::resolve_predefined_entity(&name);
    text.map(str::to_owned).ok_or_else(|| Fault::Shape(format!("the entity `&{name};` is not known")))
}

#[cfg(test)]
mod tests {
    use super::super::junit::Junit;
    use super::super::testing::context;
    use super::*;

    const ROUTES: &[&str] = &["report/host@", "report/host/item", "report/*/other"];

    fn taken(text: &str) -> Result<Vec<String>, String> {
        let mut taken = Vec::new();
        walk(&Junit, &context(), &mut text.as_bytes(), &["report"], ROUTES, &mut |route, element| {
            let shown = element.attribute("name").or_else(|| element.text("a/b")).or_else(|| element.own_text());
            taken.push(format!("{route}={}", shown.unwrap_or_default()));
            Ok(())
        })
        .map(|()| taken)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn elements_and_start_tags_come_in_the_order_of_the_file() {
        let text = r#"<?xml version="1.0"?><!DOCTYPE report><x:report xmlns:x="u"><host name="h &amp; i"><item> a&lt;b<![CDATA[<c>]]>&#33; </item>
            <junk><item>no</item></junk><item><a><b>deep</b></a></item></host><z><other name="o"/></z></x:report>"#;
        let expected = ["report/host@=h & i", "report/host/item=a<b<c>!", "report/host/item=deep", "report/*/other=o"];
        assert_eq!(taken(text).unwrap(), expected);
    }

    #[test]
    fn broken_and_hostile_documents_are_errors_with_a_place() {
        assert!(taken("<report><host>").unwrap_err().contains("breaks off"));
        assert!(taken("<report/><report/>").unwrap_err().contains("the root of junit is one <report>"));
        assert!(taken("<html/>").unwrap_err().contains("not <html>"));
        assert!(taken("<report/> more").unwrap_err().contains("outside the root"));
        assert!(taken("plain").is_err());
        assert!(taken("").unwrap_err().contains("empty"));
        assert!(taken("<report><host></item></report>").unwrap_err().contains("byte"));
        let bomb = r#"<!DOCTYPE report [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><report><host><item>&b;</item></host></report>"#;
        assert!(taken(bomb).unwrap_err().contains("`&b;` is not known"));
        assert!(taken(&format!("<report>{}", "<a>".repeat(200))).unwrap_err().contains("nested too deeply"));
    }

    #[test]
    fn one_element_cannot_fill_the_memory() {
        let huge = "x".repeat(MAX_VALUE + (1 << 20));
        let text = format!("<report><host><item>{huge}</item></host></report>");
        assert!(taken(&text).unwrap_err().contains("longer than 16 MiB"));
        let passed_over =
            format!("<report>{}</report>", "<junk>xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx</junk>".repeat(500_000));
        assert_eq!(taken(&passed_over).unwrap(), Vec::<String>::new());
    }
}
