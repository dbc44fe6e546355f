//! One connection after the other, from its first byte to its last.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::limits::{ACCEPT_PAUSE, CONNECTION_TIME, HEAD_TIME, HELLO_TIME, LAST_TIME, MAX_HEAD};
use super::link::Link;
use super::play::Over;
use super::respond::{Answer, Line, respond};
use super::seats::Seat;
use super::stream::{self, Ahead, Base, Stream};
use super::tls::{self, Session};
use crate::arrival::{Arrival, Certificate, Via};

/// Takes connections for ever.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // That of a connection that says nothing is better used.
            Err(error) if is_out_of_handles(&error) && shared.seats.free() => {
                yield_now().await;
                continue;
            }
            Err(_) => {
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let seat = shared.seats.take().await;
        // Pieces go out as they are played.
        drop(stream.set_nodelay(true));
        let open = Open::count(&shared);
        tokio::spawn(async move {
            tokio::select! {
                // First: one that is called serves no request more that could be lost. It is dropped, and so closed.
                biased;
                () = seat.called() => {}
                () = serve(stream, Some(peer.ip()), &open.0, &seat) => {}
            }
            drop((open, seat));
        });
        // What has come by now is read before the place may be needed by the next.
        yield_now().await;
    }
}

/// Whether the process, or the system, may have no more file handles.
fn is_out_of_handles(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [libc::EMFILE, libc::ENFILE];
    #[cfg(not(unix))]
    let codes = [10024];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Counts a connection for as long as it is open.
struct Open(Arc<Shared>);

impl Open {
    fn count(shared: &Arc<Shared>) -> Self {
        let more = |number: &AtomicUsize| number.fetch_add(1, Ordering::SeqCst);
        more(&shared.accepted);
        more(&shared.open);
        Self(Arc::clone(shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Serves a connection, and what comes through it where it becomes a tunnel. One that breaks is its client's business.
pub(super) async fn serve<B: Base>(base: B, peer: Option<IpAddr>, shared: &Arc<Shared>, seat: &Seat) {
    if let Some(tunnel) = converse(Ahead::new(base), peer, None, shared, seat).await {
        // There is no tunnel inside a tunnel.
        drop(converse(tunnel, peer, Some(Via::Connect), shared, seat).await);
    }
}

/// A TLS handshake begins with 0x16, HTTP with a letter. Gives back the stream where it goes on as a tunnel.
async fn converse<B: Base>(
    mut stream: Ahead<B>,
    peer: Option<IpAddr>,
    via: Option<Via>,
    shared: &Arc<Shared>,
    seat: &Seat,
) -> Option<Ahead<B>> {
    let first = timeout(HELLO_TIME, stream.first()).await.ok()?.ok()??;
    let is_tls = first == 0x16;
    let session = if is_tls {
        tls::accept(stream, shared).await?
    } else {
        Session { stream: Stream::Plain(stream), certificate: Certificate::None, shown: None, once: false }
    };
    let via = via.unwrap_or(if is_tls { Via::Tls } else { Via::Plain });
    let line = Line {
        link: Link::new(session.stream),
        arrival: Arrival { certificate: session.certificate, shown: session.shown, peer, via },
        is_tls,
        shared: Arc::clone(shared),
        seat,
        admitted: AtomicBool::new(false),
        tunnel: AtomicBool::new(false),
    };
    let unread = exchange(&line.link, session.once, |request| respond(request, &line)).await;
    let Line { link, tunnel, .. } = line;
    if tunnel.into_inner() {
        let mut stream = link.into_stream()?.into_plain()?;
        stream.put_back(&unread);
        return Some(stream);
    }
    if !link.is_over() {
        stream::close(&mut link.clone()).await;
    }
    None
}

/// Speaks HTTP until one side ends it; if `once`, for one request. Gives back what was read and not used.
pub(super) async fn exchange<B, F, R>(link: &Link<B>, once: bool, service: F) -> Bytes
where
    B: Base,
    F: Fn(Request<Incoming>) -> R,
    R: Future<Output = Result<Answer, Over>>,
{
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .keep_alive(!once)
        // A client may close its side behind the request and still wait for the answer.
        .half_close(true)
        // It would be the system's time, not the mock's.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(link.clone()), service_fn(service));
    if timeout(CONNECTION_TIME, &mut connection).await.is_err() {
        Pin::new(&mut connection).graceful_shutdown();
        drop(timeout(LAST_TIME, &mut connection).await);
    }
    connection.into_parts().read_buf
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    use super::super::limits::Budget;
    use super::super::{Admin, Options};
    use super::*;
    use crate::mock::Mock;

    const ASK: &[u8] = b"GET /__mock/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

    /// How long a connection lasts on which these are said, each so many seconds after the one before, and how many
    /// answers come.
    async fn lasts(said: &[(u64, &[u8])]) -> (u64, usize) {
        let mock = Mock::builder().build();
        let admin = Admin::without_kit(mock.clone());
        let shared = Arc::new(Shared::new(mock, Options::default(), None, admin, Budget::new(100)));
        let (client, server) = duplex(4096);
        let (mut reader, mut writer) = tokio::io::split(client);
        let (start, mut answers) = (Instant::now(), String::new());
        let say = async {
            for (pause, bytes) in said {
                sleep(Duration::from_secs(*pause)).await;
                // The server may have hung up.
                drop(writer.write_all(bytes).await);
            }
        };
        let hear = async {
            reader.read_to_string(&mut answers).await.unwrap();
            start.elapsed().as_secs()
        };
        let ((), lasts) = tokio::join!(say, async {
            let seat = Seat::uncounted();
            let (seconds, ()) = tokio::join!(hear, serve(server, None, &shared, &seat));
            seconds
        });
        (lasts, answers.matches("HTTP/1.1 200 OK").count())
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_may_rest_for_a_minute_and_a_new_one_says_something_soon() {
        assert_eq!(lasts(&[]).await, (10, 0));
        assert_eq!(lasts(&[(9, ASK)]).await, (9 + 60, 1));
        assert_eq!(lasts(&[(0, ASK), (59, ASK), (59, ASK)]).await, (2 * 59 + 60, 3));
        // What drips in does not get more time.
        assert_eq!(lasts(&[(5, b"G"), (30, b"E"), (20, b"T")]).await, (5 + 60, 0));
    }
}
