//! Packets as JSON. What a file says of one is judged: it must be able to have come about.

use serde::{Deserialize, Serialize};
use wechatpay_proto::Fen;

use crate::clock::Time;
use crate::engine::Engine;
use crate::packet::{Claim, Hold, Kind, OrderKey, RedPacket, Share, Status};

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are those of RedPacket")]
pub struct PacketState {
    pub mch_id: String,
    pub mch_billno: String,
    pub kind: Kind,
    pub payer: String,
    pub wxappid: String,
    pub re_openid: String,
    pub total_amount: u32,
    pub shares: Vec<ShareState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_header_media_id: Option<String>,
    pub send_listid: String,
    #[serde(default)]
    pub fingerprint: String,
    #[serde(default)]
    pub reason: Option<String>,
    pub last_attempt: Time,
    /// Every status it had, and since when; the last is the present one.
    pub history: Vec<HistoryState>,
    /// When its amount left the payer's balance. Where it is left out of a packet that was paid, with the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// When it moves on by itself.
    #[serde(default)]
    pub due: Option<Time>,
}

/// One part of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareState {
    /// In fen.
    pub amount: u32,
    /// Who has it.
    #[serde(default)]
    pub claim: Option<ClaimState>,
}

/// Who has a share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimState {
    /// The user.
    pub openid: String,
    /// Since when.
    pub at: Time,
}

/// A status that a packet had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryState {
    /// Since when.
    pub at: Time,
    /// Which.
    pub status: Status,
}

impl PacketState {
    pub(super) fn of(packet: &RedPacket) -> Self {
        let claim = |claim: &Claim| ClaimState { openid: claim.openid.clone(), at: claim.at };
        let share =
            |share: &Share| ShareState { amount: share.amount.0, claim: share.claim.as_ref().map(claim) };
        Self {
            mch_id: packet.key.mch_id.clone(),
            mch_billno: packet.key.mch_billno.clone(),
            kind: packet.kind,
            payer: packet.payer.clone(),
            wxappid: packet.wxappid.clone(),
            re_openid: packet.re_openid.clone(),
            total_amount: packet.amount.0,
            shares: packet.shares.iter().map(share).collect(),
            sender_name: packet.sender_name.clone(),
            sender_header_media_id: packet.sender_header_media_id.clone(),
            send_listid: packet.send_listid.clone(),
            fingerprint: packet.fingerprint.clone(),
            reason: packet.reason.clone(),
            last_attempt: packet.last_attempt,
            history: packet.history.iter().map(|&(at, status)| HistoryState { at, status }).collect(),
            taken: packet.taken,
            hold: packet.hold,
            due: packet.due,
        }
    }

    /// The packet as it was. The balances are those of the merchants: nothing is debited again.
    pub(super) fn packet(self, engine: &Engine) -> Result<RedPacket, String> {
        self.check_merchants(engine)?;
        let (created, status) = self.check_history()?;
        self.check_shares(status)?;
        self.check_future(status)?;
        let taken = self.check_taken(status)?;
        let claim = |claim: ClaimState| Claim { openid: claim.openid, at: claim.at };
        let share = |share: ShareState| Share { amount: Fen(share.amount), claim: share.claim.map(claim) };
        Ok(RedPacket {
            key: OrderKey { mch_id: self.mch_id, mch_billno: self.mch_billno },
            kind: self.kind,
            payer: self.payer,
            wxappid: self.wxappid,
            re_openid: self.re_openid,
            amount: Fen(self.total_amount),
            shares: self.shares.into_iter().map(share).collect(),
            sender_name: self.sender_name,
            sender_header_media_id: self.sender_header_media_id,
            send_listid: self.send_listid,
            fingerprint: self.fingerprint,
            status,
            reason: self.reason,
            created,
            last_attempt: self.last_attempt,
            history: self.history.iter().map(|entry| (entry.at, entry.status)).collect(),
            taken,
            hold: self.hold,
            due: self.due,
        })
    }

    /// Money comes from somebody, and goes back there.
    fn check_merchants(&self, engine: &Engine) -> Result<(), String> {
        for (part, mch_id) in [("mch_id", &self.mch_id), ("payer", &self.payer)] {
            if engine.account(mch_id).is_none() {
                return Err(format!("{part}: {mch_id} is no merchant of this world"));
            }
        }
        Ok(())
    }

    /// Says when it was taken, and where it stands. Times may go back, as clocks that are set do.
    fn check_history(&self) -> Result<(Time, Status), String> {
        let (Some(first), Some(last)) = (self.history.first(), self.history.last()) else {
            return Err("history: it begins with SENDING".to_owned());
        };
        if first.status != Status::Sending {
            return Err("history: it begins with SENDING".to_owned());
        }
        for (before, after) in self.history.iter().zip(self.history.iter().skip(1)) {
            if !before.status.leads_to().contains(&after.status) {
                return Err(format!("history: {} cannot follow {}", after.status, before.status));
            }
        }
        Ok((first.at, last.status))
    }

    fn check_shares(&self, status: Status) -> Result<(), String> {
        let (sum, total) =
            (self.shares.iter().map(|share| u64::from(share.amount)).sum::<u64>(), self.total_amount);
        if self.shares.is_empty() || sum != u64::from(total) {
            return Err(format!("shares: they are {sum} fen together, total_amount is {total}"));
        }
        if self.kind != Kind::Group && self.shares.len() > 1 {
            return Err("shares: only a packet for a group has more than one".to_owned());
        }
        let (claimed, all) =
            (self.shares.iter().filter(|share| share.claim.is_some()).count(), self.shares.len());
        match status {
            Status::Sending | Status::Failed if claimed > 0 => {
                Err(format!("shares: nobody has a share of a packet that is {status}"))
            }
            Status::Sent | Status::RfundIng | Status::Refund if claimed == all => {
                Err(format!("shares: of a packet that is {status} a share is left"))
            }
            Status::Received if claimed < all => {
                Err(format!("shares: a packet that is {status} has no share left"))
            }
            _ => Ok(()),
        }
    }

    /// When the money was taken: with the payment, unless it was reserved before.
    fn check_taken(&self, status: Status) -> Result<Option<Time>, String> {
        match status {
            Status::Sending if self.taken.is_some() && self.hold.is_none() => {
                Err("taken: of a packet that is SENDING nothing is taken unless it is held".to_owned())
            }
            Status::Failed if self.taken.is_some() => {
                Err("taken: of a packet that is FAILED all came back".to_owned())
            }
            _ => {
                let paid = self.history.iter().find(|entry| entry.status == Status::Sent);
                Ok(self.taken.or(paid.map(|entry| entry.at)))
            }
        }
    }

    fn check_future(&self, status: Status) -> Result<(), String> {
        if self.hold.is_some() && status != Status::Sending {
            return Err("hold: only a packet that is SENDING is held".to_owned());
        }
        if self.due.is_some() && status.leads_to().is_empty() {
            return Err(format!("due: a packet that is {status} moves no more"));
        }
        Ok(())
    }
}
