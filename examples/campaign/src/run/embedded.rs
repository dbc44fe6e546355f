//! The mock inside: its clock stands still until the campaign waits, so a day of claims is over in a moment.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use wechatpay_mock_server::{Fault, FaultError, FaultRule, Mock, MockMerchant, Time};
use wechatpay_proto::payout::{Asked, Flight, Now};
use wechatpay_proto::transport::BlockingTransport as _;

use super::world::{Happened, Landed, World};

/// 2026-01-01 09:00 in Beijing, the time at which the mock begins.
const BEGIN: Duration = Duration::from_secs(1_767_229_200);

/// A world of its own, in this process.
pub(crate) struct Embedded {
    mock: Mock,
    merchant: MockMerchant,
    start: Time,
    landed: VecDeque<Landed>,
}

impl Embedded {
    pub(crate) fn new(mock: Mock, merchant: MockMerchant) -> Self {
        Self { start: mock.now(), mock, merchant, landed: VecDeque::new() }
    }

    /// The time at which it begins.
    pub(crate) fn begin() -> Now {
        Now { steady: Duration::ZERO, calendar: BEGIN }
    }

    /// Has about so many of a hundred requests go wrong, in every way that leaves a sender in the dark.
    pub(crate) fn arm(mock: &Mock, percent: u32) -> Result<(), FaultError> {
        let second = Duration::from_secs(1);
        let faults: [FaultRule; 9] = [
            Fault::request_lost().on("sendredpack"),
            Fault::reply_lost().on("sendredpack"),
            Fault::applied_then_error().on("sendredpack"),
            Fault::applied_then_status(502).on("sendredpack"),
            Fault::duplicate_delivery().on("sendredpack"),
            Fault::late_commit(300 * second).on("sendredpack"),
            Fault::late_arrival(2 * second).on("sendredpack"),
            Fault::reply_lost().on("gethbinfo"),
            Fault::applied_then_error().on("gethbinfo"),
        ];
        let share = f64::from(percent.min(100)) / 100.0 / 7.0;
        faults.into_iter().try_for_each(|rule| mock.arm(rule.probability(share)).map(drop))
    }

    /// Three of four receivers open their packet at once; the others never do.
    fn claim(&self, mch_billno: &str) {
        if mch_billno.bytes().map(u32::from).sum::<u32>() % 4 != 0 {
            // One that is not paid yet cannot be claimed, and goes back at the end.
            drop(self.merchant.claim(mch_billno));
        }
    }
}

impl World for Embedded {
    fn now(&self) -> Now {
        let passed = self.mock.now().since(self.start);
        Now { steady: passed, calendar: BEGIN + passed }
    }

    fn send(&mut self, request: http::Request<Bytes>, flight: Flight) {
        let sent = self.merchant.transport().send_blocking(request);
        if flight.asked() == Asked::Send {
            self.claim(flight.intent().mch_billno());
        }
        self.landed.push_back(Landed::new(flight, sent));
    }

    fn wait(&mut self, until: Option<Duration>) -> Happened {
        if let Some(landed) = self.landed.pop_front() {
            return Happened::Landed(landed);
        }
        if let Some(until) = until {
            self.mock.advance(until.saturating_sub(self.now().steady));
        }
        Happened::Nothing
    }
}
