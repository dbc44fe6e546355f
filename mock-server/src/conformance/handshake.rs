//! TLS: whom a transport believes, what it makes of a handshake that fails, and of a connection that is cut off.

use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, SupportedProtocolVersion};

use super::authority::{Authority, Demand, Failure, Validity, self_signed};
use super::case::Case;
use super::requests::values;
use super::script::{Step, ok, write};
use super::server::Seen;

pub(super) const HERE: &str = "127.0.0.1";
const PRODUCTION: &str = "api.mch.weixin.qq.com";
const BACKUP: &str = "api2.mch.weixin.qq.com";

pub(super) fn cases(authority: &Authority) -> Result<Vec<Case>, Failure> {
    Ok([servers(authority)?, versions(authority)?, names(authority)?, failures(), ends(authority)?].concat())
}

/// Servers that cannot prove who they are.
fn servers(authority: &Authority) -> Result<Vec<Case>, Failure> {
    let stranger = Authority::new("an authority that nobody believes")?;
    let servers = [
        ("tls-expired", "A certificate that ran out is refused.", authority.server(HERE, Validity::Over)?),
        (
            "tls-not-yet",
            "A certificate that is not valid yet is refused.",
            authority.server(HERE, Validity::ToCome)?,
        ),
        (
            "tls-other-host",
            "A certificate of another host is refused.",
            authority.server("other.example", Validity::Now)?,
        ),
        (
            "tls-other-address",
            "A certificate of another address is refused.",
            authority.server("127.0.0.2", Validity::Now)?,
        ),
        (
            "tls-unknown-authority",
            "A certificate of an authority that is not believed is refused.",
            stranger.server(HERE, Validity::Now)?,
        ),
        ("tls-self-signed", "A certificate that vouches for itself is refused.", self_signed(HERE)?),
    ];
    let mut cases = Vec::new();
    for (id, shows, pair) in servers {
        // With the merchant's certificate: that one must not go to a stranger either.
        let config = pair.config(ALL_VERSIONS, Demand::Nothing)?;
        cases.push(Case::tls(id, shows, config).reply([ok("1")]).not_sent().marked());
    }
    Ok(cases)
}

fn versions(authority: &Authority) -> Result<Vec<Case>, Failure> {
    let server = |versions: &[&'static SupportedProtocolVersion]| {
        authority.server(HERE, Validity::Now)?.config(versions, Demand::Nothing)
    };
    let good = |id, shows, config| Case::tls(id, shows, config).reply([ok("1")]).answers("1");
    Ok(vec![
        good("tls-1.2", "A server that speaks TLS 1.2 alone is served.", server(&[&TLS12])?),
        good("tls-1.3", "A server that speaks TLS 1.3 alone is served.", server(&[&TLS13])?),
        good(
            "tls-alpn",
            "Of a server that would speak HTTP/2, too, HTTP/1.1 is wanted.",
            server(ALL_VERSIONS)?,
        )
        .check(|seen, _| http_1(seen)),
        good("tls-reuse", "Two calls, one after the other, share a connection.", server(ALL_VERSIONS)?)
            .answers("1")
            .kept(1),
    ])
}

/// The name that is checked is the name that was asked for, wherever it led.
fn names(authority: &Authority) -> Result<Vec<Case>, Failure> {
    let server = |host: &str| authority.server(host, Validity::Now)?.config(ALL_VERSIONS, Demand::Nothing);
    let named = |case: Case, host: &'static str| {
        let case = case.url(format!("https://{host}/pay?a=b")).host(host);
        Case { needs_addresses: true, ..case }
    };
    let right = Case::tls(
        "name",
        "A host that is found at another address is asked by its name.",
        server(PRODUCTION)?,
    )
    .reply([ok("1")])
    .answers("1")
    .check(|seen, _| hosts(seen, &[PRODUCTION]));
    let wrong = Case::tls(
        "name-of-address",
        "A certificate of the address where a host is found is refused.",
        server(HERE)?,
    )
    .reply([ok("1")])
    .not_sent();
    let both = authority.server_of(&[PRODUCTION, BACKUP], Validity::Now)?;
    let apart = Case::tls(
        "names-apart",
        "Two hosts at one address do not share a connection, though its certificate is of both.",
        both.config(ALL_VERSIONS, Demand::Nothing)?,
    )
    .reply([ok("1")])
    .reply([ok("2")]);
    let apart = named(named(apart.answers("1"), PRODUCTION).answers("2"), BACKUP);
    let apart = apart.check(|seen, _| hosts(seen, &[PRODUCTION, BACKUP]));
    Ok(vec![named(right, PRODUCTION), named(wrong, PRODUCTION), apart])
}

/// Handshakes that do not come about.
fn failures() -> Vec<Case> {
    let failing = |id, shows, steps: Vec<Step>| {
        let steps = [vec![Step::Hear], steps].concat();
        Case::raw(id, shows).reply(steps).not_sent().url("https://{address}/pay")
    };
    // A ServerHello of TLS 1.1: 32 random bytes, no session, RSA with AES-128-CBC and SHA, no compression.
    let hello = [&[0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2][..], &[0x5a; 32], &[0, 0, 0x2f, 0]].concat();
    vec![
        failing("tls-1.1", "A server that answers in TLS 1.1 is refused.", vec![write(hello)]),
        failing(
            "tls-1.1-alert",
            "A server that refuses the client's versions gets nothing.",
            vec![write([0x15, 3, 2, 0, 2, 2, 70]), Step::Close],
        ),
        failing(
            "tls-garbage",
            "A server that does not speak TLS gets nothing.",
            vec![write("220 mail.example ESMTP\r\n".repeat(100)), Step::Close],
        ),
        failing(
            "tls-plain-http",
            "A server that speaks plain http where https is wanted gets nothing.",
            vec![
                write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
                Step::Close,
            ],
        ),
        failing("tls-close", "A handshake that is closed proves that nothing was sent.", vec![Step::Close]),
        failing("tls-reset", "A handshake that is reset proves that nothing was sent.", vec![Step::Reset]),
    ]
}

/// Connections that end, with close_notify and without.
fn ends(authority: &Authority) -> Result<Vec<Case>, Failure> {
    const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<xml></xml>";
    const STALE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nof nobody";
    const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<xml>";
    const OPEN: &str = "HTTP/1.1 200 OK\r\n\r\n<xml></xml>";
    let config = authority.server(HERE, Validity::Now)?.config(ALL_VERSIONS, Demand::Nothing)?;
    let ending =
        |id, shows, bytes: &str, end| Case::tls(id, shows, config.clone()).reply([write(bytes), end]);
    let kept = |id, shows, end| {
        let replied = Case::tls(id, shows, config.clone()).reply([ok("1"), Step::AfterCall, end]);
        replied.reply([ok("2")]).answers("1").answers("2")
    };
    let (close, cut, reset) = (Step::Close, Step::Cut, Step::Reset);
    let half = Step::WithHalf { answer: WHOLE.into(), next: STALE.into() };
    Ok(vec![
        ending(
            "tls-close-ends-body",
            "A body without a length ends with close_notify, and is an answer.",
            OPEN,
            close.clone(),
        )
        .answers("<xml></xml>"),
        ending(
            "tls-cut-ends-body",
            "A body without a length that ends without close_notify may have been cut off by anybody: an error.",
            OPEN,
            cut.clone(),
        )
        .maybe_sent(),
        ending("tls-reset-ends-body", "A body without a length that ends with RST is an error.", OPEN, reset.clone())
            .maybe_sent(),
        ending("tls-cut-behind-body", "A body that has its length needs no close_notify.", WHOLE, cut.clone())
            .answers("<xml></xml>"),
        ending("tls-close-in-body", "A body that is cut off is an error, also with close_notify.", HALF, close.clone())
            .maybe_sent(),
        ending("tls-cut-in-body", "A body that is cut off is an error.", HALF, cut.clone()).maybe_sent(),
        ending("tls-cut-in-head", "A head that is cut off is an error.", "HTTP/1.1 200 OK\r\nCont", cut.clone())
            .maybe_sent(),
        ending("tls-cut-before-head", "No answer at all is an error, and nothing is sent again.", "", cut.clone())
            .maybe_sent(),
        Case::tls(
            "surplus-half-record",
            "A second answer of which a part came with the first one is not the next call's.",
            config.clone(),
        )
        .reply([half])
        .reply([ok("2")])
        .answers("<xml></xml>")
        .answers("2"),
        kept("tls-idle-close", "A connection that ended meanwhile is noticed, and is no error.", close),
        kept("tls-idle-cut", "A connection that was cut meanwhile is noticed, and is no error.", cut),
        kept("tls-idle-reset", "A connection that was reset meanwhile is noticed, and is no error.", reset),
    ])
}

fn http_1(seen: &Seen) -> Result<(), String> {
    if seen.requests.iter().any(|request| request.alpn.as_deref() == Some(b"h2")) {
        return Err("the handshake settled on h2".to_owned());
    }
    match seen.requests.iter().find(|request| !request.head.starts_with("POST /pay?a=b HTTP/1.1\r\n")) {
        Some(request) => Err(format!("a request began with {:?}", request.head.lines().next())),
        None => Ok(()),
    }
}

/// That each request was for its host, in the handshake as in its head.
fn hosts(seen: &Seen, wanted: &[&str]) -> Result<(), String> {
    let hosts: Vec<_> = seen.requests.iter().flat_map(|request| values(request, "host")).collect();
    let names: Vec<_> = seen.requests.iter().map(|request| request.server_name.as_deref()).collect();
    let named: Vec<_> = wanted.iter().copied().map(Some).collect();
    if hosts == wanted && names == named {
        return Ok(());
    }
    Err(format!("Host is {hosts:?}, and the handshakes asked for {names:?}, instead of {wanted:?}"))
}
