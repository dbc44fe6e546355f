//! One world: its events in virtual time, one after the other, and the invariants after each.

mod business;
mod entries;
mod judge;
mod rows;
mod wire;
mod worker;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use wechatpay_mock_server::{MockError, Status};
use wechatpay_proto::payout::{Policy, PolicyError};

use crate::books::Books;
use crate::chance::Chance;
use crate::conduct::Conduct;
use crate::disk::{Disk, Process};
use crate::fault::Fault;
use crate::plan::{DAY, Moment, Plan, SECOND};
use crate::report::{Counts, Invariant, Report, Sent, Violation};
use crate::service::Service;
use wire::{Letter, Passage};
use worker::Worker;

/// More events than any world needs: one that has them turns in a circle.
const MANY: u64 = 2_000_000;

/// A world that cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The mock cannot be made.
    #[error(transparent)]
    Mock(#[from] MockError),
    /// The campaigns cannot be set so.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// One world.
pub struct World<'c> {
    plan: Plan,
    policy: Policy,
    conduct: &'c dyn Conduct,
    /// The right time since the beginning.
    t: Duration,
    queue: BinaryHeap<Reverse<Entry>>,
    pushed: u64,
    chance: Chance,
    service: Service,
    disk: Disk,
    workers: Vec<Worker>,
    books: Books,
    counts: Counts,
    violations: Vec<Violation>,
    trace: Option<Vec<String>>,
    primary_up: bool,
    /// The last answers, each with the number that it is about.
    answers: Vec<(String, Response<Bytes>)>,
    requests: Vec<Sent>,
    flights: u64,
    points: u64,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "World({} at {:?})", self.plan.seed, self.t)
    }
}

/// What happens.
#[derive(Debug)]
enum Event {
    /// A worker looks what there is to do, unless it was told another time since.
    Wake { worker: usize, token: u64 },
    /// A copy of a request arrives at the service.
    Arrive(Box<Passage>),
    /// Something arrives at a worker that may be an answer.
    Answer(Box<Letter>),
    /// A worker waits no longer for an answer.
    GiveUp { process: Process, flight: u64, sent: bool },
    /// A slow write is done.
    Written { process: Process, write: u64 },
    /// The business asks for a payment.
    Click { want: usize, worker: usize, nth: usize },
    /// A worker looks for failures that the business has not heard of.
    Sweep { worker: usize },
    /// A process starts again.
    Start { worker: usize },
    /// The receiver claims a packet.
    Claim { mch_billno: String },
    /// What the plan says.
    Moment(Moment),
    /// All is well from now on.
    Heal,
}

#[derive(Debug)]
struct Entry {
    at: Duration,
    nth: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.nth == other.nth
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.nth).cmp(&(other.at, other.nth))
    }
}

impl<'c> World<'c> {
    /// The world of a plan; `traced` keeps what happens in words.
    pub fn new(plan: Plan, conduct: &'c dyn Conduct, traced: bool) -> Result<Self, PlanError> {
        let service = Service::new(&plan)?;
        let policy = Policy::new(plan.settings.clone())?;
        let mut world = Self {
            chance: Chance::new(plan.seed, 2),
            books: Books::new(plan.wants.len()),
            t: Duration::ZERO,
            queue: BinaryHeap::new(),
            pushed: 0,
            disk: Disk::default(),
            workers: Vec::new(),
            counts: Counts { worlds: 1, packets: plan.wants.len() as u64, ..Counts::default() },
            violations: Vec::new(),
            trace: traced.then(Vec::new),
            primary_up: true,
            answers: Vec::new(),
            requests: Vec::new(),
            flights: 0,
            points: 0,
            service,
            policy,
            conduct,
            plan,
        };
        for worker in 0..world.plan.workers {
            let process = Process { worker, life: 0 };
            let campaign = world.campaign(process);
            world.workers.push(Worker::new(process, campaign));
        }
        world.fill();
        Ok(world)
    }

    /// What happens whatever comes.
    fn fill(&mut self) {
        for (want, clicks) in
            self.plan.wants.iter().map(|want| want.clicks.clone()).enumerate().collect::<Vec<_>>()
        {
            for (nth, (at, worker)) in clicks.into_iter().enumerate() {
                if nth > 0 {
                    self.counts.faults.count(Fault::DoubleClick);
                }
                self.push(at, Event::Click { want, worker, nth });
            }
        }
        for (at, moment) in self.plan.moments.clone() {
            self.push(at, Event::Moment(moment));
        }
        self.push(self.plan.heals, Event::Heal);
        for want in &self.plan.wants {
            if !want.flags.is_empty() {
                self.counts.faults.count(Fault::UserBlocked);
            }
        }
    }

    /// Lets it run to its end, and says what it came to.
    pub fn run(mut self) -> Report {
        let end = self.plan.heals + self.plan.settings.horizon + 12 * DAY;
        while let Some(Reverse(entry)) = self.queue.pop() {
            self.counts.events += 1;
            let open = || self.disk.rows.iter().any(|row| !row.done);
            if (entry.at > end && open()) || self.counts.events > MANY {
                self.violate(Invariant::I7, || "it does not come to an end".to_owned());
                break;
            }
            if entry.at > end {
                // What was left in the queue has nobody to wake any more.
                break;
            }
            self.t = entry.at;
            self.observe_time();
            self.happen(entry.event);
        }
        self.judge();
        self.counts.violations = self.violations.len() as u64;
        Report {
            ends: self.ends(),
            points: self.points,
            sent: self.requests,
            alerts: self.books.alerts(),
            counts: self.counts,
            violations: self.violations,
            trace: self.trace.unwrap_or_default(),
        }
    }

    fn happen(&mut self, event: Event) {
        let ticks = self.tick(&event);
        match event {
            Event::Wake { worker, token } => self.wake(worker, token),
            Event::Arrive(passage) => self.arrive(*passage),
            Event::Answer(letter) => self.hear(*letter),
            Event::GiveUp { process, flight, sent } => self.give_up(process, flight, sent),
            Event::Written { process, write } => self.written(process, write),
            Event::Click { want, worker, nth } => self.click(want, worker, nth),
            Event::Sweep { worker } => self.sweep(worker),
            Event::Start { worker } => self.start(worker),
            Event::Claim { mch_billno } => {
                let claimed = self.service.claim(&mch_billno);
                self.note(|| format!("the receiver claims {mch_billno}: {claimed}"));
            }
            Event::Moment(moment) => self.moment(moment),
            Event::Heal => self.heal(),
        }
        if let Some(worker) = ticks {
            self.workers[worker].set_calendar(self.t, 0);
            self.rearm();
        }
    }

    /// Whose calendar is wrong for this one event.
    fn tick(&mut self, event: &Event) -> Option<usize> {
        let worker = match event {
            Event::Wake { worker, token } if self.workers[*worker].is_awaited(*token) => *worker,
            Event::Answer(letter) => letter.worker(),
            Event::GiveUp { process, .. } => process.worker,
            _ => return None,
        };
        if !self.workers[worker].alive || self.stands(worker).is_some() {
            return None;
        }
        let ahead = self.workers[worker].ticks.take()?;
        self.note(|| format!("the calendar of worker {worker} is {ahead} s ahead for a moment"));
        self.workers[worker].set_calendar(self.t, ahead);
        Some(worker)
    }

    fn moment(&mut self, moment: Moment) {
        if self.healed() && !matches!(moment, Moment::Money { .. } | Moment::UsersFine) {
            return;
        }
        self.note(|| format!("{moment:?}"));
        match moment {
            Moment::Money { fen } => {
                // Once all is well there is money enough.
                let fen = if self.healed() { fen.max(self.service.balance()) } else { fen };
                if fen < self.service.balance() {
                    self.counts.faults.count(Fault::NoMoney);
                }
                self.service.set_balance(fen);
            }
            Moment::UsersFine => self.service.users_fine(self.plan.wants.len()),
            Moment::Primary { up } => self.primary_up = up,
            Moment::Calendar { worker, ahead } => {
                if ahead != 0 {
                    self.counts.faults.count(Fault::Calendar);
                }
                self.workers[worker].set_calendar(self.t, ahead);
                self.rearm();
            }
            Moment::Glitch { worker, ahead, span } => {
                self.counts.faults.count(Fault::Glitch);
                if span.is_zero() {
                    self.workers[worker].ticks = Some(ahead);
                } else {
                    self.workers[worker].set_calendar(self.t, ahead);
                    self.push(self.t + span, Event::Moment(Moment::Calendar { worker, ahead: 0 }));
                    self.rearm();
                }
            }
            Moment::Suspend { worker, span, stops } => {
                if self.workers[worker].alive {
                    self.counts.faults.count(Fault::Suspend);
                    self.suspend(worker, span, stops);
                }
            }
            Moment::Crash { worker } => {
                if self.workers[worker].alive {
                    self.crash(worker, "at any time");
                }
            }
        }
    }

    /// All is well from now on.
    fn heal(&mut self) {
        self.note(|| "all is well from now on".to_owned());
        self.primary_up = true;
        self.service.users_fine(self.plan.wants.len());
        if self.service.balance() < self.plan.balance {
            self.service.set_balance(self.plan.balance);
        }
        for worker in &mut self.workers {
            worker.set_calendar(self.t, 0);
            worker.ticks = None;
        }
        self.rearm();
    }

    fn healed(&self) -> bool {
        self.t >= self.plan.heals
    }

    fn push(&mut self, at: Duration, event: Event) {
        self.pushed += 1;
        self.queue.push(Reverse(Entry { at: at.max(self.t), nth: self.pushed, event }));
    }

    /// Whether a fault happens here.
    fn strikes(&mut self, odds: u32) -> bool {
        !self.healed() && self.chance.permille(odds)
    }

    /// What the ledger did by itself up to now.
    fn observe_time(&mut self) {
        for fired in self.service.run_until(self.t) {
            let Some(status) = fired.status() else { continue };
            self.announce(&fired.key.mch_billno, status);
            self.observe(&fired.key.mch_billno, status);
        }
    }

    /// A packet stands somewhere: what its receiver does then.
    fn observe(&mut self, mch_billno: &str, status: Status) {
        let Some(order) = self.books.order_mut(mch_billno) else { return };
        let paid = !matches!(status, Status::Sending | Status::Failed);
        if !paid || order.claimed {
            return;
        }
        order.claimed = true;
        let want = order.want;
        if let Some(after) = self.plan.wants[want].claimed {
            self.push(self.t + after, Event::Claim { mch_billno: mch_billno.to_owned() });
        }
        self.note(|| format!("the ledger paid {mch_billno}"));
    }

    fn violate(&mut self, invariant: Invariant, seen: impl FnOnce() -> String) {
        let seen = seen();
        self.note(|| format!("VIOLATION of {invariant:?}: {seen}"));
        self.violations.push(Violation { invariant, seen });
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let t = self.t.as_millis();
            trace.push(format!("{:>9}.{:03} {}", t / 1000, t % 1000, what()));
        }
    }

    /// A time after which somebody tries again.
    fn soon(&self) -> Duration {
        self.t + SECOND
    }
}
