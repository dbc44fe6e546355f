//! The handshake: what the engine grants a connection is known only after the client's first message, which names the
//! server that it wants.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use super::Shared;
use super::limits::{CONNECTION_TIME, HELLO_TIME};
use super::stream::{self, Ahead, Base, Stream};
use crate::arrival::{Certificate, CertificateFacts};
use crate::kit::{Kit, KitError, ServerFlaw};
use crate::outcome::{Admission, Hello, TlsFlaw};

/// The alert `handshake_failure`.
const HANDSHAKE_FAILURE: u8 = 40;
/// The alert `protocol_version`.
const PROTOCOL_VERSION: u8 = 70;

/// What handshakes are made with.
pub(super) struct Tls {
    pub(super) kit: Arc<Kit>,
    pub(super) config: Arc<ServerConfig>,
}

/// A connection on which HTTP can begin.
pub(super) struct Session<B> {
    pub(super) stream: Stream<B>,
    pub(super) certificate: Certificate,
    pub(super) shown: Option<CertificateFacts>,
    /// Whether it is for one request only.
    pub(super) once: bool,
}

/// Shakes hands, as far as the engine lets it come. None where no session came about.
pub(super) async fn accept<B: Base>(stream: Ahead<B>, shared: &Shared) -> Option<Session<B>> {
    let Some(tls) = &shared.tls else {
        // This port takes plain HTTP only.
        alert(stream, HANDSHAKE_FAILURE).await;
        return None;
    };
    let start = hear(stream).await?;
    let server_name = start.client_hello().server_name().map(str::to_owned);
    let admission = shared.mock.admit(&Hello { server_name, tls: true });
    admit(start, admission, tls).await
}

/// The client's first message.
pub(super) async fn hear<B: Base>(stream: Ahead<B>) -> Option<StartHandshake<Ahead<B>>> {
    let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), stream);
    if let Ok(Ok(start)) = timeout(HELLO_TIME, &mut acceptor).await {
        return Some(start);
    }
    if let Some(mut stream) = acceptor.take_io() {
        stream::close(&mut stream).await;
    }
    None
}

/// Goes on from there as the engine has it.
pub(super) async fn admit<B: Base>(
    mut start: StartHandshake<Ahead<B>>,
    admission: Admission,
    tls: &Tls,
) -> Option<Session<B>> {
    match admission {
        Admission::Welcome => shake_hands(start, tls, None).await,
        Admission::Refuse => {
            start.io.get_ref().reset_on_drop();
            None
        }
        Admission::Silence | Admission::Flawed(TlsFlaw::Stall) => {
            drop(timeout(CONNECTION_TIME, stream::drain(&mut start.io)).await);
            None
        }
        Admission::Flawed(TlsFlaw::Alert) => {
            alert(start.io, HANDSHAKE_FAILURE).await;
            None
        }
        Admission::Flawed(TlsFlaw::OldVersion) => {
            alert(start.io, PROTOCOL_VERSION).await;
            None
        }
        Admission::Flawed(flaw) => shake_hands(start, tls, Some(flaw)).await,
    }
}

async fn shake_hands<B: Base>(
    start: StartHandshake<Ahead<B>>,
    tls: &Tls,
    flaw: Option<TlsFlaw>,
) -> Option<Session<B>> {
    let config = match flaw {
        None => Arc::clone(&tls.config),
        Some(flaw) => flawed_config(tls, flaw).ok()?,
    };
    let session = match timeout(HELLO_TIME, start.into_stream(config).into_fallible()).await.ok()? {
        Ok(session) => Box::new(session),
        Err((_, mut stream)) => {
            // It has got its alert, and may have said more than was read.
            stream::close(&mut stream).await;
            return None;
        }
    };
    let chain = session.get_ref().1.peer_certificates();
    let (certificate, shown) = (tls.kit.judge(chain), tls.kit.facts(chain));
    let truncates = flaw == Some(TlsFlaw::NoCloseNotify);
    Some(Session { stream: Stream::Tls { session, truncates }, certificate, shown, once: truncates })
}

/// What the server shows where its certificate, or what it makes of the client's, is the flaw.
fn flawed_config(tls: &Tls, flaw: TlsFlaw) -> Result<Arc<ServerConfig>, KitError> {
    let flaw = match flaw {
        TlsFlaw::Expired => ServerFlaw::Expired,
        TlsFlaw::NotYetValid => ServerFlaw::NotYetValid,
        TlsFlaw::WrongHost => ServerFlaw::WrongHost,
        TlsFlaw::UnknownCa => ServerFlaw::UnknownCa,
        TlsFlaw::RefusesClient => ServerFlaw::RefusesClients,
        TlsFlaw::Stall | TlsFlaw::Alert | TlsFlaw::OldVersion | TlsFlaw::NoCloseNotify => {
            return Ok(Arc::clone(&tls.config));
        }
    };
    tls.kit.server_config_with(flaw)
}

/// Ends a handshake with a fatal alert, before the server has said anything else.
async fn alert<B: Base>(mut stream: Ahead<B>, description: u8) {
    let record = [0x15, 3, 3, 0, 2, 2, description];
    // A client that is gone needs no alert.
    drop(stream.write_all(&record).await);
    stream::close(&mut stream).await;
}
