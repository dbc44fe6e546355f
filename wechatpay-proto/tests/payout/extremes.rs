//! Clocks and records that cannot be: nothing panics, nothing is sent too early, and what is written can be read.

use std::sync::Arc;
use std::time::Duration;

use wechatpay_proto::payout::{Action, Asked, Campaign, Evidence, Kind, Next, Now, Payout, Policy, Snapshot};
use wechatpay_proto::transport::{BaseUrl, Delivery};

use crate::common::*;
use crate::crowd::row;
use crate::world::*;

const KIND: Kind = Kind::RedPack;

/// Every pair of strange times.
fn times() -> Vec<Now> {
    let tick = Duration::from_nanos(1);
    let strange = [
        Duration::ZERO,
        tick,
        START.calendar,
        Duration::from_millis(u64::MAX),
        Duration::MAX - tick,
        Duration::MAX,
    ];
    strange.iter().flat_map(|steady| strange.map(|calendar| Now { steady: *steady, calendar })).collect()
}

fn reads_back(snapshot: &Snapshot) {
    assert_eq!(snapshot.to_string().parse().as_ref(), Ok(snapshot));
    assert!(snapshot.wake_at() >= Duration::ZERO);
}

/// Whatever comes next, with every answer that there is.
fn lead(payout: Payout, now: Now) {
    assert!(payout.until() >= Duration::ZERO);
    let evidence = Evidence::read(payout.intent(), Asked::Send, &MERCHANT, &sent(KIND));
    let flight = match payout.next(now) {
        Ok(Next::Send(unsaved)) => {
            reads_back(&unsaved.snapshot());
            unsaved.saved().sign(now, &MERCHANT, &BaseUrl::default(), nonce())
        }
        Ok(Next::Query(query)) => query.sign(now, &MERCHANT, &BaseUrl::default(), nonce()),
        Ok(Next::Record(unsaved)) => return reads_back(&unsaved.snapshot()),
        Ok(Next::Wait { payout, .. }) => return reads_back(&payout.hear(now, evidence).snapshot()),
        Ok(Next::Done(done)) => return reads_back(&done.snapshot()),
        Err(blocked) => return reads_back(&blocked.into_payout().hear(now, evidence).snapshot()),
    };
    match flight {
        Ok((_, flight)) => reads_back(&flight.fault(now, Delivery::MaybeSent).snapshot()),
        Err(unsent) => reads_back(&unsent.into_payout().snapshot()),
    }
}

#[test]
fn no_time_is_too_strange() {
    let mut led = 0;
    for first in times() {
        for second in times() {
            let intent = intent(KIND);
            let unsaved = Payout::new(Arc::clone(&intent), &Policy::default(), first);
            reads_back(&unsaved.snapshot());
            lead(unsaved.saved(), second);
            for snapshot in [World::querying(KIND).disk, World::new(KIND).disk] {
                let payout = Payout::restore(Arc::clone(&intent), &Policy::default(), &snapshot, first);
                lead(payout.unwrap(), second);
                led += 1;
            }
        }
    }
    assert_eq!(led, 36 * 36 * 2);
}

#[test]
fn a_campaign_takes_any_time() {
    let mut sent = 0;
    for first in times() {
        for second in times() {
            let policy = policy(|settings| settings.park = Some(SECOND));
            let mut campaign = Campaign::new(MERCHANT.clone(), &policy, || [7; 16]);
            for at in 0..3 {
                let unsaved = Payout::new(row(at), &policy, first);
                campaign.add(first, Arc::clone(unsaved.intent()), &unsaved.snapshot()).unwrap();
            }
            let mut writes = 0;
            for now in [first, second, first] {
                for _ in 0..20 {
                    match campaign.poll(now) {
                        Ok(Action::Save(save)) if writes == 1 => {
                            writes += 1;
                            campaign.not_saved(now, save);
                        }
                        Ok(Action::Save(save)) => {
                            writes += 1;
                            campaign.saved(save);
                        }
                        Ok(Action::Send { flight, .. }) => {
                            sent += 1;
                            campaign.fault(now, flight, Delivery::MaybeSent);
                        }
                        Ok(Action::Wait { .. }) | Err(_) => break,
                        Ok(_) => {}
                    }
                }
            }
        }
    }
    assert!(sent > 1_000, "{sent}");
}
