//! The loop: one thread that owns the campaign and the store, and does what the campaign says.

mod carry;
mod embedded;
mod outside;
mod stop;
#[cfg(test)]
mod tests;
mod world;

use std::collections::HashSet;
use std::time::Duration;

use wechatpay_proto::payout::{Action, AddError, Campaign, Record, Save, Saved, Snapshot, Stored};

use crate::book::Book;
use crate::failure::Failure;
use crate::store::StoreError;
use crate::watch::Watch;

pub(crate) use carry::{Carriage, Tasks, Threads};
pub(crate) use embedded::Embedded;
pub(crate) use outside::{Outside, listen_for_signals};
pub(crate) use world::{Happened, Landed, World};

/// Where nonces come from.
pub(crate) type Nonces = Box<dyn FnMut() -> std::io::Result<[u8; 16]>>;

/// How many snapshots are written at once.
const BATCH: usize = 1_000;
/// In how many seconds in a row the store may fail before the program gives up.
const FAILURES: u32 = 30;
/// How long a store that failed is left alone, and a clock that went back.
const PAUSE: Duration = Duration::from_secs(1);
/// A store that says "now" is not asked again sooner.
const BREATH: Duration = Duration::from_millis(100);

/// A wait that people should know of.
const LONG: Duration = Duration::from_secs(60);

/// How the loop goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The most payouts that are held at once.
    pub(crate) capacity: usize,
    /// Payouts that want to go on within this time are taken already.
    pub(crate) ahead: Duration,
    /// How often to look for payouts that others leave behind; `None` where there are no others.
    pub(crate) look_again: Option<Duration>,
    /// How often to renew the lease.
    pub(crate) renew: Duration,
    /// How long to wait for answers after a signal.
    pub(crate) grace: Duration,
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is left to do.
    Over,
    /// A signal came.
    Stopped,
}

/// A campaign under way.
pub(crate) struct Run<'a, W> {
    store: &'a mut dyn Book,
    campaign: Campaign<Nonces>,
    world: W,
    watch: &'a mut Watch,
    plan: Plan,
    /// The numbers that are this worker's, as far as the store knows.
    held: HashSet<Box<str>>,
    /// Requests without an answer.
    under_way: usize,
    /// Answers that are not written down yet.
    unwritten: usize,
    next_take: Duration,
    next_renew: Duration,
    /// Whether the store had nothing more when it was asked last, nor will have.
    dry: bool,
    /// In how many seconds in a row the store failed, and when that was counted last.
    failures: u32,
    counted: Duration,
}

impl<'a, W: World> Run<'a, W> {
    pub(crate) fn new(
        store: &'a mut dyn Book,
        campaign: Campaign<Nonces>,
        world: W,
        watch: &'a mut Watch,
        plan: Plan,
    ) -> Self {
        let next_renew = world.now().steady + plan.renew;
        Self {
            store,
            campaign,
            world,
            watch,
            plan,
            held: HashSet::new(),
            under_way: 0,
            unwritten: 0,
            next_take: Duration::ZERO,
            next_renew,
            dry: false,
            failures: 0,
            counted: Duration::ZERO,
        }
    }

    /// Leads all payouts of the store to their end.
    pub(crate) fn lead(mut self) -> Result<Ended, Failure> {
        loop {
            self.renew()?;
            let room = self.campaign.len() * 2 <= self.plan.capacity;
            if room && self.next_take <= self.world.now().steady {
                self.take()?;
            }
            let until = self.act()?;
            self.unwritten = 0;
            if self.dry && self.campaign.is_empty() {
                return Ok(Ended::Over);
            }
            let room = self.campaign.len() * 2 <= self.plan.capacity;
            let wake = [until, room.then_some(self.next_take), Some(self.next_renew)];
            let mut happened = self.world.wait(wake.into_iter().flatten().min());
            while let Happened::Landed(landed) = happened {
                self.landed(landed);
                // What came meanwhile is written together.
                happened = self.world.wait(Some(Duration::ZERO));
            }
            if let Happened::Stop = happened {
                return self.stop();
            }
        }
    }

    /// Takes payouts from the store, as many as there is room for.
    fn take(&mut self) -> Result<(), Failure> {
        let now = self.world.now();
        let room = self.plan.capacity.saturating_sub(self.campaign.len());
        let taken = match self.store.take(now.calendar, now.calendar + self.plan.ahead, room) {
            Ok(taken) => taken,
            Err(StoreError::Broken { mch_billno, cause }) => {
                let text = format!("mch_billno {mch_billno} cannot be read, and is left alone: {cause}");
                self.watch.trouble(&text);
                return Ok(());
            }
            Err(error) => {
                self.next_take = now.steady + PAUSE;
                return self.store_failed("cannot take payouts from the store", &error);
            }
        };
        let full = taken.len() == room;
        for Stored { intent, snapshot } in taken {
            let number: Box<str> = intent.mch_billno().into();
            match self.campaign.add(now, intent, &snapshot) {
                // One that is held was taken anew, because the lease had ended.
                Ok(()) | Err(AddError::Duplicate { .. }) => drop(self.held.insert(number)),
                Err(error) => return Err(Failure::of(format!("cannot lead mch_billno {number}"), &error)),
            }
        }
        if full {
            (self.dry, self.next_take) = (false, now.steady);
            return Ok(());
        }
        self.look_ahead()
    }

    /// Finds out when the store will have something again.
    fn look_ahead(&mut self) -> Result<(), Failure> {
        let now = self.world.now();
        let next = match self.store.next_wake() {
            Ok(next) => next,
            Err(error) => {
                self.next_take = now.steady + PAUSE;
                return self.store_failed("cannot ask the store", &error);
            }
        };
        self.failures = 0;
        self.dry = next.is_none();
        let wait = next.map(|at| self.wait_until(at, now.calendar));
        if let Some(wait) = wait.filter(|wait| *wait >= LONG && self.campaign.is_empty()) {
            self.watch.idle(wait);
        }
        let wait = wait.into_iter().chain(self.plan.look_again).min();
        self.next_take = wait.map_or(Duration::MAX, |wait| now.steady + wait);
        Ok(())
    }

    fn renew(&mut self) -> Result<(), Failure> {
        let now = self.world.now();
        if now.steady < self.next_renew {
            return Ok(());
        }
        self.next_renew = now.steady + self.plan.renew;
        match self.store.renew(now.calendar) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.next_renew = now.steady + PAUSE;
                self.store_failed("cannot renew the lease", &error)
            }
        }
    }

    /// Does everything that can be done now; says when there is more.
    fn act(&mut self) -> Result<Option<Duration>, Failure> {
        loop {
            let mut batch = Vec::new();
            let until = self.collect(&mut batch)?;
            if batch.is_empty() {
                return Ok(until);
            }
            self.save(batch)?;
        }
    }

    /// Asks the campaign until it waits; what is to be written is collected.
    fn collect(&mut self, batch: &mut Vec<Save>) -> Result<Option<Duration>, Failure> {
        let mut parked = Vec::new();
        let until = loop {
            let now = self.world.now();
            match self.campaign.poll(now) {
                Ok(Action::Save(save)) => {
                    batch.push(save);
                    if batch.len() == BATCH {
                        break None;
                    }
                }
                Ok(Action::Send { request, flight }) => {
                    self.under_way += 1;
                    self.world.send(request, flight);
                }
                Ok(Action::Alert { intent, alert }) => self.watch.alert(&intent, &alert),
                Ok(Action::Done(done)) => {
                    self.held.remove(done.intent().mch_billno());
                    self.watch.done();
                }
                Ok(Action::Parked { intent, wake_at }) => parked.push((intent, wake_at)),
                Ok(Action::Wait { until }) => break until,
                Err(error) => {
                    self.watch.blocked(&error);
                    break Some(now.steady + PAUSE);
                }
            }
        };
        self.watch.progress(self.campaign.progress());
        let numbers: Vec<&str> = parked.iter().map(|(intent, _)| intent.mch_billno()).collect();
        self.release(&numbers)?;
        for (_, wake_at) in &parked {
            self.expect(*wake_at);
        }
        Ok(until)
    }

    /// Others may take them now, or this worker again, when they are due.
    fn release(&mut self, numbers: &[&str]) -> Result<(), Failure> {
        if numbers.is_empty() {
            return Ok(());
        }
        for number in numbers {
            self.held.remove(*number);
        }
        match self.store.release(numbers) {
            Ok(()) => Ok(()),
            // They come back when the lease ends.
            Err(error) => self.store_failed("cannot release payouts", &error),
        }
    }

    /// How long to wait for what the store has for `wake_at`. What it has for a time that is too far away is due.
    fn wait_until(&self, wake_at: Duration, now: Duration) -> Duration {
        let wait = wake_at.saturating_sub(now + self.plan.ahead);
        if wait > Snapshot::MAX_WAIT { BREATH } else { wait.max(BREATH) }
    }

    /// The store will have something to do then.
    fn expect(&mut self, wake_at: Duration) {
        let now = self.world.now();
        let wait = self.wait_until(wake_at, now.calendar);
        self.next_take = self.next_take.min(now.steady + wait);
        self.dry = false;
    }

    /// Writes snapshots in one go, and gives the campaign what hung on them.
    fn save(&mut self, batch: Vec<Save>) -> Result<(), Failure> {
        let now = self.world.now();
        let snapshots: Vec<_> = batch.iter().map(Save::snapshot).collect();
        let records: Vec<_> = snapshots
            .iter()
            .zip(&batch)
            .map(|(snapshot, save)| Record { snapshot, done: save.is_done() })
            .collect();
        match self.store.save(now.calendar, &records) {
            Ok(saved) => {
                self.failures = 0;
                for (save, saved) in batch.into_iter().zip(saved) {
                    match saved {
                        Saved::Written => self.campaign.saved(save),
                        Saved::NotOurs => {
                            self.held.remove(save.intent().mch_billno());
                            self.campaign.lost(save);
                            self.dry = false;
                        }
                    }
                }
                Ok(())
            }
            Err(error) => {
                batch.into_iter().for_each(|save| self.campaign.not_saved(now, save));
                self.store_failed("cannot write to the store", &error)
            }
        }
    }

    fn landed(&mut self, landed: Landed) {
        self.under_way = self.under_way.saturating_sub(1);
        self.unwritten += 1;
        let now = self.world.now();
        match landed.outcome {
            Ok(response) => self.campaign.answer(now, landed.flight, &response),
            Err(lost) => {
                self.watch.lost(&lost.text);
                self.campaign.fault(now, landed.flight, lost.delivery);
            }
        }
    }

    /// A store may fail for a while; not for ever.
    fn store_failed(&mut self, what: &str, error: &StoreError) -> Result<(), Failure> {
        let now = self.world.now().steady;
        // Many answers may come in one second, and none of them can be written.
        if self.failures == 0 || now >= self.counted + PAUSE {
            (self.failures, self.counted) = (self.failures + 1, now);
        }
        let failure = Failure::of(what, error);
        if self.failures >= FAILURES {
            return Err(failure);
        }
        self.watch.trouble(&failure.to_string());
        Ok(())
    }
}
