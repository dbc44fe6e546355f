//! What a world, or many, came to.

use std::fmt;
use std::time::Duration;

use wechatpay_proto::payout::Asked;

use crate::fault::Faults;

/// How the numbers of a world ended, as far as the records say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Claimed.
    pub received: u64,
    /// The money is back.
    pub refunded: u64,
    /// Not paid.
    pub failed: u64,
    /// A person must decide: the horizon passed.
    pub horizon: u64,
    /// A person must decide: a defect of the order.
    pub defect: u64,
    /// A person must look: success and failure.
    pub conflict: u64,
}

/// Counts of one world, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Worlds.
    pub worlds: u64,
    /// Payments that the business wanted.
    pub packets: u64,
    /// Numbers that were put on disk.
    pub numbers: u64,
    /// Events.
    pub events: u64,
    /// Sendings that left a worker.
    pub sends: u64,
    /// Queries that left a worker.
    pub queries: u64,
    /// Requests that reached the service.
    pub requests: u64,
    /// Alerts.
    pub alerts: u64,
    /// Times that a clock had gone back and nothing was sent.
    pub clock_errors: u64,
    /// Payouts that went to another worker.
    pub leases_lost: u64,
    /// Answers that nobody waited for any more, and that were heard.
    pub late_answers: u64,
    /// Texts that were cut off, and found to be.
    pub torn: u64,
    /// Payouts that were let go until they were due.
    pub parked: u64,
    /// Sendings by a worker whose lease had ended.
    pub strays: u64,
    /// Faults that were injected.
    pub faults: Faults,
    /// How the numbers ended.
    pub ends: Ends,
    /// Payments with more than one paid number.
    pub paid_twice: u64,
    /// Numbers whose end on record is not that of the ledger, and sums that differ.
    pub misreported: u64,
    /// Payments that came to no end.
    pub stuck: u64,
    /// Everything that must not be.
    pub violations: u64,
}

impl Counts {
    /// Adds those of another world.
    pub fn add(&mut self, other: &Self) {
        macro_rules! add {
            ($($field:ident).+) => { self.$($field).+ += other.$($field).+; };
        }
        add!(worlds);
        add!(packets);
        add!(numbers);
        add!(events);
        add!(sends);
        add!(queries);
        add!(requests);
        add!(alerts);
        add!(clock_errors);
        add!(leases_lost);
        add!(late_answers);
        add!(torn);
        add!(parked);
        add!(strays);
        add!(ends.received);
        add!(ends.refunded);
        add!(ends.failed);
        add!(ends.horizon);
        add!(ends.defect);
        add!(ends.conflict);
        add!(paid_twice);
        add!(misreported);
        add!(stuck);
        add!(violations);
        self.faults.add(&other.faults);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ends { received, refunded, failed, horizon, defect, conflict } = self.ends;
        writeln!(f, "{} packets in {} worlds, {} numbers", self.packets, self.worlds, self.numbers)?;
        writeln!(
            f,
            "{} events, {} sends, {} queries, {} requests that arrived",
            self.events, self.sends, self.queries, self.requests
        )?;
        writeln!(
            f,
            "{} alerts, {} late answers, {} parked, {} leases lost, {} stray sends, {} torn texts, {} clock errors",
            self.alerts,
            self.late_answers,
            self.parked,
            self.leases_lost,
            self.strays,
            self.torn,
            self.clock_errors
        )?;
        writeln!(f, "faults injected: {}", self.faults.sum())?;
        write!(f, "{}", self.faults)?;
        writeln!(
            f,
            "ends: {received} received, {refunded} refunded, {failed} failed, {horizon} past the horizon, \
             {defect} with a defect, {conflict} in conflict"
        )?;
        writeln!(
            f,
            "paid twice: {}; lost or misreported: {}; stuck: {}; violations in all: {}",
            self.paid_twice, self.misreported, self.stuck, self.violations
        )
    }
}

/// What a world must not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// What was seen.
    pub seen: String,
}

/// What holds always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// At most one paid number for each payment.
    I1,
    /// When all is well again every payment comes to an end, which is that of the ledger.
    I2,
    /// A new number only after one that failed in the ledger.
    I3,
    /// All requests of a number say the same.
    I4,
    /// Sendings of a number at least a second apart, one request under way, the rate kept.
    I5,
    /// The sum of the ledger is the sum of the records.
    I6,
    /// Every wait is bounded, every giving-up was an alert.
    I7,
    /// Nothing is sent whose attempt is not on disk.
    OnDisk,
    /// A payment goes to the receiver of its intent, and is of its amount.
    Payee,
    /// A failure is said only where what was heard proves it.
    Proof,
}

/// A request that left a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Duration,
    /// What was asked.
    pub asked: Asked,
    /// Of which number.
    pub mch_billno: String,
    /// Of which host.
    pub host: String,
}

/// What a world came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The counts.
    pub counts: Counts,
    /// What must not be, in the order in which it was seen.
    pub violations: Vec<Violation>,
    /// What happened, if it was asked for.
    pub trace: Vec<String>,
    /// The requests that left workers, if that was asked for.
    pub sent: Vec<Sent>,
    /// The numbers with their ends, in words.
    pub ends: Vec<(String, String)>,
    /// How often the process could have died so far.
    pub points: u64,
    /// The names of the alerts, each once.
    pub alerts: Vec<String>,
}
