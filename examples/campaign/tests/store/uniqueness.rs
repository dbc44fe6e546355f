//! One intent has one number.

use wechatpay_campaign::store::Ledger as _;
use wechatpay_proto::payout::{Inserted, Payout, Policy, Saved, Store as _};

use crate::bed::Bed;
use crate::on_both;
use crate::packets::{
    LATE, START, at, failed, intent, many, merchant, new, new_at, proof, received, refused, save, take_one,
};

on_both!(
    the_same_again_is_the_same,
    changed_parameters_are_told_and_not_written,
    a_number_in_use_is_told_and_not_written,
    a_batch_is_held_against_itself,
    a_later_number_needs_the_proof_that_the_one_before_failed,
    merchants_have_numbers_of_their_own,
    a_business_id_is_one_however_it_is_spelled,
    a_number_is_one_in_whatever_case,
    what_a_person_can_tell_apart_is_two,
);

fn the_same_again_is_the_same<B: Bed>(bed: &B) {
    let mut store = bed.open();
    assert_eq!(store.insert(&many(2)).unwrap(), [Inserted::New, Inserted::New]);
    // However far it is meanwhile, and whenever it is inserted again.
    let taken = store.take(START, LATE, 1).unwrap();
    let last = received(&taken[0]);
    assert_eq!(save(&mut store, &last, true), Saved::Written);
    let again = [new_at(99, intent("B0", "N0", 100)), new("B1", "N1"), new("B2", "N2")];
    assert_eq!(store.insert(&again).unwrap(), [Inserted::Same, Inserted::Same, Inserted::New]);
    assert_eq!(store.find("N0").unwrap().unwrap().snapshot, last);
    assert_eq!(store.summary().unwrap().payouts(), 3);
}

fn changed_parameters_are_told_and_not_written<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let changed = Inserted::Changed { mch_billno: "N0".into() };
    let amount = new_at(0, intent("B0", "N0", 101));
    let number = new("B0", "N7");
    assert_eq!(store.insert(&[amount, number]).unwrap(), [changed.clone(), changed]);
    assert_eq!(take_one(&mut store).intent.amount().0, 100);
}

fn a_number_in_use_is_told_and_not_written<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let taken = Inserted::NumberTaken { business_id: "B0".into() };
    assert_eq!(store.insert(&[new("B7", "N0")]).unwrap(), [taken]);
    assert_eq!(take_one(&mut store).intent.business_id(), "B0");
}

fn a_batch_is_held_against_itself<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let batch = [new("B1", "N1"), new("B1", "N1"), new("B1", "N2"), new("B2", "N1")];
    let inserted = store.insert(&batch).unwrap();
    let changed = Inserted::Changed { mch_billno: "N1".into() };
    let number_taken = Inserted::NumberTaken { business_id: "B1".into() };
    assert_eq!(inserted, [Inserted::New, Inserted::Same, changed, number_taken]);
    assert_eq!(store.summary().unwrap().payouts(), 1);
}

fn a_later_number_needs_the_proof_that_the_one_before_failed<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let policy = Policy::default();
    store.insert(&[new("B1", "N1")]).unwrap();
    let stored = take_one(&mut store);
    let (last, first_proof) = failed(&stored);
    let second = || new_at(0, failed(&stored).1.renumber("N2").unwrap());
    // Not while it is open, and not after SEND_FAILED alone, which a query has yet to confirm.
    assert_eq!(store.insert(&[second()]).unwrap(), [Inserted::NotFailed]);
    let unconfirmed = refused(&stored);
    assert!(!unconfirmed.is_done());
    assert_eq!(save(&mut store, &unconfirmed.snapshot(), false), Saved::Written);
    assert_eq!(store.insert(&[second()]).unwrap(), [Inserted::NotFailed]);
    assert_eq!(save(&mut store, &last, true), Saved::Written);
    assert_eq!(store.insert(&[second(), second()]).unwrap(), [Inserted::New, Inserted::Same]);
    // A second new number for the same failure is none.
    let other = new_at(0, first_proof.renumber("N3").unwrap());
    assert_eq!(store.insert(&[other]).unwrap(), [Inserted::Changed { mch_billno: "N2".into() }]);
    // The third needs the failure of the second.
    let after = take_one(&mut store);
    assert_eq!((after.intent.mch_billno(), after.intent.generation()), ("N2", 1));
    let third = new_at(0, failed(&after).1.renumber("N3").unwrap());
    assert_eq!(store.insert(&[third]).unwrap(), [Inserted::NotFailed]);
    // What is on disk is proof enough.
    let found = store.find("N1").unwrap().unwrap();
    let restored = Payout::restore(found.intent, &policy, &found.snapshot, at(100)).unwrap();
    assert_eq!(proof(restored).intent().mch_billno(), "N1");
    assert_eq!(merchant(after.intent.mch_id()).mch_id(), after.intent.mch_id());
}

fn merchants_have_numbers_of_their_own<B: Bed>(bed: &B) {
    use crate::packets::intent_of;
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    drop(store);
    let mut other = bed.open_as("10000099").unwrap();
    let new = new_at(0, intent_of("10000099", "B0", "N0", 333));
    assert_eq!(other.insert(&[new]).unwrap(), [Inserted::New]);
    assert_eq!(take_one(&mut other).intent.mch_id(), "10000099");
    assert_eq!((other.summary().unwrap().fen(), other.rows().count()), (333, 1));
    drop(other);
    let mut store = bed.open();
    assert_eq!(take_one(&mut store).intent.mch_id(), "10000098");
}

fn a_business_id_is_one_however_it_is_spelled<B: Bed>(bed: &B) {
    let mut store = bed.open();
    assert_eq!(store.insert(&[new("b1", "N1")]).unwrap(), [Inserted::New]);
    let changed = Inserted::Changed { mch_billno: "N1".into() };
    for (at, spelling) in ["b1 ", "B1", "b1\u{200B}", "ｂ１"].into_iter().enumerate() {
        // Under a number of its own, and under the same.
        let batch = [new(spelling, &format!("M{at}")), new(spelling, "N1")];
        assert_eq!(store.insert(&batch).unwrap(), [changed.clone(), changed.clone()], "{spelling:?}");
    }
    // And within one batch.
    let batch = [new("Ä", "X1"), new("a\u{308}", "X2")];
    assert_eq!(store.insert(&batch).unwrap(), [Inserted::New, Inserted::Changed { mch_billno: "X1".into() }]);
    assert_eq!(store.insert(&[new("b1", "N1")]).unwrap(), [Inserted::Same]);
    assert_eq!(store.summary().unwrap().payouts(), 2);
}

fn a_number_is_one_in_whatever_case<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&[new("B1", "Na")]).unwrap();
    let taken = Inserted::NumberTaken { business_id: "B1".into() };
    assert_eq!(store.insert(&[new("B2", "nA"), new("B2", "NA")]).unwrap(), [taken.clone(), taken]);
    let batch = [new("B3", "Nb"), new("B4", "nB")];
    let taken = Inserted::NumberTaken { business_id: "B3".into() };
    assert_eq!(store.insert(&batch).unwrap(), [Inserted::New, taken]);
    // Nor may a later number of what failed be told from another by case alone.
    let stored = store.take(START, LATE, 9).unwrap();
    let (last, proof) = failed(&stored[0]);
    assert_eq!(save(&mut store, &last, true), Saved::Written);
    let renumbered = new_at(0, proof.renumber("nb").unwrap());
    assert_eq!(store.insert(&[renumbered]).unwrap(), [Inserted::NumberTaken { business_id: "B3".into() }]);
    assert_eq!(store.summary().unwrap().payouts(), 2);
}

fn what_a_person_can_tell_apart_is_two<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let batch = [new("row 1", "N1"), new("row 11", "N11"), new("row-1", "N1a"), new("row1", "N1b")];
    assert_eq!(store.insert(&batch).unwrap(), vec![Inserted::New; 4]);
}
