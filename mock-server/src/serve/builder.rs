//! What a server is started with.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::oneshot;

use super::limits::{BACKLOG, Budget, MAX_BODIES};
use super::tls::Tls;
use super::{Admin, Options, Schemes, ServeError, Server, Shared, Token, connection};
use crate::kit::{Kit, KitError, KitOptions};
use crate::mock::Mock;

impl Mock {
    /// A server for this mock, to be started.
    pub fn server(&self) -> ServerBuilder {
        ServerBuilder {
            mock: self.clone(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            kit_dir: None,
            token: None,
            options: Options::default(),
        }
    }

    /// Starts a server on a free port of 127.0.0.1, with its kit in a temporary folder. It listens, and the kit is
    /// written, when this returns; dropping it stops it.
    pub fn serve(&self) -> Result<Server, ServeError> {
        self.server().start()
    }
}

/// A server to be started.
#[derive(Clone)]
#[must_use]
pub struct ServerBuilder {
    mock: Mock,
    address: SocketAddr,
    kit_dir: Option<PathBuf>,
    /// Not looked at yet.
    token: Option<String>,
    options: Options,
}

impl ServerBuilder {
    /// Where to listen: a loopback address, unless the server is exposed; port 0 for a free one.
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Where the kit goes; it stays there. Without this, a temporary folder.
    pub fn kit_dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { kit_dir: Some(dir.into()), ..self }
    }

    /// One more name of the server, besides `localhost`, the loopback addresses and WeChat's own.
    pub fn host_alias(mut self, name: impl Into<String>) -> Self {
        self.options.aliases.push(name.into());
        self
    }

    /// The longest that an answer, or a piece of one, is held back by a fault: 60 s, unless told otherwise. What a fault
    /// wants beyond that is cut.
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.options.max_delay = delay;
        self
    }

    /// The most connections at once, 1 at least: 2048, unless told otherwise. Where there are so many, or the process may
    /// have no more file handles, a new one takes the place of the one whose client was waited for longest: for a
    /// handshake, a head or a body. One whose request is answered keeps its place.
    pub fn max_connections(mut self, most: usize) -> Self {
        self.options.max_connections = most;
        self
    }

    /// Takes HTTPS only: a plain request is told so, with the status 400. CONNECT still opens tunnels, for TLS.
    pub fn https_only(mut self) -> Self {
        self.options.schemes = Schemes::Https;
        self
    }

    /// Takes plain HTTP only: a handshake ends with an alert.
    pub fn http_only(mut self) -> Self {
        self.options.schemes = Schemes::Http;
        self
    }

    /// Whether the admin API is there; it is, unless told otherwise.
    pub fn admin(mut self, on: bool) -> Self {
        self.options.admin = on;
        self
    }

    /// Lets the server listen beyond loopback. Whoever reaches it can do as merchants do; the admin API, but for `GET
    /// /__mock/health`, wants `Authorization: Bearer` with this token then, wherever the server listens. The token has
    /// 16 visible ASCII characters or more.
    pub fn expose(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Starts the server.
    pub fn start(mut self) -> Result<Server, ServeError> {
        self.options.token = self.token.take().map(Token::new).transpose()?;
        if !self.address.ip().is_loopback() && self.options.token.is_none() {
            return Err(ServeError::NotLoopback { address: self.address });
        }
        let bind = |source| ServeError::Bind { address: self.address, source };
        let listener = listen(self.address).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let kit = Arc::new(self.kit()?);
        let admin = Admin::new(self.mock.clone(), Arc::clone(&kit), address, &self.options);
        admin.write_first_environment()?;
        let tls = match self.options.schemes {
            Schemes::Http => None,
            Schemes::Both | Schemes::Https => {
                Some(Tls { kit: Arc::clone(&kit), config: Arc::new(kit.server_config()?) })
            }
        };
        let shared = Arc::new(Shared::new(self.mock, self.options, tls, admin, Budget::new(MAX_BODIES)));
        let (stop, stopped) = oneshot::channel();
        let (start, started) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("wechatpay-mock".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || run(listener, shared, stopped, &start)
            })
            .map_err(ServeError::Thread)?;
        let ended = |_| Err(io::Error::other("it ended at once"));
        started.recv().unwrap_or_else(ended).map_err(ServeError::Thread)?;
        Ok(Server { address, shared, kit, stop: Some(stop), thread: Some(thread) })
    }
}

impl ServerBuilder {
    /// The kit, with the files of every merchant that there is.
    fn kit(&self) -> Result<Kit, KitError> {
        let options = self.options.aliases.iter().fold(KitOptions::new(), KitOptions::host_alias);
        let options = self.kit_dir.iter().fold(options, KitOptions::dir);
        let kit = options.create()?;
        for merchant in self.mock.merchants() {
            kit.write_merchant(merchant.mch_id())?;
        }
        Ok(kit)
    }
}

/// One that had connections a moment ago may be listened on again.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The server's thread. The runtime lives and dies here: the caller may have one of its own, in which no other may be
/// dropped.
fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
    start: &mpsc::Sender<io::Result<()>>,
) {
    // Whoever starts the server waits for this.
    let tell = |result| drop(start.send(result));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tell(Err(error)),
    };
    runtime.block_on(async {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return tell(Err(error)),
        };
        tell(Ok(()));
        tokio::select! {
            // Sender gone or used: either way the server is to stop. Its connections end with the runtime.
            _ = stopped => {}
            never = connection::accept(listener, shared) => match never {},
        }
    });
}

impl std::fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { mock, address, kit_dir, token: _, options } = self;
        let mut builder = f.debug_struct("ServerBuilder");
        builder.field("mock", mock).field("address", address).field("kit_dir", kit_dir);
        builder.field("options", options).finish_non_exhaustive()
    }
}
