//! The service: the mock's engine in virtual time, and what is seen of its ledger from outside.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use wechatpay_mock_server::{
    Action, Arrival, Certificate, Fault, FaultRule, Fired, JournalLimits, Ledger, Mock, MockError,
    MockMerchant, RedPacket, Status,
};

use crate::answer::naming;
use crate::books::{Bid, twin};
use crate::network::Taken;
use crate::plan::Plan;

/// Everybody's first moment, since 1970: that of the mock's frozen clock.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_767_229_200);

/// The service, up to a moment.
#[derive(Debug)]
pub(crate) struct Service {
    mock: Mock,
    pub(crate) merchant: MockMerchant,
    certified: Arrival,
    at: Duration,
    /// All that was ever put into the balance, less what was taken out.
    pub(crate) funds: i64,
    pub(crate) requests: u64,
}

impl Service {
    pub(crate) fn new(plan: &Plan) -> Result<Self, MockError> {
        let journal = JournalLimits::new(1, 0).unwrap_or_default();
        let mock =
            Mock::builder().seed(plan.seed).rules(plan.rules.clone()).journal(journal).in_band(false).build();
        let merchant = mock.merchant().mch_id("10000098").balance_fen(plan.balance).create()?;
        for (at, want) in plan.wants.iter().enumerate().filter(|(_, want)| !want.flags.is_empty()) {
            mock.set_user(None, &openid(at), want.flags.clone());
        }
        let certified = Arrival::with(Certificate::of(merchant.mch_id()));
        let funds = plan.balance.cast_signed();
        Ok(Self { mock, merchant, certified, at: Duration::ZERO, funds, requests: 0 })
    }

    /// Lets time pass; what happened by itself meanwhile.
    pub(crate) fn run_until(&mut self, at: Duration) -> Vec<Fired> {
        let by = at.saturating_sub(self.at);
        self.at = self.at.max(at);
        self.mock.advance(by)
    }

    /// Answers a request that asks for `bid`.
    pub(crate) fn answer(
        &mut self,
        request: &Request<Bytes>,
        bid: &Bid,
        taken: Taken,
    ) -> Option<Response<Bytes>> {
        self.requests += 1;
        // Not the ledger's decision: what it does not know it goes on not knowing.
        if taken == Taken::NotKept && self.packet(&bid.mch_billno).is_none() {
            return Some(naming("SEND_FAILED", request, ""));
        }
        let fault = match taken {
            Taken::Usual | Taken::Uncertified | Taken::NotKept => None,
            Taken::PaidLater(after) => Some(Fault::late_commit(after)),
            Taken::FailsLater(after) => Some(Fault::late_failure(after)),
            Taken::Stuck(polls) => Some(Fault::stuck_for(polls)),
        };
        let armed = fault.and_then(|fault| self.mock.arm(FaultRule::new(fault)).ok());
        let bare = Arrival::default();
        let arrival = if taken == Taken::Uncertified { &bare } else { &self.certified };
        let outcome = self.mock.handle(request, arrival);
        if let Some(id) = armed {
            self.mock.disarm(id);
        }
        outcome.seen().ok()
    }

    pub(crate) fn packet(&self, mch_billno: &str) -> Option<RedPacket> {
        self.mock.red_packet(self.merchant.mch_id(), mch_billno)
    }

    /// The receiver claims a packet, if it still can.
    pub(crate) fn claim(&mut self, mch_billno: &str) -> bool {
        self.mock.act(self.merchant.mch_id(), mch_billno, &Action::Claim { openid: None }).is_ok()
    }

    pub(crate) fn set_balance(&mut self, fen: u64) {
        self.funds += fen.cast_signed() - self.balance().cast_signed();
        // The merchant is there, so this cannot fail.
        self.mock.set_balance(self.merchant.mch_id(), fen).ok();
    }

    pub(crate) fn balance(&self) -> u64 {
        self.merchant.balance_fen()
    }

    /// What is reserved for orders that are not decided yet.
    pub(crate) fn reserved(&self) -> u64 {
        self.merchant.reserved_fen()
    }

    pub(crate) fn users_fine(&mut self, wants: usize) {
        (0..wants).for_each(|at| self.mock.set_user(None, &openid(at), Vec::new()));
    }

    /// When a packet came to its end, if it did.
    pub(crate) fn settled_at(&self, mch_billno: &str) -> Option<Duration> {
        let packet = self.packet(mch_billno)?;
        let ended = matches!(packet.status, Status::Failed | Status::Received | Status::Refund);
        ended.then(|| self.at.saturating_sub(self.mock.now().since(packet.since())))
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.mock.ledger()
    }
}

/// The receiver of a payment. Those of two payments differ in the case of one letter.
pub(crate) fn openid(want: usize) -> String {
    format!("oSIMULATED{:017}{}", want / 2, twin(want))
}
