//! What the judge writes down of every number: what was sent, what the service was brought and said of it, what workers
//! heard. None of it is read back from a ledger, and none of it from what the workers believe.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use wechatpay_proto::payout::Asked;

use crate::answer::element;
use crate::conduct::Verdict;
use crate::told::Told;

/// One number, as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) mch_billno: String,
    /// Which payment it is for.
    pub(crate) want: usize,
    /// How often it was sent.
    pub(crate) sends: u32,
    /// When it was sent last, and whether by a worker whose lease had ended.
    pub(crate) last: Option<(Duration, bool)>,
    /// What its first request said, without nonce and sign.
    pub(crate) said: Option<String>,
    /// Copies of sendings that have not arrived yet.
    pub(crate) on_way: usize,
    /// What the last sending that arrived asked for.
    brought: Option<Paid>,
    /// The payment, once the service made it or promised it.
    pub(crate) paid: Option<Paid>,
    /// The service said that it failed, other than by refusing a sending: it pays nothing under this number any more.
    pub(crate) dead: bool,
    /// The service said SEND_FAILED to a sending.
    pub(crate) refused: bool,
    /// What workers heard of it.
    pub(crate) told: Told,
    /// What a wrong conduct made of it.
    pub(crate) verdict: Option<Verdict>,
    /// Whether it was said to have failed.
    pub(crate) failure_said: bool,
    /// Whether its end was found to be wrong.
    pub(crate) misreported: bool,
    /// When it was put on disk.
    pub(crate) opened: Duration,
    /// When an alert last said that it was given up, or contradicted itself.
    pub(crate) given_up: Option<GivenUp>,
    /// Whether the receiver was asked to claim it.
    pub(crate) claimed: bool,
}

/// A giving-up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenUp {
    /// When, by the right time.
    pub(crate) at: Duration,
    /// How far the calendar of who gave up was ahead, if it had been so for long.
    pub(crate) ahead: Duration,
}

/// A payment, as the request that asked for it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paid {
    pub(crate) receiver: String,
    pub(crate) fen: u64,
    pub(crate) at: Duration,
}

/// All numbers of a world.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) orders: Vec<Order>,
    wants: usize,
    alerts: Vec<String>,
}

impl Order {
    /// Whether money can still move under this number, or has: it was paid; or the service has not said that it never
    /// will be, and was brought it, or a request is on its way.
    pub(crate) fn may_cost(&self, open_in_ledger: bool) -> bool {
        self.paid.is_some() || !self.dead && (self.on_way > 0 || open_in_ledger)
    }

    /// The service said both that it is dead and that it is paid, or that it stands for another order: what is left is a
    /// contradiction, whoever hears of it.
    pub(crate) fn contradicts_itself(&self) -> bool {
        self.told.fatal || self.refused && self.paid.is_some()
    }

    fn pay(&mut self, paid: Paid) {
        self.paid.get_or_insert(paid);
    }
}

impl Books {
    pub(crate) fn new(wants: usize) -> Self {
        Self { orders: Vec::new(), wants, alerts: Vec::new() }
    }

    /// A number that nobody has yet. Those of two payments differ in the case of one letter.
    pub(crate) fn fresh_number(&self, want: usize, seed: u64) -> String {
        let (pair, nth) = (want / 2, self.of_want(want).count());
        format!("{pair:04}{nth:04}{seed:016x}{}", twin(want))
    }

    /// A number is known from now on.
    pub(crate) fn open(&mut self, want: usize, mch_billno: &str, now: Duration) {
        self.orders.push(Order {
            mch_billno: mch_billno.to_owned(),
            want,
            sends: 0,
            last: None,
            said: None,
            on_way: 0,
            brought: None,
            paid: None,
            dead: false,
            refused: false,
            told: Told::default(),
            verdict: None,
            failure_said: false,
            misreported: false,
            opened: now,
            given_up: None,
            claimed: false,
        });
    }

    pub(crate) fn order(&self, mch_billno: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.mch_billno == mch_billno)
    }

    pub(crate) fn order_mut(&mut self, mch_billno: &str) -> Option<&mut Order> {
        self.orders.iter_mut().find(|order| order.mch_billno == mch_billno)
    }

    pub(crate) fn of_want(&self, want: usize) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(move |order| order.want == want)
    }

    /// How many numbers of a payment were paid.
    pub(crate) fn paid(&self, want: usize) -> usize {
        self.of_want(want).filter(|order| order.paid.is_some()).count()
    }

    pub(crate) fn wants(&self) -> usize {
        self.wants
    }

    /// A request has arrived at the service, and this is what it said to it. Whether a payment was made by it.
    pub(crate) fn enter(&mut self, request: &Bid, asked: Asked, said: &str, now: Duration) -> bool {
        let Some(order) = self.order_mut(&request.mch_billno) else { return false };
        let succeeds = element(said, "result_code") == Some("SUCCESS");
        let before = order.paid.is_some();
        match asked {
            Asked::Send => {
                let paid = Paid { receiver: request.receiver.clone(), fen: request.fen, at: now };
                order.brought = Some(paid.clone());
                if succeeds {
                    order.pay(paid);
                } else {
                    order.refused |= element(said, "err_code") == Some("SEND_FAILED");
                }
            }
            Asked::Query if succeeds => match element(said, "status") {
                Some("SENT" | "RECEIVED" | "RFUND_ING" | "REFUND") => order.pays_what_was_brought(now),
                Some("FAILED") => order.dead = true,
                _ => {}
            },
            Asked::Query => {}
        }
        order.paid.is_some() && !before
    }

    /// The service paid an order by itself, or let it fail. Whether a payment was made by it.
    pub(crate) fn announce(&mut self, mch_billno: &str, paid: bool, now: Duration) -> bool {
        let Some(order) = self.order_mut(mch_billno) else { return false };
        let before = order.paid.is_some();
        if paid {
            order.pays_what_was_brought(now);
        } else {
            order.dead = true;
        }
        order.paid.is_some() && !before
    }

    /// Notes the kind of an alert.
    pub(crate) fn heard_alert(&mut self, alert: String) {
        if !self.alerts.contains(&alert) {
            self.alerts.push(alert);
        }
    }

    pub(crate) fn alerts(&self) -> Vec<String> {
        self.alerts.clone()
    }
}

impl Order {
    fn pays_what_was_brought(&mut self, now: Duration) {
        let nothing = Paid { receiver: String::new(), fen: 0, at: now };
        let brought = self.brought.clone().unwrap_or(nothing);
        self.pay(Paid { at: now, ..brought });
    }
}

/// What a request asks for, read from its own bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bid {
    pub(crate) mch_billno: String,
    pub(crate) receiver: String,
    pub(crate) fen: u64,
    /// What an answer may echo of it.
    echoes: Vec<(&'static str, String)>,
}

impl Bid {
    pub(crate) fn of(request: &Request<Bytes>) -> Self {
        let request = std::str::from_utf8(request.body()).unwrap_or_default();
        let text = |name| element(request, name).map(str::to_owned);
        let echoed = |name| Some((name, text(name)?));
        Self {
            mch_billno: text("mch_billno").unwrap_or_default(),
            receiver: text("re_openid").unwrap_or_default(),
            fen: text("total_amount").and_then(|fen| fen.parse().ok()).unwrap_or_default(),
            echoes: ["mch_billno", "mch_id", "wxappid", "re_openid", "total_amount"]
                .into_iter()
                .filter_map(echoed)
                .collect(),
        }
    }

    /// Whether an answer names nothing that this request does not, to the letter.
    pub(crate) fn fits(&self, answer: &str) -> bool {
        self.echoes.iter().all(|(name, said)| element(answer, name).is_none_or(|echo| echo == said))
    }
}

/// What tells two payments apart whose numbers and receivers are alike but for the case of one letter.
pub(crate) fn twin(want: usize) -> char {
    if want.is_multiple_of(2) { 'a' } else { 'A' }
}
