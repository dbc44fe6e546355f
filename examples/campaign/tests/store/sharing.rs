//! Many workers on one PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use wechatpay_campaign::store::{DEFAULT_LEASE, Lease, Ledger as _, PostgresStore, StoreError};
use wechatpay_proto::payout::{Inserted, Policy, Record, Saved, Settings, Store as _};

use crate::bed::{Bed as _, PostgresBed};
use crate::packets::{
    LATE, MCH_ID, START, attempted, failed, intent, lease, many, new, new_at, numbers, received, save,
    take_one,
};

/// What each of these threads makes of its turn; all start at once.
fn race<T: Send>(workers: usize, turn: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(workers);
    thread::scope(|scope| {
        let (start, turn) = (&start, &turn);
        let run = move |worker| {
            start.wait();
            turn(worker)
        };
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || run(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn workers_that_open_at_once_make_one_set_of_tables() {
    let Some(bed) = PostgresBed::new() else { return };
    let opened = race(8, |_| bed.open_as(MCH_ID).map(drop));
    assert!(opened.iter().all(Result::is_ok), "{opened:?}");
}

#[test]
fn racing_takers_never_get_the_same_payout() {
    let Some(bed) = PostgresBed::new() else { return };
    bed.open().insert(&many(2_000)).unwrap();
    let taken = race(8, |worker| {
        let mut store = bed.open();
        let mut mine = Vec::new();
        loop {
            let taken = store.take(START, LATE, 3 + worker).unwrap();
            // A row that another is just taking is passed over, so nothing may be seen though something is left.
            if taken.is_empty() && store.next_wake().unwrap().is_none_or(|at| at > START) {
                return mine;
            }
            for stored in &taken {
                // Every third goes on, so that others find the rows changed under their eyes.
                if stored.intent.business_id().ends_with('3') {
                    assert_eq!(save(&mut store, &received(stored), true), Saved::Written);
                }
            }
            mine.extend(numbers(&taken).into_iter().map(str::to_owned));
        }
    });
    let mut all = taken.concat();
    all.sort();
    let mut expected: Vec<_> = (0..2_000).map(|at| format!("N{at}")).collect();
    expected.sort();
    assert_eq!(all, expected);
}

#[test]
fn racing_inserts_give_one_number_to_each_intent() {
    let Some(bed) = PostgresBed::new() else { return };
    let inserted = race(4, |worker| {
        let mut order: Vec<usize> = (0..300).collect();
        // Some in another order: then they wait for each other, and PostgreSQL breaks one of them off.
        order.rotate_left(worker * 70);
        let batch: Vec<_> =
            order.iter().map(|at| new(&format!("B{at}"), &format!("W{worker}N{at}"))).collect();
        let inserted = bed.open().insert(&batch).unwrap();
        order.into_iter().zip(inserted).collect::<Vec<_>>()
    });
    for at in 0..300 {
        let of = |worker: &Vec<(usize, Inserted)>| {
            worker.iter().find(|(place, _)| *place == at).unwrap().1.clone()
        };
        let said: Vec<_> = inserted.iter().map(of).collect();
        let winner = said.iter().position(|said| *said == Inserted::New).unwrap();
        let changed = Inserted::Changed { mch_billno: format!("W{winner}N{at}") };
        assert_eq!(said.iter().filter(|said| **said == changed).count(), 3, "{said:?}");
    }
    assert_eq!(bed.open().summary().unwrap().payouts(), 300);
}

#[test]
fn racing_inserts_of_one_number_give_it_to_one_intent() {
    let Some(bed) = PostgresBed::new() else { return };
    let said = race(6, |worker| bed.open().insert(&[new(&format!("B{worker}"), "N")]).unwrap().remove(0));
    let winner = said.iter().position(|said| *said == Inserted::New).unwrap();
    let taken = Inserted::NumberTaken { business_id: format!("B{winner}") };
    assert_eq!(said.iter().filter(|said| **said == taken).count(), 5, "{said:?}");
}

#[test]
fn racing_new_numbers_of_one_failure_give_one() {
    let Some(bed) = PostgresBed::new() else { return };
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let stored = take_one(&mut store);
    assert_eq!(save(&mut store, &failed(&stored).0, true), Saved::Written);
    let said = race(6, |worker| {
        let renumbered = failed(&stored).1.renumber(&format!("W{worker}")).unwrap();
        bed.open().insert(&[new_at(0, renumbered)]).unwrap().remove(0)
    });
    let winner = said.iter().position(|said| *said == Inserted::New).unwrap();
    let changed = Inserted::Changed { mch_billno: format!("W{winner}") };
    assert_eq!(said.iter().filter(|said| **said == changed).count(), 5, "{said:?}");
}

#[test]
fn a_worker_whose_payout_went_to_another_can_write_nothing() {
    let Some(bed) = PostgresBed::new() else { return };
    let (mut slow, mut other) = (bed.open(), bed.open());
    slow.insert(&many(2)).unwrap();
    let old = slow.take(START, LATE, 9).unwrap();
    assert!(other.take(START, LATE, 9).unwrap().is_empty());
    bed.end_leases();
    assert_eq!(numbers(&other.take(START, LATE, 1).unwrap()), ["N0"]);
    // It neither writes, renews nor releases what is another's.
    let snapshots: Vec<_> = old.iter().map(attempted).collect();
    bed.end_leases();
    slow.renew(START).unwrap();
    assert_eq!(numbers(&bed.open().take(START, LATE, 9).unwrap()), ["N0"]);
    let records = [0, 1].map(|at| Record { snapshot: &snapshots[at], done: false });
    assert_eq!(slow.save(START, &records).unwrap(), [Saved::NotOurs, Saved::Written]);
    slow.release(&["N0"]).unwrap();
    assert!(other.take(START, LATE, 9).unwrap().is_empty());
    assert_eq!(slow.find("N0").unwrap().unwrap().snapshot, old[0].snapshot);
}

#[test]
fn a_lease_that_ended_is_good_until_another_takes_the_payout() {
    let Some(bed) = PostgresBed::new() else { return };
    let (mut slow, mut other) = (bed.open(), bed.open());
    slow.insert(&many(1)).unwrap();
    let stored = take_one(&mut slow);
    bed.end_leases();
    // It does not get its own a second time, nor is it told to come for it.
    assert!(slow.take(START, LATE, 9).unwrap().is_empty());
    assert_eq!(slow.next_wake().unwrap(), None);
    assert_eq!(save(&mut slow, &attempted(&stored), false), Saved::Written);
    // The write has renewed the lease; and so does a renewal.
    assert!(other.take(START, LATE, 9).unwrap().is_empty());
    bed.end_leases();
    slow.renew(START).unwrap();
    assert!(other.take(START, LATE, 9).unwrap().is_empty());
    bed.end_leases();
    assert_eq!(numbers(&other.take(START, LATE, 9).unwrap()), ["N0"]);
}

#[test]
fn what_was_lost_comes_back_only_after_the_loss_is_known() {
    let Some(bed) = PostgresBed::new() else { return };
    let (mut slow, mut other) = (bed.open(), bed.open());
    slow.insert(&many(1)).unwrap();
    let old = take_one(&mut slow);
    bed.end_leases();
    let taken = take_one(&mut other);
    let written = attempted(&taken);
    assert_eq!(save(&mut other, &written, false), Saved::Written);
    other.release(&["N0"]).unwrap();
    // It is free. But the first worker still has what it knew before, and must not write it under a new lease.
    assert!(slow.take(START, LATE, 9).unwrap().is_empty());
    assert_eq!(slow.next_wake().unwrap(), None);
    assert_eq!(save(&mut slow, &old.snapshot, false), Saved::NotOurs);
    let fresh = take_one(&mut slow);
    assert_eq!(fresh.snapshot, written);
    assert_eq!(save(&mut slow, &received(&old), true), Saved::Written);
}

#[test]
fn what_could_not_be_released_comes_back_when_its_lease_ends() {
    let Some(bed) = PostgresBed::new() else { return };
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let stored = take_one(&mut store);
    bed.execute("ALTER TABLE wechatpay_payout RENAME TO gone");
    store.release(&[stored.intent.mch_billno()]).unwrap_err();
    bed.execute("ALTER TABLE gone RENAME TO wechatpay_payout");
    // it is no more renewed, and waited for like anybody's
    store.renew(START).unwrap();
    assert!(store.next_wake().unwrap().is_some());
    bed.end_leases();
    assert_eq!(take_one(&mut store).intent, stored.intent);
}

#[test]
fn what_is_given_back_or_lost_is_that_alone_of_all_that_was_taken_with_it() {
    let Some(bed) = PostgresBed::new() else { return };
    let (mut one, mut other) = (bed.open(), bed.open());
    one.insert(&many(4)).unwrap();
    // One taking, one lease.
    one.take(START, LATE, 9).unwrap();
    one.release(&["N1"]).unwrap();
    assert_eq!(numbers(&other.take(START, LATE, 9).unwrap()), ["N1"]);
    // What could not be given back is renewed with none of the others.
    bed.execute("ALTER TABLE wechatpay_payout RENAME TO gone");
    one.release(&["N2"]).unwrap_err();
    bed.execute("ALTER TABLE gone RENAME TO wechatpay_payout");
    bed.end_leases();
    one.renew(START).unwrap();
    assert_eq!(numbers(&bed.open().take(START, LATE, 9).unwrap()), ["N1", "N2"]);
    let found = one.find("N3").unwrap().unwrap();
    assert_eq!(save(&mut one, &attempted(&found), false), Saved::Written);
    assert_eq!(one.find("N0").unwrap().unwrap().snapshot.attempts(), 0);
}

#[test]
fn what_went_to_another_cannot_be_given_back_by_the_first() {
    let Some(bed) = PostgresBed::new() else { return };
    let (mut slow, mut other) = (bed.open(), bed.open());
    slow.insert(&many(1)).unwrap();
    take_one(&mut slow);
    bed.end_leases();
    // What nobody is heard of for is free, and wanted at once.
    assert_eq!(other.next_wake().unwrap(), Some(START));
    take_one(&mut other);
    // It does not know yet that it lost it.
    slow.release(&["N0"]).unwrap();
    bed.execute("DO $$ BEGIN ASSERT (SELECT lease IS NOT NULL FROM wechatpay_payout); END $$");
    assert!(bed.open().take(START, LATE, 9).unwrap().is_empty());
}

#[test]
fn a_row_that_another_is_taking_is_passed_over_and_not_waited_for() {
    let Some(bed) = PostgresBed::new() else { return };
    let mut store = bed.open();
    store.insert(&many(2)).unwrap();
    let mut client = bed.database.client();
    let mut taking = client.transaction().unwrap();
    taking
        .batch_execute(
            "UPDATE wechatpay_payout SET lease = 1, lease_until = clock_timestamp() + interval '1 hour'
            WHERE mch_billno = 'N0'",
        )
        .unwrap();
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N1"]);
    taking.commit().unwrap();
    assert!(store.take(START, LATE, 9).unwrap().is_empty());
}

#[test]
fn the_end_of_anothers_lease_is_waited_for() {
    let Some(bed) = PostgresBed::new() else { return };
    let (mut holder, mut other) = (bed.open(), bed.open());
    holder.insert(&[new("B1", "N1"), new_at(3600, intent("B2", "N2", 100))]).unwrap();
    holder.take(START, START, 1).unwrap();
    bed.execute(
        "UPDATE wechatpay_payout SET lease_until = to_timestamp(5000000000.0005) WHERE lease IS NOT NULL",
    );
    // What is free comes earlier.
    assert_eq!(other.next_wake().unwrap(), Some(START + Duration::from_secs(3600)));
    holder.take(START, LATE, 1).unwrap();
    bed.execute(
        "UPDATE wechatpay_payout SET lease_until = to_timestamp(5000000000.0005) WHERE lease IS NOT NULL",
    );
    assert_eq!(other.next_wake().unwrap(), Some(Duration::from_millis(5_000_000_000_001)));
    assert_eq!(holder.next_wake().unwrap(), None);
    holder.release(&["N2"]).unwrap();
    assert_eq!(other.next_wake().unwrap(), Some(START + Duration::from_secs(3600)));
}

#[test]
fn a_lease_has_the_length_that_was_asked_for() {
    let Some(bed) = PostgresBed::new() else { return };
    let day = Duration::from_secs(24 * 3600);
    let mut store = PostgresStore::open(&bed.database.url(), MCH_ID, lease(day)).unwrap();
    store.insert(&many(1)).unwrap();
    take_one(&mut store);
    // Judged by the database, whatever the worker's calendar says.
    bed.execute(
        "DO $$ BEGIN
            ASSERT (SELECT lease_until - clock_timestamp() BETWEEN interval '23 hours' AND interval '24 hours'
                FROM wechatpay_payout);
        END $$",
    );
}

#[test]
fn a_lease_is_longer_than_any_request_may_be_under_way() {
    let policy =
        Policy::new(Settings { attempt_life: Duration::from_secs(20), ..Settings::default() }).unwrap();
    let of = |millis, timeout| {
        Lease::new(Duration::from_millis(millis), &policy, Duration::from_secs(timeout)).map(Lease::length)
    };
    assert!(matches!(of(999, 0), Err(StoreError::Lease)));
    assert!(matches!(of(24 * 3_600_000 + 1, 15), Err(StoreError::Lease)));
    for at_most in [1_000, 34_999, 35_000] {
        let error = of(at_most, 15).unwrap_err();
        assert!(
            matches!(error, StoreError::ShortLease { least } if least == Duration::from_secs(35)),
            "{error}"
        );
    }
    assert_eq!(of(35_001, 15).unwrap(), Duration::from_millis(35_001));
    assert_eq!(of(24 * 3_600_000, 15).unwrap(), Duration::from_secs(24 * 3600));
    assert!(matches!(of(24 * 3_600_000, u64::MAX), Err(StoreError::ShortLease { .. })));
}

#[test]
fn a_connection_that_broke_is_made_again_and_what_was_held_is_still_held() {
    let Some(bed) = PostgresBed::new() else { return };
    let mut config: postgres::Config = bed.database.url().parse().unwrap();
    config.application_name("to be cut");
    let connections = Arc::new(AtomicU32::new(0));
    let connect = {
        let connections = Arc::clone(&connections);
        move || {
            connections.fetch_add(1, Ordering::Relaxed);
            config.connect(postgres::NoTls)
        }
    };
    let mut store = PostgresStore::open_with(connect, MCH_ID, lease(DEFAULT_LEASE)).unwrap();
    store.insert(&many(2)).unwrap();
    let stored = store.take(START, LATE, 1).unwrap().remove(0);
    bed.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be cut'",
    );
    let snapshot = attempted(&stored);
    let record = [Record { snapshot: &snapshot, done: false }];
    // The break shows at the latest at the first call after it; the one after that has a new connection.
    let saved = store.save(START, &record).or_else(|_| store.save(START, &record)).unwrap();
    assert_eq!(saved, [Saved::Written]);
    assert_eq!(numbers(&store.take(START, LATE, 9).unwrap()), ["N1"]);
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[test]
fn a_last_snapshot_may_be_written_again_after_a_commit_that_nobody_confirmed() {
    let Some(bed) = PostgresBed::new() else { return };
    let mut store = bed.open();
    store.insert(&many(2)).unwrap();
    let taken = store.take(START, LATE, 9).unwrap();
    let last: Vec<_> = taken.iter().map(received).collect();
    // The first is there as it was written, the second as another wrote it.
    for (number, text) in [("N0", last[0].to_string()), ("N1", taken[1].snapshot.to_string())] {
        bed.damage(number, "snapshot", &text);
    }
    bed.execute("UPDATE wechatpay_payout SET done = true, lease = NULL, lease_until = NULL");
    let records = [0, 1].map(|at| Record { snapshot: &last[at], done: true });
    assert_eq!(store.save(START, &records).unwrap(), [Saved::Written, Saved::NotOurs]);
}

#[test]
fn a_session_confirms_nothing_before_it_is_on_disk() {
    let Some(bed) = PostgresBed::new() else { return };
    drop(bed.open());
    bed.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            ASSERT current_setting('synchronous_commit') = 'on', 'it may be lost';
            ASSERT current_setting('transaction_isolation') = 'read committed', 'it sees what was';
            ASSERT current_setting('lock_timeout') = '30s', 'it waits without end';
            ASSERT current_setting('statement_timeout') = '5min', 'it waits without end';
            ASSERT current_setting('idle_in_transaction_session_timeout') = '1min', 'others wait without end';
            ASSERT current_setting('enable_sort') = 'off', 'it sorts all to take a few';
            ASSERT current_setting('enable_bitmapscan') = 'off', 'it sorts all to take a few';
            RETURN new;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON wechatpay_payout FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    let mut config: postgres::Config = bed.database.url().parse().unwrap();
    let options = config.get_options().unwrap().to_owned();
    config.options(&format!(
        "{options} -c synchronous_commit=off -c default_transaction_isolation=serializable"
    ));
    let connect = move || config.connect(postgres::NoTls);
    let mut store = PostgresStore::open_with(connect, MCH_ID, lease(DEFAULT_LEASE)).unwrap();
    assert_eq!(store.insert(&many(1)).unwrap(), [Inserted::New]);
}

#[test]
fn a_database_that_is_not_there_is_an_error() {
    let url = "host=/nonexistent user=postgres connect_timeout=1";
    let error = PostgresStore::open(url, MCH_ID, lease(DEFAULT_LEASE)).unwrap_err();
    assert!(matches!(error, StoreError::Postgres(_)), "{error}");
    assert!(error.to_string().starts_with("PostgreSQL: "), "{error}");
}
