//! `dragnet agent-image`

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde::Serialize;
use toml::Table;

use super::output::Output;
use crate::app::{self, agent_image};
use crate::cli::args::TableFormat;
use crate::cli::context::{Context, Scope};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::oci::{self, Image, Reference};

/// Build the image with which dragnet runs inside containers, from this very program
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("destination").required(true).multiple(true).args(["load", "output", "push"]),
    after_help = "\
Examples:
  dragnet agent-image --load                               into the local engine
  dragnet agent-image --push registry.example/dragnet/agent
  dragnet agent-image -o agent.tar                         for `docker load`, `podman load`, `skopeo copy`, `ctr images import`
  dragnet agent-image --agent dragnet-aarch64 --push registry.example/dragnet/agent:1-arm64

Prints a line for each image: its reference and its digest. The same program gives the same digest, wherever it is built.
Credentials are those of the `docker` program: `docker login`, or config.json of DOCKER_CONFIG."
)]
pub(in crate::cli) struct AgentImageArgs {
    /// Give the image to the local engine, also where scans run in a cluster
    #[arg(long)]
    load: bool,
    /// Write the image to this file, an OCI layout that `docker load` reads too
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Push the image to a registry; a name without a tag gets the version and the program's hash
    #[arg(long, value_name = "REF")]
    push: Option<String>,
    /// Name the image in the engine and in the file [default: dragnet.local/agent:VERSION-HASH]
    #[arg(long, value_name = "REF")]
    reference: Option<String>,
    /// Put this program into the image, a static dragnet for Linux, rather than this one
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

/// An image that is somewhere now.
#[derive(Serialize)]
struct Made {
    reference: String,
    /// Hash of the manifest, by which registries know the image.
    digest: String,
    /// Hash of the configuration, by which most engines know it.
    id: String,
    platform: String,
    /// Hash of the program.
    program: String,
}

impl Made {
    fn new(image: &Image, reference: &Reference) -> Self {
        Self {
            reference: reference.to_string(),
            digest: image.manifest.digest(),
            id: image.config.digest(),
            platform: format!("linux/{}", image.architecture),
            program: image.program.to_string(),
        }
    }
}

pub(in crate::cli) fn run(context: &Context, args: &AgentImageArgs) -> Result<u8, CliError> {
    let config = context.resolve(Table::new(), Scope::User)?.config;
    let configured = || config.executor.agent.as_ref().map(PathBuf::from);
    let image = agent_image::build(args.agent.clone().or_else(configured).as_deref())?;
    let local = agent_image::name(&image, args.reference.as_deref().unwrap_or(agent_image::REPOSITORY))?;
    let remote = args.push.as_deref().map(|text| agent_image::name(&image, text)).transpose()?;
    if let Some(path) = &args.output {
        let output = Output::create(path, context.umask)?;
        output.write(|out| Ok(oci::archive::write(&image, &local, out)?))?;
    }
    if args.load {
        let app = context.app()?;
        Context::block_on(async {
            let executor = app::connect_for_images(&app).await?;
            Ok(agent_image::load(&app, &executor, &image, &local).await?)
        })?;
    }
    if let Some(remote) = &remote {
        let waiting = context.ui.waiting("pushing");
        waiting.say(&format!("pushing {remote}"));
        Context::block_on(async { Ok(agent_image::push(&image, remote).await?) })?;
    }
    let local = (args.load || args.output.is_some()).then_some(&local);
    let made: Vec<Made> = local.into_iter().chain(&remote).map(|name| Made::new(&image, name)).collect();
    match args.format {
        TableFormat::Json => context.ui.json("dragnet.agent-image/v1", "images", &made)?,
        TableFormat::Table => {
            let lines: Vec<String> = made.iter().map(|made| format!("{} {}\n", made.reference, made.digest)).collect();
            context.ui.print(&lines.concat())?;
        }
    }
    Ok(exit::CLEAN)
}
