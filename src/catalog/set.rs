//! The catalogue as a whole.

use std::collections::BTreeMap;

use super::builtin;
use super::check::InvalidManifest;
use super::manifest::Manifest;
use crate::model::nearest::Hint;
use crate::model::patch::ScannerPatch;
use crate::model::template::Template;

/// All scanners and templates that there are, by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    scanners: BTreeMap<String, Manifest>,
    templates: BTreeMap<String, Template>,
}

/// A name that is not in the catalogue, or an entry that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// No such scanner.
    #[error("there is no scanner called `{name}`{hint}")]
    UnknownScanner {
        /// What was asked for.
        name: String,
        /// The nearest that exists.
        hint: Hint,
    },
    /// No such template.
    #[error("there is no template called `{name}`{hint}")]
    UnknownTemplate {
        /// What was asked for.
        name: String,
        /// The nearest that exists.
        hint: Hint,
    },
    /// An entry that cannot be used.
    #[error(transparent)]
    Scanner(#[from] InvalidManifest),
    /// A template that cannot be read.
    #[error("template `{name}`: {message}")]
    Template {
        /// Its name.
        name: String,
        /// What is wrong, and where.
        message: String,
    },
}

impl Catalog {
    /// Returns the catalogue that the program was built with.
    pub fn builtin() -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        for (_, text) in builtin::SCANNERS {
            let manifest = Manifest::parse(text)?;
            catalog.scanners.insert(manifest.name.clone(), manifest);
        }
        for (name, text) in builtin::TEMPLATES {
            catalog.add_template(name, Self::read_template(name, text)?);
        }
        Ok(catalog)
    }

    /// Reads a template from the text of a file; a template file's name is its template's.
    pub fn read_template(name: &str, text: &str) -> Result<Template, CatalogError> {
        toml::from_str(text)
            .map_err(|error| CatalogError::Template { name: name.to_owned(), message: error.to_string() })
    }

    /// Applies configuration: changes entries that exist, defines those that do not, and adds templates.
    pub fn configure(
        &mut self,
        scanners: &BTreeMap<String, ScannerPatch>,
        templates: &BTreeMap<String, Template>,
    ) -> Result<(), CatalogError> {
        for (name, patch) in scanners {
            self.configure_scanner(name, patch)?;
        }
        self.templates.extend(templates.clone());
        Ok(())
    }

    fn configure_scanner(&mut self, name: &str, patch: &ScannerPatch) -> Result<(), CatalogError> {
        if let Some(manifest) = self.scanners.get_mut(name) {
            manifest.apply(patch)?;
        } else if patch.image.is_none() && patch.command.is_none() {
            // Nothing of a definition is there: the name of an entry is misspelt.
            return Err(self.unknown_scanner(name));
        } else {
            self.scanners.insert(name.to_owned(), Manifest::define(name, patch)?);
        }
        Ok(())
    }

    /// Adds or replaces a template.
    pub fn add_template(&mut self, name: &str, template: Template) {
        self.templates.insert(name.to_owned(), template);
    }

    /// Returns a scanner by its name.
    pub fn scanner(&self, name: &str) -> Result<&Manifest, CatalogError> {
        self.scanners.get(name).ok_or_else(|| self.unknown_scanner(name))
    }

    fn unknown_scanner(&self, name: &str) -> CatalogError {
        let hint = Hint::new(name, self.scanners.keys().map(String::as_str));
        CatalogError::UnknownScanner { name: name.to_owned(), hint }
    }

    /// Returns a template by its name.
    pub fn template(&self, name: &str) -> Result<&Template, CatalogError> {
        self.templates.get(name).ok_or_else(|| CatalogError::UnknownTemplate {
            name: name.to_owned(),
            hint: Hint::new(name, self.templates.keys().map(String::as_str)),
        })
    }

    /// Returns all scanners, by name.
    pub fn scanners(&self) -> impl Iterator<Item = &Manifest> {
        self.scanners.values()
    }

    /// Returns all templates, by name.
    pub fn templates(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.templates.iter().map(|(name, template)| (name.as_str(), template))
    }

    /// Returns every glob that the choice of scanners asks for, each once, sorted.
    pub fn globs(&self) -> Vec<&str> {
        let mut globs: Vec<&str> =
            self.scanners.values().flat_map(|scanner| &scanner.applies.files).map(String::as_str).collect();
        globs.sort_unstable();
        globs.dedup();
        globs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::unit::Span;

    fn patches(text: &str) -> BTreeMap<String, ScannerPatch> {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn configuration_changes_an_entry() {
        let mut catalog = Catalog::builtin().unwrap();
        let patch = patches("[nmap]\ntimeout = '5m'\nparams.top_ports = '10'\nlimits.memory = '1GiB'");
        catalog.configure(&patch, &BTreeMap::new()).unwrap();
        let nmap = catalog.scanner("nmap").unwrap();
        assert_eq!(nmap.timeout, Span(std::time::Duration::from_mins(5)));
        assert_eq!(nmap.params["top_ports"], "10");
        assert_eq!(nmap.limits.memory.0, 1 << 30);
        assert!(nmap.limits.pids >= 64);
    }

    #[test]
    fn a_misspelt_entry_is_not_taken_for_a_definition() {
        let mut catalog = Catalog::builtin().unwrap();
        let error = catalog.configure(&patches("[gitleeks]\ntimeout = '5m'"), &BTreeMap::new()).unwrap_err();
        assert_eq!(error.to_string(), "there is no scanner called `gitleeks` (did you mean `gitleaks`?)");
    }

    #[test]
    fn configuration_defines_a_scanner() {
        let mut catalog = Catalog::builtin().unwrap();
        let own = "[own]\nimage = 'own:1'\nprogram = 'own'\ncommand = ['{param.mode}', '{data.db}']\ninput = ['dir']\n\
                   timeout = '1m'\nresults = [{ path = '-', format = 'sarif' }]\nparams.mode = 'fast'\ndata.db.mount = '/db'";
        catalog.configure(&patches(own), &BTreeMap::new()).unwrap();
        assert_eq!(catalog.scanner("own").unwrap().data[0].mount, "/db");
        let error = catalog.configure(&patches("[half]\nimage = 'x:1'"), &BTreeMap::new()).unwrap_err();
        assert_eq!(error.to_string(), "scanner `half`: `program` is missing");
    }
}
