//! One story in every skin: in-process, against the library's server over mutual TLS, with a real client and over a
//! bare socket, and against the binary, which is told what to do over its admin API alone. The same seed and the same
//! steps give the same bytes everywhere.
//!
//! Each step writes a line; the lines of all skins must be the same. What the right thing is, the stories assert
//! themselves. A frozen clock moves in-process while a caller waits, and on sockets it does not: behind such a step a
//! story sets the clock.

use std::cell::RefCell;
use std::hash::Hasher as _;
use std::process::Stdio;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use serde_json::{Value, json};
use wechatpay_mock_server::{Mock, MockMerchant, State};
use wechatpay_proto::transport::{ClientCertificate, Delivery};

use crate::binary::{Running, command};
use crate::common::{APPID, Answer, Form, KEY, MCH_ID};

mod catalogue;
mod company;
mod hand;
mod orders;
mod refusals;
mod unknown;
mod wire;

use hand::{Admin, Hand};
use wire::{Bare, Inside, Tls, Wire};

/// What a merchant begins with.
const START_FEN: u64 = 1_000_000;
/// The most of an answer that a line quotes.
const QUOTED: usize = 4096;

/// How long a caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Usual,
    /// Not long for the answer, for those that do not come.
    ShortForAnswer,
    /// Not long for the handshake, for those that do not end.
    ShortForHandshake,
}

/// What a client gets to see of one request.
#[derive(Clone, Debug)]
enum Seen {
    Answer(Response<Bytes>),
    Broken(Delivery),
}

impl Seen {
    #[track_caller]
    fn answer(&self) -> Answer {
        let Self::Answer(response) = self else { panic!("no answer: {self:?}") };
        let body = String::from_utf8_lossy(response.body()).into_owned();
        Answer { status: response.status().as_u16(), body }
    }

    /// The `err_code`, or else what there is in its place.
    fn code(&self) -> String {
        match self {
            Self::Broken(delivery) => format!("{delivery:?}"),
            Self::Answer(response) => {
                let answer = self.answer();
                answer.get("err_code").map_or_else(|| response.status().to_string(), str::to_owned)
            }
        }
    }

    /// Everything of it that must be the same everywhere. The number of the request depends on who else is there.
    fn line(&self) -> String {
        let Self::Answer(response) = self else { return self.code() };
        let names = ["content-type", "content-encoding", "location", "x-mock-diagnosis"];
        let headers = names.map(|name| response.headers().get(name).cloned());
        let body = response.body();
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(body);
        let quoted = String::from_utf8_lossy(&body[..body.len().min(QUOTED)]);
        format!("{} {headers:?} {} {:x} {quoted}", response.status(), body.len(), hasher.finish())
    }
}

/// A world in one of its skins, for one merchant.
struct Skin {
    name: &'static str,
    wire: Box<dyn Wire>,
    hand: Box<dyn Hand>,
}

/// A merchant's doings in a world.
struct Story<'a> {
    wire: &'a dyn Wire,
    hand: &'a dyn Hand,
    merchant: &'a MockMerchant,
    log: RefCell<Vec<String>>,
}

/// The world that most stories begin in.
fn world() -> Value {
    world_of(&[MCH_ID])
}

fn world_of(numbers: &[&str]) -> Value {
    let merchant = |mch_id: &&str| {
        json!({
            "mch_id": mch_id, "key": KEY, "agent_secret": "s3cret", "appids": [APPID],
            "balance_fen": START_FEN,
        })
    };
    json!({
        "version": 1, "seed": 42, "clock": {"mode": "frozen", "now": "2026-01-01T09:00:00+08:00"},
        "rules": {"group": "legacy"}, "merchants": numbers.iter().map(merchant).collect::<Vec<_>>(),
    })
}

fn mock(world: &Value) -> Mock {
    let mock = Mock::builder().build();
    mock.restore(State::from_json(world.to_string().as_bytes()).unwrap()).unwrap();
    mock
}

fn inside(world: &Value, _: &str) -> Skin {
    let mock = mock(world);
    let merchant = mock.merchants().remove(0);
    Skin { name: "in-process", wire: Box::new(Inside(merchant)), hand: Box::new(mock) }
}

fn library(world: &Value, max_delay: &str) -> Skin {
    let mock = mock(world);
    let delay = wechatpay_mock_server::parse_duration(max_delay).unwrap();
    let server = mock.server().max_delay(delay).start().unwrap();
    let (address, kit) = (server.address(), server.kit().dir().to_owned());
    Skin { name: "library", wire: Box::new(Tls::new(address, &kit, MCH_ID, server)), hand: Box::new(mock) }
}

fn bare(world: &Value, max_delay: &str) -> Skin {
    let mock = mock(world);
    let delay = wechatpay_mock_server::parse_duration(max_delay).unwrap();
    let server = mock.server().max_delay(delay).start().unwrap();
    Skin { name: "bare socket", wire: Box::new(Bare::new(server, MCH_ID)), hand: Box::new(mock) }
}

fn binary(world: &Value, max_delay: &str) -> Skin {
    let mut command = command(&["--config", "-", "--max-delay", max_delay]);
    let running = Running::feed(command.stdin(Stdio::piped()), &world.to_string());
    let (address, kit) = (running.address(), running.path("kit"));
    let wire = Tls::new(address, &kit, MCH_ID, running);
    Skin { name: "binary", wire: Box::new(wire), hand: Box::new(Admin(address)) }
}

/// Has the story happen in every skin, and compares.
#[track_caller]
fn everywhere(story: impl Fn(&Story<'_>)) {
    everywhere_in(&world(), "60s", story);
}

#[track_caller]
fn everywhere_in(world: &Value, max_delay: &str, tell: impl Fn(&Story<'_>)) {
    let merchant = mock(world).merchants().remove(0);
    let told = [inside, library, bare, binary].map(|skin| {
        let skin = skin(world, max_delay);
        let story = Story::new(&*skin.wire, &*skin.hand, &merchant);
        tell(&story);
        (skin.name, story.log.into_inner())
    });
    let [(_, first), others @ ..] = told;
    for (name, other) in others {
        for (number, (one, other)) in first.iter().zip(&other).enumerate() {
            assert_eq!(one, other, "step {number}: in-process, and {name}");
        }
        assert_eq!(first.len(), other.len(), "{name}");
    }
}

impl<'a> Story<'a> {
    fn new(wire: &'a dyn Wire, hand: &'a dyn Hand, merchant: &'a MockMerchant) -> Self {
        Self { wire, hand, merchant, log: RefCell::default() }
    }

    fn mch_id(&self) -> &str {
        self.merchant.mch_id()
    }

    fn note(&self, line: impl Into<String>) {
        self.log.borrow_mut().push(line.into());
    }

    fn exchange(&self, request: Request<Bytes>, patience: Patience) -> Seen {
        let seen = self.wire.send(request, patience);
        self.note(seen.line());
        seen
    }

    /// Sends, and waits as long as it takes.
    fn send(&self, form: &Form) -> Seen {
        self.exchange(form.request(), Patience::Usual)
    }

    /// The packet of 10 yuan with this number.
    fn pay(&self, mch_billno: &str) -> Seen {
        self.send(&Form::send(self.merchant, mch_billno))
    }

    fn query(&self, mch_billno: &str) -> Seen {
        self.send(&Form::query(self.merchant, mch_billno))
    }

    fn send_without_certificate(&self, form: &Form) -> Seen {
        let mut request = form.request();
        request.extensions_mut().remove::<ClientCertificate>();
        self.exchange(request, Patience::Usual)
    }

    /// Sends what will not be answered, and gives up soon; it arrives nevertheless.
    fn send_in_vain(&self, request: Request<Bytes>) -> Seen {
        let before = self.hand.journal(self.mch_id(), "").len();
        let seen = self.exchange(request, Patience::ShortForAnswer);
        self.hand.wait(self.mch_id(), before + 1);
        seen
    }

    fn advance(&self, by: &str) -> Vec<String> {
        let fired = self.hand.advance(by);
        self.note(format!("{by} later: {fired:?}"));
        fired
    }

    /// So many seconds behind the beginning, whatever the clock shows.
    fn at(&self, seconds: u64) {
        let (hours, minutes, seconds) = (9 + seconds / 3600, seconds / 60 % 60, seconds % 60);
        self.hand.set_clock(&format!("2026-01-01T{hours:02}:{minutes:02}:{seconds:02}+08:00"));
    }

    /// Arms a fault for the merchant's requests.
    #[track_caller]
    fn arm(&self, mut rule: Value) {
        rule["when"]["mch_id"] = self.mch_id().into();
        self.arm_for_all(&rule);
    }

    #[track_caller]
    fn arm_for_all(&self, rule: &Value) {
        self.hand.arm(rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
    }

    /// One that the next request meets.
    #[track_caller]
    fn arm_once(&self, then: Value) {
        self.arm(json!({"when": {"times": 1}, "then": then}));
    }

    fn disarm(&self) {
        self.note(format!("disarmed: {}", self.hand.disarm(self.mch_id())));
    }

    /// Does something to a packet: how it stands then, or why that cannot be.
    fn act(&self, mch_billno: &str, action: &str, openid: Option<&str>) -> Result<String, String> {
        let result = self.hand.act(self.mch_id(), mch_billno, action, openid);
        self.note(format!("{action} {mch_billno}: {result:?}"));
        result
    }

    fn user(&self, openid: &str, flags: &[&str]) {
        self.hand.set_user(self.mch_id(), openid, flags);
    }

    #[track_caller]
    fn rule(&self, name: &str, value: &str) {
        self.hand.set_rule(Some(self.mch_id()), name, value).unwrap();
    }

    fn top_up(&self, fen: u64) {
        self.hand.top_up(self.mch_id(), fen);
    }

    fn certificate(&self, state: &str) {
        self.hand.take_certificate_for(self.mch_id(), state);
    }

    fn balance(&self) -> u64 {
        let balance = self.hand.balance(self.mch_id());
        self.note(format!("{balance} fen"));
        balance
    }

    /// How often the packet was paid.
    fn payments(&self, mch_billno: &str) -> usize {
        let packet = self.hand.packet(self.mch_id(), mch_billno);
        self.note(format!("packet {mch_billno}: {packet}"));
        let history = packet["history"].as_array().cloned().unwrap_or_default();
        history.iter().filter(|step| step["status"] == "SENT").count()
    }

    /// The packet of 10 yuan is paid, and it is all that was.
    #[track_caller]
    fn assert_one_debit(&self, mch_billno: &str) {
        assert_eq!((self.payments(mch_billno), self.balance()), (1, START_FEN - 1_000));
    }

    #[track_caller]
    fn assert_no_debit(&self, mch_billno: &str) {
        assert_eq!((self.payments(mch_billno), self.balance() + self.reserved()), (0, START_FEN));
    }

    fn reserved(&self) -> u64 {
        let reserved = self.hand.reserved(self.mch_id());
        self.note(format!("{reserved} fen reserved"));
        reserved
    }

    #[track_caller]
    fn assert_status(&self, mch_billno: &str, status: &str) {
        assert_eq!(self.query(mch_billno).answer().assert_success().get("status"), Some(status));
    }

    /// What arrived that fits, the oldest first: verdict, commit, fault.
    fn journal(&self, query: &str) -> Vec<String> {
        let records = self.hand.journal(self.mch_id(), query);
        for record in &records {
            let names = ["at", "method", "path", "mch_billno", "fields", "delay_ms", "outcome"];
            let parts = names.map(|name| &record[name]);
            self.note(format!("arrived: {parts:?}"));
        }
        let brief = records.iter().map(|record| {
            let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            [&record["verdict"], &record["commit"], &record["fault"]["name"]].map(word).join(" ")
        });
        let brief: Vec<_> = brief.collect();
        self.note(format!("{query}: {brief:?}"));
        brief
    }

    fn reset(&self, scope: &[&str]) {
        self.hand.reset(self.mch_id(), scope);
    }
}

/// The same request, asking for a fault itself.
fn asking(form: &Form, fault: &str) -> Request<Bytes> {
    let mut request = form.request();
    let name = HeaderName::from_static("wechatpay-negative-test");
    request.headers_mut().insert(name, HeaderValue::from_str(fault).unwrap());
    request
}
