//! One payout, its clocks, and the answers that a service gives.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wechatpay_proto::payout::{
    Alert, Asked, End, Evidence, InFlight, Intent, Kind, Next, Now, Payout, Policy, Settings, Snapshot,
    State, Unsaved,
};
use wechatpay_proto::transport::{BaseUrl, Delivery};
use wechatpay_proto::{Nonce, SignType};

use crate::common::*;

pub(crate) type Response = http::Response<Bytes>;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Some day, and some time since the process began.
pub(crate) const START: Now =
    Now { steady: Duration::from_secs(50), calendar: Duration::from_secs(1_767_225_600) };

pub(crate) const UNKNOWN: State = State::Unknown { attempts: 1, tainted: true };
pub(crate) const REFUSED: State = State::Unknown { attempts: 1, tainted: false };

pub(crate) fn nonce() -> Nonce {
    Nonce::from_bytes([7; 16])
}

/// The intent of the shared packet of a kind.
pub(crate) fn intent(kind: Kind) -> Arc<Intent> {
    Arc::new(
        match kind {
            Kind::RedPack => Intent::new("row 1", &MERCHANT, &PACKET),
            Kind::MiniProgram => Intent::new("row 1", &MERCHANT, &MINI),
            Kind::Group => Intent::new("row 1", &MERCHANT, &GROUP),
            Kind::WorkWx => Intent::new("row 1", &MERCHANT, &WORK),
            other => panic!("{other:?}"),
        }
        .unwrap(),
    )
}

/// An answer with these fields, signed where the kind wants it.
pub(crate) fn reply(kind: Kind, fields: &[(&str, &str)]) -> Response {
    answer(if kind == Kind::WorkWx { signed(SignType::Md5, fields) } else { document(fields) })
}

/// The success of a sending.
pub(crate) fn sent_fields(kind: Kind) -> Vec<(&'static str, &'static str)> {
    if kind == Kind::MiniProgram { with(&SENT, "package", PACKAGE) } else { SENT.to_vec() }
}

pub(crate) fn sent(kind: Kind) -> Response {
    reply(kind, &sent_fields(kind))
}

pub(crate) fn refusing(kind: Kind, code: &str) -> Response {
    let mut fields = with(&SENT, "result_code", "FAIL");
    fields.push(("err_code", code));
    reply(kind, &without(&fields, "send_listid"))
}

/// What a query found.
pub(crate) fn found_fields<'f>(status: &'f str, more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let mut fields = SENT[..4].to_vec();
    fields.push(("status", status));
    fields.extend(more);
    fields
}

pub(crate) fn found(kind: Kind, status: &str) -> Response {
    reply(kind, &found_fields(status, &[]))
}

pub(crate) fn not_found(kind: Kind) -> Response {
    reply(kind, &[("return_code", "SUCCESS"), ("result_code", "FAIL"), ("err_code", "NOT_FOUND")])
}

pub(crate) fn http_502() -> Response {
    let mut response = answer("<html><body>502 Bad Gateway</body></html>");
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response
}

/// The policy, changed.
pub(crate) fn policy(change: impl FnOnce(&mut Settings)) -> Policy {
    let mut settings = Settings::default();
    change(&mut settings);
    Policy::new(settings).unwrap()
}

/// What a payout came to after all waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Send,
    Query,
    Done(End),
}

/// What holds the payout.
#[derive(Debug)]
enum Held {
    Resting(Payout),
    Flying(InFlight),
    Moving,
}

/// One payout under way, with the clocks that it is told.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) intent: Arc<Intent>,
    pub(crate) policy: Policy,
    pub(crate) now: Now,
    held: Held,
    /// What is on disk.
    pub(crate) disk: Snapshot,
    /// How long it waited before the last turn.
    pub(crate) waited: Duration,
    /// The alerts of the last turn or answer.
    pub(crate) alerts: Vec<Alert>,
    /// When something was sent, by the steady clock.
    pub(crate) sends: Vec<Duration>,
    pub(crate) queries: usize,
}

impl World {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::with(kind, Policy::default())
    }

    pub(crate) fn with(kind: Kind, policy: Policy) -> Self {
        let intent = intent(kind);
        let unsaved = Payout::new(Arc::clone(&intent), &policy, START);
        let disk = unsaved.snapshot();
        Self {
            intent,
            policy,
            now: START,
            held: Held::Resting(unsaved.saved()),
            disk,
            waited: Duration::ZERO,
            alerts: Vec::new(),
            sends: Vec::new(),
            queries: 0,
        }
    }

    /// One whose first attempt is in flight.
    pub(crate) fn sending(kind: Kind) -> Self {
        let mut world = Self::new(kind);
        assert_eq!(world.turn(), Turn::Send);
        world
    }

    /// One whose first query is in flight; the attempt before it timed out.
    pub(crate) fn querying(kind: Kind) -> Self {
        let mut world = Self::sending(kind);
        world.fault(Delivery::MaybeSent);
        assert_eq!(world.turn(), Turn::Query);
        world
    }

    pub(crate) fn kind(&self) -> Kind {
        self.intent.kind()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.calendar += time;
    }

    pub(crate) fn payout(&mut self) -> Payout {
        match std::mem::replace(&mut self.held, Held::Moving) {
            Held::Resting(payout) => payout,
            other => panic!("not at rest: {other:?}"),
        }
    }

    /// What would be written now.
    pub(crate) fn snapshot(&mut self) -> String {
        let payout = self.payout();
        let line = payout.snapshot().to_string();
        self.put(payout);
        line
    }

    pub(crate) fn put(&mut self, payout: Payout) {
        self.held = Held::Resting(payout);
    }

    pub(crate) fn flight(&mut self) -> InFlight {
        match std::mem::replace(&mut self.held, Held::Moving) {
            Held::Flying(flight) => flight,
            other => panic!("not in flight: {other:?}"),
        }
    }

    pub(crate) fn save(&mut self, unsaved: Unsaved<Payout>) {
        self.disk = unsaved.snapshot();
        self.alerts.extend_from_slice(unsaved.alerts());
        self.held = Held::Resting(unsaved.saved());
    }

    /// Waits as long as it wants, and does what it wants then.
    pub(crate) fn turn(&mut self) -> Turn {
        self.waited = Duration::ZERO;
        self.alerts.clear();
        loop {
            match self.payout().next(self.now).unwrap() {
                Next::Wait { payout, until } => {
                    let wait = until - self.now.steady;
                    assert!(!wait.is_zero(), "a wait for nothing");
                    self.waited += wait;
                    self.pass(wait);
                    self.put(payout);
                }
                Next::Record(unsaved) => self.save(unsaved),
                Next::Send(unsaved) => {
                    self.disk = unsaved.snapshot();
                    let signed = unsaved.saved().sign(self.now, &MERCHANT, &BaseUrl::default(), nonce());
                    self.held = Held::Flying(signed.unwrap().1);
                    self.sends.push(self.now.steady);
                    return Turn::Send;
                }
                Next::Query(query) => {
                    let signed = query.sign(self.now, &MERCHANT, &BaseUrl::default(), nonce());
                    self.held = Held::Flying(signed.unwrap().1);
                    self.queries += 1;
                    return Turn::Query;
                }
                Next::Done(done) => {
                    let end = done.end();
                    self.put(done.into_payout());
                    return Turn::Done(end);
                }
            }
        }
    }

    pub(crate) fn answer(&mut self, response: &Response) -> State {
        self.alerts.clear();
        let unsaved = self.flight().answer(self.now, &MERCHANT, response);
        self.save(unsaved);
        self.state()
    }

    pub(crate) fn fault(&mut self, delivery: Delivery) -> State {
        self.alerts.clear();
        let unsaved = self.flight().fault(self.now, delivery);
        self.save(unsaved);
        self.state()
    }

    /// An answer that nobody waits for.
    pub(crate) fn hear(&mut self, asked: Asked, response: &Response) -> State {
        self.alerts.clear();
        let evidence = Evidence::read(&self.intent, asked, &MERCHANT, response);
        let unsaved = self.payout().hear(self.now, evidence);
        self.save(unsaved);
        self.state()
    }

    /// The process ends, and begins again at `now` with what is on disk.
    pub(crate) fn restart(&mut self, now: Now) {
        let snapshot: Snapshot = self.disk.to_string().parse().unwrap();
        self.now = now;
        self.put(Payout::restore(Arc::clone(&self.intent), &self.policy, &snapshot, now).unwrap());
    }

    /// Where it stands, as it is on disk.
    pub(crate) fn state(&self) -> State {
        self.disk.state()
    }
}

/// The alerts that are told in these words.
#[track_caller]
pub(crate) fn told(world: &World, words: &[&str]) {
    let alerts: Vec<_> = world.alerts.iter().map(Alert::to_string).collect();
    let fits =
        alerts.len() == words.len() && alerts.iter().zip(words).all(|(alert, word)| alert.contains(word));
    assert!(fits, "{alerts:?} and not {words:?}");
}
