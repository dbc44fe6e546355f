//! A record to be read by people: the request as HTTP/1.1 has it, and below it what was sent back.

use bytes::Bytes;
use http::{HeaderMap, Response};

use super::Record;
use crate::outcome::{Effect, End};
use crate::span;

impl Record {
    /// The request with its head and its body, an empty line, and after `<- ` the answer or what became of it. Lines
    /// of heads end with a line feed alone; bodies, and what a fault wrote, stand as they are.
    pub fn to_raw(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\n", self.method, self.target).into_bytes();
        headers(&mut text, &self.headers);
        text.push(b'\n');
        text.extend_from_slice(&self.body);
        text.extend_from_slice(b"\n\n");
        if self.trimmed {
            text.extend_from_slice(b"(the bodies were too large to be kept)\n");
        }
        if !self.delay.is_zero() {
            line(&mut text, &format!("after {}", span::print(self.delay)));
        }
        match &self.effect {
            Effect::Reply(response) => answer(&mut text, response),
            Effect::Wire { pieces, end, .. } => {
                for piece in pieces {
                    let pause = match piece.after {
                        none if none.is_zero() => String::new(),
                        after => format!(", {} later", span::print(after)),
                    };
                    line(&mut text, &format!("{} bytes{pause}", piece.bytes.len()));
                    text.extend_from_slice(&piece.bytes);
                    text.push(b'\n');
                }
                line(&mut text, ending(*end));
            }
        }
        text
    }
}

fn answer(text: &mut Vec<u8>, response: &Response<Bytes>) {
    line(text, &format!("HTTP/1.1 {}", response.status()));
    headers(text, response.headers());
    text.push(b'\n');
    text.extend_from_slice(response.body());
    text.push(b'\n');
}

fn line(text: &mut Vec<u8>, words: &str) {
    text.extend_from_slice(format!("<- {words}\n").as_bytes());
}

fn headers(text: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.push(b'\n');
    }
}

fn ending(end: End) -> &'static str {
    match end {
        End::Reset => "then the connection was reset",
        End::Close => "then the connection ended",
        End::Truncate => "then the connection ended, without TLS's close_notify",
        End::Hang => "then nothing more came",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::samples::record;
    use super::*;
    use crate::outcome::{Broken, Piece};

    #[test]
    fn a_request_and_its_answer_are_read_as_they_went() {
        let mut record = record(1, &[("mch_id", "1")]);
        record.target.push_str("?a=b");
        record.delay = Duration::from_secs(2);
        let text = String::from_utf8(record.to_raw()).unwrap();
        let expected = "POST /mmpaymkttransfers/sendredpack?a=b HTTP/1.1\ncontent-type: text/xml\n\n\
            <xml><mch_id>1</mch_id></xml>\n\n<- after 2s\n<- HTTP/1.1 200 OK\n\n\
            <xml><return_code>SUCCESS</return_code><err_code>SUCCESS</err_code></xml>\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_a_fault_wrote_is_read_piece_by_piece() {
        let mut record = record(1, &[]);
        record.body = Bytes::from_static(b"\xff\0");
        let pieces = [(0, "HTTP/1.1 2"), (500, "00 OK")].map(|(millis, text)| Piece {
            after: Duration::from_millis(millis),
            bytes: Bytes::from_static(text.as_bytes()),
        });
        let wire = |end| Effect::Wire { pieces: pieces.to_vec(), end, seen: Err(Broken::from(end)) };
        let ends = [
            (End::Reset, "was reset\n"),
            (End::Close, "connection ended\n"),
            (End::Truncate, "without TLS's close_notify\n"),
            (End::Hang, "nothing more came\n"),
        ];
        for (end, words) in ends {
            record.effect = wire(end);
            let raw = record.to_raw();
            let (request, rest) = raw.split_at(raw.windows(3).position(|part| part == b"<- ").unwrap());
            assert!(request.ends_with(b"\n\n\xff\0\n\n"));
            let rest = str::from_utf8(rest).unwrap();
            let written = "<- 10 bytes\nHTTP/1.1 2\n<- 5 bytes, 500ms later\n00 OK\n<- then ";
            assert!(rest.starts_with(written) && rest.ends_with(words), "{rest}");
        }
    }

    #[test]
    fn what_was_not_kept_is_said() {
        let raw = record(1, &[]).trimmed().to_raw();
        assert!(String::from_utf8(raw).unwrap().contains("(the bodies were too large to be kept)"));
    }
}
