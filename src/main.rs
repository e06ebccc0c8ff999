//! The `dragnet` program.

fn main() {}
