//! How a payout ends, and the one end that a new number can be made from.

use std::fmt;
use std::sync::Arc;

use super::intent::Intent;
use super::machine::Payout;
use super::record::GaveUp;
use super::snapshot::Snapshot;
use crate::error::RequestError;
use crate::wire::Fen;

/// How a payout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The service took the order, and that was the goal ([`Goal::Accepted`](super::Goal::Accepted)).
    Accepted,
    /// Claimed.
    Received,
    /// The money is back.
    Refunded {
        /// How much, in fen; `None` where no answer said.
        amount: Option<Fen>,
    },
    /// Definitely not paid.
    Failed,
    /// There is evidence of success and of failure, or the number stands for another order.
    Conflict,
    /// The machine gave up.
    NeedsHuman {
        /// Why.
        why: GaveUp,
        /// Whether there is evidence that the order was taken.
        accepted: bool,
    },
}

/// A payout that came to its end.
#[derive(Debug)]
pub struct Done {
    pub(super) payout: Payout,
    pub(super) end: End,
}

impl Done {
    /// How it ended.
    pub fn end(&self) -> End {
        self.end
    }

    /// What it stood for.
    pub fn intent(&self) -> &Arc<Intent> {
        &self.payout.intent
    }

    /// What is on disk.
    pub fn snapshot(&self) -> Snapshot {
        self.payout.snapshot()
    }

    /// The proof that it failed, where it did: the only thing that a new number can be made from.
    pub fn into_failed(self) -> Result<Failed, Self> {
        if self.end == End::Failed { Ok(Failed { intent: self.payout.intent }) } else { Err(self) }
    }

    /// The payout itself, for an answer that comes even now.
    pub fn into_payout(self) -> Payout {
        self.payout
    }
}

/// The proof that a payout failed.
pub struct Failed {
    intent: Arc<Intent>,
}

impl Failed {
    /// The intent that failed.
    pub fn intent(&self) -> &Arc<Intent> {
        &self.intent
    }

    /// The same payment under a new number: a decision of the business, which the machine never makes.
    ///
    /// The new intent has the next generation of the same business id; a store keeps both. Where the number is no number,
    /// or the one that failed, the proof comes back with the error.
    pub fn renumber(self, mch_billno: &str) -> Result<Intent, NotRenumbered> {
        match self.intent.renumbered(mch_billno) {
            Ok(intent) => Ok(intent),
            Err(error) => Err(NotRenumbered { failed: self, error }),
        }
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Failed").field(&self.intent).finish()
    }
}

/// A new number that cannot be used. The proof of the failure is still good.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct NotRenumbered {
    failed: Failed,
    error: RequestError,
}

impl NotRenumbered {
    /// What is wrong with the number.
    pub fn error(&self) -> &RequestError {
        &self.error
    }

    /// The proof, for another number.
    pub fn into_failed(self) -> Failed {
        self.failed
    }
}
