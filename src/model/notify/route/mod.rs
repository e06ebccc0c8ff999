//! Whom to tell, what, and how: `[[notify]]`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::gate::Names;
use crate::model::nearest::Hint;
use crate::model::notify::NoticeEvent;
use crate::model::scanner::SecretRef;
use crate::model::severity::Severity;
use crate::model::unit::Span;

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹hidden›")
    }
}

/// A web address, or where to read one. Most of such addresses are secrets: of one that is written down nothing but scheme and host is
/// ever shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Address {
    /// The address itself.
    Plain(Hidden),
    /// Where it is to be read.
    Secret(SecretRef),
}

impl TryFrom<String> for Address {
    type Error = InvalidRoute;

    fn try_from(text: String) -> Result<Self, InvalidRoute> {
        if let Ok(secret) = SecretRef::try_from(text.clone()) {
            return Ok(Self::Secret(secret));
        }
        host_of(&text).map(|_| Self::Plain(Hidden(text))).ok_or(InvalidRoute::Address)
    }
}

impl From<Address> for String {
    /// What may be shown of it.
    fn from(address: Address) -> Self {
        match address {
            Address::Plain(Hidden(text)) => host_of(&text).unwrap_or_default(),
            Address::Secret(secret) => secret.into(),
        }
    }
}

/// Returns scheme and host of a web address, which is all of it that may be shown; none if it is none.
pub fn host_of(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let sound = !host.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    (matches!(scheme.as_str(), "http" | "https") && sound).then(|| format!("{scheme}://{host}"))
}

/// The kinds of receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// Any server that takes JSON over HTTP; signed as by Standard Webhooks.
    Webhook,
    /// An incoming webhook of Slack's, or of something that takes the same.
    Slack,
    /// A workflow of Microsoft Teams that posts a card.
    Teams,
    /// A webhook of a Discord channel.
    Discord,
    /// Mail, over SMTP.
    Email,
    /// The status of a commit at GitHub, and an issue for each target.
    Github,
    /// The status of a commit at GitLab, and an issue for each target.
    Gitlab,
    /// This machine's desktop.
    Desktop,
    /// A receiver of OpenTelemetry traces, by OTLP over HTTP: one trace for each scan.
    Otlp,
}

impl Receiver {
    /// Returns the kind's name, as the configuration writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Discord => "discord",
            Self::Email => "email",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Desktop => "desktop",
            Self::Otlp => "otlp",
        }
    }

    /// The keys that this kind has beside those of all kinds: first those that it needs.
    const fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Webhook => (&["url"], &["secret", "template"]),
            Self::Slack | Self::Teams | Self::Discord => (&["url"], &["template"]),
            Self::Email => (&["smtp", "from", "to"], &["username", "password", "template"]),
            Self::Github | Self::Gitlab => (&["repository", "token"], &["url", "status", "issue"]),
            Self::Desktop => (&[], &["template"]),
            Self::Otlp => (&["url"], &["token", "headers"]),
        }
    }

    /// Whether it is told of the ends of scans and of nothing else: a commit's status is that of its scan, a trace is that of a scan.
    const fn wants_ends(self) -> bool {
        matches!(self, Self::Github | Self::Gitlab | Self::Otlp)
    }
}

/// `[[notify]]`: whom to tell of what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What it is called: 1 to 40 characters of a-z, 0-9, `-` and `_`. What was told already is remembered under this name.
    pub name: String,
    /// Who is told.
    pub kind: Receiver,
    /// Whether anything is told.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What is told, as names or globs: `scan.completed`, `scan.incomplete`, `scan.failed`, `scan.cancelled`, `gate.failed`, `finding.new`,
    /// `schedule.skipped`, `schedule.failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Names>,
    /// Of new findings, and of scans that saw everything: only if there are findings of this severity or worse. Failures are always told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<Severity>,
    /// Only what is about these projects: names or globs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projects: Option<Names>,
    /// Only what is about these targets, or target keys: names or globs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Names>,
    /// The receiver's web address (of traces: with a path of its own it is used as it is, else `/v1/traces` is asked), or `env:NAME`, `file:PATH`, `command:…` to read it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Address>,
    /// What webhooks are signed with: a reference, as of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub secret: Option<SecretRef>,
    /// The token of GitHub, of GitLab, or of a receiver of traces (`Authorization: Bearer`): a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub token: Option<SecretRef>,
    /// Headers that a receiver of traces wants, by name: references.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, SecretRef>,
    /// The repository at GitHub, `OWNER/NAME`, or the project at GitLab, `GROUP/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Whether the status of the commit is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<bool>,
    /// Whether an issue is opened for a target whose scan is not clean, kept up to date, and closed when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<bool>,
    /// The mail server: `smtps://HOST:PORT` (TLS from the start), `smtp://HOST:PORT` (STARTTLS; plain on this machine alone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<String>,
    /// Who mails are from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Whom mails are to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// The name for the mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password for the mail server: a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub password: Option<SecretRef>,
    /// A file with a template in the language of Jinja, which has the fields of `dragnet.notification/v1`; what it makes is the body of a
    /// webhook, and the text of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<PathBuf>,
    /// Deliveries of one notification before it is given up; the default is about a day.
    #[serde(default = "attempts")]
    pub attempts: u32,
    /// Longest delivery, such as `15s`; of a trace that goes in several requests, the longest of them.
    #[serde(default = "timeout")]
    #[schemars(with = "String")]
    pub timeout: Span,
}

const fn yes() -> bool {
    true
}

/// Waits grow to three hours: in the middle these are 23 hours.
const fn attempts() -> u32 {
    25
}

const fn timeout() -> Span {
    Span(Duration::from_secs(15))
}

/// What is told where a route does not say: what somebody has to look at.
const DEFAULT_EVENTS: [NoticeEvent; 6] = [
    NoticeEvent::ScanFailed,
    NoticeEvent::ScanIncomplete,
    NoticeEvent::GateFailed,
    NoticeEvent::FindingNew,
    NoticeEvent::ScheduleFailed,
    NoticeEvent::ScheduleSkipped,
];

/// A route that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// Not an address. What was written is not repeated: it may be a secret.
    #[error(
        "an address begins with http:// or https://, or is written as env:NAME, file:PATH or command:PROGRAM ARGUMENT…"
    )]
    Address,
    /// Not a name.
    #[error("`{0}` is no name for a route: 1 to 40 characters of a-z, 0-9, `-` and `_`")]
    Name(String),
    /// Two of one name.
    #[error("there are two routes called `{0}`: what was told is remembered by the name")]
    Twice(String),
    /// A key is missing.
    #[error("the route `{route}` needs `{key}`: it is of the kind `{kind}`")]
    Missing {
        /// The route.
        route: String,
        /// Its kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A key of another kind.
    #[error("the route `{route}` is of the kind `{kind}`, which has no `{key}`")]
    Foreign {
        /// The route.
        route: String,
        /// Its kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value that cannot be.
    #[error("the route `{route}`: `{key}`: {message}")]
    Value {
        /// The route.
        route: String,
        /// The key.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
}

/// All routes, each checked, no two of one name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Route>", into = "Vec<Route>")]
#[schemars(with = "Vec<Route>")]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The routes, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// Finds one by its name.
    pub fn get(&self, name: &str) -> Option<&Route> {
        self.0.iter().find(|route| route.name == name)
    }
}

impl From<Routes> for Vec<Route> {
    fn from(routes: Routes) -> Self {
        routes.0
    }
}

impl TryFrom<Vec<Route>> for Routes {
    type Error = InvalidRoute;

    fn try_from(routes: Vec<Route>) -> Result<Self, InvalidRoute> {
        for (at, route) in routes.iter().enumerate() {
            route.check()?;
            if routes.iter().take(at).any(|other| other.name == route.name) {
                return Err(InvalidRoute::Twice(route.name.clone()));
            }
        }
        Ok(Self(routes))
    }
}

impl Route {
    /// Whether it asks for an event.
    pub fn asks_for(&self, event: NoticeEvent) -> bool {
        let wants_ends = self.kind.wants_ends();
        match &self.events {
            Some(names) => names.contain(event.as_str()) && (event.is_end() || !wants_ends),
            None if wants_ends => event.is_end(),
            None => DEFAULT_EVENTS.contains(&event),
        }
    }

    fn check(&self) -> Result<(), InvalidRoute> {
        let word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_".contains(&c);
        if self.name.is_empty() || self.name.len() > 40 || !self.name.bytes().all(word) {
            return Err(InvalidRoute::Name(self.name.chars().take(60).collect()));
        }
        let (route, kind, (needed, others)) = (self.name.clone(), self.kind.as_str(), self.kind.keys());
        for (key, is_set) in self.set_keys() {
            if needed.contains(&key) && !is_set {
                return Err(InvalidRoute::Missing { route, kind, key });
            }
            if is_set && !needed.contains(&key) && !others.contains(&key) {
                return Err(InvalidRoute::Foreign { route, kind, key });
            }
        }
        let refused = |key, message: String| Err(InvalidRoute::Value { route: self.name.clone(), key, message });
        for glob in self.events.iter().flat_map(Names::texts) {
            let known = NoticeEvent::ALL.map(NoticeEvent::as_str);
            if !Names::one(glob).is_ok_and(|one| known.iter().any(|event| one.contain(event))) {
                let hint = Hint::new(glob, known);
                return refused("events", format!("there is no event `{glob}`{hint}; there are {}", known.join(", ")));
            }
        }
        if let Err((key, message)) = self.check_traces() {
            return refused(key, message);
        }
        for address in self.to.iter().chain(&self.from) {
            if !address.contains('@') || address.contains(char::is_control) {
                return refused("to", format!("`{}` is no mail address", address.escape_debug()));
            }
        }
        if let Some(server) = &self.smtp
            && let Err(message) = mail_server(server)
        {
            return refused("smtp", message.to_owned());
        }
        if let Some(name) = &self.repository
            && !name.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_part))
        {
            return refused("repository", "it is written as OWNER/NAME".to_owned());
        }
        if self.repository.as_ref().is_some_and(|name| !name.contains('/')) {
            return refused("repository", "it is written as OWNER/NAME".to_owned());
        }
        if self.username.is_some() != self.password.is_some() {
            return refused("username", "`username` and `password` go together".to_owned());
        }
        if self.attempts == 0 || self.attempts > 1000 {
            return refused("attempts", "it goes from 1 to 1000".to_owned());
        }
        if self.timeout.0.is_zero() || self.timeout.0 > Duration::from_mins(2) {
            return refused("timeout", "it goes up to 2m".to_owned());
        }
        Ok(())
    }

    /// Checks what only receivers of traces have; returns the key that is wrong, and why. Forges leave other events than ends aside; a
    /// trace of something else there is none to be asked for.
    fn check_traces(&self) -> Result<(), (&'static str, String)> {
        let asked = self.events.as_ref().filter(|_| self.kind == Receiver::Otlp);
        let (ends, others): (Vec<_>, Vec<_>) = NoticeEvent::ALL.into_iter().partition(|event| event.is_end());
        let ends = ends.into_iter().map(NoticeEvent::as_str).collect::<Vec<_>>().join(", ");
        if let Some(event) = others.into_iter().find(|event| asked.is_some_and(|names| names.contain(event.as_str()))) {
            return Err(("events", format!("there are traces of the ends of scans alone ({ends}), not of {event}")));
        }
        if let Some(name) = self.headers.keys().find(|name| !is_header(name)) {
            let name: String = name.chars().take(60).collect();
            return Err(("headers", format!("`{}` is no header that can be set", name.escape_debug())));
        }
        if self.token.is_some() && self.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err(("headers", "`token` is that header already".to_owned()));
        }
        Ok(())
    }

    fn set_keys(&self) -> [(&'static str, bool); 13] {
        [
            ("url", self.url.is_some()),
            ("secret", self.secret.is_some()),
            ("token", self.token.is_some()),
            ("repository", self.repository.is_some()),
            ("status", self.status.is_some()),
            ("issue", self.issue.is_some()),
            ("smtp", self.smtp.is_some()),
            ("from", self.from.is_some()),
            ("to", !self.to.is_empty()),
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
            ("template", self.template.is_some()),
            ("headers", !self.headers.is_empty()),
        ]
    }

    /// Returns whether TLS is there from the start, the mail server's host, and its port.
    pub fn mail_server(&self) -> Option<(bool, &str, u16)> {
        mail_server(self.smtp.as_deref()?).ok()
    }
}

/// Headers that say how a request is written, which is not for the configuration to say.
const OURS: [&str; 7] =
    ["connection", "content-encoding", "content-length", "content-type", "host", "te", "transfer-encoding"];

/// Whether a text is the name of a header (a token of RFC 9110 §5.6.2) that a route may set.
fn is_header(name: &str) -> bool {
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !name.is_empty() && name.bytes().all(token) && !OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours))
}

const fn is_part(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-')
}

fn mail_server(text: &str) -> Result<(bool, &str, u16), &'static str> {
    let (tls, rest) = match text.split_once("://") {
        Some(("smtps", rest)) => (true, rest),
        Some(("smtp", rest)) => (false, rest),
        _ => return Err("a mail server is written as smtps://HOST:PORT or smtp://HOST:PORT"),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return Err("a name and a password have keys of their own, `username` and `password`");
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().map_err(|_| "the port is a number up to 65535")?)
        }
        _ => (rest, if tls { 465 } else { 587 }),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let sound = |c: u8| c.is_ascii_alphanumeric() || b".-:_".contains(&c);
    if host.is_empty() || !host.bytes().all(sound) {
        return Err("a mail server is written as smtps://HOST:PORT or smtp://HOST:PORT");
    }
    Ok((tls, host, port))
}

#[cfg(test)]
mod tests;
