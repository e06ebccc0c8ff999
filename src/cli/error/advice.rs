//! Whose fault an error is, and what to do about it.

use std::io;

use super::Kind;
use crate::api::ApiError;
use crate::app::AppError;
use crate::app::targets::TargetError;
use crate::artifact::SourceError;
use crate::catalog::CatalogError;
use crate::config::{ConfigError, PathError};
use crate::daemon::DaemonError;
use crate::driver::DriverError;
use crate::executor::ExecutorError;
use crate::model::registered::{InvalidEntry, InvalidTargetName, TargetSelector};
use crate::model::registry::RegistryFault;
use crate::model::target::InvalidTarget;
use crate::oci::RegistryError;
use crate::plan::{PlanError, PlanFileError};
use crate::report::{RenderError, TemplateError};
use crate::store::StoreError;

/// Whose fault it is, and what to do.
pub(super) type Advice = (Kind, Vec<String>);

pub(super) fn advice<const N: usize>(kind: Kind, hints: [&str; N]) -> Advice {
    (kind, hints.map(str::to_owned).to_vec())
}

pub(super) fn daemon(error: &DaemonError) -> Advice {
    match error {
        DaemonError::Taken { .. } => advice(
            Kind::Unreachable,
            [
                "`dragnet daemon status` tells what it does",
                "--wait waits for its end; --state DIR chooses another state",
            ],
        ),
        DaemonError::App(error) => app(error),
        DaemonError::Api(ApiError::Open { .. }) => advice(
            Kind::Usage,
            [
                "[daemon] token = \"file:PATH\" names a secret that requests must bear; `openssl rand -hex 32` makes one",
                "listen = \"127.0.0.1:9464\" is for this machine only, and needs none",
            ],
        ),
        DaemonError::Api(ApiError::Listen { .. }) => advice(
            Kind::Unreachable,
            [
                "[daemon] listen names another address; with port 0 the system chooses one that is free",
                "`ss -ltnp` lists who listens where",
            ],
        ),
    }
}

pub(super) fn template(_: &TemplateError) -> Advice {
    advice(Kind::Usage, ["its data are those of `dragnet report --format json`"])
}

pub(super) const VERIFY: &str =
    "`dragnet state verify` tells what is damaged; `dragnet state restore` brings a backup back";
const LIST: &str = "`dragnet list` shows the scans of this state; `latest` stands for the newest";
const ENGINE: &str = "is the engine running, and may you use it? `dragnet doctor` looks closer";
const DOCKER_HOST: &str = "name another engine with DOCKER_HOST, or with `[executor.docker] host` in the configuration";

pub(super) fn app(error: &AppError) -> Advice {
    match error {
        AppError::Store(error) => store(error),
        AppError::State(error) => state(error),
        AppError::Catalog(error) => catalog(error),
        AppError::Target(error) => registered(error),
        AppError::Plan(error) => plan(error),
        AppError::PlanFile(error) => plan_file(error),
        AppError::Source(error) => source(error),
        AppError::Engine(error) => engine(error),
        AppError::Driver(error) => driver(error),
        AppError::Local { .. } => advice(Kind::Unreachable, []),
        AppError::Backup { .. } => advice(Kind::Usage, []),
        AppError::NoFinding { .. } => {
            advice(Kind::Usage, ["`dragnet findings` lists them; --in SCAN looks at another scan than the newest"])
        }
        AppError::NoRoute { known, .. } if known.is_empty() => advice(
            Kind::Usage,
            ["`[[notify]]` in your configuration makes one: `dragnet config show --defaults` explains it"],
        ),
        AppError::NoRoute { known, .. } => (Kind::Usage, vec![format!("there are {}", known.join(", "))]),
        AppError::ManyFindings { .. } => advice(Kind::Usage, ["give more of it"]),
        AppError::NotEnded { .. } => advice(Kind::Usage, ["`dragnet watch SCAN` follows it to its end"]),
        AppError::OtherTarget { .. } => advice(Kind::Usage, [LIST]),
        AppError::Baseline { .. } => advice(
            Kind::Usage,
            ["a baseline is SARIF, or what `dragnet report --format json -o FILE` wrote of a scan, whole"],
        ),
        AppError::Suppress { .. } => advice(
            Kind::Usage,
            ["mend it, or leave what the target says aside with `suppress.target = false` in your configuration"],
        ),
        AppError::Import { .. } => advice(Kind::Usage, ["--as FORMAT says what the files are"]),
        AppError::Render(RenderError::Write(error)) => output(error),
        AppError::Render(RenderError::Source(_)) => advice(Kind::Unreachable, [VERIFY]),
        AppError::Render(RenderError::Template(error)) => template(error),
        AppError::SourceChanged { .. } => advice(
            Kind::Usage,
            ["plan again: `dragnet plan -o FILE`", "or start where the plan was made, with the same --state"],
        ),
        AppError::Image { scanner, error } => image(error, image_hints(scanner)),
        AppError::TargetImage(error) => image(error, Vec::new()),
        AppError::Agent { .. } => advice(Kind::Usage, ["name a static dragnet for Linux with --agent FILE"]),
        AppError::Reference(_) => advice(Kind::Usage, ["write it as in registry.example/team/agent:1"]),
        AppError::Push(RegistryError { registry, fault, .. }) => (Kind::Usage, vec![registry_hint(*fault, registry)]),
        AppError::Unmet { scanner, .. } => (
            Kind::Usage,
            vec![format!(
                "change `[scanners.{scanner}]` in the configuration, or leave the scanner out; `dragnet doctor` shows what the engine can do"
            )],
        ),
        AppError::Data { scanner, data, .. } => (
            Kind::Usage,
            vec![format!(
                "bring it yourself: `[scanners.{scanner}.data.{data}] source = \"DIRECTORY\"` in the configuration"
            )],
        ),
        AppError::Secret { scanner, secret, .. } => {
            (Kind::Usage, vec![format!("see `secrets.{secret}` of `[scanners.{scanner}]` in the configuration")])
        }
        AppError::Storage { .. } => advice(
            Kind::Usage,
            ["the keys to the storage are references: env:NAME, file:PATH or command:PROGRAM ARGUMENT…"],
        ),
        AppError::Token { .. } => {
            advice(Kind::Usage, ["the token is a reference: env:NAME, file:PATH or command:PROGRAM ARGUMENT…"])
        }
        AppError::OtherEngine { .. } => advice(
            Kind::Unreachable,
            ["go on where the scan was started, or reach the same engine: same DOCKER_HOST, same context"],
        ),
        AppError::NotFrozen { .. } => advice(
            Kind::Usage,
            [
                "`dragnet pause` without --freeze lets what runs end, and starts nothing more until `dragnet resume`",
                "`dragnet pause --requeue` stops what runs, and `dragnet resume` begins it anew",
            ],
        ),
        AppError::NoSchedule { .. } => advice(
            Kind::Usage,
            [
                "`dragnet schedule list` shows them; they are `[[schedules]]` of your configuration, `dragnet config path` names the file",
            ],
        ),
        AppError::NoTarget { .. } => advice(Kind::Usage, ["`dragnet targets` lists them"]),
        AppError::NothingScheduled(_) => advice(Kind::Usage, ["`dragnet targets` lists what there is, with its tags"]),
        AppError::Panicked(_) => advice(Kind::Incomplete, [BUG]),
    }
}

const BUG: &str = "this is a bug: please report it, with the output of the same command under DRAGNET_LOG=debug";

pub(super) fn store(error: &StoreError) -> Advice {
    match error {
        StoreError::Unusable { .. } => advice(Kind::Unreachable, ["choose another directory with --state DIR"]),
        StoreError::Newer { .. } => advice(
            Kind::Unreachable,
            ["use the dragnet that wrote it, or a newer one; or another state with --state DIR"],
        ),
        StoreError::Foreign { .. } => {
            advice(Kind::Unreachable, ["it is left as it is; choose another directory with --state DIR"])
        }
        StoreError::OldSqlite(_) => {
            advice(Kind::Unreachable, ["this dragnet was built wrongly: build it with its own SQLite"])
        }
        StoreError::Full => advice(
            Kind::Unreachable,
            [
                "make room, then `dragnet resume SCAN`: nothing that was found is lost",
                "`dragnet gc` removes what no scan needs",
            ],
        ),
        StoreError::Held { holder, .. } => {
            let pid = holder.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
            let look = format!(
                "`ps -o stat,args -p {pid}` tells what it is; T means stopped, and `kill -CONT {pid}` lets it go on"
            );
            (Kind::Unreachable, vec![look, "killing it loses nothing, and scans can be taken up again".to_owned()])
        }
        StoreError::FenceLost => advice(Kind::Incomplete, ["`dragnet watch SCAN` follows it"]),
        StoreError::NotFound(_) => advice(Kind::Usage, [LIST]),
        StoreError::RequestKeyUsed { scan, .. } => {
            (Kind::Usage, vec![format!("`dragnet watch {scan}` follows that scan; a new one needs another key")])
        }
        StoreError::TargetExists { name, .. } => (
            Kind::Usage,
            vec![
                format!("`dragnet targets show {name}` tells what it is; --update changes it"),
                "--name NAME registers the target beside it".to_owned(),
            ],
        ),
        StoreError::NotOver(_) => {
            advice(Kind::Usage, ["`dragnet cancel SCAN` ends it; `dragnet gc` removes what the engine still holds"])
        }
        StoreError::Damaged(_) | StoreError::Sqlite(_) => advice(Kind::Unreachable, [VERIFY]),
        StoreError::Closed => advice(Kind::Incomplete, [BUG]),
    }
}

pub(super) fn state(error: &PathError) -> Advice {
    match error {
        PathError::NoHome => advice(Kind::Usage, []),
        PathError::Io { .. } | PathError::ReadOnly { .. } | PathError::Foreign { .. } => {
            advice(Kind::Unreachable, ["choose another directory with --state DIR, or with DRAGNET_STATE"])
        }
        PathError::Network { .. } | PathError::Open { .. } => advice(Kind::Unreachable, []),
    }
}

pub(super) fn config(error: &ConfigError) -> Advice {
    match error {
        ConfigError::UnknownKey { .. } | ConfigError::Value { .. } => advice(
            Kind::Usage,
            ["`dragnet config schema` describes every key; `dragnet config show --defaults` shows them with comments"],
        ),
        ConfigError::Schedules { .. } => advice(
            Kind::Usage,
            [
                "schedules run whatever directory you are in: put them into your own configuration, `dragnet config path` names it",
            ],
        ),
        ConfigError::Untrusted { .. } => advice(Kind::Usage, ["--trust-project-config trusts it for this one command"]),
        ConfigError::Syntax { .. } | ConfigError::Variable { .. } | ConfigError::Flags(_) | ConfigError::Io { .. } => {
            advice(Kind::Usage, [])
        }
    }
}

pub(super) fn catalog(error: &CatalogError) -> Advice {
    match error {
        CatalogError::UnknownScanner { .. } => advice(Kind::Usage, ["`dragnet scanners` lists them"]),
        CatalogError::UnknownTemplate { .. } => {
            advice(Kind::Usage, ["`dragnet templates` lists them; a path that ends with .toml is read as a file"])
        }
        CatalogError::Scanner(error) => (
            Kind::Usage,
            vec![format!(
                "see `[scanners.{}]` in the configuration; `dragnet config path` names the files",
                error.scanner
            )],
        ),
        CatalogError::Template { name, .. } => (Kind::Usage, vec![format!("see `[templates.{name}]`, or the file")]),
    }
}

pub(super) fn plan(error: &PlanError) -> Advice {
    match error {
        PlanError::Catalog(error) => catalog(error),
        PlanError::NoJobs { choices } => {
            let mut hints: Vec<String> =
                choices.iter().map(|choice| format!("{} was left out: {}", choice.scanner, choice.reason)).collect();
            hints.push("choose yourself with --scanner NAME, or with --template NAME".to_owned());
            (Kind::Usage, hints)
        }
        PlanError::TargetKind { template, .. } => (
            Kind::Usage,
            vec![format!(
                "`dragnet templates {template}` shows the template; a target's kind is its prefix, as in host:example.org"
            )],
        ),
        PlanError::Cycle(_)
        | PlanError::DuplicateStep(_)
        | PlanError::UnknownNeed { .. }
        | PlanError::NotProduced { .. }
        | PlanError::Condition { .. }
        | PlanError::EmptyChunk { .. } => {
            advice(Kind::Usage, ["see the steps of the template: `dragnet templates NAME`"])
        }
        PlanError::Scanner { .. }
        | PlanError::Placeholder { .. }
        | PlanError::Format { .. }
        | PlanError::Input { .. }
        | PlanError::PlaceholderUse { .. } => {
            advice(Kind::Usage, ["`dragnet scanners NAME` shows what the scanner takes and writes"])
        }
        PlanError::StepId(_) | PlanError::Target(_) | PlanError::Option(_) => advice(Kind::Usage, []),
    }
}

pub(super) fn plan_file(error: &PlanFileError) -> Advice {
    match error {
        PlanFileError::Changed { .. } => {
            advice(Kind::Usage, ["a plan is sealed: change the configuration or the flags, and plan again"])
        }
        PlanFileError::Schema { .. } | PlanFileError::Syntax { .. } => {
            advice(Kind::Usage, ["`dragnet plan -o FILE` writes such a file"])
        }
        PlanFileError::Graph(_) | PlanFileError::Order(_) | PlanFileError::NoSteps | PlanFileError::Yaml(_) => {
            advice(Kind::Usage, ["plan again"])
        }
    }
}

pub(super) fn target(_: &InvalidTarget) -> Advice {
    advice(
        Kind::Usage,
        ["a target is a path, or KIND:VALUE, as in host:example.org or git:https://example.org/a.git@main"],
    )
}

pub(super) fn registered(error: &TargetError) -> Advice {
    const LIST: &str = "`dragnet targets list` shows what is registered";
    match error {
        TargetError::Entry(InvalidEntry::Target(error)) => target(error),
        TargetError::Entry(InvalidEntry::Name(InvalidTargetName::Long(_))) => {
            advice(Kind::Usage, ["a target without a name is called by its text: --name NAME gives it another"])
        }
        TargetError::Entry(_) | TargetError::Selector(_) => advice(Kind::Usage, []),
        TargetError::NoKind(text) => (
            Kind::Usage,
            vec![format!(
                "write KIND:VALUE, as in domain:{text} or host:{text}; a path that is not there yet is dir:{text}"
            )],
        ),
        TargetError::Credentials => {
            advice(Kind::Usage, ["leave them out: git uses your own credentials, from its helpers or an SSH key"])
        }
        TargetError::Template(error) => catalog(error),
        TargetError::Unknown { meant: Some(TargetSelector::Tag(tag)), .. } => (
            Kind::Usage,
            vec![format!("`{tag}` is a tag: @tag:{tag} stands for its targets, --tag {tag} chooses them")],
        ),
        TargetError::Unknown { meant: Some(meant), .. } => {
            (Kind::Usage, vec![format!("there is `{meant}`"), LIST.to_owned()])
        }
        TargetError::Unknown { .. } => advice(Kind::Usage, [LIST, "`dragnet targets add TARGET` registers one"]),
        TargetError::Ambiguous { .. } => {
            advice(Kind::Usage, ["--project NAME, and --organisation NAME, say which is meant"])
        }
        TargetError::Disabled(name) => (
            Kind::Usage,
            vec![
                format!("`dragnet targets enable {name}` lets it be scanned"),
                format!("`dragnet targets show {name}` tells more"),
            ],
        ),
        TargetError::NoneChosen(_) | TargetError::NoneTagged(_) => advice(Kind::Usage, [LIST]),
        TargetError::TooMany { .. } => {
            advice(Kind::Usage, ["`@NAME` is one of them; `dragnet targets list --enabled` shows them"])
        }
        TargetError::List { .. } => advice(
            Kind::Usage,
            ["nothing was written; --format csv, json, jsonl or lines says how the list is written"],
        ),
        TargetError::Partly { source, .. } => {
            let (kind, mut hints) = store(source);
            hints.push("the same import again registers the rest, and leaves as it is what is there".to_owned());
            (kind, hints)
        }
        TargetError::Store(error) => store(error),
    }
}

pub(super) fn source(error: &SourceError) -> Advice {
    match error {
        SourceError::Io { .. } => advice(Kind::Usage, ["a target is a path, or KIND:VALUE, as in host:example.org"]),
        SourceError::Exclude { .. } => advice(Kind::Usage, ["globs are written as in .gitignore"]),
        SourceError::Empty(_) => {
            advice(Kind::Usage, ["nothing was scanned; is it the right path, and is `source.exclude` right?"])
        }
        SourceError::Address(_) => advice(Kind::Usage, ["write git:URL or git:URL@REVISION"]),
        SourceError::Git { .. } => {
            advice(Kind::Usage, ["git uses your own credentials and never asks; does `git ls-remote URL` work?"])
        }
        SourceError::NoGit(_) => advice(Kind::Usage, ["install git, or clone it yourself and scan the directory"]),
        SourceError::Fetch { .. } => advice(Kind::Usage, ["fetch it yourself and scan the file: archive:PATH"]),
        SourceError::Archive(_) => {
            advice(Kind::Usage, ["nothing was scanned; unpack it yourself and scan the directory, if you trust it"])
        }
        SourceError::NoSource(_) => advice(Kind::Usage, []),
    }
}

pub(super) fn engine(error: &ExecutorError) -> Advice {
    match error {
        ExecutorError::Unreachable(_) => advice(Kind::Unreachable, [ENGINE, DOCKER_HOST]),
        ExecutorError::Busy(_) => advice(Kind::Unreachable, ["try again"]),
        ExecutorError::Resource(_) => {
            advice(Kind::Unreachable, ["make room for the engine; `dragnet gc` removes what dragnet left in it"])
        }
        ExecutorError::Local { full: true, .. } => advice(Kind::Unreachable, ["make room, then try again"]),
        ExecutorError::Image { .. } | ExecutorError::Platform { .. } => advice(Kind::Usage, []),
        ExecutorError::Registry { registry, fault, .. } => (Kind::Usage, vec![registry_hint(*fault, registry)]),
        ExecutorError::Refused(_) => advice(Kind::Usage, ["`dragnet doctor` shows what the engine can do"]),
        ExecutorError::Conflict { .. } => advice(
            Kind::Unreachable,
            ["`dragnet gc --foreign --dry-run` lists what other states have left in the engine"],
        ),
        ExecutorError::NeverScheduled { .. } => advice(
            Kind::Unreachable,
            ["is there room in the cluster? `[executor.kubernetes] start_timeout` says how long it is waited for"],
        ),
        ExecutorError::TimedOut(_) | ExecutorError::Evicted(_) | ExecutorError::NodeLost(_) => {
            advice(Kind::Unreachable, ["try again"])
        }
        ExecutorError::NotStarted(_)
        | ExecutorError::NotFound(_)
        | ExecutorError::Corrupt { .. }
        | ExecutorError::NoResults { .. }
        | ExecutorError::Local { .. } => advice(Kind::Unreachable, [ENGINE]),
    }
}

/// What to do about an image; `otherwise` is what helps beside having it.
pub(super) fn image(error: &ExecutorError, otherwise: Vec<String>) -> Advice {
    match error {
        // It is the engine that is away, not the image.
        ExecutorError::Unreachable(_) | ExecutorError::Resource(_) | ExecutorError::Local { .. } => engine(error),
        ExecutorError::Registry { registry, fault, .. } => {
            (Kind::Usage, [vec![registry_hint(*fault, registry)], otherwise].concat())
        }
        // A passing error to the engine, and an image that cannot be had to the user.
        _ => (Kind::Usage, otherwise),
    }
}

pub(super) fn registry_hint(fault: RegistryFault, registry: &str) -> String {
    match fault {
        RegistryFault::NoCredentials | RegistryFault::WrongCredentials => {
            format!("`docker login {registry}`, or put credentials into config.json of DOCKER_CONFIG")
        }
        RegistryFault::NoImage => {
            format!("is the name right? A private image may be hidden: `docker login {registry}`")
        }
        RegistryFault::Refused => "may you write to that repository, and does the registry take OCI images?".to_owned(),
        RegistryFault::Untrusted => {
            format!("is `{registry}` the registry itself, and not something that answers for it?")
        }
        RegistryFault::Away => {
            format!("is `{registry}` right, and can it be reached from here, or from where the engine runs?")
        }
    }
}

pub(super) fn image_hints(scanner: &str) -> Vec<String> {
    vec![
        format!("name an image that you have: `[scanners.{scanner}] image = \"NAME\"` in the configuration"),
        format!("or leave the scanner out: `[scanners.{scanner}] enabled = false`"),
        "`examples/images/build` in the sources of dragnet builds images without a registry".to_owned(),
    ]
}

pub(super) fn driver(error: &DriverError) -> Advice {
    match error {
        DriverError::Store(error) => store(error),
        DriverError::Local { full: true, .. } => {
            advice(Kind::Unreachable, ["make room, then `dragnet resume SCAN`: nothing that was found is lost"])
        }
        DriverError::Local { .. } | DriverError::Artifact(_) => advice(
            Kind::Unreachable,
            ["once that is mended, `dragnet resume SCAN` goes on: nothing that was found is lost"],
        ),
        DriverError::Illegal(_) | DriverError::Panicked(_) => advice(Kind::Incomplete, [BUG]),
    }
}

pub(super) fn output(error: &io::Error) -> Advice {
    match error.kind() {
        io::ErrorKind::BrokenPipe => advice(Kind::BrokenPipe, []),
        _ => advice(Kind::Usage, []),
    }
}
