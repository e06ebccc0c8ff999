//! Walks results that stand one on a line (JSON Lines), all in one array, or alone.

use serde_json::Value;

use super::json::Event;
use super::masked::{walk, walk_all};
use super::value::at;
use super::{Context, Input, ParseError, Parser};

/// Routes to one result, for a [`Redaction`](super::Redaction) too.
pub(super) const ROUTES: &[&str] = &["", "[]"];

/// Hands over one result after the other. Each must have something at one of the pointers `marks`: a result without is none of
/// this format.
pub(super) fn each(
    parser: &dyn Parser,
    context: &Context,
    input: &mut Input<'_>,
    marks: &[&str],
    visit: &mut dyn FnMut(Value) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    walk_all(parser, context, input, ROUTES, &mut marked(parser.name(), marks, visit)).map(drop)
}

/// The same for one document: a result alone, or all in one array.
pub(super) fn in_one(
    parser: &dyn Parser,
    context: &Context,
    input: &mut Input<'_>,
    marks: &[&str],
    visit: &mut dyn FnMut(Value) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    walk(parser, context, input, ROUTES, &mut marked(parser.name(), marks, visit)).map(drop)
}

fn marked(
    format: &'static str,
    marks: &[&str],
    visit: &mut dyn FnMut(Value) -> Result<(), ParseError>,
) -> impl FnMut(&'static str, Event) -> Result<(), ParseError> {
    let mut count = 0_u64;
    move |_, event| {
        let Event::Value(value) = event else { return Ok(()) };
        count += 1;
        if marks.iter().any(|mark| at(&value, mark).is_some_and(|found| !found.is_null())) {
            return visit(value);
        }
        let names: Vec<_> = marks.iter().map(|mark| format!("`{}`", mark.trim_start_matches('/'))).collect();
        let message = format!("it has no {}", names.join(" or "));
        Err(ParseError::Invalid { format, message, place: format!("result {count}") })
    }
}

#[cfg(test)]
mod tests {
    use super::super::naabu::Naabu;
    use super::super::testing::context;
    use super::*;

    fn count(text: &str) -> Result<usize, String> {
        let mut count = 0;
        each(&Naabu, &context(), &mut Input::new(&mut text.as_bytes()), &["/id", "/a/b"], &mut |_| {
            count += 1;
            Ok(())
        })
        .map(|()| count)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn results_of_another_format_are_refused() {
        assert_eq!(count("{\"id\":1}\n{\"a\":{\"b\":2}}").unwrap(), 2);
        assert_eq!(count(r#"[{"id":1},{"id":2}]"#).unwrap(), 2);
        assert_eq!(count("[]").unwrap(), 0);
        assert_eq!(count("{\"id\":1}\n{}").unwrap_err(), "not naabu: it has no `id` or `a/b` (at result 2)");
        assert!(count("[1]").unwrap_err().contains("result 1"));
        assert!(count("7").is_err());
    }
}
