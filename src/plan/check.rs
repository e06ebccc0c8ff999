//! Whether a step can run where it stands.

use super::error::{PlanError, join};
use crate::catalog::{Manifest, Piece, Placeholder, pieces};
use crate::model::asset::AssetKind;
use crate::model::id::StepId;
use crate::model::nearest::Hint;
use crate::model::plan::Condition;
use crate::model::target::Target;
use crate::model::template::TemplateStep;

/// A step with its scanner.
pub(super) struct Node<'a> {
    pub(super) step: &'a TemplateStep,
    pub(super) scanner: &'a Manifest,
}

impl Node<'_> {
    /// Checks the step against the target, the steps it needs and the formats that have parsers.
    pub(super) fn check(&self, target: &Target, needs: &[&Manifest], formats: &[&str]) -> Result<(), PlanError> {
        self.check_format(formats)?;
        self.check_input(target, needs)?;
        self.check_condition()?;
        self.check_placeholders()
    }

    fn id(&self) -> StepId {
        self.step.id.clone()
    }

    fn check_format(&self, formats: &[&str]) -> Result<(), PlanError> {
        let unknown = self.scanner.results.iter().find(|result| !formats.contains(&result.format.as_str()));
        unknown.map_or(Ok(()), |result| {
            Err(PlanError::Format {
                step: self.id(),
                scanner: self.scanner.name.clone(),
                format: result.format.clone(),
                hint: Hint::new(&result.format, formats.iter().copied()),
            })
        })
    }

    fn check_input(&self, target: &Target, needs: &[&Manifest]) -> Result<(), PlanError> {
        let found = |kind: AssetKind| needs.iter().any(|scanner| scanner.produces().any(|other| other == kind));
        if let Some(&kind) = self.step.for_each.iter().find(|&&kind| !found(kind)) {
            return Err(PlanError::NotProduced { step: self.id(), kind });
        }
        let of_target = [target.kind.asset_kind()];
        let given = if self.step.for_each.is_empty() { &of_target[..] } else { &self.step.for_each };
        given.iter().find(|kind| !self.scanner.input.contains(kind)).map_or(Ok(()), |&given| {
            Err(PlanError::Input {
                step: self.id(),
                scanner: self.scanner.name.clone(),
                takes: join(&self.scanner.input, " or "),
                given,
            })
        })
    }

    fn check_condition(&self) -> Result<(), PlanError> {
        let Some(Condition::Records(of) | Condition::Assets(of)) = &self.step.when else {
            return Ok(());
        };
        if self.step.needs.contains(of) {
            return Ok(());
        }
        Err(PlanError::Condition { step: self.id(), of: of.clone() })
    }

    /// `{target}`, `{host}` and `{port}` stand for one asset; `{port}` for one that has a port.
    fn check_placeholders(&self) -> Result<(), PlanError> {
        let chunk = self.step.chunk.unwrap_or(1);
        if chunk == 0 {
            return Err(PlanError::EmptyChunk { step: self.id() });
        }
        for name in self.job_placeholders()? {
            let needs = match name {
                "{target}" | "{host}" | "{port}" if chunk > 1 => {
                    "stands for one asset: set `chunk = 1` or use `{input}`"
                }
                // The file of assets is empty then, and a scanner would look at nothing and find nothing.
                "{input}" if self.step.for_each.is_empty() => "needs `for_each`: use `{target}`",
                "{port}" if self.step.for_each != [AssetKind::Port] => "needs `for_each = [\"port\"]`",
                _ => continue,
            };
            return Err(PlanError::PlaceholderUse {
                step: self.id(),
                scanner: self.scanner.name.clone(),
                placeholder: name.to_owned(),
                needs,
            });
        }
        Ok(())
    }

    fn job_placeholders(&self) -> Result<Vec<&str>, PlanError> {
        let mut names = Vec::new();
        for text in self.scanner.command.iter().chain(self.step.params.values()) {
            let parts = pieces(text).map_err(|source| PlanError::Placeholder { step: self.id(), source })?;
            names.extend(parts.iter().filter_map(|part| match part {
                Piece::Placeholder(Placeholder::Job(name)) => Some(*name),
                _ => None,
            }));
        }
        Ok(names)
    }
}
