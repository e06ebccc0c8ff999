//! Binding: what the executor adds to a plan before it can run: image ids, databases, secrets in the spool.

use super::{App, AppError, Say, data};
use crate::executor::SharedExecutor;
use crate::model::plan::{Plan, Step};
use crate::model::spec::{DataTree, JobSpec};
use crate::model::target::TargetKind;
use crate::store::NewStep;

/// Binds every step; refuses what cannot run, before anything is written.
pub(super) async fn bind(
    app: &App,
    executor: &SharedExecutor,
    plan: &Plan,
    say: Say<'_>,
) -> Result<Vec<NewStep>, AppError> {
    let mut steps = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let bound = bind_step(app, executor, plan, step, say).await?;
        steps.push(bound);
    }
    Ok(steps)
}

async fn bind_step(
    app: &App,
    executor: &SharedExecutor,
    plan: &Plan,
    step: &Step,
    say: Say<'_>,
) -> Result<NewStep, AppError> {
    let scanner = &step.scanner;
    // A plan that names what its references meant runs exactly that.
    let reference = scanner.digest.as_deref().unwrap_or(&scanner.image);
    let image = executor
        .resolve_image(reference, true, &|words| say(words))
        .await
        .map_err(|error| AppError::Image { scanner: scanner.name.clone(), error })?;
    let (data, blocked) = match data::provide(app, executor, scanner, say).await? {
        Ok(trees) => (trees, None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let spec = specify(plan, step, image.id, data);
    match executor.validate(&spec).await?.into_iter().next() {
        None => Ok(NewStep { spec, blocked }),
        Some(unmet) => Err(AppError::Unmet { scanner: spec.scanner, item: unmet.item, message: unmet.message }),
    }
}

/// Makes the specification of a step's jobs.
pub(super) fn specify(plan: &Plan, step: &Step, image: String, data: Vec<DataTree>) -> JobSpec {
    let sees_source = step.for_each.is_empty();
    JobSpec {
        source: plan.source.as_ref().filter(|_| sees_source).map(|source| source.sha256),
        data,
        ..JobSpec::of(&step.scanner, image, target_text(plan))
    }
}

/// Returns what a scanner that looks at no source is pointed at.
fn target_text(plan: &Plan) -> String {
    match plan.target.kind {
        TargetKind::Dir | TargetKind::Git | TargetKind::Archive => plan.target.to_string(),
        _ => plan.target.value.clone(),
    }
}
