//! The faults that are armed, and which of them a request meets.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use wechatpay_proto::wire::Fields;

use super::Fault;
use crate::account::Account;
use crate::answer::Refusal;
use crate::arrival::Arrival;
use crate::clock::Time;
use crate::outcome::{Admission, Effect, Hello};
use crate::packet::Hold;
use crate::seed::Seed;

/// What is known of a request when a fault is looked for.
pub(crate) struct Facts<'a> {
    pub(crate) request: &'a Request<Bytes>,
    /// Its fields; none where it is no document.
    pub(crate) fields: &'a Fields<'a>,
}

/// The faults that are armed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {}

impl Faults {
    /// The fault that a request meets: the first that matches, the newest first. Counts the match.
    pub(crate) fn choose(&mut self, _now: Time, _seed: Seed, _facts: &Facts<'_>) -> Option<Chosen> {
        None
    }

    /// What a connection meets before it can bring a request.
    pub(crate) fn admit(&mut self, _now: Time, _seed: Seed, _hello: &Hello) -> Admission {
        Admission::Welcome
    }
}

/// x
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FaultsState {}

/// x
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("x")]
pub struct FaultError;

impl Faults {
    pub(crate) fn state(&self) -> FaultsState {
        FaultsState {}
    }

    pub(crate) fn from_state(_state: FaultsState) -> Result<Self, FaultError> {
        Ok(Self {})
    }

    pub(crate) fn disarm_all(&mut self, _mch_id: Option<&str>) {}
}

/// A fault that a request meets.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
}

/// Whether, when and how often a request is carried out.
pub(crate) enum Carry {
    /// Once, now.
    Now,
    /// Now, and what it leaves is undone: only the answer stays.
    Rehearsed,
    /// So much later; the answer is a rehearsal's.
    Later(Duration),
    /// Twice, now; the client gets the second answer, or the first.
    Twice { first: bool },
    /// Now, and an order that is taken is held.
    Held(Hold),
}

impl Chosen {
    /// The number and the name of the fault, for the journal.
    pub(crate) fn mark(&self) -> (u64, &'static str) {
        (self.id, "")
    }

    pub(crate) fn carry(&self, _now: Time) -> Carry {
        Carry::Now
    }

    /// The refusal that is answered whatever came out.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        None
    }

    /// What the peer gets in place of an answer, and how late.
    pub(crate) fn shape(&self, response: Response<Bytes>, _merchant: Option<&Account>) -> (Duration, Effect) {
        (Duration::ZERO, Effect::Reply(response))
    }
}

impl Fault {
    /// The time by which the service goes.
    pub(crate) fn skewed(&self, now: Time) -> Time {
        now
    }

    /// What the arrival is taken for.
    pub(crate) fn mistaken(&self, arrival: &Arrival) -> Arrival {
        arrival.clone()
    }
}
