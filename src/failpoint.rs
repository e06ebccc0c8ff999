//! Named points at which a test makes the process die or stop, to prove that what follows survives it.
//!
//! Compiled to nothing without the feature `failpoints`. With it, `DRAGNET_FAIL=point:action@n` acts at the `n`th time
//! (from 1, the default) that `point` is reached; actions are `abort`, `stop` (SIGSTOP to the process itself)
//! and `hold` (what reaches the point goes no further, while all else does).

/// Marks a point; acts when `DRAGNET_FAIL` names it.
#[cfg(not(feature = "failpoints"))]
pub const fn hit(_name: &str) {}

/// Marks a point; acts when `DRAGNET_FAIL` names it.
#[cfg(feature = "failpoints")]
pub fn hit(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ARMED: LazyLock<Option<Armed>> = LazyLock::new(|| std::env::var("DRAGNET_FAIL").ok()?.parse().ok());
    static HITS: AtomicU32 = AtomicU32::new(0);

    let Some(armed) = ARMED.as_ref().filter(|armed| armed.point == name) else { return };
    if HITS.fetch_add(1, Ordering::SeqCst) + 1 == armed.at {
        armed.action.perform(name);
    }
}

/// Says that the store is being written to, for as long as the value lives. A stop waits for the end of that, unless its point
/// lies within: what a test stops elsewhere holds up nobody.
#[cfg(not(feature = "failpoints"))]
pub const fn busy() -> impl Sized {
    NotBusy
}

#[cfg(not(feature = "failpoints"))]
struct NotBusy;

/// Says that the store is being written to, for as long as the value lives. A stop waits for the end of that, unless its point
/// lies within: what a test stops elsewhere holds up nobody.
#[cfg(feature = "failpoints")]
pub fn busy() -> impl Sized {
    BUSY.lock()
}

#[cfg(feature = "failpoints")]
static BUSY: std::sync::Mutex<()> = std::sync::Mutex::new(());

#[cfg(feature = "failpoints")]
#[derive(Debug, PartialEq)]
struct Armed {
    point: String,
    action: Action,
    at: u32,
}

#[cfg(feature = "failpoints")]
#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Abort,
    Stop,
    Hold,
}

#[cfg(feature = "failpoints")]
impl Action {
    fn perform(self, point: &str) {
        match self {
            Self::Abort => std::process::abort(),
            Self::Hold => loop {
                std::thread::park();
            },
            Self::Stop => {
                let _quiet = (!point.starts_with("store.")).then(busy);
                // It cannot fail for a process of our own; if it did, the test that waits for the stop would tell.
                signal_hook::low_level::raise(signal_hook::consts::SIGSTOP).ok();
            }
        }
    }
}

#[cfg(feature = "failpoints")]
impl std::str::FromStr for Armed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (point, rest) = text.split_once(':').ok_or(())?;
        let (action, at) = rest.split_once('@').unwrap_or((rest, "1"));
        let action = match action {
            "abort" => Action::Abort,
            "stop" => Action::Stop,
            "hold" => Action::Hold,
            _ => return Err(()),
        };
        Ok(Self { point: point.to_owned(), action, at: at.parse().map_err(drop)? })
    }
}

#[cfg(all(test, feature = "failpoints"))]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_point_action_and_occurrence() {
        let armed = |at| Ok(Armed { point: "launch.created".to_owned(), action: Action::Abort, at });
        assert_eq!("launch.created:abort".parse(), armed(1));
        assert_eq!("launch.created:abort@3".parse(), armed(3));
        assert_eq!("launch.created:explode".parse::<Armed>(), Err(()));
    }
}
