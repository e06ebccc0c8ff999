//! A target is registered.

use super::entry::{Manner, RawEntry, entry};
use crate::app::{App, AppError};
use crate::model::registered::TargetEntry;
use crate::store::{Existing, Merged};

/// What was registered.
#[derive(Debug)]
pub struct Added {
    /// As it was understood.
    pub entry: TargetEntry,
    /// What came of it.
    pub merged: Merged,
}

/// Registers a target; refuses one whose name is taken unless `existing` says that it is to be changed.
pub async fn add(app: &App, raw: RawEntry, existing: Existing, actor: &str) -> Result<Added, AppError> {
    let entry = entry(&app.catalog, &Manner::default(), raw)?;
    let merged = app.store.add_target(entry.clone(), existing, actor, app.clock.now()).await?;
    Ok(Added { entry, merged })
}
