//! The one place of this crate that reads a clock.

use std::time::Instant;

/// A clock that does not jump.
#[expect(clippy::disallowed_methods, reason = "time limits need a clock, and the core has none")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
