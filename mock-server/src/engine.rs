//! The engine: a request and a time in, an answer out. No I/O, no clock, no chance of its own.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use wechatpay_proto::ErrorCode;
use wechatpay_proto::endpoint::{Endpoint, Spec};
#[expect(deprecated, reason = "the rules say whether what is out of use is served")]
use wechatpay_proto::v2::mmpaymkttransfers::SendGroupRedPack;
use wechatpay_proto::v2::mmpaymkttransfers::{
    GetHbInfo, QueryWorkWxRedPack, SendMiniProgramHb, SendRedPack, SendWorkWxRedPack,
};
use wechatpay_proto::wire::{self, Fields};

use crate::account::Account;
use crate::answer::{self, Refusal};
use crate::clock::Time;
use crate::handlers::{self, Handled};
use crate::ledger::{Fired, Ledger};
use crate::packet::{Action, ActionError, OrderKey, RedPacket};
use crate::rules::{GroupRedPack, Rules};
use crate::seed::Seed;

/// The most bytes of a request: 1 MiB, the default of the web server in front.
pub const MAX_REQUEST: usize = 1024 * 1024;

const TOO_LARGE: &str = "413 Request Entity Too Large";

/// The client certificate that came with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// None, or plain HTTP.
    None,
    /// One that this mock's merchant CA did not make.
    Foreign,
    /// One of a merchant.
    Merchant {
        /// Its merchant number, the common name.
        mch_id: String,
        /// Whether it is valid now; if not, it has expired or is not valid yet.
        in_force: bool,
    },
}

/// How a request came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// With which client certificate.
    pub certificate: Certificate,
    /// From which address; `None` in-process.
    pub peer: Option<IpAddr>,
}

/// One endpoint that is served.
struct Route {
    spec: &'static Spec<'static>,
    /// The text of XML_ERROR.
    malformed: &'static str,
    handle: fn(&mut Engine, Time, &Arrival, &Fields<'_>) -> Response<Bytes>,
}

macro_rules! route {
    ($Request:ident) => {
        Route {
            spec: $Request::SPEC,
            malformed: <$Request<'_> as Handled<'_>>::HABITS.malformed,
            handle: |engine, now, arrival, fields| {
                handlers::handle::<$Request<'_>>(engine, now, arrival, fields)
            },
        }
    };
}

#[expect(deprecated, reason = "the rules say whether what is out of use is served")]
const ROUTES: [Route; 6] = [
    route!(SendRedPack),
    route!(SendMiniProgramHb),
    route!(SendGroupRedPack),
    route!(GetHbInfo),
    route!(SendWorkWxRedPack),
    route!(QueryWorkWxRedPack),
];

#[derive(Clone, Debug)]
pub(crate) struct Engine {
    seed: Seed,
    rules: Rules,
    accounts: BTreeMap<String, Account>,
    ledger: Ledger,
    /// The sends of the last second, for each merchant.
    sends: BTreeMap<String, VecDeque<Time>>,
    requests: u64,
}

impl Engine {
    pub(crate) fn new(seed: Seed, rules: Rules) -> Self {
        Self {
            seed,
            rules,
            accounts: BTreeMap::new(),
            ledger: Ledger::default(),
            sends: BTreeMap::new(),
            requests: 0,
        }
    }

    /// Answers one request.
    pub(crate) fn handle(
        &mut self,
        now: Time,
        request: &Request<Bytes>,
        arrival: &Arrival,
    ) -> Response<Bytes> {
        self.run_until(now);
        let response = self.answer(now, request, arrival);
        self.number(response)
    }

    /// Answers a request whose body is longer than [`MAX_REQUEST`], for a skin that does not read it.
    #[cfg(feature = "server")]
    pub(crate) fn refuse_too_large(&mut self) -> Response<Bytes> {
        self.number(answer::page(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE))
    }

    /// Counts the request and gives its answer an id.
    fn number(&mut self, mut response: Response<Bytes>) -> Response<Bytes> {
        self.requests += 1;
        if let Ok(id) = HeaderValue::try_from(format!("req_{:06}", self.requests)) {
            response.headers_mut().insert("x-mock-request-id", id);
        }
        response
    }

    fn answer(&mut self, now: Time, request: &Request<Bytes>, arrival: &Arrival) -> Response<Bytes> {
        // The web server in front judges the size, the certificate's maker and the path, in this order.
        if request.body().len() > MAX_REQUEST {
            return answer::page(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE);
        }
        if arrival.certificate == Certificate::Foreign {
            return answer::page(StatusCode::BAD_REQUEST, "400 The SSL certificate error");
        }
        let Some(route) = self.route(request.uri().path()) else {
            return answer::page(StatusCode::NOT_FOUND, "404 Not Found");
        };
        // Anything but a POST has no body for the application, and an empty body is no XML.
        let body: &[u8] = if request.method() == Method::POST { request.body() } else { b"" };
        match wire::parse(body, &[]) {
            Ok(document) => (route.handle)(self, now, arrival, document.untrusted()),
            Err(_) => answer::bare(&Refusal::new(ErrorCode::XmlError, route.malformed)),
        }
    }

    #[expect(deprecated, reason = "the rules say whether what is out of use is served")]
    fn route(&self, path: &str) -> Option<&'static Route> {
        let gone = self.rules.group == GroupRedPack::Gone && path == SendGroupRedPack::SPEC.path;
        ROUTES.iter().find(|route| route.spec.path == path && !gone)
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn account(&self, mch_id: &str) -> Option<&Account> {
        self.accounts.get(mch_id)
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests
    }

    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    /// Adds a merchant with its opening balance; `false` where the number is taken.
    pub(crate) fn add(&mut self, account: Account, balance_fen: u64) -> bool {
        if self.accounts.contains_key(account.mch_id()) {
            return false;
        }
        self.ledger.top_up(account.mch_id(), balance_fen);
        self.accounts.insert(account.mch_id().to_owned(), account);
        true
    }

    pub(crate) fn top_up(&mut self, mch_id: &str, fen: u64) {
        self.ledger.top_up(mch_id, fen);
    }

    pub(crate) fn open(&mut self, packet: RedPacket) {
        self.ledger.open(packet, &self.rules);
    }

    pub(crate) fn attempted(&mut self, key: &OrderKey, now: Time, reason: Option<String>) {
        self.ledger.attempted(key, now, reason);
    }

    pub(crate) fn act(
        &mut self,
        now: Time,
        key: &OrderKey,
        action: &Action,
    ) -> Result<RedPacket, ActionError> {
        self.ledger.act(key, action, now, &self.rules).cloned()
    }

    pub(crate) fn run_until(&mut self, now: Time) -> Vec<Fired> {
        self.ledger.run_until(now, &self.rules)
    }

    /// Counts one more send of a merchant against the limit of a second.
    pub(crate) fn count_send(&mut self, now: Time, mch_id: &str) -> Result<(), Refusal> {
        let Some(most) = self.rules.sends_per_second else { return Ok(()) };
        let window = self.sends.entry(mch_id.to_owned()).or_default();
        while window.front().is_some_and(|sent| now.since(*sent) >= Duration::from_secs(1)) {
            window.pop_front();
        }
        if window.len() >= most as usize {
            return Err(Refusal::too_often());
        }
        window.push_back(now);
        Ok(())
    }
}
