//! The command line: what was typed is read here, done in the rooms below, and what went wrong is said here.

mod commands;
mod embedded;
mod lead;
mod numbers;
mod options;
mod rows;
mod setup;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::failure::{Failure, USAGE};
use options::{Cli, Command};

/// Does what the command line says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell if it cannot be printed.
            drop(error.print());
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let done = match cli.command {
        Command::Run(run) => commands::run(&run),
        Command::Resume(resume) => commands::resume(&resume),
        Command::Report(report) => commands::report(&report),
        Command::Renumber(renumber) => numbers::renumber(&renumber),
        Command::Check(check) => commands::check(&check),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            drop(writeln!(io::stderr(), "campaign: {failure}"));
            ExitCode::from(failure.code)
        }
    }
}

/// Writes an answer.
fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::of("cannot write to stdout", &error))
}
