//! What a driver does beyond the campaign. The right one does nothing; wrong ones are for tests, which show that the
//! invariants catch them.

use bytes::Bytes;
use http::Response;
use wechatpay_proto::payout::Asked;

use crate::answer::element;

/// An answer, or that none came, as a driver hears of it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What was asked.
    pub asked: Asked,
    /// How many attempts are on record.
    pub attempts: u32,
    /// Whether a sending of it was answered SEND_FAILED before.
    pub refused: bool,
    /// The answer; `None` where none came.
    pub response: Option<&'a Response<Bytes>>,
}

impl<'a> Heard<'a> {
    /// The text of an element of the answer, wherever it stands.
    pub fn element(&self, name: &str) -> Option<&'a str> {
        element(std::str::from_utf8(self.response?.body()).ok()?, name)
    }
}

/// What a driver makes of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// The campaign decides.
    #[default]
    OfCampaign,
    /// The number is given up, and the payment made under a new one.
    NewNumber,
    /// It failed; so says the report, and the business may pay again.
    Failed,
    /// It was paid; so says the report.
    Paid,
}

/// How a driver conducts itself. Every method has the right thing for its default.
pub trait Conduct: Sync {
    /// What it makes of an answer.
    fn hears(&self, heard: &Heard<'_>) -> Verdict {
        let _ = heard;
        Verdict::OfCampaign
    }

    /// Whether two orders of the business for one payment are one intent.
    fn knows_double_clicks(&self) -> bool {
        true
    }

    /// Whether a number is on disk before it is sent.
    fn writes_first(&self) -> bool {
        true
    }

    /// To whom a payment goes: the receiver of which of the payments.
    fn receiver_of(&self, want: usize) -> usize {
        want
    }
}

/// The right conduct.
#[derive(Clone, Copy, Debug, Default)]
pub struct Right;

impl Conduct for Right {}
