//! Each step has its own time, and none has more than is left of the whole call.

use tokio::time::{Instant, timeout_at};
use wechatpay_transport::{Step, Timeouts, TransportError};

/// The time limits of one call that has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    timeouts: Timeouts,
    end: Instant,
}

impl Limits {
    pub(crate) fn begin(timeouts: &Timeouts) -> Self {
        Self { timeouts: *timeouts, end: Instant::now() + timeouts.total }
    }

    /// When a step that begins now has to be done.
    pub(crate) fn deadline(&self, step: Step) -> Instant {
        self.end.min(Instant::now() + self.timeouts.of(step))
    }

    /// Whether there is no time left at all.
    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Waits for a step, as long as it may take. It does not begin once the time is up.
    pub(crate) async fn wait<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        if self.is_over() {
            return Err(TransportError::Timeout(step));
        }
        timeout_at(self.deadline(step), work).await.map_err(|_| TransportError::Timeout(step))?
    }
}
