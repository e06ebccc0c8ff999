//! Leaving small results where the engine shows them with the container's end, beside keeping them.
//!
//! The scanner may write there too, so the place is opened before it runs, and is cleared and written to when none of its processes is
//! left. A shim that was killed leaves no letter: its exit code tells, and the keeper has the results.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use super::attempt::{Attempt, FILE_MODE};
use super::error::{During as _, ShimError};
use super::seal;
use crate::beneath;
use crate::letter::{self, Contents};
use crate::model::manifest::Manifest;
use crate::model::spec::{LetterBox, files};

/// An open letter box.
pub(super) struct Outbox<'a> {
    file: File,
    letter_box: &'a LetterBox,
}

/// Opens the job's letter box; `None` when it has none, or none that can be written to.
pub(super) fn open(attempt: &Attempt) -> Option<Outbox<'_>> {
    let letter_box = attempt.job.letter_box.as_ref()?;
    let file = File::options().write(true).open(&letter_box.path).ok()?;
    Some(Outbox { file, letter_box })
}

impl Outbox<'_> {
    /// Leaves the sealed results, if they are small enough.
    pub(super) fn leave(self, attempt: &Attempt) -> Result<(), ShimError> {
        self.file.set_len(0).during("clear the letter box")?;
        let Some(contents) = contents(attempt, self.letter_box.max as u64)? else { return Ok(()) };
        let LetterBox { max, address, .. } = self.letter_box;
        let written = letter::write(address, &attempt.job.name, attempt.job.spec, &contents, *max);
        let written = written.map_err(|error| ShimError::Refused(format!("no letter: {error}")))?;
        let Some(letter) = written else { return Ok(()) };
        self.file.write_all_at(letter.as_bytes(), 0).during("leave the letter")?;
        if letter.len() > self.letter_box.sure {
            return Ok(());
        }
        beneath::replace(&attempt.root, files::POSTED, b"", FILE_MODE).during("note that the letter is left")
    }
}

/// Reads what was sealed; `None` when its parts alone are longer than `max` bytes.
fn contents(attempt: &Attempt, max: u64) -> Result<Option<Contents>, ShimError> {
    let text = seal::manifest(attempt).ok_or(ShimError::NeverClaimed)?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| ShimError::Invalid { path: files::MANIFEST, error })?;
    if manifest.parts.iter().fold(0, |sum, part| part.len.saturating_add(sum)) > max {
        return Ok(None);
    }
    let mut parts = Vec::new();
    for part in &manifest.parts {
        let path = format!("{}/{}", files::SEAL, part.name);
        parts.extend(beneath::read(&attempt.root, &path, part.len).during("read a part")?);
    }
    Ok(Some(Contents { manifest: text, parts }))
}
