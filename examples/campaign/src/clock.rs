//! The one place of this program that reads clocks.

use std::time::{Duration, Instant, SystemTime};

use wechatpay_proto::payout::Now;

/// The clocks of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// The steady clock begins now.
    #[expect(clippy::disallowed_methods, reason = "the core has no clock, so the program brings one")]
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time by both clocks.
    #[expect(clippy::disallowed_methods, reason = "the core has no clock, so the program brings one")]
    pub(crate) fn now(&self) -> Now {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A calendar before 1970 is a clock that was never set: the machine refuses what lies behind its records.
        Now { steady: self.start.elapsed(), calendar: since_1970.unwrap_or(Duration::ZERO) }
    }
}
