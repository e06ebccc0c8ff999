//! Sorting more than memory should hold: runs that are sorted lie in files without names, which are gone with the process, and are
//! merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::vec;

/// Takes items of `N` bytes in any order, and gives them back in that of their bytes.
#[derive(Debug)]
pub(super) struct Sorter<const N: usize> {
    /// Where files are made.
    dir: PathBuf,
    /// Most items in memory.
    most: usize,
    held: Vec<[u8; N]>,
    runs: Vec<File>,
}

impl<const N: usize> Sorter<N> {
    pub(super) const fn new(dir: PathBuf, most: usize) -> Self {
        Self { dir, most, held: Vec::new(), runs: Vec::new() }
    }

    /// Takes an item; fails when those in memory cannot be written to a file.
    pub(super) fn push(&mut self, item: [u8; N]) -> io::Result<()> {
        self.held.push(item);
        if self.held.len() < self.most {
            return Ok(());
        }
        self.held.sort_unstable();
        let mut run = tempfile::tempfile_in(&self.dir)?;
        run.write_all(self.held.as_flattened())?;
        run.rewind()?;
        self.runs.push(run);
        self.held.clear();
        Ok(())
    }

    /// Returns all items in their order; an error ends them.
    pub(super) fn sorted(mut self) -> io::Result<Sorted<N>> {
        self.held.sort_unstable();
        let filed = self.runs.into_iter().map(|run| Run::Filed(BufReader::with_capacity(1 << 16, run)));
        let mut runs: Vec<_> = filed.chain([Run::Held(self.held.into_iter())]).collect();
        let mut next = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            next.extend(run.next()?.map(|item| Reverse((item, number))));
        }
        Ok(Sorted { runs, next })
    }
}

/// What was sorted.
#[derive(Debug)]
pub(super) struct Sorted<const N: usize> {
    runs: Vec<Run<N>>,
    /// The first item of each run that is left, and the number of the run.
    next: BinaryHeap<Reverse<([u8; N], usize)>>,
}

#[derive(Debug)]
enum Run<const N: usize> {
    Held(vec::IntoIter<[u8; N]>),
    Filed(BufReader<File>),
}

impl<const N: usize> Run<N> {
    fn next(&mut self) -> io::Result<Option<[u8; N]>> {
        match self {
            Self::Held(items) => Ok(items.next()),
            Self::Filed(file) => {
                let mut item = [0; N];
                match file.read_exact(&mut item) {
                    Ok(()) => Ok(Some(item)),
                    // It was written whole: where an item would begin is its end.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }
}

impl<const N: usize> Iterator for Sorted<N> {
    type Item = io::Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((item, number)) = self.next.pop()?;
        match self.runs[number].next() {
            Ok(following) => {
                self.next.extend(following.map(|following| Reverse((following, number))));
                Some(Ok(item))
            }
            Err(error) => {
                self.next.clear();
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn items_come_in_their_order_however_few_fit(
            items in prop::collection::vec(any::<[u8; 3]>(), 0..200),
            most in 1_usize..50,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(dir.path().to_owned(), most);
            items.iter().try_for_each(|item| sorter.push(*item)).unwrap();
            prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "files have no names");
            let sorted: Vec<_> = sorter.sorted().unwrap().map(Result::unwrap).collect();
            let mut expected = items;
            expected.sort_unstable();
            prop_assert_eq!(sorted, expected);
        }
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let mut sorter = Sorter::new("/nonexistent".into(), 2);
        sorter.push([1]).unwrap();
        assert!(sorter.push([2]).is_err());
    }
}
