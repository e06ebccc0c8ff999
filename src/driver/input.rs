//! What may come in, and what may be asked for.

use crate::executor::Observed;
use crate::model::coverage::Coverage;
use crate::model::event::EventBody;
use crate::model::finding::SeverityCounts;
use crate::model::manifest::Manifest;
use crate::model::outcome::Failure;
use crate::model::wait::Wait;
use crate::store::{Change, Expanded, Verb};

/// An attempt as the driver names it: position of its job in the view, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// Position of the job.
    pub job: usize,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

/// Something that happened outside.
#[derive(Debug, Clone)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// A launch was answered for good.
    Launched(Ticket, Result<String, Failure>),
    /// The engine says how an attempt stands.
    Observed(Ticket, Observed),
    /// The engine says why an attempt that it has taken does not begin.
    Waiting(Ticket, Wait),
    /// The engine listed its attempts and this one was not among them.
    Missing(Ticket),
    /// The engine says that this one was there and is gone.
    Vanished(Ticket),
    /// The engine was asked for this one, and does not know it.
    Gone(Ticket),
    /// The engine cannot be asked.
    EngineLost,
    /// The engine answers again.
    EngineFound,
    /// The results were brought here, or cannot be.
    Collected(Ticket, Result<Box<Manifest>, Failure>),
    /// The results were stored, invisible, or are no results.
    Ingested(Ticket, Result<Harvest, Failure>),
    /// The engine holds nothing of the attempt.
    Removed(Ticket),
    /// The engine would not remove it; a later process will try again.
    Abandoned(Ticket),
    /// The engine did not take a request to stop.
    Unstopped(Ticket),
    /// Assets became chunks.
    Expanded(Expanded),
    /// What the scan says of findings known before is kept.
    Compared,
    /// Somebody asks for something.
    Asked {
        /// Row of the intent.
        id: i64,
        /// What is asked.
        verb: Verb,
    },
}

/// What an attempt's results are worth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Harvest {
    /// What the scanner saw.
    pub coverage: Coverage,
    /// Records stored.
    pub records: SeverityCounts,
    /// Assets stored.
    pub assets: u64,
    /// The scanner's version, if its report says.
    pub scanner_version: Option<String>,
}

/// Something to be done outside, after the decision was committed. Each may be done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Create and start it.
    Launch(Ticket),
    /// Ask the engine for it by name.
    Inspect(Ticket),
    /// Do not repeat its launch: it is known to have been started.
    Forgo(Ticket),
    /// Bring its results here.
    Collect(Ticket),
    /// Verify, parse and store its results.
    Ingest(Ticket),
    /// Ask it to stop.
    Stop(Ticket),
    /// Freeze or thaw it.
    Freeze(Ticket, bool),
    /// Remove what the engine holds of it.
    Remove(Ticket),
    /// Turn the next slice of a feed into chunks.
    Expand {
        /// The feed's row.
        feed: i64,
        /// Position of the fed step.
        step: usize,
    },
    /// Compare what the scan brought with what was known before.
    Compare,
}

/// What follows from an input: rows and events for one transaction, effects for afterwards.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    /// Rows.
    pub changes: Vec<Change>,
    /// Events.
    pub events: Vec<EventBody>,
    /// Effects.
    pub effects: Vec<Effect>,
}

impl Decisions {
    /// Whether nothing needs to be written.
    pub fn is_silent(&self) -> bool {
        self.changes.is_empty() && self.events.is_empty()
    }
}
