//! Drivers that stop, and drivers that race.
