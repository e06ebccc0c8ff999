//! The one thread of this process that writes. A request is a closure; a closure is a transaction.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use signal_hook::consts::SIGSTOP;
use signal_hook::low_level::raise;
use tokio::sync::oneshot;

use super::error::StoreError;
use super::gate::Gate;
use crate::failpoint;

/// What must survive: everything up to a crash of the machine, or up to a crash of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Synced before the call returns: rows that an effect in the outside world rests on.
    Full,
    /// Synced with the next full commit: batches that are invisible until then.
    Relaxed,
}

type Work = Box<dyn FnOnce(&mut Desk) + Send>;

/// What the thread works with.
struct Desk {
    connection: Connection,
    gate: Gate,
    /// What the connection is set to.
    durability: Durability,
}

/// A handle to the writing thread. Dropping the last one ends the thread after the work that it was given.
#[derive(Debug)]
pub(super) struct Writer {
    sender: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn spawn(connection: Connection, gate: &Path) -> Result<Self, StoreError> {
        let gate = Gate::at(gate)?;
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || run(Desk { connection, gate, durability: Durability::Full }, &receiver))
            .map_err(|error| StoreError::Unusable { path: "store thread".into(), message: error.to_string() })?;
        Ok(Self { sender: Some(sender), thread: Some(thread) })
    }

    /// Runs `work` in one immediate transaction. Waits without blocking the runtime.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(durability, work)?.await.map_err(|_| StoreError::Closed)?
    }

    /// Stops this process (SIGSTOP) when no transaction is open; blocks until it goes on.
    pub(super) fn suspend(&self) -> Result<(), StoreError> {
        let (reply, answer) = channel();
        self.send(Box::new(move |_| {
            // Raised by the very thread that writes: it does nothing more before it has stopped. A process may always stop itself, and
            // who asked waits for the answer.
            raise(SIGSTOP).ok();
            reply.send(()).ok();
        }))?;
        answer.recv().map_err(|_| StoreError::Closed)
    }

    fn submit<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Box::new(move |desk| drop(reply.send(transact(desk, durability, work)))))?;
        Ok(answer)
    }

    fn send(&self, work: Work) -> Result<(), StoreError> {
        self.sender.as_ref().and_then(|sender| sender.send(work).ok()).ok_or(StoreError::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn run(mut desk: Desk, receiver: &Receiver<Work>) {
    while let Ok(work) = receiver.recv() {
        work(&mut desk);
    }
}

fn transact<T>(
    desk: &mut Desk,
    durability: Durability,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let open = desk.gate.enter()?;
    let _busy = failpoint::busy();
    if desk.durability != durability {
        let level = if durability == Durability::Full { "FULL" } else { "NORMAL" };
        desk.connection.pragma_update(None, "synchronous", level)?;
        desk.durability = durability;
    }
    let tx = desk.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&tx)?;
    failpoint::hit("store.before_commit");
    tx.commit()?;
    drop(open);
    Ok(value)
}
