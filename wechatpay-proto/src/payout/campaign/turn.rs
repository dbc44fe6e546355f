//! What a campaign does next: whose time has come, what the rate and the room allow, and the request itself.

use std::sync::Arc;
use std::time::Duration;

use super::Campaign;
use super::action::{Action, Flight, Locked, Save};
use crate::failover::Route;
use crate::nonce::NonceBytes;
use crate::payout::evidence::Asked;
use crate::payout::machine::Next;
use crate::payout::now::{ClockError, Now};
use crate::payout::request::{Attempt, Query};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Send,
    Record,
    Query,
}

enum Asking {
    Send(Attempt),
    Query(Query),
}

impl<N, B> Campaign<N>
where
    N: FnMut() -> B,
    B: NonceBytes,
{
    /// Moves those whose time has come from the timers to the queues.
    pub(super) fn wake(&mut self, now: Duration) {
        while let Some((until, number, asked)) = self.timers.pop_due(now) {
            let slot = self.slots.get_mut(&number).filter(|slot| slot.timer == Some(until));
            let Some(slot) = slot else { continue };
            slot.timer = None;
            match asked {
                Asked::Send => self.sends.push_back(number),
                Asked::Query => self.queries.push_back(number),
            }
        }
    }

    /// What could be done at once.
    pub(super) fn choose(&mut self, now: Duration) -> Option<Step> {
        let room = self.has_room();
        let recorded = !self.recorded.is_empty() && self.send_bucket.ready_at(now) <= now;
        if recorded {
            return Some(Step::Send);
        }
        let record = room && self.may_record() && !self.sends.is_empty() && self.paused_until <= now;
        let query = room && !self.queries.is_empty() && self.query_bucket.ready_at(now) <= now;
        let step = match (record, query) {
            (true, true) if self.query_first => Step::Query,
            (true, _) => Step::Record,
            (false, true) => Step::Query,
            (false, false) => return None,
        };
        self.query_first = step == Step::Record;
        Some(step)
    }

    /// Whether one more request may be under way.
    fn has_room(&self) -> bool {
        self.progress.in_flight < u64::from(self.policy.settings().in_flight)
    }

    /// Attempts should not wait for the rate so long that they run out: as many as go in a second.
    fn may_record(&self) -> bool {
        let most = usize::try_from(self.policy.settings().sends_per_second).unwrap_or(usize::MAX);
        self.waiting < most
    }

    pub(super) fn step(&mut self, step: Step, now: Now) -> Result<Option<Action>, ClockError> {
        match step {
            Step::Send => {
                let Some((number, attempt)) = self.recorded.pop_front() else { return Ok(None) };
                self.waiting = self.waiting.saturating_sub(1);
                if self.slots.get(&number).is_some_and(|slot| !slot.late.is_empty()) {
                    // An answer came since it was put on record, and may be a success.
                    self.landed(number, attempt.withdraw(now));
                    return Ok(None);
                }
                let _was_ready = self.send_bucket.take(now.steady);
                Ok(self.launch(number, now, Asking::Send(attempt)))
            }
            Step::Record => {
                let Some(number) = self.sends.pop_front() else { return Ok(None) };
                self.ask(number, now, Asked::Send)
            }
            Step::Query => {
                let Some(number) = self.queries.pop_front() else { return Ok(None) };
                self.ask(number, now, Asked::Query)
            }
        }
    }

    /// Asks a payout what it wants. It may have changed its mind since it was queued as `expected`.
    fn ask(&mut self, number: Arc<str>, now: Now, expected: Asked) -> Result<Option<Action>, ClockError> {
        let Some(payout) = self.slots.get_mut(&number).and_then(|slot| slot.here.take()) else {
            return Ok(None);
        };
        let next = match payout.next_of_many(now) {
            Ok(next) => next,
            Err(blocked) => {
                let error = blocked.error();
                // The calendar that this campaign goes by may be the wrong one: when it comes right, that is no jump.
                self.clocks = None;
                self.put(&number, blocked.into_payout());
                // To the end: a time on record that is wrong must not stop all others.
                match expected {
                    Asked::Send => self.sends.push_back(number),
                    Asked::Query => self.queries.push_back(number),
                }
                return Err(error);
            }
        };
        match next {
            Next::Send(unsaved) => {
                self.waiting += 1;
                self.progress.in_flight += 1;
                self.progress.attempts += 1;
                self.unsaved.push_back(Save { number, what: Locked::Attempt(unsaved) });
            }
            Next::Query(query) if self.query_bucket.take(now.steady) => {
                self.progress.in_flight += 1;
                return Ok(self.launch(number, now, Asking::Query(query)));
            }
            // It was queued to be sent, and the queries have a rate of their own.
            Next::Query(query) => {
                self.put(&number, query.payout);
                self.queries.push_back(number);
            }
            Next::Record(unsaved) => self.write(number, unsaved),
            Next::Wait { payout, .. } => self.rest(number, payout),
            Next::Done(done) => self.finish(&number, done),
        }
        Ok(None)
    }

    /// Signs a request and lets it go. Where that cannot be, the payout comes home.
    fn launch(&mut self, number: Arc<str>, now: Now, asking: Asking) -> Option<Action> {
        let route = self.failover.as_mut().map(|failover| failover.route(now.steady));
        let route = route.unwrap_or(Route::Primary);
        let base = self.failover.as_ref().map_or(&self.base, |failover| failover.base(route));
        let signed = match (asking, (self.nonce)().into_nonce()) {
            (Asking::Send(attempt), Ok(nonce)) => attempt.sign(now, &self.merchant, base, nonce),
            (Asking::Query(query), Ok(nonce)) => query.sign(now, &self.merchant, base, nonce),
            (Asking::Send(attempt), Err(error)) => Err(attempt.give_up(now, error)),
            (Asking::Query(query), Err(error)) => Err(query.give_up(now, error)),
        };
        match signed {
            Ok((request, in_flight)) => {
                match in_flight.asked() {
                    Asked::Send => self.progress.sends += 1,
                    Asked::Query => self.progress.queries += 1,
                }
                Some(Action::Send { request, flight: Flight { number, route, in_flight } })
            }
            Err(unsent) => {
                self.landed(number, unsent.into_payout());
                None
            }
        }
    }

    /// When there is something to do again, if nothing is reported before.
    pub(super) fn until(&self, now: Duration) -> Option<Duration> {
        let room = self.has_room();
        let recorded = (!self.recorded.is_empty()).then(|| self.send_bucket.ready_at(now));
        let sends = (room && self.may_record() && !self.sends.is_empty()).then_some(self.paused_until);
        let queries = (room && !self.queries.is_empty()).then(|| self.query_bucket.ready_at(now));
        let writes = self.failed_writes.front().map(|(at, _)| *at);
        [recorded, sends, queries, writes, self.timers.next()].into_iter().flatten().min()
    }
}
