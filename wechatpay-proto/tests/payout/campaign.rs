//! Many payouts at once: what is taken in, what becomes of it, and what is counted.

use std::sync::Arc;

use wechatpay_proto::payout::{
    Action, AddError, Alert, Asked, End, Evidence, Goal, Intent, Payout, Policy, Snapshot, SnapshotError,
    State,
};
use wechatpay_proto::transport::Delivery;
use wechatpay_proto::v2::mmpaymkttransfers::SendRedPack;
use wechatpay_proto::{ApiKey, Fen, Merchant};

use crate::common::*;
use crate::crowd::*;
use crate::world::*;

#[test]
fn what_does_not_belong_is_not_taken_in() {
    let mut crowd = Crowd::new(|_| {});
    crowd.add(1..2);
    let fresh = |intent: &Intent| Payout::new(intent.clone(), &Policy::default(), START).snapshot();
    let mut add = |intent: Intent, snapshot: &Snapshot| crowd.campaign.add(START, intent, snapshot);
    let ids = || (Box::from("row 1"), Box::from("A000000001"));
    let (business_id, mch_billno) = ids();
    assert_eq!(add(row(1), &fresh(&row(1))), Err(AddError::Duplicate { business_id, mch_billno }));
    // same business id, other number; same number, other business id; same both, other amount
    let other = |id: &str, mch_billno: &str, amount| {
        let packet = SendRedPack { mch_billno, total_amount: Fen(amount), ..PACKET.clone() };
        Intent::new(id, &MERCHANT, &packet).unwrap()
    };
    let changed = [("row 1", "A9", 1_000), ("row 9", "A000000001", 1_000), ("row 1", "A000000001", 1_001)];
    for changed in changed.map(|(id, number, amount)| other(id, number, amount)) {
        let (business_id, mch_billno) = ids();
        assert_eq!(
            add(changed.clone(), &fresh(&changed)),
            Err(AddError::Changed { business_id, mch_billno })
        );
    }
    let other = Merchant::direct("10000099", ApiKey::new(KEY).unwrap()).unwrap();
    let foreign = Intent::new("row 2", &other, &PACKET).unwrap();
    assert_eq!(add(foreign.clone(), &fresh(&foreign)), Err(AddError::OtherMerchant));
    assert_eq!(add(row(2), &fresh(&row(3))), Err(AddError::Snapshot(SnapshotError::OtherOrder)));
    // and what was refused left no trace
    assert_eq!(add(row(2), &fresh(&row(2))), Ok(()));
    assert_eq!((crowd.campaign.len(), crowd.campaign.progress().held), (2, 2));
}

#[test]
fn what_waits_for_long_is_let_go() {
    let mut crowd = Crowd::new(|settings| settings.park = Some(MINUTE));
    crowd.add(0..2);
    crowd.run(START.steady + SECOND, |intent, _| {
        if intent.business_id() == "row 0" { pays(intent) } else { says(intent, "SYSTEMERROR") }
    });
    let (number, wake_at) = crowd.parked.first().cloned().unwrap();
    assert_eq!((crowd.parked.len(), crowd.campaign.len(), crowd.campaign.progress().parked), (1, 1, 1));
    let snapshot = &crowd.stored[&number];
    assert_eq!((snapshot.state(), snapshot.wake_at()), (State::Accepted, wake_at));
    let wait = wake_at - crowd.now.calendar;
    assert!(wait > 59 * MINUTE && wait <= 72 * MINUTE, "{wait:?}");
    assert!(!crowd.campaign.late_answer(crowd.now, &number, Asked::Send, &sent(KIND)));
    // it comes back when it is due
    crowd.pass(wait + SECOND);
    crowd.campaign.add(crowd.now, row(0), &crowd.stored[&number]).unwrap();
    crowd.run(crowd.now.steady + SECOND, |intent, _| shows(intent, "RECEIVED"));
    assert!(crowd.done.contains(&(number, End::Received)));
}

#[test]
fn late_answers_are_taken_in_wherever_the_payout_is() {
    let success = |at| reply(KIND, &with(&SENT, "mch_billno", leak(number(at))));
    let mut crowd = Crowd::new(|settings| settings.goal = Goal::Accepted);
    crowd.add(0..4);
    // before anything was sent: nothing is sent then
    assert!(crowd.campaign.late_answer(crowd.now, &number(0), Asked::Send, &success(0)));
    // while it is in flight: after it has landed
    crowd.run(START.steady + SECOND / 10, |_, _| Fails(Delivery::MaybeSent));
    assert_eq!(crowd.done, [(number(0), End::Accepted)]);
    assert!(!crowd.numbers(Asked::Send).contains(&&*number(0)));
    crowd.wait(SECOND * 3);
    assert!(crowd.flights.len() == 3 && crowd.flights.iter().all(|flight| flight.asked() == Asked::Query));
    for _ in 0..3 {
        assert!(crowd.campaign.late_answer(crowd.now, &number(1), Asked::Send, &success(1)));
    }
    let conflict = reply(KIND, &with(&found_fields("FAILED", &[]), "mch_billno", leak(number(1))));
    assert!(crowd.campaign.late_answer(crowd.now, &number(1), Asked::Query, &conflict));
    crowd.poll().unwrap();
    assert_eq!(crowd.done.len(), 1, "not before it is home");
    for flight in std::mem::take(&mut crowd.flights) {
        crowd.land(flight, misses());
    }
    // while it rests: at once, and it is not sent again
    assert!(crowd.campaign.late_answer(crowd.now, &number(2), Asked::Send, &success(2)));
    crowd.poll().unwrap();
    assert_eq!(crowd.done[1..], [(number(1), End::Conflict), (number(2), End::Accepted)]);
    assert!(crowd.alerts.contains(&Alert::Conflict));
    // of one that nobody knows
    assert!(!crowd.campaign.late_answer(crowd.now, "A9", Asked::Send, &success(9)));
    assert!(!crowd.campaign.late_answer(crowd.now, &number(2), Asked::Send, &success(2)), "it is done");
    // and of one that speaks of another
    let flight = crowd.flights.pop_front().expect("what is not found is sent again");
    crowd.land(flight, Fails(Delivery::MaybeSent));
    crowd.poll().unwrap();
    assert!(crowd.campaign.late_answer(crowd.now, &number(3), Asked::Send, &success(2)));
    crowd.poll().unwrap();
    assert!(crowd.alerts.contains(&Alert::Mismatch { field: "mch_billno" }));
    assert_eq!(crowd.campaign.len(), 1);
}

#[test]
fn what_waits_no_longer_than_that_is_kept() {
    for (park, parked) in [(HOUR, 0), (HOUR - SECOND, 1)] {
        let mut crowd = Crowd::new(|settings| (settings.park, settings.jitter) = (Some(park), 0));
        crowd.add(0..1);
        crowd.run(START.steady + SECOND, |intent, _| pays(intent));
        assert_eq!(crowd.parked.len(), parked, "{park:?}");
    }
}

/// A store writes nothing over what is done.
#[test]
fn answers_that_come_at_the_end_are_told_and_not_lost() {
    let failed = |at| reply(KIND, &with(&found_fields("FAILED", &[]), "mch_billno", leak(number(at))));
    let success = |at| reply(KIND, &with(&SENT, "mch_billno", leak(number(at))));
    let accepts = || {
        let mut crowd = Crowd::new(|settings| settings.goal = Goal::Accepted);
        crowd.add(0..1);
        crowd.poll().unwrap();
        crowd
    };
    // before the answer that ends it: one write has both
    let mut crowd = accepts();
    assert!(crowd.campaign.late_answer(crowd.now, &number(0), Asked::Query, &failed(0)));
    let flight = crowd.flights.pop_front().unwrap();
    crowd.land(flight, Answers(success(0)));
    let writes = crowd.offered.len();
    crowd.poll().unwrap();
    assert_eq!(crowd.offered.len() - writes, 1);
    assert_eq!(crowd.done, [(number(0), End::Conflict)]);
    assert_eq!(crowd.alerts, [Alert::Conflict]);
    let shown = reply(KIND, &with(&found_fields("SENT", &[]), "mch_billno", leak(number(0))));
    // while its last snapshot is being written: no other write, but everybody hears of it
    for (late, end, alerts) in
        [(failed(0), End::Conflict, vec![Alert::Conflict]), (shown, End::Accepted, vec![])]
    {
        let mut crowd = accepts();
        let flight = crowd.flights.pop_front().unwrap();
        crowd.land(flight, Answers(success(0)));
        let Ok(Action::Save(save)) = crowd.campaign.poll(crowd.now) else { panic!() };
        assert!(save.is_done());
        assert!(crowd.campaign.late_answer(crowd.now, &number(0), Asked::Query, &late));
        crowd.campaign.saved(save);
        let mut told = Vec::new();
        let done = loop {
            match crowd.campaign.poll(crowd.now).unwrap() {
                Action::Alert { alert, .. } => told.push(alert),
                Action::Done(done) => break done,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((done.end(), told), (end, alerts));
        assert!(crowd.campaign.is_empty());
    }
}

#[test]
fn what_another_campaign_gave_out_breaks_no_count() {
    let [mut one, mut other] = [0, 1].map(|at| {
        let mut crowd = Crowd::new(|settings| settings.in_flight = 1);
        crowd.add(at..at + 1);
        crowd
    });
    one.poll().unwrap();
    let flight = one.flights.pop_front().unwrap();
    let does = pays(flight.intent());
    other.land(flight, does);
    assert_eq!(other.campaign.progress().in_flight, 0);
    let Ok(Action::Save(save)) = other.campaign.poll(other.now) else { panic!() };
    other.campaign.saved(save);
    assert_eq!(other.campaign.progress().held, 1);
    other.run(START.steady + SECOND, |intent, _| pays(intent));
    assert_eq!(other.numbers(Asked::Send), [number(1)]);
    // nor does the record of an attempt
    let [mut one, mut other] = [0, 1].map(|_| Crowd::new(|_| {}));
    for lost in [true, false] {
        one.add(if lost { 2..3 } else { 3..4 });
        let Ok(Action::Save(save)) = one.campaign.poll(one.now) else { panic!() };
        if lost { other.campaign.lost(save) } else { other.campaign.saved(save) }
    }
    let Ok(Action::Send { flight, .. }) = other.campaign.poll(other.now) else { panic!() };
    other.campaign.fault(other.now, flight, Delivery::MaybeSent);
    assert_eq!(other.campaign.progress().in_flight, 0);
}

#[test]
fn late_answers_again_and_again_change_no_turn() {
    let mut crowd = Crowd::new(|_| {});
    crowd.add(0..1);
    crowd.poll().unwrap();
    let flight = crowd.flights.pop_front().unwrap();
    let does = pays(flight.intent());
    crowd.land(flight, does);
    let success = reply(KIND, &with(&SENT, "mch_billno", leak(number(0))));
    for _ in 0..50 {
        crowd.poll().unwrap();
        assert!(crowd.campaign.late_answer(crowd.now, &number(0), Asked::Send, &success));
    }
    crowd.wait(2 * HOUR);
    assert_eq!((crowd.flights.len(), crowd.numbers(Asked::Query).len()), (1, 1));
    let flight = crowd.flights.pop_front().unwrap();
    let does = shows(flight.intent(), "SENT");
    crowd.land(flight, does);
    crowd.wait(HOUR);
    assert!(crowd.flights.is_empty(), "the next one is in 6 hours");
}

#[test]
fn the_counts_add_up() {
    let mut crowd = Crowd::new(|settings| settings.horizon = 2 * DAY);
    crowd.add(0..60);
    crowd.run(START.steady + 10 * DAY, |intent, asked| {
        let at: usize = intent.mch_billno()[1..].parse().unwrap();
        match (at % 6, asked) {
            (0..=2, Asked::Send) => pays(intent),
            (3, Asked::Send) => says(intent, "SEND_FAILED"),
            (_, Asked::Send) => Fails(Delivery::MaybeSent),
            (0, Asked::Query) => shows(intent, "RECEIVED"),
            (1, Asked::Query) => of(intent, &found_fields("REFUND", &[("refund_amount", "400")])),
            (2, Asked::Query) => shows(intent, "FAILED"),
            (3, Asked::Query) => misses(),
            (4, Asked::Query) => shows(intent, "FAILED"),
            _ => shows(intent, "SENDING"),
        }
    });
    let progress = crowd.campaign.progress();
    assert!(crowd.campaign.is_empty());
    assert_eq!((progress.received, progress.refunded, progress.conflict), (10, 10, 10));
    assert_eq!((progress.failed, progress.needs_human, progress.accepted), (20, 10, 0));
    assert_eq!((progress.done(), progress.held, progress.in_flight), (60, 0, 0));
    assert_eq!((progress.paid_fen, progress.refunded_fen), (10 * 1_000 + 10 * 600, 10 * 400));
    assert_eq!(progress.sends as usize, crowd.numbers(Asked::Send).len());
    assert_eq!(progress.queries as usize, crowd.numbers(Asked::Query).len());
    assert_eq!(
        (progress.writes as usize, progress.alerts as usize),
        (crowd.offered.len(), crowd.alerts.len())
    );
    assert_eq!((progress.attempts, progress.failed_writes, progress.parked), (progress.sends, 0, 0));
}

#[test]
fn what_is_accepted_is_counted_and_its_records_say_what_they_are() {
    let mut crowd = Crowd::new(|settings| settings.goal = Goal::Accepted);
    crowd.add(0..1);
    let Ok(Action::Save(attempt)) = crowd.campaign.poll(crowd.now) else { panic!() };
    assert!(attempt.is_attempt() && !attempt.is_done());
    crowd.write(attempt);
    let Ok(Action::Send { flight, .. }) = crowd.campaign.poll(crowd.now) else { panic!() };
    crowd.campaign.fault(crowd.now, flight, Delivery::NotSent);
    let Ok(Action::Save(fault)) = crowd.campaign.poll(crowd.now) else { panic!() };
    assert!(!fault.is_attempt() && !fault.is_done());
    crowd.write(fault);
    crowd.add(1..2);
    crowd.run(START.steady + HOUR, |intent, _| pays(intent));
    let progress = crowd.campaign.progress();
    assert_eq!((progress.accepted, progress.done(), progress.paid_fen), (2, 2, 2_000));
}

#[test]
fn an_attempt_on_record_is_not_sent_after_a_late_success() {
    let success = |at| reply(KIND, &with(&SENT, "mch_billno", leak(number(at))));
    let mut crowd = Crowd::new(|settings| settings.goal = Goal::Accepted);
    crowd.add(0..2);
    // one whose record is being written, one whose record is on disk and waits for the rate
    let Ok(Action::Save(first)) = crowd.campaign.poll(crowd.now) else { panic!() };
    let Ok(Action::Save(second)) = crowd.campaign.poll(crowd.now) else { panic!() };
    assert!(crowd.campaign.late_answer(crowd.now, &number(0), Asked::Send, &success(0)));
    crowd.write(first);
    crowd.write(second);
    assert!(crowd.campaign.late_answer(crowd.now, &number(1), Asked::Send, &success(1)));
    assert_eq!(crowd.poll(), Ok(None));
    assert_eq!((crowd.sent.len(), crowd.campaign.progress().in_flight), (0, 0));
    assert_eq!(crowd.done, [(number(0), End::Accepted), (number(1), End::Accepted)]);
}

#[test]
fn evidence_can_be_heard_by_a_payout_that_is_done() {
    let mut crowd = Crowd::new(|settings| settings.goal = Goal::Accepted);
    crowd.add(0..1);
    crowd.run(START.steady + SECOND, |intent, _| pays(intent));
    let intent = Arc::new(row(0));
    let payout =
        Payout::restore(Arc::clone(&intent), &crowd.policy, &crowd.stored[&number(0)], crowd.now).unwrap();
    let failed = reply(KIND, &with(&found_fields("FAILED", &[]), "mch_billno", "A000000000"));
    let evidence = Evidence::read(&intent, Asked::Query, &MERCHANT, &failed);
    assert_eq!(payout.hear(crowd.now, evidence).state(), State::Conflict);
}
