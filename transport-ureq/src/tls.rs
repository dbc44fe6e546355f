//! TLS over a socket, with nothing left to chance between two calls.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use wechatpay_transport::Records;

use crate::socket::Socket;

#[derive(Debug)]
pub(crate) struct Tls {
    connection: ClientConnection,
    wire: Wire,
}

impl Tls {
    /// Shakes hands.
    pub(crate) fn over(
        socket: Socket,
        config: &Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut tls = Self { connection, wire: Wire { socket, records: Records::default() } };
        while tls.connection.is_handshaking() || tls.connection.wants_write() {
            tls.connection.complete_io(&mut tls.wire)?;
        }
        Ok(tls)
    }

    /// Hands all of it to the operating system. rustls's own stream would keep an error for the next write, and there
    /// may be none.
    pub(crate) fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = self.connection.writer().write(bytes)?;
            bytes = &bytes[taken..];
            self.send()?;
        }
        Ok(())
    }

    /// 0 only where the peer says goodbye. An end without that is an error: anybody on the way can make one.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            self.connection.read_tls(&mut self.wire)?;
            if let Err(error) = self.connection.process_new_packets() {
                let _ = self.send(); // the alert
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            self.send()?; // a change of keys, for example
        }
    }

    /// Whether the peer has sent nothing that is still to be read: nothing decrypted, nothing in the socket, and no
    /// beginning of a record between the two. Session tickets may come at any time and are taken in.
    pub(crate) fn is_silent(&mut self) -> bool {
        for _ in 0..MAX_READS {
            match self.connection.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                _ => return false,
            }
            match self.connection.read_tls(&mut AtOnce(&mut self.wire)) {
                Ok(read) if read > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.wire.records.is_between();
                }
                _ => return false,
            }
        }
        false
    }

    fn send(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut self.wire)?;
        }
        Ok(())
    }
}

/// A peer that has more than this to say between two calls is not silent.
const MAX_READS: usize = 16;

/// Says goodbye, where that needs no waiting. Where something else is still to be written it stays unwritten: a request
/// that the call has given up must not leave behind it.
impl Drop for Tls {
    fn drop(&mut self) {
        if self.connection.wants_write() {
            return;
        }
        self.connection.send_close_notify();
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut AtOnce(&mut self.wire)).is_err() {
                return;
            }
        }
    }
}

/// The socket, with an eye on the records that come in.
#[derive(Debug)]
struct Wire {
    socket: Socket,
    records: Records,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.socket.read(buffer)?;
        self.records.pass(&buffer[..read]);
        Ok(read)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same without waiting.
struct AtOnce<'a>(&'a mut Wire);

impl Read for AtOnce<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.socket.read_at_once(buffer)?;
        self.0.records.pass(&buffer[..read]);
        Ok(read)
    }
}

impl Write for AtOnce<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.socket.write_at_once(bytes)? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            taken => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;

    use rustls::{ServerConfig, ServerConnection, StreamOwned};
    use wechatpay_transport::{Lane, Roots, Settings, Step, Timeouts};

    use super::*;
    use crate::progress::{self, Watch};

    type Peer = StreamOwned<ServerConnection, TcpStream>;

    fn pair() -> (Tls, Peer) {
        let certified = rcgen::generate_simple_self_signed(["pay.example".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], certified.signing_key.into())
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let connection = ServerConnection::new(server.into()).unwrap();
            let mut peer = StreamOwned::new(connection, listener.accept().unwrap().0);
            while peer.conn.is_handshaking() || peer.conn.wants_write() {
                peer.conn.complete_io(&mut peer.sock).unwrap();
            }
            peer
        });
        let roots = Roots::from_pem(certified.cert.pem().as_bytes()).unwrap();
        let prepared = Settings::new().roots(roots).prepare().unwrap();
        let config = prepared.tls(Lane::Anonymous).unwrap();
        progress::enter(Step::Handshake);
        let tls = Tls::over(Socket::open(&[address]).unwrap(), config, "pay.example".try_into().unwrap());
        (tls.unwrap(), peer.join().unwrap())
    }

    #[test]
    fn tickets_are_silence_and_an_answer_is_not() {
        let _watch = Watch::begin(&Timeouts::default());
        let (mut tls, mut peer) = pair();
        assert!(tls.is_silent()); // whether the tickets of TLS 1.3 have come or not
        peer.write_all(b"an answer").unwrap();
        peer.flush().unwrap();
        while tls.is_silent() {
            tls.wire.socket.wait(); // for the tickets, perhaps, before it
        }
        assert!(!tls.is_silent(), "it is not lost by looking");
        assert_eq!(tls.read(&mut [0; 99]).unwrap(), 9);
        assert!(tls.is_silent());
    }

    #[test]
    fn half_a_record_is_not_silence() {
        let _watch = Watch::begin(&Timeouts::default());
        let (mut tls, mut peer) = pair();
        let mut record = Vec::new();
        peer.conn.writer().write_all(b"an answer").unwrap();
        peer.conn.write_tls(&mut record).unwrap();
        let (first, second) = record.split_at(7);
        peer.sock.write_all(first).unwrap();
        while tls.is_silent() {
            tls.wire.socket.wait();
        }
        assert!(!tls.is_silent());
        peer.sock.write_all(second).unwrap();
        assert_eq!(tls.read(&mut [0; 99]).unwrap(), 9);
        assert!(tls.is_silent());
    }

    #[test]
    fn a_goodbye_is_an_end_and_its_absence_an_error() {
        let _watch = Watch::begin(&Timeouts::default());
        let (mut tls, mut peer) = pair();
        peer.conn.send_close_notify();
        peer.conn.write_tls(&mut peer.sock).unwrap();
        assert_eq!(tls.read(&mut [0; 99]).unwrap(), 0);
        assert!(!tls.is_silent());
        let (mut tls, peer) = pair();
        drop(peer);
        assert_eq!(tls.read(&mut [0; 99]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(!tls.is_silent());
    }

    #[test]
    fn what_was_given_up_does_not_leave_with_the_goodbye() {
        let _watch = Watch::begin(&Timeouts::default());
        let (mut tls, mut peer) = pair();
        tls.connection.writer().write_all(b"a request that could not be sent").unwrap();
        drop(tls);
        assert!(peer.read(&mut [0; 99]).is_err(), "the end, without the request and without a goodbye");
    }
}
