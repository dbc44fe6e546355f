//! A connection as ureq wants one: bytes out, bytes in, and whether it may serve again.

use std::io::{self, Read, Write};

use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use wechatpay_transport::Step;

use crate::progress;
use crate::socket::Socket;
use crate::tls::Tls;

#[derive(Debug)]
pub(crate) struct Connection {
    line: Line,
    buffers: LazyBuffers,
    /// ureq writes the head and the body apart. Together they are one write, one record of TLS, one packet.
    held: Vec<u8>,
}

/// As much is written at once: a record of TLS.
const ENOUGH: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) enum Line {
    Plain(Socket),
    Tls(Box<Tls>),
}

impl Connection {
    pub(crate) fn new(line: Line, buffers: LazyBuffers) -> Self {
        Self { line, buffers, held: Vec::new() }
    }

    /// Takes what is in the output buffer.
    fn hold(&mut self, amount: usize) -> Result<(), ureq::Error> {
        if progress::doing() != Some(Step::Write) {
            progress::left()?; // where there is no time to begin, nothing was begun
            progress::enter(Step::Write);
        }
        self.held.extend_from_slice(&self.buffers.output()[..amount]);
        if self.held.len() < ENOUGH { Ok(()) } else { self.write_held() }
    }

    fn write_held(&mut self) -> Result<(), ureq::Error> {
        let written = match &mut self.line {
            Line::Plain(socket) => socket.write_all(&self.held),
            Line::Tls(tls) => tls.write_all(&self.held),
        };
        self.held.clear();
        written.map_err(strict)
    }

    /// Whether anything came; once all is written.
    fn read(&mut self) -> Result<bool, ureq::Error> {
        if progress::doing() < Some(Step::Response) {
            self.write_held()?;
            progress::enter(Step::Response);
        }
        let buffer = self.buffers.input_append_buf();
        let read = match &mut self.line {
            Line::Plain(socket) => socket.read(buffer),
            Line::Tls(tls) => tls.read(buffer),
        };
        let read = read.map_err(strict)?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.hold(amount)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.read()
    }

    /// Asked after a call and before the next one. What came in between was never asked for. While the head of an answer
    /// is still being read, ureq asks because it sees no body, and whether there is none cannot be known here.
    fn is_open(&mut self) -> bool {
        progress::is_clear()
            && progress::doing() != Some(Step::Response)
            && self.buffers.input().is_empty()
            && match &mut self.line {
                Line::Plain(socket) => socket.is_silent(),
                Line::Tls(tls) => tls.is_silent(),
            }
    }

    fn is_tls(&self) -> bool {
        matches!(self.line, Line::Tls(_))
    }
}

/// Where the end of the connection is the end of the body, ureq takes a reset, or TLS without its goodbye, for that end,
/// if the error is one of I/O. Anybody on the way could cut a body off like that.
fn strict(error: io::Error) -> ureq::Error {
    match ureq::Error::from(error) {
        ureq::Error::Io(error) => ureq::Error::Other(error.into()),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use wechatpay_transport::{Timeouts, TransportError};

    use super::*;
    use crate::progress::Watch;

    #[test]
    fn where_there_is_no_time_to_begin_nothing_is_begun() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let watch = Watch::begin(&Timeouts::default());
        let line = Line::Plain(Socket::open(&[listener.local_addr().unwrap()]).unwrap());
        drop(watch);
        let mut connection = Connection::new(line, LazyBuffers::new(100, 100));
        let _watch = Watch::begin(&Timeouts { total: Duration::from_nanos(1), ..Timeouts::default() });
        progress::connected();
        connection.buffers().output()[..4].copy_from_slice(b"POST");
        let error = progress::failure(connection.hold(4).unwrap_err());
        assert!(matches!(error, TransportError::Timeout(Step::Connect)), "{error:?}");
        drop(connection);
        assert_eq!(listener.accept().unwrap().0.read(&mut [0; 9]).unwrap(), 0, "nothing was written");
    }

    #[test]
    fn each_step_is_entered_as_it_begins() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let _watch = Watch::begin(&Timeouts::default());
        let line = Line::Plain(Socket::open(&[listener.local_addr().unwrap()]).unwrap());
        let mut peer = listener.accept().unwrap().0;
        progress::connected();
        let mut connection = Connection::new(line, LazyBuffers::new(100, 100));
        connection.buffers().output()[..4].copy_from_slice(b"POST");
        connection.hold(4).unwrap();
        assert_eq!(progress::doing(), Some(Step::Write));
        peer.write_all(b"HTTP").unwrap();
        assert!(connection.read().unwrap());
        assert_eq!(progress::doing(), Some(Step::Response));
        assert_eq!(peer.read(&mut [0; 9]).unwrap(), 4);
        let error = progress::failure(io::Error::from(io::ErrorKind::BrokenPipe).into());
        assert!(matches!(error, TransportError::Exchange(_)), "{error:?}");
    }
}
