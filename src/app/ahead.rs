//! Reads pages ahead of whoever needs them, on a thread of its own: while one is written, the next is read.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::report::{Source, SourceError};

/// Pages that wait.
const WAITING: usize = 2;

/// A source that is read ahead.
pub(super) struct Ahead<'scope, 'env, T, S> {
    threads: &'scope Scope<'scope, 'env>,
    state: State<'scope, T, S>,
}

enum State<'scope, T, S> {
    Resting(S),
    Reading(Receiver<Result<Vec<T>, SourceError>>, ScopedJoinHandle<'scope, S>),
    /// Between the two.
    Moving,
}

impl<'scope, 'env, T, S> Ahead<'scope, 'env, T, S>
where
    T: Send + 'scope,
    S: Source<T> + Send + 'scope,
{
    /// Makes a source of another; nothing is read before a page is asked for.
    pub(super) const fn new(threads: &'scope Scope<'scope, 'env>, source: S) -> Self {
        Self { threads, state: State::Resting(source) }
    }

    /// Stops reading; returns the source where it is then.
    fn rest(&mut self) -> Option<S> {
        match std::mem::replace(&mut self.state, State::Moving) {
            State::Resting(source) => Some(source),
            State::Reading(pages, thread) => {
                // Nobody takes its next page: it ends.
                drop(pages);
                Some(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            }
            State::Moving => None,
        }
    }

    fn start(&mut self, mut source: S) {
        let (sender, pages) = sync_channel(WAITING);
        let thread = self.threads.spawn(move || {
            loop {
                let page = source.next_page();
                let last = page.as_ref().map_or(true, Vec::is_empty);
                if sender.send(page).is_err() || last {
                    return source;
                }
            }
        });
        self.state = State::Reading(pages, thread);
    }
}

impl<'scope, T, S> Source<T> for Ahead<'scope, '_, T, S>
where
    T: Send + 'scope,
    S: Source<T> + Send + 'scope,
{
    fn next_page(&mut self) -> Result<Vec<T>, SourceError> {
        if let State::Resting(_) = self.state
            && let Some(source) = self.rest()
        {
            self.start(source);
        }
        match &self.state {
            // Behind the last page there is none.
            State::Reading(pages, _) => pages.recv().unwrap_or_else(|_| Ok(Vec::new())),
            State::Resting(_) | State::Moving => Ok(Vec::new()),
        }
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        if let Some(mut source) = self.rest() {
            let rewound = source.rewind();
            self.state = State::Resting(source);
            rewound?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the numbers below five, two a page, and then an error if it shall.
    struct Numbers {
        next: u32,
        fails: bool,
    }

    impl Source<u32> for Numbers {
        fn next_page(&mut self) -> Result<Vec<u32>, SourceError> {
            let page: Vec<u32> = (self.next..5).take(2).collect();
            self.next += 2;
            if page.is_empty() && self.fails { Err(SourceError { message: "no".to_owned() }) } else { Ok(page) }
        }

        fn rewind(&mut self) -> Result<(), SourceError> {
            self.next = 0;
            Ok(())
        }
    }

    fn all(source: &mut dyn Source<u32>) -> Vec<u32> {
        std::iter::from_fn(|| Some(source.next_page().unwrap()).filter(|page| !page.is_empty())).flatten().collect()
    }

    #[test]
    fn pages_come_in_their_order_and_again_from_anywhere() {
        std::thread::scope(|threads| {
            let mut source = Ahead::new(threads, Numbers { next: 0, fails: false });
            assert_eq!(all(&mut source), [0, 1, 2, 3, 4]);
            assert_eq!(source.next_page().unwrap(), [0; 0]);
            source.rewind().unwrap();
            assert_eq!(source.next_page().unwrap(), [0, 1]);
            source.rewind().unwrap();
            source.rewind().unwrap();
            assert_eq!(all(&mut source), [0, 1, 2, 3, 4]);
        });
    }

    #[test]
    fn an_error_comes_where_it_happened() {
        std::thread::scope(|threads| {
            let mut source = Ahead::new(threads, Numbers { next: 4, fails: true });
            assert_eq!(source.next_page().unwrap(), [4]);
            assert!(source.next_page().is_err());
            source.rewind().unwrap();
            assert_eq!(source.next_page().unwrap(), [0, 1]);
        });
    }
}
