//! What ends the process, and with which exit code.

/// A sub-command's server did not answer, or refused.
pub(crate) const REFUSED: u8 = 1;
/// The command line, or the environment in its place, is wrong.
pub(crate) const USAGE: u8 = 2;
/// The address cannot be listened on.
pub(crate) const BIND: u8 = 3;
/// A file, or what is in it, is wrong.
pub(crate) const CONFIGURATION: u8 = 4;
/// What was to be verified is not so.
pub(crate) const VERIFICATION: u8 = 5;

/// Why the process ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { code: REFUSED, message: message.into() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into() }
    }

    pub(crate) fn bind(message: impl Into<String>) -> Self {
        Self { code: BIND, message: message.into() }
    }

    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self { code: CONFIGURATION, message: message.into() }
    }

    pub(crate) fn verification(message: impl Into<String>) -> Self {
        Self { code: VERIFICATION, message: message.into() }
    }
}

/// An error with all that is behind it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
