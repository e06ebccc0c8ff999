//! This machine's desktop: the program `notify-send` of libnotify, where it is there.

use std::process::Stdio;

use tokio::process::Command;

use super::Delivery;
use super::outcome::{Failure, Taken};
use super::words::{Mood, cut, findings, fit, mood};

/// Most characters of the title and of the text.
const TITLE: usize = 120;
const TEXT: usize = 1000;

pub(super) async fn send(delivery: &Delivery<'_>, text: Option<&str>) -> Result<Taken, Failure> {
    let notice = delivery.notice;
    let text = text.map_or_else(
        || fit(&notice.details.iter().cloned().chain(findings(notice)).collect::<Vec<_>>(), TEXT),
        |text| cut(text, TEXT),
    );
    let urgency = if mood(notice) == Mood::Bad { "critical" } else { "normal" };
    let ended = Command::new("notify-send")
        .args(["--app-name=dragnet", "--urgency", urgency, "--", &cut(&notice.title, TITLE), &escape(&text)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await;
    match ended {
        Ok(output) if output.status.success() => Ok(Taken { words: "notify-send has shown it".to_owned() }),
        Ok(output) => {
            let said = crate::web::clean(&String::from_utf8_lossy(&output.stderr));
            Err(Failure::passing(format!("notify-send ended with {}: {said}", output.status)))
        }
        Err(error) => Err(Failure::lasting(format!("notify-send: {error}"))),
    }
}

/// Desktops read a subset of HTML in texts.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
