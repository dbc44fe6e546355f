//! What a campaign needs of a disk.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use super::intent::Intent;
use super::machine::{Payout, Unsaved};
use super::snapshot::Snapshot;

/// Where intents and snapshots live. Two unique keys make a second number for one intent impossible: business id with
/// generation, and number, both within the merchant.
///
/// A payout that was [taken](Self::take) is this worker's until it is [released](Self::release), done, or taken by another
/// after its lease ended. A store that has one worker needs no leases. One that has many tells by each write whether the
/// payout is still the writer's: a worker that was thought dead can write nothing. A lease is longer than
/// [`Settings::attempt_life`](super::Settings::attempt_life) and the longest time that an answer is waited for together, so
/// that nothing is in flight when another takes the payout.
///
/// Times are calendar times since 1970, the caller's; a store reads no clock for them. Leases are the store's own: where
/// workers may have clocks that differ, it judges them by one clock, the database's, and `now` has no part in it.
pub trait Store {
    /// What went wrong with the disk. Nothing is sent then.
    type Error: Error + Send + Sync + 'static;

    /// Writes new payouts, each as [`Payout::new`] gives it, and says of each what became of it. What is there already is
    /// never overwritten. When this returns, what is new will survive a crash; on an error none was written, unless the
    /// connection broke while the store confirmed it: then insert again, and what was written is [`Inserted::Same`].
    fn insert(&mut self, new: &[Unsaved<Payout>]) -> Result<Vec<Inserted>, Self::Error>;

    /// Takes up to `limit` payouts that are not done, belong to nobody, and want to go on by `until`, those first that have
    /// waited longest. One that wants to go on later than [`Snapshot::MAX_WAIT`] from `now` is due as well: a calendar that was
    /// wrong for a moment put it on record, and nobody would come back to it.
    ///
    /// One that cannot be read is an error that names it. Nothing was taken then, and from the next call on it is left out,
    /// so that it is in nobody's way.
    fn take(&mut self, now: Duration, until: Duration, limit: usize) -> Result<Vec<Stored>, Self::Error>;

    /// Writes snapshots over those before them, renews their leases, and says of each whether it was still this worker's to
    /// write. When this returns, they will survive a crash; on an error none was written, or nobody knows: write them
    /// again.
    ///
    /// `done` marks those that have come to their end; they belong to nobody any more.
    fn save(&mut self, now: Duration, snapshots: &[Record<'_>]) -> Result<Vec<Saved>, Self::Error>;

    /// Gives payouts back, by number: others may take them. Those that are not this worker's are left alone. Where it fails,
    /// they are this worker's no more all the same, and can be taken when their lease ends.
    fn release(&mut self, mch_billnos: &[&str]) -> Result<(), Self::Error>;

    /// Renews the leases of all that this worker holds: of those too that wait in memory, and are not written for long.
    /// Call it a few times in the length of a lease. A store without leases has nothing to do.
    ///
    /// It does not say what was lost meanwhile; the next [`save`](Self::save) does.
    fn renew(&mut self, now: Duration) -> Result<(), Self::Error> {
        let _ = now;
        Ok(())
    }

    /// When there may be something to take: a payout that belongs to nobody wants to go on, or another worker's lease
    /// ends. `None` where nothing is left but what is done and what this worker holds.
    ///
    /// A hint, as others may insert or release at any time: where there are others, ask again every few seconds.
    fn next_wake(&mut self) -> Result<Option<Duration>, Self::Error>;
}

/// One snapshot to write.
#[derive(Clone, Debug)]
pub struct Record<'s> {
    /// It.
    pub snapshot: &'s Snapshot,
    /// Whether the payout is done, and nobody need take it any more.
    pub done: bool,
}

/// What became of a new payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is on disk.
    New,
    /// The very same intent was there.
    Same,
    /// Another intent has this business id and generation: other parameters, or another number. **Nothing was written.**
    Changed {
        /// The number of the one that is there.
        mch_billno: String,
    },
    /// Another business id has this number. **Nothing was written.**
    NumberTaken {
        /// The business id of the one that is there.
        business_id: String,
    },
    /// The generation before it is not there, or has not failed: there is no proof that a new number is safe.
    /// **Nothing was written.**
    NotFailed,
}

/// Whether a snapshot was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It was.
    Written,
    /// The payout is not this worker's any more: it was done or given back, or its lease ended and another took it.
    /// **Do not send.**
    NotOurs,
}

/// A payout as it stands in a store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it stands for.
    pub intent: Arc<Intent>,
    /// Where it stands.
    pub snapshot: Snapshot,
}
