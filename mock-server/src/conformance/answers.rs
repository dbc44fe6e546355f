//! Plain HTTP: answers that come back as they are, those that are too much, and those that are none.

use bytes::Bytes;

use super::case::{BRIEF, Case, Expect};
use super::requests::header;
use super::script::{Step, answer, ok, write};

/// `<xml></xml>` as gzip.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xb3\xa9\xc8\xcd\xb1\xb3\xd1\x07\x91\x00\x50\x36\xd9\xa8\
    \x0b\x00\x00\x00";

const PAGE: &str = "<html><head><title>nginx</title></head></html>";

/// What happens at `elsewhere`, the address of another server, is looked at by the suite: nothing ever must.
pub(super) fn cases(elsewhere: &str, body_limit: usize) -> Vec<Case> {
    [statuses(elsewhere), without_body(), interim(), bodies(body_limit), heads(), no_http()].concat()
}

fn statuses(elsewhere: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{elsewhere}/pay");
        let headers = format!("Location: {location}\r\n");
        let shows = "A redirect comes back as it is; nobody goes where it points.";
        let case = Case::plain(format!("redirect-{status}"), shows)
            .reply([answer(&format!("{status} Elsewhere"), &headers, PAGE)])
            .answers_with(status, PAGE)
            .check(move |_, outcomes| header(outcomes, "location", &location));
        cases.push(case);
    }
    // Where a GET is sent on without a second thought, and where the server itself is pointed at.
    let location = format!("Location: http://{elsewhere}/pay\r\n");
    let get = Case::plain("redirect-get", "A redirect comes back as it is, also to a GET.")
        .reply([answer("302 Elsewhere", &location, PAGE)])
        .answers_with(302, PAGE)
        .with(|call| (call.method, call.body) = (http::Method::GET, Bytes::new()));
    let relative = Case::plain("redirect-relative", "A redirect within the server comes back as it is.")
        .reply([answer("307 Elsewhere", "Location: /elsewhere\r\n", PAGE)])
        .answers_with(307, PAGE)
        .check(|_, outcomes| header(outcomes, "location", "/elsewhere"));
    cases.extend([get, relative]);
    for status in [400, 401, 403, 404, 407, 408, 413, 421, 425, 429, 500, 502, 503, 504] {
        let headers = "Content-Type: text/html\r\nRetry-After: 0\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\
                       Proxy-Authenticate: Basic realm=\"x\"\r\n";
        let shows = "A failure comes back as it is, with its page; nothing is sent again.";
        let case = Case::plain(format!("status-{status}"), shows)
            .reply([answer(&format!("{status} Sorry"), headers, PAGE)])
            .answers_with(status, PAGE);
        cases.push(case);
    }
    let shows = "A body that came in gzip, which nobody had asked for, comes back as it is.";
    let gzip = Case::plain("gzip", shows)
        .reply([answer("200 OK", "Content-Encoding: gzip\r\n", GZIP)])
        .answers(GZIP)
        .check(|_, outcomes| header(outcomes, "content-encoding", "gzip"));
    cases.push(gzip);
    cases
}

/// Answers that end with their head, whatever it says.
fn without_body() -> Vec<Case> {
    let empty = |id, shows, status, head| {
        Case::plain(id, shows)
            .reply([write(head)])
            .reply([ok("2")])
            .answers_with(status, "")
            .answers("2")
            .at_most(2)
    };
    vec![
        empty("status-204", "A 204 ends with its head.", 204, "HTTP/1.1 204 No Content\r\n\r\n"),
        empty(
            "status-304",
            "A 304 ends with its head, which may speak of a length all the same.",
            304,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 11\r\n\r\n",
        ),
    ]
}

fn interim() -> Vec<Case> {
    let first = |id, shows, interim: &str| {
        let answer = format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
        Case::plain(id, shows).reply([write(answer)]).answers("1")
    };
    let endless =
        Case::plain("interim-endless", "Interim answers without end are an error, and the client leaves.")
            .reply([Step::Endless(b"HTTP/1.1 100 Continue\r\n\r\n")])
            .maybe_sent()
            .limits(|limits| limits.total = BRIEF);
    let endless = Case { leaves: true, ..endless };
    vec![
        first("interim-100", "A 100 comes before the answer and is none.", "HTTP/1.1 100 Continue\r\n\r\n"),
        first(
            "interim-103",
            "A 103 comes before the answer and is none.",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        ),
        endless,
        Case::plain(
            "interim-101",
            "A 101 nobody asked for ends the call, and the connection is not used again.",
        )
        .reply([write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")])
        .reply([ok("2")])
        .call(Expect::Anything)
        .answers("2")
        .limits(|limits| limits.total = BRIEF),
    ]
}

/// Bodies of the limit, a byte more, and much more, in each of the ways in which a body ends.
fn bodies(limit: usize) -> Vec<Case> {
    let length = |size: usize| vec![ok(vec![b'x'; size])];
    let chunks = |size: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n");
        vec![write([head.as_bytes(), &vec![b'x'; size], b"\r\n0\r\n\r\n"].concat())]
    };
    let close =
        |size: usize| vec![write([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; size]].concat()), Step::Close];
    let mut cases = Vec::new();
    let ways: [(_, &dyn Fn(usize) -> Vec<Step>); 3] =
        [("length", &length), ("chunks", &chunks), ("close", &close)];
    for (way, body) in ways {
        let at_limit = Case::plain(format!("limit-{way}"), "A body of just the limit is an answer.");
        cases.push(at_limit.reply(body(limit)).answers(vec![b'x'; limit]));
        let above =
            Case::plain(format!("limit-{way}-above"), "A body of one byte more than the limit is an error.");
        cases.push(above.reply(body(limit + 1)).maybe_sent());
        let shows = "A body of 10 MB is an error.";
        cases.push(Case::plain(format!("limit-{way}-10mb"), shows).reply(body(10_000_000)).maybe_sent());
    }
    let endless = [
        ("endless-length", "Content-Length: 18446744073709551615\r\n", &b"xxxxxxxxxxxxxxxx"[..]),
        ("endless-chunks", "Transfer-Encoding: chunked\r\n", b"10\r\nxxxxxxxxxxxxxxxx\r\n"),
        ("endless-close", "", b"xxxxxxxxxxxxxxxx"),
    ];
    for (id, headers, bytes) in endless {
        let shows = "A body without end is an error, and the client leaves.";
        let steps = [write(format!("HTTP/1.1 200 OK\r\n{headers}\r\n")), Step::Endless(bytes)];
        let case = Case::plain(id, shows).reply(steps).maybe_sent();
        cases.push(Case { leaves: true, ..case });
    }
    cases
}

fn heads() -> Vec<Case> {
    let many = "X-Line: 1\r\n".repeat(10_000);
    let long = format!("X-Line: {}\r\n", "x".repeat(1_000_000));
    let endless = |id, shows, bytes| {
        let steps = [write("HTTP/1.1 200 OK\r\nX-Line: 1"), Step::Endless(bytes)];
        Case { leaves: true, ..Case::plain(id, shows).reply(steps).maybe_sent() }
    };
    vec![
        Case::plain("head-1mb", "A head of 1 MB is an error.")
            .reply([answer("200 OK", &long, "1")])
            .maybe_sent(),
        Case::plain("head-10000-lines", "10,000 lines of header are an error.")
            .reply([answer("200 OK", &many, "1")])
            .maybe_sent(),
        endless(
            "head-endless-line",
            "A line of header without end is an error, and the client leaves.",
            b"xxxxxxxx",
        ),
        endless(
            "head-endless",
            "Lines of header without end are an error, and the client leaves.",
            b"\r\nX-Line: 1",
        ),
    ]
}

fn no_http() -> Vec<Case> {
    let garbage =
        |id, shows, bytes: &[u8]| Case::plain(id, shows).reply([write(bytes), Step::Close]).maybe_sent();
    vec![
        garbage("no-http", "Garbage is an error.", b"\x1b]0;title\x07\xff\xfe\x00 garbage\r\n\r\n"),
        garbage("no-http-text", "Lines of another protocol are an error.", b"220 mail.example ESMTP\r\n\r\n"),
        garbage("http-0.9", "A body without a head is an error.", b"<xml></xml>"),
        garbage("http-2", "Frames of HTTP/2 are an error.", b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
        garbage(
            "http-2-status",
            "A status line of HTTP/2 is an error.",
            b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        ),
        garbage(
            "status-none",
            "A status that is no number is an error.",
            b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        ),
    ]
}
