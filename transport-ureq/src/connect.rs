//! From a target to a connection that is ready for a request. Whatever fails here, nothing was sent.

use std::io;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, LazyBuffers, NextTimeout};
use wechatpay_transport::{Lane, Prepared, Step, bare};

use crate::connection::{Connection, Line};
use crate::progress;
use crate::resolve::addresses;
use crate::socket::Socket;
use crate::tls::Tls;
use crate::tunnel;

/// Opens the connections of one lane.
#[derive(Debug)]
pub(crate) struct Connect {
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) lane: Lane,
}

impl Connector for Connect {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Connection>, ureq::Error> {
        let line = self.open(details.uri)?;
        progress::connected();
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(Some(Connection::new(line, buffers)))
    }
}

impl Connect {
    fn open(&self, target: &Uri) -> Result<Line, ureq::Error> {
        progress::enter(Step::Resolve);
        let host = target.host().unwrap_or_default();
        match self.prepared.tls(self.lane) {
            Some(config) => self.open_tls(host, target.port_u16().unwrap_or(443), config).map_err(Into::into),
            None if target.scheme() == Some(&Scheme::HTTPS) => Err(ureq::Error::TlsRequired),
            None => Ok(Line::Plain(self.reach(host, target.port_u16().unwrap_or(80))?)),
        }
    }

    fn open_tls(&self, host: &str, port: u16, config: &Arc<ClientConfig>) -> io::Result<Line> {
        // A name that TLS cannot check is no reason to knock at a door.
        let name = ServerName::try_from(bare(host).to_owned()).map_err(io::Error::other)?;
        let socket = match self.prepared.proxy(self.lane) {
            Some(proxy) => {
                let mut socket = self.reach(proxy.host(), proxy.port())?;
                tunnel::open(&mut socket, proxy, &format!("{host}:{port}"))?;
                socket
            }
            None => self.reach(host, port)?,
        };
        progress::enter(Step::Handshake);
        Ok(Line::Tls(Box::new(Tls::over(socket, config, name)?)))
    }

    fn reach(&self, host: &str, port: u16) -> io::Result<Socket> {
        let addresses = addresses(&self.prepared, self.lane, host, port)?;
        progress::enter(Step::Connect);
        Socket::open(&addresses)
    }
}

/// ureq asks for addresses before it looks for a connection that it has kept. They are looked up where they are needed:
/// in [`Connect`].
#[derive(Debug)]
pub(crate) struct Later;

impl Resolver for Later {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
