//! The disk that the workers share: rows of text, as a database would hold them, and what goes wrong with them.
//!
//! A row belongs to whoever took it last. What makes that safe is a token that grows with every taking: a write needs the
//! token that its payout was taken with, so a worker that comes back with what it held before can write nothing, even if
//! the row has become its own again meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use wechatpay_proto::payout::{
    Inserted, Intent, IntentRecord, Payout, Record, Saved, Snapshot, State, Store, Stored, Unsaved,
};

use crate::chance::Chance;

/// A process: a worker, and how often it was started before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) worker: usize,
    pub(crate) life: u32,
}

/// What goes wrong with an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing was written.
    Nothing,
    /// It was written, and that is not known.
    Landed,
    /// A text that is cut off is there, and the one before it.
    Torn,
}

/// The disk failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the disk failed")]
pub(crate) struct DiskError;

#[derive(Clone, Debug)]
pub(crate) struct Row {
    intent: IntentRecord,
    mch_billno: String,
    /// The last snapshot that was written whole, and where the payout stands by it.
    text: String,
    pub(crate) state: State,
    /// What a write left that did not come to its end.
    torn: Option<String>,
    /// The columns that a store finds rows by.
    wake_at: Duration,
    pub(crate) attempts: u32,
    /// The latest time of any event, by the calendars of those who wrote it.
    pub(crate) seen: Duration,
    pub(crate) done: bool,
    owner: Option<Process>,
    lease_end: Duration,
    /// The one who has it is awake, and renews its lease a few times in the length of it.
    renewed: bool,
    token: u64,
    /// Nothing of it is really on disk: it goes with the process that holds it in memory. Only for wrong conduct.
    memory_of: Option<Process>,
}

impl Row {
    pub(crate) fn mch_billno(&self) -> &str {
        &self.mch_billno
    }

    pub(crate) fn business_id(&self) -> &str {
        &self.intent.business_id
    }

    pub(crate) fn generation(&self) -> u32 {
        self.intent.generation
    }

    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        self.text.parse().ok()
    }

    pub(crate) fn intent(&self) -> Option<Intent> {
        Intent::restore(self.intent.clone()).ok()
    }

    pub(crate) fn is_owned_by(&self, process: Process) -> bool {
        self.owner == Some(process)
    }

    /// A time of the record that has no accessor, out of its text.
    pub(crate) fn time(&self, name: &str) -> Option<Duration> {
        let (_, rest) = self.text.split_once(name)?;
        rest.split(' ').next()?.parse().ok().map(Duration::from_millis)
    }

    /// Whether it wants to go on later than anything can: a wrong calendar put that down, and nobody would come back to it.
    fn is_astray(&self, now: Duration) -> bool {
        self.wake_at > now + Snapshot::MAX_WAIT
    }

    fn free_at(&self) -> Duration {
        match self.owner {
            Some(_) if self.renewed => Duration::MAX,
            Some(_) => self.lease_end,
            None => Duration::ZERO,
        }
    }
}

/// The rows. There are few of them, so a list does.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) rows: Vec<Row>,
    tokens: u64,
    /// Torn texts that were read, each of which was a typed error.
    pub(crate) torn_read: u64,
    /// Torn texts that were taken for whole ones: there must be none.
    pub(crate) torn_believed: u64,
}

/// What a process remembers of what it took: numbers and their tokens.
pub(crate) type Held = HashMap<String, u64>;

/// A worker's access to the disk.
pub(crate) struct Session<'d> {
    pub(crate) disk: &'d mut Disk,
    pub(crate) process: Process,
    pub(crate) held: &'d mut Held,
    pub(crate) lease: Duration,
    /// The disk's own clock, by which it judges leases: the workers' may differ.
    pub(crate) clock: Duration,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) chance: &'d mut Chance,
    pub(crate) writes_first: bool,
}

impl Disk {
    pub(crate) fn row(&self, mch_billno: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.mch_billno == mch_billno)
    }

    fn row_mut(&mut self, mch_billno: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.mch_billno == mch_billno)
    }

    /// The last row of a business id.
    pub(crate) fn last_of(&self, business_id: &str) -> Option<&Row> {
        let own = self.rows.iter().filter(|row| row.business_id() == business_id);
        own.max_by_key(|row| row.generation())
    }

    /// When a process could next take something, by the disk's clock; `right` makes that of a time by the calendar of the
    /// process, which shows `now`.
    pub(crate) fn next_for(
        &self,
        process: Process,
        held: &Held,
        now: Duration,
        right: impl Fn(Duration) -> Duration,
    ) -> Option<Duration> {
        let open = self.rows.iter().filter(|row| !row.done && may_take(row, process, held));
        let due = |row: &Row| if row.is_astray(now) { right(now) } else { right(row.wake_at) };
        open.map(|row| due(row).max(row.free_at())).filter(|at| *at < Duration::MAX).min()
    }

    /// Renews the leases of all that is held by those who are awake. Of one who sleeps or is dead it ends at `until`.
    pub(crate) fn renew(&mut self, until: Duration, holds: impl Fn(Process, &str, u64) -> bool) {
        for row in &mut self.rows {
            let renewed = row.owner.is_some_and(|owner| holds(owner, &row.mch_billno, row.token));
            if row.renewed && !renewed {
                row.lease_end = until;
            }
            row.renewed = renewed;
        }
    }

    /// The process is dead: what it held in memory is gone, and what it had is anybody's where the store knows that.
    pub(crate) fn bury(&mut self, process: Process, reclaims: bool) {
        self.rows.retain(|row| row.memory_of != Some(process));
        for row in self.rows.iter_mut().filter(|row| reclaims && row.owner == Some(process)) {
            row.owner = None;
        }
    }
}

fn may_take(row: &Row, process: Process, held: &Held) -> bool {
    // What it has in memory it does not take again: that would be two of one payout.
    !held.contains_key(&row.mch_billno) && row.memory_of.is_none_or(|owner| owner == process)
}

impl Session<'_> {
    fn fails(&mut self) -> Result<(), DiskError> {
        if self.trouble.is_some() { Err(DiskError) } else { Ok(()) }
    }

    /// Takes one payout, done or not, if nobody else has it.
    pub(crate) fn take_one(&mut self, mch_billno: &str) -> Result<Option<Stored>, DiskError> {
        self.fails()?;
        let (process, held) = (self.process, &*self.held);
        let free = |row: &Row| may_take(row, process, held) && row.free_at() <= self.clock;
        let at = self.disk.rows.iter().position(|row| row.mch_billno == mch_billno && free(row));
        Ok(at.and_then(|at| self.take_at(at)))
    }

    fn take_at(&mut self, at: usize) -> Option<Stored> {
        self.disk.tokens += 1;
        let token = self.disk.tokens;
        let row = self.disk.rows.get_mut(at)?;
        if let Some(torn) = row.torn.take() {
            // A store whose writes are whole or not at all has the text before it.
            match torn.parse::<Snapshot>() {
                Err(_) => self.disk.torn_read += 1,
                Ok(_) => self.disk.torn_believed += 1,
            }
        }
        (row.owner, row.lease_end, row.token) = (Some(self.process), self.clock + self.lease, token);
        row.renewed = false;
        self.held.insert(row.mch_billno.clone(), token);
        let intent = Intent::restore(row.intent.clone()).ok()?;
        Some(Stored { intent: intent.into(), snapshot: row.text.parse().ok()? })
    }

    fn write(&mut self, record: &Record<'_>) -> Saved {
        let (snapshot, lease_end) = (record.snapshot, self.clock + self.lease);
        let number = snapshot.mch_billno();
        let Some(&token) = self.held.get(number) else { return Saved::NotOurs };
        let (process, torn) = (self.process, self.trouble == Some(Trouble::Torn));
        let Some(row) =
            self.disk.row_mut(number).filter(|row| row.token == token && row.is_owned_by(process))
        else {
            // Who does not hear of it goes on holding it.
            if self.trouble.is_none() {
                self.held.remove(number);
            }
            return Saved::NotOurs;
        };
        let text = snapshot.to_string();
        if torn {
            let end = self.chance.index(text.len());
            row.torn = Some(text[..end].to_owned());
            return Saved::Written;
        }
        if row.memory_of.is_none() || snapshot.reason().is_some() || record.done {
            (row.text, row.torn, row.memory_of) = (text, None, None);
            row.state = snapshot.state();
            row.attempts = snapshot.attempts();
            row.seen = row.time(" seen=").unwrap_or_default();
        }
        (row.wake_at, row.done, row.lease_end) = (snapshot.wake_at(), record.done, lease_end);
        Saved::Written
    }
}

impl Store for Session<'_> {
    type Error = DiskError;

    fn insert(&mut self, new: &[Unsaved<Payout>]) -> Result<Vec<Inserted>, DiskError> {
        if matches!(self.trouble, Some(Trouble::Nothing | Trouble::Torn)) {
            return Err(DiskError);
        }
        let inserted = new.iter().map(|unsaved| {
            let (intent, snapshot) = (unsaved.intent().record(), unsaved.snapshot());
            let same_key =
                |row: &&Row| row.business_id() == intent.business_id && row.generation() == intent.generation;
            if let Some(row) = self.disk.rows.iter().find(same_key) {
                let same = row.intent == intent;
                let mch_billno = row.mch_billno.clone();
                return if same { Inserted::Same } else { Inserted::Changed { mch_billno } };
            }
            if let Some(row) = self.disk.row(snapshot.mch_billno()) {
                return Inserted::NumberTaken { business_id: row.business_id().to_owned() };
            }
            self.disk.rows.push(Row {
                intent,
                mch_billno: snapshot.mch_billno().to_owned(),
                text: snapshot.to_string(),
                state: snapshot.state(),
                torn: None,
                wake_at: snapshot.wake_at(),
                attempts: 0,
                seen: Duration::ZERO,
                done: false,
                owner: None,
                lease_end: Duration::ZERO,
                renewed: false,
                token: 0,
                memory_of: (!self.writes_first).then_some(self.process),
            });
            Inserted::New
        });
        let inserted = inserted.collect();
        self.fails().map(|()| inserted)
    }

    fn take(&mut self, now: Duration, until: Duration, limit: usize) -> Result<Vec<Stored>, DiskError> {
        self.fails()?;
        let (process, held) = (self.process, &*self.held);
        let due = |row: &Row| {
            !row.done
                && may_take(row, process, held)
                && row.free_at() <= self.clock
                && (row.wake_at <= until || row.is_astray(now))
        };
        let rows = self.disk.rows.iter().enumerate().filter(|(_, row)| due(row));
        let mut found: Vec<_> = rows.map(|(at, row)| (row.wake_at, at)).collect();
        found.sort_unstable();
        Ok(found.into_iter().take(limit).filter_map(|(_, at)| self.take_at(at)).collect())
    }

    fn save(&mut self, _: Duration, snapshots: &[Record<'_>]) -> Result<Vec<Saved>, DiskError> {
        if self.trouble == Some(Trouble::Nothing) {
            return Err(DiskError);
        }
        let saved = snapshots.iter().map(|record| self.write(record)).collect();
        self.fails().map(|()| saved)
    }

    fn release(&mut self, mch_billnos: &[&str]) -> Result<(), DiskError> {
        self.fails()?;
        for number in mch_billnos {
            let Some(token) = self.held.remove(*number) else { continue };
            let process = self.process;
            let row = self.disk.row_mut(number);
            if let Some(row) = row.filter(|row| row.token == token && row.is_owned_by(process)) {
                row.owner = None;
            }
        }
        Ok(())
    }

    fn next_wake(&mut self) -> Result<Option<Duration>, DiskError> {
        self.fails()?;
        let free = self.disk.rows.iter().filter(|row| !row.done && row.owner.is_none());
        Ok(free.map(|row| row.wake_at).min())
    }
}
