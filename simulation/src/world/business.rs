//! The business: it asks for payments, hears how they ended, and pays again under a new number where one failed.

use wechatpay_proto::Fen;
use wechatpay_proto::payout::{Done, End, Failed, Inserted, Intent, Next, Payout, State, Store as _};
use wechatpay_proto::v2::mmpaymkttransfers::{SendRedPack, SendRedPackOptions};

use super::{Event, World};
use crate::conduct::Verdict;
use crate::disk::Row;
use crate::plan::MINUTE;
use crate::report::Invariant;
use crate::service::openid;

/// Numbers that a wrong conduct makes for one payment, at most.
const ENOUGH: usize = 6;

impl World<'_> {
    /// The business asks for a payment, and asks again until it knows that it is on disk.
    pub(super) fn click(&mut self, want: usize, w: usize, nth: usize) {
        let again = Event::Click { want, worker: w, nth };
        if let Some(until) = self.stands(w) {
            return self.push(until, again);
        }
        if !self.workers[w].alive {
            return self.push(self.t + MINUTE, again);
        }
        let business_id = match (self.conduct.knows_double_clicks(), nth) {
            (true, _) | (false, 0) => format!("pay{want}"),
            (false, nth) => format!("pay{want}x{nth}"),
        };
        let Some(intent) = self.intent(&business_id, want) else { return };
        if !self.open(w, want, intent) {
            let at = self.soon();
            self.push(at, again);
        }
        self.pump(w);
    }

    fn intent(&mut self, business_id: &str, want: usize) -> Option<Intent> {
        let number = self.books.fresh_number(want, self.plan.seed);
        let merchant = self.service.merchant.credentials();
        let request = SendRedPack {
            mch_billno: &number,
            wxappid: self.service.merchant.appid(),
            send_name: "天虹百货",
            re_openid: &openid(self.conduct.receiver_of(want)),
            total_amount: Fen(self.plan.wants[want].fen),
            wishing: "祝您元宵节快乐！",
            client_ip: [192, 168, 0, 1].into(),
            act_name: "猜灯谜抢红包活动",
            remark: "快来抢！",
            options: SendRedPackOptions::default(),
        };
        match Intent::new(business_id, &merchant, &request) {
            Ok(intent) => Some(intent),
            Err(error) => {
                self.violate(Invariant::I2, || format!("payment {want} cannot be asked for: {error}"));
                None
            }
        }
    }

    /// Puts a new payout on disk; `false` where that is not known to be done.
    fn open(&mut self, w: usize, want: usize, intent: Intent) -> bool {
        if self.dies(w, "before the intent is written") {
            return false;
        }
        let number = intent.mch_billno().to_owned();
        let new = Payout::new(intent, &self.policy, self.workers[w].now(self.t));
        let inserted = self.insert(w, &new);
        self.note(|| format!("worker {w} inserts {number}: {inserted:?}"));
        // It may be there, whatever is said of it.
        if self.disk.row(&number).is_some() && self.books.order(&number).is_none() {
            self.check_new(want, &number);
            self.books.open(want, &number, self.t);
            self.counts.numbers += 1;
        }
        let known = matches!(inserted, Ok(Some(Inserted::New | Inserted::Same | Inserted::Changed { .. })));
        if let Ok(Some(Inserted::NumberTaken { .. }) | None) = inserted {
            self.violate(Invariant::I3, || format!("{number} is taken"));
        }
        known && !self.dies(w, "after the intent is written")
    }

    /// A payment gets a new number: those before must have failed.
    fn check_new(&mut self, want: usize, number: &str) {
        let before: Vec<_> = self.books.of_want(want).map(|order| order.mch_billno.clone()).collect();
        for other in before {
            if self.may_cost(&other) {
                self.violate(Invariant::I3, || format!("{number} is made while {other} can be paid"));
            }
        }
    }

    /// A payout came to its end.
    pub(super) fn done(&mut self, w: usize, done: Done) {
        let number = done.intent().mch_billno().to_owned();
        self.note(|| format!("worker {w} is done with {number}: {:?}", done.end()));
        self.session(w, None).release(&[&number]).ok();
        if done.end() == End::Accepted {
            self.violate(Invariant::I2, || format!("{number} ended as accepted"));
        }
        if done.end() == End::Failed {
            self.check_proof(&number);
        }
        if self.dies(w, "after the end") {
            return;
        }
        if let Ok(failed) = done.into_failed() {
            self.pay_again(w, failed);
        }
    }

    /// The same payment under a new number, where the business wants that.
    fn pay_again(&mut self, w: usize, failed: Failed) {
        let number = failed.intent().mch_billno().to_owned();
        self.check_proof(&number);
        let Some(want) = self.books.order(&number).map(|order| order.want) else { return };
        if failed.intent().generation() >= self.plan.wants[want].renumbers {
            return;
        }
        let fresh = self.books.fresh_number(want, self.plan.seed);
        match failed.renumber(&fresh) {
            Ok(intent) => {
                if !self.open(w, want, intent) && self.workers[w].alive {
                    let at = self.soon();
                    self.push(at, Event::Sweep { worker: w });
                }
            }
            Err(error) => self.violate(Invariant::I3, || format!("{number} cannot be renumbered: {error}")),
        }
    }

    /// Looks for failures that have no successor though the business wants one: somebody died in between.
    pub(super) fn sweep(&mut self, w: usize) {
        if !self.workers[w].alive {
            return;
        }
        let first = |row: &&Row| row.generation() == 0 && row.done;
        let ids: Vec<_> =
            self.disk.rows.iter().filter(first).map(|row| row.business_id().to_owned()).collect();
        if ids.iter().any(|id| !self.sweep_one(w, id)) && self.workers[w].alive {
            // The clock is wrong: later.
            self.push(self.t + 10 * MINUTE, Event::Sweep { worker: w });
        }
        self.rearm();
    }

    /// `false` where it must be done again.
    fn sweep_one(&mut self, w: usize, business_id: &str) -> bool {
        let last = self.disk.last_of(business_id).filter(|row| row.done);
        let Some((intent, snapshot)) = last.and_then(|row| Some((row.intent()?, row.snapshot()?))) else {
            return true;
        };
        let told = self.books.order(intent.mch_billno()).is_some_and(|order| order.verdict.is_some());
        if told || snapshot.state() != State::Failed {
            return true;
        }
        let now = self.workers[w].now(self.t);
        let next = Payout::restore(intent, &self.policy, &snapshot, now).map(|payout| payout.next(now));
        match next {
            Ok(Ok(Next::Done(done))) => {
                if let Ok(failed) = done.into_failed() {
                    self.pay_again(w, failed);
                }
                true
            }
            Ok(Err(_)) => false,
            _ => {
                self.violate(Invariant::I2, || format!("{business_id} is done, and wants to go on"));
                true
            }
        }
    }

    /// What was in nobody's memory but that of a process that died is asked for again.
    pub(super) fn mourn(&mut self) {
        if self.conduct.writes_first() {
            return;
        }
        for want in 0..self.books.wants() {
            let (clicked, worker) = self.plan.wants[want].clicks[0];
            let id = format!("pay{want}");
            if clicked < self.t
                && self.disk.last_of(&id).is_none()
                && self.books.of_want(want).count() < ENOUGH
            {
                self.push(self.t + MINUTE, Event::Click { want, worker, nth: 0 });
            }
        }
    }

    /// A wrong conduct made something of an answer.
    pub(super) fn give_verdict(&mut self, w: usize, mch_billno: &str, verdict: Verdict) {
        let Some(want) = self.books.order(mch_billno).map(|order| order.want) else { return };
        let enough = self.books.of_want(want).count() >= ENOUGH;
        if verdict != Verdict::OfCampaign && !enough && self.verdict_on(w, mch_billno).is_none() {
            self.workers[w].verdicts.push((mch_billno.to_owned(), verdict));
        }
    }

    pub(super) fn verdict_on(&self, w: usize, mch_billno: &str) -> Option<Verdict> {
        let verdicts = &self.workers[w].verdicts;
        verdicts.iter().find(|(number, _)| number == mch_billno).map(|(_, verdict)| *verdict)
    }

    /// A verdict is on disk: the business acts on it.
    pub(super) fn follow(&mut self, w: usize, mch_billno: &str, verdict: Verdict) {
        self.session(w, None).release(&[mch_billno]).ok();
        let Some(order) = self.books.order_mut(mch_billno) else { return };
        order.verdict = Some(verdict);
        let want = order.want;
        if verdict == Verdict::Failed {
            self.check_failure(mch_billno);
        }
        let numbers = self.books.of_want(want).count();
        let pays_again = match verdict {
            Verdict::NewNumber => true,
            Verdict::Failed => numbers <= self.plan.wants[want].renumbers as usize,
            _ => false,
        };
        self.note(|| format!("worker {w} reads {mch_billno} as {verdict:?}"));
        if pays_again && let Some(intent) = self.intent(&format!("pay{want}r{numbers}"), want) {
            self.open(w, want, intent);
        }
    }
}
