//! What the integration tests share.

pub mod ports;
pub mod reports;
pub mod scan;
