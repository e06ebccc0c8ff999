//! Bringing sealed results here.

use std::fs::File;
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
    let mut tries = 0;
    while let Some(wrong) = bring(session, &manifest.parts, into).await? {
        tries += 1;
        if tries == TRIES {
            return Err(collected::damaged(launch, wrong));
        }
    }
    collected::finish(&manifest, into).await?;
    let parts = manifest.parts.iter().map(|part| into.join(&part.name)).collect();
    Ok(Sealed { manifest, parts, files: None })
}

/// Brings the parts that are not here. Each is put in its place and verified while the next one is on its way: the stream does not wait
/// for the disk. Returns a part that is not right.
async fn bring<'p, R, W>(
    session: &mut Session<R, W>,
    parts: &'p [Part],
    into: &Path,
) -> Result<Option<&'p Part>, ExecutorError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut arrived, mut wrong) = (None, None);
    for part in parts {
        if collected::is_here(part, into).await? {
            continue;
        }
        let (received, settled) = tokio::join!(receive(session, part, into), settle(arrived.take(), into));
        wrong = settled?.or(wrong);
        arrived = Some((received?, part));
    }
    Ok(settle(arrived, into).await?.or(wrong))
}

/// Takes what is missing of a part.
async fn receive<R, W>(session: &mut Session<R, W>, part: &Part, into: &Path) -> Result<File, ExecutorError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let temporary = collected::temporary(into, &part.name);
    let local = |error| SessionError::local(format!("write {}", temporary.display()), &error);
    let (mut file, from) = collected::resume(&temporary, part).map_err(local)?;
    session.part(part, from, &mut file).await?;
    Ok(file)
}

/// Puts a part that has arrived in its place, durably; returns it if it is not right.
async fn settle<'p>(arrived: Option<(File, &'p Part)>, into: &Path) -> Result<Option<&'p Part>, ExecutorError> {
    let Some((file, part)) = arrived else { return Ok(None) };
    let (target, name) = (into.to_owned(), part.name.clone());
    blocking("keep a part", move || collected::keep(&file, &target, &name)).await?;
    let right = collected::is_here(part, into).await?;
    failpoint::hit("kubernetes.fetch.part");
    Ok((!right).then_some(part))
}
