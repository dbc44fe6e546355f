//! How far a campaign is.

use crate::payout::done::End;
use crate::payout::intent::Intent;

/// Counts of one campaign since it was made; the store knows of what was before. Amounts are in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Payouts that it holds now.
    pub held: u64,
    /// Requests under way now, attempts that wait for their record or for the rate included.
    pub in_flight: u64,
    /// Attempts that were put on record.
    pub attempts: u64,
    /// Sendings that went out.
    pub sends: u64,
    /// Queries that went out.
    pub queries: u64,
    /// Snapshots that were given out to be written.
    pub writes: u64,
    /// Snapshots that could not be written.
    pub failed_writes: u64,
    /// Alerts.
    pub alerts: u64,
    /// Refusals after which sending paused for all.
    pub pauses: u64,
    /// Payouts that were let go until they are due.
    pub parked: u64,
    /// Done: taken by the service.
    pub accepted: u64,
    /// Done: claimed.
    pub received: u64,
    /// Done: the money is back, or a part of it.
    pub refunded: u64,
    /// Done: not paid.
    pub failed: u64,
    /// Done: a person must look.
    pub conflict: u64,
    /// Done: a person must decide.
    pub needs_human: u64,
    /// The fen of those that are done and were taken or claimed.
    pub paid_fen: u64,
    /// The fen that came back.
    pub refunded_fen: u64,
}

impl Progress {
    /// How many are done.
    pub fn done(&self) -> u64 {
        self.accepted + self.received + self.refunded + self.failed + self.conflict + self.needs_human
    }

    pub(super) fn count(&mut self, end: End, intent: &Intent) {
        let amount = u64::from(intent.amount().0);
        match end {
            End::Accepted => (self.accepted, self.paid_fen) = (self.accepted + 1, self.paid_fen + amount),
            End::Received => (self.received, self.paid_fen) = (self.received + 1, self.paid_fen + amount),
            End::Refunded { amount: back } => {
                let back = back.map_or(0, |back| u64::from(back.0));
                self.refunded += 1;
                self.refunded_fen += back;
                self.paid_fen += amount.saturating_sub(back);
            }
            End::Failed => self.failed += 1,
            End::Conflict => self.conflict += 1,
            End::NeedsHuman { .. } => self.needs_human += 1,
        }
    }
}
