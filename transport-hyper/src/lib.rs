//! Asynchronous transport for `wechatpay-proto`, on hyper 1, tokio and rustls.
//!
//! **One call is one request on the wire**, on a connection of its own: nothing is sent again, no redirect is
//! followed, no answer is decompressed, and no proxy is used. A 302 or a 500 comes back as it is.
//!
//! This is a small start. **Not there yet:** keeping connections for the next request, reading an identity from PEM
//! files (see `wechatpay-transport-ureq`), limits for single steps, and moving on to the backup host, which is the
//! caller's decision anyway. The certificates, both the merchant's and those of the authorities, come as rustls has
//! them; the merchant's is shown for requests that are marked [`ClientCertificate`] and for no others.
//!
//! ```no_run
//! use rustls::pki_types::pem::PemObject;
//! use rustls::pki_types::{CertificateDer, PrivateKeyDer};
//! use wechatpay_proto::transport::{BaseUrl, ClientCertificate, Transport};
//! use wechatpay_transport_hyper::HyperTransport;
//!
//! # async fn pay(roots: rustls::RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
//! let certificate = CertificateDer::from_pem_file("apiclient_cert.pem")?;
//! let key = PrivateKeyDer::from_pem_file("apiclient_key.pem")?;
//! let transport = HyperTransport::new(roots)?.with_identity(vec![certificate], key)?;
//!
//! // Requests usually come from the core, signed and marked.
//! let request = http::Request::post(BaseUrl::default().join("/mmpaymkttransfers/sendredpack")?)
//!     .extension(ClientCertificate)
//!     .body("<xml>…</xml>".into())?;
//! match transport.send(request).await {
//!     Ok(response) => println!("{} with {} bytes", response.status(), response.body().len()),
//!     Err(error) if error.is_not_sent() => println!("nothing was sent: {error}"),
//!     Err(error) => println!("the outcome is unknown: {error}"),
//! }
//! # Ok(()) }
//! ```
//!
//! # What is guaranteed
//!
//! * The server's certificate is always verified; there is no switch. Revocation is not checked.
//! * `https` everywhere, plain `http` only to a loopback address, for a mock on the same machine.
//! * HTTP/1.1 only, TLS 1.2 and 1.3.
//! * The whole call has a time limit, 15 seconds by default. It needs a tokio runtime with time and I/O enabled.
//! * A body above [`BODY_LIMIT`] bytes is an error, and so are response headers above 64 KiB.
//! * No task is spawned: dropping the future drops the connection. The outcome of the request is then unknown.

mod error;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::uri::{PathAndQuery, Scheme};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::client::WantsClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use wechatpay_proto::transport::{ClientCertificate, Transport, check_target};

pub use error::TransportError;

/// The longest response body that is read, in bytes: 64 KiB. XML answers have a few hundred.
pub const BODY_LIMIT: usize = wechatpay_proto::wire::MAX_BODY;

const HEADER_LIMIT: usize = 64 * 1024;

/// The transport. Cloning is cheap.
#[derive(Clone)]
pub struct HyperTransport {
    roots: Arc<RootCertStore>,
    /// With the merchant's certificate.
    merchant: Option<Arc<ClientConfig>>,
    /// Without.
    anonymous: Arc<ClientConfig>,
    total_timeout: Duration,
}

impl HyperTransport {
    /// Believes these certificate authorities, for example those of the crate `webpki-roots`.
    pub fn new(roots: impl Into<Arc<RootCertStore>>) -> Result<Self, rustls::Error> {
        let roots = roots.into();
        let anonymous = Arc::new(trusting(&roots)?.with_no_client_auth());
        Ok(Self { roots, merchant: None, anonymous, total_timeout: Duration::from_secs(15) })
    }

    /// The merchant's certificate chain, its own certificate first, and its private key, for requests marked
    /// [`ClientCertificate`]. An error where the two cannot be used together.
    pub fn with_identity(
        mut self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        self.merchant = Some(Arc::new(trusting(&self.roots)?.with_client_auth_cert(chain, key)?));
        Ok(self)
    }

    /// The time for a whole call, from name resolution to the last byte of the response. 15 seconds by default, a
    /// day at most.
    #[must_use]
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.total_timeout = limit.min(Duration::from_secs(86_400));
        self
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        check_target(request.uri())?;
        let encrypted = request.uri().scheme() == Some(&Scheme::HTTPS);
        let tls = match request.extensions().get::<ClientCertificate>() {
            _ if !encrypted => None, // there is no handshake that could present a certificate
            Some(ClientCertificate) => Some(self.merchant.as_ref().ok_or(TransportError::NoIdentity)?),
            None => Some(&self.anonymous),
        };
        let deadline = Instant::now() + self.total_timeout;
        let connecting = connect(request.uri(), tls);
        let stream = timeout_at(deadline, connecting).await.map_err(|_| TransportError::ConnectTimeout)??;
        timeout_at(deadline, speak(stream, request)).await.map_err(|_| TransportError::Timeout)?
    }
}

impl Transport for HyperTransport {
    type Error = TransportError;

    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, TransportError>> + Send {
        self.exchange(request)
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").field("total_timeout", &self.total_timeout).finish_non_exhaustive()
    }
}

fn trusting(
    roots: &Arc<RootCertStore>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(Arc::clone(roots)))
}

/// Connects with TLS, or without where there is no configuration for it.
async fn connect(
    target: &http::Uri,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn Stream>, TransportError> {
    let host = target.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let port = target.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await.map_err(TransportError::Connect)?;
    let _ = stream.set_nodelay(true); // only a matter of speed
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(host.to_owned()).map_err(|_| TransportError::ServerName)?;
    let connector = TlsConnector::from(Arc::clone(tls));
    Ok(Box::new(connector.connect(name, stream).await.map_err(TransportError::Handshake)?))
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Sends the request and reads the response, and keeps the connection going meanwhile.
async fn speak(
    stream: Box<dyn Stream>,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, TransportError> {
    let request = to_wire(request)?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEADER_LIMIT).handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(body_error)?;
        Ok(http::Response::from_parts(parts, body.to_bytes()))
    };
    let (mut connection, mut answer) = (pin!(connection), pin!(answer));
    let mut connected = true;
    poll_fn(|context| {
        // Its error, if any, is handed to the request that waits.
        connected = connected && connection.as_mut().poll(context).is_pending();
        answer.as_mut().poll(context)
    })
    .await
}

/// On the wire the target is the path alone, and the host is a header.
fn to_wire(request: http::Request<Bytes>) -> Result<http::Request<Full<Bytes>>, TransportError> {
    let (mut parts, body) = request.into_parts();
    let host = parts.uri.authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(host).map_err(|_| TransportError::ServerName)?;
    parts.headers.entry(HOST).or_insert(host);
    let path = parts.uri.path_and_query().cloned();
    parts.uri = path.unwrap_or_else(|| PathAndQuery::from_static("/")).into();
    Ok(http::Request::from_parts(parts, Full::new(body)))
}

fn body_error(error: Box<dyn std::error::Error + Send + Sync>) -> TransportError {
    match error.downcast::<hyper::Error>() {
        Ok(error) => TransportError::Exchange(*error),
        Err(error) if error.is::<LengthLimitError>() => TransportError::BodyTooLarge,
        Err(error) => TransportError::Body(error),
    }
}
