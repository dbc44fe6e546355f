//! A server on a loopback port that follows a script and remembers what it got.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::connection;
use super::script::{Door, Reply, Step};

/// How long something is waited for that is due at once: generous, as nothing is proved by how long it took.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a server got.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) connections: usize,
    pub(super) requests: Vec<Received>,
    /// Bytes of requests that did not come to their end.
    pub(super) stray: usize,
    /// Replies that were played to their end.
    pub(super) played: usize,
    /// Connections that are over, as the client left or as the script said.
    pub(super) over: usize,
}

/// One whole request.
#[derive(Debug)]
pub(super) struct Received {
    /// The request line and the lines of header.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// Where it arrived.
    pub(super) address: SocketAddr,
    /// The certificate that the client had shown, in DER.
    pub(super) certificate: Option<Vec<u8>>,
    /// The host that the client had asked for in the handshake.
    pub(super) server_name: Option<String>,
    /// The protocol that the handshake had settled on.
    pub(super) alpn: Option<Vec<u8>>,
}

pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What the threads of a server share.
pub(super) struct Shared {
    pub(super) door: Door,
    replies: Vec<Reply>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// How many calls came back.
    returned: usize,
    ended: bool,
    /// The client end of the connection that ends the accepting.
    last: Option<SocketAddr>,
    conversations: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port. Of several replies each serves one request, the last one all that follow.
    pub(super) fn start(door: Door, replies: Vec<Reply>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let closed = matches!(door, Door::Closed);
        let shared = Arc::new(Shared { door, replies, state: Mutex::default(), changed: Condvar::new() });
        let accepting = if closed {
            None
        } else {
            let shared = Arc::clone(&shared);
            Some(thread::Builder::new().spawn(move || accept(&listener, &shared))?)
        };
        Ok(Self { address, shared, accepting })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A function that ends the server from another thread, and with it every call that waits for it.
    pub(super) fn ender(&self) -> impl FnOnce() + Send + 'static {
        let (address, shared) = (self.address, Arc::clone(&self.shared));
        move || end(address, &shared)
    }

    /// Says that so many calls came back.
    pub(super) fn returned(&self, calls: usize) {
        self.shared.change(|state| state.returned = calls);
    }

    /// Waits until the server got or did something; `false` where that does not happen.
    pub(super) fn until(&self, happened: impl Fn(&Seen) -> bool) -> bool {
        let state = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !(state.ended || happened(&state.seen)));
        happened(&waited.unwrap_or_else(PoisonError::into_inner).0.seen)
    }

    /// How many connections there were since this was asked last.
    pub(super) fn take_connections(&self) -> usize {
        std::mem::take(&mut self.shared.lock().seen.connections)
    }

    /// Ends the server, once it has read all that was sent to it before.
    pub(super) fn finish(mut self) -> Seen {
        self.stop();
        std::mem::take(&mut self.shared.lock().seen)
    }

    fn stop(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        end(self.address, &self.shared);
        // A panic of one of these threads was already reported there.
        drop(accepting.join());
        let conversations = std::mem::take(&mut self.shared.lock().conversations);
        for conversation in conversations {
            drop(conversation.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// The reply to the request, or the connection, of this number.
    pub(super) fn reply(&self, number: usize) -> &[Step] {
        self.replies.get(number).or(self.replies.last()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn ended(&self) -> bool {
        self.lock().ended
    }

    /// Notes something, and says so to all who wait.
    pub(super) fn note<R>(&self, note: impl FnOnce(&mut Seen) -> R) -> R {
        self.change(|state| note(&mut state.seen))
    }

    /// Waits until so many calls came back, or the server ends.
    pub(super) fn await_return(&self, calls: usize) {
        drop(self.changed.wait_while(self.lock(), |state| !state.ended && state.returned < calls));
    }

    /// Waits for the server's end.
    pub(super) fn hold(&self) {
        drop(self.changed.wait_while(self.lock(), |state| !state.ended));
    }

    /// Lets so much time pass; `false` where the server ends meanwhile.
    pub(super) fn pace(&self, time: Duration) -> bool {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, time, |state| !state.ended);
        !waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has every thread of the server stop as soon as it has read what is there. The last connection gets the accepting
/// thread to notice, once it has taken all the others.
fn end(address: SocketAddr, shared: &Shared) {
    shared.change(|state| {
        if !state.ended {
            state.ended = true;
            state.last = TcpStream::connect(address).and_then(|waker| waker.local_addr()).ok();
        }
    });
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, peer)) = listener.accept() {
        let mut state = shared.lock();
        if state.last == Some(peer) {
            return;
        }
        let number = state.seen.connections;
        state.seen.connections += 1;
        let conversation = thread::Builder::new().spawn({
            let shared = Arc::clone(shared);
            move || {
                // A connection that breaks is what many scripts are about.
                drop(connection::converse(stream, number, &shared));
                shared.note(|seen| seen.over += 1);
            }
        });
        state.conversations.extend(conversation);
    }
}
