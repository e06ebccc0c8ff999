//! SPDX as tags with values, a line each; a value between `<text>` and `</text>` may have several.

use std::io::{BufRead as _, BufReader, Read};

use super::Package;
use crate::parse::mask::Masker;
use crate::parse::metered::{Budget, MAX_VALUE, Metered};
use crate::parse::output::Output;
use crate::parse::{Context, ParseError, encoding};

pub(super) fn read(input: &mut dyn Read, context: &Context, output: &mut Output<'_>) -> Result<(), ParseError> {
    let budget = Budget::default();
    let mut lines = BufReader::new(Metered { inner: encoding::open("spdx", input)?, budget: budget.clone() });
    let (mut tags, mut masker) = (Tags::default(), Masker::new(&context.secret_key));
    let (mut number, mut ended) = (0_u64, true);
    loop {
        let mut line = Vec::new();
        number += 1;
        let read = lines.read_until(b'\n', &mut line);
        if budget.is_spent() {
            return Err(invalid(&format!("a line is longer than {} MiB", MAX_VALUE >> 20), number));
        }
        if read? == 0 {
            break;
        }
        budget.renew();
        ended = line.ends_with(b"\n");
        let line = masker.line(line.trim_ascii_end());
        let line = std::str::from_utf8(&line).map_err(|_| invalid("it is no UTF-8", number))?;
        tags.line(line, output).map_err(|error| match error {
            Fault::Shape(message) => invalid(message, number),
            Fault::Halted(error) => error,
        })?;
    }
    if !ended {
        output.error("the last line has no end: the document may be cut off");
    }
    tags.end(output).map_err(|error| match error {
        Fault::Shape(message) => invalid(message, number),
        Fault::Halted(error) => error,
    })
}

fn invalid(message: &str, line: u64) -> ParseError {
    ParseError::Invalid { format: "spdx", message: message.to_owned(), place: format!("line {line}") }
}

enum Fault {
    Shape(&'static str),
    Halted(ParseError),
}

#[derive(Default)]
struct Tags {
    versioned: bool,
    within_text: bool,
    package: Option<Package>,
}

impl Tags {
    fn line(&mut self, line: &str, output: &mut Output<'_>) -> Result<(), Fault> {
        if self.within_text {
            self.within_text = !line.contains("</text>");
            return Ok(());
        }
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (tag, value) = line.split_once(':').ok_or(Fault::Shape("a line is no tag with a value"))?;
        let value = value.trim();
        self.within_text = value.starts_with("<text>") && !value.contains("</text>");
        self.tag(tag.trim(), value, output)
    }

    fn tag(&mut self, tag: &str, value: &str, output: &mut Output<'_>) -> Result<(), Fault> {
        if !self.versioned && tag != "SPDXVersion" {
            return Err(Fault::Shape("it does not begin with `SPDXVersion`"));
        }
        match (tag, &mut self.package) {
            ("SPDXVersion", _) => self.versioned = true,
            ("PackageName", _) => {
                let next = Package { name: value.to_owned(), ..Package::default() };
                return self.tell(Some(next), output);
            }
            ("PackageVersion", Some(package)) => value.clone_into(&mut package.version),
            ("ExternalRef", Some(package)) => {
                let mut words = value.split_whitespace().skip(1);
                if words.next() == Some("advisory") {
                    package.advisories.extend(words.next().map(str::to_owned));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn tell(&mut self, next: Option<Package>, output: &mut Output<'_>) -> Result<(), Fault> {
        let told = std::mem::replace(&mut self.package, next);
        told.map_or(Ok(()), |package| package.tell(output)).map_err(Fault::Halted)
    }

    fn end(&mut self, output: &mut Output<'_>) -> Result<(), Fault> {
        if self.within_text {
            return Err(Fault::Shape("it breaks off within a text"));
        }
        if !self.versioned {
            return Err(Fault::Shape("it has no `SPDXVersion`"));
        }
        self.tell(None, output)
    }
}
