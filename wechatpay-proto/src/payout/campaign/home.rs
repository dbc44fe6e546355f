//! How payouts come home to a campaign: from their requests, from the disk, and for good.

use std::sync::Arc;

use super::Campaign;
use super::action::{Action, Locked, Save};
use crate::code::ErrorCode;
use crate::failover::{Event, Route};
use crate::payout::done::Done;
use crate::payout::evidence::Evidence;
use crate::payout::machine::{Payout, Unsaved};
use crate::payout::now::Now;

impl<N> Campaign<N> {
    pub(super) fn report(&mut self, route: Route, event: Event) {
        if let Some(failover) = &mut self.failover {
            failover.report(route, event);
        }
    }

    /// A request is over, one way or the other.
    pub(super) fn landed(&mut self, number: Arc<str>, unsaved: Unsaved<Payout>) {
        self.leave();
        self.write(number, unsaved);
    }

    /// One fewer is under way. A flight of another campaign is none of those that were counted.
    pub(super) fn leave(&mut self) {
        self.progress.in_flight = self.progress.in_flight.saturating_sub(1);
    }

    /// Has it written, with all answers that came meanwhile: after the last write there may be no other.
    pub(super) fn write(&mut self, number: Arc<str>, unsaved: Unsaved<Payout>) {
        let unsaved = self.take_late(&number).into_iter().fold(unsaved, Unsaved::hear);
        self.tell(&unsaved);
        self.unsaved.push_back(Save { number, what: Locked::Payout(unsaved) });
    }

    fn take_late(&mut self, number: &str) -> Vec<Evidence> {
        self.slots.get_mut(number).map(|slot| std::mem::take(&mut slot.late)).unwrap_or_default()
    }

    fn tell(&mut self, unsaved: &Unsaved<Payout>) {
        for alert in unsaved.alerts() {
            self.progress.alerts += 1;
            let intent = Arc::clone(unsaved.intent());
            self.events.push_back(Action::Alert { intent, alert: alert.clone() });
        }
    }

    /// A payout is back, its snapshot on disk.
    pub(super) fn home(&mut self, number: Arc<str>, payout: Payout) {
        let late = self.take_late(&number);
        if late.is_empty() {
            return self.settle(number, payout);
        }
        let was_done = payout.end().is_some();
        let unsaved = late.into_iter().fold(Unsaved::new(payout, Vec::new()), Unsaved::hear);
        if was_done {
            // Nothing more is written of what is done on disk, so that nobody would hear of it otherwise.
            self.tell(&unsaved);
            self.settle(number, unsaved.saved());
        } else {
            self.write(number, unsaved);
        }
    }

    pub(super) fn settle(&mut self, number: Arc<str>, payout: Payout) {
        let park = self.policy.settings().park;
        match payout.into_done() {
            Ok(done) => self.finish(&number, done),
            Err(payout)
                if park.is_some_and(|park| payout.until() > payout.last_event().saturating_add(park)) =>
            {
                let intent = Arc::clone(payout.intent());
                let wake_at = payout.snapshot().wake_at();
                self.forget(&number);
                self.progress.parked += 1;
                self.events.push_back(Action::Parked { intent, wake_at });
            }
            Err(payout) => self.rest(number, payout),
        }
    }

    /// Lets a payout wait for its time.
    pub(super) fn rest(&mut self, number: Arc<str>, payout: Payout) {
        if let Some(slot) = self.slots.get_mut(&number) {
            let until = payout.until();
            if slot.timer.replace(until) != Some(until) {
                self.timers.push(until, number, payout.wants());
            }
            slot.here = Some(payout);
        }
    }

    pub(super) fn put(&mut self, number: &Arc<str>, payout: Payout) {
        if let Some(slot) = self.slots.get_mut(number) {
            slot.here = Some(payout);
        }
    }

    pub(super) fn finish(&mut self, number: &Arc<str>, done: Done) {
        self.forget(number);
        self.progress.count(done.end(), done.intent());
        self.events.push_back(Action::Done(done));
    }

    pub(super) fn forget(&mut self, number: &Arc<str>) {
        if let Some(slot) = self.slots.remove(number) {
            self.business_ids.remove(slot.intent.business_id());
            self.progress.held -= 1;
        }
    }

    /// A refusal that would meet every order alike is no reason to bring it upon all of them.
    pub(super) fn pause_after(&mut self, now: Now, evidence: &Evidence) {
        let general = |code: &ErrorCode<'_>| {
            matches!(
                code,
                ErrorCode::CaError
                    | ErrorCode::SignError
                    | ErrorCode::ApiMethodClosed
                    | ErrorCode::NoCompetence
                    | ErrorCode::ProductAuthorityUnopen
                    | ErrorCode::PayerAccountAbnormal
                    | ErrorCode::NotEnough
                    | ErrorCode::SendAmountLimit
                    | ErrorCode::DayOverLimited
            )
        };
        let settings = self.policy.settings();
        let wait = match evidence.refusal() {
            Some(code) if general(code) => settings.pause,
            Some(ErrorCode::FreqLimit | ErrorCode::SecondOverLimited) => {
                settings.resend_gap.min(settings.pause)
            }
            _ => return,
        };
        self.progress.pauses += 1;
        self.paused_until = self.paused_until.max(now.steady.saturating_add(wait));
    }
}
