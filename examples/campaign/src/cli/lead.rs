//! Leads what is in the store to its end, over one of the transports.

use std::sync::mpsc::channel;

use wechatpay_proto::payout::{Campaign, Policy};
use wechatpay_transport_hyper::HyperTransport;
use wechatpay_transport_ureq::{UreqTransport, os_random};

use super::options::{Carrier, MerchantFlags};
use super::setup::Way;
use crate::book::Book;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::run::{Carriage, Ended, Nonces, Outside, Plan, Run, Tasks, Threads, listen_for_signals};
use crate::watch::Watch;

/// Pays for real, or to a mock server.
pub(super) fn outside(
    store: &mut dyn Book,
    way: Way,
    flags: &MerchantFlags,
    (policy, plan): (&Policy, Plan),
    clock: Clock,
    watch: &mut Watch,
) -> Result<Ended, Failure> {
    let (events, heard) = channel();
    let failed = |error| Failure::of("cannot start", &error);
    let no_transport = |error| Failure::of("no transport", &error);
    let carriage: Box<dyn Carriage> = match flags.transport {
        Carrier::Ureq => {
            let transport = UreqTransport::new(way.transport).map_err(no_transport)?;
            let count = policy.settings().in_flight;
            Box::new(Threads::start(&transport, count, &events).map_err(failed)?)
        }
        Carrier::Hyper => {
            let transport = HyperTransport::new(way.transport).map_err(no_transport)?;
            Box::new(Tasks::start(transport, &events).map_err(failed)?)
        }
    };
    listen_for_signals(events).map_err(failed)?;
    let nonces: Nonces = Box::new(os_random);
    let campaign = Campaign::new(way.merchant, policy, nonces);
    let campaign = match way.base {
        Some(base) => campaign.with_base(base),
        None => campaign,
    };
    let world = Outside { clock, carriage, events: heard };
    Run::new(store, campaign, world, watch, plan).lead()
}
