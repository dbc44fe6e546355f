//! The way through a proxy, asked for with CONNECT.

use std::io::{self, Read, Write};

use wechatpay_transport::Proxy;

/// An answer of a proxy that is longer than this is none.
const MAX_HEAD: usize = 16 * 1024;

/// Asks for a tunnel to `target`, a host with its port. The proxy learns that name and nothing else.
pub(crate) fn open(mut line: impl Read + Write, proxy: &Proxy, target: &str) -> io::Result<()> {
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend([b"Proxy-Authorization: ", authorization.as_bytes(), b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    line.write_all(&request)?;
    let head = read_head(line)?;
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(io::Error::other(format!("the proxy answered {status}"))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy does not speak HTTP")),
    }
}

fn read_head(mut line: impl Read) -> io::Result<Vec<u8>> {
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while head.len() < MAX_HEAD {
        match line.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => head.extend(&buffer[..read]),
        }
        match head.windows(4).position(|end| end == b"\r\n\r\n") {
            None => {}
            // A refusal may have a body.
            Some(end) if end + 4 == head.len() || !matches!(status(&head), Some(200..=299)) => {
                return Ok(head);
            }
            // In TLS the client speaks first: bytes that came already are not the target's.
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy spoke out of turn")),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the answer of the proxy is too long"))
}

/// The number in `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    let digits = rest.get(..3)?;
    let ends = rest.get(3).is_some_and(|next| *next == b' ' || *next == b'\r');
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    if ends && all_digits { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use wechatpay_transport::{Lane, Settings};

    use super::*;

    struct Line(Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Line {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Line {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn ask(answer: &[u8]) -> (io::Result<()>, String) {
        let prepared = Settings::new().proxy("http://user:pass@proxy.example").prepare().unwrap();
        let mut line = Line(Cursor::new(answer.to_vec()), Vec::new());
        let asked = open(&mut line, prepared.proxy(Lane::Merchant).unwrap(), "pay.example:443");
        (asked, String::from_utf8(line.1).unwrap())
    }

    #[test]
    fn only_a_clear_yes_opens_the_way() {
        for yes in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 299\r\nA: b\r\n\r\n"] {
            ask(yes.as_bytes()).0.unwrap();
        }
        let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        for no in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\n\r\nx",
            "HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 +20 OK\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "\u{1b}[2J\r\n\r\n",
            &long,
        ] {
            assert!(ask(no.as_bytes()).0.is_err(), "{no:.40}");
        }
    }

    #[test]
    fn the_proxy_learns_the_name_of_the_target() {
        let sent = ask(b"HTTP/1.1 200 OK\r\n\r\n").1;
        let expected = "CONNECT pay.example:443 HTTP/1.1\r\nHost: pay.example:443\r\n\
                        Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n";
        assert_eq!(sent, expected);
    }
}
