//! A TCP connection that can be asked two questions while hyper holds it: how much was written since a call began, and
//! whether anything has arrived that nobody asked for.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use wechatpay_transport::Records;

/// The connection. Clones are the same one; a single clone reads and writes, the others ask.
#[derive(Clone, Debug)]
pub(crate) struct Socket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Nobody waits for the lock: one task at a time has the connection.
    line: Mutex<Line>,
    wrote: AtomicBool,
    flushed: AtomicBool,
}

#[derive(Debug)]
struct Line {
    stream: TcpStream,
    /// Of what was read, once it is TLS. rustls keeps the beginning of a record to itself until the rest comes.
    records: Option<Records>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let line = Line { stream, records: None };
        Self(Arc::new(Inner { line: line.into(), wrote: false.into(), flushed: false.into() }))
    }

    /// From here on it is TLS.
    pub(crate) fn begin_tls(&self) {
        self.line().records = Some(Records::default());
    }

    /// A call begins: what was written before does not count.
    pub(crate) fn begin(&self) {
        self.0.wrote.store(false, Ordering::Relaxed);
        self.0.flushed.store(false, Ordering::Relaxed);
    }

    /// Whether the operating system has taken any byte since the call began.
    pub(crate) fn wrote(&self) -> bool {
        self.0.wrote.load(Ordering::Relaxed)
    }

    /// Whether it has taken all that there was to write. Everything above flushes only then.
    pub(crate) fn flushed(&self) -> bool {
        self.0.flushed.load(Ordering::Relaxed)
    }

    /// Whether the peer is silent, as it has to be between two calls. A connection that has ended is not, nor is one on
    /// which bytes wait that nobody asked for, or a part of a record. This asks the operating system, because the
    /// runtime may not know yet.
    pub(crate) fn is_silent(&self) -> bool {
        let line = self.line();
        let peeked = SockRef::from(&line.stream).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            && line.records.as_ref().is_none_or(Records::is_between)
    }

    /// From here on the operating system takes nothing.
    #[cfg(test)]
    pub(crate) fn refuse_writes(&self) {
        SockRef::from(&self.line().stream).shutdown(std::net::Shutdown::Write).unwrap();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.0.wrote.store(true, Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Line { stream, records } = &mut *self.line();
        let before = buffer.filled().len();
        let read = Pin::new(stream).poll_read(context, buffer);
        if let Some(records) = records {
            records.pass(&buffer.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.line().stream).poll_write(context, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.line().stream).poll_write_vectored(context, parts);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.wrote() {
            self.0.flushed.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// "Nothing was sent" rests on this.
    #[tokio::test]
    async fn every_way_to_write_is_noticed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut socket = Socket::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        for vectored in [false, true] {
            socket.begin();
            socket.flush().await.unwrap();
            assert!(!socket.wrote() && !socket.flushed(), "nothing yet");
            let taken = match vectored {
                false => socket.write(b"P").await,
                true => socket.write_vectored(&[IoSlice::new(b"P"), IoSlice::new(b"")]).await,
            };
            assert_eq!(taken.unwrap(), 1);
            assert!(socket.wrote() && !socket.flushed());
            socket.flush().await.unwrap();
            assert!(socket.wrote() && socket.flushed());
        }
        socket.begin();
        socket.refuse_writes();
        socket.write(b"P").await.unwrap_err();
        assert!(!socket.wrote(), "what was refused did not leave");
    }
}
