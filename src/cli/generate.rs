//! What is generated from the words of the command line: completions and manual pages.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::args::Cli;

/// The shells that there are completions for.
pub const SHELLS: [Shell; 5] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish];

/// Returns the script that completes words in a shell.
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dragnet", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the manual pages: file names and texts, one for the program and one for each command.
pub fn manuals() -> Vec<(String, String)> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let pages = program.get_subcommands().filter(|command| !command.is_hide_set()).map(|command| {
        let name = format!("dragnet-{}", command.get_name());
        // The name of a built command has a space in it, which a page's file has not.
        page(command.clone().name(name.clone()).display_name(name))
    });
    let mut pages: Vec<(String, String)> = pages.collect();
    pages.insert(0, page(program.clone()));
    pages
}

fn page(command: Command) -> (String, String) {
    let name = format!("{}.1", command.get_name());
    let mut text = Vec::new();
    // Writing to memory does not fail.
    drop(clap_mangen::Man::new(command).date("").render(&mut text));
    (name, String::from_utf8_lossy(&text).into_owned())
}
