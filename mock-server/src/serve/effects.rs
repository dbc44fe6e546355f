//! Effects as a client sees them, byte for byte: in memory, where time is played too, and over TCP, which alone knows
//! resets. Each over plain streams and within TLS.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::connection::exchange;
use super::link::Link;
use super::play::{Over, play};
use super::stream::{self, Ahead, Base, Stream};
use super::tls::{self, Tls};
use crate::kit::Kit;
use crate::outcome::{Admission, Commit, Effect, End, Outcome, Piece, RequestId, TlsFlaw};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome text";
const PLAYED: [Option<Admission>; 2] = [None, Some(Admission::Welcome)];
const LONGEST: Duration = Duration::from_secs(60);

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

fn outcome(delay: Duration, effect: Effect) -> Outcome {
    Outcome { id: RequestId(1), commit: Commit::NotApplied, delay, effect }
}

fn reply(body: impl Into<Bytes>) -> Effect {
    Effect::Reply(Response::new(body.into()))
}

fn wire(pieces: &[(u64, &[u8])], end: End) -> Outcome {
    let pieces = pieces.iter().map(|(seconds, bytes)| Piece {
        after: Duration::from_secs(*seconds),
        bytes: Bytes::copy_from_slice(bytes),
    });
    outcome(Duration::ZERO, Effect::Wire { pieces: pieces.collect(), end, seen: Err(end.into()) })
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
}

/// Serves one connection; what each request gets goes by its path. With an admission it is one of TLS.
async fn serve<B: Base>(base: B, tls: Option<(&Tls, Admission)>, outcomes: impl Fn(&str) -> Outcome) {
    let (stream, once) = match tls {
        None => (Stream::Plain(Ahead::new(base)), false),
        Some((tls, admission)) => {
            let Some(start) = tls::hear(Ahead::new(base)).await else { return };
            let Some(session) = tls::admit(start, admission, tls).await else { return };
            (session.stream, session.once)
        }
    };
    let link = Link::new(stream);
    let service = |request: http::Request<Incoming>| {
        let outcome = outcomes(request.uri().path());
        let link = &link;
        async move {
            request.into_body().collect().await.map_err(|_| Over)?;
            play(link, outcome, LONGEST).await.map(|response| response.map(Full::new))
        }
    };
    exchange(&link, once, service).await;
    if !link.is_over() {
        stream::close(&mut link.clone()).await;
    }
}

async fn shake_hands(stream: impl Socket + 'static, kit: &Kit) -> std::io::Result<Box<dyn Socket>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(kit.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("api.mch.weixin.qq.com").unwrap();
    Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
}

fn tls() -> Tls {
    let kit = Kit::create(None).unwrap();
    Tls { config: Arc::new(kit.server_config().unwrap()), kit: Arc::new(kit) }
}

/// A client in memory, whose pipe holds so few bytes that nobody can write ahead, beside its server.
async fn in_memory<R>(
    admission: Option<Admission>,
    outcomes: impl Fn(&str) -> Outcome,
    client: impl AsyncFnOnce(Box<dyn Socket>) -> R,
) -> R {
    let tls = tls();
    let (near, far) = duplex(64);
    let client = async {
        let near: Box<dyn Socket> =
            if admission.is_some() { shake_hands(near, &tls.kit).await.unwrap() } else { Box::new(near) };
        client(near).await
    };
    tokio::join!(serve(far, admission.map(|admission| (&tls, admission)), outcomes), client).1
}

/// The same over TCP.
async fn over_tcp<R>(
    admission: Option<Admission>,
    outcomes: impl Fn(&str) -> Outcome,
    client: impl AsyncFnOnce(std::io::Result<Box<dyn Socket>>) -> R,
) -> R {
    let tls = tls();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let far = listener.accept().await.unwrap().0;
    let client = async {
        client(match admission {
            Some(_) => shake_hands(near, &tls.kit).await,
            None => Ok(Box::new(near)),
        })
        .await
    };
    let server = serve(far, admission.map(|admission| (&tls, admission)), outcomes);
    timeout(LONGEST, async { tokio::join!(server, client).1 }).await.unwrap()
}

/// All that comes, and the error behind it.
async fn rest(stream: &mut Box<dyn Socket>) -> (Vec<u8>, Option<ErrorKind>) {
    let mut all = Vec::new();
    let end = stream.read_to_end(&mut all).await;
    (all, end.err().map(|error| error.kind()))
}

#[tokio::test]
async fn so_many_bytes_come_and_then_the_end() {
    for admission in PLAYED {
        for length in [0, 1, 17, 18, 40, ANSWER.len()] {
            let bytes = &ANSWER[..length];
            let cut = admission.map(|_| ErrorKind::UnexpectedEof);
            for (end, seen) in [(End::Close, None), (End::Truncate, cut)] {
                let outcomes = |_: &str| wire(&[(0, bytes)], end);
                let got = over_tcp(admission, outcomes, async |stream| {
                    let mut stream = stream.unwrap();
                    say(&mut stream, &get("/")).await;
                    rest(&mut stream).await
                })
                .await;
                assert_eq!(got, (bytes.to_vec(), seen), "{admission:?} {end:?} {length}");
            }
            let outcomes = |_: &str| wire(&[(0, bytes)], End::Reset);
            let (got, error) = over_tcp(admission, outcomes, async |stream| {
                let mut stream = stream.unwrap();
                say(&mut stream, &get("/")).await;
                rest(&mut stream).await
            })
            .await;
            assert_eq!(error, Some(ErrorKind::ConnectionReset), "{admission:?} {length}");
            assert!(bytes.starts_with(&got), "at most {length}: {}", got.len());
        }
    }
}

/// More than lies in the buffers of two sockets: a client that is still writing is heard out.
#[tokio::test]
async fn what_the_client_still_says_does_not_turn_the_end_into_a_reset() {
    for end in [End::Close, End::Truncate] {
        let outcomes = |_: &str| wire(&[(0, ANSWER)], end);
        let got = over_tcp(None, outcomes, async |stream| {
            let mut stream = stream.unwrap();
            say(&mut stream, &get("/")).await;
            say(&mut stream, &vec![b'x'; 32 * 1024 * 1024]).await;
            rest(&mut stream).await
        })
        .await;
        assert_eq!(got, (ANSWER.to_vec(), None));
    }
}

/// The first answer nearly fills the pipe, so the line that asks for the body is still under way when the body has
/// come, and the bytes of the fault wait behind it.
#[tokio::test(start_paused = true)]
async fn what_hyper_has_yet_to_write_comes_first() {
    let outcomes = |path: &str| match path {
        "/played" => wire(&[(0, ANSWER)], End::Close),
        _ => outcome(Duration::ZERO, reply("0123456789")),
    };
    let all = in_memory(None, outcomes, async |mut stream| {
        say(&mut stream, &get("/")).await;
        let head = "POST /played HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n";
        say(&mut stream, head.as_bytes()).await;
        say(&mut stream, &[b'x'; 100]).await;
        rest(&mut stream).await.0
    })
    .await;
    let first = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789HTTP/1.1 100 Continue\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&all), first.to_owned() + &String::from_utf8_lossy(ANSWER));
}

#[tokio::test(start_paused = true)]
async fn pieces_come_each_after_its_pause_and_no_pause_is_longer_than_the_longest() {
    for admission in PLAYED {
        let pieces: &[(u64, &[u8])] = &[(0, b"HTTP/1.1 "), (7, b"200 OK\r\n"), (3600, b"\r\n")];
        in_memory(
            admission,
            |_| wire(pieces, End::Close),
            async |mut stream| {
                say(&mut stream, &get("/")).await;
                let start = Instant::now();
                for (seconds, bytes) in [(0, pieces[0].1), (7, pieces[1].1), (67, pieces[2].1)] {
                    let mut piece = vec![0; bytes.len()];
                    stream.read_exact(&mut piece).await.unwrap();
                    assert_eq!((start.elapsed().as_secs(), &piece[..]), (seconds, bytes));
                }
                assert_eq!(rest(&mut stream).await, (Vec::new(), None));
            },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_hangs_says_nothing_until_the_client_has_had_enough_or_the_connection_its_time() {
    for admission in PLAYED {
        for patience in [100, 500] {
            let outcomes = |_: &str| wire(&[(0, &ANSWER[..20])], End::Hang);
            in_memory(admission, outcomes, async |mut stream| {
                say(&mut stream, &get("/")).await;
                let mut head = [0; 20];
                stream.read_exact(&mut head).await.unwrap();
                assert_eq!(head, ANSWER[..20]);
                timeout(Duration::from_secs(patience), stream.read_u8()).await.unwrap_err();
                let start = Instant::now();
                stream.shutdown().await.unwrap();
                assert_eq!(rest(&mut stream).await.0, b"");
                assert!(start.elapsed().is_zero());
            })
            .await;
        }
        let start = Instant::now();
        let outcomes = |_: &str| wire(&[], End::Hang);
        in_memory(admission, outcomes, async |mut stream| {
            say(&mut stream, &get("/")).await;
            assert_eq!(rest(&mut stream).await.0, b"");
        })
        .await;
        assert_eq!(start.elapsed().as_secs(), 720);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_waits_keeps_its_place_and_loses_no_request_behind_it() {
    for admission in PLAYED {
        let outcomes = |path: &str| match path {
            "/slow" => outcome(Duration::from_secs(30), reply("slow")),
            "/slower" => outcome(Duration::from_secs(3600), reply("slower")),
            path => outcome(Duration::ZERO, reply(path.to_owned())),
        };
        in_memory(admission, outcomes, async |mut stream| {
            let start = Instant::now();
            let (mut reader, mut writer) = tokio::io::split(&mut stream);
            let ask = async {
                for path in ["/1", "/slow", "/2", "/slower", "/3"] {
                    say(&mut writer, &get(path)).await;
                }
            };
            let read = async {
                let mut all = String::new();
                for (body, seconds) in [("/1", 0), ("slow", 30), ("/2", 30), ("slower", 90), ("/3", 90)] {
                    while !all.ends_with(&format!("\r\n\r\n{body}")) {
                        all.push(char::from(reader.read_u8().await.unwrap()));
                    }
                    assert_eq!(start.elapsed().as_secs(), seconds, "{body}");
                }
                assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 5, "{all}");
            };
            tokio::join!(ask, read);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_client_that_is_gone() {
    for admission in PLAYED {
        for delayed in [true, false] {
            let outcomes = |_: &str| match delayed {
                true => outcome(Duration::from_secs(30), reply("late")),
                false => wire(&[(30, ANSWER)], End::Close),
            };
            let start = Instant::now();
            in_memory(admission, outcomes, async |mut stream| {
                say(&mut stream, &get("/")).await;
                stream.shutdown().await.unwrap();
                assert_eq!(rest(&mut stream).await.0, b"");
            })
            .await;
            assert!(start.elapsed().is_zero());
        }
    }
}

/// A client may close its side and still read its answer, where nothing holds that up.
#[tokio::test(start_paused = true)]
async fn half_a_connection_is_enough_for_an_answer() {
    in_memory(
        None,
        |_| outcome(Duration::ZERO, reply("text")),
        async |mut stream| {
            say(&mut stream, &get("/")).await;
            stream.shutdown().await.unwrap();
            assert!(rest(&mut stream).await.0.ends_with(b"\r\n\r\ntext"));
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn answers_before_a_played_one_come_whole_and_none_comes_behind_it() {
    for admission in PLAYED {
        for size in [0, 1, 100, 300_000] {
            let outcomes = |path: &str| match path {
                "/played" => wire(&[(0, ANSWER), (0, b"\0\xff"), (1, ANSWER)], End::Close),
                _ => outcome(Duration::ZERO, reply(vec![b'a'; size])),
            };
            let all = in_memory(admission, outcomes, async |mut stream| {
                let (mut reader, mut writer) = tokio::io::split(&mut stream);
                let paths = ["/", "/", "/played", "/", "/played"].map(get).concat();
                let mut all = Vec::new();
                let ((), read) = tokio::join!(say(&mut writer, &paths), reader.read_to_end(&mut all));
                read.unwrap();
                all
            })
            .await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n").into_bytes();
            let plain = [head, vec![b'a'; size]].concat();
            let expected = [&plain[..], &plain, ANSWER, b"\0\xff", ANSWER].concat();
            assert!(all == expected, "{admission:?} {size}: {}", String::from_utf8_lossy(&all));
        }
    }
}

#[tokio::test]
async fn a_session_without_a_close_notify_brings_one_answer() {
    let admission = Some(Admission::Flawed(TlsFlaw::NoCloseNotify));
    let got = over_tcp(
        admission,
        |_| outcome(Duration::ZERO, reply("text")),
        async |stream| {
            let mut stream = stream.unwrap();
            say(&mut stream, &[get("/"), get("/")].concat()).await;
            rest(&mut stream).await
        },
    )
    .await;
    assert!(got.0.ends_with(b"\r\n\r\ntext"));
    assert_eq!(got.0.windows(8).filter(|bytes| bytes == b"HTTP/1.1").count(), 1);
    assert_eq!(got.1, Some(ErrorKind::UnexpectedEof));
}

#[tokio::test]
async fn handshakes_fail_as_they_are_told_to() {
    let of = |admission| async move {
        let never = |_: &str| -> Outcome { unreachable!("no session, no request") };
        let error = over_tcp(Some(admission), never, async |stream| stream.err().unwrap()).await;
        let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()).cloned();
        (error.kind(), tls)
    };
    use rustls::AlertDescription::{HandshakeFailure, ProtocolVersion};
    use rustls::Error::AlertReceived;
    assert_eq!(of(Admission::Refuse).await.0, ErrorKind::ConnectionReset);
    assert_eq!(of(Admission::Flawed(TlsFlaw::Alert)).await.1, Some(AlertReceived(HandshakeFailure)));
    assert_eq!(of(Admission::Flawed(TlsFlaw::OldVersion)).await.1, Some(AlertReceived(ProtocolVersion)));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_lasts_as_long_as_the_client_waits_and_no_longer_than_a_connection() {
    for admission in [Admission::Silence, Admission::Flawed(TlsFlaw::Stall)] {
        for (patience, lasts) in [(500, 500), (3600, 600)] {
            let tls = tls();
            let (near, far) = duplex(4096);
            let never = |_: &str| -> Outcome { unreachable!("no session, no request") };
            let start = Instant::now();
            let client = timeout(Duration::from_secs(patience), shake_hands(near, &tls.kit));
            let ((), shaken) = tokio::join!(serve(far, Some((&tls, admission)), never), client);
            assert_eq!((shaken.is_err(), start.elapsed().as_secs()), (patience == 500, lasts));
        }
    }
}
