use proptest::prelude::*;

use super::*;

type Taken = Vec<(u64, Result<RawEntry, String>)>;

/// Everything that is taken, and why it ended early.
fn all(text: impl AsRef<[u8]>, format: Option<ListFormat>) -> (Taken, Option<String>) {
    let mut taken = Vec::new();
    let ended = read(text.as_ref(), "-", format, &mut |line, entry| {
        taken.push((line, entry));
        Ok(())
    });
    let fault = ended.err().map(|stop| match stop {
        Stop::Malformed(fault) => fault.to_string(),
        Stop::Failed(error) => error.to_string(),
    });
    (taken, fault)
}

/// The targets, each with its line, of a list without a fault.
fn targets(text: &str) -> Vec<(u64, String)> {
    let (taken, fault) = all(text, None);
    assert_eq!(fault, None);
    taken.into_iter().map(|(line, entry)| (line, entry.unwrap().target)).collect()
}

fn at(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
    lines.iter().map(|(line, target)| (*line, (*target).to_owned())).collect()
}

#[test]
fn formats_are_told_by_how_they_begin() {
    let expected = at(&[(1, "a:1"), (2, "b")]);
    assert_eq!(targets("a:1\nb\n"), expected);
    assert_eq!(targets("\u{feff}a:1\r\nb"), expected);
    assert_eq!(targets("{\"target\":\"a:1\"}\n{\"target\":\"b\"}\n"), expected);
    assert_eq!(targets("[\"a:1\",\n{\"target\":\"b\"}]"), expected);
    assert_eq!(targets("{\"schema\":\"x\",\"targets\":[\"a:1\",\n\"b\"]}"), expected);
    assert_eq!(targets("name,Target\nx,a:1\n,b\n"), at(&[(2, "a:1"), (3, "b")]));
    assert_eq!(targets(""), at(&[]));
    assert_eq!(by_name("a.NDJSON"), Some(ListFormat::Jsonl));
    assert_eq!(by_name("a.txt"), None);
}

#[test]
fn comments_and_empty_lines_are_left_out() {
    assert_eq!(
        targets("# all of ours\n\n  host:a # the old one\nurl:http://b/#top\n"),
        at(&[(3, "host:a"), (4, "url:http://b/#top")])
    );
}

#[test]
fn all_fields_are_read_from_each_format() {
    let expected = RawEntry {
        target: "host:a".to_owned(),
        name: Some("a b".to_owned()),
        tags: Some(vec!["x".to_owned(), "y".to_owned(), "z".to_owned()]),
        enabled: Some(false),
        template: Some("ports".to_owned()),
        note: Some("say \"hi\", twice".to_owned()),
        organisation: Some("o".to_owned()),
        project: Some("p".to_owned()),
    };
    let csv = "name,target,tags,enabled,template,note,organisation,project\n\
               a b,host:a,x;y z,No,ports,\"say \"\"hi\"\", twice\",o,p\n";
    let json = r#"[{"name":"a b","target":"host:a","tags":["x","y","z"],"enabled":false,"template":"ports",
                    "note":"say \"hi\", twice","organisation":"o","project":"p","created_at":1,"actor":"me"}]"#;
    for text in [csv, json] {
        assert_eq!(all(text, None).0.remove(0).1.as_ref(), Ok(&expected));
    }
}

#[test]
fn what_is_empty_takes_away_and_what_is_absent_is_not_said() {
    let empty = RawEntry {
        target: "host:a".to_owned(),
        tags: Some(Vec::new()),
        template: Some(String::new()),
        note: Some(String::new()),
        ..RawEntry::default()
    };
    let csv = "target,tags,template,note,name,enabled,project\nhost:a,,,,,,\n";
    let json = r#"[{"target":"host:a","tags":null,"template":null,"note":"","name":null,"enabled":null}]"#;
    for text in [csv, json] {
        assert_eq!(all(text, None).0.remove(0).1.as_ref(), Ok(&empty));
    }
    let silent = RawEntry { target: "host:a".to_owned(), ..RawEntry::default() };
    assert_eq!(all("[\"host:a\"]", None).0.remove(0).1, Ok(silent));
}

#[test]
fn bad_entries_are_told_and_the_rest_is_read() {
    let (taken, fault) = all("target,enabled\nhost:a,maybe\nhost:b\nhost:c,yes\nhost:\u{e4},1,2\n", None);
    assert_eq!(fault, None);
    let reasons: Vec<(u64, String)> =
        taken.iter().filter_map(|(line, entry)| Some((*line, entry.clone().err()?))).collect();
    insta::assert_debug_snapshot!(reasons, @r#"
    [
        (
            2,
            "`enabled` is true or false, not \"maybe\"",
        ),
        (
            3,
            "it has 1 values, and there are 2 columns",
        ),
        (
            5,
            "it has 3 values, and there are 2 columns",
        ),
    ]
    "#);
    let (taken, fault) = all("[1,\n{\"tagrets\":1},\n{\"target\":1},\n{\"name\":\"x\"},\n\"host:a\"]", None);
    assert_eq!((fault, taken.len()), (None, 5));
    let reasons: Vec<String> =
        taken.into_iter().filter_map(|(line, entry)| Some(format!("{line}: {}", entry.err()?))).collect();
    insta::assert_snapshot!(reasons.join("\n"), @r"
    1: it is neither an object nor a text
    2: `tagrets` is nothing that can be said of a target (did you mean `target`?); there are name, target, tags, enabled, template, note, organisation, project
    3: `target` is of another type than it may be
    4: it has no `target`
    ");
}

#[test]
fn a_broken_list_says_where() {
    for (text, format, expected) in [
        ("tgt,name\nx,y\n", Some(ListFormat::Csv), "line 1: `tgt` is nothing"),
        ("name,tags\n", Some(ListFormat::Csv), "line 1: the header has no column `target`"),
        ("target,target\n", None, "line 1: the column `target` is there twice"),
        ("", Some(ListFormat::Csv), "line 1: it is empty"),
        ("[\"host:a\",\n\n oops]", None, "line 3: expected value"),
        ("{\"targets\":[]", None, "line 1: EOF while parsing an object"),
        ("{\"scans\":[]}", Some(ListFormat::Json), "line 1: `scans` is not known here"),
        ("{\"targets\":{\"a\":1}}", None, "line 1: `a` is not known here"),
        ("7", Some(ListFormat::Json), "line 1: invalid type: integer `7`"),
        ("[] []", None, "line 1: trailing characters"),
    ] {
        let fault = all(text, format).1.unwrap_or_default();
        assert!(fault.starts_with(expected), "{text:?}: {fault}");
    }
}

#[test]
fn nothing_that_is_too_long_is_kept() {
    let long = "x".repeat(1 << 20);
    let (taken, fault) = all(format!("host:a\nhost:{long}\nhost:b\n"), None);
    assert_eq!((fault, taken.len()), (None, 3));
    assert_eq!(taken[1], (2, Err(too_long())));
    assert_eq!(all(format!("[\"host:a\",\"{long}\"]"), None).1.unwrap(), format!("line 1: {}", too_long()));
    let (taken, fault) = all(format!("target,note\nhost:a,\"{long}\nhost:b,\n"), None);
    assert_eq!((taken.len(), fault.unwrap().ends_with(&too_long())), (0, true), "a quote that never ends");
    let (_, fault) = all("[".repeat(100_000), None);
    assert!(fault.is_some(), "what nests too deep is refused");
    let (taken, _) = all(b"host:a\nhost:\xff\nhost:b\n", None);
    assert_eq!(taken[1], (2, Err("it is no UTF-8".to_owned())));
}

proptest! {
    #[test]
    fn no_list_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200), pick in 0..5usize) {
        all(text, ListFormat::ALL.get(pick).copied());
    }

    #[test]
    fn no_list_that_is_nearly_right_makes_it_panic(text in "[\\[\\]{}\":,a\n#t;\\\\]{0,60}", pick in 0..5usize) {
        all(text, ListFormat::ALL.get(pick).copied());
    }
}
