//! The source of a plan that was made earlier, perhaps elsewhere.

use super::plan::gather;
use super::{App, AppError};
use crate::artifact;
use crate::model::plan::Plan;

/// Makes sure that the source of a plan is here: as it was taken then, or taken again if it is still the same. Returns whether
/// it was taken again.
pub async fn retake(app: &App, plan: &Plan) -> Result<bool, AppError> {
    let Some(planned) = &plan.source else { return Ok(false) };
    if artifact::tree(&app.store.dir().join("artifacts"), planned.sha256).is_dir() {
        return Ok(false);
    }
    let found = gather(app, &plan.target).await?.source;
    match found {
        Some(found) if found.sha256 != planned.sha256 => {
            Err(AppError::SourceChanged { planned: planned.sha256, found: found.sha256 })
        }
        _ => Ok(true),
    }
}
