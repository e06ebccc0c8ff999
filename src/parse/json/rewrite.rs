//! Copies a JSON document as a stream, changing the values that routes name.

use std::io::{Read, Write};

use serde_json::Value;

use super::route::{Lead, ended, leads, narrow};
use super::window::Window;
use crate::parse::{ParseError, encoding};

/// Changes values.
pub(in crate::parse) trait Change {
    /// Whether the value at the end of a route, written like this, may have to be changed. Others are copied as they are.
    fn concerns(&self, route: &'static str, written: &[u8]) -> bool;

    /// Changes the value.
    fn change(&mut self, route: &'static str, value: &mut Value);

    /// Makes what stands for a value that cannot be built: it is too long, too deep or of no number; no parser takes it.
    fn instead(&mut self, written: &[u8]) -> String;

    /// An object or array that a route leads through has ended.
    fn end(&mut self, route: &'static str);
}

/// Copies a whole document, or several that follow one another, byte by byte but for the values that change.
pub(in crate::parse) fn rewrite(
    format: &'static str,
    input: &mut dyn Read,
    output: &mut dyn Write,
    routes: &'static [&'static str],
    change: &mut dyn Change,
) -> Result<(), ParseError> {
    let mut input = encoding::open(format, input)?;
    let mut window = Window::new(format, &mut input, Some(output));
    loop {
        node(&mut window, &leads(routes), change)?;
        if window.peek()?.is_none() {
            return Ok(());
        }
    }
}

fn node(window: &mut Window<'_>, active: &[Lead], change: &mut dyn Change) -> Result<(), ParseError> {
    let end = ended(active).filter(|_| !active.iter().any(|lead| lead.wants_array()));
    let object_ends = ended(active);
    match (window.peek()?, end, object_ends) {
        _ if active.is_empty() => window.skip(),
        (_, Some(lead), _) | (Some(b'{'), _, Some(lead)) => changed(window, lead.full, change),
        (Some(b'{'), ..) => {
            window.members(b'}', &mut |window| {
                let key = window.key()?;
                node(window, &narrow(active, Some(&key)), change)
            })?;
            change.end(active[0].followed());
            Ok(())
        }
        (Some(b'['), ..) => {
            let below = narrow(active, None);
            window.members(b']', &mut |window| node(window, &below, change))?;
            change.end(active[0].followed());
            Ok(())
        }
        _ => window.skip(),
    }
}

fn changed(window: &mut Window<'_>, route: &'static str, change: &mut dyn Change) -> Result<(), ParseError> {
    let replaced = window.replace(&mut |written| {
        if !change.concerns(route, written) {
            return Ok(None);
        }
        let mut value = serde_json::from_slice(written).unwrap_or_else(|_| Value::from(change.instead(written)));
        change.change(route, &mut value);
        serde_json::to_vec(&value).map(Some)
    })?;
    if replaced {
        return Ok(());
    }
    window.omit(Value::from(change.instead(b"")).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Change for Gone {
        fn concerns(&self, _: &'static str, written: &[u8]) -> bool {
            written != b"\"kept\""
        }

        fn change(&mut self, _: &'static str, value: &mut Value) {
            *value = Value::from("gone");
        }

        fn instead(&mut self, _: &[u8]) -> String {
            "gone".to_owned()
        }

        fn end(&mut self, _: &'static str) {}
    }

    fn copy(text: &str) -> Result<String, ParseError> {
        let mut output = Vec::new();
        rewrite("test", &mut text.as_bytes(), &mut output, &["a/[]/secret"], &mut Gone)?;
        Ok(String::from_utf8(output).unwrap())
    }

    #[test]
    fn only_named_values_change() {
        let text =
            r#"{"a":[{"secret":"x","n":-1},{"secret":{"y":1}},[]],"b":[{},null,true,1.5,"é\n"],"secret":"kept"}"#;
        let expected =
            r#"{"a":[{"secret":"gone","n":-1},{"secret":"gone"},[]],"b":[{},null,true,1.5,"é\n"],"secret":"kept"}"#;
        assert_eq!(copy(text).unwrap(), expected);
        assert!(matches!(copy("{\"a\":["), Err(ParseError::Invalid { .. })));
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        for value in ["1e999", &deep, &format!("\"{}\"", "x".repeat(17 << 20))] {
            assert_eq!(
                copy(&format!(r#"{{"a":[{{"secret":{value}}},2]}}"#)).unwrap(),
                r#"{"a":[{"secret":"gone"},2]}"#
            );
        }
    }
}
