//! The short way: sign, send, accept.

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::merchant::Merchant;
use crate::nonce::Nonce;
use crate::reply::Reply as _;
use crate::transport::{BaseUrl, BlockingTransport, Transport};

/// A merchant, a transport, and a source of nonces. Each call is **one** request: nothing is sent again, and
/// nothing about the order is decided here.
///
/// `nonce` gives 16 unpredictable bytes at each call; the transports of this project offer one that asks the
/// operating system.
#[derive(Clone, Debug)]
pub struct Client<T, N = fn() -> [u8; 16]> {
    merchant: Merchant,
    transport: T,
    nonce: N,
    base: BaseUrl,
}

impl<T, N: Fn() -> [u8; 16]> Client<T, N> {
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
    pub async fn send<E: Endpoint>(&self, request: &E) -> Result<E::Reply<'static>, Error<T::Error>>
    where
        T: Transport,
    {
        let signed = self.merchant.sign_for(&self.base, request, Nonce::from_bytes((self.nonce)()))?;
        let (request, pending) = signed.into_parts();
        let response = self.transport.send(request).await.map_err(Error::Transport)?;
        pending.accept(&response).map(|reply| reply.into_owned()).map_err(Error::Reply)
    }

    /// Sends one request and blocks until its answer is here.
    pub fn send_blocking<E: Endpoint>(&self, request: &E) -> Result<E::Reply<'static>, Error<T::Error>>
    where
        T: BlockingTransport,
    {
        let signed = self.merchant.sign_for(&self.base, request, Nonce::from_bytes((self.nonce)()))?;
        let (request, pending) = signed.into_parts();
        let response = self.transport.send_blocking(request).map_err(Error::Transport)?;
        pending.accept(&response).map(|reply| reply.into_owned()).map_err(Error::Reply)
    }
}
