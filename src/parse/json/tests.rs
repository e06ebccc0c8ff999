use super::*;
use crate::parse::mask::Masker;
use crate::parse::metered::MAX_VALUE;

const ROUTES: &[&str] = &["runs/[]/results/[]", "runs/[]/tool/name", "extra/*/[]"];

/// Masks what begins with `geheim`; notes how each value was written.
#[derive(Default)]
struct Hide {
    routes: &'static [&'static str],
    told: Vec<String>,
}

impl Mask for Hide {
    fn routes(&self) -> &'static [&'static str] {
        self.routes
    }

    fn is_plain(&self, _: &'static str, _: &Borrowed<'_>, written: &[u8]) -> bool {
        !written.windows(6).any(|window| window == b"geheim")
    }

    fn mask(&mut self, route: &'static str, value: &mut Value, written: &[u8]) -> Masked {
        self.told.push(format!("{route}={}", String::from_utf8_lossy(written)));
        if written.starts_with(b"\"geheim") {
            *value = Value::from("hidden");
            return Masked::Anew;
        }
        if self.routes.contains(&route) { Masked::ByString } else { Masked::AsWritten }
    }

    fn instead(&mut self, _: &[u8]) -> String {
        "instead".to_owned()
    }

    fn end(&mut self, route: &'static str) {
        self.told.push(format!("/{route}"));
    }
}

/// Notes what it comes upon.
#[derive(Default)]
struct Notes {
    events: Vec<String>,
    plain: bool,
}

impl Visitor for Notes {
    fn visit(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        self.events.push(match event {
            Event::Value(value) => format!("{route}={value}"),
            Event::End => format!("/{route}"),
        });
        Ok(())
    }

    fn takes_plain(&self, _: &'static str) -> bool {
        self.plain
    }

    fn plain(&mut self, route: &'static str, value: &Borrowed<'_>) -> Result<(), ParseError> {
        self.events.push(format!("{route}:{value}"));
        Ok(())
    }
}

/// Walks a text; returns what was visited.
fn visited(text: &str, routes: &'static [&'static str], several: bool) -> Result<(Vec<String>, Seen), String> {
    let mut notes = Notes::default();
    let document = Document { format: "test", input: &mut text.as_bytes(), copy: None, several };
    let seen = walk(document, routes, &mut Hide::default(), &mut notes);
    Ok((notes.events, seen.map_err(|error| error.to_string())?))
}

fn events(text: &str) -> Result<Vec<String>, String> {
    visited(text, ROUTES, false).map(|(events, _)| events)
}

/// Walks a text, and copies it; returns what was visited, what the mask was told, and the copy.
fn copied(
    text: &str,
    routes: &'static [&'static str],
    masks: &'static [&'static str],
) -> (Vec<String>, Vec<String>, String) {
    copied_with(text, routes, masks, false)
}

fn copied_with(
    text: &str,
    routes: &'static [&'static str],
    masks: &'static [&'static str],
    plain: bool,
) -> (Vec<String>, Vec<String>, String) {
    let (mut output, mut masker) = (Vec::new(), Masker::new(b"key"));
    let (mut hide, mut notes) = (Hide { routes: masks, told: Vec::new() }, Notes { plain, ..Notes::default() });
    let mut copy = Strings::new(&mut output, &mut masker);
    let document = Document { format: "test", input: &mut text.as_bytes(), copy: Some(&mut copy), several: true };
    walk(document, routes, &mut hide, &mut notes).unwrap();
    copy.finish().unwrap();
    notes.events.retain(|event| !event.starts_with('/'));
    (notes.events, hide.told, String::from_utf8(output).unwrap())
}

#[test]
fn values_come_in_the_order_of_the_file() {
    let got = events(r#"{"runs":[{"results":[1,{"a":2}],"junk":[[[]]],"tool":{"name":"x"}}],"extra":{"k":[3]}}"#);
    let expected = [
        "runs/[]/results/[]=1",
        r#"runs/[]/results/[]={"a":2}"#,
        "/runs/[]/results",
        r#"runs/[]/tool/name="x""#,
        "/runs/[]/tool",
        "/runs/[]",
        "/runs",
        "extra/*/[]=3",
        "/extra/*",
        "/extra",
        "/",
    ];
    assert_eq!(got.unwrap(), expected);
}

#[test]
fn a_key_that_looks_like_a_route_is_only_a_key() {
    assert_eq!(events(r#"{"runs":null,"[]":1,"runs/[]/results/[]":2}"#).unwrap(), ["/"]);
}

#[test]
fn keys_are_told_where_a_route_asks_for_them() {
    let text = r#"{"files":{"a.py":[1,2],"b/[]":[]},"rules":{"r":{"x":3}}}"#;
    let (told, _) = visited(text, &["files/@/[]", "rules/@"], false).unwrap();
    let values: Vec<_> = told.into_iter().filter(|told| told.contains('=')).collect();
    let expected = [
        r#"files/@="a.py""#,
        "files/@/[]=1",
        "files/@/[]=2",
        r#"files/@="b/[]""#,
        r#"rules/@="r""#,
        r#"rules/@={"x":3}"#,
    ];
    assert_eq!(values, expected);
}

#[test]
fn wrong_shapes_and_broken_files_have_a_place() {
    assert_eq!(
        events(r#"{"runs":{}}"#).unwrap_err(),
        "not test: an array was expected and an object is there (at line 1 column 9)"
    );
    assert!(
        events(r#"{"runs":"x"}"#)
            .unwrap_err()
            .contains("an array was expected and a text is there (at line 1 column 9)")
    );
    assert!(events("{\"runs\":[\n{").unwrap_err().contains("line 2 column 2"));
    assert!(events("{} x").unwrap_err().contains("trailing characters"));
    assert!(events(&"[".repeat(1000)).unwrap_err().contains("expected"));
    assert!(events(&format!(r#"{{"z":{}1"#, "[".repeat(1000))).unwrap_err().contains("at line 1"));
}

#[test]
fn one_result_and_many_are_read_alike() {
    let taken = |text: &str| {
        let (events, _) = visited(text, &["", "[]"], true)?;
        let values = events.iter().filter_map(|event| event.split_once('=').map(|(_, value)| value));
        Ok::<_, String>(values.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(taken(r#"{"a":1}"#).unwrap(), r#"{"a":1}"#);
    assert_eq!(taken(r#"[{"a":1},{"a":2}]"#).unwrap(), r#"{"a":1} {"a":2}"#);
    assert_eq!(taken("{\"a\":1}\n{\"a\":2}\n").unwrap(), r#"{"a":1} {"a":2}"#);
    assert!(taken("{\"a\":1}\n{\"a\"").unwrap_err().contains("line 2"));
    assert!(taken("{\"a\":1}\nERROR x").is_err());
    assert!(taken("").unwrap_err().contains("empty"));
}

#[test]
fn an_array_counts_when_it_is_there() {
    let has = |text: &str| visited(text, &["list/[]", "[]"], false).unwrap().1.require(&["[]"]).is_ok();
    assert!(has("[]") && has("[1]") && has("null"));
    assert!(!has("{}") && !has(r#"{"list":[]}"#));
}

#[test]
fn one_value_cannot_fill_the_memory_but_a_skipped_one_may_be_long() {
    let huge = "x".repeat(MAX_VALUE + (1 << 20));
    assert!(events(&format!(r#"{{"runs":[{{"results":["{huge}"]}}]}}"#)).unwrap_err().contains("longer than 16 MiB"));
    assert_eq!(events(&format!(r#"{{"junk":"{huge}","runs":[]}}"#)).unwrap(), ["/runs", "/"]);
}

#[test]
fn what_is_asked_for_is_masked_for_who_asks_and_in_the_copy() {
    let text = r#"{"a": [{"secret": "geheim", "n": -1e2}, {"b": "geheim" }], "c": "a\u003cb"} "#;
    let (visited, told, copy) = copied(text, &["a/[]/secret", "c"], &["a/[]/secret"]);
    assert_eq!(visited, [r#"a/[]/secret="hidden""#, r#"c="a<b""#]);
    assert_eq!(told, [r#"a/[]/secret="geheim""#, "/a/[]", "/a/[]", "/a", r#"c="a\u003cb""#, "/"]);
    assert_eq!(copy, r#"{"a": [{"secret": "hidden", "n": -1e2}, {"b": "geheim" }], "c": "a\u003cb"} "#);
}

#[test]
fn what_nobody_asks_for_is_masked_in_the_copy_whatever_it_is() {
    let copy = |text: &str| copied(text, &["runs/[]/results/[]"], &["a/[]/secret"]);
    let text = r#"{"a":[{"secret":"geheim","n":-1},{"secret":{"y":1}},[]],"b":[{},null,true,1.5,"é\n"],"secret":"geheim"} {"a":{"secret":"geheim"}}"#;
    let (visited, told, copied) = copy(text);
    assert!(visited.is_empty());
    assert_eq!(told[..2], [r#"a/[]/secret="geheim""#, "/a/[]"]);
    assert_eq!(copied, text.replacen("geheim", "hidden", 1));
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for value in ["1e999", &deep, &format!("\"{}\"", "x".repeat(17 << 20))] {
        let (_, _, copied) = copy(&format!(r#"{{"a":[{{"secret":{value}}},2]}}"#));
        assert_eq!(copied, r#"{"a":[{"secret":"instead"},2]}"#);
    }
}

#[test]
fn known_secrets_are_masked_wherever_they_stand_in_the_copy() {
    let secret = "postgres://u:s3cr3tpassw0rd@db/x";
    let text = format!(r#"{{"{secret}":1,"skipped":["{secret}",2],"a":[{{"secret":["{secret}"]}}]}}"#);
    let (_, _, copy) = copied(&text, &["c"], &["a/[]/secret"]);
    assert!(!copy.contains("s3cr3t") && copy.matches("‹secret:").count() == 3, "{copy}");
}

#[test]
fn what_has_nothing_to_hide_is_taken_where_it_lies() {
    let long = format!("\"{}\"", "x".repeat(2 << 20));
    let text = format!("{{\"a\":[{{ \"n\": [1, \"\\n\"] }},\"geheim\",{long},3]}}");
    let (visited, told, copy) = copied_with(&text, &["a/[]"], &["a/[]"], true);
    let expected = [
        r#"a/[]:{"n":[1,"\n"]}"#.to_owned(),
        r#"a/[]="hidden""#.to_owned(),
        format!("a/[]={long}"),
        "a/[]:3".to_owned(),
    ];
    assert_eq!(visited, expected);
    assert_eq!(told.iter().filter(|told| told.contains('=')).count(), 2, "the others were not built");
    assert_eq!(copy, text.replace("geheim", "hidden"));
}
