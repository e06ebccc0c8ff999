//! Ctrl-Z: the process stops between two writes, for one that is stopped in mid-write holds up every other process.

use signal_hook::consts::{SIGSTOP, SIGTSTP};
use signal_hook::low_level::raise;
use tokio::signal::unix::{SignalKind, signal};

use crate::store::Store;

/// Obeys SIGTSTP from now on, as soon as the store is not being written to. For the lifetime of the process.
pub(super) fn between_writes(store: &Store) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut asked = {
        let _inside = runtime.enter();
        signal(SignalKind::from_raw(SIGTSTP))?
    };
    let store = store.downgrade();
    std::thread::Builder::new().name("suspend".to_owned()).spawn(move || {
        runtime.block_on(async {
            while asked.recv().await.is_some() {
                // Without a store there is nothing to wait for.
                if store.upgrade().is_none_or(|store| store.suspend().is_err()) {
                    raise(SIGSTOP).ok();
                }
            }
        });
    })?;
    Ok(())
}
