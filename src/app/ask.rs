//! Cancel, pause and resume: an intent that is written down, for the scan's owner to execute.

use super::engine::profile_of;
use super::{App, AppError};
use crate::model::id::{ScanId, ScanKey};
use crate::model::state::ScanState;
use crate::store::Verb;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The scan.
    pub scan: ScanKey,
    /// Its state when it was asked.
    pub state: ScanState,
    /// Whether the request was written down; an ended scan takes none.
    pub recorded: bool,
    /// Whether a living process drives the scan and will execute it.
    pub driven: bool,
}

/// Asks something of a scan. Returns once the request is durable; [`super::watch()`] follows its execution, and executes it
/// when nobody else drives the scan. Refused where the scan's engine will never do it.
pub async fn ask(app: &App, scan: ScanId, verb: Verb, actor: &str) -> Result<Asked, AppError> {
    if verb == Verb::Freeze && !profile_of(app, scan)?.freezes() {
        return Err(AppError::NotFrozen { executor: app.store.scan(scan)?.executor });
    }
    let (state, recorded) = app.store.ask(scan, verb, actor, app.clock.now()).await?;
    let key = app.store.scan(scan)?.id;
    Ok(Asked { scan: key, state, recorded, driven: app.store.is_driven(key)? })
}
