//! Texts from outside, made fit for a page: as text between tags, in quoted attributes, and in a block of data.

use std::fmt;
use std::io::Write;

use serde::Serialize;

use super::super::RenderError;
use super::super::text::clean;

/// A text as it may stand between tags and in quoted attributes, cleaned as for a terminal: what deceives a reader there
/// deceives one here.
pub(super) struct Text<T>(pub(super) T);

impl<T: AsRef<str>> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in clean(self.0.as_ref()).chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

/// Writes JSON that may stand in a `script` element: the parser of HTML ends such an element at `</script` and reads on
/// differently after `<!--` (HTML, section 13.2.5.15 and following), so no `<` is left. In JSON these characters stand in
/// strings alone, where an escape means the same.
pub(super) fn data(out: &mut dyn Write, value: &impl Serialize) -> Result<(), RenderError> {
    let json = serde_json::to_string(value)?;
    let mut written = 0;
    for (at, c) in json.char_indices() {
        if matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
            write!(out, "{}\\u{:04x}", &json[written..at], u32::from(c))?;
            written = at + c.len_utf8();
        }
    }
    Ok(write!(out, "{}", &json[written..])?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_has_no_markup_and_nothing_hidden() {
        let hostile = "</td><script>alert('1')</script>&\"\u{202e}\u{1b}[31m";
        let expected = "&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;";
        assert_eq!(Text(hostile).to_string(), expected);
    }

    proptest! {
        #[test]
        fn data_cannot_leave_its_element_and_stays_the_same(text in "(.|</script>|<!--|\\u{2028}|\\u{2029}|&|\\\\){0,40}") {
            let mut out = Vec::new();
            data(&mut out, &[&text]).unwrap();
            let json = String::from_utf8(out).unwrap();
            let acts = json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']);
            prop_assert!(!acts);
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), vec![text]);
        }
    }
}
