//! TLS to PostgreSQL: rustls with ring, verification always on.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::postgres::Socket;
use ::postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::url::UrlError;

/// Why no TLS connection to PostgreSQL was made. Nothing was sent on it, no password either.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The server offers no TLS.
    #[error(
        "the server offers no TLS, and the connection asks for it: switch `ssl` on in the server; or say sslmode=disable, where nobody on the way can read or change what is sent"
    )]
    NotOffered,
    /// No certificate has such a name.
    #[error("`host` must be the name or the address that is in the server's certificate")]
    Name,
    /// No trusted authority vouches for the server.
    #[error(
        "no authority that is trusted vouches for the server's certificate: name its authority with sslrootcert=FILE (PEM)"
    )]
    Untrusted,
    /// The certificate is for another server.
    #[error(
        "the server's certificate is not for {host}: say in `host` for whom it is, and in `hostaddr` where the server is"
    )]
    OtherHost {
        /// For whom it should be.
        host: String,
    },
    /// The handshake failed otherwise.
    #[error("the TLS handshake failed: {0}")]
    Handshake(rustls::Error),
    /// The connection broke during the handshake.
    #[error("the connection broke during the TLS handshake: {0}")]
    Broken(Arc<io::Error>),
}

/// What the client's own error says of a server without TLS. It has no type.
const NOT_OFFERED: &str = "server does not support TLS";

impl TlsError {
    /// What is behind an error of the client, if it is about TLS.
    pub(in crate::store) fn behind(error: &::postgres::Error) -> Option<Self> {
        let cause = std::error::Error::source(error)?;
        match cause.downcast_ref::<Self>() {
            Some(of_tls) => Some(of_tls.clone()),
            None => (cause.to_string() == NOT_OFFERED).then_some(Self::NotOffered),
        }
    }

    fn of_handshake(error: io::Error, host: &ServerName<'_>) -> Self {
        match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Self::Untrusted,
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Self::OtherHost { host: host.to_str().into_owned() },
            Some(other) => Self::Handshake(other.clone()),
            None => Self::Broken(Arc::new(error)),
        }
    }
}

/// Makes TLS connections, and judges the server by its certificate and its name.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Believes the authorities of a PEM file; or those of the system, where `roots` is `None` or `system`.
    pub(super) fn believing(roots: Option<&str>) -> Result<Self, UrlError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(UrlError::Roots)?;
        let builder = match roots {
            None | Some("system") => builder.dangerous().with_custom_certificate_verifier(system(provider)?),
            Some(path) => builder.with_root_certificates(of_file(path)?),
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// rustls calls every verifier of another crate dangerous. This one verifies.
fn system(provider: Arc<CryptoProvider>) -> Result<Arc<rustls_platform_verifier::Verifier>, UrlError> {
    rustls_platform_verifier::Verifier::new(provider).map(Arc::new).map_err(UrlError::Roots)
}

fn of_file(path: &str) -> Result<RootCertStore, UrlError> {
    let failed = |source| UrlError::RootsFile { path: path.into(), source: Box::new(source) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
        roots.add(certificate.map_err(failed)?).map_err(UrlError::Roots)?;
    }
    if roots.is_empty() { Err(UrlError::NoRoots { path: path.into() }) } else { Ok(roots) }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = TlsError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Handshake, TlsError> {
        let host = ServerName::try_from(domain.to_owned()).map_err(|_| TlsError::Name)?;
        Ok(Handshake { connector: TlsConnector::from(Arc::clone(&self.0)), host })
    }
}

/// One connection to be made.
pub(super) struct Handshake {
    connector: TlsConnector,
    host: ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = TlsError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, TlsError>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        let Self { connector, host } = self;
        Box::pin(async move {
            let connected = connector.connect(host.clone(), socket).await;
            connected.map(Stream).map_err(|error| TlsError::of_handshake(error, &host))
        })
    }
}

/// A connection with TLS.
pub(super) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl Stream {
    fn inner(self: Pin<&mut Self>) -> Pin<&mut tokio_rustls::client::TlsStream<Socket>> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_read(cx, into)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        let digest = certificates.and_then(|chain| end_point(chain.first()?));
        digest.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// `tls-server-end-point` of RFC 5929: the certificate under the hash of its signature, but none weaker than SHA-256.
fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let algorithm = Certificate::from_der(certificate).ok()?.signature_algorithm().oid.to_string();
    Some(match algorithm.as_str() {
        // RSA with MD5, SHA-1 and SHA-256, ECDSA with SHA-1 and SHA-256.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => Sha256::digest(certificate).to_vec(),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Sha384::digest(certificate).to_vec(),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Sha512::digest(certificate).to_vec(),
        // The RFC leaves the others open.
        _ => return None,
    })
}
