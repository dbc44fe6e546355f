//! The money: balances, packets, and the few ways in which a packet may move on.
//!
//! Two things hold always: at most one payment for each (`mch_id`, `mch_billno`), and for each payer what it
//! started with equals its balance plus what is on its way plus what was received.

use std::collections::{BTreeMap, BTreeSet};

use wechatpay_proto::Fen;
use wechatpay_proto::v2::mmpaymkttransfers::HbStatus;

use crate::clock::Time;
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
}

/// Where a packet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Taken, not paid; with a reason where something is in the way.
    Sending,
    /// Paid, waiting for the user.
    Sent,
    /// Closed without payment.
    Failed,
    /// Claimed.
    Received,
    /// On its way back.
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

/// One packet, with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedPacket {
    /// Whose packet, and which.
    pub key: OrderKey,
    /// The merchant number that pays: the sender's, or in service-provider mode another.
    pub payer: String,
    /// The appid under which the receiver is known.
    pub wxappid: String,
    /// The receiver.
    pub re_openid: String,
    /// The amount.
    pub amount: Fen,
    /// 微信单号.
    pub send_listid: String,
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
}

impl RedPacket {
    /// Since when it stands where it stands.
    pub fn since(&self) -> Time {
        self.history.last().map_or(self.created, |(time, _)| *time)
    }

    /// When it moves on by itself.
    fn due(&self, rules: &Rules) -> Option<Time> {
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
    /// SENDING to SENT: the payer is debited.
    Settle,
    /// SENT to RECEIVED, by the receiver; `None` for whoever that is.
    Claim {
        /// Who claims.
        openid: Option<String>,
    },
    /// SENT to RFUND_ING: the claim window is over.
    Expire,
    /// RFUND_ING to REFUND: the payer is credited.
    Refund,
    /// SENDING to FAILED.
    Fail {
        /// The reason that a query shows; often there is none.
        reason: Option<String>,
    },
}

/// An action that a packet does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// No such packet.
    #[error("no packet {} of {}", .0.mch_billno, .0.mch_id)]
    NotFound(OrderKey),
    /// The packet stands elsewhere.
    #[error("a packet that is {status:?} does not allow {action:?}, only [{}]", status.allowed().join(", "))]
    Illegal {
        /// Where it stands.
        status: Status,
        /// What was asked for.
        action: Action,
    },
    /// An ordinary packet goes to its receiver only.
    #[error("the packet is for another user")]
    NotTheReceiver,
    /// The payer's balance does not cover it.
    #[error("the payer's balance does not cover the packet")]
    NotEnough,
}

/// A packet that moved on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// When.
    pub at: Time,
    /// Which packet.
    pub key: OrderKey,
    /// Where it stands now.
    pub status: Status,
}

/// All packets and balances of a mock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    packets: BTreeMap<OrderKey, RedPacket>,
    balances: BTreeMap<String, u64>,
    due: BTreeSet<(Time, OrderKey)>,
    day: Day,
}

/// What was paid out on one day in Beijing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Day {
    day: String,
    merchants: BTreeMap<String, u64>,
    users: BTreeMap<(String, String), (u32, u64)>,
}

impl Ledger {
    /// All packets, in order of their keys.
    pub fn packets(&self) -> impl Iterator<Item = &RedPacket> {
        self.packets.values()
    }

    /// One packet.
    pub fn packet(&self, key: &OrderKey) -> Option<&RedPacket> {
        self.packets.get(key)
    }

    /// The balance of a merchant in fen; zero for one that is not known.
    pub fn balance(&self, mch_id: &str) -> u64 {
        self.balances.get(mch_id).copied().unwrap_or_default()
    }

    /// Puts money into a balance.
    pub(crate) fn top_up(&mut self, mch_id: &str, fen: u64) {
        let balance = self.balances.entry(mch_id.to_owned()).or_default();
        *balance = balance.saturating_add(fen);
    }

    /// Takes an order. Nothing is paid yet.
    pub(crate) fn open(&mut self, packet: RedPacket, rules: &Rules) {
        if let Some(due) = packet.due(rules) {
            self.due.insert((due, packet.key.clone()));
        }
        self.packets.insert(packet.key.clone(), packet);
    }

    /// Notes another attempt at the same number, and what is in its way.
    pub(crate) fn attempted(&mut self, key: &OrderKey, now: Time, reason: Option<String>) {
        if let Some(packet) = self.packets.get_mut(key) {
            packet.last_attempt = now;
            packet.reason = reason;
        }
    }

    /// Packets and fen that a user got from a merchant today, and fen that the merchant spent today.
    pub(crate) fn today(&self, now: Time, mch_id: &str, openid: &str) -> (u32, u64, u64) {
        if self.day.day != now.day() {
            return (0, 0, 0);
        }
        let user = self.day.users.get(&(mch_id.to_owned(), openid.to_owned())).copied().unwrap_or_default();
        (user.0, user.1, self.day.merchants.get(mch_id).copied().unwrap_or_default())
    }

    /// Moves a packet on, if it stands where that is allowed.
    pub(crate) fn act(
        &mut self,
        key: &OrderKey,
        action: &Action,
        now: Time,
        rules: &Rules,
    ) -> Result<&RedPacket, ActionError> {
        let packet = self.packets.get_mut(key).ok_or_else(|| ActionError::NotFound(key.clone()))?;
        let balance = self.balances.entry(packet.payer.clone()).or_default();
        let fen = u64::from(packet.amount.0);
        let next = match (packet.status, action) {
            (Status::Sending, Action::Settle) => {
                *balance = balance.checked_sub(fen).ok_or(ActionError::NotEnough)?;
                self.day.paid(now, packet);
                Status::Sent
            }
            (Status::Sent, Action::Claim { openid }) => {
                if openid.as_ref().is_some_and(|openid| *openid != packet.re_openid) {
                    return Err(ActionError::NotTheReceiver);
                }
                Status::Received
            }
            (Status::Sent, Action::Expire) => Status::RfundIng,
            (Status::RfundIng, Action::Refund) => {
                *balance = balance.saturating_add(fen);
                Status::Refund
            }
            (Status::Sending, Action::Fail { .. }) => Status::Failed,
            (status, action) => return Err(ActionError::Illegal { status, action: action.clone() }),
        };
        if let Some(due) = packet.due(rules) {
            self.due.remove(&(due, key.clone()));
        }
        packet.status = next;
        packet.reason = match action {
            Action::Fail { reason } => reason.clone(),
            _ => None,
        };
        packet.history.push((now, next));
        if let Some(due) = packet.due(rules) {
            self.due.insert((due, key.clone()));
        }
        Ok(packet)
    }

    /// When the next packet moves on by itself.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(time, _)| *time)
    }

    /// Moves on every packet that is due by `now`, in order, each at its own time.
    pub(crate) fn run_until(&mut self, now: Time, rules: &Rules) -> Vec<Fired> {
        let mut fired = Vec::new();
        while let Some((at, key)) = self.due.first().filter(|(time, _)| *time <= now).cloned() {
            let action = match self.packets.get(&key).map(|packet| packet.status) {
                Some(Status::Sending) => Action::Fail { reason: None },
                Some(Status::Sent) => Action::Expire,
                _ => Action::Refund,
            };
            match self.act(&key, &action, at, rules) {
                Ok(packet) => fired.push(Fired { at, key: key.clone(), status: packet.status }),
                Err(_) => drop(self.due.pop_first()),
            }
        }
        fired
    }
}

impl Day {
    fn paid(&mut self, now: Time, packet: &RedPacket) {
        if self.day != now.day() {
            *self = Self { day: now.day(), ..Self::default() };
        }
        let fen = u64::from(packet.amount.0);
        let user = self.users.entry((packet.key.mch_id.clone(), packet.re_openid.clone())).or_default();
        *user = (user.0.saturating_add(1), user.1.saturating_add(fen));
        let merchant = self.merchants.entry(packet.key.mch_id.clone()).or_default();
        *merchant = merchant.saturating_add(fen);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;

    fn key(number: u8) -> OrderKey {
        OrderKey { mch_id: "m".to_owned(), mch_billno: number.to_string() }
    }

    fn packet(number: u8, amount: u32, now: Time) -> RedPacket {
        RedPacket {
            key: key(number),
            payer: "m".to_owned(),
            wxappid: "wx".to_owned(),
            re_openid: "o".to_owned(),
            amount: Fen(amount),
            send_listid: number.to_string(),
            status: Status::Sending,
            reason: None,
            created: now,
            last_attempt: now,
            history: vec![(now, Status::Sending)],
        }
    }

    fn sums(ledger: &Ledger) -> u64 {
        let on_its_way = ledger
            .packets()
            .filter(|packet| matches!(packet.status, Status::Sent | Status::Received | Status::RfundIng));
        ledger.balance("m") + on_its_way.map(|packet| u64::from(packet.amount.0)).sum::<u64>()
    }

    #[test]
    fn an_unclaimed_packet_comes_back() {
        let (rules, start) = (Rules::default(), Clock::default_frozen().now());
        let mut ledger = Ledger::default();
        ledger.top_up("m", 500);
        ledger.open(packet(1, 200, start), &rules);
        ledger.act(&key(1), &Action::Settle, start, &rules).unwrap();
        assert_eq!(ledger.balance("m"), 300);
        assert_eq!(ledger.next_due(), Some(start.after(rules.claim_window)));
        let end = start.after(rules.claim_window).after(rules.refund_delay);
        assert!(ledger.run_until(start, &rules).is_empty());
        let fired = ledger.run_until(end, &rules);
        let statuses: Vec<_> = fired.iter().map(|fired| (fired.at, fired.status)).collect();
        assert_eq!(statuses, [(start.after(rules.claim_window), Status::RfundIng), (end, Status::Refund)]);
        assert_eq!(ledger.balance("m"), 500);
        assert_eq!(ledger.next_due(), None);
    }

    #[test]
    fn an_unpaid_order_is_closed_and_a_claim_needs_the_receiver() {
        let (rules, start) = (Rules::default(), Clock::default_frozen().now());
        let mut ledger = Ledger::default();
        ledger.open(packet(1, 200, start), &rules);
        assert_eq!(ledger.act(&key(1), &Action::Settle, start, &rules), Err(ActionError::NotEnough));
        let claim = |openid: &str| Action::Claim { openid: Some(openid.to_owned()) };
        let early = ledger.act(&key(1), &claim("o"), start, &rules).unwrap_err();
        assert_eq!(early, ActionError::Illegal { status: Status::Sending, action: claim("o") });
        ledger.top_up("m", 200);
        ledger.open(packet(2, 200, start), &rules);
        ledger.act(&key(2), &Action::Settle, start, &rules).unwrap();
        assert_eq!(ledger.act(&key(2), &claim("p"), start, &rules), Err(ActionError::NotTheReceiver));
        assert_eq!(ledger.act(&key(2), &claim("o"), start, &rules).unwrap().status, Status::Received);
        let fired = ledger.run_until(start.after(rules.order_life), &rules);
        assert_eq!(fired, [Fired { at: start.after(rules.order_life), key: key(1), status: Status::Failed }]);
        assert!(matches!(ledger.act(&key(9), &Action::Expire, start, &rules), Err(ActionError::NotFound(_))));
    }

    proptest! {
        /// Whatever is done in whatever order, no fen appears or disappears, and no number is paid twice.
        #[test]
        fn money_is_neither_made_nor_lost(
            steps in proptest::collection::vec((0_u8..4, 0_u8..7, 0_u64..40_000), 0..60)
        ) {
            let (rules, mut now) = (Rules::default(), Clock::default_frozen().now());
            let mut ledger = Ledger::default();
            ledger.top_up("m", 1_000);
            for (number, what, seconds) in steps {
                now = now.after(Duration::from_secs(seconds));
                ledger.run_until(now, &rules);
                let action = match what {
                    0 => { if ledger.packet(&key(number)).is_none() { ledger.open(packet(number, 300, now), &rules); } continue }
                    1 | 2 => Action::Settle,
                    3 => Action::Claim { openid: None },
                    4 => Action::Expire,
                    5 => Action::Refund,
                    _ => Action::Fail { reason: None },
                };
                let before = ledger.clone();
                if ledger.act(&key(number), &action, now, &rules).is_err() {
                    prop_assert_eq!(ledger.packets().collect::<Vec<_>>(), before.packets().collect::<Vec<_>>());
                }
                prop_assert_eq!(sums(&ledger), 1_000);
                for packet in ledger.packets() {
                    let paid = packet.history.iter().filter(|(_, status)| *status == Status::Sent).count();
                    prop_assert!(paid <= 1);
                }
            }
        }
    }
}
