//! The engine: a request and a time in, an outcome out. No I/O, no clock, no chance of its own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use wechatpay_proto::ErrorCode;
use wechatpay_proto::wire::{self, Fields};

use crate::account::Account;
use crate::answer::{self, CertificatePage, Refusal};
use crate::arrival::{Arrival, Certificate};
use crate::clock::Time;
use crate::fault::{Carry, Chosen, Facts, Faults};
use crate::handlers::Answered;
use crate::journal::{Journal, Record, Verdict};
use crate::ledger::Ledger;
use crate::outcome::{Admission, Commit, Effect, Hello, Outcome, RequestId};
use crate::packet::{Action, ActionError, Hold, OrderKey, RedPacket, Until};
use crate::rules::{Edge, LargeBody, RuleBook, Rules};
use crate::seed::Seed;
use crate::users::Users;

mod reading;
mod recent;
mod route;
mod schedule;

pub use recent::Recent;
pub(crate) use recent::Window;
use route::Route;
pub(crate) use route::{served, spec};
pub(crate) use schedule::Late;
use schedule::Schedule;
pub use schedule::{Event, Fired};

/// The most bytes of a request: 1 MiB, the default of the web server in front.
pub const MAX_REQUEST: usize = 1024 * 1024;

const SECOND: Duration = Duration::from_secs(1);
const TOO_LARGE: &str = "413 Request Entity Too Large";

#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) seed: Seed,
    pub(crate) rules: RuleBook,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) users: Users,
    pub(crate) ledger: Ledger,
    /// What each merchant did a moment ago.
    pub(crate) recent: BTreeMap<String, Recent>,
    pub(crate) faults: Faults,
    pub(crate) schedule: Schedule,
    pub(crate) journal: Journal,
    pub(crate) requests: u64,
}

/// One way of carrying out a request: when, how it came, and whether its order is to be held.
#[derive(Clone)]
pub(crate) struct Visit<'a> {
    pub(crate) now: Time,
    pub(crate) arrival: &'a Arrival,
    /// What holds an order that is taken now.
    pub(crate) hold: Option<Hold>,
}

/// A request, read as far as it can be.
struct Letter<'a> {
    request: &'a Request<Bytes>,
    /// None where it is no document.
    fields: &'a Fields<'a>,
    /// Why it is no document: the rule that it breaks, and at which byte. Never what stands there.
    broken: Option<String>,
    route: Option<&'static Route>,
}

impl Letter<'_> {
    fn key(&self) -> OrderKey {
        let text = |name| self.fields.get(name).unwrap_or_default();
        OrderKey::new(text("mch_id"), text("mch_billno"))
    }
}

impl Engine {
    pub(crate) fn new(seed: Seed, rules: Rules) -> Self {
        Self {
            seed,
            rules: RuleBook::new(rules),
            accounts: BTreeMap::new(),
            users: Users::default(),
            ledger: Ledger::default(),
            recent: BTreeMap::new(),
            faults: Faults::default(),
            schedule: Schedule::default(),
            journal: Journal::default(),
            requests: 0,
        }
    }

    /// What a connection gets before it can bring a request.
    pub(crate) fn admit(&mut self, now: Time, hello: &Hello) -> Admission {
        self.faults.admit(now, self.seed, hello)
    }

    /// Answers one request.
    pub(crate) fn handle(&mut self, now: Time, request: &Request<Bytes>, arrival: &Arrival) -> Outcome {
        self.run_until(now);
        self.read(request, |engine, letter| {
            let arrival = engine.regarded(letter, arrival);
            let facts = Facts { request, fields: letter.fields };
            match engine.faults.choose(now, engine.seed, &facts) {
                None => engine.visit(letter, &Visit { now, arrival: &arrival, hold: None }, None),
                Some(chosen) => engine.play(now, letter, &arrival, &chosen),
            }
        })
    }

    /// Answers a request whose body is longer than [`MAX_REQUEST`], for a skin that does not read it.
    #[cfg(feature = "server")]
    pub(crate) fn refuse_too_large(
        &mut self,
        now: Time,
        request: &Request<Bytes>,
        arrival: &Arrival,
    ) -> Outcome {
        let visit = Visit { now, arrival, hold: None };
        self.read(request, |engine, letter| {
            let answered = match engine.rules.world().large_body {
                LargeBody::Page => Answered::page(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE, Verdict::Size),
                LargeBody::XmlError => engine.answer(letter, &visit),
            };
            let letter = Letter { broken: Some(reading::TOO_LONG.to_owned()), ..*letter };
            engine.close(&letter, &visit, answered, None)
        })
    }

    /// Reads a request as far as it can be read. Anything but a POST has no body for the application.
    fn read<R>(&mut self, request: &Request<Bytes>, then: impl FnOnce(&mut Self, &Letter<'_>) -> R) -> R {
        let body: &[u8] = if request.method() == Method::POST { request.body() } else { b"" };
        let body = if body.len() > MAX_REQUEST { b"" } else { body };
        let body = reading::tidy(body, self.rules.world());
        let (document, nothing) = (wire::parse(&body, &[]), Fields::default());
        let fields = document.as_ref().map_or(&nothing, |document| document.untrusted());
        let as_sent = matches!(body, Cow::Borrowed(_));
        let broken = document.as_ref().err().map(|error| reading::diagnose(request, error, as_sent));
        let route = route::find(request.uri().path(), self.rules.world().group);
        then(self, &Letter { request, fields, broken, route })
    }

    /// The arrival, with what the merchant's own certificate is taken for.
    fn regarded<'a>(&self, letter: &Letter<'_>, arrival: &'a Arrival) -> Cow<'a, Arrival> {
        let account = letter.fields.get("mch_id").and_then(|mch_id| self.account(mch_id));
        let own = account.filter(|account| arrival.certificate.is_of(account.mch_id()));
        match own.and_then(|account| account.taken_for) {
            Some(mistaken) => Cow::Owned(arrival.taken_for(mistaken)),
            None => Cow::Borrowed(arrival),
        }
    }

    /// Carries out a request as a fault has it.
    fn play(&mut self, now: Time, letter: &Letter<'_>, arrival: &Arrival, chosen: &Chosen) -> Outcome {
        let (now, arrival) = (chosen.fault.skewed(now), chosen.fault.mistaken(arrival));
        let visit = Visit { now, arrival: &arrival, hold: None };
        match chosen.carry(now) {
            Carry::Now => self.visit(letter, &visit, Some(chosen)),
            Carry::Held { hold, reason } => {
                let outcome = self.visit(letter, &Visit { hold: Some(hold), ..visit }, Some(chosen));
                self.ledger.explain(&letter.key(), hold, reason);
                outcome
            }
            Carry::Twice { first } => {
                let [one, other] = [0, 1].map(|_| self.visit(letter, &visit, Some(chosen)));
                // The client's request was carried out if either delivery was.
                let commit = if one.commit == Commit::NotApplied { other.commit } else { one.commit };
                Outcome { commit, ..if first { one } else { other } }
            }
            Carry::Rehearsed => {
                let answered = self.rehearse(letter, &visit);
                self.close(letter, &visit, answered, Some(chosen))
            }
            Carry::Later(after) => {
                let answered = self.rehearse(letter, &visit);
                let at = now.after(after);
                let answered = Answered { commit: Commit::Later(at), ..answered };
                let outcome = self.close(letter, &visit, answered, Some(chosen));
                let (id, key, request) = (outcome.id, letter.key(), letter.request.clone());
                self.schedule.put(at, Late { id, key, request, arrival: arrival.clone() });
                outcome
            }
        }
    }

    fn visit(&mut self, letter: &Letter<'_>, visit: &Visit<'_>, chosen: Option<&Chosen>) -> Outcome {
        let answered = self.answer(letter, visit);
        self.close(letter, visit, answered, chosen)
    }

    /// What the request would be answered, of which nothing stays.
    fn rehearse(&mut self, letter: &Letter<'_>, visit: &Visit<'_>) -> Answered {
        let key = letter.key();
        let excerpt =
            self.ledger.excerpt(visit.now, &key, letter.fields.get("re_openid").unwrap_or_default());
        let ledger = mem::replace(&mut self.ledger, excerpt);
        let recent = self.recent.get(&key.mch_id).cloned();
        let answered = self.answer(letter, visit);
        self.ledger = ledger;
        match recent {
            Some(recent) => drop(self.recent.insert(key.mch_id, recent)),
            None => drop(self.recent.remove(&key.mch_id)),
        }
        Answered { commit: Commit::NotApplied, ..answered }
    }

    fn answer(&mut self, letter: &Letter<'_>, visit: &Visit<'_>) -> Answered {
        // The web server in front judges the size, the certificate's maker and the path, in this order.
        let world = self.rules.world();
        if letter.request.body().len() > MAX_REQUEST && world.large_body == LargeBody::Page {
            return Answered::page(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE, Verdict::Size);
        }
        if visit.arrival.certificate == Certificate::Foreign {
            let response = answer::certificate_page(CertificatePage::Refused);
            return Answered { response, verdict: Verdict::Certificate, commit: Commit::NotApplied };
        }
        let Some(route) = letter.route else {
            let answered = Answered::page(StatusCode::NOT_FOUND, "404 Not Found", Verdict::Path);
            let comment = route::unplayed(letter.request.uri().path());
            return Answered { response: answer::remarked(answered.response, comment), ..answered };
        };
        if letter.broken.is_none() {
            return (route.handle)(self, visit, letter.fields);
        }
        let refusal = Refusal::new(ErrorCode::XmlError, route.malformed);
        Answered {
            response: answer::bare(&refusal, self.rules.world()),
            verdict: Verdict::Xml,
            commit: Commit::NotApplied,
        }
    }

    /// Gives an answer its number and the looks that a fault wants, and writes the journal.
    fn close(
        &mut self,
        letter: &Letter<'_>,
        visit: &Visit<'_>,
        answered: Answered,
        chosen: Option<&Chosen>,
    ) -> Outcome {
        self.requests += 1;
        let id = RequestId(self.requests);
        let rules = self.rules.of(letter.fields.get("mch_id").unwrap_or_default());
        // What was found of the request itself; a fault may answer something else.
        let (commit, found) = (answered.commit, answered.verdict);
        let Answered { mut response, verdict, .. } =
            match (chosen.and_then(|chosen| chosen.refusal(rules)), letter.route) {
                (Some(refusal), Some(route)) => (route.refuse)(self, letter.fields, refusal),
                _ => answered,
            };
        let diagnosis = self.diagnose(letter, found);
        mark(&mut response, id, verdict, diagnosis.as_deref().filter(|_| verdict == found));
        let (delay, effect) = match chosen {
            None => (Duration::ZERO, Effect::Reply(response)),
            Some(chosen) => chosen.shape(response, self.accounts.get(&letter.key().mch_id)),
        };
        let outcome = Outcome { id, commit, delay, effect };
        let record = Record::new(letter.request, letter.fields, visit, found, &outcome, chosen);
        self.journal.push(Record { diagnosis, ..record });
        outcome
    }

    /// What more there is to say of what was found: what breaks the document and where, or what is played.
    fn diagnose(&self, letter: &Letter<'_>, found: Verdict) -> Option<String> {
        match found {
            Verdict::Xml => letter.broken.clone(),
            Verdict::Path => Some(route::explain(letter.request.uri().path(), self.rules.world().group)),
            _ => None,
        }
    }

    /// Makes everything happen that is due by `now`, in order, each at its own time.
    pub(crate) fn run_until(&mut self, now: Time) -> Vec<Fired> {
        let mut fired = Vec::new();
        while let Some((at, late)) = self.schedule.pop(now) {
            fired.extend(self.ledger.run_until(at, &self.rules));
            fired.push(self.arrive(at, &late));
        }
        fired.extend(self.ledger.run_until(now, &self.rules));
        fired
    }

    /// A request that a fault held up is carried out now; nobody waits for its answer.
    fn arrive(&mut self, at: Time, late: &Late) -> Fired {
        let visit = Visit { now: at, arrival: &late.arrival, hold: None };
        self.read(&late.request, |engine, letter| {
            let commit = engine.answer(letter, &visit).commit;
            engine.journal.decided(late.id, commit);
            let applied = commit == Commit::Applied;
            Fired { at, key: letter.key(), event: Event::Arrived { id: late.id, applied } }
        })
    }

    /// The order that a request names, as the engine reads it.
    pub(crate) fn key_of(&mut self, request: &Request<Bytes>) -> OrderKey {
        self.read(request, |_, letter| letter.key())
    }

    /// When the next thing happens by itself.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.ledger.next_due().into_iter().chain(self.schedule.next()).min()
    }
}

/// The headers of our own: the number of the request, and on a failure in a word what was found, with what more there is
/// to say of it.
fn mark(response: &mut Response<Bytes>, id: RequestId, verdict: Verdict, diagnosis: Option<&str>) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert("x-mock-request-id", id.clone());
        headers.insert("request-id", id);
    }
    if verdict != Verdict::Ok {
        let word = HeaderValue::from_static(verdict.name());
        let more =
            diagnosis.and_then(|more| HeaderValue::try_from(format!("{}: {more}", verdict.name())).ok());
        headers.insert("x-mock-diagnosis", more.unwrap_or(word));
    }
}

/// The world that the handlers of endpoints work in.
impl Engine {
    /// The rules that hold for a merchant.
    pub(crate) fn rules_of(&self, mch_id: &str) -> &Rules {
        self.rules.of(mch_id)
    }

    pub(crate) fn account(&self, mch_id: &str) -> Option<&Account> {
        self.accounts.get(mch_id)
    }

    /// Adds a merchant with its balance.
    pub(crate) fn add(&mut self, account: Account, balance_fen: u64) {
        self.ledger.set_balance(account.mch_id(), balance_fen);
        self.accounts.insert(account.mch_id().to_owned(), account);
    }

    pub(crate) fn open(&mut self, packet: RedPacket) {
        self.ledger.open(packet, &self.rules);
    }

    pub(crate) fn hold(&mut self, now: Time, key: &OrderKey, hold: Hold) -> Result<(), ActionError> {
        self.ledger.hold(key, hold, now, &self.rules)
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

    /// Counts one more send of a merchant against the limit of a second.
    pub(crate) fn count_send(&mut self, now: Time, mch_id: &str) -> Result<(), Refusal> {
        let Some(most) = self.rules.of(mch_id).sends_per_second else { return Ok(()) };
        let window = &mut self.recent.entry(mch_id.to_owned()).or_default().sends;
        if window.count(now, most, SECOND) { Ok(()) } else { Err(Refusal::too_often()) }
    }

    /// Counts one more query of a merchant against the limit of a second; `false` where it is one too many.
    pub(crate) fn count_query(&mut self, now: Time, mch_id: &str) -> bool {
        let Some(most) = self.rules.of(mch_id).query_limit else { return true };
        self.recent.entry(mch_id.to_owned()).or_default().queries.count(now, most, SECOND)
    }

    /// Notes a nonce of a merchant that may not use one again; `false` where it did.
    pub(crate) fn note_nonce(&mut self, mch_id: &str, nonce: &str) -> bool {
        match self.rules.of(mch_id).nonce_reuse {
            Edge::Accept => true,
            Edge::Reject => self.recent.entry(mch_id.to_owned()).or_default().note(nonce),
        }
    }

    /// Counts a query of an order that is held for so many queries.
    pub(crate) fn count_poll(&mut self, now: Time, key: &OrderKey) {
        if self.ledger.poll(key) == Some(Until::Polls(0)) {
            // Where the money is missing now, the order stays, with that as its reason.
            self.ledger.release(key, now, &self.rules);
        }
    }
}
