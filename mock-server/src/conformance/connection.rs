//! One connection of a server: reads requests, plays the steps.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use super::script::{Door, Step};
use super::server::{Received, Shared};

/// How often a connection that waits looks whether the server has ended.
const LOOK_UP: Duration = Duration::from_millis(20);
/// A certificate, its proof and the end of a handshake have about 1,500 bytes.
const MORE_THAN_A_HANDSHAKE: usize = 8 * 1024;
/// Between two bytes of a slow drip.
const DRIP: Duration = Duration::from_millis(20);
/// What goes out at first of a record that comes in two parts: its header, which has 5 bytes, and a little more.
const HALF: usize = 7;

/// A stream with or without TLS.
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// What comes of the steps of a reply.
enum Next {
    GoOn,
    Gone,
}

struct Connection<'a> {
    stream: Stream,
    /// Which one of the server's it is, counted from 0.
    number: usize,
    shared: &'a Shared,
    /// Read, and not yet part of a request.
    pending: Vec<u8>,
    /// To be written before anything else, as it is.
    held: Vec<u8>,
    /// Nothing is written any more.
    closed: bool,
    /// It ends with RST as soon as it is dropped.
    reset: bool,
}

/// Talks to a client until one of the two has enough.
pub(super) fn converse(stream: TcpStream, number: usize, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK_UP))?;
    stream.set_write_timeout(Some(LOOK_UP))?;
    let (stream, speaks_http) = match &shared.door {
        Door::Closed => return Ok(()),
        Door::Raw => (Stream::Plain(stream), false),
        Door::Plain => (Stream::Plain(stream), true),
        Door::Tls(config) => {
            let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            (Stream::Tls(Box::new(StreamOwned::new(connection, stream))), true)
        }
        Door::TlsLate(config) => {
            let mut stream = stream;
            let mut connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            greet(&mut connection, &mut stream, shared)?;
            (Stream::Tls(Box::new(StreamOwned::new(connection, stream))), true)
        }
    };
    let (pending, held) = (Vec::new(), Vec::new());
    let mut connection = Connection { stream, number, shared, pending, held, closed: false, reset: false };
    let result = if speaks_http { connection.serve() } else { connection.recite() };
    let stray = connection.pending.len();
    if speaks_http {
        shared.note(|seen| seen.stray += stray);
    }
    if result.is_err() {
        connection.linger();
    }
    let reset = connection.reset;
    drop(connection);
    if reset {
        shared.note(|seen| seen.played += 1);
    }
    result
}

/// Reads the first message of a handshake and answers it, and waits until more has come than the rest of one has.
fn greet(connection: &mut ServerConnection, stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    while !connection.wants_write() {
        match connection.read_tls(stream) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => _ = connection.process_new_packets().map_err(io::Error::other)?,
            Err(error) if is_pause(&error) && shared.pace(LOOK_UP) => {}
            Err(error) => return Err(error),
        }
    }
    while connection.wants_write() {
        connection.write_tls(stream)?;
    }
    let mut waiting = [0; MORE_THAN_A_HANDSHAKE];
    loop {
        match stream.peek(&mut waiting) {
            Ok(MORE_THAN_A_HANDSHAKE) => return Ok(()),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if is_pause(&error) => {}
            Err(error) => return Err(error),
        }
        if !shared.pace(LOOK_UP) {
            return Err(ErrorKind::TimedOut.into());
        }
    }
}

impl Connection<'_> {
    fn serve(&mut self) -> io::Result<()> {
        while let Some(request) = self.request()? {
            let index = self.shared.note(|seen| {
                seen.requests.push(request);
                seen.requests.len() - 1
            });
            if !self.closed
                && let Next::Gone = self.play(index)?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    fn recite(&mut self) -> io::Result<()> {
        if let Next::GoOn = self.play(self.number)? {
            while self.read_some()? {
                self.pending.clear();
            }
        }
        Ok(())
    }

    /// Counts the reply as played, also where the client left before its end: nothing more is to be waited for.
    fn play(&mut self, index: usize) -> io::Result<Next> {
        let next = self.steps(index);
        if !self.reset {
            self.shared.note(|seen| seen.played += 1);
        }
        next
    }

    fn steps(&mut self, index: usize) -> io::Result<Next> {
        for step in self.shared.reply(index) {
            match step {
                Step::Write(bytes) => self.write(bytes)?,
                Step::WithHalf { answer, next } => self.write_with_half(answer, next)?,
                Step::Endless(bytes) => loop {
                    self.write(bytes)?;
                },
                Step::Drip(bytes) => {
                    for byte in bytes.iter().cycle() {
                        if !self.shared.pace(DRIP) {
                            return Ok(Next::Gone);
                        }
                        self.write(&[*byte])?;
                    }
                }
                Step::Hear => drop(self.read_some()?),
                Step::AfterCall => self.shared.await_return(index + 1),
                Step::Hold => self.shared.hold(),
                Step::Close => self.close()?,
                Step::Cut => self.cut()?,
                Step::Reset => {
                    socket2::SockRef::from(self.stream.socket()).set_linger(Some(Duration::ZERO))?;
                    self.reset = true;
                    return Ok(Next::Gone);
                }
            }
        }
        Ok(Next::GoOn)
    }

    /// The next whole request, or `None` where there is no more.
    fn request(&mut self) -> io::Result<Option<Received>> {
        loop {
            if let Some((head, body, rest)) = split(&self.pending) {
                self.pending = rest;
                return Ok(Some(Received {
                    head,
                    body,
                    address: self.stream.socket().local_addr()?,
                    certificate: self.stream.certificate(),
                    server_name: self.stream.server_name(),
                    alpn: self.stream.alpn(),
                }));
            }
            if !self.read_some()? {
                return Ok(None);
            }
        }
    }

    /// Reads a part of what comes; `false` at the end of the connection or of the server.
    fn read_some(&mut self) -> io::Result<bool> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.pending.extend_from_slice(buffer.get(..read).unwrap_or_default());
                    return Ok(true);
                }
                Err(error) if is_pause(&error) && !self.shared.ended() => {}
                // A client that leaves without close_notify has left.
                Err(error) if is_pause(&error) || error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes all of it, however slowly the client reads, unless the server ends.
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        // No more than a record: it fits into the buffers of the sockets.
        self.stream.socket().write_all(&std::mem::take(&mut self.held))?;
        loop {
            let result =
                if bytes.is_empty() { self.stream.flush().map(|()| 0) } else { self.stream.write(bytes) };
            match result {
                Ok(_) if bytes.is_empty() => break,
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(error),
            }
            if self.shared.ended() {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        if self.shared.ended() { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    /// In one write, so that the client finds the part of a record wherever it reads the answer.
    fn write_with_half(&mut self, answer: &[u8], next: &[u8]) -> io::Result<()> {
        self.write(&[])?;
        let mut first = self.stream.seal(answer)?;
        let next = self.stream.seal(next)?;
        let (half, rest) = next.split_at_checked(HALF).ok_or(ErrorKind::InvalidInput)?;
        first.extend_from_slice(half);
        self.held = rest.to_vec();
        self.stream.socket().write_all(&first)
    }

    fn close(&mut self) -> io::Result<()> {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
            self.write(&[])?;
        }
        self.cut()
    }

    /// Only its own half: what the client still sends is to be seen.
    fn cut(&mut self) -> io::Result<()> {
        self.closed = true;
        self.stream.socket().shutdown(Shutdown::Write)
    }

    /// After a failure, a handshake's for one: a socket that is dropped with bytes unread would take the alert back.
    fn linger(&mut self) {
        let mut socket = self.stream.socket();
        if socket.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let mut buffer = [0; 4096];
        while !self.shared.ended() {
            match socket.read(&mut buffer) {
                Ok(read) if read > 0 => {}
                Err(error) if is_pause(&error) => {}
                _ => return,
            }
        }
    }
}

/// Whether a timeout of the socket ran out, which only gives the occasion to look up.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The first request of these bytes, if it is all there: its head, its body, and what follows. No library's reader,
/// so that what a transport writes is judged by what stands there.
fn split(bytes: &[u8]) -> Option<(String, Vec<u8>, Vec<u8>)> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let (head, rest) = bytes.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let header = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_ascii_lowercase())
        })
    };
    let length = match header("transfer-encoding") {
        Some(_) => chunks(rest)?,
        None => header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0),
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((head, body.to_vec(), rest.to_vec()))
}

/// How many bytes the chunks have that stand here, with the last one and the lines behind it, if they are all there.
fn chunks(bytes: &[u8]) -> Option<usize> {
    let line = |from: usize| {
        let rest = bytes.get(from..)?;
        rest.get(..find(rest, b"\r\n")?)
    };
    let mut at = 0;
    loop {
        let size = line(at)?;
        at += size.len() + 2;
        let size = size.split(|byte| *byte == b';').next().and_then(|size| str::from_utf8(size).ok())?;
        match usize::from_str_radix(size.trim(), 16).ok()? {
            0 => break,
            size => at = at.checked_add(size)?.checked_add(2)?,
        }
    }
    loop {
        let trailer = line(at)?;
        at += trailer.len() + 2;
        if trailer.is_empty() {
            return Some(at);
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    fn certificate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => Some(stream.conn.peer_certificates()?.first()?.to_vec()),
        }
    }

    fn server_name(&self) -> Option<String> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.conn.server_name().map(str::to_owned),
        }
    }

    fn alpn(&self) -> Option<Vec<u8>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.conn.alpn_protocol().map(<[u8]>::to_vec),
        }
    }

    /// These bytes as they go over the wire; over TLS as records of their own, if all before them was written.
    fn seal(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let Self::Tls(stream) = self else { return Ok(bytes.to_vec()) };
        stream.conn.writer().write_all(bytes)?;
        let mut sealed = Vec::new();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut sealed)?;
        }
        Ok(sealed)
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_end_where_their_sizes_say() {
        let request = |body: &str| format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        // What looks like the last chunk is data of the first one.
        let whole = "5;a=b\r\n0\r\n\r\n\r\n0\r\nX: 1\r\n\r\n";
        let (_, body, rest) = split(request(&format!("{whole}POST")).as_bytes()).unwrap();
        assert_eq!((body.as_slice(), rest.as_slice()), (whole.as_bytes(), b"POST".as_slice()));
        for end in 0..whole.len() {
            assert!(split(request(&whole[..end]).as_bytes()).is_none(), "{end}");
        }
        assert!(split(request("ffffffffffffffff\r\n0\r\n\r\n").as_bytes()).is_none());
    }
}
