//! The agent's image: built from a program of ours, given to the engine, to a registry, or written to a file.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::{App, AppError};
use crate::executor::{ExecutorError, SharedExecutor, docker};
use crate::model::id::Sha256;
use crate::model::spec::ShimJob;
use crate::oci::{self, Image, Reference};

/// The repository of images that were not given another name; no registry has it.
pub const REPOSITORY: &str = "dragnet.local/agent";
/// What stands before names that no registry has.
pub(super) const NO_REGISTRY: &str = "dragnet.local";
/// This program's own file.
const OWN: &str = "/proc/self/exe";

/// Builds the image of a program, by default this one.
pub fn build(agent: Option<&Path>) -> Result<Image, AppError> {
    let (path, program) = read(agent)?;
    oci::build(&program, env!("CARGO_PKG_VERSION"), ShimJob::VERSION)
        .map_err(|unfit| AppError::Agent { path, message: format!("it cannot run in every container: {unfit}") })
}

/// Returns the reference that the image of a program, by default this one, has when it was given no other name.
pub fn usual(agent: Option<&Path>) -> Result<String, AppError> {
    let (_, program) = read(agent)?;
    let tag = oci::tag(Sha256::of(&program), env!("CARGO_PKG_VERSION"));
    Ok(Reference::parse(REPOSITORY, &tag)?.to_string())
}

fn read(agent: Option<&Path>) -> Result<(PathBuf, Vec<u8>), AppError> {
    let path = agent.unwrap_or_else(|| Path::new(OWN)).to_owned();
    match std::fs::read(&path) {
        Ok(program) => Ok((path, program)),
        Err(error) => Err(AppError::Agent { path, message: error.to_string() }),
    }
}

/// Names an image; a name without a tag gets the one that says what is inside.
pub fn name(image: &Image, text: &str) -> Result<Reference, AppError> {
    Ok(Reference::parse(text, &image.tag(env!("CARGO_PKG_VERSION")))?)
}

/// Gives the image to the engine, and looks whether it took it for what it is.
pub async fn load(app: &App, executor: &SharedExecutor, image: &Image, name: &Reference) -> Result<(), AppError> {
    let (reference, engine) = (name.to_string(), &executor.capabilities().platform);
    let platform = format!("linux/{}", image.architecture);
    if platform != *engine {
        return Err(ExecutorError::Platform { image: reference, platform, engine: engine.clone() }.into());
    }
    let dir = app.store.dir();
    let archive = archive(image, name, dir)
        .map_err(|error| ExecutorError::local(format!("write an archive to {}", dir.display()), &error))?;
    executor.load_image(archive).await?;
    let found = executor.resolve_image(&reference, false, &|_| {}).await?;
    // Engines know an image by the hash of its configuration, or by that of its manifest.
    if [image.config.digest(), image.manifest.digest()].contains(&found.id) {
        return Ok(());
    }
    let message = format!("the engine made {} of it, which is another image", found.id);
    Err(ExecutorError::Image { image: reference, message }.into())
}

/// Writes an archive to a file without a name: nothing of it is left, whatever happens.
fn archive(image: &Image, name: &Reference, dir: &Path) -> io::Result<File> {
    let mut file = io::BufWriter::new(tempfile::tempfile_in(dir)?);
    oci::archive::write(image, name, &mut file)?;
    file.flush()?;
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// Pushes the image, with the credentials that the `docker` program would use.
pub async fn push(image: &Image, to: &Reference) -> Result<(), AppError> {
    let login = docker::login(&to.to_string()).await;
    oci::push(image, to, &login).await.map_err(AppError::Push)
}
