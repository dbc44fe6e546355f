//! Waiting for requests: a thread with a time limit, or a future without a runtime of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::journal::{Filter, Record};
use crate::mock::{Mock, World};
use crate::span;

/// Everyone who waits for requests.
#[derive(Default)]
pub(crate) struct Arrivals {
    /// Threads; they hold the lock of the world while they look.
    threads: Condvar,
    /// Futures.
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    latest: u64,
    wakers: BTreeMap<u64, Waker>,
}

impl Arrivals {
    /// Tells everyone to look again. The lock of the world must be free.
    pub(crate) fn announce(&self) {
        self.threads.notify_all();
        let wakers = std::mem::take(&mut self.tasks().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        // Nothing that is done with it can panic half-way.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fewer requests came than were waited for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Waited {
    /// How many were waited for.
    pub wanted: usize,
    /// For how long.
    pub timeout: Duration,
    /// What did come, the newest first.
    pub came: Vec<Arc<Record>>,
    /// The most that the journal keeps: more cannot be waited for.
    pub kept: usize,
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, timeout, came, kept } = self;
        if wanted > kept {
            return write!(f, "{wanted} requests are more than the journal keeps, which is {kept}");
        }
        write!(f, "{wanted} requests were waited for, {} came within {}", came.len(), span::print(*timeout))
    }
}

impl std::error::Error for Waited {}

impl Mock {
    /// Waits until the journal has so many requests that meet the filter, and returns these, the newest first. The
    /// filter's limit does not matter. The time limit is real time.
    pub fn wait_for(
        &self,
        count: usize,
        filter: &Filter,
        timeout: Duration,
    ) -> Result<Vec<Arc<Record>>, Waited> {
        let filter = Filter { limit: None, ..filter.clone() };
        let world = self.settled();
        let kept = world.engine.journal.limits().entries();
        let timeout = if count > kept { Duration::ZERO } else { timeout };
        let too_few = |world: &mut World| world.engine.journal.find(&filter).count() < count;
        let waited = self.arrivals.threads.wait_timeout_while(world, timeout, too_few);
        let (world, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let came: Vec<_> = world.engine.journal.find(&filter).cloned().collect();
        drop(world);
        if came.len() < count { Err(Waited { wanted: count, timeout, came, kept }) } else { Ok(came) }
    }

    /// Resolves to the number of requests once that is another than `seen`, a number that [`requests`](Self::requests)
    /// gave. Any runtime can drive it.
    pub fn arrived(&self, seen: u64) -> Arrived {
        Arrived { mock: self.clone(), seen, place: None }
    }
}

/// Resolves once there are other requests than were seen: see [`Mock::arrived`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Arrived {
    mock: Mock,
    seen: u64,
    /// Among those that wait.
    place: Option<u64>,
}

impl Future for Arrived {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u64> {
        // It waits first and looks then, so that nothing can come unnoticed in between.
        let mut tasks = self.mock.arrivals.tasks();
        let place = self.place.unwrap_or_else(|| {
            tasks.latest += 1;
            tasks.latest
        });
        tasks.wakers.insert(place, context.waker().clone());
        drop(tasks);
        self.place = Some(place);
        match self.mock.requests() {
            same if same == self.seen => Poll::Pending,
            requests => Poll::Ready(requests),
        }
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.mock.arrivals.tasks().wakers.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::thread;

    use bytes::Bytes;
    use http::Request;

    use super::*;
    use crate::arrival::Arrival;
    use crate::journal::JournalLimits;

    const LONG: Duration = Duration::from_secs(60);

    fn send(mock: &Mock, path: &str) {
        mock.handle(&Request::post(path).body(Bytes::new()).unwrap(), &Arrival::default());
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_thread_waits_for_what_others_send() {
        let mock = Mock::builder().build();
        let filter = Filter::default().path("/b").limit(1);
        let came = thread::scope(|scope| {
            let waiting = scope.spawn(|| mock.wait_for(2, &filter, LONG));
            ["/a", "/b", "/a", "/b"].into_iter().for_each(|path| send(&mock, path));
            waiting.join().unwrap()
        });
        let ids: Vec<_> = came.unwrap().iter().map(|record| record.id.0).collect();
        assert_eq!(ids, [4, 2]);
        assert_eq!(mock.wait_for(0, &filter, LONG).unwrap().len(), 2);
    }

    #[test]
    fn waiting_ends_with_what_did_come() {
        let mock = Mock::builder().journal(JournalLimits::new(2, usize::MAX).unwrap()).build();
        send(&mock, "/a");
        let waited = mock.wait_for(2, &Filter::default(), Duration::ZERO).unwrap_err();
        assert_eq!(waited.came.len(), 1);
        assert_eq!(waited.to_string(), "2 requests were waited for, 1 came within 0ms");
        // What can never be is not waited for.
        let never = mock.wait_for(3, &Filter::default(), LONG).unwrap_err();
        assert_eq!(never.to_string(), "3 requests are more than the journal keeps, which is 2");
    }

    #[test]
    fn a_future_is_woken_once_for_every_time_that_it_waits() {
        let mock = Mock::builder().build();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut poll = |arrived: &mut Arrived| Pin::new(arrived).poll(&mut context);
        let mut arrived = mock.arrived(0);
        assert_eq!(poll(&mut arrived), Poll::Pending);
        assert_eq!(poll(&mut arrived), Poll::Pending);
        assert_eq!(mock.arrivals.tasks().wakers.len(), 1);
        send(&mock, "/a");
        send(&mock, "/a");
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut arrived), Poll::Ready(2));
        assert_eq!(poll(&mut mock.arrived(1)), Poll::Ready(2));
        let mut other = mock.arrived(2);
        assert_eq!(poll(&mut other), Poll::Pending);
        drop((arrived, other));
        assert!(mock.arrivals.tasks().wakers.is_empty());
    }
}
