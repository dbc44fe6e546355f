//! What will happen by itself: packets that move on, and requests that are still on their way.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;

use crate::arrival::Arrival;
use crate::clock::Time;
use crate::outcome::RequestId;
use crate::packet::{OrderKey, Status};

/// Something that happened by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// When.
    pub at: Time,
    /// To which order.
    pub key: OrderKey,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The packet moved on to this status.
    Moved(Status),
    /// A request arrived that a fault had held up.
    Arrived {
        /// Its number.
        id: RequestId,
        /// Whether it was carried out.
        applied: bool,
    },
}

impl Fired {
    /// Where the packet stands now, if it moved.
    pub fn status(&self) -> Option<Status> {
        match self.event {
            Event::Moved(status) => Some(status),
            Event::Arrived { .. } => None,
        }
    }
}

/// A request that is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    pub(crate) id: RequestId,
    /// The order that it named when it was sent.
    pub(crate) key: OrderKey,
    pub(crate) request: Request<Bytes>,
    pub(crate) arrival: Arrival,
}

/// The requests that are on their way, by the time at which they arrive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    late: BTreeMap<(Time, RequestId), Late>,
}

impl Schedule {
    /// Puts one on its way; `false` where it is already.
    pub(crate) fn put(&mut self, at: Time, late: Late) -> bool {
        self.late.insert((at, late.id), late).is_none()
    }

    /// When the next one arrives.
    pub(crate) fn next(&self) -> Option<Time> {
        self.late.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next one out, if it arrives by `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, Late)> {
        let entry = self.late.first_entry().filter(|entry| entry.key().0 <= now)?;
        let at = entry.key().0;
        Some((at, entry.remove()))
    }

    /// Those that are on their way, in the order of their arrival.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Time, &Late)> {
        self.late.iter().map(|((at, _), late)| (*at, late))
    }

    /// Keeps those that `stay` says.
    pub(crate) fn retain(&mut self, stay: impl Fn(&Late) -> bool) {
        self.late.retain(|_, late| stay(late));
    }
}
