//! A server of raw sockets that answers with given bytes and remembers what it got.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
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
    /// Writes nothing and keeps the connection.
    Silence,
}

/// What a server got.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) requests: Vec<Request>,
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
        let request = read_request(&mut stream)?;
        record(request, shared);
        match reply {
            Reply::Answer(bytes) => stream.write_all(bytes)?,
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
}

impl Stream for TcpStream {
    fn subject(&self) -> Option<String> {
        None
    }

    fn hang_up(self) -> io::Result<()> {
        self.shutdown(Shutdown::Both) // the handle for finishing would keep it open
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
}
