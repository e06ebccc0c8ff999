//! Triage: a finding is named, and what was decided of it is written down.

use super::{App, AppError};
use crate::model::clock::Timestamp;
use crate::model::id::ScanId;
use crate::model::standing::FindingKey;
use crate::model::triage::{Decision, Muting, Origin};
use crate::store::Found;

/// What is decided of findings.
#[derive(Debug, Clone)]
pub struct TriageRequest {
    /// The scan in which, or in whose target, they are looked for.
    pub scan: ScanId,
    /// Their names, or unique beginnings of them.
    pub names: Vec<String>,
    /// What is decided; none opens them again.
    pub decision: Option<Decision>,
    /// Why.
    pub reason: Option<String>,
    /// From when on the decision holds no more.
    pub until: Option<Timestamp>,
    /// Who decides.
    pub actor: String,
}

/// Writes down what is decided of findings; returns their names. Nothing is written unless all are found.
pub async fn triage(app: &App, request: TriageRequest) -> Result<Vec<FindingKey>, AppError> {
    let found: Vec<Found> =
        request.names.iter().map(|name| find_finding(app, request.scan, name)).collect::<Result<_, _>>()?;
    let at = app.clock.now();
    for finding in &found {
        let muting = request.decision.map(|decision| Muting {
            decision,
            origin: Origin::Person,
            reason: request.reason.clone(),
            author: Some(request.actor.clone()),
            until: request.until,
        });
        app.store.decide(finding.subject, finding.name, muting, &request.actor, at).await?;
    }
    Ok(found.into_iter().map(|finding| finding.name).collect())
}

/// Finds one finding by its name or a unique beginning of it.
pub fn find_finding(app: &App, scan: ScanId, name: &str) -> Result<Found, AppError> {
    let mut found = app.store.find_findings(scan, name)?;
    match found.len() {
        0 => Err(AppError::NoFinding { name: name.to_owned() }),
        1 => Ok(found.remove(0)),
        _ => Err(AppError::ManyFindings {
            name: name.to_owned(),
            candidates: found.iter().map(|finding| finding.name.to_string()).collect(),
        }),
    }
}
