//! Copies an XML document as a stream, masked: texts, attributes, and all that stands between tags.
//!
//! The text between two tags is looked at as one, and so it is by the parsers ([`super::xml`]).

use std::io::{BufReader, Read, Write};

use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};
use serde_json::Value;

use super::mask::{Masker, Redaction};
use super::metered::{Budget, MAX_VALUE, Metered};
use super::xml::{MAX_DEPTH, broken, invalid, is_at, resolve};
use super::{ParseError, encoding};

/// Copies a whole document.
pub(super) fn rewrite_xml(
    format: &'static str,
    input: &mut dyn Read,
    output: &mut dyn Write,
    redaction: Option<&'static Redaction>,
    masker: &mut Masker<'_>,
) -> Result<(), ParseError> {
    let budget = Budget::default();
    let metered = Metered { inner: encoding::open(format, input)?, budget: budget.clone() };
    let mut xml = Reader::from_reader(BufReader::new(metered));
    let routes = redaction.map_or(&[][..], |redaction| redaction.routes);
    let mut copy = Copy {
        output: Writer::new(output),
        masker,
        redaction,
        routes,
        path: Vec::new(),
        rooted: false,
        run: Run::default(),
        held: Vec::new(),
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break,
            Ok(event) => copy.take(event)?,
            Err(error) => return Err(broken(format, &xml, &error, &budget)),
        }
        if copy.path.len() > MAX_DEPTH {
            return Err(invalid(format, "it is nested too deeply", xml.buffer_position()));
        }
        budget.renew();
    }
    copy.end_run()?;
    if copy.path.is_empty() && copy.rooted {
        return Ok(());
    }
    Err(invalid(format, "the document breaks off", xml.buffer_position()))
}

/// Text between two tags: as it is written, and as it is meant.
#[derive(Default)]
struct Run {
    raw: Vec<u8>,
    text: String,
    /// Whether it says nothing that a parser would take.
    broken: bool,
}

impl Run {
    fn push<E>(&mut self, raw: &[&[u8]], text: Result<impl AsRef<str>, E>) {
        for part in raw {
            self.raw.extend_from_slice(part);
        }
        match text {
            Ok(text) => self.text.push_str(text.as_ref()),
            Err(_) => self.broken = true,
        }
    }
}

/// An element whose text the format knows to be secret; it is written at its end.
struct Held {
    depth: usize,
    route: &'static str,
    text: String,
}

struct Copy<'c, 'k> {
    output: Writer<&'c mut dyn Write>,
    masker: &'c mut Masker<'k>,
    redaction: Option<&'static Redaction>,
    routes: &'static [&'static str],
    /// Names of the open elements.
    path: Vec<String>,
    rooted: bool,
    run: Run,
    held: Vec<Held>,
}

impl Copy<'_, '_> {
    fn take(&mut self, event: Event<'_>) -> std::io::Result<()> {
        match event {
            Event::Start(tag) => {
                self.start(&tag)?;
                let tag = self.tag(tag);
                self.output.write_event(Event::Start(tag))
            }
            Event::Empty(tag) => {
                self.start(&tag)?;
                let tag = self.tag(tag);
                self.output.write_event(Event::Empty(tag))?;
                self.end()
            }
            Event::End(tag) => {
                self.end()?;
                self.output.write_event(Event::End(tag))
            }
            Event::Text(text) => self.push(|run| run.push(&[&text], text.decode())),
            Event::CData(text) => self.push(|run| run.push(&[b"<![CDATA[", &text, b"]]>"], text.decode())),
            Event::GeneralRef(name) => self.push(|run| run.push(&[b"&", &name, b";"], resolve(&name))),
            other => self.aside(other),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> std::io::Result<()> {
        self.end_run()?;
        self.rooted = true;
        self.path.push(String::from_utf8_lossy(tag.local_name().into_inner()).into_owned());
        if let Some(route) = self.routes.iter().copied().find(|route| is_at(&self.path, route)) {
            self.held.push(Held { depth: self.path.len(), route, text: String::new() });
        }
        Ok(())
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.end_run()?;
        if let Some(held) = self.held.pop_if(|held| held.depth == self.path.len()) {
            self.tell(held)?;
        }
        self.path.pop();
        Ok(())
    }

    fn tell(&mut self, held: Held) -> std::io::Result<()> {
        let mut text = Value::String(held.text);
        if let Some(redaction) = self.redaction {
            (redaction.apply)(self.masker, held.route, Some(&mut text));
        }
        let text = escape(text.as_str().unwrap_or_default());
        self.output.get_mut().write_all(text.as_bytes())
    }

    fn push(&mut self, work: impl FnOnce(&mut Run)) -> std::io::Result<()> {
        work(&mut self.run);
        // No parser takes so much.
        if self.run.raw.len() > MAX_VALUE { self.end_run() } else { Ok(()) }
    }

    fn end_run(&mut self) -> std::io::Result<()> {
        let mut run = std::mem::take(&mut self.run);
        if run.raw.is_empty() {
            return Ok(());
        }
        if run.broken {
            let masked = self.masker.known_bytes(&run.raw);
            return self.output.get_mut().write_all(&masked);
        }
        let masked = self.masker.known(&mut run.text);
        match self.held.pop_if(|held| held.depth == self.path.len()) {
            Some(mut held) => {
                held.text.push_str(&run.text);
                let (depth, route) = (held.depth, held.route);
                if held.text.len() <= MAX_VALUE {
                    self.held.push(held);
                    return Ok(());
                }
                self.held.push(Held { depth, route, text: String::new() });
                self.tell(held)
            }
            None if masked => self.output.get_mut().write_all(escape(&run.text).as_bytes()),
            None => self.output.get_mut().write_all(&run.raw),
        }
    }

    /// The tag with its attributes masked; as it is when nothing in them is secret.
    fn tag<'t>(&mut self, tag: BytesStart<'t>) -> BytesStart<'t> {
        let mut changed = false;
        let mut masked = BytesStart::new(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
        for attribute in tag.attributes().with_checks(false) {
            let Ok(attribute) = attribute else { return self.broken_tag(tag) };
            let raw = String::from_utf8_lossy(&attribute.value);
            let Ok(value) = unescape(&raw) else { return self.broken_tag(tag) };
            let mut value = value.into_owned();
            changed |= self.masker.known(&mut value);
            masked.push_attribute((String::from_utf8_lossy(attribute.key.as_ref()).as_ref(), value.as_str()));
        }
        if changed { masked } else { tag }
    }

    /// A tag that no parser can take apart.
    fn broken_tag<'t>(&mut self, tag: BytesStart<'t>) -> BytesStart<'t> {
        let mut text = String::from_utf8_lossy(&tag).into_owned();
        if !self.masker.known(&mut text) {
            return tag;
        }
        let length = tag.name().as_ref().len();
        BytesStart::from_content(text, length)
    }

    /// Comments, instructions and declarations, which no parser reads; they may stand within a text.
    fn aside(&mut self, event: Event<'_>) -> std::io::Result<()> {
        if self.path.is_empty() {
            self.end_run()?;
        }
        let mut written = Writer::new(Vec::new());
        written.write_event(event)?;
        let masked = self.masker.known_bytes(&written.into_inner()).into_owned();
        self.output.get_mut().write_all(&masked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static REDACTION: Redaction =
        Redaction::new(&["r/secret", "r/*/kind"], |masker, route, value| match (route, value) {
            ("r/*/kind", Some(value)) => masker.tool = value.as_str().map(str::to_owned),
            (_, Some(Value::String(text))) => masker.blank_text(text),
            _ => {}
        });

    fn copy(text: &str) -> String {
        let mut output = Vec::new();
        rewrite_xml("test", &mut text.as_bytes(), &mut output, Some(&REDACTION), &mut Masker::new(b"key")).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_is() {
        let text = "<?xml version=\"1.0\"?>\n<!DOCTYPE r [<!ENTITY a \"b\">]>\n<x:r xmlns:x='u' a = \"1 &amp; 2\"><!-- c --><b/>&lt;<![CDATA[<>]]> &#33; &own;</x:r>\n";
        assert_eq!(copy(text), text);
    }

    #[test]
    fn texts_and_attributes_are_masked_as_they_are_meant() {
        let text = r#"<r a="pwd=&quot;hunter2&quot;" b='k'><i>pass<!-- token="hunter3" -->word = <![CDATA["hunter]]>2&quot; &amp; on</i><secret>any <b>x</b>thing</secret><?x password='hunter4'?></r>"#;
        let masked = copy(text);
        assert!(
            !masked.contains("hunter") && !masked.contains("thing") && masked.matches("‹secret:").count() == 5,
            "{masked}"
        );
        assert!(masked.contains("&amp; on</i><secret><b>x</b>‹secret:") && masked.contains("b=\"k\"><i>"), "{masked}");
        assert_eq!(copy(&masked), masked);
    }

    #[test]
    fn broken_documents_are_errors_and_hostile_ones_are_copied() {
        let failed = |text: &str| {
            rewrite_xml("test", &mut text.as_bytes(), &mut Vec::new(), None, &mut Masker::new(b"k")).is_err()
        };
        assert!(failed("<r>") && failed("<r></x>") && failed("") && failed(&"<a>".repeat(1000)));
        assert_eq!(copy("<r a=\"1\" a=\"&bad;\" b>\u{1}&own;</r>"), "<r a=\"1\" a=\"&bad;\" b>\u{1}&own;</r>");
        assert!(!copy("<r a=\"&bad; pwd='hunter2'\" b>&own; pwd='hunter2'</r>").contains("hunter2"));
    }
}
