//! A report after somebody's own template, in the language of Jinja; its data are those of `--format json`,
//! `dragnet.report/v1`.
//!
//! What a template can do is bounded: it reads no file and calls nothing, and it ends after so many steps. Texts are escaped
//! as the name of the file says (`.html`, `.xml`: HTML; `.json`, `.yaml`, `.js`: JSON; else not at all), and control characters
//! never come out. A name that is not there is an error when it is printed; `{% if name %}` may ask. All findings are held in
//! memory, for a template may go through them in any order and more than once.

use std::error::Error as _;
use std::io::{self, Write};

use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};
use serde::Serialize;

use super::json::v1;
use super::source::{Source, for_each};
use super::text::clean_lines;
use super::{RenderError, Renderer, ReportData};

/// Steps after which a template is ended; a page for 100,000 findings takes some millions.
const FUEL: u64 = 2_000_000_000;

/// A template, read and found to be one.
#[derive(Debug)]
pub struct Template {
    name: String,
    environment: Environment<'static>,
}

/// A template that is none, or that cannot be filled.
#[derive(Debug, thiserror::Error)]
#[error("the template {name}, line {line}{column}: {what}", column = column.map(|column| format!(", column {column}")).unwrap_or_default())]
pub struct TemplateError {
    /// Its name.
    pub name: String,
    /// The line, from 1; 0 where none is known.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: Option<usize>,
    /// What is wrong there.
    pub what: String,
}

impl Template {
    /// Reads a template. Its name decides how texts are escaped: `report.html`, `mail.txt.j2`.
    pub fn new(name: &str, source: &str) -> Result<Self, TemplateError> {
        Self::with_fuel(name, source, FUEL)
    }

    fn with_fuel(name: &str, source: &str, fuel: u64) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(fuel));
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if !value.is_safe() => escape_formatter(out, state, &Value::from(clean_lines(text))),
            _ => escape_formatter(out, state, value),
        });
        environment
            .add_template_owned(name.to_owned(), source.to_owned())
            .map_err(|error| place(name, source, &error))?;
        Ok(Self { name: name.to_owned(), environment })
    }
}

impl Renderer for Template {
    fn name(&self) -> &'static str {
        "template"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let findings = list(data.findings, |finding| Value::from(Serde(v1::Finding::new(finding))))?;
        let gone = list(data.gone, |gone| Value::from(Serde(v1::Gone::new(gone))))?;
        let assets = list(data.assets, |asset| Value::from(Serde(v1::Asset::new(asset))))?;
        let document = Document {
            schema: v1::SCHEMA,
            scan: v1::Scan::new(data.scan, data.isolation),
            jobs: data.jobs.iter().map(v1::Job::new).collect(),
            summary: v1::Summary::new(data),
            findings,
            gone,
            assets,
        };
        let failed = |error: &Error, source: &str| match io_error(error) {
            Some(kind) => RenderError::Write(kind.into()),
            None => RenderError::Template(Box::new(place(&self.name, source, error))),
        };
        let template = self.environment.get_template(&self.name).map_err(|error| failed(&error, ""))?;
        let source = template.source();
        // Nothing is written of a report that cannot be written whole.
        let text = template.render(Serde(&document)).map_err(|error| failed(&error, source))?;
        Ok(out.write_all(text.as_bytes())?)
    }
}

/// The document of `dragnet.report/v1`, whole.
#[derive(Serialize)]
struct Document {
    schema: &'static str,
    scan: v1::Scan,
    jobs: Vec<v1::Job>,
    summary: v1::Summary,
    findings: Vec<Value>,
    gone: Vec<Value>,
    assets: Vec<Value>,
}

fn list<T>(source: &mut dyn Source<T>, value: impl Fn(&T) -> Value) -> Result<Vec<Value>, RenderError> {
    let mut values = Vec::new();
    for_each::<T, RenderError>(source, |item| {
        values.push(value(&item));
        Ok(true)
    })?;
    Ok(values)
}

/// Returns why the output could not be written, when it was that.
fn io_error(error: &Error) -> Option<io::ErrorKind> {
    (error.kind() == ErrorKind::WriteFailure).then(|| {
        error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>())
            .map_or(io::ErrorKind::Other, io::Error::kind)
    })
}

fn place(name: &str, source: &str, error: &Error) -> TemplateError {
    let column = error.range().and_then(|range| {
        let before = source.get(..range.start)?;
        Some(before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
    });
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    TemplateError { name: name.to_owned(), line: error.line().unwrap_or_default(), column, what }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{findings, hostile, troubled, unfinished, with_data};
    use super::{Template, TemplateError};
    use crate::model::view::FindingView;
    use crate::report::{RenderError, Renderer as _};

    fn fill(template: &Template, findings: Vec<FindingView>) -> Result<String, RenderError> {
        with_data(&unfinished(), &troubled(), findings, |data| {
            let mut out = Vec::new();
            template.render(data, &mut out)?;
            Ok(String::from_utf8(out).unwrap())
        })
    }

    fn refused(source: &str) -> TemplateError {
        Template::new("mine.txt", source).unwrap_err()
    }

    #[test]
    fn a_template_has_the_document() {
        let source = "{{ schema }} {{ summary.verdict }}\n{% for one in findings %}{{ one.severity }} {{ one.location.path }}:{{ one.location.start_line }}\n{% endfor %}{{ jobs|length }} {{ gone[0].fate }} {{ assets[0].value }} {{ scan.complete }}";
        let template = Template::new("mine.txt", source).unwrap();
        insta::assert_snapshot!(fill(&template, findings()).unwrap(), @r"
        dragnet.report/v1 incomplete
        critical shop/db.py:12
        high services/checkout/requirements/production.txt:3
        low shop/cart.py:40
        3 fixed example.org:443/tcp False
        ");
    }

    #[test]
    fn the_name_decides_how_texts_are_escaped() {
        let source = "{{ findings[0].title }}";
        let filled = |name: &str| fill(&Template::new(name, source).unwrap(), vec![hostile()]).unwrap();
        for name in ["a.html", "a.html.j2", "a.xml"] {
            let text = filled(name);
            assert!(!text.contains('<') && text.contains("&lt;img"), "{text}");
        }
        assert!(filled("a.json").starts_with('"'));
        assert!(filled("a.txt").contains("<img") && !filled("a.txt").contains(['\u{1b}', '\u{0}', '\u{202e}']));
    }

    #[test]
    fn errors_name_line_and_column() {
        let error = refused("fine\n{{ oh no }}");
        assert_eq!((error.line, error.name.as_str()), (2, "mine.txt"));
        let template = Template::new("mine.txt", "a\n\n  {{ scan.nothing }}").unwrap();
        let error = fill(&template, Vec::new()).unwrap_err().to_string();
        assert!(error.starts_with("the template mine.txt, line 3, column "), "{error}");
        assert!(error.contains("undefined value"), "{error}");
    }

    #[test]
    fn a_template_ends_and_reads_no_file() {
        let endless = "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}";
        let template = Template::with_fuel("mine.txt", endless, 10_000).unwrap();
        assert!(fill(&template, Vec::new()).unwrap_err().to_string().contains("fuel"));
        let template = Template::new("mine.txt", "{% include '/etc/passwd' %}").unwrap();
        assert!(fill(&template, Vec::new()).is_err());
    }
}
