//! What ends the program, and with which exit code.

use std::error::Error;
use std::fmt;

/// Something could not be done.
pub(crate) const ERROR: u8 = 1;
/// The command line is wrong, or a file of rows.
pub(crate) const USAGE: u8 = 2;
/// All came to an end, and a person must look at some of it.
pub(crate) const ATTENTION: u8 = 3;
/// A signal came before the end.
pub(crate) const STOPPED: u8 = 4;

/// Why the program ends.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self { code: ERROR, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into() }
    }

    /// What was tried, and why it could not be done, with all that is behind it.
    pub(crate) fn of(what: impl fmt::Display, error: &dyn Error) -> Self {
        let mut message = format!("{what}: {error}");
        let mut next = error.source();
        while let Some(source) = next {
            let below = source.to_string();
            if !message.contains(&below) {
                message = format!("{message}: {below}");
            }
            next = source.source();
        }
        Self::error(message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
