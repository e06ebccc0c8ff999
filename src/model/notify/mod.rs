//! Notifications: what is told (`notice`), to whom (`route`), and how a delivery stands.

mod notice;
mod route;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

pub use notice::{Counts, NewFinding, NewFindings, Notice, NoticeEvent, NoticeScan, NoticeSchedule, SCHEMA};
pub use route::{Address, Hidden, InvalidRoute, Receiver, Route, Routes, host_of};

/// Where the delivery of a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is to be delivered, or to be tried again.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// Returns the state's name, as it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A notification, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationView {
    /// Its id: the same in every delivery.
    pub id: String,
    /// The route that it goes.
    pub route: String,
    /// What it tells of.
    pub event: String,
    /// The scan that it is about.
    pub scan: Option<String>,
    /// Where it stands.
    pub state: DeliveryState,
    /// What it says, in one line.
    pub title: String,
    /// Deliveries that failed, or one more than that once it was delivered.
    pub attempts: u32,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it is tried next, if it is pending.
    pub next_at: Option<Timestamp>,
    /// When the receiver took it.
    pub delivered_at: Option<Timestamp>,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
    /// Why the last delivery failed. Holds no address and no secret.
    pub last_error: Option<String>,
}
