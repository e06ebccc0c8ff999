//! Bringing sealed results here.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Session, SessionError};
use crate::executor::collected::{self, TRIES};
use crate::executor::{ExecutorError, Sealed, blocking};
use crate::failpoint;
use crate::model::manifest::Part;
use crate::model::spec::Launch;

/// How long an attempt that has ended may take to be sealed in one call; the next call waits on.
pub(in super::super) const SEALING: Duration = Duration::from_mins(5);

/// Brings manifest and parts of an ended attempt into `into`, a directory that exists; resumes what an earlier call left there, by
/// part and by byte, and verifies everything. [`ExecutorError::Busy`] while it is not sealed.
pub async fn collect<R, W>(session: &mut Session<R, W>, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let Some(manifest) = session.manifest(SEALING).await? else {
        return Err(ExecutorError::Busy(format!("{} is not sealed yet", launch.name)));
    };
    let manifest = collected::check(launch, &manifest)?;
    let mut parts = Vec::new();
    for part in &manifest.parts {
        collect_part(session, launch, part, into).await?;
        failpoint::hit("kubernetes.fetch.part");
        parts.push(into.join(&part.name));
    }
    collected::finish(&manifest, into).await?;
    Ok(Sealed { manifest, parts })
}

async fn collect_part<R, W>(
    session: &mut Session<R, W>,
    launch: &Launch,
    part: &Part,
    into: &Path,
) -> Result<(), ExecutorError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    for _ in 0..TRIES {
        if collected::is_here(part, into).await? {
            return Ok(());
        }
        let temporary = collected::temporary(into, &part.name);
        let local = |error| SessionError::local(format!("write {}", temporary.display()), &error);
        let (mut file, from) = collected::resume(&temporary, part).map_err(local)?;
        session.part(part, from, &mut file).await?;
        let target = into.to_owned();
        let name = part.name.clone();
        blocking("keep a part", move || collected::keep(&file, &target, &name)).await?;
    }
    Err(collected::damaged(launch, part))
}
