//! What a campaign wants done, and what is given back to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::failover::Route;
use crate::payout::alert::Alert;
use crate::payout::done::Done;
use crate::payout::evidence::Asked;
use crate::payout::intent::Intent;
use crate::payout::machine::{Payout, Unsaved};
use crate::payout::request::{Attempt, InFlight};
use crate::payout::snapshot::{Snapshot, SnapshotError};

/// What to do.
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is moved once")]
pub enum Action {
    /// Write a snapshot, then call [`saved`](super::Campaign::saved); or [`not_saved`](super::Campaign::not_saved), or
    /// [`lost`](super::Campaign::lost). Several may be collected and written at once.
    Save(Save),
    /// Send a request, then call [`answer`](super::Campaign::answer) or [`fault`](super::Campaign::fault).
    Send {
        /// It, signed.
        request: http::Request<Bytes>,
        /// What waits for its answer.
        flight: Flight,
    },
    /// Tell a person.
    Alert {
        /// Whose payout it is about.
        intent: Arc<Intent>,
        /// What.
        alert: Alert,
    },
    /// A payout is done; its last snapshot is on disk, and the campaign has forgotten it. An answer that came during that
    /// last write is in it too, and need not be on disk.
    Done(Done),
    /// A payout waits for long; its snapshot is on disk, and the campaign has forgotten it
    /// ([`Settings::park`](crate::payout::Settings::park)). Release it in the store.
    Parked {
        /// Whose.
        intent: Arc<Intent>,
        /// When it wants to go on: calendar time since 1970.
        wake_at: Duration,
    },
    /// Nothing before `until`, by the steady clock; `None` where something must be reported first, or nothing is left.
    Wait {
        /// When.
        until: Option<Duration>,
    },
}

impl fmt::Debug for Action {
    /// Without the request, whose body names the receiver.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Save(save) => f.debug_tuple("Save").field(save).finish(),
            Self::Send { flight, .. } => {
                f.debug_struct("Send").field("flight", flight).finish_non_exhaustive()
            }
            Self::Alert { intent, alert } => {
                f.debug_struct("Alert").field("intent", intent).field("alert", alert).finish()
            }
            Self::Done(done) => f.debug_tuple("Done").field(done).finish(),
            Self::Parked { intent, wake_at } => {
                f.debug_struct("Parked").field("intent", intent).field("wake_at", wake_at).finish()
            }
            Self::Wait { until } => f.debug_struct("Wait").field("until", until).finish(),
        }
    }
}

/// A snapshot to write, and what is had once it is written.
#[derive(Debug)]
#[must_use = "write its snapshot, then give it back to the campaign"]
pub struct Save {
    pub(super) number: Arc<str>,
    pub(super) what: Locked,
}

#[derive(Debug)]
pub(super) enum Locked {
    Attempt(Unsaved<Attempt>),
    Payout(Unsaved<Payout>),
}

impl Save {
    /// What to write.
    pub fn snapshot(&self) -> Snapshot {
        match &self.what {
            Locked::Attempt(unsaved) => unsaved.snapshot(),
            Locked::Payout(unsaved) => unsaved.snapshot(),
        }
    }

    /// Whose it is.
    pub fn intent(&self) -> &Arc<Intent> {
        match &self.what {
            Locked::Attempt(unsaved) => unsaved.intent(),
            Locked::Payout(unsaved) => unsaved.intent(),
        }
    }

    /// Whether a sending waits for it.
    pub fn is_attempt(&self) -> bool {
        matches!(self.what, Locked::Attempt(_))
    }

    /// Whether the payout has come to its end with it.
    pub fn is_done(&self) -> bool {
        match &self.what {
            Locked::Attempt(_) => false,
            Locked::Payout(unsaved) => unsaved.is_done(),
        }
    }
}

/// What waits for the answer to a request.
///
/// Keep it where it outlives the request, as beside a future that may be cancelled: a request whose end nobody saw is a
/// [`fault`](super::Campaign::fault) that may have been sent. A flight that is dropped leaves its payout out, and its
/// place in flight taken, as long as this campaign lives; the store has the payout still, for another.
#[derive(Debug)]
#[must_use = "give it back to the campaign with the answer or the fault"]
pub struct Flight {
    pub(super) number: Arc<str>,
    pub(super) route: Route,
    pub(super) in_flight: InFlight,
}

impl Flight {
    /// Whose it is.
    pub fn intent(&self) -> &Arc<Intent> {
        self.in_flight.intent()
    }

    /// What was asked.
    pub fn asked(&self) -> Asked {
        self.in_flight.asked()
    }
}

/// A payout that is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The campaign has it already.
    #[error("{business_id:?} is under way already, as mch_billno {mch_billno}")]
    Duplicate {
        /// Its business id.
        business_id: Box<str>,
        /// Its number.
        mch_billno: Box<str>,
    },
    /// The campaign has another intent with this business id, or with this number.
    #[error("{business_id:?} is under way as mch_billno {mch_billno}, with other parameters")]
    Changed {
        /// The business id of the one that is under way.
        business_id: Box<str>,
        /// Its number.
        mch_billno: Box<str>,
    },
    /// It is another merchant's.
    #[error("the intent is another merchant's")]
    OtherMerchant,
    /// Its snapshot cannot be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}
