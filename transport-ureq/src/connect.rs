//! Two things that ureq does not tell by itself.
//!
//! What failed before the request, and what after it: ureq resolves and connects, and only then writes the request.
//! Whatever its resolver and its connector report (names, TCP, the proxy, the TLS handshake) is marked here, so
//! "nothing was sent" is known from where an error came from and never guessed from its kind.
//!
//! And whether a body is whole: where the end of the connection ends it, ureq takes a reset, or TLS without its
//! closing message, for that end. Anybody on the way could cut the body off like that.

use std::fmt;

use http::Uri;
use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};

/// ureq's own way to connect, with its errors marked and its connections strict.
pub(crate) fn agent(config: Config) -> Agent {
    Agent::with_parts(config, Marked(DefaultConnector::default()), Marked(DefaultResolver::default()))
}

/// The mark: the request was not begun when this happened.
#[derive(Debug)]
pub(crate) struct NotBegun(pub(crate) ureq::Error);

impl std::error::Error for NotBegun {}

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug)]
struct Marked<T>(T);

impl Connector for Marked<DefaultConnector> {
    type Out = Strict;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(self.0.connect(details, chained).map_err(mark)?.map(Strict))
    }
}

impl Resolver for Marked<DefaultResolver> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, timeout).map_err(mark)
    }
}

/// A proxy is reached through the same connector and resolver, so an error may come by twice.
fn mark(error: ureq::Error) -> ureq::Error {
    match error {
        ureq::Error::Other(inner) if inner.is::<NotBegun>() => ureq::Error::Other(inner),
        error => ureq::Error::Other(Box::new(NotBegun(error))),
    }
}

/// A connection whose unclean end is an error that ureq does not overlook.
#[derive(Debug)]
struct Strict(Box<dyn Transport>);

impl Transport for Strict {
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.0.await_input(timeout).map_err(|error| match error {
            ureq::Error::Io(error) => ureq::Error::Other(error.into()),
            error => error,
        })
    }

    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}
