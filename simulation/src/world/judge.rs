//! The end of a world: what is on record, held against the ledger.

use wechatpay_mock_server::{RedPacket, Status};
use wechatpay_proto::payout::{GaveUp, State};

use super::World;
use crate::books::Order;
use crate::conduct::Verdict;
use crate::disk::Row;
use crate::plan::DAY;
use crate::report::Invariant;

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
            self.books.of_want(want).map(|order| (order.mch_billno.clone(), order.told)).collect();
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
        let order = self.books.order(number).cloned();
        if let Some(told) = order.as_ref().and_then(|order| order.told) {
            let paid = order.is_some_and(|order| order.paid);
            let wrong = match told {
                Verdict::Failed => status != Some(Status::Failed),
                Verdict::Paid => !paid,
                Verdict::NewNumber | Verdict::OfCampaign => false,
            };
            if wrong {
                self.misreport(number, &format!("read as {told:?}"), packet);
            }
            return packet.map_or(0, cost);
        }
        let Some(state) = row.snapshot().map(|snapshot| snapshot.state()) else {
            self.violate(Invariant::OnDisk, || format!("the record of {number} cannot be read"));
            return 0;
        };
        let ends = &mut self.counts.ends;
        let (right, counter) = match state {
            State::Received => (status == Some(Status::Received), &mut ends.received),
            State::Refunded { amount } => {
                let back = packet.filter(|_| status == Some(Status::Refund)).map(RedPacket::unclaimed);
                (back.is_some() && back == amount, &mut ends.refunded)
            }
            State::Failed => (status == Some(Status::Failed), &mut ends.failed),
            State::NeedsHuman(GaveUp::Horizon) => {
                (self.is_past_horizon(row, order.as_ref()), &mut self.counts.ends.horizon)
            }
            State::NeedsHuman(_) => {
                let right = order.as_ref().is_some_and(|order| order.defect)
                    && (status.is_none() || self.workers.iter().any(|worker| worker.jumped));
                (right, &mut self.counts.ends.defect)
            }
            // A service that is honest gives one reason for it: that the number stands for another order.
            State::Conflict => (order.as_ref().is_some_and(|order| order.fatal), &mut ends.conflict),
            _ => return packet.map_or(0, cost), // it came to no end, which was said above
        };
        *counter += 1;
        if !right {
            self.misreport(number, &format!("{state:?}"), packet);
        }
        let given_up = matches!(state, State::NeedsHuman(_) | State::Conflict);
        if given_up && order.is_none_or(|order| order.given_up.is_none()) {
            self.violate(Invariant::I7, || format!("{number} was given up, and nobody heard of it"));
        }
        match state {
            State::Received => fen,
            State::Refunded { amount } => fen - amount.map_or(0, |amount| u64::from(amount.0)),
            State::Failed => 0,
            _ => packet.map_or(0, cost),
        }
    }

    /// The horizon has passed by the calendar that the record was written by; and where no calendar was ever wrong, by the
    /// right time too.
    fn is_past_horizon(&self, row: &Row, order: Option<&Order>) -> bool {
        let (Some(first), Some(seen)) = (row.time(" first="), row.time(" seen=")) else { return false };
        let horizon = self.plan.settings.horizon;
        let waited = order.and_then(|order| Some(order.given_up? - order.opened)).unwrap_or_default();
        let jumped = self.workers.iter().any(|worker| worker.jumped);
        seen.saturating_sub(first) >= horizon
            && (jumped || waited >= horizon && !self.was_settled(row, order))
    }

    /// Whether the ledger had come to its end so long before the giving-up that queries should have found it.
    fn was_settled(&self, row: &Row, order: Option<&Order>) -> bool {
        let (Some(since), Some(given_up)) =
            (self.service.settled_at(row.mch_billno()), order.and_then(|order| order.given_up))
        else {
            return false;
        };
        given_up > since.max(self.plan.heals) + 3 * DAY
    }

    fn misreport(&mut self, number: &str, end: &str, packet: Option<&RedPacket>) {
        self.counts.misreported += 1;
        let status = packet.map(|packet| packet.status);
        self.violate(Invariant::I2, || format!("{number} is {end} on record, and {status:?} in the ledger"));
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
