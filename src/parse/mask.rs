//! Secrets in results: what is stored has `‹secret:hash:last4›` in their place.
//!
//! First goes what a format knows to be secret ([`Redaction`]), with all places of the result where it stands; then what is known
//! by its looks ([`super::known`]), in each string, cell, line, attribute and text between tags. A parser is given the same.
//!
//! The hash is the first 8 hexadecimal digits of HMAC-SHA256 under a key of this installation: the same secret gives the same
//! mask here and another elsewhere. The last four characters stay, for people, only of secrets of 16 characters or more.
//! Masking a masked value changes nothing.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;

use super::key_lines::{BEGIN, END, PRIVATE};
use super::known::{find, may_hold};
use super::rewrite_text::{rewrite_lines, rewrite_table};
use super::rewrite_xml::rewrite_xml;
use super::strings::Strings;
use super::value::Borrowed;
use super::{Encoding, Input, ParseError, masked, parser};

/// Masks known secrets in the lines of a text, one after the other: of a log.
pub struct LineMask<'k>(Masker<'k>);

impl<'k> LineMask<'k> {
    /// Begins a text, under the key of the installation.
    pub fn new(key: &'k [u8]) -> Self {
        Self(Masker::new(key))
    }

    /// Returns the next line, masked.
    pub fn line<'t>(&mut self, line: &'t [u8]) -> Cow<'t, [u8]> {
        self.0.line(line)
    }
}

/// Which values of a format are secret.
#[derive(Debug)]
pub struct Redaction {
    /// Routes to the values that hold secrets, one result each; in XML, to elements of which the own text is the value.
    pub(super) routes: &'static [&'static str],
    /// Masks one such value. Told also when a part of a route ends, in JSON.
    pub(super) apply: Apply,
    /// Which values of such a route may have anything to mask, if not all.
    pub(super) concerns: Option<Concerns>,
}

type Apply = fn(&mut Masker<'_>, &'static str, Option<&mut Value>);
type Concerns = fn(&Masker<'_>, &Borrowed<'_>) -> bool;

impl Redaction {
    pub(super) const fn new(routes: &'static [&'static str], apply: Apply) -> Self {
        Self { routes, apply, concerns: None }
    }

    /// Spares the values that need no look: millions of results hold few secrets.
    pub(super) const fn of_those(self, concerns: Concerns) -> Self {
        Self { concerns: Some(concerns), ..self }
    }
}

/// Copies a file of results with its secrets masked, as a stream; returns how many masks were put in.
pub fn mask(format: &str, input: &mut dyn Read, output: &mut dyn Write, key: &[u8]) -> Result<u64, ParseError> {
    let parser = parser(format).ok_or_else(|| ParseError::UnknownFormat(format.to_owned()))?;
    let (mut masker, mut input) = (Masker::new(key), Input::new(input));
    let head = input.first_line()?;
    match (parser.encoding(&head), parser.redaction()) {
        (Encoding::Json, None) => {
            let mut strings = Strings::new(output, &mut masker);
            std::io::copy(&mut input, &mut strings)?;
            strings.finish()?;
        }
        (Encoding::Json, redaction) => return masked::copy(parser.name(), redaction, &mut input, output, key),
        (Encoding::Xml, redaction) => rewrite_xml(parser.name(), &mut input, output, redaction, &mut masker)?,
        (Encoding::Table(delimiter), _) => rewrite_table(parser.name(), &mut input, output, delimiter, &mut masker)?,
        (Encoding::Lines, _) => rewrite_lines(parser.name(), &mut input, output, &mut masker)?,
    }
    Ok(masker.masked)
}

/// Replaces secrets.
pub(super) struct Masker<'k> {
    key: &'k [u8],
    /// Masks that were put in.
    masked: u64,
    /// Whether there was something to hide, masked before or not.
    pub(super) touched: bool,
    /// Of what a document says that it comes, where that decides: the tool (SARIF), the plug-in (ZAP).
    pub(super) tool: Option<String>,
    /// Whether a private key has begun in an earlier line.
    within_key: bool,
    /// Whether a list has begun in an earlier line, of which the name says that it is of secrets.
    within_list: bool,
}

/// Shorter texts occur everywhere; replacing them outside their own field would only garble.
const MIN_ELSEWHERE: usize = 6;
/// A run of this many characters without a break is taken for a secret of its own inside a masked line of code.
const MIN_PIECE: usize = 12;
/// Shorter secrets show none of their characters.
const MIN_LAST4: usize = 16;

/// How often a text is looked through.
const MAX_PASSES: usize = 16;

/// More secrets of one result, or longer ones, are masked where they stand and looked for nowhere else in it.
const MAX_NEEDLES: usize = 1000;
const MAX_NEEDLE: usize = 16 << 10;

pub(super) const OPEN: &str = "‹secret:";
pub(super) const CLOSE: char = '›';

impl<'k> Masker<'k> {
    pub(super) fn new(key: &'k [u8]) -> Self {
        Self { key, masked: 0, touched: false, tool: None, within_key: false, within_list: false }
    }

    /// How many masks were put in so far.
    pub(super) const fn count(&self) -> u64 {
        self.masked
    }

    /// Another for other parts of the same text.
    pub(super) fn beside(&self) -> Self {
        Self::new(self.key)
    }

    /// Counts what another has masked.
    pub(super) const fn add(&mut self, other: &Self) {
        self.masked += other.masked;
    }

    /// Returns what stands for a secret.
    pub(super) fn token(&mut self, secret: &str) -> String {
        let secret = secret.trim();
        if is_token(secret) {
            return secret.to_owned();
        }
        self.masked += 1;
        let hash = self.hash8(secret);
        let count = secret.chars().count();
        if count < MIN_LAST4 {
            return format!("{OPEN}{hash}{CLOSE}");
        }
        let last4: String = secret.chars().skip(count - 4).collect();
        // A mask must fit into any text as it is.
        if !last4.chars().all(|c| c.is_ascii_alphanumeric() || "+/=-_.~".contains(c)) {
            return format!("{OPEN}{hash}{CLOSE}");
        }
        format!("{OPEN}{hash}:{last4}{CLOSE}")
    }

    /// White space does not count: what is masked may be a piece of code, which is indented and wrapped.
    fn hash8(&self, secret: &str) -> String {
        use std::fmt::Write as _;
        // HMAC takes keys of any length, so the error cannot come; an empty text would show at once.
        let Ok(mut mac) = Hmac::<sha2::Sha256>::new_from_slice(self.key) else { return String::new() };
        secret.split_whitespace().for_each(|part| mac.update(part.as_bytes()));
        mac.finalize().into_bytes()[..4].iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Masks every text at and below the given pointers, then each of these secrets wherever else the value has it.
    pub(super) fn hide(&mut self, value: &mut Value, pointers: &[&str]) {
        self.touched = true;
        let mut secrets = Vec::new();
        // Known by words beside them that may be masked before they are.
        if pointers.iter().any(|pointer| value.pointer(pointer).is_some()) {
            known_in(value, &mut secrets);
        }
        for pointer in pointers {
            if let Some(place) = value.pointer_mut(pointer) {
                each_text(place, &mut |text| {
                    if !text.trim().is_empty() && !is_token(text.trim()) {
                        let token = self.token(text);
                        secrets.push(std::mem::replace(text, token));
                    }
                });
            }
        }
        self.hide_elsewhere(value, &secrets);
    }

    /// Does so in each element of the list at `list`, by itself.
    pub(super) fn hide_in_each(&mut self, value: &mut Value, list: &str, pointers: &[&str]) {
        if let Some(Value::Array(items)) = value.pointer_mut(list) {
            for item in items {
                self.hide(item, pointers);
            }
        }
    }

    /// Masks every text at and below the given pointers and looks for them nowhere else: whole requests and answers, whose words
    /// occur everywhere.
    pub(super) fn blank(&mut self, value: &mut Value, pointers: &[&str]) {
        self.touched = true;
        for pointer in pointers {
            if let Some(place) = value.pointer_mut(pointer) {
                each_text(place, &mut |text| self.blank_text(text));
            }
        }
    }

    /// Masks one text.
    pub(super) fn blank_text(&mut self, text: &mut String) {
        if !text.trim().is_empty() && !is_token(text.trim()) {
            *text = self.token(text);
        }
    }

    /// Replaces known secrets, whole or the pieces that stand out in them, in all texts of a value.
    pub(super) fn hide_elsewhere(&mut self, value: &mut Value, secrets: &[String]) {
        let whole = secrets.iter().map(|secret| secret.trim()).filter(|secret| secret.len() >= MIN_ELSEWHERE);
        if let Some(needles) = Needles::of(whole) {
            each_text(value, &mut |text| self.replace(text, &needles));
        }
        if let Some(needles) = Needles::of(secrets.iter().flat_map(|secret| pieces(secret))) {
            each_prose(value, &mut |text| self.replace(text, &needles));
        }
    }

    fn replace(&mut self, text: &mut String, needles: &Needles<'_>) {
        if is_token(text) || !needles.search.is_match(text.as_str()) {
            return;
        }
        let (mut masked, mut from) = (String::with_capacity(text.len()), 0);
        for found in needles.search.find_iter(text.as_str()) {
            masked.extend([&text[from..found.start()], &self.token(needles.texts[found.pattern().as_usize()])]);
            from = found.end();
        }
        masked.push_str(&text[from..]);
        *text = masked;
    }

    /// Masks what is known by its looks to be secret; returns whether anything was.
    pub(super) fn known(&mut self, text: &mut String) -> bool {
        let mut changed = false;
        // What is left may look like a secret by itself; but for hostile texts, once or not at all.
        for _ in 0..MAX_PASSES {
            let places = find(text);
            if places.is_empty() {
                break;
            }
            let (mut masked, mut from) = (String::with_capacity(text.len()), 0);
            for place in &places {
                let (Some(before), Some(secret)) = (text.get(from..place.start), text.get(place.clone())) else {
                    continue;
                };
                masked.extend([before, &self.token(secret)]);
                from = place.end;
            }
            masked.push_str(&text[from..]);
            *text = masked;
            changed = true;
        }
        changed
    }

    /// The same for a text that is not ours.
    pub(super) fn masked<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !may_hold(text.as_bytes()) {
            return Cow::Borrowed(text);
        }
        let mut owned = text.to_owned();
        if self.known(&mut owned) { Cow::Owned(owned) } else { Cow::Borrowed(text) }
    }

    /// Does so in all texts of a value, and in its keys.
    pub(super) fn known_in(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => drop(self.known(text)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.known_in(item)),
            Value::Object(map) => {
                if map.keys().any(|key| !find(key).is_empty()) {
                    let mut renamed = |(mut key, item): (String, Value)| {
                        self.known(&mut key);
                        (key, item)
                    };
                    *map = std::mem::take(map).into_iter().map(&mut renamed).collect();
                }
                map.values_mut().for_each(|item| self.known_in(item));
            }
            _ => {}
        }
    }

    /// The same for bytes that may be no text.
    pub(super) fn known_bytes<'t>(&mut self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        if !may_hold(bytes) {
            return Cow::Borrowed(bytes);
        }
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        if self.known(&mut text) { Cow::Owned(text.into_bytes()) } else { Cow::Borrowed(bytes) }
    }

    /// The same for one line of several, without its end: a private key goes over many.
    pub(super) fn line<'t>(&mut self, line: &'t [u8]) -> Cow<'t, [u8]> {
        let masked = match (self.within_key, self.within_list) {
            (true, _) => self.line_of_key(line),
            (false, true) => self.line_of_list(line),
            (false, false) => self.known_bytes(line),
        };
        self.within_list = if self.within_list { !closes_list(line) } else { opens_list(line) };
        let begins = masked.windows(BEGIN.len()).rposition(|window| window == BEGIN.as_bytes());
        let ends = masked.windows(END.len()).rposition(|window| window == END.as_bytes());
        let private = masked.windows(PRIVATE.len()).any(|window| window == PRIVATE.as_bytes());
        self.within_key = (private && begins.is_some() && begins > ends) || (self.within_key && ends.is_none());
        masked
    }

    /// What stands between quotes is a secret.
    fn line_of_list<'t>(&mut self, line: &'t [u8]) -> Cow<'t, [u8]> {
        let text = self.quoted(&String::from_utf8_lossy(line));
        self.known_bytes(text.as_bytes()).into_owned().into()
    }

    fn line_of_key<'t>(&mut self, line: &'t [u8]) -> Cow<'t, [u8]> {
        let text = String::from_utf8_lossy(line);
        let (body, rest) = text.find("-----END").map_or((&*text, ""), |end| text.split_at(end));
        let of_key = |c: char| c.is_ascii_alphanumeric() || "+/=:,.-\\ \t\"'".contains(c);
        if !is_token(body.trim()) && !body.chars().all(of_key) {
            self.within_key = false;
            return self.known_bytes(line);
        }
        let mut body = body.to_owned();
        self.blank_text(&mut body);
        Cow::Owned(format!("{body}{rest}").into_bytes())
    }

    /// Masks what an error quotes of a file.
    pub(super) fn in_error(&mut self, mut error: ParseError) -> ParseError {
        if let ParseError::Invalid { message, .. } = &mut error {
            self.known(message);
        }
        error
    }

    /// Masks what stands between quotes: `Possible hardcoded password: 'hunter2'`.
    pub(super) fn quoted(&mut self, text: &str) -> String {
        let Some(start) = text.find(['\'', '"']) else { return text.to_owned() };
        let quote = &text[start..=start];
        let Some(length) = text[start + 1..].rfind(quote).filter(|length| *length > 0) else { return text.to_owned() };
        let inside = &text[start + 1..start + 1 + length];
        format!("{}{}{}", &text[..=start], self.token(inside), &text[start + 1 + length..])
    }
}

/// Whether a line ends with the beginning of a list of secrets, as JSON is written for people: `"password": [`.
fn opens_list(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    if !line.ends_with(b"[") || !may_hold(line) {
        return false;
    }
    // What would stand there, were it in the same line, tells.
    let probe = format!("{}\"a secret\"", String::from_utf8_lossy(line));
    find(&probe).last().is_some_and(|place| place.end + 1 == probe.len())
}

/// Whether a line ends a list; a bracket within a secret does not.
fn closes_list(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.strip_suffix(b",").unwrap_or(line).ends_with(b"]")
}

/// Texts that are looked for at once, the longest where several begin.
struct Needles<'s> {
    texts: Vec<&'s str>,
    search: AhoCorasick,
}

impl<'s> Needles<'s> {
    /// None if there is nothing to look for. A result that is made to hold thousands must not cost a search for each of them.
    fn of(texts: impl Iterator<Item = &'s str>) -> Option<Self> {
        let mut texts: Vec<&str> = texts.filter(|text| text.len() <= MAX_NEEDLE).take(MAX_NEEDLES).collect();
        texts.sort_unstable();
        texts.dedup();
        if texts.is_empty() {
            return None;
        }
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&texts).ok()?;
        Some(Self { texts, search })
    }
}

/// The identity of a masked secret: its hash, which is the same however the place is written.
pub(super) fn token_identity(token: &str) -> String {
    let inside = token.strip_prefix(OPEN).unwrap_or(token);
    inside.split([':', CLOSE]).next().unwrap_or_default().to_owned()
}

fn is_token(text: &str) -> bool {
    token_length(text) == Some(text.len())
}

/// How long the mask is that a text begins with, in bytes.
pub(super) fn token_length(text: &str) -> Option<usize> {
    let (inside, _) = text.strip_prefix(OPEN)?.split_once(CLOSE)?;
    let (hash, last4) = inside.split_once(':').unwrap_or((inside, ""));
    let whole = hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()) && last4.chars().count() <= 4;
    whole.then_some(OPEN.len() + inside.len() + CLOSE.len_utf8())
}

/// bandit's rules about passwords, also as ruff names them: their message quotes the password.
pub(super) fn is_quoting_rule(rule: &str) -> bool {
    matches!(rule.as_bytes(), [b'B' | b'b' | b'S' | b's', b'1', b'0', b'5'..=b'7'])
}

/// Whether a rule is about secrets, by its id or the words of it.
pub(super) fn is_secret_rule(rule: &str) -> bool {
    static WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let words = [
            "secret",
            "password",
            "passwd",
            "credential",
            "token",
            "api-key",
            "api_key",
            "apikey",
            "private-key",
            "private_key",
            "access-key",
            "access_key",
            "hardcoded",
            "jwt-key",
        ];
        AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
    });
    // A mask has such a word itself. Without the words every rule would be about secrets.
    let says = |words: &AhoCorasick| words.find_iter(rule).any(|word| !rule[..word.start()].ends_with('‹'));
    is_quoting_rule(rule) || WORDS.as_ref().is_none_or(says)
}

/// Unbroken runs that may be the secret itself inside a line of code.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "\"'`,;=()[]{}<>".contains(c)).filter(|piece| piece.len() >= MIN_PIECE)
}

/// Collects what is known by its looks in the texts of a value.
fn known_in(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            secrets.extend(find(text).into_iter().filter_map(|place| text.get(place)).map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| known_in(item, secrets)),
        Value::Object(map) => map.values().for_each(|item| known_in(item, secrets)),
        _ => {}
    }
}

fn each_text(value: &mut Value, work: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => work(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, work)),
        Value::Object(map) => map.values_mut().for_each(|item| each_text(item, work)),
        _ => {}
    }
}

/// Texts for people; in names of rules and files a piece of code may stand by right.
fn each_prose(value: &mut Value, work: &mut dyn FnMut(&mut String)) {
    const PROSE: [&str; 8] =
        ["text", "markdown", "message", "Message", "description", "title", "issue_text", "response"];
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_prose(item, work)),
        Value::Object(map) => {
            for (key, item) in map {
                match item {
                    Value::String(text) if PROSE.contains(&key.as_str()) => work(text),
                    Value::String(_) => {}
                    other => each_prose(other, work),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_keyed_stable_and_show_little() {
        let (mut mine, mut yours) = (Masker::new(b"mine"), Masker::new(b"yours"));
        let token = mine.token("AKIAIOSFODNN7EXAMPLE");
        assert!(token.starts_with("‹secret:") && token.ends_with(":MPLE›"), "{token}");
        assert_eq!(mine.token(&token), token);
        assert_ne!(yours.token("AKIAIOSFODNN7EXAMPLE"), token);
        assert_eq!(mine.token("hunter2").chars().count(), "‹secret:01234567›".chars().count());
        assert_eq!(token_identity(&token).len(), 8);
        assert_eq!(mine.token("a = b\n  c"), mine.token("a  = b c"), "a piece of code that was wrapped");
    }

    #[test]
    fn a_secret_is_hidden_wherever_the_value_has_it() {
        let mut value = serde_json::json!({
            "snippet": "key = 'hunter2hunter2!'", "file": "a.py", "message": "found hunter2hunter2! here",
        });
        let mut masker = Masker::new(b"k");
        masker.hide(&mut value, &["/snippet"]);
        assert!(!value.to_string().contains("hunter2"), "{value}");
        assert_eq!(value["file"], "a.py");
        assert_eq!(masker.quoted("password: 'abc'").matches("abc").count(), 0);
    }

    #[test]
    fn a_list_of_secrets_goes_over_lines() {
        let mut masker = Masker::new(b"k");
        let mut line = |text: &str| String::from_utf8(masker.line(text.as_bytes()).into_owned()).unwrap();
        assert_eq!(line(r#"  "password": ["#), r#"  "password": ["#);
        for secret in [r#"    "geheim]1","#, r#"    "geheim 2""#] {
            assert!(!line(secret).contains("geheim"));
        }
        for plain in ["  ],", r#"  "names": ["#, r#"    "plain""#, "  ]", "tokens read [", r#""plain""#] {
            assert_eq!(line(plain), plain);
        }
    }

    #[test]
    fn an_unknown_format_is_an_error() {
        assert!(matches!(mask("x", &mut &b""[..], &mut Vec::new(), b""), Err(ParseError::UnknownFormat(_))));
    }
}
