//! Counts the calls under way, so that a shutdown can wait for them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use wechatpay_transport::TransportError;

#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Told whenever the last one leaves.
    left: Notify,
}

#[derive(Default)]
struct State {
    closed: bool,
    inside: usize,
}

impl Gate {
    /// A call begins. It is over when the pass is dropped.
    pub(crate) fn enter(&self) -> Result<Pass<'_>, TransportError> {
        let mut state = self.state();
        if state.closed {
            return Err(TransportError::ShutDown);
        }
        state.inside += 1;
        Ok(Pass(self))
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    /// Waits until all are out.
    pub(crate) async fn empty(&self) {
        loop {
            let left = self.left.notified(); // from here on, none is missed
            if self.state().inside == 0 {
                return;
            }
            left.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.inside -= 1;
        if state.inside == 0 {
            self.0.left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_closed_gate_is_empty_when_the_last_one_is_out() {
        let gate = Gate::default();
        let (first, second) = (gate.enter().unwrap(), gate.enter().unwrap());
        gate.close();
        assert!(matches!(gate.enter(), Err(TransportError::ShutDown)));
        let mut empty = pin!(gate.empty());
        for pass in [first, second] {
            assert!(poll_fn(|context| Poll::Ready(empty.as_mut().poll(context))).await.is_pending());
            drop(pass);
        }
        empty.await;
        gate.empty().await;
    }
}
