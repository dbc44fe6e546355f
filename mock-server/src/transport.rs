//! The in-process skin: no socket, no runtime, no time passing but the mock's own.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use wechatpay_proto::transport::{BlockingTransport, ClientCertificate, Delivery, Fault, Transport};

use crate::arrival::{Arrival, Certificate};
use crate::mock::Mock;
use crate::outcome::{Admission, Broken, Effect, Hello, TlsFlaw};

/// Hands requests straight to a mock. Both kinds of transport in one. It fails where a fault says so, as a socket
/// would.
///
/// A delay passes on the mock's clock, if that is frozen, and not on anybody else's.
#[derive(Clone, Debug)]
pub struct InProcess {
    mock: Mock,
    mch_id: String,
    timeout: Duration,
}

/// Why a call in-process brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InProcessError {
    /// The answer did not come in time.
    #[error("no answer within {}", crate::span::print(*.after))]
    Timeout {
        /// The time limit.
        after: Duration,
        /// Whether the request can have arrived.
        delivery: Delivery,
    },
    /// The connection did not last.
    #[error("{0}")]
    Broken(Broken),
}

impl Fault for InProcessError {
    fn delivery(&self) -> Delivery {
        match self {
            Self::Timeout { delivery, .. } => *delivery,
            Self::Broken(broken) => broken.delivery(),
        }
    }
}

impl InProcess {
    pub(crate) fn new(mock: Mock, mch_id: &str) -> Self {
        Self { mock, mch_id: mch_id.to_owned(), timeout: Duration::from_secs(15) }
    }

    /// How long a call waits, by the mock's clock. 15 s.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    fn call(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, InProcessError> {
        let certificate = match request.extensions().get::<ClientCertificate>() {
            Some(ClientCertificate) => Certificate::of(&self.mch_id),
            None => Certificate::None,
        };
        self.connect(request, &certificate)?;
        let outcome = self.mock.handle(request, &Arrival::with(certificate));
        let (pauses, seen) = match outcome.effect {
            Effect::Reply(response) => (Duration::ZERO, Ok(response)),
            Effect::Wire { pieces, seen, .. } => (pieces.iter().map(|piece| piece.after).sum(), seen),
        };
        self.wait(outcome.delay.saturating_add(pauses))?;
        seen.map_err(|broken| self.failed(broken))
    }

    /// What a connection would meet before it could bring the request.
    fn connect(&self, request: &Request<Bytes>, certificate: &Certificate) -> Result<(), InProcessError> {
        let tls = request.uri().scheme_str() == Some("https");
        let server_name = request.uri().host().filter(|_| tls).map(str::to_owned);
        let broken = match self.mock.admit(&Hello { server_name, tls }) {
            Admission::Welcome | Admission::Flawed(TlsFlaw::NoCloseNotify) => return Ok(()),
            Admission::Flawed(TlsFlaw::RefusesClient) if *certificate == Certificate::None => return Ok(()),
            // The request may have been written by then.
            Admission::Flawed(TlsFlaw::RefusesClient) => Broken::Reset,
            Admission::Flawed(TlsFlaw::Stall) => return Err(self.time_out(Delivery::NotSent)),
            Admission::Silence if tls => return Err(self.time_out(Delivery::NotSent)),
            Admission::Silence => Broken::Silent,
            Admission::Flawed(_) => Broken::Handshake,
            Admission::Refuse => Broken::Refused,
        };
        Err(self.failed(broken))
    }

    fn failed(&self, broken: Broken) -> InProcessError {
        match broken {
            Broken::Silent => self.time_out(Delivery::MaybeSent),
            other => InProcessError::Broken(other),
        }
    }

    fn time_out(&self, delivery: Delivery) -> InProcessError {
        self.mock.pass(self.timeout);
        InProcessError::Timeout { after: self.timeout, delivery }
    }

    fn wait(&self, delay: Duration) -> Result<(), InProcessError> {
        if delay > self.timeout {
            return Err(self.time_out(Delivery::MaybeSent));
        }
        self.mock.pass(delay);
        Ok(())
    }
}

impl Transport for InProcess {
    type Error = InProcessError;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, InProcessError> {
        self.call(&request)
    }
}

impl BlockingTransport for InProcess {
    type Error = InProcessError;

    fn send_blocking(&self, request: Request<Bytes>) -> Result<Response<Bytes>, InProcessError> {
        self.call(&request)
    }
}
