//! Who may still come in, and who is still inside.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use wechatpay_transport::TransportError;

#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    empty: Condvar,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    inside: usize,
}

/// One call is inside as long as it holds this.
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    /// A call begins. It is over when the pass is dropped.
    pub(crate) fn enter(&self) -> Result<Pass<'_>, TransportError> {
        let mut state = self.lock();
        if state.closed {
            return Err(TransportError::ShutDown);
        }
        state.inside += 1;
        Ok(Pass(self))
    }

    /// Lets nobody in any more, and waits until everybody is out.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        while state.inside > 0 {
            state = self.empty.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A thread that died left the two values as true as they were.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.inside -= 1;
        if state.inside == 0 {
            self.0.empty.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_shut_gate_waits_for_those_inside() {
        let gate = Gate::default();
        let (first, second) = (gate.enter().unwrap(), gate.enter().unwrap());
        thread::scope(|scope| {
            let shutting = [scope.spawn(|| gate.close()), scope.spawn(|| gate.close())];
            while gate.enter().is_ok() {
                thread::yield_now();
            }
            drop(first);
            assert!(shutting.iter().all(|thread| !thread.is_finished()));
            drop(second);
        });
        gate.close();
    }
}
