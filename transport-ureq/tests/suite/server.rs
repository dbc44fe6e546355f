//! A server of raw sockets that answers with given bytes and remembers what it got.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// What a server does once it has read a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Writes this and waits for the next request.
    Answer(Vec<u8>),
    /// Writes this and closes the connection.
    Close(Vec<u8>),
    /// Writes this, says goodbye where TLS has a way to, and closes the connection.
    Goodbye(Vec<u8>),
    /// Writes the first, the second that nobody asked for, but only so many bytes of the latter; and waits for the next
    /// request.
    Twice(Vec<u8>, Vec<u8>, Cut),
    /// Says that the request is here, and answers when it is told to.
    Held(Arc<Hold>, Vec<u8>),
    /// Writes nothing and keeps the connection.
    Silence,
}

/// How much of something is written.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    All,
    Half,
}

/// Where a request waits for its answer.
#[derive(Default)]
pub(crate) struct Hold {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Hold {
    /// Waits until the request is here.
    pub(crate) fn arrived(&self) {
        self.wait(|(arrived, _)| arrived);
    }

    /// Lets the server answer.
    pub(crate) fn release(&self) {
        self.state.lock().unwrap().1 = true;
        self.changed.notify_all();
    }

    fn hold(&self) {
        self.state.lock().unwrap().0 = true;
        self.changed.notify_all();
        self.wait(|(_, released)| released);
    }

    fn wait(&self, done: impl Fn((bool, bool)) -> bool) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |state| !done(*state)).unwrap());
    }
}

/// What a server got.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<Request>,
    /// How many connections ended with TLS's goodbye.
    pub(crate) goodbyes: usize,
}

pub(crate) struct Request {
    /// The request line and the headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The subject of the client's certificate.
    pub(crate) subject: Option<String>,
}

pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    open: Mutex<Vec<(TcpStream, JoinHandle<io::Result<()>>)>>,
    /// The client end of the connection that ends the accepting.
    last: Mutex<Option<SocketAddr>>,
}

#[derive(Clone)]
enum Talk {
    Plain,
    Tls(Arc<ServerConfig>),
    /// Agrees to one CONNECT, and is then the target itself.
    Tunnel(Arc<ServerConfig>),
}

impl Server {
    pub(crate) fn plain(reply: Reply) -> Self {
        Self::start(Talk::Plain, reply)
    }

    pub(crate) fn tls(config: Arc<ServerConfig>, reply: Reply) -> Self {
        Self::start(Talk::Tls(config), reply)
    }

    pub(crate) fn tunnel(config: Arc<ServerConfig>, reply: Reply) -> Self {
        Self::start(Talk::Tunnel(config), reply)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}/pay?a=b", self.address)
    }

    pub(crate) fn https(&self) -> String {
        format!("https://{}/pay?a=b", self.address)
    }

    /// Ends the server, once it has read all that was sent to it before.
    pub(crate) fn finish(self) -> Seen {
        {
            let mut last = self.shared.last.lock().unwrap();
            let waker = TcpStream::connect(self.address).unwrap();
            *last = Some(waker.local_addr().unwrap());
        }
        self.accepting.join().unwrap();
        for (stream, thread) in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Read); // what has arrived is still read
            let _ = thread.join().unwrap(); // a client that went away is no failure of the server
        }
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }

    fn start(talk: Talk, reply: Reply) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, shared) = (listener.local_addr().unwrap(), Arc::new(Shared::default()));
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &talk, &reply, &shared)
        });
        Self { address, shared, accepting }
    }
}

/// An answer with a length.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    answer("200 OK", "", body)
}

pub(crate) fn post(url: &str) -> http::Request<Bytes> {
    http::Request::post(url)
        .header("Content-Type", "text/xml")
        .body(Bytes::from_static(b"<xml></xml>"))
        .unwrap()
}

fn accept(listener: &TcpListener, talk: &Talk, reply: &Reply, shared: &Arc<Shared>) {
    loop {
        let (stream, peer) = listener.accept().unwrap();
        if *shared.last.lock().unwrap() == Some(peer) {
            return;
        }
        shared.seen.lock().unwrap().connections += 1;
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let thread = thread::spawn({
            let (talk, reply, shared) = (talk.clone(), reply.clone(), Arc::clone(shared));
            let stream = stream.try_clone().unwrap();
            move || converse(stream, talk, &reply, &shared)
        });
        shared.open.lock().unwrap().push((stream, thread));
    }
}

fn converse(mut stream: TcpStream, talk: Talk, reply: &Reply, shared: &Shared) -> io::Result<()> {
    let config = match talk {
        Talk::Plain => return serve(stream, reply, shared),
        Talk::Tls(config) => config,
        Talk::Tunnel(config) => {
            record(read_request(&mut stream)?, shared);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            config
        }
    };
    let connection = ServerConnection::new(config).unwrap();
    serve(StreamOwned::new(connection, stream), reply, shared)
}

fn serve(mut stream: impl Stream, reply: &Reply, shared: &Shared) -> io::Result<()> {
    loop {
        let request = match read_request(&mut stream) {
            Ok(request) => request,
            Err(error) => {
                shared.seen.lock().unwrap().goodbyes += usize::from(stream.heard_goodbye());
                return Err(error);
            }
        };
        record(request, shared);
        match reply {
            Reply::Answer(bytes) => stream.write_all(bytes)?,
            Reply::Held(hold, bytes) => {
                hold.hold();
                stream.write_all(bytes)?;
            }
            Reply::Twice(first, second, cut) => stream.write_twice(first, second, *cut)?,
            Reply::Goodbye(bytes) => {
                stream.write_last(bytes)?;
                return stream.hang_up();
            }
            Reply::Close(bytes) => {
                stream.write_all(bytes)?;
                return stream.hang_up();
            }
            Reply::Silence => {
                io::copy(&mut stream, &mut io::sink())?;
                return Ok(());
            }
        }
        stream.flush()?;
    }
}

fn record(request: Request, shared: &Shared) {
    shared.seen.lock().unwrap().requests.push(request);
}

fn read_request(stream: &mut impl Stream) -> io::Result<Request> {
    let mut reader = BufReader::with_capacity(1, &mut *stream); // never ahead of what it gives
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    Ok(Request { head, body, subject: stream.subject() })
}

trait Stream: Read + Write {
    fn subject(&self) -> Option<String>;
    fn hang_up(self) -> io::Result<()>;
    /// With the goodbye, where there is one, in the same piece.
    fn write_last(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn heard_goodbye(&mut self) -> bool;
    /// All in one piece, as far as the system lets it be one.
    fn write_twice(&mut self, first: &[u8], second: &[u8], cut: Cut) -> io::Result<()>;
}

impl Cut {
    fn of(self, bytes: &[u8]) -> &[u8] {
        match self {
            Self::All => bytes,
            Self::Half => &bytes[..bytes.len() / 2],
        }
    }
}

impl Stream for TcpStream {
    fn subject(&self) -> Option<String> {
        None
    }

    fn hang_up(self) -> io::Result<()> {
        self.shutdown(Shutdown::Both) // the handle for finishing would keep it open
    }

    fn write_last(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn heard_goodbye(&mut self) -> bool {
        false
    }

    fn write_twice(&mut self, first: &[u8], second: &[u8], cut: Cut) -> io::Result<()> {
        self.write_all(&[first, cut.of(second)].concat())
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn subject(&self) -> Option<String> {
        let certificate = Certificate::from_der(self.conn.peer_certificates()?.first()?).unwrap();
        Some(certificate.tbs_certificate().subject().to_string())
    }

    fn hang_up(self) -> io::Result<()> {
        self.sock.hang_up() // and no close_notify
    }

    fn write_last(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.conn.writer().write_all(bytes)?;
        self.conn.send_close_notify();
        let records = pending(&mut self.conn)?;
        self.sock.write_all(&records)
    }

    fn heard_goodbye(&mut self) -> bool {
        self.conn.process_new_packets().is_ok_and(|state| state.peer_has_closed())
    }

    fn write_twice(&mut self, first: &[u8], second: &[u8], cut: Cut) -> io::Result<()> {
        let mut encrypt = |plain: &[u8]| {
            self.conn.writer().write_all(plain)?;
            pending(&mut self.conn)
        };
        let (first, second) = (encrypt(first)?, encrypt(second)?);
        self.sock.write_all(&[&first, cut.of(&second)].concat())
    }
}

/// What a connection has to write.
fn pending(connection: &mut ServerConnection) -> io::Result<Vec<u8>> {
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records)?;
    }
    Ok(records)
}
