//! What a connection is made of, from the ground up: TCP (or memory, in tests), bytes that were read too early, TLS.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::limits::LINGER_TIME;

/// What carries the bytes in the end.
pub(super) trait Base: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Has the connection end by a reset when it is dropped.
    fn reset_on_drop(&self);
}

impl Base for TcpStream {
    fn reset_on_drop(&self) {
        // Where that cannot be had, it ends all the same.
        drop(self.set_zero_linger());
    }
}

impl Base for DuplexStream {
    /// Memory knows no resets.
    fn reset_on_drop(&self) {}
}

/// A stream, and what was read of it too early.
pub(super) struct Ahead<S> {
    ahead: BytesMut,
    stream: S,
}

impl<S: AsyncRead + Unpin> Ahead<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { ahead: BytesMut::new(), stream }
    }

    /// The first byte that comes; it stays to be read. None where the peer is done.
    pub(super) async fn first(&mut self) -> io::Result<Option<u8>> {
        if self.ahead.is_empty() {
            poll_fn(|cx| self.poll_more(cx)).await?;
        }
        Ok(self.ahead.first().copied())
    }

    /// Reads more of the stream ahead; 0 at its end.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; 4096];
        let mut bytes = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut bytes))?;
        self.ahead.extend_from_slice(bytes.filled());
        Poll::Ready(Ok(bytes.filled().len()))
    }

    /// How many bytes were read ahead.
    pub(super) fn len(&self) -> usize {
        self.ahead.len()
    }

    /// Puts bytes back that somebody else has read.
    pub(super) fn put_back(&mut self, bytes: &Bytes) {
        let rest = std::mem::replace(&mut self.ahead, BytesMut::from(&bytes[..]));
        self.ahead.unsplit(rest);
    }

    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }

    pub(super) fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

impl<B: Base> Ahead<Stream<B>> {
    /// The plain stream beneath, with all that was read of it. None where there is TLS in between.
    pub(super) fn into_plain(self) -> Option<Ahead<B>> {
        let Stream::Plain(mut plain) = self.stream else { return None };
        plain.put_back(&self.ahead.freeze());
        Some(plain)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ahead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ahead<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Plain, or within TLS.
pub(super) enum Stream<B> {
    Plain(Ahead<B>),
    Tls {
        session: Box<TlsStream<Ahead<B>>>,
        /// Whether it ends without `close_notify`, whoever ends it.
        truncates: bool,
    },
}

impl<B: Base> Stream<B> {
    pub(super) fn reset_on_drop(&self) {
        match self {
            Self::Plain(plain) => plain.get_ref().reset_on_drop(),
            Self::Tls { session, .. } => session.get_ref().0.get_ref().reset_on_drop(),
        }
    }

    /// Has the session end without `close_notify`; plain streams end as ever.
    pub(super) fn truncate(&mut self) {
        if let Self::Tls { truncates, .. } = self {
            *truncates = true;
        }
    }
}

impl<B: Base> AsyncRead for Stream<B> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_read(cx, buf),
            Self::Tls { session, .. } => Pin::new(session).poll_read(cx, buf),
        }
    }
}

impl<B: Base> AsyncWrite for Stream<B> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_write(cx, bytes),
            Self::Tls { session, .. } => Pin::new(session).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_flush(cx),
            Self::Tls { session, .. } => Pin::new(session).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            Self::Tls { session, truncates: false } => Pin::new(session).poll_shutdown(cx),
            Self::Tls { session, truncates: true } => {
                ready!(Pin::new(&mut *session).poll_flush(cx))?;
                Pin::new(session.get_mut().0).poll_shutdown(cx)
            }
        }
    }
}

/// Reads to the end, and keeps nothing.
pub(super) async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    poll_fn(|cx| {
        let mut bytes = [0; 4096];
        loop {
            let mut bytes = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut bytes));
            if read.is_err() || bytes.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    })
    .await;
}

/// Closes this side, and waits a while for the other to do the same: a connection that is dropped with bytes unread
/// ends by a reset, which may take the last answer with it.
pub(super) async fn close(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let end = async {
        drop(stream.shutdown().await);
        drain(stream).await;
    };
    // A client that does not notice is left.
    drop(timeout(LINGER_TIME, end).await);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn what_was_read_ahead_or_put_back_is_read_first_and_once() {
        let (mut client, server) = duplex(64);
        client.write_all(b"cdef").await.unwrap();
        drop(client);
        let mut stream = Ahead::new(server);
        assert_eq!(stream.first().await.unwrap(), Some(b'c'));
        assert_eq!((stream.first().await.unwrap(), stream.len()), (Some(b'c'), 4));
        stream.put_back(&Bytes::from_static(b"ab"));
        assert_eq!(stream.first().await.unwrap(), Some(b'a'));
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"abcdef");
        assert_eq!(stream.first().await.unwrap(), None);
    }
}
