//! Plans in files: what `plan -o` writes and `start PLAN.json` runs.

use super::error::PlanError;
use super::graph;
use crate::model::id::{Sha256, StepId};
use crate::model::plan::{Plan, PlanFile};

/// A file that is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It cannot be read as one.
    #[error("not a plan: {message} (at line {line}, column {column})")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// It is of another format or version.
    #[error("not a plan that this version reads: expected `{}`, found `{found}`", PlanFile::SCHEMA)]
    Schema {
        /// What it says it is.
        found: String,
    },
    /// It was changed after it was written.
    #[error("the plan was changed after it was written: expected sha-256 {expected}, found {found}")]
    Changed {
        /// The hash in the file.
        expected: Sha256,
        /// The hash of the plan in it.
        found: Sha256,
    },
    /// Its steps do not make a graph.
    #[error("the plan cannot run: {0}")]
    Graph(#[from] PlanError),
    /// Its steps are not each after those that they need.
    #[error("the plan cannot run: step `{0}` is before one that it needs")]
    Order(StepId),
    /// It has no steps.
    #[error("the plan cannot run: it has no steps")]
    NoSteps,
    /// It cannot be written in YAML.
    #[error("the plan cannot be written in YAML: {0}")]
    Yaml(String),
}

impl From<serde_json::Error> for PlanFileError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column, text) = (error.line(), error.column(), error.to_string());
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Self::Syntax { message, line, column }
    }
}

/// Writes a plan with its seal, ending in a newline.
pub fn write(plan: &Plan) -> Result<String, PlanFileError> {
    let file = PlanFile { schema: PlanFile::SCHEMA.to_owned(), sha256: plan.sha256(), plan: plan.clone() };
    Ok(serde_json::to_string_pretty(&file)? + "\n")
}

/// Writes the same document in YAML, for people to read.
pub fn write_yaml(plan: &Plan) -> Result<String, PlanFileError> {
    let value: serde_json::Value = serde_json::from_str(&write(plan)?)?;
    serde_saphyr::to_string(&value).map_err(|error| PlanFileError::Yaml(error.to_string()))
}

/// Writes objects for people to read and for other programs to take: one YAML document for each.
pub fn write_objects(objects: &[serde_json::Value]) -> Result<String, PlanFileError> {
    serde_saphyr::to_string_multiple(objects).map_err(|error| PlanFileError::Yaml(error.to_string()))
}

/// Reads a plan and checks its version, its seal and its graph.
pub fn read(text: &str) -> Result<Plan, PlanFileError> {
    #[derive(serde::Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head = serde_json::from_str(text)?;
    if head.schema != PlanFile::SCHEMA {
        return Err(PlanFileError::Schema { found: head.schema });
    }
    let file: PlanFile = serde_json::from_str(text)?;
    let found = file.plan.sha256();
    if found != file.sha256 {
        return Err(PlanFileError::Changed { expected: file.sha256, found });
    }
    check(&file.plan)?;
    Ok(file.plan)
}

fn check(plan: &Plan) -> Result<(), PlanFileError> {
    if plan.steps.is_empty() {
        return Err(PlanFileError::NoSteps);
    }
    let edges: Vec<(&StepId, &[StepId])> = plan.steps.iter().map(|step| (&step.id, step.needs.as_slice())).collect();
    graph::order(&edges)?;
    let early = plan.steps.iter().enumerate().find(|(place, step)| {
        step.needs.iter().any(|need| plan.step_index(need).is_none_or(|needed| needed >= *place))
    });
    early.map_or(Ok(()), |(_, step)| Err(PlanFileError::Order(step.id.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::model::facts::Facts;
    use crate::model::plan::ScanOptions;
    use crate::model::target::TargetKey;
    use crate::plan::{Request, Selection, build};

    fn ports() -> Plan {
        build(Request {
            catalog: &Catalog::builtin().unwrap(),
            formats: &["nmap"],
            target: "host:localhost".parse().unwrap(),
            target_key: TargetKey { key: "host:localhost".into(), line: None },
            source: None,
            facts: &Facts::default(),
            selection: Selection::Template("ports".into()),
            options: ScanOptions { seed: u64::MAX, ..ScanOptions::default() },
        })
        .unwrap()
    }

    #[test]
    fn a_plan_comes_back_as_it_was_written() {
        let plan = ports();
        assert_eq!(read(&write(&plan).unwrap()).unwrap(), plan);
    }

    #[test]
    fn in_yaml_it_is_the_same_document() {
        let plan = ports();
        let read: serde_json::Value = serde_saphyr::from_str(&write_yaml(&plan).unwrap()).unwrap();
        assert_eq!(read, serde_json::from_str::<serde_json::Value>(&write(&plan).unwrap()).unwrap());
    }

    #[test]
    fn what_was_changed_is_refused() {
        let plan = ports();
        let text = write(&plan).unwrap();
        let changed = text.replace("host:localhost", "host:elsewhere");
        let error = read(&changed).unwrap_err().to_string();
        assert!(error.contains(&format!("expected sha-256 {}", plan.sha256())), "{error}");
        assert!(read(&text.replace("/v1", "/v9")).unwrap_err().to_string().contains("found `dragnet.plan/v9`"));
        assert!(read(&text[..text.len() / 2]).unwrap_err().to_string().starts_with("not a plan:"));
    }

    #[test]
    fn a_sealed_plan_whose_graph_is_wrong_is_refused() {
        let mut plan = ports();
        plan.steps.reverse();
        let error = read(&write(&plan).unwrap()).unwrap_err().to_string();
        assert_eq!(error, "the plan cannot run: step `service` is before one that it needs");
        plan.steps.clear();
        assert!(matches!(read(&write(&plan).unwrap()), Err(PlanFileError::NoSteps)));
    }
}
