//! Who may be connected: every connection has a place, and there are only so many. Where none is free, the one whose
//! client has been waited for longest gives up its own: half a head, however many bring one, shuts nobody out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// All places.
pub(super) struct Seats {
    places: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    /// Tells that a connection begins to wait for its client.
    began: Notify,
}

/// The connections that wait for their clients, the longest first: for a handshake, a head, or a body.
#[derive(Default)]
struct Waiting {
    last: u64,
    by_turn: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection. None where places are not counted.
pub(super) struct Seat(Option<Taken>);

struct Taken {
    seats: Arc<Seats>,
    turn: Mutex<Option<u64>>,
    /// Tells that the place is needed.
    call: Arc<Notify>,
    _place: OwnedSemaphorePermit,
}

/// As long as this lives the connection is at work, and keeps its place.
pub(super) struct Working<'s>(&'s Seat);

impl Seats {
    /// So many places, one at least.
    pub(super) fn new(most: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS))),
            waiting: Mutex::default(),
            began: Notify::new(),
        }
    }

    /// A place for a connection, which waits for its client from the beginning. Where none is free, one is freed; where
    /// all connections are at work, it waits.
    pub(super) async fn take(self: &Arc<Self>) -> Seat {
        loop {
            let place = tokio::select! {
                biased;
                place = Arc::clone(&self.places).acquire_owned() => place,
                () = self.somebody_to_call() => {
                    self.free();
                    Arc::clone(&self.places).acquire_owned().await
                }
            };
            // They are never closed.
            if let Ok(place) = place {
                return Seat::new(Arc::clone(self), place);
            }
        }
    }

    /// Has the connection give up its place whose client has been waited for longest; `false` where all are at work.
    pub(super) fn free(&self) -> bool {
        let longest = self.waiting().by_turn.pop_first();
        longest.map(|(_, call)| call.notify_one()).is_some()
    }

    async fn somebody_to_call(&self) {
        loop {
            let began = self.began.notified();
            if !self.waiting().by_turn.is_empty() {
                return;
            }
            began.await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done with it can panic half-way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// For a connection that nobody else competes with.
    pub(super) fn uncounted() -> Self {
        Self(None)
    }

    fn new(seats: Arc<Seats>, place: OwnedSemaphorePermit) -> Self {
        let seat = Self(Some(Taken { seats, turn: Mutex::default(), call: Arc::default(), _place: place }));
        seat.wait();
        seat
    }

    /// Ends when the place is needed by somebody else.
    pub(super) async fn called(&self) {
        match &self.0 {
            Some(taken) => taken.call.notified().await,
            None => std::future::pending().await,
        }
    }

    /// The request is whole: nobody waits for the client until the answer is there.
    pub(super) fn work(&self) -> Working<'_> {
        self.leave();
        Working(self)
    }

    /// Goes to the end of those who wait.
    fn wait(&self) {
        let Some(taken) = &self.0 else { return };
        let mut waiting = taken.seats.waiting();
        waiting.last += 1;
        let turn = waiting.last;
        waiting.by_turn.insert(turn, Arc::clone(&taken.call));
        drop(waiting);
        *taken.turn() = Some(turn);
        taken.seats.began.notify_one();
    }

    fn leave(&self) {
        let Some(taken) = &self.0 else { return };
        if let Some(turn) = taken.turn().take() {
            taken.seats.waiting().by_turn.remove(&turn);
        }
    }
}

impl Taken {
    fn turn(&self) -> MutexGuard<'_, Option<u64>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.wait();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const A_WHILE: Duration = Duration::from_secs(60);

    async fn is_called(seat: &Seat) -> bool {
        timeout(A_WHILE, seat.called()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_waited_for_longest_is_called() {
        let seats = Arc::new(Seats::new(3));
        let (one, other, third) = (seats.take().await, seats.take().await, seats.take().await);
        // The first is at work, and waits again behind the others.
        let working = one.work();
        assert!(seats.free());
        drop(working);
        assert!(is_called(&other).await && !is_called(&third).await && !is_called(&one).await);
        drop(other);
        let fourth = timeout(A_WHILE, seats.take()).await.unwrap();
        let fifth = tokio::spawn({
            let seats = Arc::clone(&seats);
            async move { seats.take().await }
        });
        assert!(is_called(&third).await && !is_called(&one).await && !fifth.is_finished());
        drop(third);
        drop((fifth.await.unwrap(), fourth, one));
        assert!(!seats.free());
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_are_at_work_one_waits_until_somebody_is_waited_for() {
        let seats = Arc::new(Seats::new(1));
        let only = seats.take().await;
        let working = only.work();
        assert!(timeout(A_WHILE, seats.take()).await.is_err() && !seats.free());
        let next = tokio::spawn({
            let seats = Arc::clone(&seats);
            async move { seats.take().await }
        });
        tokio::task::yield_now().await;
        drop(working);
        assert!(is_called(&only).await);
        drop(only);
        drop(next.await.unwrap());
        let uncounted = Seat::uncounted();
        drop(uncounted.work());
        assert!(!is_called(&uncounted).await);
    }
}
