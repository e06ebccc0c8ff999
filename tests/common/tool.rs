//! Scanners that are small scripts in the source tree.

use std::fmt::Write as _;

/// A scanner that is a shell script; standard output is its report, as gitleaks writes it, unless `more` says otherwise.
pub(crate) struct Tool {
    pub name: &'static str,
    pub script: String,
    /// More keys of its table.
    pub more: &'static str,
}

/// Makes a tool.
pub(crate) fn tool(name: &'static str, script: impl Into<String>) -> Tool {
    Tool { name, script: script.into(), more: "" }
}

impl Tool {
    /// Its table in the configuration.
    pub(crate) fn table(&self, image: &str) -> String {
        let name = self.name;
        let defaults = [
            ("command", format!("[\"{{target}}/{name}.sh\"]")),
            ("input", "[\"dir\"]".to_owned()),
            ("results", "[{ path = \"-\", format = \"gitleaks\" }]".to_owned()),
            ("exit_codes", "{ ok = [0], findings = [1] }".to_owned()),
            ("timeout", "\"1m\"".to_owned()),
            ("retry", "{ max_attempts = 2, base_ms = 1, cap_ms = 2 }".to_owned()),
            ("limits", "{ memory = \"64MiB\" }".to_owned()),
        ];
        let mut table = format!("[scanners.{name}]\nimage = \"{image}\"\nprogram = \"sh\"\n{}\n", self.more);
        for (key, value) in defaults {
            if !self.more.lines().any(|line| line.starts_with(key)) {
                writeln!(table, "{key} = {value}").unwrap();
            }
        }
        table
    }
}
