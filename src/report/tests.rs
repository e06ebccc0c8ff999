//! What holds for every format.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::rc::Rc;

use super::testing::{finding, finished, hostile, render, troubled, unfinished, with_asked, with_source};
use super::{RENDERERS, Source, SourceError, renderer};
use crate::model::exploit::Dataset;
use crate::model::gate::{Gate as Asked, Missing};
use crate::model::severity::Severity;
use crate::model::view::FindingView;

/// Counts the bytes that are written.
struct Counted(Rc<Cell<usize>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Pages that note after how many of them something was written before the next was asked for.
struct Pages {
    read: usize,
    written: Rc<Cell<usize>>,
    before: usize,
    answered: usize,
}

const PAGES: usize = 40;

impl Source<FindingView> for Pages {
    fn next_page(&mut self) -> Result<Vec<FindingView>, SourceError> {
        self.answered += usize::from(self.read > 0 && self.written.get() > self.before);
        self.before = self.written.get();
        self.read += 1;
        // Larger than any buffer on the way.
        let one = finding(Severity::High, "bandit", "B1", &"t".repeat(1_000), "a.py", 1);
        Ok(vec![one; if self.read <= PAGES { 20 } else { 0 }])
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        (self.read, self.answered, self.before) = (0, 0, self.written.get());
        Ok(())
    }
}

#[test]
fn formats_for_machines_write_each_page_before_they_ask_for_the_next() {
    let limited = ["github", "github-summary", "html", "markdown", "pr", "table"];
    for renderer in RENDERERS.iter().filter(|renderer| !limited.contains(&renderer.name())) {
        let written = Rc::new(Cell::new(0));
        let mut pages = Pages { read: 0, written: Rc::clone(&written), before: 0, answered: 0 };
        with_source(&unfinished(), &troubled()[..1], &mut pages, |data| {
            renderer.render(data, &mut Counted(written)).unwrap();
        });
        // The findings are of code: other reports of GitLab have none to write.
        let has_none = renderer.name().starts_with("gitlab-") && renderer.name() != "gitlab-sast";
        assert_eq!(pages.answered, if has_none { 0 } else { PAGES }, "{}", renderer.name());
    }
}

#[test]
fn every_format_tells_that_a_scan_is_incomplete() {
    let silent: BTreeSet<&str> = RENDERERS
        .iter()
        .map(|renderer| renderer.name())
        .filter(|name| {
            let text = render(name, &unfinished(), &troubled(), Vec::new(), 80);
            !text.contains("stopped after 10m")
        })
        .collect();
    assert_eq!(silent, BTreeSet::new());
}

#[test]
fn every_format_tells_that_a_gate_is_not_decided() {
    let silent = |name: &&str| {
        let asked: Asked = serde_json::from_str(r#"{"rules":[{"kev":true}]}"#).unwrap();
        let missing = vec![Missing { dataset: Dataset::Kev, problem: None }];
        let text = with_asked(&finished(), &[], Vec::new(), asked, missing, |data| {
            let mut out = Vec::new();
            renderer(name).unwrap().render(data, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        });
        !["asks what is not known", "it asks the KEV catalogue"].iter().any(|why| text.contains(why))
    };
    let silent: BTreeSet<&str> = RENDERERS.iter().map(|renderer| renderer.name()).filter(silent).collect();
    assert_eq!(silent, BTreeSet::new());
}

#[test]
fn no_format_acts_on_a_terminal() {
    for renderer in RENDERERS {
        let text = render(renderer.name(), &unfinished(), &troubled(), vec![hostile()], 80);
        let acting = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r'));
        assert_eq!(acting, None, "{}", renderer.name());
    }
}
