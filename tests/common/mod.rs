//! What the integration tests share.

pub mod reports;
pub mod scan;
