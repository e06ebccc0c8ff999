//! Waiting for what another process of the pod does, bounded, and ended by a signal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

/// Between the first two looks. Files are all that containers of a pod share, and nobody tells of their changes in every kernel.
pub(super) const TICK: Duration = Duration::from_millis(20);
/// Between two looks when much time has passed: a node may have many pods, and scanners take minutes.
const SLOWEST: Duration = Duration::from_millis(100);
/// How long the end of a process waits for the last words of its sessions, which end with its container.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// An order to end: the first process of a container is deaf to signals that it does not handle.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Starts to listen.
    pub(super) fn listen() -> io::Result<Self> {
        let stop = Self::default();
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }

    /// Whether an order to end has come.
    pub(super) fn is_ordered(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Looks again and again until there is something to see; `None` when the time has passed or an order to end has come.
    pub(super) fn wait<T>(&self, deadline: Option<Instant>, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let mut tick = TICK;
        loop {
            if let Some(seen) = look() {
                return Some(seen);
            }
            if self.is_ordered() || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
            std::thread::sleep(tick);
            tick = (tick + TICK / 20).min(SLOWEST);
        }
    }
}
