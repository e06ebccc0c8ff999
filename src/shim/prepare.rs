//! Putting in place, before a scanner starts, what it needs: the shim, its job, its input, its trees.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::{During as _, ShimError};
use super::inbox::{self, Inbox, Pieces, make_mount};
use super::patience::{FAREWELL, Stop};
use super::{lock, tree};
use crate::beneath;
use crate::model::pod::{Order, paths};
use crate::model::spec::files;

/// The scanner reads these and has no reason to write them.
const FILE_MODE: u32 = 0o644;
/// Of the directories that trees are in, and of their roots.
const TREE_MODE: u32 = 0o755;

/// Prepares the pod below `root`; waits for what its order does not hold no longer than `wait`.
pub(super) fn prepare(root: &Path, wait: Duration) -> Result<(), ShimError> {
    let stop = Stop::listen().during("listen to signals")?;
    let deadline = Instant::now().checked_add(wait);
    rustix::process::umask(rustix::fs::Mode::empty());
    install(root).during("install the shim")?;
    let order = inbox::read_order(root)?;
    make_mount(&root.join(paths::OUT)).during("make the attempt's directory")?;
    if !order.needs_delivery() {
        return put_job(root, &order, None);
    }
    if let Some(earlier) = Inbox::open(root).during("open the delivery")?
        && earlier.is_complete().unwrap_or(false)
    {
        return Ok(());
    }
    let inbox = Inbox::make(root, &order).during("make room for the delivery")?;
    let placed = place(root, &order, &inbox, &Patience { stop: &stop, deadline });
    match &placed {
        Ok(()) => inbox.complete().during("note that the delivery is complete")?,
        Err(error) => inbox.fail(&error.to_string()).during("note that the delivery failed")?,
    }
    crate::failpoint::hit("shim.prepared");
    // Sessions end with this process's container, and their clients wait for an answer.
    let out = beneath::root(&root.join(paths::OUT)).during("open the attempt's directory")?;
    stop.wait(Instant::now().checked_add(FAREWELL), || lock::sessions_ended(&out).unwrap_or(true).then_some(()));
    placed
}

/// How long there is for all of it.
struct Patience<'a> {
    stop: &'a Stop,
    deadline: Option<Instant>,
}

impl Patience<'_> {
    fn wait<T>(&self, mut look: impl FnMut() -> io::Result<Option<T>>) -> io::Result<T> {
        let seen = self.stop.wait(self.deadline, || look().transpose());
        seen.unwrap_or_else(|| Err(io::Error::new(io::ErrorKind::TimedOut, ShimError::NotDelivered)))
    }
}

/// Copies the running executable to where the scanner's container starts it.
fn install(root: &Path) -> io::Result<()> {
    let target = root.join(paths::SHIM);
    make_mount(target.parent().unwrap_or(root))?;
    let temporary = target.with_extension("tmp");
    fs::copy("/proc/self/exe", &temporary)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o755))?;
    fs::rename(temporary, target)
}

fn place(root: &Path, order: &Order, inbox: &Inbox, patience: &Patience<'_>) -> Result<(), ShimError> {
    let trees = beneath::root(&root.join(paths::TREES)).during("open the directory of trees")?;
    for (number, place) in order.trees.iter().enumerate() {
        for (end, _) in place.match_indices('/') {
            beneath::make_directory(&trees, &place[..end], TREE_MODE).during("make a tree")?;
        }
        let into = beneath::make_directory(&trees, place, TREE_MODE).during("make a tree")?;
        let pieces = inbox.tree(number).during("open a tree's delivery")?;
        tree::unpack(PieceReader { pieces, index: 0, current: None, patience }, &into).during("unpack a tree")?;
    }
    put_job(root, order, Some((inbox, patience)))
}

/// Writes input and job, from the order or from the delivery; the job last.
fn put_job(root: &Path, order: &Order, delivery: Option<(&Inbox, &Patience<'_>)>) -> Result<(), ShimError> {
    let out = beneath::root(&root.join(paths::OUT)).during("open the attempt's directory")?;
    let (job, input) = match (&order.job, delivery) {
        (Some(inline), _) => (serde_json::to_vec(&inline.job).unwrap_or_default(), inline.input.clone().into_bytes()),
        (None, Some((inbox, patience))) => {
            let read = |name| {
                let mut bytes = Vec::new();
                patience.wait(|| inbox.file(name))?.read_to_end(&mut bytes)?;
                Ok::<_, io::Error>(bytes)
            };
            (read(inbox::JOB).during("take the job")?, read(inbox::INPUT).during("take the input")?)
        }
        (None, None) => return Err(ShimError::NotDelivered),
    };
    beneath::replace(&out, files::INPUT, &input, FILE_MODE).during("write the input")?;
    beneath::replace(&out, files::JOB, &job, FILE_MODE).during("write the job")
}

/// Reads a tree's pieces as one stream while they come, and gives back their space.
struct PieceReader<'a> {
    pieces: Pieces,
    index: u32,
    current: Option<(String, File)>,
    patience: &'a Patience<'a>,
}

impl PieceReader<'_> {
    /// Waits for the next piece; `None` behind the last.
    fn next(&self) -> io::Result<Option<(String, File)>> {
        let name = self.patience.wait(|| {
            if let Some(name) = self.pieces.find(self.index)? {
                return Ok(Some(Some(name)));
            }
            Ok((self.pieces.count()? == Some(self.index)).then_some(None))
        })?;
        name.map(|name| Ok((name.clone(), self.pieces.open(&name)?))).transpose()
    }
}

impl Read for PieceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some((name, file)) = &mut self.current else {
                let Some(next) = self.next()? else { return Ok(0) };
                self.current = Some(next);
                continue;
            };
            let read = file.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.pieces.empty(name)?;
            self.index += 1;
            self.current = None;
        }
    }
}
