//! What was heard of a number, read by the rules of payouts alone: when a failure is proved. The machine has no part in it,
//! and neither has a ledger.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use wechatpay_proto::payout::Asked;

use crate::answer::{element, whole};
use crate::books::Bid;

/// How long after the last sending, and after SEND_FAILED, an order that is not found is taken for one that never will be.
const GUARD: Duration = Duration::from_secs(3600);

/// Codes that say of a sending that it was not carried out. The service may have kept the order all the same; a query shows
/// it then.
const REFUSALS: [&str; 22] = [
    "SEND_FAILED",
    "NOTENOUGH",
    "SENDNUM_LIMIT",
    "SENDAMOUNT_LIMIT",
    "RCVDAMOUNT_LIMIT",
    "FREQ_LIMIT",
    "SECOND_OVER_LIMITED",
    "DAY_OVER_LIMITED",
    "NO_AUTH",
    "CA_ERROR",
    "SIGN_ERROR",
    "XML_ERROR",
    "API_METHOD_CLOSED",
    "NO_COMPETENCE",
    "PRODUCT_AUTHORITY_UNOPEN",
    "ILLEGAL_APPID",
    "MONEY_LIMIT",
    "OPENID_ERROR",
    "MSGAPPID_ERROR",
    "ACCEPTMODE_ERROR",
    "PARAM_ERROR",
    "SUCCESS",
];

/// What workers heard of one number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Sendings that may have arrived, and have no definite answer.
    open: Vec<u64>,
    /// When it was last sent, or first refused by SEND_FAILED. That a second copy of the same request is refused too, late,
    /// is nothing new.
    last: Duration,
    /// A sending was answered SEND_FAILED.
    pub(crate) send_failed: bool,
    /// A query found it FAILED; or did not find it, long after SEND_FAILED and with no sending open.
    dead: bool,
    /// When a sending was first refused for a defect of the order.
    pub(crate) defect: Option<Duration>,
    /// The service said that the number stands for another order.
    pub(crate) fatal: bool,
}

impl Told {
    /// A sending left.
    pub(crate) fn sent(&mut self, flight: u64, now: Duration) {
        self.open.push(flight);
        self.last = now;
    }

    /// It did not leave after all.
    pub(crate) fn not_sent(&mut self, flight: u64) {
        self.open.retain(|open| *open != flight);
    }

    /// Something arrived as the answer to a request.
    pub(crate) fn heard(
        &mut self,
        (asked, flight): (Asked, u64),
        request: &Bid,
        response: &Response<Bytes>,
        now: Duration,
    ) {
        let Some(text) = whole(response).filter(|text| request.fits(text)) else { return };
        let names = element(text, "mch_billno").is_some();
        let word = match element(text, "result_code") {
            Some("SUCCESS") => Some("SUCCESS"),
            Some("FAIL") => element(text, "err_code"),
            _ => None,
        };
        match (asked, word) {
            (Asked::Send, Some(code)) => self.heard_of_sending(flight, code, names, now),
            (Asked::Query, Some("SUCCESS")) => self.dead |= element(text, "status") == Some("FAILED"),
            (Asked::Query, Some("NOT_FOUND")) => {
                let late = now.saturating_sub(self.last) >= GUARD;
                self.dead |= self.send_failed && self.open.is_empty() && late;
            }
            _ => {}
        }
    }

    fn heard_of_sending(&mut self, flight: u64, code: &str, names: bool, now: Duration) {
        if REFUSALS.contains(&code) {
            self.not_sent(flight);
        }
        match code {
            "SEND_FAILED" if names && !self.send_failed => (self.send_failed, self.last) = (true, now),
            "FATAL_ERROR" => self.fatal = true,
            _ => {}
        }
        let defect = matches!(
            code,
            "FATAL_ERROR"
                | "ILLEGAL_APPID"
                | "MONEY_LIMIT"
                | "OPENID_ERROR"
                | "MSGAPPID_ERROR"
                | "ACCEPTMODE_ERROR"
                | "PARAM_ERROR"
        );
        if defect {
            self.defect.get_or_insert(now);
        }
    }

    /// Whether it may be said that nothing was paid and nothing will be.
    pub(crate) fn proves_failure(&self) -> bool {
        self.dead
    }
}
