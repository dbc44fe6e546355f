//! Plain HTTP: how a request goes out, where it may go, and which connection it takes.

use bytes::Bytes;

use super::case::{Case, Outcome};
use super::script::{Step, answer, ok, write};
use super::server::{Received, Seen};

/// Names that stand for hosts which are not this machine.
const PRODUCTION: &str = "api.mch.weixin.qq.com";
const ELSEWHERE: &str = "192.0.2.1"; // an address that is set aside for documents

/// What a transport may say for itself, or must.
const HEADERS: [&str; 5] = ["host", "content-type", "content-length", "user-agent", "connection"];

pub(super) fn cases() -> Vec<Case> {
    [as_they_are(), targets(), reuse(), stale()].concat()
}

fn as_they_are() -> Vec<Case> {
    // Every byte there is, line ends and what would end a chunk among them.
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    vec![
        Case::plain(
            "request-as-is",
            "Method, path, query, header and body go out as they are, and nothing is added.",
        )
        .reply([ok("<xml>1</xml>")])
        .answers("<xml>1</xml>")
        .check(|seen, _| as_it_is(seen, "POST", b"<xml></xml>")),
        Case::plain("request-large", "A body of 100,000 bytes of every kind goes out as it is.")
            .reply([ok("")])
            .answers("")
            .with(|call| call.body = Bytes::from(bytes.clone()))
            .check(move |seen, _| as_it_is(seen, "POST", &bytes)),
        Case::plain("request-get", "A GET goes out as it is, without a body.")
            .reply([ok("<xml>1</xml>")])
            .answers("<xml>1</xml>")
            .with(|call| (call.method, call.body) = (http::Method::GET, Bytes::new()))
            .check(|seen, _| as_it_is(seen, "GET", b"")),
        Case::plain(
            "plain-marked",
            "The mark is no obstacle over plain http, where no certificate can be shown.",
        )
        .reply([ok("1")])
        .answers("1")
        .marked(),
    ]
}

fn targets() -> Vec<Case> {
    let refused = |id, shows, url| Case::plain(id, shows).reply([ok("")]).not_sent().url(url).connections(0);
    vec![
        Case::closed("refused-http", "A refused connection proves that nothing was sent, over http.")
            .not_sent(),
        Case::closed("refused-https", "A refused connection proves that nothing was sent, over https.")
            .not_sent()
            .url("https://{address}/pay"),
        refused(
            "target-host",
            "Plain http to a host that is not this machine is refused, wherever its name leads.",
            "http://api.mch.weixin.qq.com:{port}/pay",
        )
        .host(PRODUCTION),
        refused(
            "target-address",
            "Plain http to an address that is not this machine is refused.",
            "http://192.0.2.1:{port}/pay",
        )
        .host(ELSEWHERE),
        refused("target-user", "A URL with a user's name is refused.", "http://user:password@{address}/pay"),
        refused(
            "target-disguise",
            "A loopback address in place of the user's name does not make a host this machine.",
            "http://127.0.0.1@192.0.2.1:{port}/pay",
        )
        .host(ELSEWHERE),
        refused(
            "target-scheme",
            "A scheme that is neither https nor http is refused.",
            "ftp://{address}/pay",
        ),
        refused("target-nowhere", "A target without a host is refused.", "/pay"),
        refused(
            "target-port",
            "A port that is no port does not become the default one.",
            "http://127.0.0.1:99999/",
        ),
    ]
}

fn reuse() -> Vec<Case> {
    let http_1_0 = write("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1");
    vec![
        Case::plain("reuse", "Two calls, one after the other, share a connection.")
            .reply([ok("1")])
            .reply([ok("2")])
            .answers("1")
            .answers("2")
            .kept(1),
        Case::plain("reuse-not-wanted", "A connection that the server wants to close is not used again.")
            .reply([answer("200 OK", "Connection: close\r\n", "1")])
            .reply([ok("2")])
            .answers("1")
            .answers("2"),
        Case::plain("reuse-http-1.0", "A connection of HTTP/1.0 ends with its answer.")
            .reply([http_1_0])
            .reply([ok("2")])
            .answers("1")
            .answers("2"),
        Case::plain("reuse-after-error", "An answer that cannot be read is not in the way of the next call.")
            .reply([write("HTTP/1.1 abc OK\r\nContent-Length: 1\r\n\r\n1")])
            .reply([ok("2")])
            .maybe_sent()
            .answers("2"),
    ]
}

/// Connections that end while nobody uses them, and those that end just then.
fn stale() -> Vec<Case> {
    let kept = |id, shows, end: Step| {
        Case::plain(id, shows)
            .reply([ok("1"), Step::AfterCall, end])
            .reply([ok("2")])
            .answers("1")
            .answers("2")
    };
    let dying = |id, shows, end| {
        Case::plain(id, shows)
            .reply([ok("1")])
            .reply([end])
            .reply([ok("sent again")])
            .answers("1")
            .maybe_sent()
            .kept(1)
    };
    vec![
        kept(
            "idle-close",
            "A connection that the server closed meanwhile is noticed, and is no error.",
            Step::Close,
        ),
        kept("idle-reset", "A connection that was reset meanwhile is noticed, and is no error.", Step::Reset),
        dying(
            "reuse-close",
            "A kept connection that closes on the next request is an error; the request is not sent again.",
            Step::Close,
        ),
        dying(
            "reuse-reset",
            "A kept connection that is reset on the next request is an error; the request is not sent again.",
            Step::Reset,
        ),
    ]
}

/// Every line of the head counts, and so does what is not there.
fn as_it_is(seen: &Seen, method: &str, body: &[u8]) -> Result<(), String> {
    let [request] = seen.requests.as_slice() else {
        return Err("there is not one request to look at".to_owned());
    };
    let mut problems = Vec::new();
    let line = format!("{method} /pay?a=b HTTP/1.1\r\n");
    if !request.head.starts_with(&line) {
        problems.push(format!("the head does not start with {line:?}"));
    }
    if request.body != body {
        problems.push(format!("the body is not as it was: {} bytes of {}", request.body.len(), body.len()));
    }
    let length = body.len().to_string();
    let authority = request.address.to_string();
    let mut wanted = vec![("host", Some(authority.as_str()))];
    if method == "POST" {
        wanted.extend([
            ("content-type", Some("text/xml; charset=utf-8")),
            ("content-length", Some(length.as_str())),
        ]);
    }
    for (name, value) in wanted {
        let values = values(request, name);
        if values != value.into_iter().collect::<Vec<_>>() {
            problems.push(format!("{name} is {values:?} and not {value:?}"));
        }
    }
    for name in request.head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)) {
        if !HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            problems.push(format!("{name} was added"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{} in {:?}", problems.join("; "), request.head)) }
}

/// All values of a header, as they stand there.
pub(super) fn values<'r>(request: &'r Received, name: &str) -> Vec<&'r str> {
    let lines = request.head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

/// That the last answer has this header.
pub(super) fn header(outcomes: &[Outcome], name: &str, value: &str) -> Result<(), String> {
    let Some(Ok(answer)) = outcomes.last() else { return Ok(()) };
    match answer.headers().get(name) {
        Some(own) if own == value => Ok(()),
        own => Err(format!("the answer's {name} is {own:?} and not {value:?}")),
    }
}
