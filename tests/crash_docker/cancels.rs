//! `cancel` in each phase.
