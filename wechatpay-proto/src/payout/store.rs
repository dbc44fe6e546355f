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
/// Times are calendar times since 1970, the caller's; a store reads no clock.
pub trait Store {
    /// What went wrong with the disk. Nothing is sent then.
    type Error: Error + Send + Sync + 'static;

    /// Writes new payouts, each as [`Payout::new`] gives it, and says of each what became of it. What is there already is
    /// never overwritten. When this returns, what is new will survive a crash; on an error none was written.
    fn insert(&mut self, new: &[Unsaved<Payout>]) -> Result<Vec<Inserted>, Self::Error>;

    /// Takes up to `limit` payouts that are not done, belong to nobody, and want to go on by `until`, those first that have
    /// waited longest. They are this worker's until they are [released](Self::release), done, or its lease ends.
    fn take(&mut self, now: Duration, until: Duration, limit: usize) -> Result<Vec<Stored>, Self::Error>;

    /// Writes snapshots over those before them, and says of each whether it was still this worker's to write. When this
    /// returns, they will survive a crash; on an error none was written.
    ///
    /// `done` marks those that have come to their end.
    fn save(&mut self, now: Duration, snapshots: &[Record<'_>]) -> Result<Vec<Saved>, Self::Error>;

    /// Gives payouts back, by number: others may take them.
    fn release(&mut self, mch_billnos: &[&str]) -> Result<(), Self::Error>;

    /// When the next payout that belongs to nobody wants to go on; `None` if none does.
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
}

/// Whether a snapshot was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It was.
    Written,
    /// The payout is not this worker's any more: its lease ended, and another may have it. **Do not send.**
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
