//! Two merchants in one store, with the same business ids and numbers: nothing of one is the other's.

use wechatpay_campaign::store::Ledger as _;
use wechatpay_proto::payout::{Inserted, Saved, Store as _};

use crate::bed::Bed;
use crate::on_both;
use crate::packets::{
    LATE, MCH_ID, START, attempted, failed, intent, intent_of, many, new, new_at, numbers, received, save,
};

on_both!(
    one_merchants_payouts_are_not_in_anothers_way,
    what_is_written_is_the_merchants_own,
    what_is_refused_is_refused_for_the_merchants_own,
    the_failure_of_anothers_payout_proves_nothing,
);

const OTHER: &str = "10000099";

fn one_merchants_payouts_are_not_in_anothers_way<B: Bed>(bed: &B) {
    let mut other = bed.open_as(OTHER).unwrap();
    // Due before ours, under a number that ours has too and under one that is only the other's.
    let theirs = ["N1", "A1"].map(|number| new_at(0, intent_of(OTHER, number, number, 100)));
    other.insert(&theirs).unwrap();
    // Their leases are not ours to wait for.
    other.take(START, LATE, 9).unwrap();
    drop(other);
    let mut store = bed.open();
    assert_eq!(store.next_wake().unwrap(), None);
    bed.end_leases();
    assert_eq!(store.next_wake().unwrap(), None);
    assert!(store.take(START, LATE, 9).unwrap().is_empty());
    assert!(store.find("A1").unwrap().is_none());
    store.insert(&[new_at(50, intent("B1", "N1", 100)), new_at(60, intent("B2", "N2", 100))]).unwrap();
    assert_eq!(store.next_wake().unwrap(), Some(START + std::time::Duration::from_secs(50)));
    assert_eq!(numbers(&store.take(START, LATE, 1).unwrap()), ["N1"]);
    assert_eq!(numbers(&store.take(START, LATE, 1).unwrap()), ["N2"]);
    assert_eq!(store.find("N1").unwrap().unwrap().intent.business_id(), "B1");
    drop(store);
    let mut other = bed.open_as(OTHER).unwrap();
    assert_eq!(numbers(&other.take(START, LATE, 9).unwrap()), ["A1", "N1"]);
    assert_eq!(other.find("N1").unwrap().unwrap().intent.business_id(), "N1");
}

fn what_is_written_is_the_merchants_own<B: Bed>(bed: &B) {
    let mut other = bed.open_as(OTHER).unwrap();
    other.insert(&[new_at(0, intent_of(OTHER, "B0", "N0", 100))]).unwrap();
    let theirs = other.find("N0").unwrap().unwrap().snapshot;
    drop(other);
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let stored = store.take(START, LATE, 9).unwrap().remove(0);
    assert_eq!(save(&mut store, &attempted(&stored), false), Saved::Written);
    store.renew(START).unwrap();
    assert_eq!(save(&mut store, &received(&stored), true), Saved::Written);
    drop(store);
    let mut other = bed.open_as(OTHER).unwrap();
    assert_eq!(other.find("N0").unwrap().unwrap().snapshot, theirs);
    assert_eq!(numbers(&other.take(START, LATE, 9).unwrap()), ["N0"]);
}

fn what_is_refused_is_refused_for_the_merchants_own<B: Bed>(bed: &B) {
    let mut other = bed.open_as(OTHER).unwrap();
    // They sort before ours, and behind.
    for (id, number) in [("A", "N1"), ("Z", "n2"), ("B1", "A1"), ("b2", "Z1"), ("B3", "Z3"), ("C4", "N4")] {
        other.insert(&[new_at(0, intent_of(OTHER, id, number, 100))]).unwrap();
    }
    // Those that a database finds come in any order.
    let many = 0..8;
    for at in many.clone() {
        let theirs = intent_of(OTHER, &format!("D{at}"), &format!("E{at}"), 100);
        other.insert(&[new_at(0, theirs)]).unwrap();
    }
    drop(other);
    let mut store = bed.open();
    for at in many {
        let id = format!("D{at}");
        let inserted = store.insert(&[new(&id, &format!("F{at}")), new(&id, "X")]).unwrap();
        assert_eq!(inserted, [Inserted::New, Inserted::Changed { mch_billno: format!("F{at}") }]);
    }
    store.insert(&[new("B1", "N1"), new("B2", "N2"), new("b3", "N3"), new("B4", "n4")]).unwrap();
    let changed = |mch_billno: &str| Inserted::Changed { mch_billno: mch_billno.into() };
    let taken = |business_id: &str| Inserted::NumberTaken { business_id: business_id.into() };
    for (id, number, said) in [
        ("B1", "X1", changed("N1")),
        ("b1", "X1", changed("N1")),
        ("B2", "X2", changed("N2")),
        ("b2", "X2", changed("N2")),
        ("B3", "X3", changed("N3")),
        ("X1", "N1", taken("B1")),
        ("X1", "n1", taken("B1")),
        ("X2", "N2", taken("B2")),
        ("X2", "n2", taken("B2")),
        ("X4", "N4", taken("B4")),
        ("B1", "N1", Inserted::Same),
    ] {
        assert_eq!(store.insert(&[new(id, number)]).unwrap(), [said], "{id} {number}");
    }
    assert_eq!(store.summary().unwrap().payouts(), 12);
}

fn the_failure_of_anothers_payout_proves_nothing<B: Bed>(bed: &B) {
    let mut other = bed.open_as(OTHER).unwrap();
    other.insert(&[new_at(0, intent_of(OTHER, "B0", "N0", 100))]).unwrap();
    drop(other);
    let table = B::TABLE;
    bed.execute(&format!("UPDATE {table} SET state = 'failed', done = (1 = 1) WHERE mch_id = '{OTHER}'"));
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let stored = store.take(START, LATE, 9).unwrap().remove(0);
    let second = || new_at(0, failed(&stored).1.renumber("N9").unwrap());
    assert_eq!(store.insert(&[second()]).unwrap(), [Inserted::NotFailed]);
    // Nor does that of another business id of ours.
    store.insert(&[new("C0", "C0")]).unwrap();
    let other = store.take(START, LATE, 9).unwrap().remove(0);
    assert_eq!(save(&mut store, &failed(&other).0, true), Saved::Written);
    assert_eq!(store.insert(&[second()]).unwrap(), [Inserted::NotFailed]);
    // Nor does what was paid have a later number, whoever holds a proof.
    assert_eq!(save(&mut store, &received(&stored), true), Saved::Written);
    assert_eq!(store.insert(&[second()]).unwrap(), [Inserted::NotFailed]);
    assert_eq!(stored.intent.mch_id(), MCH_ID);
}
