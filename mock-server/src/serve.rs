//! The socket skin: one port for HTTP, HTTPS and the admin API, on a thread of its own.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::arrival::{Arrival, Certificate, Via};
use crate::engine::MAX_REQUEST;
use crate::kit::{Kit, KitError, MerchantFiles};
use crate::merchant::MockMerchant;
use crate::mock::Mock;

mod admin;

/// Connections served at once; more wait in the queue of the listener.
const MAX_CONNECTIONS: usize = 2048;
/// The most bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;
/// The longest for the first byte, for a handshake, and for a request's head.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The longest for a request's body.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The most bytes of a body that are read only to be thrown away.
const MAX_DISCARD: usize = 16 * MAX_REQUEST;
/// The longest that a connection may live.
const CONNECTION_TIME: Duration = Duration::from_secs(600);
/// How long to wait after a connection could not be taken, for want of file handles say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Test keys and an open ledger are for this machine only.
    #[error("{address} is not a loopback address")]
    NotLoopback {
        /// Which.
        address: SocketAddr,
    },
    /// The kit could not be made.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// The thread or its runtime could not be started.
    #[error("cannot start the server's thread")]
    Thread(#[source] io::Error),
}

impl Mock {
    /// A server for this mock, to be started.
    pub fn server(&self) -> ServerBuilder {
        ServerBuilder { mock: self.clone(), address: SocketAddr::from(([127, 0, 0, 1], 0)), kit_dir: None }
    }

    /// Starts a server on a free port of 127.0.0.1, with its kit in a temporary folder. It listens, and the kit is
    /// written, when this returns; dropping it stops it.
    pub fn serve(&self) -> Result<Server, ServeError> {
        self.server().start()
    }
}

/// A server to be started.
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerBuilder {
    mock: Mock,
    address: SocketAddr,
    kit_dir: Option<PathBuf>,
}

impl ServerBuilder {
    /// Where to listen: a loopback address; port 0 for a free one.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Where the kit goes; it stays there. Without this, a temporary folder.
    pub fn kit_dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { kit_dir: Some(dir.into()), ..self }
    }

    /// Starts the server.
    pub fn start(self) -> Result<Server, ServeError> {
        if !self.address.ip().is_loopback() {
            return Err(ServeError::NotLoopback { address: self.address });
        }
        let bind = |source| ServeError::Bind { address: self.address, source };
        let listener = TcpListener::bind(self.address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let kit = Kit::create(self.kit_dir.as_deref())?;
        for merchant in self.mock.merchants() {
            kit.write_merchant(merchant.mch_id())?;
        }
        let acceptor = TlsAcceptor::from(Arc::new(kit.server_config()?));
        let shared = Arc::new(Shared {
            mock: self.mock,
            kit,
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Thread)?;
        let accept = accept(listener, acceptor, Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("wechatpay-mock".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        // Sender gone or used: either way the server is to stop.
                        _ = stopped => {}
                        () = accept => {}
                    }
                });
            })
            .map_err(ServeError::Thread)?;
        Ok(Server { address, shared, stop: Some(stop), thread: Some(thread) })
    }
}

struct Shared {
    mock: Mock,
    kit: Kit,
    accepted: AtomicUsize,
    open: AtomicUsize,
}

/// The connections of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// All that were ever accepted.
    pub accepted: usize,
    /// Those that are open now.
    pub open: usize,
}

/// A running server. Dropping it frees the port, ends the thread, and removes a temporary kit.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:<port>`.
    pub fn https_url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// `http://127.0.0.1:<port>`. Plain HTTP presents no certificate.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there were, and are: to see whether a client keeps them.
    pub fn connections(&self) -> Connections {
        let count = |number: &AtomicUsize| number.load(Ordering::SeqCst);
        Connections { accepted: count(&self.shared.accepted), open: count(&self.shared.open) }
    }

    /// The certificates.
    pub fn kit(&self) -> &Kit {
        &self.shared.kit
    }

    /// Writes the files of a merchant that was added after the start.
    pub fn write_merchant(&self, merchant: &MockMerchant) -> Result<MerchantFiles, KitError> {
        self.shared.kit.write_merchant(merchant.mch_id())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread was already reported there.
            drop(thread.join());
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        shared.open.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            // A connection that breaks, or outstays its time, is its client's business.
            drop(
                timeout(CONNECTION_TIME, connection(stream, peer.ip(), acceptor, Arc::clone(&shared))).await,
            );
            shared.open.fetch_sub(1, Ordering::SeqCst);
            drop(place);
        });
    }
}

/// A TLS handshake begins with 0x16, HTTP with a letter.
async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let mut first = [0];
    if timeout(HEAD_TIME, stream.peek(&mut first)).await?? == 0 {
        return Ok(());
    }
    if first == [0x16] {
        let stream = timeout(HEAD_TIME, acceptor.accept(stream)).await??;
        let certificate = shared.kit.judge(stream.get_ref().1.peer_certificates());
        exchange(stream, Arrival { certificate, shown: None, peer: Some(peer), via: Via::Tls }, shared).await
    } else {
        let certificate = Certificate::None;
        exchange(stream, Arrival { certificate, shown: None, peer: Some(peer), via: Via::Plain }, shared)
            .await
    }
}

async fn exchange<S>(stream: S, arrival: Arrival, shared: Arc<Shared>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request| respond(request, &arrival, &shared));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        // A client may close its side behind the request and still wait for the answer.
        .half_close(true)
        // It would be the system's time, not the mock's.
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn respond(
    request: Request<Incoming>,
    arrival: &Arrival,
    shared: &Shared,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = timeout(BODY_TIME, read(&head, body)).await??;
    let request = Request::from_parts(head, body.clone().unwrap_or_default());
    let outcome = match request.uri().path().strip_prefix("/__mock") {
        Some(path) if path.is_empty() || path.starts_with('/') => {
            return Ok(admin::answer(&shared.mock, path, &request).map(Full::new));
        }
        _ if body.is_none() => shared.mock.refuse_too_large(&request, arrival),
        _ => shared.mock.handle(&request, arrival),
    };
    Ok(outcome.seen()?.map(Full::new))
}

/// The body, or `None` where it is too large. The rest of such a one is read and thrown away, within bounds: closing
/// on it would reset the connection and could take the answer with it. A client that asks first is told at once.
async fn read(head: &http::request::Parts, mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let asks_first = head.headers.contains_key(http::header::EXPECT);
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > MAX_REQUEST && asks_first {
        return Ok(None);
    }
    let (mut bytes, mut seen) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len();
        if seen > MAX_DISCARD {
            return Ok(None);
        }
        if seen <= MAX_REQUEST {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(if seen > MAX_REQUEST { None } else { Some(bytes.freeze()) })
}
