//! The page of `dragnet report --format html` in a real browser, opened from disk with the network cut.
//!
//! Skipped where there is no browser, unless `DRAGNET_REQUIRE_BROWSER` is set. `DRAGNET_SHOTS` names a folder for pictures.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and is written for its reader"
)]

mod browser;
mod scans;

use std::path::Path;

use browser::Browser;
use scans::{Bench, hostile, many, samples};
use serde_json::Value;

/// An interaction that takes longer is one that a reader waits for; measured ones take a small part of it.
const BOUND_MS: f64 = 1000.0;

/// Three scans of one target, one of which was not complete; of the last, two findings do not count.
fn history(bench: &Bench) {
    for (count, errors) in [(140, false), (90, true), (118, false)] {
        let text = many(count);
        let told = ["\"invocations\":[{\"executionSuccessful\":false}],\"results\"", "\"results\""];
        bench.import_text("code", "sarif", &text.replacen("\"results\"", told[usize::from(!errors)], 1));
    }
    let report = bench.json();
    let name = |n: usize| report["findings"][n]["fingerprint"].as_str().unwrap().to_owned();
    for (verb, name) in [("accept", name(3)), ("suppress", name(40))] {
        let output = bench.dragnet(&["findings", verb, &name, "--reason", "behind a gateway that refuses it"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn shown(browser: &mut Browser) -> usize {
    usize::try_from(browser.run("document.querySelectorAll('#rows tr.finding').length").as_u64().unwrap()).unwrap()
}

fn severities(browser: &mut Browser) -> Vec<String> {
    browser.texts("#rows .finding .c-severity").iter().map(|word| word.to_lowercase()).collect()
}

#[test]
fn a_reader_finds_what_he_looks_for() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    history(&bench);
    let report = bench.json();
    browser.open(&bench.page(&[]));

    // What is counted is what the report for programs counts.
    let findings = report["findings"].as_array().unwrap();
    let muted = findings.iter().filter(|finding| !finding["muting"].is_null()).count();
    let gone = report["gone"].as_array().unwrap().len();
    assert_eq!((findings.len(), muted), (118, 2));
    assert_eq!(browser.text("#count"), "116 findings that count");
    assert_eq!(
        browser.texts("[data-list]"),
        ["Counted 116".to_owned(), "Not counted 2".to_owned(), format!("Gone {gone}")]
    );
    assert_eq!(shown(&mut browser), 50, "rows are drawn in slices");

    // Three scans, of which the second did not see everything; how this one stands to those before.
    assert_eq!(browser.run("document.querySelectorAll('svg.trend g').length"), 3);
    assert_eq!(
        browser.run("[...document.querySelectorAll('svg.trend g')].map((g) => g.className.baseVal === 'open')"),
        serde_json::json!([false, true, false])
    );
    let standings = &report["summary"]["standings"];
    let told = browser.run(
        "[...document.querySelectorAll('#since ~ table tr')].map((tr) => Number(tr.querySelector('.n').innerText))",
    );
    let names = ["new", "reopened", "existing", "fixed"].map(|name| standings[name].clone());
    assert_eq!(told.as_array().unwrap()[..4], names);
    assert!(standings["existing"].as_u64() > Some(0), "{standings}");

    // Severity.
    browser.click("#severities .k0");
    let critical = findings.iter().filter(|f| f["severity"] == "critical" && f["muting"].is_null()).count();
    assert_eq!(shown(&mut browser), critical);
    assert!(severities(&mut browser).iter().all(|word| word == "critical"));
    browser.click("#reset");

    // Search, by the keyboard.
    browser.key("Escape");
    browser.run("document.activeElement.blur()");
    browser.key("/");
    browser.call("Input.insertText", &serde_json::json!({"text": "number 17 Sql-Inj"}));
    let expected = findings.iter().filter(|f| {
        let place = &f["location"];
        let text = format!("{} {} {}:{}", f["message"], f["rule"], place["path"], place["start_line"]).to_lowercase();
        text.contains("number") && text.contains("17") && text.contains("sql-inj") && f["muting"].is_null()
    });
    let expected = expected.count();
    assert!(browser.text("#count").starts_with(&format!("{expected} of 116 ")), "{}", browser.text("#count"));
    browser.key("Escape");
    assert_eq!(browser.text("#count"), "116 findings that count", "Escape empties the search");

    // Sort.
    browser.click("[data-sort=place] button");
    let places = browser.texts("#rows .c-place");
    let file =
        |place: &String| place.rsplit_once(':').map(|(file, line)| (file.to_owned(), line.parse::<u32>().unwrap()));
    let files: Vec<_> = places.iter().map(|place| file(place).unwrap()).collect();
    assert!(files.is_sorted(), "{files:?}");
    browser.click("[data-sort=place] button");
    assert_eq!(browser.run("document.querySelector('[data-sort=place]').ariaSort"), "descending");
    let last = browser.texts("#rows .c-place").iter().map(|place| file(place).unwrap()).next().unwrap();
    assert!(files.iter().all(|file| *file <= last));
    browser.click("[data-sort=severity] button");

    // Group.
    browser.choose("#group", "scanner");
    assert_eq!((browser.text("#rows .group .fold"), shown(&mut browser)), ("code".to_owned(), 0));
    browser.click("#rows .fold");
    assert_eq!(shown(&mut browser), 49, "and the head of the group");
    browser.choose("#group", "rule");
    let rules: std::collections::BTreeSet<&str> =
        findings.iter().filter(|f| f["muting"].is_null()).map(|f| f["rule"].as_str().unwrap()).collect();
    assert_eq!(browser.text("#count"), format!("116 findings that count in {} groups", rules.len()));
    browser.click("#more");
    assert_eq!(browser.texts("#rows .group .fold").len(), rules.len());
    browser.choose("#group", "");

    // What does not count is apart, with who said so.
    browser.click("[data-list=muted]");
    assert_eq!(shown(&mut browser), 2);
    browser.click("#rows .open");
    assert!(browser.text("#rows .detail").contains("Not counted: accepted by"), "{}", browser.text("#rows .detail"));
    assert!(browser.text("#rows .detail").contains("behind a gateway that refuses it"));
    browser.click("[data-list=gone]");
    assert!(gone > 0 && report["gone"].as_array().unwrap().iter().all(|one| one["fate"] == "fixed"));
    assert_eq!(browser.texts("#rows .c-standing"), vec!["fixed"; gone]);
    assert_eq!(browser.wrongs(), [""; 0]);
}

#[test]
fn the_page_knows_the_scans_before_it_of_the_same_target() {
    let bench = Bench::new();
    history(&bench);
    let page = std::fs::read_to_string(bench.page(&[])).unwrap();
    let columns = |page: &str| (page.matches("<g>").count(), page.matches("<g class=\"open\">").count());
    assert_eq!(columns(&page), (2, 1), "three scans, of which one did not see everything");
    bench.import_elsewhere("code", "sarif");
    let page = std::fs::read_to_string(bench.page(&[])).unwrap();
    assert_eq!(columns(&page), (0, 0));
    assert!(page.contains("There is no earlier scan of this target and line."));
    // The format is for people, and a limit holds for it.
    let page = std::fs::read_to_string(bench.page(&["--limit", "7"])).unwrap();
    assert!(page.contains("<strong>This page carries the worst 7 of 118 findings.</strong>"));
    let page = std::fs::read_to_string(bench.page(&["--limit", "0"])).unwrap();
    assert!(!page.contains("This page carries"));
}

#[test]
fn the_keyboard_reaches_everything() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    history(&bench);
    browser.open(&bench.page(&[]));
    let focused = "document.activeElement.closest('tr')?.querySelector('.c-place')?.innerText ?? null";

    // The first stop leads past everything else.
    browser.key("Tab");
    assert_eq!(browser.run("document.activeElement.className"), "skip");
    let places = browser.texts("#rows .c-place");
    browser.key("j");
    assert_eq!(browser.run(focused), places[0].as_str());
    browser.key("j");
    browser.key("ArrowDown");
    browser.key("k");
    assert_eq!(browser.run(focused), places[1].as_str());
    browser.key("Enter");
    assert_eq!(browser.run("document.activeElement.ariaExpanded"), "true");
    assert_eq!(browser.texts("#rows .detail").len(), 1);
    browser.key("j");
    assert_eq!(browser.run(focused), places[2].as_str(), "past what is opened");
    browser.key("k");
    browser.key("Escape");
    assert_eq!((browser.texts("#rows .detail").len(), browser.run(focused)), (0, places[1].as_str().into()));

    // Behind the last row of a slice is the next.
    let told = browser.run(
        "(() => {
        const rows = document.querySelector('#rows');
        rows.lastElementChild.querySelector('button').focus();
        const before = rows.children.length;
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
        return [before, rows.children.length, [...rows.children].indexOf(document.activeElement.closest('tr'))]; })()",
    );
    assert_eq!(told, serde_json::json!([50, 100, 50]));

    // Single keys can be turned off.
    browser.click("#keys");
    let before = browser.run(focused);
    browser.key("k");
    assert_eq!(browser.run(focused), before);

    // Whatever can be used has a name.
    let tree = browser.call("Accessibility.getFullAXTree", &serde_json::json!({}));
    let used = ["button", "searchbox", "combobox", "checkbox", "textbox", "link", "table", "region", "search", "main"];
    let nodes = tree["nodes"].as_array().unwrap();
    let role = |node: &Value| node["role"]["value"].as_str().unwrap_or_default().to_owned();
    let mut unnamed = nodes.iter().filter(|node| {
        let is_used = node["ignored"] == false && used.contains(&role(node).as_str()) && role(node) != "main";
        is_used && node["name"]["value"].as_str().is_none_or(|name| name.trim().is_empty()) && role(node) != "table"
    });
    assert_eq!(unnamed.next(), None);
    for needed in ["banner", "main", "search", "contentinfo", "status", "rowheader", "columnheader", "heading"] {
        assert!(nodes.iter().any(|node| role(node) == needed), "nothing is a {needed}");
    }
    assert_eq!(browser.run("document.documentElement.lang"), "en");
    assert_eq!(browser.wrongs(), [""; 0]);
}

#[test]
fn hostile_words_do_nothing() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    bench.import_text("code", "sarif", &hostile());
    let names = bench.json();
    let name = names["findings"][0]["fingerprint"].as_str().unwrap();
    let reason = "<img src=x onerror=alert(5)>";
    assert!(bench.dragnet(&["findings", "accept", name, "--reason", reason]).status.success());
    browser.open(&bench.page(&[]));
    for list in ["open", "muted", "gone"] {
        browser.click(&format!("[data-list={list}]"));
        browser.run("document.querySelectorAll('#rows .open').forEach((button) => button.click())");
        for group in ["file", "rule", "scanner", "severity", ""] {
            browser.choose("#group", group);
        }
    }
    browser.click("[data-list=open]");
    assert_eq!(shown(&mut browser), 2);
    browser.shoot("hostile", true);
    let told = browser.text("#rows");
    assert!(told.contains("<img src=x onerror=\"window.acted = 1; alert(2)\">"), "it is text: {told}");
    assert_eq!(browser.run("window.acted ?? null"), Value::Null);
    assert_eq!(browser.run("document.querySelectorAll('img, #rows svg, iframe, object, embed').length"), 0);
    let links =
        "[...document.querySelectorAll('a')].filter((a) => !/^(https?:|file:.*#findings$)/.test(a.href)).length";
    assert_eq!(browser.run(links), 0);
    assert_eq!(browser.run("document.querySelectorAll('script').length"), 4, "three blocks of data and the script");
    assert_eq!(browser.wrongs(), [""; 0]);

    // The policy holds: what would be put in by whatever way neither runs nor loads.
    let tries = "(async () => {
        const told = [];
        const attempt = (act) => { try { act(); } catch (error) { told.push(error.name); } };
        attempt(() => { const script = document.createElement('script'); script.textContent = 'window.acted = 2'; document.body.append(script); });
        attempt(() => { document.body.innerHTML = '<b>x</b>'; });
        attempt(() => { document.body.setAttribute('onclick', 'window.acted = 3'); document.body.click(); });
        const image = new Image();
        const failed = new Promise((done) => { image.onerror = done; });
        image.src = 'https://example.org/x.png';
        await failed;
        return [told, window.acted ?? null]; })()";
    let told = browser.run(tries);
    assert_eq!(told, serde_json::json!([["TypeError", "TypeError", "TypeError"], null]));
    let stopped =
        |event: &&Value| event["method"] == "Network.loadingFailed" && event["params"]["blockedReason"] == "csp";
    assert_eq!(browser.events.iter().filter(stopped).count(), 1, "{:?}", browser.wrongs());
}

#[test]
fn ten_thousand_findings_are_searched_without_a_wait() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    bench.import_text("code", "sarif", &many(10_000));
    let page = bench.page(&[]);
    browser.open(&page);
    assert_eq!(browser.text("#count"), "10,000 findings that count");
    let search = |words: &str| {
        format!("const s = document.querySelector('#search'); s.value = '{words}'; s.dispatchEvent(new Event('input'))")
    };
    let choose = |id: &str, value: &str| {
        format!("const s = document.querySelector('#{id}'); s.value = '{value}'; s.dispatchEvent(new Event('change'))")
    };
    let click = |selector: &str| format!("document.querySelector('{selector}').click()");
    let acts = [
        ("filter by severity", click("#severities .k1")),
        ("take the filter back", click("#severities .k1")),
        ("search one letter", search("a")),
        ("search a word", search("handler number 99")),
        ("empty the search", search("")),
        ("sort by finding", click("[data-sort=title] button")),
        ("sort by place", click("[data-sort=place] button")),
        ("sort by place, down", click("[data-sort=place] button")),
        ("sort by severity", click("[data-sort=severity] button")),
        ("group by file", choose("group", "file")),
        ("open all groups", click("#unfold")),
        ("group by rule", choose("group", "rule")),
        ("no groups", choose("group", "")),
        ("open a finding", click("#rows .open")),
        ("draw the next slice", click("#more")),
    ];
    eprintln!(
        "10,000 findings, {} KiB; ms until laid out, until the second frame after",
        page.metadata().unwrap().len() >> 10
    );
    let mut slow = Vec::new();
    for (name, act) in acts {
        let times = browser.run(&format!(
            "(async () => {{ const start = performance.now(); {{ {act} }} document.body.offsetHeight; const laid = performance.now() - start;
               await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); return [laid, performance.now() - start]; }})()"
        ));
        let laid = times[0].as_f64().unwrap();
        eprintln!("  {name:22} {laid:6.1} {:6.1}", times[1].as_f64().unwrap());
        if laid > BOUND_MS {
            slow.push(format!("{name}: {laid:.0} ms"));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
    let load =
        browser.run("(() => { const n = performance.getEntriesByType('navigation')[0]; return n.loadEventEnd; })()");
    eprintln!("  {:22} {:6.1}", "open the page", load.as_f64().unwrap());
    assert_eq!(browser.wrongs(), [""; 0]);
}

/// Texts whose contrast with what is behind them is less than the Web Content Accessibility Guidelines 2.1 ask for (1.4.3).
const CONTRAST: &str = "(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const weak = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(element);
    if (!texts.length || !element.checkVisibility({ visibilityProperty: true }) || element.closest('.sr, .skip, svg, script')) continue;
    const [a, b] = [light(channels(style.color)), light(behind(element))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < needed) weak.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)} (${element.textContent.trim().slice(0, 30)})`);
  }
  return [...weak];
})()";

/// Elements that stick out of the window, or texts that run out of their box.
const OVERFLOW: &str = "(() => {
  const out = [];
  if (document.documentElement.scrollWidth > innerWidth) out.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll('main *, header *')) {
    if (element.closest('.sr, .wide, svg, thead') || !element.checkVisibility()) continue;
    const box = element.getBoundingClientRect();
    if (box.right > innerWidth + 1) out.push(`${element.tagName}.${element.className} ends at ${box.right}`);
  }
  return out;
})()";

#[test]
fn it_is_readable_in_every_light_and_width() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    history(&bench);
    browser.open(&bench.page(&["--fail-on", "high"]));
    browser.click("#rows .open");
    for (scheme, width) in [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 820)] {
        browser.size(width, 900);
        browser.prefer(scheme);
        let expected = if scheme == "dark" { "rgb(14, 17, 22)" } else { "rgb(245, 246, 248)" };
        assert_eq!(browser.run("getComputedStyle(document.body).backgroundColor"), expected);
        assert_eq!(browser.run(CONTRAST), serde_json::json!([]), "{scheme} {width}");
        assert_eq!(browser.run(OVERFLOW), serde_json::json!([]), "{scheme} {width}");
        browser.shoot(&format!("{scheme}-{width}"), false);
        browser.shoot(&format!("{scheme}-{width}-whole"), true);
    }
    // The switch wins over what the system prefers.
    browser.size(1280, 900);
    browser.click("#theme");
    assert_eq!(browser.text("#theme"), "Theme: light");
    assert_eq!(browser.run("getComputedStyle(document.body).backgroundColor"), "rgb(245, 246, 248)");
    browser.choose("#group", "file");
    browser.shoot("grouped", false);
    assert_eq!(browser.wrongs(), [""; 0]);
}

#[test]
fn on_paper_everything_is_open() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    history(&bench);
    browser.open(&bench.page(&[]));
    browser.prefer("dark");
    browser.run("addEventListener('beforeprint', () => { window.printed = [document.querySelectorAll('#rows .finding').length, document.querySelectorAll('#rows .detail').length]; })");
    let pdf = browser.print("print");
    assert!(pdf.starts_with(b"%PDF"));
    // Each page is an object of its own: `/Type /Page`.
    let text = String::from_utf8_lossy(&pdf);
    let pages = text.matches("/Type /Page\n").count()
        + text.matches("/Type /Page ").count()
        + text.matches("/Type/Page/").count();
    assert!(pages > 5, "{pages} pages");
    assert_eq!(browser.run("window.printed"), serde_json::json!([116, 116]));
    assert_eq!(shown(&mut browser), 50, "and afterwards it is as it was");
    assert!(browser.texts("#rows .detail").is_empty());
    assert_eq!(browser.wrongs(), [""; 0]);
}

#[test]
fn without_its_script_the_page_tells_the_same() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new();
    history(&bench);
    browser.call("Emulation.setScriptExecutionDisabled", &serde_json::json!({"value": true}));
    browser.open(&bench.page(&["--fail-on", "high"]));
    assert_eq!(browser.text("h1"), "Gate failed");
    assert_eq!(browser.texts("#plain tbody tr").len(), 118);
    assert!(
        browser
            .run("[...document.querySelectorAll('#tools, #list, #theme')].every((e) => !e.checkVisibility())")
            .as_bool()
            .unwrap()
    );
    browser.shoot("plain", false);
    assert_eq!(browser.wrongs(), [""; 0]);
}

/// Real outputs, with what each comes to.
const REAL: &[(&str, &str, &str)] = &[
    ("semgrep", "semgrep", "real/semgrep/railsgoat.json"),
    ("bandit", "bandit", "real/bandit/dvpwa.json"),
    ("gitleaks", "gitleaks", "real/gitleaks/nodegoat.json"),
    ("cargo-audit", "cargo-audit", "real/cargo-audit/rust-lock.json"),
    ("trivy", "trivy", "trivy/all_statuses.json"),
    ("zap", "zap-xml", "zap/juicy2.xml"),
    ("eslint", "sarif", "real/eslint-security/nodegoat.sarif"),
];

#[test]
fn real_outputs_are_shown_whole() {
    let Some(mut browser) = Browser::start() else { return };
    let Some(folder) = samples() else {
        eprintln!("skipped: there is no folder of samples");
        return;
    };
    for (scanner, format, file) in REAL {
        let file = folder.join(file);
        if !file.exists() {
            eprintln!("there is no {}", file.display());
            continue;
        }
        real(&mut browser, scanner, format, &file);
    }
}

fn real(browser: &mut Browser, scanner: &str, format: &str, file: &Path) {
    let bench = Bench::new();
    bench.import(scanner, format, file);
    let report = bench.json();
    browser.open(&bench.page(&[]));
    let findings = report["findings"].as_array().unwrap();
    let counted = findings.iter().filter(|finding| finding["muting"].is_null()).count();
    assert!(!findings.is_empty(), "{scanner}");
    browser.run("while (!document.querySelector('#more').hidden) document.querySelector('#more').click()");
    assert_eq!(shown(browser), counted, "{scanner}");
    browser.run("document.querySelectorAll('#rows .open').forEach((button) => button.click())");
    assert_eq!(browser.texts("#rows .detail").len(), counted, "{scanner}");
    let expected = match report["summary"]["verdict"].as_str().unwrap() {
        "clean" => "Complete",
        _ => "Incomplete",
    };
    assert_eq!(browser.text("h1"), expected, "{scanner}");
    assert_eq!(browser.run(CONTRAST), serde_json::json!([]), "{scanner}");
    browser.shoot(&format!("real-{scanner}"), false);
    assert_eq!(browser.wrongs(), [""; 0], "{scanner}");
}
