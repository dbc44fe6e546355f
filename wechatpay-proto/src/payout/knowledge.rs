//! What is known of one order: facts are added and never taken back, so the order in which answers arrive does not matter.

use super::evidence::Fact;
use crate::code::ErrorCode;
use crate::outcome::Reason;
use crate::wire::Fen;

/// Facts about one order. Joining is commutative, associative and idempotent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Knowledge {
    pub(super) accepted: bool,
    pub(super) refunding: bool,
    pub(super) received: bool,
    /// The money came back; how much, where an answer said it.
    pub(super) refunded: Option<Back>,
    pub(super) send_failed: bool,
    pub(super) failed: bool,
    /// The number stands for an order with other parameters (`FATAL_ERROR`): what is found under it need not be ours.
    pub(super) fatal: bool,
    /// Answers named two payments, or one contradicted itself. It was not believed, but nothing counts as failed any more.
    pub(super) mismatch: bool,
}

/// Money that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Back(pub(super) Option<Fen>);

impl Knowledge {
    pub(super) fn of(fact: &Fact) -> Self {
        let nothing = Self::default();
        match fact {
            Fact::Accepted => Self { accepted: true, ..nothing },
            Fact::Refunding => Self { refunding: true, ..nothing },
            Fact::Received => Self { received: true, ..nothing },
            Fact::Refunded(amount) => Self { refunded: Some(Back(*amount)), ..nothing },
            Fact::SendFailed => Self { send_failed: true, ..nothing },
            Fact::Failed => Self { failed: true, ..nothing },
            Fact::Both => Self { accepted: true, failed: true, ..nothing },
            Fact::Mismatch | Fact::Contradiction => Self { mismatch: true, ..nothing },
            Fact::Nothing(Reason::Code(ErrorCode::FatalError)) => Self { fatal: true, ..nothing },
            Fact::Nothing(_) => nothing,
        }
    }

    #[must_use]
    pub(super) fn join(self, other: Self) -> Self {
        Self {
            accepted: self.accepted | other.accepted,
            refunding: self.refunding | other.refunding,
            received: self.received | other.received,
            refunded: self.refunded.max(other.refunded),
            send_failed: self.send_failed | other.send_failed,
            failed: self.failed | other.failed,
            fatal: self.fatal | other.fatal,
            mismatch: self.mismatch | other.mismatch,
        }
    }

    /// The service took the order, whatever came after.
    pub(super) fn success(&self) -> bool {
        self.accepted || self.refunding || self.received || self.refunded.is_some()
    }

    /// The order is dead.
    pub(super) fn failure(&self) -> bool {
        self.send_failed || self.failed
    }

    /// Facts that cannot all be true of one order; of a packet that only one can claim, `single`, also that it was
    /// claimed and that all of it came back.
    pub(super) fn conflict(&self, single: bool) -> bool {
        let (success, failure) = (self.success(), self.failure());
        (success && failure)
            || (self.fatal && (success || failure))
            || (self.mismatch && failure)
            || (single && self.received && self.refunded.is_some())
    }
}
