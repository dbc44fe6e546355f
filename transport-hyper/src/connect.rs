//! From a target to a connection that is ready for a request. Whatever fails here, nothing was sent.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::uri::Authority;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use wechatpay_transport::{Cause, Lane, Prepared, Proxy, Step, TransportError, bare};

use crate::limits::Limits;
use crate::socket::Socket;
use crate::worker::Worker;

/// What hyper speaks over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Who is to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) lane: Lane,
    /// In lower case, with the port.
    host: String,
    port: u16,
}

impl Target {
    /// Of a URL that was judged before.
    pub(crate) fn new(url: &http::Uri, lane: Lane) -> Self {
        let port = url.port_u16().unwrap_or(if lane == Lane::Loopback { 80 } else { 443 });
        Self { lane, host: url.host().unwrap_or_default().to_ascii_lowercase(), port }
    }
}

/// Opens a connection: the name, TCP, the proxy's tunnel, TLS, each as far as the lane has it.
pub(crate) async fn connect(
    prepared: &Prepared,
    target: &Target,
    limits: &Limits,
) -> Result<(Box<dyn Stream>, Socket), TransportError> {
    let socket = match prepared.proxy(target.lane) {
        Some(proxy) => {
            let addresses = addresses(prepared, target.lane, proxy.host(), proxy.port(), limits).await?;
            let through = async { tunnel(open(&addresses, limits).await?, proxy, target).await };
            limits.wait(Step::Connect, through).await?
        }
        None => {
            let addresses = addresses(prepared, target.lane, &target.host, target.port, limits).await?;
            open(&addresses, limits).await?
        }
    };
    let stream: Box<dyn Stream> = match prepared.tls(target.lane) {
        Some(config) => limits.wait(Step::Handshake, encrypt(socket.clone(), config, target)).await?,
        None => Box::new(socket.clone()),
    };
    Ok((stream, socket))
}

/// The addresses that were set for the host, or those of its name.
async fn addresses(
    prepared: &Prepared,
    lane: Lane,
    host: &str,
    port: u16,
    limits: &Limits,
) -> Result<Vec<SocketAddr>, TransportError> {
    if let Some(addresses) = prepared.addresses(host) {
        return prepared.usable(lane, host, addresses.iter().copied());
    }
    let looking_up = async {
        let found = lookup_host((bare(host), port)).await;
        prepared.usable(lane, host, found.map_err(|error| TransportError::Resolve(Cause::new(error)))?)
    };
    limits.wait(Step::Resolve, looking_up).await
}

/// Tries one address after the other. Each gets an equal share of the time that is left, so that the first, if it
/// swallows everything, leaves something for the others. Where none answers, silence counts for more than refusals: it
/// is what a host that is cut off looks like.
async fn open(addresses: &[SocketAddr], limits: &Limits) -> Result<Socket, TransportError> {
    let deadline = limits.deadline(Step::Connect);
    let mut failure = TransportError::Timeout(Step::Connect);
    let mut silence = false;
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true); // only a matter of speed
                return Ok(Socket::new(stream));
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => silence = true,
            Ok(Err(error)) => failure = TransportError::Connect(Cause::new(error)),
            Err(_) => silence = true,
        }
    }
    Err(if silence { TransportError::Timeout(Step::Connect) } else { failure })
}

/// Asks the proxy for a way through to the target.
async fn tunnel(socket: Socket, proxy: &Proxy, target: &Target) -> Result<Socket, TransportError> {
    let refused = |error: hyper::Error| TransportError::Connect(Cause::new(error));
    let request =
        connect_request(proxy, target).map_err(|error| TransportError::Connect(Cause::new(error)))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(refused)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(refused)?;
        if !answer.status().is_success() {
            let said = format!("the proxy answered {}", answer.status().as_u16());
            return Err(TransportError::Connect(Cause::new(said)));
        }
        hyper::upgrade::on(answer).await.map_err(refused)
    };
    let upgraded = Worker::new(connection.with_upgrades()).until(asked).await?;
    match upgraded.downcast::<TokioIo<Socket>>() {
        // In TLS the client speaks first: bytes that came already are not the target's.
        Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io.into_inner()),
        _ => Err(TransportError::Connect(Cause::new("the proxy spoke out of turn"))),
    }
}

fn connect_request(proxy: &Proxy, target: &Target) -> http::Result<http::Request<Empty<Bytes>>> {
    let authority = Authority::try_from(format!("{}:{}", target.host, target.port))?;
    let request = http::Request::connect(authority.as_str()).header(HOST, authority.as_str());
    let request = match proxy.authorization() {
        Some(authorization) => request.header(PROXY_AUTHORIZATION, authorization),
        None => request,
    };
    request.body(Empty::new())
}

async fn encrypt(
    socket: Socket,
    config: &Arc<ClientConfig>,
    target: &Target,
) -> Result<Box<dyn Stream>, TransportError> {
    let name = ServerName::try_from(bare(&target.host).to_owned())
        .map_err(|error| TransportError::Resolve(Cause::new(error)))?;
    socket.begin_tls();
    let handshake = TlsConnector::from(Arc::clone(config)).connect(name, socket);
    let stream = handshake.await.map_err(|error: io::Error| TransportError::Handshake(Cause::new(error)))?;
    Ok(Box::new(stream))
}
