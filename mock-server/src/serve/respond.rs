//! What a request gets: a refusal of the skin's own, an answer of the admin API, or what the engine decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;

use super::admin::Refused;
use super::limits::{BODY_TIME, MAX_ADMIN_BODY, MAX_DISCARD, Share};
use super::link::Link;
use super::play::{self, Over};
use super::seats::Seat;
use super::stream::Base;
use super::{Schemes, Shared, admin, gate, proxy};
use crate::arrival::{Arrival, Via};
use crate::engine::MAX_REQUEST;
use crate::outcome::{Admission, End, Hello};

pub(super) type Answer = Response<Full<Bytes>>;

const NO_ROOM: &str =
    "This server holds as many bytes of requests as it may. Send fewer or smaller ones at once.";
const TOO_SLOW: &str = "The body of the request did not come in time.";

/// One connection, with what is known of it.
pub(super) struct Line<'s, B> {
    pub(super) link: Link<B>,
    pub(super) arrival: Arrival,
    pub(super) is_tls: bool,
    pub(super) shared: Arc<Shared>,
    pub(super) seat: &'s Seat,
    /// Whether the engine was asked what this connection gets.
    pub(super) admitted: AtomicBool,
    /// Whether what follows the answer is a tunnel.
    pub(super) tunnel: AtomicBool,
}

/// A body, as far as it is wanted.
enum Taken {
    Whole(Bytes),
    TooLarge,
    /// There is no room for it among the others.
    NoRoom,
    TooSlow,
}

pub(super) async fn respond<B: Base>(request: Request<Incoming>, line: &Line<'_, B>) -> Result<Answer, Over> {
    if line.shared.ends.load(Ordering::Relaxed) {
        return Err(Over);
    }
    line.shared.asked.fetch_add(1, Ordering::SeqCst);
    if request.method() == Method::CONNECT {
        let answer = proxy::connect(request.uri(), !line.is_tls && line.arrival.via != Via::Connect);
        line.tunnel.store(answer.status().is_success(), Ordering::Relaxed);
        return Ok(answer);
    }
    let options = &line.shared.options;
    if !line.is_tls && options.schemes == Schemes::Https {
        return Ok(text(StatusCode::BAD_REQUEST, "This port takes HTTPS only. Call it with https://."));
    }
    if let Some(refusal) = proxy::refuse(&request, &options.aliases) {
        return Ok(refusal);
    }
    let path = request.uri().path().strip_prefix("/__mock");
    match path.filter(|path| path.is_empty() || path.starts_with('/')).map(str::to_owned) {
        Some(path) => administer(request, &path, line).await,
        None => serve(request, line).await,
    }
}

async fn administer<B: Base>(
    request: Request<Incoming>,
    path: &str,
    line: &Line<'_, B>,
) -> Result<Answer, Over> {
    let shared = &line.shared;
    if let Some(refusal) = gate::refuse(&shared.options, path, &request) {
        return Ok(refusal.map(Full::new));
    }
    let (head, body) = request.into_parts();
    let mut share = shared.budget.share();
    let refuse =
        |status, code, message: &str, hint| Refused::new(status, code, message.to_owned(), hint).respond();
    let answer = match take(&head, body, MAX_ADMIN_BODY, &mut share).await? {
        Taken::Whole(body) => {
            let request = Request::from_parts(head, body);
            let _working = line.seat.work();
            tokio::select! {
                biased;
                answer = admin::answer(&shared.admin, path, &request) => answer,
                // Some calls wait for something.
                () = line.link.gone() => return Err(Over),
            }
        }
        Taken::TooLarge => {
            let hint = "an admin call has at most 16 MiB";
            refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large", hint)
        }
        Taken::NoRoom => refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", NO_ROOM, "call again"),
        Taken::TooSlow => refuse(StatusCode::REQUEST_TIMEOUT, "too_slow", TOO_SLOW, "call again"),
    };
    Ok(answer.map(Full::new))
}

async fn serve<B: Base>(request: Request<Incoming>, line: &Line<'_, B>) -> Result<Answer, Over> {
    admit(line).await?;
    let (mock, arrival) = (&line.shared.mock, &line.arrival);
    let (_working, outcome) = {
        let (head, body) = request.into_parts();
        let mut share = line.shared.budget.share();
        let taken = take(&head, body, MAX_REQUEST, &mut share).await?;
        let working = line.seat.work();
        let outcome = match taken {
            Taken::Whole(body) => mock.handle(&Request::from_parts(head, body), arrival),
            Taken::TooLarge => mock.refuse_too_large(&Request::from_parts(head, Bytes::new()), arrival),
            Taken::NoRoom => return Ok(text(StatusCode::SERVICE_UNAVAILABLE, NO_ROOM)),
            Taken::TooSlow => return Ok(text(StatusCode::REQUEST_TIMEOUT, TOO_SLOW)),
        };
        (working, outcome)
        // The request goes, and its share with it: an answer may wait for long.
    };
    play::play(&line.link, outcome, line.shared.options.max_delay).await.map(|answer| answer.map(Full::new))
}

/// Over plain HTTP the engine is asked behind the first head: a fault must not shut out the admin API, which could not
/// take it back then. TLS tells the name, and nothing of what will be asked for.
async fn admit<B: Base>(line: &Line<'_, B>) -> Result<(), Over> {
    if line.is_tls || line.admitted.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    match line.shared.mock.admit(&Hello { server_name: None, tls: false }) {
        Admission::Refuse => Err(play::end(&line.link, End::Reset).await),
        Admission::Silence => Err(play::end(&line.link, End::Hang).await),
        Admission::Welcome | Admission::Flawed(_) => Ok(()),
    }
}

/// The body. The rest of one that is too large is read and thrown away, within bounds. A client that asks first is told
/// at once.
async fn take(head: &Parts, body: Incoming, most: usize, share: &mut Share) -> Result<Taken, Over> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > most && head.headers.contains_key(header::EXPECT) {
        return Ok(Taken::TooLarge);
    }
    match timeout(BODY_TIME, read(body, most, share)).await {
        Ok(taken) => taken.map_err(|_| Over),
        Err(_) => Ok(Taken::TooSlow),
    }
}

async fn read(mut body: Incoming, most: usize, share: &mut Share) -> Result<Taken, hyper::Error> {
    let (mut bytes, mut seen) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len();
        if seen > most.max(MAX_DISCARD) {
            return Ok(Taken::TooLarge);
        }
        if seen <= most {
            if !share.grow(data.len()) {
                return Ok(Taken::NoRoom);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(if seen > most { Taken::TooLarge } else { Taken::Whole(bytes.freeze()) })
}

/// An answer of the skin's own, for people.
pub(super) fn text(status: StatusCode, text: &str) -> Answer {
    let mut response = Response::new(Full::from(format!("{text}\n")));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::super::limits::Budget;
    use super::super::{Admin, Options, connection};
    use super::*;
    use crate::mock::Mock;

    fn shared(room: usize) -> Arc<Shared> {
        let mock = Mock::builder().build();
        let admin = Admin::without_kit(mock.clone());
        Arc::new(Shared::new(mock, Options::default(), None, admin, Budget::new(room)))
    }

    async fn post(client: &mut DuplexStream, path: &str, length: usize, body: &str) {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        client.write_all((head + body).as_bytes()).await.unwrap();
    }

    async fn status(client: &mut DuplexStream) -> String {
        let mut bytes = [0; 12];
        client.read_exact(&mut bytes).await.unwrap();
        String::from_utf8(bytes[9..].to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_share_their_room_and_give_it_back() {
        let shared = shared(10);
        let open = || {
            let (client, server) = duplex(4096);
            let shared = Arc::clone(&shared);
            tokio::spawn(async move { connection::serve(server, None, &shared, &Seat::uncounted()).await });
            client
        };
        let (mut holder, mut other, mut third, mut admin) = (open(), open(), open(), open());
        post(&mut holder, "/", 9, "8 bytes.").await;
        tokio::task::yield_now().await;
        post(&mut other, "/", 3, "abc").await;
        assert_eq!(status(&mut other).await, "503");
        post(&mut admin, "/__mock/nowhere", 3, "abc").await;
        assert_eq!(status(&mut admin).await, "503");
        post(&mut third, "/", 2, "ab").await;
        assert_eq!(status(&mut third).await, "404");
        holder.write_all(b".").await.unwrap();
        assert_eq!(status(&mut holder).await, "404");
        let mut again = open();
        post(&mut again, "/", 10, "ten bytes.").await;
        assert_eq!(status(&mut again).await, "404");
        assert_eq!(shared.mock.requests(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_ends_answers_nothing_more() {
        for path in ["/", "/__mock/health"] {
            let shared = shared(10);
            let (mut client, server) = duplex(4096);
            let ask = async {
                post(&mut client, "/", 0, "").await;
                assert_eq!(status(&mut client).await, "404");
                shared.ends.store(true, Ordering::Relaxed);
                post(&mut client, path, 0, "").await;
                client.shutdown().await.unwrap();
                let mut rest = Vec::new();
                client.read_to_end(&mut rest).await.unwrap();
                assert!(!rest.windows(5).any(|bytes| bytes == b"HTTP/"));
            };
            let seat = Seat::uncounted();
            tokio::join!(connection::serve(server, None, &shared, &seat), ask);
            assert_eq!(shared.mock.requests(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let shared = shared(10);
        for path in ["/", "/__mock/nowhere"] {
            let (mut client, server) = duplex(4096);
            let ask = async {
                post(&mut client, path, 9, "8 bytes.").await;
                let status = status(&mut client).await;
                drop(client);
                status
            };
            let seat = Seat::uncounted();
            let ((), status) = tokio::join!(connection::serve(server, None, &shared, &seat), ask);
            assert_eq!(status, "408");
        }
        assert_eq!(shared.mock.requests(), 0);
    }
}
