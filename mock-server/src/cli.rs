//! The command line: what was typed is read here, done in the rooms below, and what went wrong is said here.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};

mod ask;
mod commands;
mod document;
mod end;
mod failure;
mod kit;
mod log;
mod merchants;
mod options;
mod parent;
mod ready;
mod remote;
mod run;
mod save;
mod secrets;
mod sign;
mod table;
mod values;
mod world;

use commands::{Cli, Command};
use failure::Failure;

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let done = match cli.command {
        None => run::serve(&cli.serve),
        Some(Command::Serve(options)) => run::serve(&options),
        Some(Command::Kit(options)) => kit::write(&options),
        Some(Command::Sign(options)) => sign::sign(&options),
        Some(Command::Version) => say(concat!("wechatpay-mock ", env!("CARGO_PKG_VERSION"), "\n")),
        Some(Command::Remote(command)) => ask::ask(&command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(&failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Help, or an error of usage: clap's own words, without the secrets that it would repeat.
fn not_understood(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
        let mut text = secrets::hide(&error.render().to_string(), arguments);
        let stray = error.get(ContextKind::InvalidSubcommand).or(error.get(ContextKind::InvalidArg));
        if matches!(stray, Some(ContextValue::String(argument)) if argument.contains('=')) {
            text += "\nThe parts of a merchant are one argument: commas between them, and no blanks.\n";
        }
        // Nobody is left to tell if stderr is gone.
        drop(io::stderr().write_all(text.as_bytes()));
        return ExitCode::from(failure::USAGE);
    }
    drop(error.print());
    ExitCode::SUCCESS
}

/// Writes an answer.
fn say(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::configuration(format!("cannot write to stdout: {error}")))
}

/// Tells whoever watches.
fn note(text: &str) {
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(io::stderr(), "wechatpay-mock: {text}");
}
