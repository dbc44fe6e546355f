//! The money: balances, packets, and the few ways in which a packet may move on.
//!
//! Two things hold always: at most one payment for each (`mch_id`, `mch_billno`), and for each payer what it
//! started with equals its balance plus what is reserved plus what is on its way plus what was received. An order
//! that is taken has its amount reserved from then on, as at the service: it cannot be spent twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Time;
use crate::engine::{Event, Fired};
use crate::packet::{Action, ActionError, Hold, OrderKey, RedPacket, Status, Until};
use crate::rules::RuleBook;

mod days;

use days::Days;

/// Why an order is not paid whose payer has not the money.
pub(crate) const NOT_ENOUGH: &str = "帐号余额不足，请到商户平台充值后再重试";

/// All packets and balances of a mock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    packets: BTreeMap<OrderKey, RedPacket>,
    balances: BTreeMap<String, u64>,
    due: BTreeSet<(Time, OrderKey)>,
    days: Days,
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

    /// The balance of a merchant in fen, without what is reserved; zero for one that is not known.
    pub fn balance(&self, mch_id: &str) -> u64 {
        self.balances.get(mch_id).copied().unwrap_or_default()
    }

    /// What a merchant has reserved for orders that were taken and are not decided yet, in fen.
    pub fn reserved(&self, mch_id: &str) -> u64 {
        self.packets.values().filter(|packet| packet.payer == mch_id).map(RedPacket::reserved).sum()
    }

    /// Puts money into a balance.
    pub(crate) fn top_up(&mut self, mch_id: &str, fen: u64) {
        let balance = self.balances.entry(mch_id.to_owned()).or_default();
        *balance = balance.saturating_add(fen);
    }

    /// Sets a balance.
    pub(crate) fn set_balance(&mut self, mch_id: &str, fen: u64) {
        self.balances.insert(mch_id.to_owned(), fen);
    }

    /// Takes an order. Nothing is paid yet.
    pub(crate) fn open(&mut self, packet: RedPacket, rules: &RuleBook) {
        let key = packet.key.clone();
        self.packets.insert(key.clone(), packet);
        self.plan(&key, rules);
    }

    /// Puts a packet where it was in a world before, with its part of what was spent on its day. Where it does not say
    /// when it moves on, the rules do. Worlds were once written without what was reserved: it is reserved now for an
    /// order that was taken, where the balance covers it.
    pub(crate) fn put_back(&mut self, packet: RedPacket, rules: &RuleBook) -> Result<(), String> {
        let key = packet.key.clone();
        if self.packets.contains_key(&key) {
            return Err(format!("{} of {} is there twice", key.mch_billno, key.mch_id));
        }
        let due = packet.due;
        self.days.count(&packet);
        let (taken, at) = (packet.hold.is_some() && packet.taken.is_none(), packet.last_attempt);
        self.packets.insert(key.clone(), packet);
        if taken {
            // Without the money it is decided later, as it would have been then.
            let _ = self.take(&key, at);
        }
        match due {
            Some(due) => drop(self.due.insert((due, key))),
            None => self.plan(&key, rules),
        }
        Ok(())
    }

    /// Forgets every packet that one of these merchants sent or paid for. Another merchant that paid for one has the
    /// money again.
    pub(crate) fn forget(&mut self, whose: impl Fn(&str) -> bool) {
        let (mut senders, mut costs) = (BTreeSet::new(), Vec::new());
        self.packets.retain(|key, packet| {
            let goes = whose(&key.mch_id) || whose(&packet.payer);
            if goes {
                senders.insert(key.mch_id.clone());
                costs.push((packet.payer.clone(), packet.cost()));
            }
            !goes
        });
        self.due.retain(|(_, key)| self.packets.contains_key(key));
        costs.into_iter().for_each(|(payer, fen)| self.top_up(&payer, fen));
        self.days.forget(|mch_id| senders.contains(mch_id));
        let left = self.packets.values().filter(|packet| senders.contains(&packet.key.mch_id));
        left.for_each(|packet| self.days.count(packet));
    }

    /// Forgets the balance of a merchant that is no more.
    pub(crate) fn close(&mut self, mch_id: &str) {
        self.balances.remove(mch_id);
    }

    /// What will happen by itself: when, and to which packet.
    pub(crate) fn scheduled(&self) -> impl Iterator<Item = (Time, &OrderKey)> {
        self.due.iter().map(|(at, key)| (*at, key))
    }

    /// Keeps an order SENDING that was taken: its amount is reserved.
    pub(crate) fn hold(
        &mut self,
        key: &OrderKey,
        hold: Hold,
        now: Time,
        rules: &RuleBook,
    ) -> Result<(), ActionError> {
        self.take(key, now)?;
        if let Some(packet) = self.packets.get_mut(key) {
            packet.hold = Some(hold);
        }
        self.plan(key, rules);
        Ok(())
    }

    /// Takes the amount of a packet out of the payer's balance, and counts it in its day; once, whatever is asked.
    fn take(&mut self, key: &OrderKey, now: Time) -> Result<(), ActionError> {
        let packet = self.packets.get_mut(key).ok_or_else(|| ActionError::NotFound(key.clone()))?;
        if packet.taken.is_none() {
            let balance = self.balances.entry(packet.payer.clone()).or_default();
            *balance = balance.checked_sub(u64::from(packet.amount.0)).ok_or(ActionError::NotEnough)?;
            packet.taken = Some(now);
            self.days.count(packet);
        }
        Ok(())
    }

    /// Gives an order that is held so the reason that queries show.
    pub(crate) fn explain(&mut self, key: &OrderKey, hold: Hold, reason: Option<String>) {
        if let Some(packet) = self.packets.get_mut(key).filter(|packet| packet.hold == Some(hold)) {
            packet.reason = reason;
        }
    }

    /// Counts a query of an order that is held for so many, and says how it is held now.
    pub(crate) fn poll(&mut self, key: &OrderKey) -> Option<Until> {
        let hold = self.packets.get_mut(key)?.hold.as_mut()?;
        if let Until::Polls(left) = &mut hold.until {
            *left = left.saturating_sub(1);
        }
        Some(hold.until)
    }

    /// Ends what holds an order: it is paid or fails, or stays for want of money.
    pub(crate) fn release(&mut self, key: &OrderKey, now: Time, rules: &RuleBook) -> Option<Status> {
        let hold = self.packets.get_mut(key)?.hold.take();
        let action = match hold {
            Some(Hold { fails: false, until: Until::Time(_) | Until::Polls(0), .. }) => Action::Settle,
            _ => Action::Fail { reason: None },
        };
        match self.act(key, &action, now, rules) {
            Ok(packet) => Some(packet.status),
            Err(_) => {
                self.attempted(key, now, Some(NOT_ENOUGH.to_owned()));
                self.plan(key, rules);
                None
            }
        }
    }

    /// Notes when a packet moves on by itself.
    fn plan(&mut self, key: &OrderKey, rules: &RuleBook) {
        let Some(packet) = self.packets.get_mut(key) else { return };
        if let Some(due) = packet.due.take() {
            self.due.remove(&(due, key.clone()));
        }
        packet.due = packet.will_move(rules.of(&key.mch_id));
        if let Some(due) = packet.due {
            self.due.insert((due, key.clone()));
        }
    }

    /// What one request can touch, without the rest: its packet, the balances, and what its user and its merchant
    /// had today.
    pub(crate) fn excerpt(&self, now: Time, key: &OrderKey, openid: &str) -> Self {
        let one = |packet: &RedPacket| (key.clone(), packet.clone());
        Self {
            packets: self.packets.get(key).map(one).into_iter().collect(),
            balances: self.balances.clone(),
            due: BTreeSet::new(),
            days: self.days.excerpt(now, &key.mch_id, openid),
        }
    }

    /// Notes another attempt at the same number, and what is in its way.
    pub(crate) fn attempted(&mut self, key: &OrderKey, now: Time, reason: Option<String>) {
        if let Some(packet) = self.packets.get_mut(key) {
            packet.last_attempt = now;
            packet.reason = reason;
        }
    }

    /// Packets and fen that were taken for a user from a merchant today, and fen that the merchant spent today.
    pub(crate) fn today(&self, now: Time, mch_id: &str, openid: &str) -> (u32, u64, u64) {
        self.days.on(now, mch_id, openid)
    }

    /// Moves a packet on, if it stands where that is allowed.
    pub(crate) fn act(
        &mut self,
        key: &OrderKey,
        action: &Action,
        now: Time,
        rules: &RuleBook,
    ) -> Result<&RedPacket, ActionError> {
        if self.known(key)?.status == Status::Sending && *action == Action::Settle {
            self.take(key, now)?;
        }
        let packet = self.packets.get_mut(key).ok_or_else(|| ActionError::NotFound(key.clone()))?;
        let balance = self.balances.entry(packet.payer.clone()).or_default();
        let next = match (packet.status, action) {
            (Status::Sending, Action::Settle) => Status::Sent,
            (Status::Sent, Action::Claim { openid }) => packet.claim(openid.as_deref(), now)?,
            (Status::Sent, Action::Expire) => Status::RfundIng,
            (Status::RfundIng, Action::Refund) => {
                *balance = balance.saturating_add(u64::from(packet.unclaimed().0));
                Status::Refund
            }
            (Status::Sending, Action::Fail { .. }) => {
                *balance = balance.saturating_add(packet.reserved());
                self.days.discount(packet);
                packet.taken = None;
                Status::Failed
            }
            (status, action) => return Err(ActionError::Illegal { status, action: action.clone() }),
        };
        if next == packet.status {
            return self.known(key); // a group packet of which a share is left
        }
        packet.status = next;
        packet.hold = None;
        packet.reason = match action {
            Action::Fail { reason } => reason.clone(),
            _ => None,
        };
        packet.history.push((now, next));
        self.plan(key, rules);
        self.known(key)
    }

    fn known(&self, key: &OrderKey) -> Result<&RedPacket, ActionError> {
        self.packets.get(key).ok_or_else(|| ActionError::NotFound(key.clone()))
    }

    /// When the next packet moves on by itself.
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(time, _)| *time)
    }

    /// Moves on every packet that is due by `now`, in order, each at its own time.
    pub(crate) fn run_until(&mut self, now: Time, rules: &RuleBook) -> Vec<Fired> {
        let mut fired = Vec::new();
        while let Some((at, key)) = self.due.first().filter(|(time, _)| *time <= now).cloned() {
            let moved = match self.packets.get(&key).map(|packet| packet.status) {
                Some(Status::Sending) => self.release(&key, at, rules),
                Some(Status::Sent) => self.move_on(&key, &Action::Expire, at, rules),
                _ => self.move_on(&key, &Action::Refund, at, rules),
            };
            fired.extend(moved.map(|status| Fired { at, key, event: Event::Moved(status) }));
        }
        fired
    }

    fn move_on(&mut self, key: &OrderKey, action: &Action, at: Time, rules: &RuleBook) -> Option<Status> {
        match self.act(key, action, at, rules) {
            Ok(packet) => Some(packet.status),
            Err(_) => {
                drop(self.due.pop_first());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use wechatpay_proto::Fen;

    use super::*;
    use crate::clock::Clock;
    use crate::packet::{Kind, Share};
    use crate::rules::Rules;

    fn key(number: u8) -> OrderKey {
        OrderKey { mch_id: "m".to_owned(), mch_billno: number.to_string() }
    }

    fn packet(number: u8, amount: u32, now: Time) -> RedPacket {
        RedPacket {
            key: key(number),
            kind: Kind::Normal,
            payer: "m".to_owned(),
            wxappid: "wx".to_owned(),
            re_openid: "o".to_owned(),
            amount: Fen(amount),
            shares: vec![Share::new(Fen(amount))],
            sender_name: None,
            sender_header_media_id: None,
            send_listid: number.to_string(),
            fingerprint: String::new(),
            status: Status::Sending,
            reason: None,
            created: now,
            last_attempt: now,
            history: vec![(now, Status::Sending)],
            taken: None,
            hold: None,
            due: None,
        }
    }

    /// Odd numbers are packets for three users.
    fn any_packet(number: u8, now: Time) -> RedPacket {
        let ordinary = packet(number, 300, now);
        if number.is_multiple_of(2) {
            return ordinary;
        }
        let shares = [299 - u32::from(number), u32::from(number), 1].map(|fen| Share::new(Fen(fen)));
        RedPacket { kind: Kind::Group, shares: shares.into(), ..ordinary }
    }

    fn sums(ledger: &Ledger) -> u64 {
        let out = |packet: &RedPacket| {
            let paid = matches!(packet.status, Status::Sent | Status::Received | Status::RfundIng);
            packet.claims().map(|(amount, _)| u64::from(amount.0)).sum::<u64>()
                + if paid { u64::from(packet.unclaimed().0) } else { 0 }
        };
        ledger.balance("m") + ledger.reserved("m") + ledger.packets().map(out).sum::<u64>()
    }

    /// The days as they follow from the packets alone.
    fn days(ledger: &Ledger) -> Days {
        let mut days = Days::default();
        ledger.packets().for_each(|packet| days.count(packet));
        days
    }

    #[test]
    fn an_unclaimed_packet_comes_back() {
        let (rules, start) = (RuleBook::new(Rules::default()), Clock::default_frozen().now());
        let mut ledger = Ledger::default();
        ledger.top_up("m", 500);
        ledger.open(packet(1, 200, start), &rules);
        ledger.act(&key(1), &Action::Settle, start, &rules).unwrap();
        assert_eq!(ledger.balance("m"), 300);
        assert_eq!(ledger.next_due(), Some(start.after(rules.world().claim_window)));
        let end = start.after(rules.world().claim_window).after(rules.world().refund_delay);
        assert!(ledger.run_until(start, &rules).is_empty());
        let fired = ledger.run_until(end, &rules);
        let statuses: Vec<_> = fired.iter().map(|fired| (fired.at, fired.status().unwrap())).collect();
        assert_eq!(
            statuses,
            [(start.after(rules.world().claim_window), Status::RfundIng), (end, Status::Refund)]
        );
        assert_eq!(ledger.balance("m"), 500);
        assert_eq!(ledger.next_due(), None);
    }

    #[test]
    fn an_unpaid_order_is_closed_and_a_claim_needs_the_receiver() {
        let (rules, start) = (RuleBook::new(Rules::default()), Clock::default_frozen().now());
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
        let fired = ledger.run_until(start.after(rules.world().order_life), &rules);
        assert_eq!(
            fired,
            [Fired {
                at: start.after(rules.world().order_life),
                key: key(1),
                event: Event::Moved(Status::Failed)
            }]
        );
        assert!(matches!(ledger.act(&key(9), &Action::Expire, start, &rules), Err(ActionError::NotFound(_))));
    }

    proptest! {
        /// Whatever is done in whatever order, no fen appears or disappears, and no number is paid twice.
        #[test]
        fn money_is_neither_made_nor_lost(
            steps in proptest::collection::vec((0_u8..4, 0_u8..15, 0_u64..40_000), 0..60)
        ) {
            let (rules, mut now) = (RuleBook::new(Rules::default()), Clock::default_frozen().now());
            let mut ledger = Ledger::default();
            ledger.top_up("m", 1_000);
            for (number, what, seconds) in steps {
                now = now.after(Duration::from_secs(seconds));
                ledger.run_until(now, &rules);
                let action = match what {
                    0 => { if ledger.packet(&key(number)).is_none() { ledger.open(any_packet(number, now), &rules); } continue }
                    1 | 2 => Action::Settle,
                    3 => Action::Claim { openid: None },
                    4 => Action::Expire,
                    5 => Action::Refund,
                    6 => Action::Fail { reason: None },
                    11.. => {
                        let until = match what {
                            11 => Until::Never,
                            12 => Until::Polls(1),
                            _ => Until::Time(now.after(Duration::from_secs(seconds))),
                        };
                        let hold = Hold { until, fails: what == 14, processing: false };
                        // As the handlers do: only an order that nothing is in the way of is taken.
                        let free = ledger.packet(&key(number)).is_some_and(|packet| packet.status == Status::Sending && packet.hold.is_none());
                        if free { drop(ledger.hold(&key(number), hold, now, &rules)); }
                        if ledger.poll(&key(number)) == Some(Until::Polls(0)) { ledger.release(&key(number), now, &rules); }
                        prop_assert_eq!(sums(&ledger), 1_000);
                        continue
                    }
                    user => Action::Claim { openid: Some(["o", "p", "q", "r"][usize::from(user - 7)].to_owned()) },
                };
                let before = ledger.clone();
                if ledger.act(&key(number), &action, now, &rules).is_err() {
                    prop_assert_eq!(ledger.packets().collect::<Vec<_>>(), before.packets().collect::<Vec<_>>());
                }
                prop_assert_eq!(sums(&ledger), 1_000);
                prop_assert_eq!(&ledger.days, &days(&ledger));
                for packet in ledger.packets() {
                    let taken = !matches!(packet.status, Status::Sending | Status::Failed) || packet.hold.is_some();
                    prop_assert_eq!(packet.taken.is_some(), taken);
                    let paid = packet.history.iter().filter(|(_, status)| *status == Status::Sent).count();
                    prop_assert!(paid <= 1);
                }
            }
        }
    }
}
