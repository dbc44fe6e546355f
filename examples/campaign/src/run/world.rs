//! Where a campaign happens.

use bytes::Bytes;
use std::time::Duration;

use wechatpay_proto::payout::{Flight, Now};
use wechatpay_proto::transport::{Delivery, Fault};

/// Time, and a way to the service.
pub(crate) trait World {
    /// The time.
    fn now(&self) -> Now;

    /// Lets a request go.
    fn send(&mut self, request: http::Request<Bytes>, flight: Flight);

    /// Waits until something happens, or it is `until` by the steady clock; not at all where that is past.
    fn wait(&mut self, until: Option<Duration>) -> Happened;
}

/// What happened while the loop waited.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is moved once")]
pub(crate) enum Happened {
    /// Nothing.
    Nothing,
    /// A request is over.
    Landed(Landed),
    /// The campaign is to stop.
    Stop,
}

/// A request that is over.
#[derive(Debug)]
pub(crate) struct Landed {
    pub(crate) flight: Flight,
    pub(crate) outcome: Result<http::Response<Bytes>, Lost>,
}

/// No answer came.
#[derive(Debug)]
pub(crate) struct Lost {
    /// Whether anything was sent.
    pub(crate) delivery: Delivery,
    /// Why, for people.
    pub(crate) text: String,
}

impl Landed {
    pub(crate) fn new<E: Fault>(flight: Flight, sent: Result<http::Response<Bytes>, E>) -> Self {
        let lost = |error: E| Lost { delivery: error.delivery(), text: error.to_string() };
        Self { flight, outcome: sent.map_err(lost) }
    }

    /// The same where the transport may have panicked: nobody knows then what was sent.
    pub(crate) fn caught<E: Fault, P>(
        flight: Flight,
        sent: Result<Result<http::Response<Bytes>, E>, P>,
    ) -> Self {
        match sent {
            Ok(sent) => Self::new(flight, sent),
            Err(_) => {
                let text = "the transport panicked".to_owned();
                Self { flight, outcome: Err(Lost { delivery: Delivery::MaybeSent, text }) }
            }
        }
    }
}
