//! The books: sums, and rows in their order.

use wechatpay_campaign::store::{Ledger as _, Row, RowKey};
use wechatpay_proto::payout::{Saved, Store as _};

use crate::bed::Bed;
use crate::on_both;
use crate::packets::{
    LATE, START, attempted, failed, intent, many, new_at, received, refunded, refused, save,
};

on_both!(
    sums_are_by_state,
    a_row_says_where_it_stands,
    rows_come_by_the_bytes_of_their_ids_and_all_of_them,
    an_empty_campaign_has_nothing,
);

fn sums_are_by_state<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let new: Vec<_> =
        (1..=6).map(|at| new_at(0, intent(&format!("B{at}"), &format!("N{at}"), 100 * at))).collect();
    store.insert(&new).unwrap();
    let taken = store.take(START, LATE, 9).unwrap();
    save(&mut store, &attempted(&taken[1]), false);
    save(&mut store, &received(&taken[2]), true);
    save(&mut store, &refunded(&taken[3]), true);
    save(&mut store, &failed(&taken[4]).0, true);
    save(&mut store, &refused(&taken[5]).snapshot(), false);
    let summary = store.summary().unwrap();
    let sums: Vec<_> =
        summary.states.iter().map(|sum| (sum.state.as_str(), sum.payouts, sum.done, sum.fen)).collect();
    let expected = [
        ("failed", 1, 1, 500),
        ("intent", 1, 0, 100),
        ("received", 1, 1, 300),
        ("refunded", 1, 1, 400),
        ("unknown", 2, 0, 800),
    ];
    assert_eq!(sums, expected);
    assert_eq!((summary.payouts(), summary.open(), summary.fen()), (6, 3, 2_100));
    assert_eq!(summary.state("refunded").refunded_fen, 400);
    assert_eq!(summary.state("conflict").payouts, 0);
}

fn a_row_says_where_it_stands<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(2)).unwrap();
    let taken = store.take(START, LATE, 9).unwrap();
    let (open, last) = (attempted(&taken[0]), refunded(&taken[1]));
    save(&mut store, &open, false);
    save(&mut store, &last, true);
    let rows: Vec<Row> = store.rows().collect::<Result<_, _>>().unwrap();
    let [first, second] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((first.business_id.as_str(), first.generation, first.mch_billno.as_str()), ("B0", 0, "N0"));
    assert_eq!(
        (first.amount_fen, first.state.as_str(), first.done, first.attempts),
        (100, "unknown", false, 1)
    );
    assert_eq!((first.reason.as_deref(), first.send_listid.as_deref()), (open.reason(), None));
    assert!(first.reason.is_some());
    assert_eq!((first.wake_at, first.refunded_fen), (open.wake_at(), None));
    assert_eq!((second.state.as_str(), second.done, second.refunded_fen), ("refunded", true, Some(100)));
    assert_eq!(second.send_listid.as_deref(), Some("1000041701201"));
}

fn rows_come_by_the_bytes_of_their_ids_and_all_of_them<B: Bed>(bed: &B) {
    let mut store = bed.open();
    let ids = ["a", "B", "é", "红包", "🧧", "A'b\"c\\d", "%", "~", "10", "9", &"长".repeat(21)];
    let mut new: Vec<_> =
        ids.iter().enumerate().map(|(at, id)| new_at(0, intent(id, &format!("X{at}"), 100))).collect();
    // More than two pages.
    new.extend(many(2_001));
    store.insert(&new).unwrap();
    // A failed one with its next number.
    let taken = store.take(START, LATE, 5_000).unwrap();
    let stored = taken.iter().find(|stored| stored.intent.business_id() == "红包").unwrap();
    let (last, proof) = failed(stored);
    assert_eq!(save(&mut store, &last, true), Saved::Written);
    store.insert(&[new_at(0, proof.renumber("Y1").unwrap())]).unwrap();
    let mut expected: Vec<_> =
        taken.iter().map(|stored| (stored.intent.business_id().to_owned(), 0)).collect();
    expected.push(("红包".to_owned(), 1));
    expected.sort();
    let rows = store.rows().map(|row| row.map(|row| (row.business_id, row.generation)));
    assert_eq!(rows.collect::<Result<Vec<_>, _>>().unwrap(), expected);
    let after = RowKey { business_id: "红包".to_owned(), generation: 0 };
    let page = store.page(Some(&after), 2).unwrap();
    let ids: Vec<_> = page.iter().map(|row| (row.business_id.as_str(), row.generation)).collect();
    assert_eq!(ids, [("红包", 1), (&*"长".repeat(21), 0)]);
}

fn an_empty_campaign_has_nothing<B: Bed>(bed: &B) {
    let mut store = bed.open();
    assert_eq!(store.summary().unwrap().payouts(), 0);
    assert_eq!(store.rows().count(), 0);
    assert!(store.find("N0").unwrap().is_none());
    assert!(store.insert(&[]).unwrap().is_empty());
    assert!(store.save(START, &[]).unwrap().is_empty());
    store.release(&[]).unwrap();
    store.renew(START).unwrap();
}
