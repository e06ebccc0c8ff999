//! The `dragnet` program.

use std::ffi::OsString;
use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    // First of all: inside a scanner's container nothing but the shim may be set up.
    if args.first().is_some_and(|verb| verb == "shim") {
        return ExitCode::from(dragnet::shim::main(&args[1..]));
    }
    dragnet::cli::main()
}
