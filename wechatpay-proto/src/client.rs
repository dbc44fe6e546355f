//! The short way: sign, send, accept.

use std::fmt;

use bytes::Bytes;

use crate::endpoint::Outgoing;
use crate::error::{Error, RequestError};
use crate::merchant::Merchant;
use crate::nonce::NonceBytes;
use crate::reply::Reply as _;
use crate::signed::Pending;
use crate::transport::{BaseUrl, BlockingTransport, Transport};

/// A merchant, a transport, and a source of nonces. Each call is **one** request: nothing is sent again, and
/// nothing about the order is decided here.
///
/// `nonce` gives 16 unpredictable bytes at each call, or the error that it has none; `os_random` of the transports
/// of this project fits, and so does a closure that returns `[u8; 16]`.
#[derive(Clone)]
pub struct Client<T, N> {
    merchant: Merchant,
    transport: T,
    nonce: N,
    base: BaseUrl,
}

impl<T, N, B> Client<T, N>
where
    N: Fn() -> B,
    B: NonceBytes,
{
    /// A client of the production host.
    pub fn new(merchant: Merchant, transport: T, nonce: N) -> Self {
        Self { merchant, transport, nonce, base: BaseUrl::default() }
    }

    /// The same client for another host: the backup, or a mock.
    #[must_use]
    pub fn with_base(self, base: BaseUrl) -> Self {
        Self { base, ..self }
    }

    /// The merchant that signs.
    pub fn merchant(&self) -> &Merchant {
        &self.merchant
    }

    /// Sends one request and waits for its answer.
    pub async fn send<E: Outgoing>(&self, request: &E) -> Result<E::Reply<'static>, Error<T::Error>>
    where
        T: Transport,
    {
        let (request, pending) = self.prepare(request)?;
        let response = self.transport.send(request).await.map_err(Error::Transport)?;
        pending.accept(&response).map(|reply| reply.into_owned()).map_err(Error::Reply)
    }

    /// Sends one request and blocks until its answer is here.
    pub fn send_blocking<E: Outgoing>(&self, request: &E) -> Result<E::Reply<'static>, Error<T::Error>>
    where
        T: BlockingTransport,
    {
        let (request, pending) = self.prepare(request)?;
        let response = self.transport.send_blocking(request).map_err(Error::Transport)?;
        pending.accept(&response).map(|reply| reply.into_owned()).map_err(Error::Reply)
    }

    fn prepare<'r, E: Outgoing>(
        &'r self,
        request: &'r E,
    ) -> Result<(http::Request<Bytes>, Pending<'r, E>), RequestError> {
        let nonce = (self.nonce)().into_nonce()?;
        Ok(self.merchant.sign_for(&self.base, request, nonce)?.into_parts())
    }
}

impl<T: fmt::Debug, N> fmt::Debug for Client<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut client = f.debug_struct("Client");
        client
            .field("merchant", &self.merchant)
            .field("transport", &self.transport)
            .field("base", &self.base);
        client.finish_non_exhaustive()
    }
}
