//! How much and how long: every bound of the socket skin.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::engine::MAX_REQUEST;

/// Connections served at once, unless told otherwise; a new one takes the place of the one that was waited for longest.
pub(super) const MAX_CONNECTIONS: usize = 2048;
/// Connections that may wait to be taken; whoever finds no place there tries again after a second.
pub(super) const BACKLOG: i32 = 1024;
/// The most bytes of a request's head. Hyper takes at most 100 headers besides.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// The most bytes of an admin call's body: the state of a large world comes as one.
pub(super) const MAX_ADMIN_BODY: usize = 16 * MAX_REQUEST;
/// The most bytes of a body that are read only to be thrown away.
pub(super) const MAX_DISCARD: usize = 16 * MAX_REQUEST;
/// The most bytes of bodies that are held at once, of all connections together.
pub(super) const MAX_BODIES: usize = 64 * MAX_REQUEST;
/// The most bytes that are read ahead while an answer waits.
pub(super) const MAX_AHEAD: usize = 64 * 1024;
/// The longest for the first byte of a connection, and for a handshake.
pub(super) const HELLO_TIME: Duration = Duration::from_secs(10);
/// The longest for a request's head; so also between two requests, where front ends wait for about as long.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(60);
/// The longest for a request's body.
pub(super) const BODY_TIME: Duration = Duration::from_secs(30);
/// How long a connection takes new requests, and how long one lasts that says nothing on purpose.
pub(super) const CONNECTION_TIME: Duration = Duration::from_secs(600);
/// The longest for the request that is under way then.
pub(super) const LAST_TIME: Duration = Duration::from_secs(120);
/// How long a client may take to notice that the server has closed its side.
pub(super) const LINGER_TIME: Duration = Duration::from_secs(5);
/// How long to wait after a connection could not be taken, for want of file handles say.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The longest that an answer, or a piece of one, is held back, unless told otherwise.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(60);

/// The bytes of bodies that may still be taken in.
pub(super) struct Budget(Arc<Semaphore>);

/// A part of the budget; it goes back when this is dropped.
pub(super) struct Share {
    budget: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// Nothing of it yet.
    pub(super) fn share(&self) -> Share {
        Share { budget: Arc::clone(&self.0), permit: None }
    }
}

impl Share {
    /// Takes so many bytes more; `false` where they are not there. Nobody waits for them: those who hold the others may
    /// be waiting too.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let taken = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.budget).try_acquire_many_owned(bytes).ok());
        match (taken, &mut self.permit) {
            (Some(more), Some(permit)) => permit.merge(more),
            (Some(first), none) => *none = Some(first),
            (None, _) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_not_there_for_others_until_it_is_dropped() {
        let budget = Budget::new(10);
        let (mut one, mut other) = (budget.share(), budget.share());
        assert!(one.grow(4) && one.grow(5) && other.grow(1));
        assert!(!one.grow(1) && !other.grow(1) && other.grow(0));
        drop(one);
        assert!(other.grow(9) && !other.grow(1));
    }
}
