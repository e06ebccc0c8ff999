//! Lines of a scanner's own log among its results, as when both went into one file: objects with a level and a message.

use serde_json::Value;

use super::output::Output;
use super::value::{first, text};

/// Takes a value that is such a line, and says whether it was: errors are errors of the report, other lines are skipped.
pub(super) fn took(value: &Value, output: &mut Output<'_>) -> bool {
    let (Some(level), Some(message)) = (text(value, "/level"), first(value, &["/msg", "/message"])) else {
        return false;
    };
    match level {
        "error" | "fatal" | "panic" | "dpanic" | "critical" => output.error(message),
        _ => output.skip("line of the scanner's log"),
    }
    true
}
