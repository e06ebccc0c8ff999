//! What a schedule scans: its own targets, and registered ones.

use std::collections::BTreeSet;

use super::super::{App, AppError};
use crate::model::owner::Owner;
use crate::model::registered::{RegisteredTarget, TargetId, TargetName, TargetSelector};
use crate::model::schedule::{Schedule, TargetRef};
use crate::model::target::{InvalidTarget, Target};
use crate::store::{StoreError, TargetFilter};

/// Registered targets that are read at once.
const PAGE: u32 = 1000;

/// Returns what a schedule scans now, each once, in order: targets, and registered ones as `@name`.
pub(super) fn names(app: &App, schedule: &Schedule) -> Result<Vec<String>, AppError> {
    let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
    let mut add = |name: String| {
        if seen.insert(name.clone()) {
            names.push(name);
        }
    };
    for target in &schedule.targets {
        let tags = match target {
            TargetRef::Plain(_) | TargetRef::Registered(TargetSelector::Name(_)) => {
                add(target.to_string());
                continue;
            }
            TargetRef::Registered(TargetSelector::Tag(tag)) => vec![tag.clone()],
            TargetRef::Registered(TargetSelector::All) => Vec::new(),
        };
        let owner = owner(schedule);
        let filter = TargetFilter {
            tags,
            enabled: Some(true),
            kind: None,
            organisation: Some(owner.organisation),
            project: Some(owner.project),
        };
        let mut cursor = app.store.target_cursor(&filter, TargetId::default())?;
        loop {
            let page = app.store.next_targets(&mut cursor, PAGE)?;
            if page.is_empty() {
                break;
            }
            for found in page {
                add(format!("@{}", found.name));
            }
        }
    }
    Ok(names)
}

/// Whose a schedule's scans are.
pub(super) fn owner(schedule: &Schedule) -> Owner {
    Owner { project: schedule.project.clone(), ..Owner::default() }
}

/// Finds what one of [`names`] stands for; a registered target with what is known of it.
pub(super) fn find(app: &App, schedule: &Schedule, name: &str) -> Result<(Target, Option<RegisteredTarget>), AppError> {
    let Some(registered) = name.strip_prefix('@') else {
        // Only what was a target is ever written down as one.
        let target = name.parse().map_err(|error: InvalidTarget| StoreError::Damaged(error.to_string()))?;
        return Ok((target, None));
    };
    let missing = || AppError::NoTarget { name: registered.to_owned(), project: owner(schedule).to_string() };
    let name: TargetName = registered.parse().map_err(|_| missing())?;
    let found = app.store.target(&owner(schedule), &name)?.ok_or_else(missing)?;
    Ok((found.target.clone(), Some(found)))
}
