//! Registered targets, found by their names and tags.

use super::TargetError;
use crate::app::App;
use crate::model::owner::OwnerName;
use crate::model::registered::{RegisteredTarget, Tag, TargetId, TargetName, TargetSelector};
use crate::model::target::TargetKind;
use crate::model::view::ScanView;
use crate::store::{Chosen, StoreError, TargetFilter};

/// Where registered targets are looked for: everywhere, unless something is named.
#[derive(Debug, Clone, Default)]
pub struct Within {
    /// The organisation.
    pub organisation: Option<OwnerName>,
    /// The project.
    pub project: Option<OwnerName>,
}

/// Which targets are to be changed.
#[derive(Debug, Clone)]
pub enum Named {
    /// Those of these names.
    Names(Vec<TargetName>),
    /// Those with a tag.
    Tag(Tag),
}

/// Finds one target by its name.
pub fn find(app: &App, name: &TargetName, within: &Within) -> Result<RegisteredTarget, TargetError> {
    let mut found = app.store.targets_named(name, within.organisation.as_ref(), within.project.as_ref())?;
    match found.len() {
        0 => Err(TargetError::Unknown { name: name.clone(), meant: meant(app, name, within)? }),
        1 => Ok(found.remove(0)),
        _ => {
            let projects = found.iter().map(|target| target.owner.to_string()).collect();
            Err(TargetError::Ambiguous { name: name.clone(), projects })
        }
    }
}

/// Finds all that are named, so that they can be changed together.
pub fn find_all(app: &App, named: &Named, within: &Within) -> Result<Chosen, TargetError> {
    match named {
        Named::Names(names) => {
            let found = names.iter().map(|name| Ok(find(app, name, within)?.id));
            Ok(Chosen::Rows(found.collect::<Result<_, TargetError>>()?))
        }
        Named::Tag(tag) => {
            let TargetFilter { tags, organisation, project, .. } = filter(vec![tag.clone()], within);
            let any = TargetFilter { tags, organisation, project, ..TargetFilter::default() };
            if app.store.count_targets(&any, 1)? == 0 {
                return Err(TargetError::NoneTagged(tag.clone()));
            }
            let TargetFilter { organisation, project, .. } = any;
            Ok(Chosen::Tagged { tag: tag.clone(), organisation, project })
        }
    }
}

/// Returns the targets that are to be scanned, `most` at most: enabled ones, and at least one.
pub fn select(
    app: &App,
    selector: &TargetSelector,
    within: &Within,
    most: u32,
) -> Result<Vec<RegisteredTarget>, TargetError> {
    let tags = match selector {
        TargetSelector::Name(name) => {
            let target = find(app, name, within)?;
            return if target.enabled { Ok(vec![target]) } else { Err(TargetError::Disabled(target.name)) };
        }
        TargetSelector::Tag(tag) => vec![tag.clone()],
        TargetSelector::All => Vec::new(),
    };
    let filter = filter(tags, within);
    let found = app.store.count_targets(&filter, TargetError::COUNTED)?;
    if found > u64::from(most) {
        return Err(TargetError::TooMany { selector: selector.clone(), found, most: most.into() });
    }
    let mut cursor = app.store.target_cursor(&filter, TargetId::default())?;
    let targets = app.store.next_targets(&mut cursor, most)?;
    if targets.is_empty() {
        return Err(TargetError::NoneChosen(selector.clone()));
    }
    Ok(targets)
}

/// Reads the last scans of a target, newest first.
pub fn last_scans(app: &App, target: &RegisteredTarget, most: u32) -> Result<Vec<ScanView>, StoreError> {
    app.store.scans_of(&target.owner, &target.key(), most)
}

fn filter(tags: Vec<Tag>, within: &Within) -> TargetFilter {
    TargetFilter {
        tags,
        enabled: Some(true),
        kind: None,
        organisation: within.organisation.clone(),
        project: within.project.clone(),
    }
}

/// What a name that nothing has may stand for: a target that got its name from its text, or a tag.
fn meant(app: &App, name: &TargetName, within: &Within) -> Result<Option<TargetSelector>, TargetError> {
    for kind in TargetKind::ALL {
        let Ok(longer) = format!("{}:{name}", kind.as_str()).parse::<TargetName>() else { continue };
        if !app.store.targets_named(&longer, within.organisation.as_ref(), within.project.as_ref())?.is_empty() {
            return Ok(Some(TargetSelector::Name(longer)));
        }
    }
    let Ok(tag) = name.as_str().parse::<Tag>() else { return Ok(None) };
    let is_there = app.store.count_targets(&filter(vec![tag.clone()], within), 1)? > 0;
    Ok(is_there.then_some(TargetSelector::Tag(tag)))
}
