//! A worker: a process with a campaign, which polls, writes, sends, dies and comes back.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use wechatpay_proto::payout::{Action, Alert, Asked, Campaign, Flight, Now, Save, Store as _};

use super::{Event, World};
use crate::books::GivenUp;
use crate::conduct::Verdict;
use crate::disk::{Held, Process};
use crate::fault::Fault;
use crate::plan::{HOUR, MINUTE, SECOND};
use crate::report::Invariant;
use crate::service::EPOCH;

/// A source of nonces.
pub(super) type Nonces = Box<dyn FnMut() -> [u8; 16] + Send>;

/// More steps than any moment needs.
const MANY: u32 = 10_000;

/// How long a calendar must be wrong before it may be believed. A glitch that is shorter excuses nothing.
pub(crate) const BELIEVED: Duration = Duration::from_secs(10 * 60);

/// A process, as long as it lives.
pub(super) struct Worker {
    pub(super) process: Process,
    pub(super) alive: bool,
    pub(super) campaign: Campaign<Nonces>,
    pub(super) held: Held,
    /// How far the steady clock is behind the right time.
    lag: Duration,
    /// How far the calendar is ahead, in seconds.
    pub(super) ahead: i64,
    /// How far the calendar will be ahead at the next event, and at no other.
    pub(super) ticks: Option<i64>,
    /// Since when, by the right time.
    ahead_since: Duration,
    /// What it showed before, and since when.
    before: (i64, Duration),
    /// The process does nothing before.
    pub(super) stands_until: Duration,
    /// The step at which it stands.
    pending: Option<Pending>,
    pub(super) flights: Vec<(u64, Flight)>,
    /// Writes that are under way.
    pub(super) slow: Vec<(u64, Save)>,
    /// When the campaign wants to go on, by the right time.
    waits: Option<Duration>,
    /// Nothing is taken before.
    pub(super) takes_from: Duration,
    /// When it wakes up, and the token of that.
    wakes: Option<Duration>,
    token: u64,
    /// When it sent last, by its steady clock.
    sends: VecDeque<Duration>,
    pub(super) verdicts: Vec<(String, Verdict)>,
}

/// A step that was begun.
#[expect(clippy::large_enum_variant, reason = "there is one of them at most")]
enum Pending {
    /// It was written, and not confirmed.
    Confirm(Save),
    /// It was handed out, and not sent.
    Transmit(Request<Bytes>, Flight),
}

impl Worker {
    pub(super) fn new(process: Process, campaign: Campaign<Nonces>) -> Self {
        Self {
            process,
            alive: true,
            campaign,
            held: Held::new(),
            lag: Duration::ZERO,
            ahead: 0,
            ticks: None,
            ahead_since: Duration::ZERO,
            before: (0, Duration::ZERO),
            stands_until: Duration::ZERO,
            pending: None,
            flights: Vec::new(),
            slow: Vec::new(),
            waits: None,
            takes_from: Duration::ZERO,
            wakes: None,
            token: 0,
            sends: VecDeque::new(),
            verdicts: Vec::new(),
        }
    }

    pub(super) fn now(&self, t: Duration) -> Now {
        Now { steady: t.saturating_sub(self.lag), calendar: self.calendar(t) }
    }

    pub(super) fn calendar(&self, t: Duration) -> Duration {
        shifted(EPOCH + t, self.ahead)
    }

    /// The right time at which this calendar shows `time`.
    pub(super) fn right(&self, time: Duration) -> Duration {
        shifted(time, -self.ahead)
    }

    /// Whether it still wakes up by this token.
    pub(super) fn is_awaited(&self, token: u64) -> bool {
        self.token == token
    }

    pub(super) fn set_calendar(&mut self, t: Duration, ahead: i64) {
        if self.ahead == ahead {
            return;
        }
        // A clock that is put right by no more than a minute has not jumped.
        if self.ahead.abs_diff(ahead) <= MINUTE.as_secs() {
            self.ahead = ahead;
            return;
        }
        // Between two looks at the clock nobody saw that it was away.
        let unseen = self.before.0 == ahead && t.saturating_sub(self.ahead_since) < MINUTE;
        let since = if unseen { self.before.1 } else { t };
        self.before = (self.ahead, self.ahead_since);
        (self.ahead, self.ahead_since) = (ahead, since);
    }

    /// How far the calendar is ahead, where it has been so for so long that nobody can tell it from the right one.
    pub(super) fn believably_ahead(&self, t: Duration) -> Duration {
        let lasting = t.saturating_sub(self.ahead_since) >= BELIEVED;
        let ahead = u64::try_from(self.ahead).ok().filter(|_| lasting);
        Duration::from_secs(ahead.unwrap_or_default())
    }
}

fn shifted(time: Duration, by: i64) -> Duration {
    let off = Duration::from_secs(by.unsigned_abs());
    if by < 0 { time.saturating_sub(off) } else { time + off }
}

impl World<'_> {
    /// The campaign of a process that starts.
    pub(super) fn campaign(&self, process: Process) -> Campaign<Nonces> {
        let high = (process.worker as u128) << 96 | u128::from(process.life) << 64;
        let mut nonce = high;
        let nonces: Nonces = Box::new(move || {
            nonce += 1;
            nonce.to_be_bytes()
        });
        Campaign::new(self.service.merchant.credentials(), &self.policy, nonces)
    }

    pub(super) fn is_alive(&self, process: Process) -> bool {
        let worker = &self.workers[process.worker];
        worker.alive && worker.process == process
    }

    /// Until when a process stands still, if it does.
    pub(super) fn stands(&self, worker: usize) -> Option<Duration> {
        let until = self.workers[worker].stands_until;
        (self.workers[worker].alive && until > self.t).then_some(until)
    }

    pub(super) fn wake(&mut self, w: usize, token: u64) {
        if self.workers[w].token == token {
            self.workers[w].wakes = None;
            self.pump(w);
        }
    }

    /// Lets a worker do all that it can do now.
    pub(super) fn pump(&mut self, w: usize) {
        let mut steps = 0;
        while self.workers[w].alive && self.stands(w).is_none() && self.step(w) {
            steps += 1;
            if steps > MANY {
                self.violate(Invariant::I7, || format!("worker {w} turns in a circle"));
                break;
            }
        }
        self.rearm();
    }

    /// One step; `false` where there is nothing more to do now.
    fn step(&mut self, w: usize) -> bool {
        match self.workers[w].pending.take() {
            Some(Pending::Confirm(save)) => self.workers[w].campaign.saved(save),
            Some(Pending::Transmit(request, flight)) => self.transmit(w, request, flight),
            None => {}
        }
        if !self.workers[w].alive {
            return false;
        }
        self.take(w);
        let now = self.workers[w].now(self.t);
        let action = match self.workers[w].campaign.poll(now) {
            Ok(action) => action,
            Err(error) => {
                self.counts.clock_errors += 1;
                self.note(|| format!("worker {w}: {error}"));
                self.workers[w].waits = Some(self.t + MINUTE);
                return false;
            }
        };
        match action {
            Action::Save(save) => self.save(w, save),
            Action::Send { request, flight } => self.send(w, request, flight),
            Action::Alert { intent, alert } => self.alert(w, intent.mch_billno(), &alert),
            Action::Done(done) => self.done(w, done),
            Action::Parked { intent, .. } => {
                self.counts.parked += 1;
                self.note(|| format!("worker {w} parks {}", intent.mch_billno()));
                // What cannot be released is free when its lease ends.
                self.session(w, None).release(&[intent.mch_billno()]).ok();
            }
            Action::Wait { until } => return self.sleep(w, now, until),
        }
        true
    }

    fn sleep(&mut self, w: usize, now: Now, until: Option<Duration>) -> bool {
        let worker = &mut self.workers[w];
        worker.waits = until.map(|until| self.t + until.saturating_sub(now.steady));
        let waits_for_report = !worker.flights.is_empty() || !worker.slow.is_empty();
        let forgotten = until.is_none() && !worker.campaign.is_empty() && !waits_for_report;
        if forgotten || until.is_some_and(|until| until <= now.steady) {
            let held = worker.campaign.len();
            self.violate(Invariant::I7, || {
                format!("worker {w} holds {held} and waits for {until:?} at {now:?}")
            });
        }
        false
    }

    /// A request was handed out. It must not be sent before its attempt is on disk, nor too often.
    fn send(&mut self, w: usize, request: Request<Bytes>, flight: Flight) {
        if flight.asked() == Asked::Send {
            self.check_rate(w);
        }
        self.check_calendar(w, flight.intent().mch_billno());
        if self.dies(w, "before the send") {
            return;
        }
        if self.strikes(self.plan.odds.stall) {
            self.workers[w].pending = Some(Pending::Transmit(request, flight));
            self.stall(w);
            return;
        }
        self.transmit(w, request, flight);
    }

    /// Nothing is sent while the calendar is behind the record, unless it has been what it is for long.
    fn check_calendar(&mut self, w: usize, mch_billno: &str) {
        if self.t.saturating_sub(self.workers[w].ahead_since) >= BELIEVED {
            return;
        }
        let (calendar, process) = (self.workers[w].calendar(self.t), self.workers[w].process);
        let seen = self.disk.row(mch_billno).filter(|row| row.is_owned_by(process)).map(|row| row.seen);
        if let Some(seen) = seen.filter(|seen| *seen > calendar + self.plan.settings.clock_tolerance) {
            let behind = seen - calendar;
            self.violate(Invariant::I7, || {
                format!("{mch_billno} is sent by a calendar that is {behind:?} behind")
            });
        }
    }

    fn check_rate(&mut self, w: usize) {
        let settings = self.policy.settings();
        let most = (settings.sends_per_second + settings.burst - 1) as usize;
        let worker = &mut self.workers[w];
        let now = worker.now(self.t).steady;
        worker.sends.push_back(now);
        if worker.sends.len() > most
            && let Some(first) = worker.sends.pop_front()
            && now - first < SECOND
        {
            self.violate(Invariant::I5, || format!("worker {w} sends more than {most} in a second"));
        }
    }

    pub(super) fn alert(&mut self, w: usize, mch_billno: &str, alert: &Alert) {
        self.counts.alerts += 1;
        self.note(|| format!("worker {w}: {mch_billno}: {alert}"));
        if matches!(alert, Alert::GaveUp | Alert::Conflict)
            && let Some(order) = self.books.order_mut(mch_billno)
        {
            // The last one counts: a crash may have taken back the one before.
            order.given_up = Some(GivenUp { at: self.t, ahead: self.workers[w].believably_ahead(self.t) });
        }
        if self.trace.is_some() {
            let debug = format!("{alert:?}");
            let name = debug.split([' ', '(', '{']).next().unwrap_or_default();
            self.books.heard_alert(name.to_owned());
        }
    }

    pub(super) fn save(&mut self, w: usize, save: Save) {
        if self.dies(
            w,
            if save.is_attempt() { "before the attempt is written" } else { "before the answer is written" },
        ) {
            return;
        }
        let mch_billno = save.intent().mch_billno().to_owned();
        let verdict = self.verdict_on(w, &mch_billno).filter(|_| !save.is_attempt());
        match self.write(w, &save.snapshot(), save.is_done() || verdict.is_some()) {
            None if self.workers[w].alive => self.not_saved(w, save),
            None => {}
            Some(false) => {
                self.counts.leases_lost += 1;
                self.note(|| format!("worker {w} has lost {mch_billno}"));
                self.workers[w].campaign.lost(save);
            }
            Some(true) => match verdict {
                Some(verdict) => {
                    self.workers[w].campaign.lost(save);
                    self.follow(w, &mch_billno, verdict);
                }
                None => self.confirm(w, save),
            },
        }
    }

    fn not_saved(&mut self, w: usize, save: Save) {
        let now = self.workers[w].now(self.t);
        self.note(|| format!("worker {w} could not write {}", save.intent().mch_billno()));
        self.workers[w].campaign.not_saved(now, save);
    }

    /// It is written; the worker hears of it now, or later, or never.
    fn confirm(&mut self, w: usize, save: Save) {
        if self.dies(w, "after the write") {
            return;
        }
        if self.strikes(self.plan.odds.stall) {
            self.workers[w].pending = Some(Pending::Confirm(save));
            self.stall(w);
        } else if self.strikes(self.plan.odds.slow_write) {
            self.counts.faults.count(Fault::SlowWrite);
            self.flights += 1;
            let (write, process) = (self.flights, self.workers[w].process);
            self.workers[w].slow.push((write, save));
            let takes = self.chance.up_to(2 * MINUTE);
            self.push(self.t + takes, Event::Written { process, write });
        } else {
            self.workers[w].campaign.saved(save);
        }
    }

    pub(super) fn written(&mut self, process: Process, write: u64) {
        let w = process.worker;
        if let Some(until) = self.stands(w) {
            return self.push(until, Event::Written { process, write });
        }
        let slow = &mut self.workers[w].slow;
        if let Some(at) = slow.iter().position(|(other, _)| *other == write) {
            let (_, save) = slow.remove(at);
            self.workers[w].campaign.saved(save);
            self.pump(w);
        }
    }

    fn stall(&mut self, w: usize) {
        self.counts.faults.count(Fault::Stall);
        let (span, stops) = (self.chance.up_to(2 * HOUR), self.chance.permille(300));
        self.suspend(w, span, stops);
    }

    /// The process does nothing for a while; its steady clock may stand still as well.
    pub(super) fn suspend(&mut self, w: usize, span: Duration, stops: bool) {
        self.note(|| format!("worker {w} stands still for {span:?}"));
        let worker = &mut self.workers[w];
        let span = (self.t + span).saturating_sub(worker.stands_until.max(self.t));
        worker.stands_until = worker.stands_until.max(self.t) + span;
        if stops {
            worker.lag += span;
        }
        self.rearm();
    }

    /// A point where the process can die.
    pub(super) fn dies(&mut self, w: usize, point: &str) -> bool {
        self.points += 1;
        let dies = self.plan.dies_at.contains(&(self.points - 1)) || self.strikes(self.plan.odds.crash);
        if dies {
            self.crash(w, point);
        }
        dies
    }

    pub(super) fn crash(&mut self, w: usize, point: &str) {
        self.counts.faults.count(Fault::Crash);
        self.note(|| format!("worker {w} dies {point}"));
        let process = self.workers[w].process;
        let campaign = self.campaign(process);
        let worker = &mut self.workers[w];
        // The clock on the wall goes on as it did.
        let (ahead, ahead_since, ticks) = (worker.ahead, worker.ahead_since, worker.ticks);
        let anew = Worker::new(process, campaign);
        *worker = Worker { alive: false, ahead, ahead_since, ticks, token: worker.token, ..anew };
        self.disk.bury(process, self.plan.reclaims);
        self.mourn();
        let down = self.chance.up_to(HOUR);
        self.push(self.t + down, Event::Start { worker: w });
    }

    pub(super) fn start(&mut self, w: usize) {
        self.note(|| format!("worker {w} starts again"));
        let process = Process { worker: w, life: self.workers[w].process.life + 1 };
        let campaign = self.campaign(process);
        let anew = self.chance.permille(500);
        let worker = &mut self.workers[w];
        worker.process = process;
        worker.campaign = campaign;
        worker.alive = true;
        // Its steady clock counts from this moment, or from that of the machine.
        worker.lag = if anew { self.t } else { Duration::ZERO };
        self.sweep(w);
        self.pump(w);
    }

    /// Sees to it that every worker wakes up when there is something to do for it.
    pub(super) fn rearm(&mut self) {
        self.renew();
        for w in 0..self.workers.len() {
            let worker = &self.workers[w];
            if !worker.alive {
                continue;
            }
            let room = worker.campaign.len() < self.plan.capacity;
            let calendar = worker.calendar(self.t);
            let next = self.disk.next_for(worker.process, &worker.held, calendar, |due| worker.right(due));
            let take = next.filter(|_| room).map(|next| next.saturating_sub(EPOCH).max(worker.takes_from));
            let pending = worker.pending.is_some().then_some(self.t);
            let at = [worker.waits, take, pending].into_iter().flatten().min();
            let Some(at) = at.map(|at| at.max(worker.stands_until).max(self.t)) else { continue };
            if worker.wakes != Some(at) {
                let token = worker.token + 1;
                (self.workers[w].wakes, self.workers[w].token) = (Some(at), token);
                self.push(at, Event::Wake { worker: w, token });
            }
        }
    }
}
