//! A TCP connection whose every wait has the time limit of the step that the call is in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::progress;

/// What the operating system was told is remembered, because telling it is not free.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    waits: bool,
    read_limit: Duration,
    write_limit: Duration,
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true); // only a matter of speed
        Self { stream, waits: true, read_limit: Duration::ZERO, write_limit: Duration::ZERO }
    }

    /// Tries one address after the other. Each gets an equal share of the time that is left, so that the first, if it
    /// swallows everything, leaves something for the others. Where none answers, silence counts for more than refusals:
    /// it is what a host that is cut off looks like.
    pub(crate) fn open(addresses: &[SocketAddr]) -> io::Result<Self> {
        let (mut silence, mut failure) = (false, io::Error::from(io::ErrorKind::NotFound));
        for (tried, address) in addresses.iter().enumerate() {
            let share = progress::left()? / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            match TcpStream::connect_timeout(address, share.max(SHORTEST)) {
                Ok(stream) => return Ok(Self::new(stream)),
                Err(error) if is_timeout(&error) => silence = true,
                Err(error) => failure = error,
            }
        }
        Err(if silence { progress::time_is_up() } else { failure })
    }

    /// Reads what is there, and says `WouldBlock` where nothing is.
    pub(crate) fn read_at_once(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.at_once(|mut stream| stream.read(buffer))
    }

    /// Writes what fits.
    pub(crate) fn write_at_once(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.at_once(|mut stream| stream.write(bytes))?;
        progress::wrote();
        Ok(taken)
    }

    /// Whether the peer is silent, as it has to be between two calls. A connection that has ended, or on which bytes
    /// wait that nobody asked for, is not.
    pub(crate) fn is_silent(&mut self) -> bool {
        let peeked = self.at_once(|stream| stream.peek(&mut [0]));
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Waits until something is there, as no call does.
    #[cfg(test)]
    pub(crate) fn wait(&mut self) {
        self.stream.set_nonblocking(false).unwrap();
        self.waits = true;
        self.stream.peek(&mut [0]).unwrap();
    }

    fn at_once<T>(&mut self, work: impl FnOnce(&TcpStream) -> io::Result<T>) -> io::Result<T> {
        self.wait_or_not(false)?;
        work(&self.stream)
    }

    fn wait_or_not(&mut self, waits: bool) -> io::Result<()> {
        if self.waits != waits {
            self.stream.set_nonblocking(!waits)?;
            self.waits = waits;
        }
        Ok(())
    }
}

/// The operating system refuses to wait for nothing.
const SHORTEST: Duration = Duration::from_micros(1);
/// So much longer than the step may take, a wait may be; then it is noticed that the time is up.
const SLACK: Duration = Duration::from_millis(10);

/// Whether the operating system has to be told anew, who waits for `told`, that `left` is left.
fn is_off(told: Duration, left: Duration) -> bool {
    told < left || told > left + SLACK
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait_or_not(true)?;
        loop {
            let left = progress::left()?; // an error, once the time is up
            if is_off(self.read_limit, left) {
                self.stream.set_read_timeout(Some(left))?;
                self.read_limit = left;
            }
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted || is_timeout(&error) => {}
                read => return read,
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait_or_not(true)?;
        loop {
            let left = progress::left()?;
            if is_off(self.write_limit, left) {
                self.stream.set_write_timeout(Some(left))?;
                self.write_limit = left;
            }
            match self.stream.write(bytes) {
                Ok(0) if !bytes.is_empty() => return Err(io::ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    progress::wrote();
                    return Ok(taken);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted || is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Unix says one, Windows the other.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Shutdown, TcpListener};

    use wechatpay_transport::{Step, Timeouts, TransportError};

    use super::*;
    use crate::progress::Watch;

    #[test]
    fn a_connection_that_is_gone_before_the_first_byte_proves_that_nothing_was_sent() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let _watch = Watch::begin(&Timeouts::default());
        progress::enter(Step::Connect);
        let mut socket = Socket::open(&[listener.local_addr().unwrap()]).unwrap();
        progress::connected();
        socket.stream.shutdown(Shutdown::Write).unwrap();
        progress::enter(Step::Write);
        let error = progress::failure(socket.write(b"POST").unwrap_err().into());
        assert!(matches!(error, TransportError::NotWritten(_)), "{error:?}");
    }

    #[test]
    fn one_address_that_answers_is_enough() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let _watch = Watch::begin(&Timeouts::default());
        let mut socket = Socket::open(&[gone, listener.local_addr().unwrap()]).unwrap();
        assert!(socket.is_silent());
        assert_eq!(Socket::open(&[gone]).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_peer_that_spoke_or_left_is_not_silent() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let _watch = Watch::begin(&Timeouts::default());
        let mut socket = Socket::open(&[listener.local_addr().unwrap()]).unwrap();
        let mut peer = listener.accept().unwrap().0;
        assert!(socket.is_silent());
        peer.write_all(b"x").unwrap();
        socket.wait();
        assert!(!socket.is_silent());
        assert_eq!(socket.read(&mut [0; 9]).unwrap(), 1);
        assert!(socket.is_silent());
        drop(peer);
        socket.wait();
        assert!(!socket.is_silent());
    }

    /// Reading on would find an end, and half a body would pass for a whole one.
    #[test]
    fn a_reset_is_an_error_and_no_end() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let _watch = Watch::begin(&Timeouts::default());
        let mut socket = Socket::open(&[listener.local_addr().unwrap()]).unwrap();
        let peer = listener.accept().unwrap().0;
        assert_eq!(socket.write(b"POST").unwrap(), 4);
        peer.peek(&mut [0]).unwrap();
        drop(peer); // which has not read what came: a reset
        assert_eq!(socket.read(&mut [0; 9]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }

    /// Whichever way it went.
    #[test]
    fn a_byte_that_left_ends_the_proof() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for write in
            [|socket: &mut Socket| socket.write(b"P"), |socket: &mut Socket| socket.write_at_once(b"P")]
        {
            let _watch = Watch::begin(&Timeouts::default());
            let mut socket = Socket::open(&[listener.local_addr().unwrap()]).unwrap();
            progress::enter(Step::Write);
            let lost = || progress::failure(io::Error::from(io::ErrorKind::BrokenPipe).into());
            assert!(matches!(lost(), TransportError::NotWritten(_)));
            assert_eq!(write(&mut socket).unwrap(), 1);
            assert!(matches!(lost(), TransportError::Exchange(_)));
        }
    }
}
