//! What the judge writes down while a world runs: payments as the service makes them, failures as they are said.

use bytes::Bytes;
use http::Response;
use wechatpay_mock_server::Status;
use wechatpay_proto::payout::Asked;

use super::World;
use crate::answer::whole;
use crate::books::Bid;
use crate::report::Invariant;
use crate::service::openid;

impl World<'_> {
    /// The service was brought a request, and said this.
    pub(super) fn enter(&mut self, bid: &Bid, asked: Asked, said: &Response<Bytes>) {
        let paid = whole(said).is_some_and(|said| self.books.enter(bid, asked, said, self.t));
        if paid {
            self.check_payment(&bid.mch_billno);
        }
    }

    /// The service did something by itself.
    pub(super) fn announce(&mut self, mch_billno: &str, status: Status) {
        let paid = match status {
            Status::Sent => true,
            Status::Failed => false,
            _ => return,
        };
        if self.books.announce(mch_billno, paid, self.t) {
            self.check_payment(mch_billno);
        }
    }

    /// A payment was made: once for each payment that the business wants, to its receiver, of its amount.
    fn check_payment(&mut self, mch_billno: &str) {
        let Some(order) = self.books.order(mch_billno) else { return };
        let Some(paid) = order.paid.clone() else { return };
        let want = order.want;
        self.note(|| format!("the service pays {} fen to {} as {mch_billno}", paid.fen, paid.receiver));
        let (receiver, fen) = (openid(want), u64::from(self.plan.wants[want].fen));
        if (&*paid.receiver, paid.fen) != (&*receiver, fen) {
            self.counts.misreported += 1;
            self.violate(Invariant::Payee, || {
                format!("{mch_billno} is for {receiver}, {fen} fen, and {} got {}", paid.receiver, paid.fen)
            });
        }
        if self.books.paid(want) == 2 {
            self.counts.paid_twice += 1;
            self.violate(Invariant::I1, || {
                format!("payment {want} was paid twice, the second time as {mch_billno}")
            });
        }
    }

    /// Whether money can still move under a number, or has.
    pub(super) fn may_cost(&self, mch_billno: &str) -> bool {
        let status = self.service.packet(mch_billno).map(|packet| packet.status);
        let open_in_ledger = status.is_some_and(|status| status != Status::Failed);
        self.books.order(mch_billno).is_some_and(|order| order.may_cost(open_in_ledger))
    }

    /// It is said that nothing was paid under a number, and nothing will be.
    pub(super) fn check_failure(&mut self, mch_billno: &str) {
        if self.may_cost(mch_billno) {
            self.misreport(mch_billno, "said to have failed");
        }
    }

    /// The campaign says it. It must have been told so, too: luck is no proof.
    pub(super) fn check_proof(&mut self, mch_billno: &str) {
        let Some(order) = self.books.order_mut(mch_billno) else { return };
        if std::mem::replace(&mut order.failure_said, true) {
            return;
        }
        let proved = order.told.proves_failure();
        self.check_failure(mch_billno);
        if !proved {
            self.violate(Invariant::Proof, || {
                format!("{mch_billno} is said to have failed, and nothing that was heard proves it")
            });
        }
    }

    /// What is said of a number is not so. It counts once.
    pub(super) fn misreport(&mut self, mch_billno: &str, end: &str) {
        let status = self.service.packet(mch_billno).map(|packet| packet.status);
        let Some(order) = self.books.order_mut(mch_billno) else { return };
        let (on_way, paid) = (order.on_way, order.paid.is_some());
        if std::mem::replace(&mut order.misreported, true) {
            return;
        }
        self.counts.misreported += 1;
        self.violate(Invariant::I2, || {
            let paid = if paid { "paid" } else { "not paid" };
            format!("{mch_billno} is {end}; it is {paid}, {on_way} requests are on their way, the ledger has {status:?}")
        });
    }
}
