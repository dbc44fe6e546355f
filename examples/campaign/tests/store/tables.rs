//! What the tables themselves refuse, if a worker is wrong or a person writes by hand.

use wechatpay_proto::payout::Store as _;

use crate::bed::{Bed, PostgresBed};
use crate::on_both;
use crate::packets::many;

on_both!(no_worker_can_write_what_is_no_payout);

fn no_worker_can_write_what_is_no_payout<B: Bed>(bed: &B) {
    let mut store = bed.open();
    store.insert(&many(2)).unwrap();
    let table = B::TABLE;
    let set = |what: &str| bed.try_execute(&format!("UPDATE {table} SET {what} WHERE mch_billno = 'N1'"));
    for column in [
        "mch_id",
        "business_id",
        "generation",
        "mch_billno",
        "amount_fen",
        "fingerprint",
        "intent",
        "state",
        "done",
        "attempts",
        "wake_at",
        "snapshot",
        "business_key",
        "number_key",
    ] {
        assert!(!set(&format!("{column} = NULL")), "{column}");
    }
    for negative in ["generation = -1", "amount_fen = -1"] {
        assert!(!set(negative), "{negative}");
    }
    // Each of them alone, whatever the others say.
    for taken in ["business_id = 'B0'", "mch_billno = 'N0'", "business_key = 'b0'", "number_key = 'n0'"] {
        assert!(!set(taken), "{taken}");
    }
    for fine in ["generation = 0", "amount_fen = 0", "attempts = 1"] {
        assert!(set(fine), "{fine}");
    }
}

#[test]
fn a_flag_is_one_or_none_in_sqlite() {
    let bed = crate::bed::SqliteBed::new();
    bed.open().insert(&many(1)).unwrap();
    assert!(!bed.try_execute("UPDATE payout SET done = 2"));
    assert!(bed.try_execute("UPDATE payout SET done = 1"));
}

#[test]
fn a_lease_is_whole_and_what_is_done_has_none() {
    let Some(bed) = PostgresBed::new() else { return };
    bed.open().insert(&many(1)).unwrap();
    for wrong in ["lease = 1", "lease_until = now()", "done = true, lease = 1, lease_until = now()"] {
        assert!(!bed.try_execute(&format!("UPDATE wechatpay_payout SET {wrong}")), "{wrong}");
    }
    assert!(bed.try_execute("UPDATE wechatpay_payout SET lease = 1, lease_until = now()"));
    assert!(!bed.try_execute("INSERT INTO wechatpay_payout_schema VALUES (NULL)"));
}

/// Whatever the collation of the database is: rows come by their bytes.
#[test]
fn texts_are_compared_by_their_bytes_in_postgres() {
    let Some(bed) = PostgresBed::new() else { return };
    drop(bed.open());
    bed.execute(
        "DO $$ BEGIN ASSERT (
            SELECT array_agg(attname::text ORDER BY attnum) = ARRAY['mch_id', 'business_id', 'mch_billno', 'state',
                'business_key', 'number_key']
            FROM pg_attribute JOIN pg_collation c ON c.oid = attcollation
            WHERE attrelid = 'wechatpay_payout'::regclass AND collname = 'C'); END $$",
    );
}
