//! One connection in two hands: hyper's, which writes answers as HTTP has them, and the player's, which takes over where
//! a fault wants other bytes. Both live in one task, so the lock never waits.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::limits::MAX_AHEAD;
use super::stream::{Ahead, Base, Stream};

/// A handle on a connection.
pub(super) struct Link<B>(Arc<Mutex<State<B>>>);

struct State<B> {
    stream: Ahead<Stream<B>>,
    /// Whether everything that hyper had to write was written since it was asked last.
    flushed: bool,
    /// Who asked.
    asking: Option<Waker>,
    /// Whether the player has ended the connection.
    over: bool,
}

impl<B> Clone for Link<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Base> Link<B> {
    pub(super) fn new(stream: Stream<B>) -> Self {
        let stream = Ahead::new(stream);
        Self(Arc::new(Mutex::new(State { stream, flushed: false, asking: None, over: false })))
    }

    /// Waits until all answers before this one are written. Hyper flushes its stream in every round, and only when it
    /// holds no bytes back itself: so the next flush says that there are none.
    pub(super) async fn flushed(&self) {
        self.lock().flushed = false;
        let mut first = true;
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.flushed {
                return Poll::Ready(());
            }
            state.asking = Some(cx.waker().clone());
            if std::mem::take(&mut first) {
                // There is a next round.
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
    }

    /// Waits until the client has closed its side, or is gone. What it says meanwhile is kept to be read.
    pub(super) async fn gone(&self) {
        poll_fn(|cx| {
            let mut state = self.lock();
            while state.stream.len() < MAX_AHEAD {
                match state.stream.poll_more(cx) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// Has the connection end by a reset when the last handle is dropped.
    pub(super) fn reset_on_drop(&self) {
        self.lock().stream.get_ref().reset_on_drop();
    }

    /// Has it end without TLS's `close_notify`.
    pub(super) fn truncate(&self) {
        self.lock().stream.get_mut().truncate();
    }

    /// Nothing more is to be done to the connection but to drop it.
    pub(super) fn set_over(&self) {
        self.lock().over = true;
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    /// The stream, where this is the last handle.
    pub(super) fn into_stream(self) -> Option<Ahead<Stream<B>>> {
        let state = Arc::into_inner(self.0)?;
        Some(state.into_inner().unwrap_or_else(PoisonError::into_inner).stream)
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Base> AsyncRead for Link<B> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_read(cx, buf)
    }
}

impl<B: Base> AsyncWrite for Link<B> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        let flushed = Pin::new(&mut state.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            state.flushed = true;
            if let Some(asking) = state.asking.take() {
                asking.wake();
            }
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_shutdown(cx)
    }
}
