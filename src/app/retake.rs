//! The source of a plan that was made earlier, perhaps elsewhere.

use super::plan::gather;
use super::{App, AppError, Say};
use crate::artifact::{self, Hold};
use crate::executor::ExecutorError;
use crate::model::plan::Plan;

/// The source of a plan that was made earlier.
#[derive(Debug)]
pub enum Retaken {
    /// The plan has none.
    Nothing,
    /// It is as it was taken then.
    Kept(Hold),
    /// It was taken again, and is still the same.
    Again(Hold),
}

/// Makes sure that the source of a plan is here: as it was taken then, or taken again if it is still the same.
pub async fn retake(app: &App, plan: &Plan, say: Say<'_>) -> Result<Retaken, AppError> {
    let Some(planned) = &plan.source else { return Ok(Retaken::Nothing) };
    let artifacts = app.store.dir().join("artifacts");
    let held = artifact::hold(&artifacts, planned.sha256).map_err(|error| {
        ExecutorError::local(format!("look for the plan's source in {}", artifacts.display()), &error)
    })?;
    if let Some(hold) = held {
        return Ok(Retaken::Kept(hold));
    }
    let gathered = gather(app, &plan.target, say).await?;
    match (gathered.source, gathered.hold) {
        (Some(found), Some(hold)) if found.sha256 == planned.sha256 => Ok(Retaken::Again(hold)),
        (Some(found), _) => Err(AppError::SourceChanged { planned: planned.sha256, found: found.sha256 }),
        (None, _) => Ok(Retaken::Nothing),
    }
}
