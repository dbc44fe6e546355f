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
        let limit = match step {
            Step::Resolve | Step::Connect => self.timeouts.connect,
            Step::Handshake => self.timeouts.tls,
            Step::Write => self.timeouts.write,
            Step::Response => self.timeouts.response,
            Step::Body => self.timeouts.body,
        };
        self.end.min(Instant::now() + limit)
    }

    /// Waits for a step, as long as it may take.
    pub(crate) async fn wait<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        timeout_at(self.deadline(step), work).await.map_err(|_| TransportError::Timeout(step))?
    }
}
