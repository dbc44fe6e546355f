//! What a world does to a payout, and how often it did.

use std::fmt;

macro_rules! faults {
    ($($(#[$doc:meta])* $Name:ident = $name:literal,)*) => {
        /// A fault that was injected.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault {
            $($(#[$doc])* $Name,)*
        }

        impl Fault {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$Name,)*];

            /// Its name in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$Name => $name,)*
                }
            }
        }
    };
}

faults! {
    /// The request never left.
    NotSent = "request not sent",
    /// It left, and never arrived.
    RequestLost = "request lost",
    /// It arrived after the client had given up, up to hours later.
    RequestLate = "request late",
    /// It arrived more than once.
    RequestTwice = "request delivered again",
    /// The answer never arrived.
    AnswerLost = "answer lost",
    /// The answer arrived after the client had given up, up to hours later.
    AnswerLate = "answer late",
    /// Something else than the answer arrived, and the request was carried out.
    AnswerFalse = "answer replaced, applied",
    /// Something else than an answer arrived, and the request was not carried out.
    RefusedBefore = "answer made up, not applied",
    /// Something else than an answer arrived, and the request was carried out later.
    RefusedThenApplied = "answer made up, applied later",
    /// The order was answered PROCESSING, and paid later.
    LateCommit = "processing, paid later",
    /// The order was answered PROCESSING, and failed later.
    LateFailure = "processing, failed later",
    /// The order was SENDING for some queries.
    Stuck = "stuck in SENDING",
    /// The order was answered SEND_FAILED, and not kept.
    NotKept = "refused for good, not kept",
    /// The answer was a refusal that names a payment which there is not.
    StrayPayment = "refusal with a stray payment",
    /// The request came without its client certificate.
    NoCertificate = "certificate missing",
    /// The primary host could not be reached.
    HostDown = "primary host down",
    /// The merchant had no money for a while.
    NoMoney = "balance gone",
    /// Something about the user was in the way for a while.
    UserBlocked = "user blocked",
    /// The process died.
    Crash = "crash",
    /// The process stood still between two steps.
    Stall = "stall",
    /// The machine slept.
    Suspend = "suspend",
    /// The calendar jumped, for hours.
    Calendar = "calendar jumped",
    /// The calendar jumped, and came back at once or within minutes.
    Glitch = "calendar glitch",
    /// A write took long.
    SlowWrite = "slow write",
    /// A write failed, and left what was there.
    WriteFailed = "write failed",
    /// A write was said to have failed, and had not.
    WriteLanded = "write reported failed, landed",
    /// A write left a text that was cut off.
    WriteTorn = "write torn",
    /// A read failed.
    ReadFailed = "read failed",
    /// The business asked for one payment twice.
    DoubleClick = "double click",
}

/// How often each fault was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults([u64; Fault::ALL.len()]);

impl Default for Faults {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Faults {
    /// Counts one.
    pub fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// How often it was.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// All together.
    pub fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds those of another world.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            writeln!(f, "  {:>12}  {}", self.of(*fault), fault.name())?;
        }
        Ok(())
    }
}
