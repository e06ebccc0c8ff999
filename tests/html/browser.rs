//! A browser without a window, driven over a pipe by the `DevTools` protocol (`--remote-debugging-pipe`: JSON, each message ended
//! by a zero byte, read from descriptor 3 and written to descriptor 4).

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

/// No answer takes longer, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(2);

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Nothing but the page: no traffic of the browser's own, and no name that resolves.
const FLAGS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
];

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What the page has told of since it was opened.
    pub(crate) events: Vec<Value>,
    _profile: tempfile::TempDir,
}

/// The browser of this machine: `DRAGNET_BROWSER`, or one in the path.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("DRAGNET_BROWSER").map(PathBuf::from);
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    named.or_else(|| places.find(|place| place.is_file()))
}

impl Browser {
    /// Starts the browser; none, with a word, where there is none and none is required.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert!(std::env::var_os("DRAGNET_REQUIRE_BROWSER").is_none(), "there is no {}", NAMES.join(", "));
            eprintln!("skipped: there is no {}", NAMES.join(", "));
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1"])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                let sent = serde_json::from_slice(&message).map(|message| sender.send(message));
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
        });
        let mut browser =
            Self { child, input, messages, session: None, last: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        let offline = json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
        browser.call("Network.emulateNetworkConditions", &offline);
        browser.size(1280, 900);
        Some(browser)
    }

    /// Calls a method and waits for what it returns.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.input.write_all(format!("{message}\0").as_bytes()).unwrap();
        self.input.flush().unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let mut message = self.next(until, method);
            if message["id"] == self.last {
                assert!(message.get("error").is_none(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn next(&self, until: Instant, what: &str) -> Value {
        let left = until.saturating_duration_since(Instant::now());
        self.messages.recv_timeout(left).unwrap_or_else(|error| panic!("the browser does not answer {what}: {error}"))
    }

    /// Opens a file from disk and waits until it is loaded.
    pub(crate) fn open(&mut self, path: &Path) {
        self.events.clear();
        self.call("Page.navigate", &json!({"url": format!("file://{}", path.display())}));
        let until = Instant::now() + PATIENCE;
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.next(until, "Page.navigate");
            self.events.push(event);
        }
    }

    /// Runs an expression in the page and returns its value; a promise is waited for.
    pub(crate) fn run(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", &asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Clicks on the first element of a selector.
    pub(crate) fn click(&mut self, selector: &str) {
        self.run(&format!("document.querySelector({}).click()", json!(selector)));
    }

    /// Chooses from a list.
    pub(crate) fn choose(&mut self, selector: &str, value: &str) {
        self.run(&format!(
            "{{ const select = document.querySelector({}); select.value = {}; select.dispatchEvent(new Event('change')); }}",
            json!(selector),
            json!(value)
        ));
    }

    /// The text of the first element of a selector.
    pub(crate) fn text(&mut self, selector: &str) -> String {
        let text = self.run(&format!("document.querySelector({}).innerText", json!(selector)));
        text.as_str().unwrap_or_default().trim().to_owned()
    }

    /// The texts of all elements of a selector.
    pub(crate) fn texts(&mut self, selector: &str) -> Vec<String> {
        let texts =
            self.run(&format!("[...document.querySelectorAll({})].map((e) => e.innerText.trim())", json!(selector)));
        serde_json::from_value(texts).unwrap()
    }

    /// Presses a key, as a keyboard does.
    pub(crate) fn key(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "ArrowDown" => 40,
            "ArrowUp" => 38,
            _ => 0,
        };
        let text = match key {
            "Enter" => "\r",
            one if one.chars().count() == 1 => one,
            _ => "",
        };
        let kind = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        let down = json!({"type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code});
        self.call("Input.dispatchKeyEvent", &down);
        self.call("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    /// Sets the size of the window, in CSS pixels.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Says which colours the system prefers, `light` or `dark`, and that it wants nothing to move.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let scheme = json!({"name": "prefers-color-scheme", "value": scheme});
        let still = json!({"name": "prefers-reduced-motion", "value": "reduce"});
        self.call("Emulation.setEmulatedMedia", &json!({"features": [scheme, still]}));
    }

    /// Takes a picture of the window, or of the whole page, into `DRAGNET_SHOTS`, where that is set.
    pub(crate) fn shoot(&mut self, name: &str, whole: bool) {
        let Some(folder) = std::env::var_os("DRAGNET_SHOTS") else { return };
        let shot = self.call("Page.captureScreenshot", &json!({"captureBeyondViewport": whole}));
        write(&Path::new(&folder).join(format!("{name}.png")), &shot["data"]);
    }

    /// Prints the page and returns the PDF.
    pub(crate) fn print(&mut self, name: &str) -> Vec<u8> {
        let paper =
            json!({"printBackground": true, "preferCSSPageSize": true, "paperWidth": 8.27, "paperHeight": 11.69});
        let printed = self.call("Page.printToPDF", &paper);
        if let Some(folder) = std::env::var_os("DRAGNET_SHOTS") {
            write(&Path::new(&folder).join(format!("{name}.pdf")), &printed["data"]);
        }
        bytes(&printed["data"])
    }

    /// What the page did that a report may not do: dialogs, requests to anything but files, complaints of the browser.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        let wrong = |event: &Value| match event["method"].as_str()? {
            "Network.requestWillBeSent" => {
                let url = event["params"]["request"]["url"].as_str()?;
                (!url.starts_with("file://")).then(|| format!("request: {url}"))
            }
            "Page.javascriptDialogOpening" => Some(format!("dialog: {}", event["params"]["message"])),
            "Log.entryAdded" => Some(format!("log: {}", event["params"]["entry"]["text"])),
            "Runtime.exceptionThrown" => Some(format!("exception: {}", event["params"]["exceptionDetails"])),
            "Runtime.consoleAPICalled" => Some(format!("console: {}", event["params"]["args"])),
            _ => None,
        };
        self.events.iter().filter_map(wrong).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Over the pipe, so that it ends all its processes; by force should it not hear.
        self.last += 1;
        let close = format!("{}\0", json!({"id": self.last, "method": "Browser.close"}));
        if self.input.write_all(close.as_bytes()).is_err() {
            drop(self.child.kill());
        }
        // Its end of the pipe closes with its last process.
        let until = Instant::now() + Duration::from_secs(20);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if self.messages.recv_timeout(left).is_err() {
                break;
            }
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn bytes(data: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(data.as_str().unwrap()).unwrap()
}

fn write(path: &Path, data: &Value) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes(data)).unwrap();
}
