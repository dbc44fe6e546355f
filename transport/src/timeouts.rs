//! How long things may take.

use std::time::Duration;

use crate::error::{BuildError, Step};

/// Time limits. The steps follow one another, and `total` bounds them all together, so that a peer that sends one
/// byte at a time gains nothing. Each is above zero and at most a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For resolving the name; and again for connecting, through the proxy where there is one. 6 seconds.
    pub connect: Duration,
    /// For the TLS handshake. 6 seconds.
    pub tls: Duration,
    /// For handing the whole request to the operating system. 8 seconds.
    pub write: Duration,
    /// From then until the head of the response is complete. 8 seconds.
    pub response: Duration,
    /// For reading the body of the response. 8 seconds.
    pub body: Duration,
    /// For the whole call, from resolving the name to the last byte. 15 seconds.
    pub total: Duration,
}

impl Timeouts {
    /// The limit of one step.
    pub fn of(&self, step: Step) -> Duration {
        match step {
            Step::Resolve | Step::Connect => self.connect,
            Step::Handshake => self.tls,
            Step::Write => self.write,
            Step::Response => self.response,
            Step::Body => self.body,
        }
    }

    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let Self { connect, tls, write, response, body, total } = *self;
        for (name, value) in [
            ("connect", connect),
            ("tls", tls),
            ("write", write),
            ("response", response),
            ("body", body),
            ("total", total),
        ] {
            if value.is_zero() || value > Duration::from_secs(86_400) {
                return Err(BuildError::Timeout { name, value });
            }
        }
        Ok(())
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(6),
            tls: Duration::from_secs(6),
            write: Duration::from_secs(8),
            response: Duration::from_secs(8),
            body: Duration::from_secs(8),
            total: Duration::from_secs(15),
        }
    }
}
