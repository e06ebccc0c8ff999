//! An entry of the catalogue.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::{InvalidManifest, Problem};
use crate::model::asset::AssetKind;
use crate::model::patch::{Applies, DataPatch, ScannerPatch, set};
use crate::model::retry::RetryPolicy;
use crate::model::scanner::{DataSpec, ExitCodes, HardeningException, Limits, Network, ResultSpec, Scanner, SecretRef};
use crate::model::unit::Span;

/// A scanner as the catalogue describes it: what [`Scanner`] holds, and what people and the choice of scanners need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name; also a valid step id.
    pub name: String,
    /// Its name in reports.
    #[serde(default)]
    pub title: String,
    /// What it does, in one line.
    #[serde(default)]
    pub about: String,
    /// Its home page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub homepage: String,
    /// Its licence, as an SPDX expression.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub license: String,
    /// Whether it may be chosen.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The image reference.
    pub image: String,
    /// The executable, looked up in the image's `PATH`.
    pub program: String,
    /// Its arguments, with placeholders.
    pub command: Vec<String>,
    /// Arguments that make it print its version.
    #[serde(default)]
    pub version_command: Vec<String>,
    /// Kinds of assets that it looks at.
    pub input: Vec<AssetKind>,
    /// Where its results are and how they read.
    pub results: Vec<ResultSpec>,
    /// What its exit codes mean.
    #[serde(default)]
    pub exit_codes: ExitCodes,
    /// Whether an empty result means that nothing was found.
    #[serde(default)]
    pub accept_empty: bool,
    /// The network it may use.
    #[serde(default)]
    pub network: Network,
    /// Longest run.
    pub timeout: Span,
    /// What it may use of the machine.
    #[serde(default)]
    pub limits: Limits,
    /// Environment, never secret.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// References to secrets, by file name.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    /// When it is tried again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// Which targets it is chosen for.
    #[serde(default)]
    pub applies: Applies,
    /// Values of `{param.NAME}`; a parameter that is not here does not exist.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Databases that it reads.
    #[serde(default)]
    pub data: Vec<DataSpec>,
    /// Exceptions from the common hardening.
    #[serde(default)]
    pub exceptions: Vec<HardeningException>,
    /// What whoever uses or changes the entry should know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
}

const fn yes() -> bool {
    true
}

impl Manifest {
    /// Reads an entry and checks it.
    pub fn parse(text: &str) -> Result<Self, InvalidManifest> {
        let manifest: Self = toml::from_str(text)
            .map_err(|error| InvalidManifest { scanner: String::new(), problem: Problem::Syntax(error.to_string()) })?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Defines a scanner by configuration alone. Image, program, command, input, results and timeout must be given.
    pub fn define(name: &str, patch: &ScannerPatch) -> Result<Self, InvalidManifest> {
        let missing = |key| InvalidManifest { scanner: name.to_owned(), problem: Problem::Missing(key) };
        let mut manifest = Self {
            name: name.to_owned(),
            title: name.to_owned(),
            about: String::new(),
            homepage: String::new(),
            license: String::new(),
            enabled: true,
            image: patch.image.clone().ok_or_else(|| missing("image"))?,
            program: patch.program.clone().ok_or_else(|| missing("program"))?,
            command: patch.command.clone().ok_or_else(|| missing("command"))?,
            version_command: Vec::new(),
            input: patch.input.clone().ok_or_else(|| missing("input"))?,
            results: patch.results.clone().ok_or_else(|| missing("results"))?,
            exit_codes: ExitCodes::default(),
            accept_empty: false,
            network: Network::None,
            timeout: patch.timeout.ok_or_else(|| missing("timeout"))?,
            limits: Limits::default(),
            env: BTreeMap::new(),
            secrets: BTreeMap::new(),
            retry: RetryPolicy::default(),
            applies: Applies::default(),
            params: BTreeMap::new(),
            data: patch.data.keys().map(|name| empty_data(name)).collect(),
            exceptions: Vec::new(),
            notes: String::new(),
        };
        manifest.params.clone_from(&patch.params);
        manifest.apply(patch)?;
        Ok(manifest)
    }

    /// Applies what configuration says of this scanner, and checks the outcome.
    pub fn apply(&mut self, patch: &ScannerPatch) -> Result<(), InvalidManifest> {
        set(&mut self.enabled, patch.enabled.as_ref());
        set(&mut self.title, patch.title.as_ref());
        set(&mut self.about, patch.about.as_ref());
        set(&mut self.image, patch.image.as_ref());
        set(&mut self.program, patch.program.as_ref());
        set(&mut self.command, patch.command.as_ref());
        set(&mut self.version_command, patch.version_command.as_ref());
        set(&mut self.input, patch.input.as_ref());
        set(&mut self.results, patch.results.as_ref());
        set(&mut self.exit_codes, patch.exit_codes.as_ref());
        set(&mut self.accept_empty, patch.accept_empty.as_ref());
        set(&mut self.network, patch.network.as_ref());
        set(&mut self.timeout, patch.timeout.as_ref());
        set(&mut self.retry, patch.retry.as_ref());
        set(&mut self.applies, patch.applies.as_ref());
        set(&mut self.exceptions, patch.exceptions.as_ref());
        self.limits = patch.limits.unwrap_or_default().apply(self.limits);
        self.env.extend(patch.env.clone());
        self.secrets.extend(patch.secrets.clone());
        self.set_params(&patch.params)?;
        self.set_data(&patch.data)?;
        self.check()
    }

    /// Sets parameters; one that the entry does not have is refused.
    pub fn set_params(&mut self, params: &BTreeMap<String, String>) -> Result<(), InvalidManifest> {
        for (name, value) in params {
            let Some(slot) = self.params.get_mut(name) else {
                let known = self.params.keys().map(String::as_str);
                return Err(self.invalid(Problem::unknown_param(name, known)));
            };
            slot.clone_from(value);
        }
        Ok(())
    }

    fn set_data(&mut self, patches: &BTreeMap<String, DataPatch>) -> Result<(), InvalidManifest> {
        for (name, patch) in patches {
            let Some(data) = self.data.iter_mut().find(|data| data.name == *name) else {
                let known = self.data.iter().map(|data| data.name.as_str());
                return Err(self.invalid(Problem::unknown_data(name, known)));
            };
            patch.apply(data);
        }
        Ok(())
    }

    pub(super) fn invalid(&self, problem: Problem) -> InvalidManifest {
        InvalidManifest { scanner: self.name.clone(), problem }
    }

    /// Returns the scanner with these arguments, as a plan freezes it.
    pub fn scanner(&self, command: Vec<String>) -> Scanner {
        Scanner {
            name: self.name.clone(),
            image: self.image.clone(),
            digest: None,
            program: self.program.clone(),
            command,
            input: self.input.clone(),
            results: self.results.clone(),
            exit_codes: self.exit_codes.clone(),
            accept_empty: self.accept_empty,
            network: self.network.clone(),
            timeout: self.timeout,
            limits: self.limits,
            env: self.env.clone(),
            secrets: self.secrets.clone(),
            data: self.data.clone(),
            exceptions: self.exceptions.clone(),
            retry: self.retry,
            version_command: self.version_command.clone(),
        }
    }

    /// Returns the kinds of assets that it hands on.
    pub fn produces(&self) -> impl Iterator<Item = AssetKind> {
        self.results.iter().flat_map(|result| &result.produces).filter_map(|kind| kind.parse().ok())
    }
}

fn empty_data(name: &str) -> DataSpec {
    DataSpec {
        name: name.to_owned(),
        mount: String::new(),
        update: Vec::new(),
        version: Vec::new(),
        max_age: None,
        source: None,
    }
}
