//! What a transport of the suite is to be built from.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// What a case wants the transport to be built from. Every field is to be obeyed; what the fields do not say (a
/// proxy, say) stays as it is by default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// The one authority to believe, a certificate in PEM. No other may be believed beside it.
    pub ca_pem: String,
    /// The merchant's certificate, for requests that carry the mark
    /// [`ClientCertificate`](wechatpay_proto::transport::ClientCertificate) and for no others.
    pub identity: Option<ClientIdentity>,
    /// How long a call and its steps may take.
    pub limits: Limits,
    /// The most bytes of an answer's body; one more is an error.
    pub body_limit: usize,
    /// Where these hosts are, instead of asking for their addresses. A port goes with each address, and counts in
    /// place of the URL's. The `Host` header and the name in the certificate are still those of the URL.
    pub addresses: Vec<(String, SocketAddr)>,
}

impl Setup {
    /// Where `host` is, if it is one of [`addresses`](Self::addresses).
    pub fn address(&self, host: &str) -> Option<SocketAddr> {
        self.addresses.iter().find(|(name, _)| name.eq_ignore_ascii_case(host)).map(|(_, address)| *address)
    }
}

/// A client certificate and its key, both made for this run.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientIdentity {
    /// The certificate in PEM, by an authority that servers of the suite know.
    pub certificate_pem: String,
    /// Its key in PEM: PKCS#8, on the curve P-256.
    pub key_pem: String,
}

/// Without the key.
impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

/// The longest that each step of a call, and the whole of it, may take.
///
/// In a case that is about one of them, that one is short and the others are longer than the suite waits. A transport
/// with fewer limits takes the shortest of those that each of its own stands for; with one for all:
/// [`shortest`](Self::shortest).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// For the name and the TCP connection.
    pub connect: Duration,
    /// For the TLS handshake.
    pub tls: Duration,
    /// For writing the request, head and body.
    pub write: Duration,
    /// From the end of the request to the end of the answer's head.
    pub response: Duration,
    /// From the end of the answer's head to the end of its body.
    pub body: Duration,
    /// For everything together.
    pub total: Duration,
}

impl Limits {
    /// The shortest of them.
    pub fn shortest(&self) -> Duration {
        [self.connect, self.tls, self.write, self.response, self.body]
            .into_iter()
            .fold(self.total, Duration::min)
    }
}
