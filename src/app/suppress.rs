//! Suppressions: what the configuration, the target's `.dragnet/` and VEX documents say does not count, frozen with the plan.

use std::path::Path;

use super::{App, AppError, Say};
use crate::beneath;
use crate::model::suppress::{Suppression, Suppressions};
use crate::model::triage::Origin;
use crate::suppress::{self, DIRECTORY, RULES, VEX};

/// Files with rules may be so large, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// A plan takes so many rules: it is stored with each scan.
const MAX_RULES: usize = 10_000;

/// Gathers the rules for a target whose source is in the directory `source`, if it has any. Rules that cannot be used are errors:
/// what was to be suppressed would otherwise count, or the other way round, and nobody would know why.
pub(super) fn gather(app: &App, source: Option<&Path>, say: Say<'_>) -> Result<Suppressions, AppError> {
    let config = &app.config.suppress;
    let mut rules = Vec::new();
    for rule in &config.rules {
        let rule = Suppression { rule: rule.clone(), origin: Origin::Config, file: "configuration".to_owned() };
        suppress::check(&rule).map_err(|error| failed("suppress.rules", error))?;
        rules.push(rule);
    }
    if let Some(source) = source.filter(|_| config.target) {
        of_target(source, &mut rules, say)?;
    }
    for path in &config.vex {
        let (directory, name) = (Path::new(path).parent(), Path::new(path).file_name());
        let directory =
            directory.filter(|directory| !directory.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let read = beneath::root(directory)
            .and_then(|root| beneath::read(&root, name.unwrap_or_default().as_encoded_bytes(), MAX_FILE));
        vex(path, &read.map_err(|error| failed(path, error))?, &mut rules, say)?;
    }
    if rules.len() > MAX_RULES {
        return Err(failed("suppress", format!("{} rules: {MAX_RULES} at most", rules.len())));
    }
    let now = app.clock.now();
    let over = rules.iter().filter(|rule| rule.is_over(now)).count();
    if over > 0 {
        say(&format!("{over} of {} suppressions hold no more: what they were about counts", rules.len()));
    }
    Ok(Suppressions { rules, comments: config.comments, directory: None })
}

/// Reads what is in the target's `.dragnet/`; no link is followed out of it.
fn of_target(source: &Path, rules: &mut Vec<Suppression>, say: Say<'_>) -> Result<(), AppError> {
    let Ok(directory) = beneath::root(source).and_then(|root| beneath::directory(&root, DIRECTORY)) else {
        return Ok(());
    };
    let mut names = beneath::names(&directory).map_err(|error| failed(DIRECTORY, error))?;
    names.sort();
    for name in names {
        let file = format!("{DIRECTORY}/{name}");
        let read = || beneath::read(&directory, &name, MAX_FILE).map_err(|error| failed(&file, error));
        if name == RULES {
            let text = String::from_utf8(read()?).map_err(|error| failed(&file, error))?;
            rules.extend(suppress::read_rules(&file, &text).map_err(|error| failed(&file, error))?);
        } else if name.ends_with(VEX) {
            vex(&file, &read()?, rules, say)?;
        }
    }
    Ok(())
}

fn vex(file: &str, text: &[u8], rules: &mut Vec<Suppression>, say: Say<'_>) -> Result<(), AppError> {
    let vex = suppress::read_vex(file, text).map_err(|error| failed(file, error))?;
    if vex.unused > 0 {
        say(&format!("{file}: {} statements name no package by a package URL, and say nothing here", vex.unused));
    }
    rules.extend(vex.rules);
    Ok(())
}

fn failed(file: &str, error: impl std::fmt::Display) -> AppError {
    AppError::Suppress { file: file.to_owned(), message: format!("{error}") }
}
