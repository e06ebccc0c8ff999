//! A text after somebody's own template, in the language of Jinja, over the fields of `dragnet.notification/v1`.
//!
//! What a template can do is bounded: it reads no file and calls nothing, it ends after so many steps, and what it writes has a greatest
//! length. What it puts in is escaped for its receiver; what stands in the template itself is its author's.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, escape_formatter};

use super::{discord, slack};
use crate::model::notify::{Notice, Receiver};

/// Steps after which a template is ended.
const FUEL: u64 = 2_000_000;
/// Most bytes that a template may write.
const MOST: usize = 256 << 10;
/// Name of what escapes for a receiver.
const OF_RECEIVER: AutoEscape = AutoEscape::Custom(Cow::Borrowed("receiver"));

/// A template, read and found to be one.
#[derive(Debug)]
pub struct Template {
    name: String,
    environment: Environment<'static>,
}

/// A template that is none, or that cannot be filled.
#[derive(Debug, thiserror::Error)]
#[error("the template {name}, line {line}: {what}")]
pub struct TemplateError {
    /// Its name.
    pub name: String,
    /// The line, from 1; 0 where none is known.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl TemplateError {
    fn new(name: &str, error: &Error) -> Self {
        let what = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self { name: name.to_owned(), line: error.line().unwrap_or_default(), what }
    }
}

impl Template {
    /// Reads a template for a receiver. For a webhook its name decides how texts are escaped: `x.json` or `x.json.j2` is JSON.
    pub fn new(receiver: Receiver, name: &str, source: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        let escape: Option<fn(&str) -> String> = match receiver {
            Receiver::Slack => Some(slack::escape),
            Receiver::Discord => Some(discord::escape),
            _ => None,
        };
        let is_webhook = receiver == Receiver::Webhook;
        environment.set_auto_escape_callback(move |name| match escape {
            Some(_) => OF_RECEIVER,
            None if is_webhook => minijinja::default_auto_escape_callback(name),
            None => AutoEscape::None,
        });
        environment.set_formatter(move |out, state, value| match (value.as_str(), escape) {
            (Some(text), Some(escape)) if !value.is_safe() => Ok(out.write_str(&escape(text))?),
            (None, Some(escape)) => Ok(out.write_str(&escape(&value.to_string()))?),
            _ => escape_formatter(out, state, value),
        });
        environment
            .add_template_owned(name.to_owned(), source.to_owned())
            .map_err(|error| TemplateError::new(name, &error))?;
        Ok(Self { name: name.to_owned(), environment })
    }

    /// Whether it makes JSON.
    pub(super) fn is_json(&self) -> bool {
        let name = self.name.trim_end_matches(".j2").trim_end_matches(".jinja");
        Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    }

    /// Fills it.
    pub(super) fn fill(&self, notice: &Notice) -> Result<String, TemplateError> {
        let failed = |error: &Error| TemplateError::new(&self.name, error);
        let template = self.environment.get_template(&self.name).map_err(|error| failed(&error))?;
        let mut out = Bounded(Vec::new());
        template.render_captured_to(Serde(notice), &mut out).map_err(|error| failed(&error))?;
        Ok(String::from_utf8_lossy(&out.0).into_owned())
    }
}

/// Takes so many bytes and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other(format!("it writes more than {} KiB", MOST >> 10)));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::hostile;
    use super::*;

    fn fill(receiver: Receiver, name: &str, source: &str) -> Result<String, String> {
        let template = Template::new(receiver, name, source).map_err(|error| error.to_string())?;
        template.fill(&hostile()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_it_puts_in_is_escaped_for_its_receiver() {
        let source = "*{{ findings.worst[0].title }}*";
        let slack = fill(Receiver::Slack, "x.txt", source).unwrap();
        assert!(slack.starts_with("*&lt;!channel&gt;"), "{slack}");
        let discord = fill(Receiver::Discord, "x.txt", source).unwrap();
        assert!(discord.starts_with(r"*\<\!channel\>"), "{discord}");
        let json = fill(Receiver::Webhook, "x.json.j2", r#"{"text": {{ title }}, "n": {{ findings.more }}}"#).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["text"], &json["n"]), (&hostile().title.into(), &41.into()));
    }

    #[test]
    fn it_is_bounded_and_its_faults_are_placed() {
        let endless = fill(
            Receiver::Slack,
            "x",
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        );
        assert!(endless.unwrap_err().contains("fuel"));
        let long = fill(Receiver::Slack, "x", "{% for a in range(9999) %}{{ title }}{{ title }}{% endfor %}");
        assert!(long.is_err());
        assert!(fill(Receiver::Slack, "x", "\n{% if %}").unwrap_err().starts_with("the template x, line 2: "));
        assert!(fill(Receiver::Slack, "x", "{{ nothing }}").unwrap_err().starts_with("the template x, line 1: "));
    }
}
