//! Secrets that are recognisable wherever they stand: by their own shape (`ghp_…`), or by the words before them (`password = "…"`).
//!
//! One automaton looks for the words of all kinds at once, and the shape of a kind is tried where one of its words is; so a text
//! without a secret costs one pass over its bytes. What is a mask already is never looked into: masking a masked text changes nothing.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr_iter;
use regex::bytes::{Regex, RegexBuilder};

use super::colours::without_colours;
use super::key_lines;
use super::mask::{OPEN, token_length};
use super::words::Words;

/// A kind of secret.
struct Kind {
    /// What it begins with, or what stands before it; capitals do not matter here.
    words: &'static [&'static str],
    /// Bytes of it that stand before the word.
    before: usize,
    /// Longer ones are not looked for.
    window: usize,
    /// Whether a letter or digit before it means that it is none: for words that occur within others.
    apart: bool,
    /// The whole of it, from its beginning; its groups are what must not be known, and without a group all of it.
    shape: &'static str,
    /// Whether what a group holds can be a secret.
    plausible: fn(&Place<'_>) -> bool,
}

/// Where something that may be a secret was found.
struct Place<'t> {
    text: &'t [u8],
    /// Where its shape begins.
    start: usize,
    value: Range<usize>,
}

impl Place<'_> {
    fn value(&self) -> &[u8] {
        &self.text[self.value.clone()]
    }
}

/// A kind that its own first letters tell.
const fn token(words: &'static [&'static str], shape: &'static str) -> Kind {
    Kind { words, before: 0, window: WINDOW, apart: false, shape, plausible: |_| true }
}

/// The same with a word that occurs within others.
const fn short(words: &'static [&'static str], shape: &'static str) -> Kind {
    Kind { words, before: 0, window: WINDOW, apart: true, shape, plausible: is_mixed }
}

/// A kind that the words before it tell.
const fn named(words: &'static [&'static str], shape: &'static str, plausible: fn(&Place<'_>) -> bool) -> Kind {
    Kind { words, before: 0, window: WINDOW, apart: false, shape, plausible }
}

/// Shorter texts hold nothing of any kind.
const MIN_TEXT: usize = 8;
/// How far from its beginning a secret is looked for: what is hostile cannot make each word cost the whole text.
const WINDOW: usize = 8 << 10;
/// The same for what a name is set to: such names are common.
const NEAR: usize = 512;

const KINDS: &[Kind] = &[
    // Amazon: the id, and the key where it stands beside it.
    token(
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})(?:[^A-Za-z0-9+/\r\n]{0,8}([A-Za-z0-9+/]{40}))?",
    ),
    token(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], "gh[pousr]_[A-Za-z0-9]{36,255}"),
    token(&["github_pat_"], "github_pat_[A-Za-z0-9_]{22,255}"),
    token(
        &["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glimt-", "glagent-"],
        "gl[a-z]{2,5}-[A-Za-z0-9_.-]{20,300}",
    ),
    token(
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe", "xapp-"],
        "(?:xox[a-z][.-]|xapp-)[A-Za-z0-9.-]{10,300}",
    ),
    token(&["hooks.slack.com/"], r"hooks\.slack\.com/[a-z]{1,20}/([A-Za-z0-9+/]{20,80})"),
    token(&["/api/webhooks/"], r"/api/webhooks/([0-9]{10,25}/[A-Za-z0-9_-]{40,100})"),
    token(&["webhook.office.com/"], r"webhook\.office\.com/([A-Za-z0-9@/_-]{20,300})"),
    token(
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        "(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]{10,255}",
    ),
    token(&["AIza"], "AIza[A-Za-z0-9_-]{35}"),
    token(&["GOCSPX-"], "GOCSPX-[A-Za-z0-9_-]{20,40}"),
    token(&["ya29."], r"ya29\.[A-Za-z0-9_.-]{20,2048}"),
    token(&["npm_"], "npm_[A-Za-z0-9]{36}"),
    token(&["pypi-A"], "pypi-A[A-Za-z0-9_-]{50,1000}"),
    token(&["dop_v1_", "doo_v1_", "dor_v1_"], "do[opr]_v1_[a-f0-9]{64}"),
    token(&["shpat_", "shpss_", "shpca_", "shppa_"], "shp(?:at|ss|ca|pa)_[A-Fa-f0-9]{32}"),
    token(&["AGE-SECRET-KEY-1"], "AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    token(
        &[
            "sntrys_",
            "sntryu_",
            "glsa_",
            "dckr_pat_",
            "rubygems_",
            "lin_api_",
            "PMAK-",
            "NRAK-",
            "xkeysib-",
            "ATATT3",
            "sq0csp-",
        ],
        "[A-Za-z0-9]{4,8}(?:_pat_|_api_|[-_]|T3)[A-Za-z0-9_=+/-]{20,500}",
    ),
    Kind {
        words: &["eyJ"],
        before: 0,
        window: WINDOW,
        apart: true,
        plausible: |_| true,
        shape: r"eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]{10,}){1,4}\.?[A-Za-z0-9_-]*",
    },
    Kind {
        words: &[".atlasv1."],
        before: 14,
        window: WINDOW,
        apart: false,
        shape: r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,100}",
        plausible: is_mixed,
    },
    // Entra: three characters stand before the version.
    Kind {
        words: &["7Q~", "8Q~"],
        before: 3,
        window: WINDOW,
        apart: false,
        shape: "[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}",
        plausible: is_mixed,
    },
    short(&["sk-"], "sk-[A-Za-z0-9_-]{20,255}"),
    short(&["SK"], "SK[0-9a-f]{32}"),
    short(&["SG."], r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"),
    short(&["hf_"], "hf_[A-Za-z0-9]{30,40}"),
    short(&["key-"], "key-[0-9a-f]{32}"),
    short(&["dapi"], "dapi[0-9a-f]{32}(?:-[0-9])?"),
    short(&["hvs."], r"hvs\.[A-Za-z0-9_-]{20,300}"),
    named(
        &["-----BEGIN "],
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:((?s:.{16,}?))-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|([A-Za-z0-9+/=\s\\,:.-]{16,}))",
        has_run,
    ),
    // To the last `@` before the path: a password may have one itself.
    named(&["://"], r#"://[^\s/?#:@"'<>]{0,128}:([^\s/?#"'<>]{1,256})@"#, is_value),
    named(
        &["authorization"],
        r#"(?i:authorization)["'\\]{0,4}\s{0,4}[:=,]\s{0,4}["'\\]{0,4}(?i:basic|bearer|token|digest|negotiate|apikey|key)\s{1,4}([^\s"'\\,;<>]{6,4096})"#,
        is_value,
    ),
    named(&["bearer "], r"(?i:bearer) {1,4}([A-Za-z0-9._~+/=-]{16,4096})", is_mixed),
    named(&["basic "], r"(?i:basic) {1,4}([A-Za-z0-9+/]{8,1024}={0,2})", is_login),
    named(&["cookie:"], r#"(?i:cookie:)\s{0,4}([^\s"'<>=]{1,256}=[^\r\n"'<>]{4,1024})"#, is_value),
    named(
        &["AccountKey=", "SharedAccessKey="],
        "(?i:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{20,128}={0,2})",
        is_value,
    ),
    named(&["sig="], "sig=([A-Za-z0-9%+/]{24,128}(?:=|%3[dD]){0,2})", is_mixed),
    Kind { words: NAMES, before: 0, window: NEAR, apart: false, shape: ASSIGNED, plausible: is_assigned },
];

/// Words in the names of what holds a secret.
const NAMES: &[&str] = &[
    "passw",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access-key",
    "accesskey",
    "auth_key",
    "authkey",
    "private_key",
    "private-key",
    "privatekey",
    "encryption_key",
    "signing_key",
    "credential",
    "_auth",
];

/// A name, a sign, and a value in quotes or without; quotes may be escaped, in JSON within JSON, in HTML and in addresses.
const ASSIGNED: &str = concat!(
    r#"[A-Za-z0-9_.-]{3,48}(?:\\{0,4}["'`\]]|&quot;|&#3[49];|%2[27]){0,2}\s{0,8}(?:=>|:=|={1,3}|:|%3[dDaA])\s{0,8}(?:"#,
    r#"(?:\[\s{0,8})?(?:[A-Za-z]{0,2}"((?:[^"\\\r\n]|\\.){4,})"|[A-Za-z]{0,2}'((?:[^'\\\r\n]|\\.){4,})')|`([^`\\\r\n]{4,})`"#,
    r#"|\\{1,4}"([^"\\\r\n]{4,})\\{1,4}"|\\{1,4}'([^'\\\r\n]{4,})\\{1,4}'"#,
    r#"|(?:&quot;|&#34;)([^&\r\n]{4,})(?:&quot;|&#34;)|(?:&apos;|&#39;)([^&\r\n]{4,})(?:&apos;|&#39;)"#,
    r#"|([^\s"'`<>(){}\[\]\\,;&$]{4,}))"#,
);

struct Known {
    words: Words,
    /// The kind of each word but the last, [`key_lines::END`]: the line before it is known by it.
    kinds: Vec<usize>,
    /// Made when they are first needed.
    shapes: Vec<OnceLock<Option<Regex>>>,
}

static KNOWN: LazyLock<Option<Known>> = LazyLock::new(|| {
    let words = Words::new(KINDS.iter().flat_map(|kind| kind.words).chain([&key_lines::END]).copied())?;
    let kinds = KINDS.iter().enumerate().flat_map(|(number, kind)| vec![number; kind.words.len()]).collect();
    Some(Known { words, kinds, shapes: KINDS.iter().map(|_| OnceLock::new()).collect() })
});

/// Whether a text may hold a secret: only then [`find`] finds one.
pub(super) fn may_hold(text: &[u8]) -> bool {
    text.len() >= MIN_TEXT
        && (KNOWN.as_ref().is_some_and(|known| known.words.is_any_in(text)) || key_lines::may_hold(text))
}

/// The same for JSON as it is written, in which only these escapes can hide a secret from who does not read them.
pub(super) fn may_hold_written(json: &[u8]) -> bool {
    may_hold(json) || hides(json)
}

/// Whether there are escapes in which letters of a word may be written.
pub(super) fn hides(json: &[u8]) -> bool {
    memchr_iter(b'\\', json).any(|at| matches!(json.get(at + 1), Some(b'u' | b'/')))
}

/// Returns where secrets are in a text, in order and apart from one another.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    if !may_hold(text.as_bytes()) {
        return Vec::new();
    }
    let Some((plain, places)) = without_colours(text) else { return find_plain(text) };
    find_plain(&plain).into_iter().map(|secret| places[secret.start]..places[secret.end - 1] + 1).collect()
}

fn find_plain(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if let Some(known) = KNOWN.as_ref() {
        let mut from = 0;
        // Between masks.
        while from < text.len() {
            let (end, next) = next_mask(text, from);
            find_in(known, &text.as_bytes()[..end], from, &mut found);
            from = next;
        }
    }
    for line in key_lines::find(text) {
        let at = found.partition_point(|place| place.end <= line.start);
        if found.get(at).is_none_or(|place| line.end <= place.start) {
            found.insert(at, line);
        }
    }
    found
}

/// Where the next mask begins and ends.
fn next_mask(text: &str, from: usize) -> (usize, usize) {
    let mut at = from;
    while let Some(start) = text[at..].find(OPEN).map(|place| at + place) {
        if let Some(length) = token_length(&text[start..]) {
            return (start, start + length);
        }
        at = start + OPEN.len();
    }
    (text.len(), text.len())
}

/// Looks for secrets from a place to the end of the text. What is behind one is looked at as if it began there, as it will be when
/// it stands behind a mask.
fn find_in(known: &Known, text: &[u8], mut from: usize, found: &mut Vec<Range<usize>>) {
    let mut at = from;
    while let Some(word) = known.words.find(text, at) {
        at = word.end();
        let Some(&number) = known.kinds.get(word.pattern().as_usize()) else { continue };
        let kind = &KINDS[number];
        let Some(start) = word.start().checked_sub(kind.before).filter(|start| *start >= from) else { continue };
        if kind.apart && !is_apart(&text[from..start]) {
            continue;
        }
        let window = &text[start..text.len().min(start + kind.window)];
        let Some(shape) = known.shapes[number].get_or_init(|| shape(kind)) else { continue };
        let Some(groups) = shape.captures(window) else { continue };
        for group in groups.iter().skip(usize::from(groups.len() > 1)).flatten() {
            let value = start + group.start()..whole(text, start + group.end());
            if (kind.plausible)(&Place { text, start, value: value.clone() }) {
                (at, from) = (value.end, value.end);
                found.push(value);
            }
        }
    }
}

fn shape(kind: &Kind) -> Option<Regex> {
    RegexBuilder::new(&format!(r"\A(?:{})", kind.shape)).unicode(false).build().ok()
}

/// The end of the character that a place may be within.
fn whole(text: &[u8], end: usize) -> usize {
    end + text[end..].iter().take_while(|byte| **byte & 0xC0 == 0x80).count()
}

/// Whether no word goes on behind this; `\n` and `%3D` end one.
fn is_apart(before: &[u8]) -> bool {
    match before {
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., b'\\', b'n' | b'r' | b't'] | [] => true,
        [.., last] => !last.is_ascii_alphanumeric() && *last != b'_' && *last != b'-',
    }
}

/// Whether there are letters and digits in it, as in no word of a language.
fn is_mixed(place: &Place<'_>) -> bool {
    let value = place.value();
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether it is no placeholder.
fn is_value(place: &Place<'_>) -> bool {
    let value = place.value();
    let hidden = value.iter().all(|byte| b"*xX.-_# ".contains(byte));
    let filled_in = [&b"${"[..], b"$(", b"{{", b"{", b"<", b"%(", b"%s", b"%v", b"&lt;"];
    !hidden && !filled_in.iter().any(|start| value.starts_with(start))
}

/// Whether it is the body of a key, and no sentence about keys.
fn has_run(place: &Place<'_>) -> bool {
    const RUN: usize = 16;
    let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    place.value().split(|byte| !is_of_key(byte)).any(|run| run.len() >= RUN)
}

/// Whether it is a name and a password in base64.
fn is_login(place: &Place<'_>) -> bool {
    STANDARD.decode(place.value()).is_ok_and(|login| login.contains(&b':') && !login.iter().any(u8::is_ascii_control))
}

/// Whether what a name is set to is a secret, and no other name, call or sentence.
fn is_assigned(place: &Place<'_>) -> bool {
    if !is_value(place) {
        return false;
    }
    let (head, value) = (&place.text[place.start..place.value.start], place.value());
    let name = head.split(|byte| !byte.is_ascii_alphanumeric() && !b"_.-".contains(byte)).next().unwrap_or_default();
    if head.ends_with(b"\"") || head.ends_with(b"'") || head.ends_with(b"`") || head.ends_with(b";") {
        // What is said of a name may stand in quotes too.
        let phrase = name.to_ascii_lowercase();
        return !value.contains(&b' ') || phrase.starts_with(b"pass") || phrase.starts_with(b"pwd");
    }
    let is_path = |value: &[u8]| {
        value.contains(&b'.')
            && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte))
            && value[0].is_ascii_alphabetic()
            && value.split(|byte| *byte == b'.').all(|part| part.len() < 16)
    };
    let called = matches!(place.text.get(place.value.end), Some(b'(' | b'[' | b'{' | b'$'));
    if called || is_path(value) {
        return false;
    }
    // Set without quotes and spaces, as in an environment or an address.
    let shouted = !name.iter().any(u8::is_ascii_lowercase) && head.ends_with(b"=");
    shouted || is_asked(place) || (value.len() >= 6 && is_mixed(place))
}

/// Whether it is a parameter of an address.
fn is_asked(place: &Place<'_>) -> bool {
    let before = &place.text[..place.start];
    let name =
        before.iter().rev().take(48).take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
    matches!(before[..before.len() - name].last(), Some(b'?' | b'&'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mask::Masker;
    use super::*;

    fn masked(text: &str) -> String {
        let mut text = text.to_owned();
        Masker::new(b"key").known(&mut text);
        text
    }

    /// Put together here, so that no scanner takes this file for a leak.
    fn made(parts: &[&str]) -> String {
        parts.concat()
    }

    /// A text with a secret in it, and the secret.
    fn samples() -> Vec<(String, String)> {
        let long = "0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789abcdefABCDEF";
        let tokens = [
            made(&["AKIA", "IOSFODNN7EXAMPLE"]),
            made(&["gh", "p_", &long[..36]]),
            made(&["github", "_pat_", &long[..22], "_", &long[..59]]),
            made(&["gl", "pat-", &long[..20]]),
            made(&["xo", "xb-", "123456789012-1234567890123-", &long[..24]]),
            made(&["sk", "_live_", &long[..24]]),
            made(&["AI", "za", &long[..35]]),
            made(&["np", "m_", &long[..36]]),
            made(&["py", "pi-AgEIcHlwaS5vcmc", long]),
            made(&["S", "G.", &long[..22], ".", &long[..43]]),
            made(&["S", "K", &"0123456789abcdef".repeat(2)]),
            made(&["sk", "-proj-", &long[..48]]),
            made(&["sk", "-ant-api03-", &long[..48]]),
            made(&["ey", "JhbGciOiJIUzI1NiJ9.ey", "JzdWIiOiIxMjM0NTY3ODkwIn0.", &long[..43]]),
            made(&["abc", "8Q~", &long[..34]]),
            made(&["h", "f_", &long[..34]]),
            made(&["dap", "i", &"0123456789abcdef".repeat(2)]),
            made(&["AGE-SECRET", "-KEY-1", &"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".repeat(2)[..58]]),
            made(&["hv", "s.", &long[..24]]),
            made(&["do", "p_v1_", &"0123456789abcdef".repeat(4)]),
        ];
        let around = ["", "found in a.py", "key=%3D", "\"", "\\n", "(", "x = "];
        let mut samples: Vec<_> = tokens
            .iter()
            .flat_map(|token| around.map(|before| (format!("{before} {token}' rest"), token.clone())))
            .collect();
        let inside = [
            (r#"password = "hunter2""#, "hunter2"),
            (r"db_passwd: 'two words'", "two words"),
            (r#"{\"client_secret\": \"abc.def\"}"#, "abc.def"),
            ("var token = `q!w@e#`;", "q!w@e#"),
            (r#"secret := "pa\"ss\\word""#, r#"pa\"ss\\word"#),
            ("password=&quot;geheim&quot;", "geheim"),
            ("https://h/?access_token=geheim&x=1", "geheim"),
            ("DB_PASSWORD=geheim", "geheim"),
            ("api_key: 0a1b2c3d", "0a1b2c3d"),
            (
                "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            ),
            (
                "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            ),
            ("postgres://admin:pä@ss@db:5432/x?y@z", "pä@ss"),
            ("redis://:geheim@cache", "geheim"),
            ("Authorization: Bearer geheim.wort", "geheim.wort"),
            (r#"-H \"Authorization: Basic dTpwYXNz\""#, "dTpwYXNz"),
            ("use basic dXNlcjpwYXNz here", "dXNlcjpwYXNz"),
            ("a bearer 0123456789abcdef0123 is", "0123456789abcdef0123"),
            ("Set-Cookie: sid=0a1b2c3d; Path=/", "sid=0a1b2c3d; Path=/"),
            (
                "DefaultEndpointsProtocol=https;AccountKey=MDEyMzQ1Njc4OTAxMjM0NTY3ODk=;x",
                "MDEyMzQ1Njc4OTAxMjM0NTY3ODk=",
            ),
            ("//registry/:_authToken=geheim1234", "geheim1234"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nabc=\n-----END RSA PRIVATE KEY----- x",
                "MIIEowIBAAKCAQEA",
            ),
            (r"-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA0123\n", "MIIEowIBAAKCAQEA0123"),
            ("  7 # MIIEowIBAAKCAQEAu9PqYh4TzLd2Wv7NcRb5XsKe8Jf3GmAo6Ui1Qx0Ht5Zy4Bw7\n8 x", "MIIEowIBAAKCAQEAu9Pq"),
            ("https://hooks.slack.com/services/T00000000/B00000000/0123456789abcdefABCDEF01", "B00000000"),
        ];
        samples.extend(inside.map(|(text, secret)| (text.to_owned(), secret.to_owned())));
        samples
    }

    #[test]
    fn the_first_of_a_list_is_what_its_name_says() {
        for text in [
            r#""password":["geheim-4711"],"n":1"#,
            "tokens: [ 'geheim-4711', 'x' ]",
            r#"{"PASSWORD": [ "geheim-4711" ]}"#,
        ] {
            assert!(!masked(text).contains("geheim"), "{}", masked(text));
        }
        assert_eq!(masked("passwords: [see below]"), "passwords: [see below]");
    }

    #[test]
    fn colours_hide_nothing() {
        let text =
            "\u{1b}[38;5;33mDB_PASSWORD\u{1b}[0m\u{1b}[38;5;245m=\u{1b}[0mcorrect-horse-7411 \u{1b}[1;mé\u{1b}[0";
        let hidden = masked(text);
        assert!(!hidden.contains("horse"), "{hidden:?}");
        let (before, behind) = text.split_once("correct-horse-7411").unwrap();
        assert!(hidden.starts_with(before) && hidden.ends_with(behind), "{hidden:?}");
        assert_eq!(masked(&hidden), hidden);
        let within = masked("token: \u{1b}[32m\"geheim-\u{1b}[0mgeheim-4711\"\u{1b}[0m");
        assert!(!within.contains("geheim"), "{within:?}");
    }

    #[test]
    fn secrets_of_all_kinds_are_known() {
        for (text, secret) in samples() {
            let masked = masked(&text);
            assert!(!masked.contains(&secret) && masked.contains(OPEN), "{text} -> {masked}");
        }
        let words = KINDS.iter().flat_map(|kind| kind.words);
        assert!(words.clone().count() > 60 && words.into_iter().all(|word| word.len() > 1));
    }

    #[test]
    fn every_shape_can_be_read() {
        for kind in KINDS {
            assert!(shape(kind).is_some(), "{}", kind.shape);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "Possible hardcoded password: see the rule on secrets and tokens",
            "password = os.environ['PASSWORD']",
            "token = request.headers.get(name)",
            "token = config.auth.token2",
            r#"password = "${DB_PASSWORD}""#,
            "password: ********",
            r#"secret: "{{ vault.secret }}""#,
            r#""token": "the token of the user""#,
            "https://example.com:8080/@scope/package and git+ssh://git@example.com/x",
            "uses basic authentication over plain HTTP",
            "a bearer authentication_token_is_missing",
            "the file holds -----BEGIN RSA PRIVATE KEY----- and should not",
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----",
            "Set-Cookie: sid",
            "risk-0123456789abcdefghijkl and task_SK0123456789abcdef0123456789abcdef",
            "d2f8ab0d9f2d3a4c5b6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4",
            "‹secret:0123abcd:MPLE›",
            "CVE-2024-10001: a token is not checked, see https://example.com/a?b=c",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn what_is_before_and_behind_a_secret_stays() {
        let text = r#"x = connect("postgres://admin:hunter2@db/x", password="hunter3")"#;
        let masked = masked(text);
        let parts: Vec<&str> = masked.split(&['‹', '›'][..]).collect();
        assert_eq!(
            (parts[0], parts[2], parts[4]),
            (r#"x = connect("postgres://admin:"#, r#"@db/x", password=""#, r#"")"#)
        );
    }

    #[test]
    fn hostile_texts_take_no_longer_than_others() {
        let hostile = [
            "pwd=",
            "eyJ",
            "://a:",
            "-----BEGIN PRIVATE KEY-----",
            "password=\"",
            "cookie:a=",
            "sk-",
            "AKIA",
            "‹secret:",
        ];
        for piece in hostile {
            let text = piece.repeat((1 << 18) / piece.len());
            find(&text);
        }
    }

    proptest! {
        #[test]
        fn masking_a_masked_text_changes_nothing(
            parts in prop::collection::vec(prop_oneof![
                prop::sample::select(samples()).prop_map(|sample| sample.0), ".{0,12}", "[a-z=:\"'@/ ‹›]{0,12}",
            ], 1..6),
        ) {
            let once = masked(&parts.concat());
            prop_assert_eq!(masked(&once), once);
        }

        #[test]
        fn only_a_text_that_may_hold_a_secret_has_one(text in ".{0,80}") {
            prop_assert!(may_hold(text.as_bytes()) || find(&text).is_empty());
        }
    }
}
