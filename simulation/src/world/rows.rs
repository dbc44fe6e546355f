//! How a worker reads and writes, and what goes wrong with that.

use wechatpay_proto::payout::{AddError, Inserted, Payout, Record, Saved, Snapshot, Store as _, Unsaved};

use super::World;
use crate::disk::{DiskError, Process, Session, Trouble};
use crate::fault::Fault;
use crate::plan::{MINUTE, SECOND};
use crate::report::Invariant;
use crate::service::EPOCH;

impl World<'_> {
    pub(super) fn session(&mut self, w: usize, trouble: Option<Trouble>) -> Session<'_> {
        let worker = &mut self.workers[w];
        Session {
            disk: &mut self.disk,
            process: worker.process,
            held: &mut worker.held,
            lease: self.plan.lease,
            clock: EPOCH + self.t,
            trouble,
            chance: &mut self.chance,
            writes_first: self.conduct.writes_first(),
        }
    }

    fn write_trouble(&mut self) -> Option<Trouble> {
        if !self.strikes(self.plan.odds.write_fails) {
            return None;
        }
        let (trouble, fault) = self.chance.pick(&[
            (Trouble::Nothing, Fault::WriteFailed),
            (Trouble::Landed, Fault::WriteLanded),
            (Trouble::Torn, Fault::WriteTorn),
        ]);
        self.counts.faults.count(fault);
        Some(trouble)
    }

    fn read_trouble(&mut self) -> Option<Trouble> {
        let fails = self.strikes(self.plan.odds.read_fails);
        fails.then(|| self.counts.faults.count(Fault::ReadFailed));
        fails.then_some(Trouble::Nothing)
    }

    /// Writes a snapshot: whether it was still this worker's; `None` where the disk failed.
    pub(super) fn write(&mut self, w: usize, snapshot: &Snapshot, done: bool) -> Option<bool> {
        let trouble = self.write_trouble();
        let calendar = self.workers[w].calendar(self.t);
        self.note(|| {
            format!("worker {w} writes {snapshot}{}", trouble.map_or(String::new(), |t| format!(": {t:?}")))
        });
        let saved = self.session(w, trouble).save(calendar, &[Record { snapshot, done }]);
        if trouble == Some(Trouble::Torn) && self.chance.permille(500) {
            self.crash(w, "in a write");
        }
        let saved = saved.ok()?;
        Some(saved.first() == Some(&Saved::Written))
    }

    pub(super) fn insert(&mut self, w: usize, new: &Unsaved<Payout>) -> Result<Option<Inserted>, DiskError> {
        let trouble = self.write_trouble();
        let inserted = self.session(w, trouble).insert(std::slice::from_ref(new));
        inserted.map(|mut inserted| inserted.pop())
    }

    /// Has those who are awake renew their leases.
    pub(super) fn renew(&mut self) {
        let (workers, now) = (&self.workers, self.t);
        let holds = |process: Process, mch_billno: &str, token: u64| {
            let worker = &workers[process.worker];
            let awake = worker.alive && worker.process == process && worker.stands_until <= now;
            awake && worker.held.get(mch_billno) == Some(&token)
        };
        self.disk.renew(EPOCH + now + self.plan.lease, holds);
    }

    /// Takes what is due.
    pub(super) fn take(&mut self, w: usize) {
        self.renew();
        let worker = &self.workers[w];
        let (calendar, room) =
            (worker.calendar(self.t), self.plan.capacity.saturating_sub(worker.campaign.len()));
        let next = self.disk.next_for(worker.process, &worker.held, calendar, |due| worker.right(due));
        let due = next.is_some_and(|due| due <= EPOCH + self.t);
        if !due || room == 0 || worker.takes_from > self.t {
            return;
        }
        let trouble = self.read_trouble();
        let now = self.workers[w].now(self.t);
        let Ok(taken) = self.session(w, trouble).take(calendar, calendar + SECOND, room) else {
            self.workers[w].takes_from = self.t + 5 * SECOND;
            return;
        };
        for stored in taken {
            let number = stored.intent.mch_billno().to_owned();
            self.note(|| format!("worker {w} takes {number}: {}", stored.snapshot));
            match self.workers[w].campaign.add(now, stored.intent, &stored.snapshot) {
                Ok(()) => {}
                // It still has the number before this one in memory, which another worker led to its end.
                Err(AddError::Changed { .. }) => {
                    self.session(w, None).release(&[&number]).ok();
                    self.workers[w].takes_from = self.t + MINUTE;
                }
                Err(error) => self.violate(Invariant::OnDisk, || format!("worker {w} cannot go on: {error}")),
            }
        }
    }
}
