//! The end of a world: what is on record, held against the ledger.

use std::time::Duration;

use wechatpay_mock_server::{RedPacket, Status};
use wechatpay_proto::payout::{GaveUp, State};

use super::World;
use crate::books::Order;
use crate::conduct::Verdict;
use crate::disk::Row;
use crate::plan::{DAY, SECOND};
use crate::report::Invariant;
use crate::service::EPOCH;

impl World<'_> {
    pub(super) fn judge(&mut self) {
        self.counts.requests = self.service.requests;
        self.counts.torn = self.disk.torn_read;
        if self.disk.torn_believed > 0 {
            self.violate(Invariant::OnDisk, || "a text that was cut off was believed".to_owned());
        }
        let rows = std::mem::take(&mut self.disk.rows);
        for want in 0..self.books.wants() {
            self.judge_want(want, &rows);
        }
        let mut on_record = 0;
        for row in &rows {
            let packet = self.service.packet(row.mch_billno());
            on_record += self.judge_row(row, packet.as_ref());
        }
        self.judge_money(on_record);
        self.disk.rows = rows;
    }

    /// Every payment came to an end.
    fn judge_want(&mut self, want: usize, rows: &[Row]) {
        let numbers: Vec<_> =
            self.books.of_want(want).map(|order| (order.mch_billno.clone(), order.verdict)).collect();
        let of_want = |row: &&Row| numbers.iter().any(|(number, _)| number == row.mch_billno());
        let open = rows.iter().filter(of_want).any(|row| !row.done);
        let last = rows.iter().rfind(of_want);
        let told = last.and_then(|last| numbers.iter().find(|(number, _)| number == last.mch_billno())?.1);
        let forgotten = last.is_none_or(|last| {
            let failed = last.snapshot().is_some_and(|snapshot| snapshot.state() == State::Failed);
            failed && told.is_none() && last.generation() < self.plan.wants[want].renumbers
        });
        if open || forgotten {
            self.counts.stuck += 1;
            self.violate(Invariant::I2, || format!("payment {want} came to no end"));
        }
    }

    /// The end on record is that of the ledger. What the merchant is without because of it, as far as the record says.
    fn judge_row(&mut self, row: &Row, packet: Option<&RedPacket>) -> u64 {
        let number = row.mch_billno();
        let fen = row.intent().map_or(0, |intent| u64::from(intent.amount().0));
        let status = packet.map(|packet| packet.status);
        let Some(order) = self.books.order(number).cloned() else { return 0 };
        let paid = order.paid.is_some();
        if let Some(verdict) = order.verdict {
            match verdict {
                Verdict::Failed if paid => self.misreport(number, "read as failed"),
                Verdict::Paid if !paid => self.misreport(number, "read as paid"),
                _ => {}
            }
            return packet.map_or(0, cost);
        }
        let ends = &mut self.counts.ends;
        let (right, counter) = match row.state {
            State::Received => (paid && status == Some(Status::Received), &mut ends.received),
            State::Refunded { amount } => {
                let back = packet.filter(|_| status == Some(Status::Refund)).map(RedPacket::unclaimed);
                (paid && back.is_some() && back == amount, &mut ends.refunded)
            }
            State::Failed => (!paid, &mut ends.failed),
            State::NeedsHuman(GaveUp::Horizon) => {
                (self.is_past_horizon(row, &order), &mut self.counts.ends.horizon)
            }
            State::NeedsHuman(_) => (self.is_watched_defect(&order), &mut self.counts.ends.defect),
            State::Conflict => (order.contradicts_itself(), &mut ends.conflict),
            _ => return packet.map_or(0, cost), // it came to no end, which was said above
        };
        let state = row.state;
        *counter += 1;
        if !right {
            self.misreport(number, &format!("{state:?} on record"));
        }
        let given_up = matches!(state, State::NeedsHuman(_) | State::Conflict);
        if given_up && order.given_up.is_none() {
            self.violate(Invariant::I7, || format!("{number} was given up, and nobody heard of it"));
        }
        match state {
            State::Received => fen,
            State::Refunded { amount } => fen - amount.map_or(0, |amount| u64::from(amount.0)),
            State::Failed => 0,
            _ => packet.map_or(0, cost),
        }
    }

    /// The horizon has passed: by the record, and by the right time.
    ///
    /// A wrong calendar excuses as much of that as it could make up, and of that payout alone: what the calendar of who gave
    /// up was ahead by, if it had been for long, and what the calendar was behind by when the payout was put on disk.
    fn is_past_horizon(&self, row: &Row, order: &Order) -> bool {
        let (Some(first), Some(seen)) = (row.time(" first="), row.time(" seen=")) else { return false };
        let Some(given_up) = order.given_up else { return false };
        let horizon = self.plan.settings.horizon;
        let behind = (EPOCH + order.opened).saturating_sub(first + SECOND);
        let waited = given_up.at - order.opened + given_up.ahead + behind;
        seen.saturating_sub(first) >= horizon && waited >= horizon && !self.was_settled(row, given_up.at)
    }

    /// Whether the ledger had come to its end so long before the giving-up that queries should have found it.
    fn was_settled(&self, row: &Row, given_up: Duration) -> bool {
        let since = self.service.settled_at(row.mch_billno());
        since.is_some_and(|since| given_up > since.max(self.plan.heals) + 3 * DAY)
    }

    /// There was a defect, it was watched for long enough, and nothing had been paid by then.
    fn is_watched_defect(&self, order: &Order) -> bool {
        let (Some(defect), Some(given_up)) = (order.told.defect, order.given_up) else { return false };
        let watched = given_up.at.saturating_sub(defect) + given_up.ahead;
        let paid = order.paid.as_ref().is_some_and(|paid| paid.at < given_up.at);
        watched >= self.plan.settings.defect_watch && !paid
    }

    /// No fen is made or lost, neither at the service nor on record.
    fn judge_money(&mut self, on_record: u64) {
        let out: u64 = self.service.ledger().packets().map(cost).sum();
        let there = self.service.balance() + self.service.reserved();
        let gone = self.service.funds - there.cast_signed();
        if out != on_record || gone != out.cast_signed() {
            self.counts.misreported += 1;
            self.violate(Invariant::I6, || {
                format!("{on_record} fen are out by the records, {out} by the ledger, {gone} by the balance")
            });
        }
        self.compare_ledger();
    }

    /// The books of the judge and the ledger were kept apart, and say the same of every order that is decided.
    fn compare_ledger(&mut self) {
        let ledger = self.service.ledger();
        let is_paid = |packet: &&RedPacket| !matches!(packet.status, Status::Sending | Status::Failed);
        let is_open = |number: &str| {
            let mut own = ledger.packets().filter(|packet| packet.key.mch_billno == *number);
            own.any(|packet| packet.status == Status::Sending)
        };
        let mut by_ledger: Vec<_> = ledger
            .packets()
            .filter(is_paid)
            .map(|packet| (&*packet.key.mch_billno, &*packet.re_openid, u64::from(packet.amount.0)))
            .collect();
        let mut by_books: Vec<_> = self
            .books
            .orders
            .iter()
            .filter_map(|order| {
                let paid = order.paid.as_ref().filter(|_| !is_open(&order.mch_billno))?;
                Some((&*order.mch_billno, &*paid.receiver, paid.fen))
            })
            .collect();
        by_ledger.sort_unstable();
        by_books.sort_unstable();
        if by_ledger != by_books {
            let seen = format!("paid by the ledger: {by_ledger:?}, by the books: {by_books:?}");
            self.violate(Invariant::I6, || seen);
        }
    }

    /// The numbers with their ends, in words.
    pub(super) fn ends(&self) -> Vec<(String, String)> {
        let state = |row: &Row| row.snapshot().map_or("unreadable", |snapshot| snapshot.state().name());
        self.disk.rows.iter().map(|row| (row.mch_billno().to_owned(), state(row).to_owned())).collect()
    }
}

/// The fen that the merchant is without because of a packet.
fn cost(packet: &RedPacket) -> u64 {
    let fen = u64::from(packet.amount.0);
    match packet.status {
        Status::Sending | Status::Failed => 0,
        Status::Sent | Status::Received | Status::RfundIng => fen,
        Status::Refund => fen - u64::from(packet.unclaimed().0),
    }
}
