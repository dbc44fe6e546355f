//! Plain HTTP: answers that stop, that come slowly, or that do not come.

use bytes::Bytes;

use super::case::{BRIEF, Case, SHORT};
use super::script::{Step, chunked, ok, write};

/// More than the buffers between two sockets hold.
const LARGE: usize = 32 << 20;

const HALF_HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Le";
const HALF_BODY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<xml>";

pub(super) fn cases() -> Vec<Case> {
    [silent(), slow(), cut_off()].concat()
}

fn silent() -> Vec<Case> {
    vec![
        Case::raw("silence-handshake", "Silence in the handshake ends with its time, and nothing was sent.")
            .reply([])
            .not_sent()
            .url("https://{address}/pay")
            .limits(|limits| (limits.connect, limits.tls) = (SHORT, SHORT)),
        Case::plain(
            "silence-response",
            "Silence after the request ends with the time for the answer's head.",
        )
        .reply([])
        .maybe_sent()
        .limits(|limits| limits.response = BRIEF),
        Case::plain("silence-body", "Silence in the body ends with the body's time.")
            .reply([write(HALF_BODY)])
            .maybe_sent()
            .limits(|limits| limits.body = BRIEF),
        Case::plain(
            "silence-total",
            "Silence ends with the time for the whole call, whatever the steps allow.",
        )
        .reply([])
        .maybe_sent()
        .limits(|limits| limits.total = BRIEF),
        Case::raw("never-reads", "A server that reads nothing ends the call with the time for writing.")
            .reply([Step::Hold])
            .maybe_sent()
            .with(|call| call.body = Bytes::from(vec![b'x'; LARGE]))
            .requests(0)
            .limits(|limits| limits.write = BRIEF),
        Case::plain("silence-then-next", "A call whose time was up leaves nothing behind for the next one.")
            .reply([])
            .reply([ok("2")])
            .maybe_sent()
            .answers("2")
            .limits(|limits| limits.response = BRIEF),
    ]
}

/// A byte every 20 ms, so that no step ever stands still.
fn slow() -> Vec<Case> {
    let drip = |id, shows, start: &str, drops| {
        let case = Case::plain(id, shows).reply([write(start), Step::Drip(drops)]).maybe_sent();
        case.limits(|limits| limits.total = BRIEF)
    };
    vec![
        Case::raw("drip-handshake", "A handshake byte by byte ends with its time, and nothing was sent.")
            // a handshake record of 16,384 bytes begins
            .reply([Step::Hear, write([0x16, 3, 3, 0x40, 0, 2, 0, 0x3f, 0xf0]), Step::Drip(&[3])])
            .not_sent()
            .url("https://{address}/pay")
            .limits(|limits| (limits.connect, limits.tls) = (SHORT, SHORT)),
        drip(
            "drip-head",
            "A head byte by byte ends with the time for the call.",
            "HTTP/1.1 200 OK\r\nX: ",
            b"x",
        ),
        drip(
            "drip-body",
            "A body byte by byte ends with the time for the call.",
            "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n",
            b"x",
        ),
        drip(
            "drip-chunks",
            "Chunks byte by byte end with the time for the call.",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\nx\r\n",
        ),
        drip(
            "drip-100",
            "Interim answers one after the other end with the time for the call.",
            "",
            b"HTTP/1.1 100 Continue\r\n\r\n",
        ),
    ]
}

fn cut_off() -> Vec<Case> {
    let ends = [
        (
            "close",
            "An answer that ends too early with FIN is an error, and nothing is sent again.",
            Step::Close,
        ),
        (
            "reset",
            "An answer that ends too early with RST is an error, and nothing is sent again.",
            Step::Reset,
        ),
    ];
    let stages = [
        ("before-head", write("")),
        ("in-head", write(HALF_HEAD)),
        ("in-body", write(HALF_BODY)),
        ("in-chunk", chunked("5\r\n<x")),
        ("between-chunks", chunked("5\r\n<xml>\r\n")),
    ];
    let in_request = Case::raw(
        "reset-in-request",
        "A connection that is reset while the request is written is an error: a part of it arrived.",
    )
    .reply([Step::Hear, Step::Reset])
    .maybe_sent()
    .with(|call| call.body = Bytes::from(vec![b'x'; LARGE]))
    .requests(0);
    let mut cases = vec![in_request];
    for (how, shows, end) in ends {
        for (stage, start) in &stages {
            let case = Case::plain(format!("{how}-{stage}"), shows).reply([start.clone(), end.clone()]);
            cases.push(case.maybe_sent());
        }
    }
    cases
}
