//! Slots: what the attempts of all scans that one process drives may use together. Live attempts alone hold slots.
//!
//! Each scan has a seat. It asks for each attempt before that is dispatched; who is refused waits for what others give back, and goes
//! before those of a lower priority, then before those whose project uses more.

mod book;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::input::Ticket;
use crate::model::quota::{Amount, Quotas};
use crate::model::spec::JobSpec;
use book::{Book, SeatId};

/// Where a scan's attempts count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The project's name.
    pub project: String,
    /// The kind of engine.
    pub executor: String,
    /// The target key.
    pub target: String,
}

/// What an attempt uses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Demand {
    scanner: String,
    amount: Amount,
}

impl Demand {
    fn of(spec: &JobSpec) -> Self {
        Self { scanner: spec.scanner.clone(), amount: Amount::of(&spec.limits) }
    }
}

/// What all may use together. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Slots {
    book: Arc<Mutex<Book>>,
    /// Moves when there may be room for somebody who was refused.
    freed: watch::Sender<()>,
}

/// A scan's seat; dropped, it gives back all that it holds.
#[derive(Debug)]
pub struct Seat {
    id: SeatId,
    slots: Slots,
    freed: watch::Receiver<()>,
}

impl Slots {
    /// Makes slots with these quotas.
    pub fn new(quotas: Quotas) -> Self {
        Self { book: Arc::new(Mutex::new(Book::new(quotas))), freed: watch::Sender::new(()) }
    }

    /// Changes the quotas. What runs runs on, even where it is more than there may be now.
    pub fn set(&self, quotas: &Quotas) {
        let mut book = self.book();
        if book.quotas != *quotas {
            book.quotas = quotas.clone();
            drop(book);
            self.freed.send_replace(());
        }
    }

    /// Gives a scan its seat.
    pub fn seat(&self, place: Place) -> Seat {
        Seat { id: self.book().add(place), slots: self.clone(), freed: self.freed.subscribe() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Counts an attempt that runs already.
    pub(super) fn hold(&self, ticket: Ticket, spec: &JobSpec) {
        self.slots.book().hold(self.id, ticket, &Demand::of(spec));
    }

    /// Gives back what attempts used that are over, then asks, by `choose`, for what is ready: it gets a function that takes what an
    /// attempt uses, or says that it cannot be now.
    pub(super) fn round<T>(
        &mut self,
        priority: i32,
        is_live: impl Fn(Ticket) -> bool,
        choose: impl FnOnce(&mut dyn FnMut(Ticket, &JobSpec) -> bool) -> T,
    ) -> T {
        self.freed.mark_unchanged();
        let (id, mut book) = (self.id, self.slots.book());
        book.rank_as(id, priority);
        let gave_back = book.keep(id, is_live);
        let wanted = book.forget_wants(id);
        let chosen = choose(&mut |ticket, spec| book.ask(id, ticket, &Demand::of(spec)));
        let news = gave_back || (!wanted.is_empty() && !book.wants(id));
        drop(book);
        if news {
            self.slots.freed.send_replace(());
        }
        chosen
    }

    /// Whether the last round was refused anything.
    pub(super) fn waits(&self) -> bool {
        self.slots.book().wants(self.id)
    }

    /// Waits until there may be room for what was refused.
    pub(super) async fn freed(&mut self) {
        // The slots live as long as this seat, and so does the sender.
        let _ = self.freed.changed().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let news = self.slots.book().remove(self.id);
        if news {
            self.slots.freed.send_replace(());
        }
    }
}
