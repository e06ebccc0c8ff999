//! Request + catalogue → plan.

use std::collections::{HashMap, HashSet};

use super::check::Node;
use super::error::{PlanError, join};
use super::graph;
use super::select::{choice, choose};
use crate::catalog::{Catalog, Manifest, Piece, Placeholder, UnknownPlaceholder, pieces};
use crate::model::asset::{Asset, AssetKind};
use crate::model::facts::Facts;
use crate::model::id::StepId;
use crate::model::owner::Owner;
use crate::model::plan::{Choice, Plan, ScanOptions, SourceFacts, Step};
use crate::model::target::{Target, TargetKey};
use crate::model::template::{Template, TemplateStep};

/// What a plan is made from.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The catalogue, with the configuration applied.
    pub catalog: &'a Catalog,
    /// Formats that have a parser.
    pub formats: &'a [&'a str],
    /// What is scanned.
    pub target: Target,
    /// Its identity over time.
    pub target_key: TargetKey,
    /// Its source, for targets that have one.
    pub source: Option<SourceFacts>,
    /// What a walk over it counted.
    pub facts: &'a Facts,
    /// What is to run.
    pub selection: Selection,
    /// Limits and rules of the whole scan.
    pub options: ScanOptions,
}

/// What is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every scanner that fits the target.
    Fitting,
    /// These scanners, fitting or not.
    Scanners(Vec<String>),
    /// A template of the catalogue.
    Template(String),
}

/// The steps to plan, and how they came about.
struct Selected {
    template: Option<String>,
    steps: Vec<TemplateStep>,
    choices: Vec<Choice>,
}

/// Makes the plan.
pub fn build(request: Request<'_>) -> Result<Plan, PlanError> {
    check_options(&request.options)?;
    check_value(&request.target)?;
    let selected = select(&request)?;
    if selected.steps.is_empty() {
        return Err(PlanError::NoJobs { choices: selected.choices });
    }
    let nodes: Vec<Node<'_>> = selected
        .steps
        .iter()
        .map(|step| Ok(Node { step, scanner: request.catalog.scanner(&step.scanner)? }))
        .collect::<Result<_, PlanError>>()?;
    let steps = resolve(&request, &nodes)?;
    Ok(Plan {
        template: selected.template,
        target: request.target,
        target_key: request.target_key,
        owner: Owner::default(),
        source: request.source,
        options: request.options,
        steps,
        choices: selected.choices,
    })
}

fn check_options(options: &ScanOptions) -> Result<(), PlanError> {
    let least = [
        ("scan.parallelism", u64::from(options.parallelism)),
        ("scan.max_assets", options.max_assets),
        ("scan.depth", u64::from(options.depth)),
        ("scan.max_results", options.max_results.unwrap_or(1)),
    ];
    least.into_iter().find(|(_, value)| *value == 0).map_or(Ok(()), |(name, _)| Err(PlanError::Option(name)))
}

/// A source is always seen as one directory; any other target becomes an argument.
fn check_value(target: &Target) -> Result<(), PlanError> {
    let kind = target.kind.asset_kind();
    if kind == AssetKind::Dir || Asset::new(kind, &target.value).is_some() {
        return Ok(());
    }
    Err(PlanError::Target(target.clone()))
}

fn select(request: &Request<'_>) -> Result<Selected, PlanError> {
    match &request.selection {
        Selection::Fitting => {
            let choices = choose(request.catalog, &request.target, request.facts);
            let chosen = choices.iter().filter(|choice| choice.chosen).map(|choice| choice.scanner.as_str());
            Ok(Selected { template: None, steps: one_step_each(chosen)?, choices })
        }
        Selection::Scanners(names) => {
            let steps = one_step_each(names.iter().map(String::as_str))?;
            let asked = |name: &String| Choice { scanner: name.clone(), chosen: true, reason: "asked for".to_owned() };
            Ok(Selected { template: None, steps, choices: names.iter().map(asked).collect() })
        }
        Selection::Template(name) => select_template(request, name),
    }
}

fn one_step_each<'a>(scanners: impl Iterator<Item = &'a str>) -> Result<Vec<TemplateStep>, PlanError> {
    scanners.map(|name| Ok(TemplateStep::new(name.parse()?, name))).collect()
}

/// Takes a template's steps without those whose scanner has nothing to look at, unless another step needs them.
fn select_template(request: &Request<'_>, name: &str) -> Result<Selected, PlanError> {
    let template = request.catalog.template(name)?;
    check_target(name, template, &request.target)?;
    let needed: HashSet<&StepId> = template.steps.iter().flat_map(|step| &step.needs).collect();
    let (mut steps, mut choices) = (Vec::new(), Vec::new());
    for step in &template.steps {
        let scanner = request.catalog.scanner(&step.scanner)?;
        let mut choice = choice(scanner, &request.target, request.facts);
        let may_be_left_out = !scanner.enabled || (step.for_each.is_empty() && !scanner.applies.files.is_empty());
        if !choice.chosen && (needed.contains(&step.id) || !may_be_left_out) {
            choice.chosen = true;
            choice.reason = format!("part of template `{name}`");
        }
        if choice.chosen {
            steps.push(step.clone());
        }
        choices.push(choice);
    }
    Ok(Selected { template: Some(name.to_owned()), steps, choices })
}

fn check_target(name: &str, template: &Template, target: &Target) -> Result<(), PlanError> {
    if template.targets.is_empty() || template.targets.contains(&target.kind) {
        return Ok(());
    }
    let takes: Vec<&str> = template.targets.iter().map(|kind| kind.as_str()).collect();
    Err(PlanError::TargetKind { template: name.to_owned(), takes: join(&takes, ", "), target: target.kind.as_str() })
}

fn resolve(request: &Request<'_>, nodes: &[Node<'_>]) -> Result<Vec<Step>, PlanError> {
    let edges: Vec<(&StepId, &[StepId])> =
        nodes.iter().map(|node| (&node.step.id, node.step.needs.as_slice())).collect();
    let order = graph::order(&edges)?;
    let scanners: HashMap<&StepId, &Manifest> = nodes.iter().map(|node| (&node.step.id, node.scanner)).collect();
    let resolve_one = |place: usize| {
        let node = &nodes[place];
        let needs: Vec<&Manifest> = node.step.needs.iter().filter_map(|need| scanners.get(need).copied()).collect();
        node.check(&request.target, &needs, request.formats)?;
        resolve_step(node.step, node.scanner)
    };
    order.into_iter().map(resolve_one).collect()
}

fn resolve_step(step: &TemplateStep, manifest: &Manifest) -> Result<Step, PlanError> {
    let refused = |source| PlanError::Scanner { step: step.id.clone(), source };
    let mut manifest = manifest.clone();
    manifest.set_params(&step.params).map_err(refused)?;
    manifest.limits = step.limits.unwrap_or_default().apply(manifest.limits);
    manifest.timeout = step.timeout.unwrap_or(manifest.timeout);
    manifest.check().map_err(refused)?;
    let command = command(&manifest).map_err(|source| PlanError::Placeholder { step: step.id.clone(), source })?;
    Ok(Step {
        id: step.id.clone(),
        scanner: manifest.scanner(command),
        needs: step.needs.clone(),
        for_each: step.for_each.clone(),
        chunk: step.chunk.unwrap_or(1),
        gather: step.gather,
        when: step.when.clone(),
        on_failure: step.on_failure,
        accept_partial: step.accept_partial.clone(),
    })
}

/// Fills parameters, which may name databases, and databases; what a job fills stays.
fn command(manifest: &Manifest) -> Result<Vec<String>, UnknownPlaceholder> {
    manifest.command.iter().map(|argument| fill(argument, manifest, true)).collect()
}

fn fill(text: &str, manifest: &Manifest, params: bool) -> Result<String, UnknownPlaceholder> {
    let mut filled = String::new();
    for piece in pieces(text)? {
        match piece {
            Piece::Text(text) | Piece::Placeholder(Placeholder::Job(text)) => filled.push_str(text),
            Piece::Placeholder(Placeholder::Param(name)) => match manifest.params.get(name) {
                Some(value) if params => filled.push_str(&fill(value, manifest, false)?),
                _ => return Err(UnknownPlaceholder(format!("{{param.{name}}}"))),
            },
            Piece::Placeholder(Placeholder::Data(name)) => match manifest.data.iter().find(|data| data.name == name) {
                Some(data) => filled.push_str(&data.mount),
                None => return Err(UnknownPlaceholder(format!("{{data.{name}}}"))),
            },
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const FORMATS: [&str; 11] = [
        "bandit",
        "cargo-audit",
        "checkov",
        "gitleaks",
        "hadolint",
        "kingfisher",
        "nmap",
        "sarif",
        "semgrep",
        "trivy",
        "zizmor",
    ];

    fn plan_with(catalog: &Catalog, target: &str, selection: Selection, globs: &[&str]) -> Result<Plan, PlanError> {
        let matches = globs.iter().map(|glob| ((*glob).to_owned(), 2)).collect();
        build(Request {
            catalog,
            formats: &FORMATS,
            target: target.parse().unwrap(),
            target_key: TargetKey { key: "name:test".to_owned(), line: None },
            source: None,
            facts: &Facts { files: 5, matches, truncated: false },
            selection,
            options: ScanOptions::default(),
        })
    }

    fn plan(target: &str, selection: Selection, globs: &[&str]) -> Result<Plan, PlanError> {
        plan_with(&Catalog::builtin().unwrap(), target, selection, globs)
    }

    fn template(text: &str) -> Result<Plan, PlanError> {
        let mut catalog = Catalog::builtin().unwrap();
        catalog.add_template("t", Catalog::read_template("t", text).unwrap());
        plan_with(&catalog, "host:localhost", Selection::Template("t".into()), &[])
    }

    fn ids(plan: &Plan) -> Vec<&str> {
        plan.steps.iter().map(|step| step.id.as_str()).collect()
    }

    #[test]
    fn what_fits_is_planned_and_every_choice_explained() {
        let plan = plan(".", Selection::Fitting, &["*.py"]).unwrap();
        assert!(ids(&plan).contains(&"bandit") && !ids(&plan).contains(&"hadolint"));
        assert_eq!(plan.choices.len(), Catalog::builtin().unwrap().scanners().count());
    }

    #[test]
    fn parameters_and_databases_are_filled_and_jobs_placeholders_stay() {
        let mut catalog = Catalog::builtin().unwrap();
        let own = "[own]\nimage = 'own:1'\nprogram = 'own'\ncommand = ['{param.rules}/x', '{data.db}', '{target}']\n\
                   input = ['dir']\ntimeout = '1m'\nresults = [{ path = '-', format = 'sarif' }]\n\
                   params.rules = '{data.db}'\ndata.db.mount = '/db'";
        catalog.configure(&toml::from_str(own).unwrap(), &BTreeMap::new()).unwrap();
        let plan = plan_with(&catalog, ".", Selection::Scanners(vec!["own".into()]), &[]).unwrap();
        assert_eq!(plan.steps[0].scanner.command, ["/db/x", "/db", "{target}"]);
    }

    #[test]
    fn a_template_leaves_out_what_has_nothing_to_look_at() {
        let plan = plan(".", Selection::Template("code".into()), &["Dockerfile"]).unwrap();
        assert!(ids(&plan).contains(&"hadolint") && !ids(&plan).contains(&"bandit"));
        let bandit = plan.choices.iter().find(|choice| choice.scanner == "bandit").unwrap();
        assert_eq!((bandit.chosen, bandit.reason.as_str()), (false, "no Python source found"));
    }

    #[test]
    fn every_template_of_the_catalogue_can_be_planned() {
        let catalog = Catalog::builtin().unwrap();
        let all = catalog.globs();
        for (name, template) in catalog.templates() {
            let target = if template.targets.first().is_some_and(|kind| kind.asset_kind() == AssetKind::Dir) {
                "."
            } else {
                "host:h"
            };
            let plan =
                plan(target, Selection::Template(name.to_owned()), &all).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(plan.steps.len(), template.steps.len(), "{name}");
        }
    }

    #[test]
    fn every_scanner_of_the_catalogue_can_be_planned() {
        for scanner in Catalog::builtin().unwrap().scanners() {
            let target = match scanner.input[0] {
                AssetKind::Dir => ".",
                AssetKind::Host => "host:h",
                // What needs an earlier step is planned with its template.
                _ => continue,
            };
            let selection = Selection::Scanners(vec![scanner.name.clone()]);
            plan(target, selection, &[]).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn a_target_that_reads_like_an_option_is_refused() {
        let error = plan("host:-iL/etc/passwd", Selection::Fitting, &[]).unwrap_err();
        assert!(matches!(error, PlanError::Target(_)), "{error}");
    }

    #[test]
    fn nothing_to_do_is_an_error() {
        let error = plan("email:a@b.example", Selection::Fitting, &[]).unwrap_err();
        assert!(matches!(&error, PlanError::NoJobs { choices } if !choices.is_empty()), "{error}");
    }

    #[test]
    fn what_cannot_run_is_refused_by_name() {
        let steps = |second: &str| {
            format!(
                "[[steps]]\nid = 'a'\nscanner = 'nmap-ports'\n[[steps]]\nid = 'b'\nscanner = 'nmap-service'\n{second}"
            )
        };
        let error = |second: &str| template(&steps(second)).unwrap_err().to_string();
        assert_eq!(error("for_each = ['port']"), "step `b` is for each port, and no step that it needs finds any");
        assert_eq!(error("needs = ['a']"), "step `b`: scanner `nmap-service` looks at port, and is given host");
        assert!(
            error("needs = ['a']\nfor_each = ['port']\nchunk = 5").contains("`{port}`, which stands for one asset")
        );
        assert!(error("needs = ['a']\nfor_each = ['port']\nchunk = 0").contains("at least one asset"));
        assert!(error("needs = ['a']\nfor_each = ['port']\nparams.x = '1'").contains("no parameter `x`"));
        assert!(error("needs = ['a']\nfor_each = ['port']\nparams.host_timeout = '-x'").contains("hyphen"));
        assert!(error("needs = ['a']\nfor_each = ['port']\nwhen = { assets = 'c' }").contains("does not need it"));
        assert!(error("needs = ['b']").contains("b → b"));
        let mut catalog = Catalog::builtin().unwrap();
        let listed = toml::from_str("[nmap]\ncommand = ['-iL', '{input}']").unwrap();
        catalog.configure(&listed, &BTreeMap::new()).unwrap();
        let listed =
            plan_with(&catalog, "host:h", Selection::Scanners(vec!["nmap".into()]), &[]).unwrap_err().to_string();
        assert!(listed.contains("uses `{input}`, which needs `for_each`"), "{listed}");
        template(&steps("needs = ['a']\nfor_each = ['port']\nwhen = { assets = 'a' }")).unwrap();
        let unknown = plan(".", Selection::Scanners(vec!["gitleeks".into()]), &[]).unwrap_err().to_string();
        assert_eq!(unknown, "there is no scanner called `gitleeks` (did you mean `gitleaks`?)");
        let other = plan(".", Selection::Template("ports".into()), &[]).unwrap_err().to_string();
        assert_eq!(other, "template `ports` takes host, domain, and the target is dir");
    }
}
