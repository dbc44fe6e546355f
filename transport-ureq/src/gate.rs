//! Who may still come in, and who is still inside.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    empty: Condvar,
}

#[derive(Debug, Default)]
struct State {
    shut: bool,
    inside: usize,
}

/// One call is inside as long as it holds this.
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    /// `None` once the gate is shut.
    pub(crate) fn enter(&self) -> Option<Pass<'_>> {
        let mut state = self.lock();
        if state.shut {
            return None;
        }
        state.inside += 1;
        Some(Pass(self))
    }

    /// Lets nobody in any more, and waits until everybody is out.
    pub(crate) fn shut(&self) {
        let mut state = self.lock();
        state.shut = true;
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
            let shutting = [scope.spawn(|| gate.shut()), scope.spawn(|| gate.shut())];
            while gate.enter().is_some() {
                thread::yield_now();
            }
            drop(first);
            assert!(shutting.iter().all(|thread| !thread.is_finished()));
            drop(second);
        });
        gate.shut();
    }
}
