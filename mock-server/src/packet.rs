//! One packet: what it is, where it stands, who has claimed of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use wechatpay_proto::Fen;
use wechatpay_proto::v2::mmpaymkttransfers::HbStatus;

use crate::clock::Time;
use crate::outcome::Commit;
use crate::rules::Rules;

/// Whose packet, and which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// The merchant that sent it.
    pub mch_id: String,
    /// Its number of the packet.
    pub mch_billno: String,
}

impl OrderKey {
    pub(crate) fn new(mch_id: &str, mch_billno: &str) -> Self {
        Self { mch_id: mch_id.to_owned(), mch_billno: mch_billno.to_owned() }
    }

    pub(crate) fn parts(&self) -> [&str; 2] {
        [&self.mch_id, &self.mch_billno]
    }
}

/// What a packet is: which endpoint sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Kind {
    /// `sendredpack`.
    Normal,
    /// `sendminiprogramhb`.
    MiniProgram,
    /// `sendgroupredpack`: as many shares as it has claims.
    Group,
    /// `sendworkwxredpack`.
    WorkWeixin,
}

/// One part of a packet, for one user. All packets but those for groups have one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Share {
    /// The amount.
    pub amount: Fen,
    /// Who has it; `None` while nobody has.
    pub claim: Option<Claim>,
}

/// Who has a share.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The user.
    pub openid: String,
    /// Since when.
    pub at: Time,
}

impl Share {
    pub(crate) fn new(amount: Fen) -> Self {
        Self { amount, claim: None }
    }
}

/// Where a packet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Taken, not paid; with a reason where something is in the way.
    Sending,
    /// Paid, waiting for the user.
    Sent,
    /// Closed without payment.
    Failed,
    /// Claimed, every share of it.
    Received,
    /// On its way back.
    #[serde(rename = "RFUND_ING")]
    RfundIng,
    /// Back.
    Refund,
}

impl Status {
    /// The names of the actions that a packet here allows.
    pub fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Sending => &["settle", "fail"],
            Self::Sent => &["claim", "expire"],
            Self::RfundIng => &["refund"],
            Self::Failed | Self::Received | Self::Refund => &[],
        }
    }

    /// What can become of a packet here, for people.
    pub(crate) fn outlook(self) -> &'static str {
        match self {
            Self::Sending => "it is not paid yet: settle pays it, fail closes it without payment",
            Self::Sent => "it waits for its user: claim takes it, expire ends the claim window",
            Self::RfundIng => "its money is on its way back: refund brings it there",
            Self::Failed => "it was closed without payment, for good: send another number",
            Self::Received => "its user has it, for good",
            Self::Refund => "its payer has the money again, for good",
        }
    }

    /// Where a packet may go on to from here.
    pub(crate) fn leads_to(self) -> &'static [Self] {
        match self {
            Self::Sending => &[Self::Sent, Self::Failed],
            Self::Sent => &[Self::Received, Self::RfundIng],
            Self::RfundIng => &[Self::Refund],
            Self::Failed | Self::Received | Self::Refund => &[],
        }
    }

    /// As `gethbinfo` writes it.
    pub fn to_wire(self) -> HbStatus<'static> {
        match self {
            Self::Sending => HbStatus::Sending,
            Self::Sent => HbStatus::Sent,
            Self::Failed => HbStatus::Failed,
            Self::Received => HbStatus::Received,
            Self::RfundIng => HbStatus::RfundIng,
            Self::Refund => HbStatus::Refund,
        }
    }
}

impl fmt::Display for Status {
    /// As `gethbinfo` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_wire(), f)
    }
}

/// One packet, with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedPacket {
    /// Whose packet, and which.
    pub key: OrderKey,
    /// What it is.
    pub kind: Kind,
    /// The merchant number that pays: the sender's, or in service-provider mode another.
    pub payer: String,
    /// The appid under which the receiver is known.
    pub wxappid: String,
    /// The receiver; of a group packet the seed user, who passes it on.
    pub re_openid: String,
    /// The amount of all shares together.
    pub amount: Fen,
    /// The shares, in the order in which they are claimed.
    pub shares: Vec<Share>,
    /// The person in whose name a work-weixin packet is sent.
    pub sender_name: Option<String>,
    /// The picture of that person.
    pub sender_header_media_id: Option<String>,
    /// 微信单号.
    pub send_listid: String,
    /// 64 hexadecimal digits that stand for all that its request said, but for the nonce and the signs.
    pub fingerprint: String,
    /// Where it stands.
    pub status: Status,
    /// What is in the way of a packet that is not sent.
    pub reason: Option<String>,
    /// When the order was taken.
    pub created: Time,
    /// When its number was last sent.
    pub last_attempt: Time,
    /// Every status it had, and since when; the first is `Sending`, the last is the present one.
    pub history: Vec<(Time, Status)>,
    /// When its amount left the payer's balance: reserved while the packet is SENDING, paid out from SENT on. `None`
    /// where it did not, or came back because the packet FAILED.
    pub taken: Option<Time>,
    /// What keeps it SENDING, though nothing is in the way.
    pub hold: Option<Hold>,
    /// When it moves on by itself.
    pub due: Option<Time>,
}

/// What keeps an order SENDING.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Until when.
    pub until: Until,
    /// Whether it fails then, instead of being paid.
    pub fails: bool,
    /// Whether a send of its number is answered PROCESSING meanwhile, instead of SUCCESS.
    pub processing: bool,
}

impl Hold {
    /// What became of a request whose order is held.
    pub(crate) fn commit(self) -> Commit {
        match self.until {
            Until::Time(time) => Commit::Later(time),
            Until::Polls(_) | Until::Never => Commit::Applied,
        }
    }
}

/// Until when an order is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Until then.
    Time(Time),
    /// Until it was queried so many times more.
    Polls(u32),
    /// Until its life ends, or somebody settles it.
    Never,
}

impl RedPacket {
    /// Since when it stands where it stands.
    pub fn since(&self) -> Time {
        self.history.last().map_or(self.created, |(time, _)| *time)
    }

    /// The fen that its payer is without because of it.
    pub(crate) fn cost(&self) -> u64 {
        let back = if self.status == Status::Refund { self.unclaimed().0 } else { 0 };
        self.taken.map_or(0, |_| u64::from(self.amount.0.saturating_sub(back)))
    }

    /// The fen that its payer has reserved for it.
    pub(crate) fn reserved(&self) -> u64 {
        if self.status == Status::Sending { self.cost() } else { 0 }
    }

    /// Who has claimed how much, in the order of the shares.
    pub fn claims(&self) -> impl Iterator<Item = (Fen, &Claim)> {
        self.shares.iter().filter_map(|share| Some((share.amount, share.claim.as_ref()?)))
    }

    /// What nobody has claimed: it comes back at the end.
    pub fn unclaimed(&self) -> Fen {
        Fen(self.shares.iter().filter(|share| share.claim.is_none()).map(|share| share.amount.0).sum())
    }

    /// Gives a user the next share, and says where the packet stands then. Of a group packet everybody may have one;
    /// any other is for its receiver.
    pub(crate) fn claim(&mut self, openid: Option<&str>, now: Time) -> Result<Status, ActionError> {
        let user = openid.unwrap_or(&self.re_openid).to_owned();
        let again = self.claims().any(|(_, claim)| claim.openid == user);
        match (self.kind, openid) {
            (Kind::Group, None) if again => return Err(ActionError::WhoElse),
            (Kind::Group, _) if again => return Err(ActionError::ClaimedBefore),
            (Kind::Group, _) => {}
            _ if user != self.re_openid => return Err(ActionError::NotTheReceiver),
            _ => {}
        }
        let mut free = self.shares.iter_mut().filter(|share| share.claim.is_none());
        if let Some(share) = free.next() {
            share.claim = Some(Claim { openid: user, at: now });
        }
        Ok(if free.next().is_some() { Status::Sent } else { Status::Received })
    }

    /// When it will move on by itself from where it stands.
    pub(crate) fn will_move(&self, rules: &Rules) -> Option<Time> {
        match (self.status, self.hold) {
            (Status::Sending, Some(Hold { until: Until::Time(time), .. })) => Some(time),
            _ => self.will_end(rules),
        }
    }

    fn will_end(&self, rules: &Rules) -> Option<Time> {
        match self.status {
            Status::Sending => Some(self.created.after(rules.order_life)),
            Status::Sent => Some(self.since().after(rules.claim_window)),
            Status::RfundIng => Some(self.since().after(rules.refund_delay)),
            Status::Failed | Status::Received | Status::Refund => None,
        }
    }
}

/// Something that moves a packet on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// SENDING to SENT: what was reserved is paid, or the payer debited where nothing was.
    Settle,
    /// A share of a SENT packet goes to a user; with the last one the packet is RECEIVED.
    Claim {
        /// Who claims; `None` for the receiver.
        openid: Option<String>,
    },
    /// SENT to RFUND_ING: the claim window is over.
    Expire,
    /// RFUND_ING to REFUND: the payer is credited with what nobody has claimed.
    Refund,
    /// SENDING to FAILED.
    Fail {
        /// The reason that a query shows; often there is none.
        reason: Option<String>,
    },
}

impl Action {
    /// Its name, as in the admin API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Settle => "settle",
            Self::Claim { .. } => "claim",
            Self::Expire => "expire",
            Self::Refund => "refund",
            Self::Fail { .. } => "fail",
        }
    }
}

/// An action that a packet does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// No such packet.
    #[error("no packet {} of {}", .0.mch_billno, .0.mch_id)]
    NotFound(OrderKey),
    /// The packet stands elsewhere.
    #[error("a packet that is {status} does not allow {}: {}", action.name(), status.outlook())]
    Illegal {
        /// Where it stands.
        status: Status,
        /// What was asked for.
        action: Action,
    },
    /// An ordinary packet goes to its receiver only.
    #[error("the packet is for another user")]
    NotTheReceiver,
    /// Of a group packet everybody has one share at most.
    #[error("the user has claimed a share of this packet before")]
    ClaimedBefore,
    /// The seed user of a group packet has a share; somebody else must be named.
    #[error("the seed user has claimed a share of this packet before: name the openid that claims")]
    WhoElse,
    /// The payer's balance does not cover it.
    #[error("the payer's balance does not cover the packet")]
    NotEnough,
}
