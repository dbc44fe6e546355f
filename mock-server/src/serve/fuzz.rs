//! A door for fuzzing: bytes in, bytes out, and no socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::limits::{Budget, MAX_BODIES};
use super::seats::Seat;
use super::{Admin, Options, Schemes, Shared, connection};
use crate::mock::Mock;

/// Serves one plain connection that brings these bytes and then no more, and gives back all that it answers.
#[doc(hidden)]
pub fn fuzz_http(mock: &Mock, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let options = Options { schemes: Schemes::Http, max_delay: Duration::ZERO, ..Options::default() };
    let admin = Admin::without_kit(mock.clone());
    let shared = Arc::new(Shared::new(mock.clone(), options, None, admin, Budget::new(MAX_BODIES)));
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
        let (seat, (client, server)) = (Seat::uncounted(), duplex(64 * 1024));
        let (mut answers, mut requests) = tokio::io::split(client);
        let mut all = Vec::new();
        let ask = async {
            // The server may hang up before it has heard all.
            drop(requests.write_all(bytes).await);
            drop(requests.shutdown().await);
        };
        let (_, (), read) =
            tokio::join!(connection::serve(server, None, &shared, &seat), ask, answers.read_to_end(&mut all));
        read.map(|_| all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same numbers in every run.
    fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 16).unwrap_or(0) % below
        }
    }

    #[test]
    fn broken_requests_get_http_or_nothing() {
        let mock = Mock::builder().build();
        let whole = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\nPOST /mmpaymkttransfers/gethbinfo HTTP/1.1\r\nHost: a\r\n\
            Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\n<xml>\r\n0\r\n\r\nCONNECT api.wechatpay.cn:1 \
            HTTP/1.1\r\n\r\nPOST /__mock/redpackets/1/2/claim HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(
            fuzz_http(&mock, whole).unwrap().windows(7).filter(|bytes| bytes == b"HTTP/1.").count(),
            5
        );
        for seed in 0..2_000 {
            let mut number = numbers(seed);
            let mut bytes = whole.to_vec();
            for _ in 0..1 + number(4) {
                let place = number(bytes.len());
                match number(4) {
                    0 => bytes[place] = number(256).to_le_bytes()[0],
                    1 => bytes.truncate(place + 1),
                    2 => drop(bytes.drain(place..bytes.len().min(place + 1 + number(30)))),
                    _ => bytes.extend_from_within(place..),
                }
                bytes.push(b'\n');
            }
            let answers = fuzz_http(&mock, &bytes).unwrap();
            let begin = &answers[..answers.len().min(7)];
            assert!(b"HTTP/1.".starts_with(begin), "{seed}: {begin:?}");
        }
        assert_eq!(mock.ledger(), Mock::builder().build().ledger());
    }
}
