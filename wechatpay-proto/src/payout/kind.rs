//! Which payouts the machine can lead, and how each of them is sent and asked for.

use bytes::Bytes;

use super::evidence::{Answer, Fact};
use super::intent::Intent;
use super::record::Package;
use crate::endpoint::{Endpoint, Incoming as _};
use crate::error::{ReplyError, RequestError};
use crate::merchant::Merchant;
use crate::nonce::Nonce;
use crate::outcome::{Outcome, Reason};
use crate::signed::Pending;
use crate::transport::BaseUrl;
#[expect(deprecated, reason = "orders that were sent then can be led to their end")]
use crate::v2::mmpaymkttransfers::SendGroupRedPack;
use crate::v2::mmpaymkttransfers::{
    GetHbInfo, GetHbInfoReply, HbStatus, QueryWorkWxRedPack, QueryWorkWxRedPackReply, SendGroupRedPackReply,
    SendMiniProgramHb, SendMiniProgramHbReply, SendRedPack, SendRedPackReply, SendWorkWxRedPack,
    SendWorkWxRedPackReply,
};
use crate::wire::Fen;

/// What kind of payout an intent is: which endpoint sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`SendRedPack`], asked for by [`GetHbInfo`].
    RedPack,
    /// [`SendMiniProgramHb`], asked for by [`GetHbInfo`].
    MiniProgram,
    /// `SendGroupRedPack`, asked for by [`GetHbInfo`].
    Group,
    /// [`SendWorkWxRedPack`], asked for by [`QueryWorkWxRedPack`].
    WorkWx,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::RedPack, Self::MiniProgram, Self::Group, Self::WorkWx];

    /// The path of the endpoint that sends, which names the kind in records.
    #[expect(deprecated, reason = "orders that were sent then can be led to their end")]
    pub fn path(self) -> &'static str {
        match self {
            Self::RedPack => SendRedPack::SPEC.path,
            Self::MiniProgram => SendMiniProgramHb::SPEC.path,
            Self::Group => SendGroupRedPack::SPEC.path,
            Self::WorkWx => SendWorkWxRedPack::SPEC.path,
        }
    }

    /// The kind that is sent by `path`.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == path)
    }
}

/// A request that pays: the typed requests of the sending endpoints. Sealed, because each needs the query that settles it.
#[expect(private_bounds, reason = "sealed")]
pub trait Payable: Endpoint + Sealed {
    /// Which kind of payout it is.
    const KIND: Kind;
}

trait Sealed {}

/// What the machine reads from the answer to a sending, beside its outcome.
trait Sent {
    fn outcome(&self) -> Outcome<'_>;
    fn send_listid(&self) -> Option<&str>;
    fn package(&self) -> Option<&str> {
        None
    }
}

/// What the machine reads from the answer to a query, beside its outcome.
trait Found<'b> {
    fn outcome(&self) -> Outcome<'b>;
    /// No `err_code` speaks against the success of the query itself.
    fn is_clear(&self) -> bool;
    /// `status`, `total_amount`, `refund_amount` and `detail_id`.
    fn order(&self) -> (Option<&HbStatus<'b>>, Option<Fen>, Option<Fen>, Option<&str>);
}

macro_rules! found {
    ($($Reply:ident)*) => {
        $(impl<'b> Found<'b> for $Reply<'b> {
            fn outcome(&self) -> Outcome<'b> {
                $Reply::outcome(self)
            }
            fn is_clear(&self) -> bool {
                self.head.is_success()
            }
            fn order(&self) -> (Option<&HbStatus<'b>>, Option<Fen>, Option<Fen>, Option<&str>) {
                (self.status.as_ref(), self.total_amount, self.refund_amount, self.detail_id.as_deref())
            }
        })*
    };
}

found! { GetHbInfoReply QueryWorkWxRedPackReply }

macro_rules! payable {
    ($($Request:ident => $Reply:ident: $Kind:ident $(, $package:ident)?;)*) => {
        $(
            #[allow(deprecated, reason = "one of them is")]
            impl Sealed for $Request<'_> {}
            #[allow(deprecated, reason = "one of them is")]
            impl Payable for $Request<'_> {
                const KIND: Kind = Kind::$Kind;
            }
            impl Sent for $Reply<'_> {
                fn outcome(&self) -> Outcome<'_> {
                    $Reply::outcome(self)
                }
                fn send_listid(&self) -> Option<&str> {
                    self.send_listid.as_deref()
                }
                $(fn package(&self) -> Option<&str> {
                    self.$package.as_deref()
                })?
            }
        )*

        /// Rebuilds the typed request of an intent, whatever its kind.
        macro_rules! with_request {
            ($intent:expr, $bound:ident => $body:expr) => {
                match $intent.kind() {
                    $(Kind::$Kind => {
                        #[allow(deprecated, reason = "one of them is")]
                        let $bound = $Request::read($intent.fields())?;
                        $body
                    })*
                }
            };
        }
    };
}

payable! {
    SendRedPack => SendRedPackReply: RedPack;
    SendMiniProgramHb => SendMiniProgramHbReply: MiniProgram, package;
    SendGroupRedPack => SendGroupRedPackReply: Group;
    SendWorkWxRedPack => SendWorkWxRedPackReply: WorkWx;
}

/// Signs the sending of an intent: the same fields every time, and only the nonce is new.
pub(super) fn sign_send(
    intent: &Intent,
    merchant: &Merchant,
    base: &BaseUrl,
    nonce: Nonce,
) -> Result<http::Request<Bytes>, RequestError> {
    with_request!(intent, request => Ok(merchant.sign_for(base, &request, nonce)?.into_parts().0))
}

/// Signs the query of an intent.
pub(super) fn sign_query(
    intent: &Intent,
    merchant: &Merchant,
    base: &BaseUrl,
    nonce: Nonce,
) -> Result<http::Request<Bytes>, RequestError> {
    let (mch_billno, appid) = (intent.mch_billno(), intent.appid());
    let request = match intent.kind() {
        Kind::WorkWx => {
            let query = QueryWorkWxRedPack { mch_billno, appid };
            merchant.sign_for(base, &query, nonce)?.into_parts().0
        }
        _ => merchant.sign_for(base, &GetHbInfo { mch_billno, appid }, nonce)?.into_parts().0,
    };
    Ok(request)
}

/// Reads the answer to a sending.
pub(super) fn read_send(
    intent: &Intent,
    merchant: &Merchant,
    response: &http::Response<Bytes>,
) -> Result<Answer, Unreadable> {
    with_request!(intent, request => {
        let reply = Pending::of(merchant, &request).accept(response)?;
        let fact = match Sent::outcome(&reply) {
            Outcome::Accepted => Fact::Accepted,
            Outcome::Failed => Fact::SendFailed,
            Outcome::Unknown(Reason::Contradiction) => Fact::Contradiction,
            Outcome::Unknown(reason) => Fact::Nothing(reason.into_owned()),
        };
        Ok(Answer {
            fact,
            send_listid: reply.send_listid().map(Into::into),
            package: reply.package().map(|package| Package(package.into())),
        })
    })
}

/// Reads the answer to a query.
pub(super) fn read_query(
    intent: &Intent,
    merchant: &Merchant,
    response: &http::Response<Bytes>,
) -> Result<Answer, Unreadable> {
    let (mch_billno, appid) = (intent.mch_billno(), intent.appid());
    if intent.kind() == Kind::WorkWx {
        let query = QueryWorkWxRedPack { mch_billno, appid };
        found(intent, &Pending::of(merchant, &query).accept(response)?)
    } else {
        let query = GetHbInfo { mch_billno, appid };
        found(intent, &Pending::of(merchant, &query).accept(response)?)
    }
}

/// What a query found. Beyond the echoes that every answer is held against, it must speak of the same money.
fn found<'b>(intent: &Intent, reply: &impl Found<'b>) -> Result<Answer, Unreadable> {
    let (status, total_amount, refund_amount, detail_id) = reply.order();
    if total_amount.is_some_and(|amount| amount != intent.amount()) {
        return Err(ReplyError::Correlation { field: "total_amount" }.into());
    }
    if refund_amount.is_some_and(|back| back > intent.amount()) {
        return Err(ReplyError::Correlation { field: "refund_amount" }.into());
    }
    let fact = match (reply.outcome(), status) {
        (Outcome::Failed, _) => Fact::Failed,
        (Outcome::Accepted, Some(HbStatus::Received)) => Fact::Received,
        (Outcome::Accepted, Some(HbStatus::RfundIng)) => Fact::Refunding,
        (Outcome::Accepted, Some(HbStatus::Refund)) => {
            // An ordinary packet goes back whole; of a group packet only what nobody claimed.
            let whole = (intent.kind() != Kind::Group).then(|| intent.amount());
            Fact::Refunded(refund_amount.or(whole))
        }
        (Outcome::Accepted, _) => Fact::Accepted,
        (Outcome::Unknown(Reason::Contradiction), Some(HbStatus::Failed)) if reply.is_clear() => Fact::Both,
        (Outcome::Unknown(Reason::Contradiction), _) => Fact::Contradiction,
        (Outcome::Unknown(reason), _) => Fact::Nothing(reason.into_owned()),
    };
    Ok(Answer { fact, send_listid: detail_id.map(Into::into), package: None })
}

/// Why an answer cannot be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is not what it must be.
    Reply(ReplyError),
    /// The intent itself cannot be made into a request: it was restored from a broken record.
    Request(RequestError),
}

impl From<ReplyError> for Unreadable {
    fn from(error: ReplyError) -> Self {
        Self::Reply(error)
    }
}

impl From<RequestError> for Unreadable {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}
