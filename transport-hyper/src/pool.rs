//! Connections that wait for their next call.
//!
//! A connection is either here or in the hands of one call, never both: a call that is dropped takes its connection
//! with it. So there are never more connections than calls were under way at one time.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::runtime::{self, Handle};
use tokio::time::Instant;

use crate::connect::{Stream, Target};
use crate::socket::Socket;
use crate::worker::Worker;

type Http1 = http1::Connection<TokioIo<Box<dyn Stream>>, Full<Bytes>>;

/// A connection, both of its halves, and the socket under them.
pub(crate) struct Connection {
    pub(crate) asking: http1::SendRequest<Full<Bytes>>,
    pub(crate) working: Worker<Http1>,
    pub(crate) socket: Socket,
}

impl Connection {
    /// Whether the last answer was read to its end and the peer wants to go on.
    async fn is_free(&mut self) -> bool {
        poll_fn(|context| Poll::Ready(!self.working.work(context) && self.asking.is_ready())).await
    }

    /// Ends it in good form: a closing message of TLS, then that of TCP.
    async fn close(self) {
        drop(self.asking);
        self.working.finish().await;
    }
}

struct Idle {
    target: Target,
    /// The runtime that watches the socket. No other can.
    runtime: runtime::Id,
    since: Instant,
    connection: Connection,
}

pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
    at_most: usize,
    idle_time: Duration,
}

impl Pool {
    pub(crate) fn new(at_most: usize, idle_time: Duration) -> Self {
        Self { idle: Mutex::default(), at_most, idle_time }
    }

    /// A connection to `target` that is free, the last one used first.
    pub(crate) async fn take(&self, target: &Target) -> Option<Connection> {
        loop {
            let mut connection = self.take_any(target)?;
            if connection.socket.is_silent() && connection.is_free().await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next call, if it is free and there is room.
    pub(crate) async fn keep(&self, target: Target, mut connection: Connection) {
        if !connection.is_free().await {
            return;
        }
        let (runtime, since) = (Handle::current().id(), Instant::now());
        let mut idle = self.idle();
        let alike = |other: &&Idle| other.target == target && other.runtime == runtime;
        if idle.len() < self.at_most || idle.iter().filter(alike).count() < self.at_most {
            idle.push(Idle { target, runtime, since, connection });
        }
    }

    /// Ends those of this runtime in good form, each within `limit`.
    pub(crate) async fn close(&self, limit: Duration) {
        let runtime = Handle::current().id();
        let own: Vec<_> = self.idle().extract_if(.., |idle| idle.runtime == runtime).collect();
        for Idle { connection, .. } in own {
            let _ = tokio::time::timeout(limit, connection.close()).await;
        }
    }

    /// Drops the others.
    pub(crate) fn clear(&self) {
        let others = std::mem::take(&mut *self.idle());
        drop(others);
    }

    fn take_any(&self, target: &Target) -> Option<Connection> {
        let (runtime, now) = (Handle::current().id(), Instant::now());
        let mut idle = self.idle();
        let old = idle.extract_if(.., |idle| now.saturating_duration_since(idle.since) >= self.idle_time);
        let old: Vec<_> = old.collect();
        let found = idle.iter().rposition(|idle| idle.target == *target && idle.runtime == runtime);
        let taken = found.map(|at| idle.remove(at).connection);
        drop(idle);
        drop(old); // closing takes time, and others wait for the lock
        taken
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
