//! One case: what a server does, what is asked of the transport, and what must come of it.

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rustls::ServerConfig;
use wechatpay_proto::transport::{ClientCertificate, Delivery};

use super::script::{Door, Reply, Step};
use super::server::Seen;
use super::setup::Limits;

/// A limit that is to be reached, of one step.
pub(super) const SHORT: Duration = Duration::from_millis(300);
/// A limit that is to be reached, of a call whose request must have been read by then.
pub(super) const BRIEF: Duration = Duration::from_millis(1500);

/// What one call came to.
pub(super) type Outcome = Result<Response<Bytes>, Fault>;

/// An error of a transport, as far as the suite reads it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) delivery: Delivery,
    pub(super) text: String,
}

/// What a call must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// This status with this body.
    Answer(u16, Vec<u8>),
    /// An error that says NotSent.
    NotSent,
    /// An error that says MaybeSent.
    MaybeSent,
    /// Either the one or the other is right: the standard leaves both.
    AnswerOrMaybeSent(u16, Vec<u8>),
    /// Anything but NotSent: the request did arrive.
    Anything,
}

/// One call of the transport.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: http::Method,
    /// `{address}` and `{port}` stand for the server's.
    pub(super) url: Cow<'static, str>,
    pub(super) body: Bytes,
    pub(super) marked: bool,
    pub(super) expect: Expect,
}

/// How many connections a server must see.
#[derive(Clone, Copy)]
pub(super) enum Connections {
    Exactly(usize),
    /// So many where connections are kept, otherwise one for each call.
    Kept(usize),
    /// Whether such a connection is kept is the client's to decide.
    AtMost(usize),
}

/// What is looked at beside the outcomes and the counts.
pub(super) type Check = Arc<dyn Fn(&Seen, &[Outcome]) -> Result<(), String>>;

#[derive(Clone)]
#[must_use]
pub(super) struct Case {
    pub(super) id: Cow<'static, str>,
    /// One sentence.
    pub(super) shows: &'static str,
    pub(super) door: Door,
    pub(super) replies: Vec<Reply>,
    pub(super) calls: Vec<Call>,
    pub(super) limits: fn(&mut Limits),
    /// The transport has no certificate to show.
    pub(super) anonymous: bool,
    /// Hosts that are to be found at the server's address.
    pub(super) hosts: Vec<&'static str>,
    /// The case says nothing about a transport that asks for the host's address all the same.
    pub(super) needs_addresses: bool,
    pub(super) requests: Option<usize>,
    pub(super) connections: Option<Connections>,
    /// The client must close the connection by itself.
    pub(super) leaves: bool,
    pub(super) check: Option<Check>,
}

impl Case {
    fn new(id: impl Into<Cow<'static, str>>, shows: &'static str, door: Door) -> Self {
        Self {
            id: id.into(),
            shows,
            door,
            replies: Vec::new(),
            calls: Vec::new(),
            limits: |_| (),
            anonymous: false,
            hosts: Vec::new(),
            needs_addresses: false,
            requests: None,
            connections: None,
            leaves: false,
            check: None,
        }
    }

    pub(super) fn plain(id: impl Into<Cow<'static, str>>, shows: &'static str) -> Self {
        Self::new(id, shows, Door::Plain)
    }

    pub(super) fn tls(
        id: impl Into<Cow<'static, str>>,
        shows: &'static str,
        config: Arc<ServerConfig>,
    ) -> Self {
        Self::new(id, shows, Door::Tls(config))
    }

    pub(super) fn tls_late(
        id: impl Into<Cow<'static, str>>,
        shows: &'static str,
        config: Arc<ServerConfig>,
    ) -> Self {
        Self::new(id, shows, Door::TlsLate(config))
    }

    pub(super) fn raw(id: impl Into<Cow<'static, str>>, shows: &'static str) -> Self {
        Self::new(id, shows, Door::Raw)
    }

    pub(super) fn closed(id: impl Into<Cow<'static, str>>, shows: &'static str) -> Self {
        Self::new(id, shows, Door::Closed)
    }

    pub(super) fn reply(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.replies.push(steps.into_iter().collect());
        self
    }

    /// One more call, over the scheme of the door.
    pub(super) fn call(mut self, expect: Expect) -> Self {
        let url = match self.door {
            Door::Tls(_) | Door::TlsLate(_) => "https://{address}/pay?a=b",
            Door::Plain | Door::Raw | Door::Closed => "http://{address}/pay?a=b",
        };
        let body = Bytes::from_static(b"<xml></xml>");
        let (method, url) = (http::Method::POST, Cow::Borrowed(url));
        self.calls.push(Call { method, url, body, marked: false, expect });
        self
    }

    pub(super) fn answers(self, body: impl AsRef<[u8]>) -> Self {
        self.answers_with(200, body)
    }

    pub(super) fn answers_with(self, status: u16, body: impl AsRef<[u8]>) -> Self {
        self.call(Expect::Answer(status, body.as_ref().to_vec()))
    }

    pub(super) fn maybe_sent(self) -> Self {
        self.call(Expect::MaybeSent)
    }

    pub(super) fn not_sent(self) -> Self {
        self.call(Expect::NotSent)
    }

    /// Changes the last call.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Call)) -> Self {
        if let Some(call) = self.calls.last_mut() {
            change(call);
        }
        self
    }

    pub(super) fn marked(self) -> Self {
        self.with(|call| call.marked = true)
    }

    pub(super) fn url(self, url: impl Into<Cow<'static, str>>) -> Self {
        self.with(|call| call.url = url.into())
    }

    /// The server knows this host by its name, and the transport is told where it is.
    pub(super) fn host(mut self, host: &'static str) -> Self {
        self.hosts.push(host);
        self
    }

    pub(super) fn limits(self, limits: fn(&mut Limits)) -> Self {
        Self { limits, ..self }
    }

    pub(super) fn requests(self, requests: usize) -> Self {
        Self { requests: Some(requests), ..self }
    }

    pub(super) fn connections(self, connections: usize) -> Self {
        Self { connections: Some(Connections::Exactly(connections)), ..self }
    }

    pub(super) fn kept(self, connections: usize) -> Self {
        Self { connections: Some(Connections::Kept(connections)), ..self }
    }

    pub(super) fn at_most(self, connections: usize) -> Self {
        Self { connections: Some(Connections::AtMost(connections)), ..self }
    }

    pub(super) fn check(self, check: impl Fn(&Seen, &[Outcome]) -> Result<(), String> + 'static) -> Self {
        Self { check: Some(Arc::new(check)), ..self }
    }

    /// Compares what the server got with what it should have got: by default one request for each call that may have
    /// been sent, each on a connection of its own.
    pub(super) fn judge(&self, seen: &Seen, outcomes: &[Outcome], keeps: bool, problems: &mut Vec<String>) {
        let sent = self.calls.iter().filter(|call| call.expect != Expect::NotSent).count();
        let requests = self.requests.unwrap_or(sent);
        if seen.requests.len() != requests {
            problems.push(format!("the server read {} requests instead of {requests}", seen.requests.len()));
        }
        if sent == 0 && seen.stray > 0 {
            problems.push(format!("the server read {} bytes where nothing was sent", seen.stray));
        }
        let (least, most) = match self.connections {
            Some(Connections::Exactly(number)) => (number, number),
            Some(Connections::Kept(number)) if keeps => (number, number),
            Some(Connections::AtMost(number)) => (1, number),
            Some(Connections::Kept(_)) | None => (self.calls.len(), self.calls.len()),
        };
        if !matches!(self.door, Door::Closed) && !(least..=most).contains(&seen.connections) {
            problems.push(format!("the server saw {} connections instead of {most}", seen.connections));
        }
        if let Some(Err(problem)) = self.check.as_ref().map(|check| check(seen, outcomes)) {
            problems.push(problem);
        }
    }
}

impl Call {
    pub(super) fn request(&self, address: std::net::SocketAddr) -> http::Result<Request<Bytes>> {
        let url = self.url.replace("{address}", &address.to_string());
        let mut request = Request::builder()
            .method(&self.method)
            .uri(url.replace("{port}", &address.port().to_string()))
            .body(self.body.clone())?;
        if self.method == http::Method::POST {
            let content_type = http::HeaderValue::from_static("text/xml; charset=utf-8");
            request.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
        }
        if self.marked {
            request.extensions_mut().insert(ClientCertificate);
        }
        Ok(request)
    }
}

impl Expect {
    /// Breaks with what happened instead.
    pub(super) fn judge(&self, outcome: &Outcome) -> ControlFlow<String> {
        let met = match (self, outcome) {
            (Self::Answer(status, body) | Self::AnswerOrMaybeSent(status, body), Ok(answer)) => {
                answer.status() == *status && answer.body() == body
            }
            (Self::NotSent, Err(fault)) => fault.delivery == Delivery::NotSent,
            (Self::MaybeSent | Self::AnswerOrMaybeSent(..) | Self::Anything, Err(fault)) => {
                fault.delivery == Delivery::MaybeSent
            }
            (Self::Anything, Ok(_)) => true,
            (Self::Answer(..), Err(_)) | (Self::NotSent | Self::MaybeSent, Ok(_)) => false,
        };
        if met { ControlFlow::Continue(()) } else { ControlFlow::Break(describe(outcome)) }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status, body) => write!(f, "the answer {status} with {}", excerpt(body)),
            Self::NotSent => f.write_str("an error that says NotSent"),
            Self::MaybeSent => f.write_str("an error that says MaybeSent"),
            Self::AnswerOrMaybeSent(status, body) => {
                write!(f, "the answer {status} with {}, or an error that says MaybeSent", excerpt(body))
            }
            Self::Anything => f.write_str("an answer, or an error that says MaybeSent"),
        }
    }
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => format!("the answer {} with {}", answer.status().as_u16(), excerpt(answer.body())),
        Err(fault) => format!("an error that says {:?}: {}", fault.delivery, fault.text),
    }
}

/// Enough of a body to know it by.
fn excerpt(body: &[u8]) -> String {
    let start = body.get(..40).unwrap_or(body);
    format!("{} bytes (\"{}\")", body.len(), start.escape_ascii())
}
