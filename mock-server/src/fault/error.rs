//! Why a fault is not armed: which field, which rule, and how to mend it.

use crate::engine;

/// A rule that is not armed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// It hides or falsifies the answer, and does not say what becomes of the money.
    #[error(
        "commit is missing: {fault} hides or falsifies the answer, so say what becomes of the money: \"applied\", \
         \"not_applied\" or {{\"later\":\"20m\"}}"
    )]
    CommitMissing {
        /// The fault.
        fault: &'static str,
    },
    /// It says what becomes of the money, where the fault's name says that already or nothing changes about it.
    #[error(
        "commit does not go with {fault}, which decides by itself what becomes of the money: leave it out"
    )]
    CommitUnwanted {
        /// The fault.
        fault: &'static str,
    },
    /// Nothing is served at the path.
    #[error("when.path is {given:?}, where nothing is served: there are {}", paths())]
    Path {
        /// What was given.
        given: String,
    },
    /// A value that the field does not allow.
    #[error("{field} is {given}: {must}")]
    Value {
        /// The field.
        field: String,
        /// What was given.
        given: String,
        /// What it must be.
        must: &'static str,
    },
    /// Two fields of which one at most is allowed.
    #[error("{one} and {other} exclude each other: leave one out")]
    Both {
        /// One.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// A condition that cannot be known, or never holds, where the fault strikes.
    #[error("{field} does not go with {fault}: {why}")]
    Unfit {
        /// The field.
        field: &'static str,
        /// The fault.
        fault: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// Too many are armed.
    #[error("{most} faults are armed already: disarm some")]
    TooMany {
        /// The most that may be.
        most: usize,
    },
    /// No fault has the number.
    #[error("no fault has the number {id}: it was never armed, or was disarmed")]
    Unknown {
        /// The number.
        id: u64,
    },
}

fn paths() -> String {
    engine::served().collect::<Vec<_>>().join(", ")
}
