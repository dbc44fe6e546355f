//! The socket skin: one port for HTTP, HTTPS, the admin API and a proxy that leads nowhere else, on a thread of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::kit::{Kit, KitError, MerchantFiles};
use crate::merchant::MockMerchant;
use crate::mock::Mock;

mod admin;
mod builder;
mod connection;
#[cfg(test)]
mod effects;
mod fuzz;
mod gate;
mod limits;
mod link;
mod play;
mod proxy;
mod respond;
mod seats;
mod stream;
mod tls;

use admin::Admin;
pub use builder::ServerBuilder;
pub use fuzz::fuzz_http;
use gate::Token;
use limits::Budget;
use seats::Seats;
use tls::Tls;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Test keys and an open ledger are for this machine only, unless an admin token guards them.
    #[error("{address} is not a loopback address: to listen there, expose the server with an admin token")]
    NotLoopback {
        /// Which.
        address: SocketAddr,
    },
    /// The admin token could be guessed, or cannot stand in a header.
    #[error("the admin token must be 16 visible ASCII characters or more, and {problem}")]
    AdminToken {
        /// What is wrong with it, without showing it.
        problem: String,
    },
    /// The kit could not be made.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// The thread or its runtime could not be started.
    #[error("cannot start the server's thread")]
    Thread(#[source] io::Error),
}

/// What a server does, and how.
#[derive(Clone, Debug)]
struct Options {
    schemes: Schemes,
    max_delay: Duration,
    /// The most connections at once.
    max_connections: usize,
    admin: bool,
    /// What admin calls must show.
    token: Option<Token>,
    /// More names of this server.
    aliases: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        let (schemes, max_delay, max_connections) =
            (Schemes::Both, limits::MAX_DELAY, limits::MAX_CONNECTIONS);
        Self { schemes, max_delay, max_connections, admin: true, token: None, aliases: Vec::new() }
    }
}

/// What the port takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schemes {
    Both,
    Http,
    Https,
}

/// What all connections of a server share.
struct Shared {
    mock: Mock,
    options: Options,
    /// None where the port takes plain HTTP only.
    tls: Option<Tls>,
    admin: Admin,
    budget: Budget,
    seats: Arc<Seats>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    asked: AtomicUsize,
    /// Whether the server is to end: whatever waits to be answered then would hold that up.
    ends: AtomicBool,
}

impl Shared {
    fn new(mock: Mock, options: Options, tls: Option<Tls>, admin: Admin, budget: Budget) -> Self {
        let [accepted, open, asked] = [0; 3].map(AtomicUsize::new);
        let (seats, ends) = (Arc::new(Seats::new(options.max_connections)), AtomicBool::new(false));
        Self { mock, options, tls, admin, budget, seats, accepted, open, asked, ends }
    }
}

/// The connections of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connections {
    /// All that were ever accepted.
    pub accepted: usize,
    /// Those that are open now.
    pub open: usize,
    /// The requests that came on them: admin calls and CONNECT too.
    pub asked: usize,
}

/// A running server. Dropping it cuts its connections, frees the port, ends the thread, and removes a temporary kit.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    kit: Arc<Kit>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:<port>`, for clients on this machine.
    pub fn https_url(&self) -> String {
        format!("https://{}", reached_at(self.address))
    }

    /// `http://127.0.0.1:<port>`, for clients on this machine. Plain HTTP presents no certificate.
    pub fn http_url(&self) -> String {
        format!("http://{}", reached_at(self.address))
    }

    /// How many connections there were, and are: to see whether a client keeps them.
    pub fn connections(&self) -> Connections {
        let count = |number: &AtomicUsize| number.load(Ordering::SeqCst);
        let Shared { accepted, open, asked, .. } = &*self.shared;
        Connections { accepted: count(accepted), open: count(open), asked: count(asked) }
    }

    /// Stops it at once, as dropping it does: requests under way get no answer.
    pub fn stop(self) {
        drop(self);
    }

    /// The certificates.
    pub fn kit(&self) -> &Kit {
        &self.kit
    }

    /// Writes the files of a merchant that was added after the start.
    pub fn write_merchant(&self, merchant: &MockMerchant) -> Result<MerchantFiles, KitError> {
        self.kit.write_merchant(merchant.mch_id())
    }
}

/// Where clients on this machine find a server that listens there: "everywhere" is no address to go to, and stands in no
/// certificate.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let loopback = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(loopback, address.port())
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread was already reported there.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_reached_on_this_machine() {
        for (listens, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("127.0.0.9:1", "127.0.0.9:1"),
            ("10.1.2.3:1", "10.1.2.3:1"),
        ] {
            assert_eq!(reached_at(listens.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
