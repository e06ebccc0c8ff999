//! Placeholders in arguments: `{target}`, `{param.rules}`. Other braces, such as find's `{}`, are text.

/// A part of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Taken as it is.
    Text(&'a str),
    /// Replaced.
    Placeholder(Placeholder<'a>),
}

/// What stands for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder<'a> {
    /// Filled when a job is dispatched: `{target}`, `{out}`, `{input}`, `{host}`, `{port}`; with its braces.
    Job(&'a str),
    /// A parameter, filled when the plan is made.
    Param(&'a str),
    /// Where a database is found, filled when the plan is made.
    Data(&'a str),
}

/// Something in braces that nothing fills.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no placeholder: write {{target}}, {{out}}, {{input}}, {{host}}, {{port}}, {{param.NAME}} or {{data.NAME}}"
)]
pub struct UnknownPlaceholder(pub String);

const JOB: [&str; 5] = ["{target}", "{out}", "{input}", "{host}", "{port}"];

/// Splits an argument into its parts.
pub fn pieces(argument: &str) -> Result<Vec<Piece<'_>>, UnknownPlaceholder> {
    let (mut parts, mut text, mut at) = (Vec::new(), 0, 0);
    while let Some(open) = argument[at..].find('{').map(|i| at + i) {
        let Some(end) = closing(argument, open) else {
            at = open + 1;
            continue;
        };
        if text < open {
            parts.push(Piece::Text(&argument[text..open]));
        }
        parts.push(Piece::Placeholder(placeholder(&argument[open..end])?));
        (text, at) = (end, end);
    }
    if text < argument.len() {
        parts.push(Piece::Text(&argument[text..]));
    }
    Ok(parts)
}

/// Returns the place after the brace that closes a name opened at `open`; none when no name is in between.
fn closing(argument: &str, open: usize) -> Option<usize> {
    let inside = &argument[open + 1..];
    let name =
        inside.bytes().take_while(|&c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-.".contains(&c)).count();
    let is_name = inside.starts_with(|c: char| c.is_ascii_lowercase()) && inside[name..].starts_with('}');
    is_name.then_some(open + 1 + name + 1)
}

fn placeholder(braced: &str) -> Result<Placeholder<'_>, UnknownPlaceholder> {
    let name = &braced[1..braced.len() - 1];
    match name.split_once('.') {
        Some(("param", param)) if !param.is_empty() => Ok(Placeholder::Param(param)),
        Some(("data", data)) if !data.is_empty() => Ok(Placeholder::Data(data)),
        None if JOB.contains(&braced) => Ok(Placeholder::Job(braced)),
        _ => Err(UnknownPlaceholder(braced.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_placeholders_and_nothing_else_is() {
        use Piece::{Placeholder as P, Text};
        assert_eq!(pieces("{}").unwrap(), [Text("{}")]);
        assert_eq!(pieces("{\"a\":1}{").unwrap(), [Text("{\"a\":1}{")]);
        assert_eq!(
            pieces("{target}/{param.lock_file}x{{data.db}").unwrap(),
            [
                P(Placeholder::Job("{target}")),
                Text("/"),
                P(Placeholder::Param("lock_file")),
                Text("x{"),
                P(Placeholder::Data("db")),
            ]
        );
        assert_eq!(pieces("{targets}"), Err(UnknownPlaceholder("{targets}".into())));
        assert_eq!(pieces("{param.}"), Err(UnknownPlaceholder("{param.}".into())));
    }

    proptest::proptest! {
        #[test]
        fn text_without_placeholders_comes_back(text in "[^a-z]*") {
            let parts = pieces(&text).unwrap();
            let joined: String = parts.iter().map(|p| match p { Piece::Text(t) => *t, Piece::Placeholder(_) => "!" }).collect();
            proptest::prop_assert_eq!(joined, text);
        }
    }
}
