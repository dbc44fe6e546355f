//! What is written stays, and is taken in order.

use std::time::Duration;

use wechatpay_campaign::store::{Broken, StoreError};
use wechatpay_proto::payout::{Inserted, Record, Saved, SnapshotError, State};
use wechatpay_proto::payout::{IntentError, Store as _};

use crate::bed::Bed;
use crate::on_both;
use crate::packets::{
    LATE, MCH_ID, START, attempted, failed, intent, intent_of, many, new, new_at, numbers, received, save,
    take_one,
};

on_both!(
    an_intent_comes_back_whole,
    the_longest_waiting_are_taken_first_and_only_when_due,
    what_a_wrong_calendar_put_off_is_due,
    what_is_held_is_not_taken_until_it_is_released,
    a_snapshot_replaces_the_one_before_and_survives,
    what_is_done_is_never_taken_again,
    what_was_not_taken_cannot_be_written,
    the_next_wake_is_that_of_what_is_free,
    a_batch_is_written_whole_or_not_at_all,
    another_merchants_payout_is_refused_with_its_batch,
    one_that_cannot_be_read_is_named_and_in_nobodys_way,
    a_later_release_is_told_by_its_version,
    a_store_of_an_earlier_release_goes_on,
    what_an_earlier_release_took_twice_for_one_is_not_paid_twice,
    what_an_earlier_release_paid_twice_stays_in_the_books,
    a_batch_may_be_large,
);

fn an_intent_comes_back_whole<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let new = new_at(7, intent("订单 '1' 🧧", "N1", 20_000));
    let (before, snapshot) = (new.intent().clone(), new.snapshot());
    assert_eq!(store.insert(&[new]).unwrap(), [Inserted::New]);
    let mut store = bed.restart(store);
    let after = take_one(&mut store);
    assert_eq!(*after.intent, *before);
    assert_eq!(after.snapshot, snapshot);
}

fn the_longest_waiting_are_taken_first_and_only_when_due<B: Bed>(bed: &B) {
    let mut store = bed.open();
    // Of one time, by number.
    let waits = [(30, "N1"), (10, "N2"), (20, "N4"), (40, "N5"), (20, "N3")];
    let new = waits.map(|(wait, number)| new_at(wait, intent(number, number, 100)));
    store.insert(&new).unwrap();
    let until = |wait| START + Duration::from_secs(wait);
    assert!(store.take(START, until(9), 9).unwrap().is_empty());
    assert!(store.take(START, until(99), 0).unwrap().is_empty());
    assert_eq!(numbers(&store.take(START, until(30), 2).unwrap()), ["N2", "N3"]);
    assert_eq!(numbers(&store.take(START, until(30), 9).unwrap()), ["N4", "N1"]);
    assert_eq!(numbers(&store.take(START, until(40), 9).unwrap()), ["N5"]);
    assert!(store.take(START, LATE, 9).unwrap().is_empty());
}

/// Nobody would come back to it for a month, or a year.
fn what_a_wrong_calendar_put_off_is_due<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let hour = 3_600;
    let new = [(48 * hour, "N1"), (48 * hour + 1, "N2"), (31 * 24 * hour, "N3"), (365 * 24 * hour, "N4")];
    store.insert(&new.map(|(wait, number)| new_at(wait, intent(number, number, 100)))).unwrap();
    assert_eq!(numbers(&store.take(START, START, 1).unwrap()), ["N2"]);
    assert_eq!(numbers(&store.take(START, START, 9).unwrap()), ["N3", "N4"]);
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N1"]);
}

fn what_is_held_is_not_taken_until_it_is_released<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(3)).unwrap();
    assert_eq!(numbers(&store.take(START, LATE, 2).unwrap()), ["N0", "N1"]);
    store.release(&["N1", "N2", "nothing"]).unwrap();
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N1", "N2"]);
    store.release(&["N0"]).unwrap();
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N0"]);
    // What nobody released is free when its worker is gone.
    let mut store = bed.restart(store);
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N0", "N1", "N2"]);
}

fn a_snapshot_replaces_the_one_before_and_survives<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let snapshot = attempted(&take_one(&mut store));
    assert_eq!(save(&mut store, &snapshot, false), Saved::Written);
    let mut store = bed.restart(store);
    let after = take_one(&mut store);
    assert_eq!(after.snapshot, snapshot);
    assert!(matches!(after.snapshot.state(), State::Unknown { attempts: 1, tainted: true }));
    store.release(&["N0"]).unwrap();
    // It waits for its time again.
    let before = snapshot.wake_at() - Duration::from_millis(1);
    assert!(store.take(START, before, 9).unwrap().is_empty());
    assert_eq!(store.take(START, snapshot.wake_at(), 9).unwrap().len(), 1);
}

fn what_is_done_is_never_taken_again<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let stored = take_one(&mut store);
    let last = received(&stored);
    assert_eq!(save(&mut store, &last, true), Saved::Written);
    assert_eq!(save(&mut store, &attempted(&stored), false), Saved::NotOurs);
    assert!(store.take(START, LATE, 9).unwrap().is_empty());
    assert_eq!(store.next_wake().unwrap(), None);
    let mut store = bed.restart(store);
    assert!(store.take(START, LATE, 9).unwrap().is_empty());
    assert_eq!(store.next_wake().unwrap(), None);
    assert_eq!(wechatpay_campaign::store::Ledger::find(&mut store, "N0").unwrap().unwrap().snapshot, last);
}

fn what_was_not_taken_cannot_be_written<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(2)).unwrap();
    let taken = store.take(START, LATE, 2).unwrap();
    let snapshots: Vec<_> = taken.iter().map(attempted).collect();
    store.release(&["N0"]).unwrap();
    let records = [0, 1].map(|at| Record { snapshot: &snapshots[at], done: false });
    assert_eq!(store.save(START, &records).unwrap(), [Saved::NotOurs, Saved::Written]);
    let mut store = bed.restart(store);
    let after = store.take(START, LATE, 9).unwrap();
    let attempts: Vec<_> = after.iter().map(|stored| stored.snapshot.attempts()).collect();
    assert_eq!(attempts, [0, 1]);
}

fn the_next_wake_is_that_of_what_is_free<B: Bed>(bed: &B) {
    let mut store = bed.open();
    assert_eq!(store.next_wake().unwrap(), None);
    store.insert(&[new_at(30, intent("B1", "N1", 100)), new_at(20, intent("B2", "N2", 100))]).unwrap();
    assert_eq!(store.next_wake().unwrap(), Some(START + Duration::from_secs(20)));
    store.take(START, LATE, 1).unwrap();
    assert_eq!(store.next_wake().unwrap(), Some(START + Duration::from_secs(30)));
    store.take(START, LATE, 1).unwrap();
    assert_eq!(store.next_wake().unwrap(), None);
    store.release(&["N2"]).unwrap();
    assert_eq!(store.next_wake().unwrap(), Some(START + Duration::from_secs(20)));
}

fn a_batch_is_written_whole_or_not_at_all<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(3)).unwrap();
    let taken = store.take(START, LATE, 9).unwrap();
    let snapshots: Vec<_> = taken.iter().map(attempted).collect();
    let records: Vec<_> = snapshots.iter().map(|snapshot| Record { snapshot, done: false }).collect();
    bed.refuse_attempts("N1");
    store.save(START, &records).unwrap_err();
    for stored in &taken {
        use wechatpay_campaign::store::Ledger as _;
        let now = store.find(stored.intent.mch_billno()).unwrap().unwrap();
        assert_eq!(now.snapshot, stored.snapshot);
    }
    // They are still held, so the same write can be tried again.
    bed.mend();
    assert_eq!(store.save(START, &records).unwrap(), [Saved::Written; 3]);
}

fn another_merchants_payout_is_refused_with_its_batch<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let batch = [new("B1", "N1"), new_at(0, intent_of("10000099", "B2", "N2", 100))];
    let error = store.insert(&batch).unwrap_err();
    assert!(matches!(error, StoreError::OtherMerchant { business_id } if business_id == "B2"));
    assert!(store.take(START, LATE, 9).unwrap().is_empty());
}

fn one_that_cannot_be_read_is_named_and_in_nobodys_way<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(7)).unwrap();
    let line = many(1)[0].snapshot().to_string();
    let other = many(2)[1].snapshot().to_string();
    bed.damage("N0", "snapshot", &line[..line.len() - 3]);
    bed.damage("N1", "snapshot", &line.replace("v=2", "v=3"));
    bed.damage("N2", "intent", "{");
    bed.damage("N3", "snapshot", &other);
    let table = B::TABLE;
    bed.execute(&format!(
        "UPDATE {table} SET intent = replace(intent, '\"100\"', '\"101\"') WHERE mch_billno = 'N4'"
    ));
    let mut broken = Vec::new();
    // The wrong ones come first, one at a time, and nothing is taken with them.
    for _ in 0..5 {
        let error = store.take(START, LATE, 6).unwrap_err();
        let StoreError::Broken { mch_billno, cause } = error else { panic!("{error}") };
        broken.push((mch_billno, cause));
    }
    broken.sort_by(|a, b| a.0.cmp(&b.0));
    let named: Vec<_> = broken.iter().map(|(number, _)| number.as_str()).collect();
    assert_eq!(named, ["N0", "N1", "N2", "N3", "N4"]);
    assert!(matches!(broken[0].1, Broken::Snapshot(SnapshotError::Damaged)));
    assert!(matches!(broken[1].1, Broken::Snapshot(SnapshotError::Version { found: 3, known: 2 })));
    assert!(matches!(broken[2].1, Broken::Json(_)));
    assert!(matches!(broken[3].1, Broken::OtherRow));
    assert!(matches!(broken[4].1, Broken::Intent(IntentError::Changed)));
    // The others are as they were; and nothing waits for the wrong ones.
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N5", "N6"]);
    assert_eq!(store.next_wake().unwrap(), None);
    // What is mended can be used after a restart.
    bed.damage("N0", "snapshot", &line);
    let mut store = bed.restart(store);
    assert_eq!(numbers(&store.take(START, LATE, 1).unwrap()), ["N0"]);
}

fn a_later_release_is_told_by_its_version<B: Bed>(bed: &B) {
    drop(bed.open());
    bed.make_future();
    let error = bed.open_as(MCH_ID).err().unwrap();
    assert!(matches!(error, StoreError::FutureSchema { found: 3, known: 2 }), "{error}");
}

fn a_store_of_an_earlier_release_goes_on<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&[new("b1", "N1"), new("b2", "N2")]).unwrap();
    let stored = store.take(START, LATE, 1).unwrap().remove(0);
    let (last, proof) = failed(&stored);
    assert_eq!(save(&mut store, &last, true), Saved::Written);
    let second = new_at(0, proof.renumber("N3").unwrap());
    assert_eq!(store.insert(&[second]).unwrap(), [Inserted::New]);
    drop(store);
    bed.make_former();
    let mut store = bed.open();
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N2", "N3"]);
    let batch = [new("B1", "X1"), new("B2 ", "X2"), new("b3", "n3"), new("b2", "N2")];
    let changed = |mch_billno: &str| Inserted::Changed { mch_billno: mch_billno.into() };
    let taken = Inserted::NumberTaken { business_id: "b1".into() };
    let said = store.insert(&batch).unwrap();
    assert_eq!(said, [changed("N1"), changed("N2"), taken, Inserted::Same]);
    drop(store);
    bed.open();
}

/// Rows as an earlier release took them, by their bytes.
fn made_alike<B: Bed>(bed: &B, column: &str, text: &str) {
    bed.make_former();
    bed.damage("N2", column, text);
}

fn what_an_earlier_release_took_twice_for_one_is_not_paid_twice<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&[new("b1", "N1"), new("b2", "N2")]).unwrap();
    drop(store);
    for (column, text, second) in [("business_id", "B1", "N2"), ("mch_billno", "n1", "n1")] {
        made_alike(bed, column, text);
        let error = bed.open_as(MCH_ID).err().unwrap();
        let StoreError::Alike { mch_billno, other } = &error else { panic!("{error}") };
        assert_eq!((mch_billno.as_str(), other.as_str()), ("N1", second));
        assert!(error.to_string().contains("delete its row"), "{error}");
        // Nothing was changed; and the remedy is one.
        let before = if column == "business_id" { ("N2", "b2") } else { ("n1", "N2") };
        bed.damage(before.0, column, before.1);
        bed.open();
    }
}

fn what_an_earlier_release_paid_twice_stays_in_the_books<B: Bed>(bed: &B) {
    use wechatpay_campaign::store::Ledger as _;
    let mut store = bed.open();
    store.insert(&[new("b1", "N1"), new("b2", "N2")]).unwrap();
    for stored in store.take(START, LATE, 9).unwrap() {
        assert_eq!(save(&mut store, &received(&stored), true), Saved::Written);
    }
    drop(store);
    made_alike(bed, "business_id", "B1");
    let mut store = bed.open();
    assert_eq!(store.summary().unwrap().state("received").payouts, 2);
    let changed = Inserted::Changed { mch_billno: "N1".into() };
    assert_eq!(store.insert(&[new("b1 ", "X1")]).unwrap(), [changed]);
    // Each is still itself.
    assert_eq!(store.insert(&[new("b1", "N1"), new("B1", "N2")]).unwrap(), [Inserted::Same, Inserted::Same]);
    drop(store);
    bed.damage("N2", "business_id", "b2");
    made_alike(bed, "mch_billno", "n1");
    let mut store = bed.open();
    let taken = Inserted::NumberTaken { business_id: "b1".into() };
    assert_eq!(store.insert(&[new("b3", "n1"), new("b4", "N1")]).unwrap(), [taken.clone(), taken]);
}

fn a_batch_may_be_large<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let mut batch = many(5_003);
    batch.push(new("B0", "N0"));
    batch.push(new("B0", "N9999"));
    let inserted = store.insert(&batch).unwrap();
    assert!(inserted[..5_003].iter().all(|inserted| *inserted == Inserted::New));
    assert_eq!(inserted[5_003..], [Inserted::Same, Inserted::Changed { mch_billno: "N0".into() }]);
    let taken = store.take(START, LATE, 6_000).unwrap();
    assert_eq!(taken.len(), 5_003);
    let snapshots: Vec<_> = taken.iter().map(attempted).collect();
    let records: Vec<_> = snapshots.iter().map(|snapshot| Record { snapshot, done: false }).collect();
    assert_eq!(store.save(START, &records).unwrap(), vec![Saved::Written; 5_003]);
    store.renew(START).unwrap();
    store.release(&numbers(&taken)).unwrap();
    assert_eq!(store.take(START, LATE, 6_000).unwrap().len(), 5_003);
}
