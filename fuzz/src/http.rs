//! Any bytes on a connection.

use wechatpay_mock_server::{Mock, fuzz_http};

use crate::requests::{APPID, KEY, SECRET};

/// Any bytes on a plain connection to the mock server: it ends, the same bytes bring the same answers, and nobody is
/// paid, as nobody has shown a certificate.
pub fn http(data: &[u8]) {
    let ask = || {
        let mock = Mock::builder().build();
        // What is not given is drawn, and that takes longer than most requests.
        let merchant = mock.merchant().mch_id("10000098").key(KEY).agent_secret(SECRET).appid(APPID);
        let merchant = merchant.create().expect("a sound merchant");
        (fuzz_http(&mock, data).expect("memory does not fail"), merchant.balance_fen())
    };
    let (answers, balance_fen) = ask();
    // A second time only for a part of the inputs: it takes as long as the first.
    if data.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)) % 8 == 0 {
        assert_eq!(ask(), (answers, balance_fen));
    }
    // The admin API may do as it likes.
    assert!(balance_fen == 1_000_000 || data.windows(7).any(|bytes| bytes == b"/__mock"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::seed;

    #[test]
    fn the_seeds_of_http_are_answered() {
        let mock = Mock::builder().build();
        for (name, answers) in [
            ("health", 1),
            ("post", 1),
            ("chunked", 2),
            ("connect", 2),
            ("connect-tls", 1),
            ("pipeline", 2),
            ("admin", 1),
            ("old", 2),
            ("lengths", 1),
        ] {
            let text =
                fuzz_http(&mock, &seed("http", &format!("{name}.http"))).expect("memory does not fail");
            let text = String::from_utf8_lossy(&text);
            assert_eq!(text.matches("HTTP/1.").count(), answers, "{name}: {text}");
        }
    }
}
