//! Notifications from outside: real receivers on this machine, and the program that tells them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it panics")]

#[path = "../common/stub.rs"]
mod stub;
#[path = "../common/traces.rs"]
mod traces_told;

mod crashes;
mod daemon;
mod deliveries;
mod forges;
mod machine;
mod mail;
mod secrets;
mod traces;
