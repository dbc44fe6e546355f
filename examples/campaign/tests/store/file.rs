//! The file of an SQLite store: one worker, what a crash leaves, readers.

use std::fs;
use std::path::Path;

use wechatpay_campaign::store::{Ledger as _, SqliteReader, SqliteStore, StoreError};
use wechatpay_proto::payout::{Inserted, Saved, Store as _};

use crate::bed::{Bed as _, SqliteBed};
use crate::packets::{LATE, MCH_ID, START, attempted, many, new, numbers, save, take_one};

/// What a killed worker leaves: the file and its log as they are now, without any closing.
fn crash(bed: &SqliteBed) -> SqliteBed {
    let after = SqliteBed::new();
    for end in ["", "-wal"] {
        let name = |bed: &SqliteBed| bed.dir.path().join(format!("campaign.db{end}"));
        fs::copy(name(bed), name(&after)).unwrap();
    }
    after
}

#[test]
fn a_second_worker_is_refused_while_the_first_lives() {
    let bed = SqliteBed::new();
    let store = bed.open();
    let error = bed.open_as("10000099").unwrap_err();
    assert!(matches!(&error, StoreError::InUse { path } if path.ends_with("campaign.db")), "{error}");
    drop(store);
    assert!(bed.open_as(MCH_ID).is_ok());
}

#[cfg(unix)]
#[test]
fn a_second_worker_is_refused_by_whatever_path_it_comes() {
    let bed = SqliteBed::new();
    let link = bed.dir.path().join("link.db");
    let _store = bed.open();
    std::os::unix::fs::symlink(bed.path(), &link).unwrap();
    assert!(matches!(SqliteStore::open(link, MCH_ID), Err(StoreError::InUse { .. })));
}

#[test]
fn what_was_confirmed_is_there_after_a_crash_and_free() {
    let bed = SqliteBed::new();
    let mut store = bed.open();
    store.insert(&many(2)).unwrap();
    let inserted = crash(&bed);
    let taken = store.take(START, LATE, 9).unwrap();
    let held = crash(&bed);
    let snapshot = attempted(&taken[0]);
    assert_eq!(save(&mut store, &snapshot, false), Saved::Written);
    let written = crash(&bed);
    for after in [inserted, held] {
        assert_eq!(numbers(&after.open().take(START, LATE, 9).unwrap()), ["N0", "N1"]);
    }
    let mut after = written.open();
    assert_eq!(after.find("N0").unwrap().unwrap().snapshot, snapshot);
    assert_eq!(after.take(START, LATE, 9).unwrap().len(), 2);
    assert_eq!(after.insert(&many(3)).unwrap(), [Inserted::Same, Inserted::Same, Inserted::New]);
}

#[test]
fn a_log_that_was_cut_off_loses_only_what_was_not_confirmed() {
    let bed = SqliteBed::new();
    let mut store = bed.open();
    store.insert(&many(1)).unwrap();
    let before = crash(&bed);
    let confirmed = fs::metadata(before.dir.path().join("campaign.db-wal")).unwrap().len();
    store.insert(&[new("B9", "N9")]).unwrap();
    let torn = crash(&bed);
    let log = torn.dir.path().join("campaign.db-wal");
    let bytes = fs::read(&log).unwrap();
    let end = usize::try_from(confirmed).unwrap() + 1_000;
    assert!(bytes.len() > end);
    fs::write(&log, &bytes[..end]).unwrap();
    assert_eq!(take_one(&mut torn.open()).intent.mch_billno(), "N0");
}

#[test]
fn another_file_is_not_written_over() {
    let bed = SqliteBed::new();
    fs::write(bed.path(), "business_id,openid,amount\n".repeat(40)).unwrap();
    let error = bed.open_as(MCH_ID).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert!(fs::read_to_string(bed.path()).unwrap().starts_with("business_id,"));
    let other = SqliteBed::new();
    other.execute("CREATE TABLE payout (name TEXT)");
    let error = other.open_as(MCH_ID).unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[test]
fn a_reader_sees_what_is_confirmed_while_a_worker_is_at_it() {
    let bed = SqliteBed::new();
    let mut store = bed.open();
    store.insert(&many(3)).unwrap();
    let mut reader = SqliteReader::open(bed.path(), MCH_ID).unwrap();
    assert_eq!(reader.summary().unwrap().state("intent").payouts, 3);
    let taken = store.take(START, LATE, 1).unwrap();
    save(&mut store, &attempted(&taken[0]), false);
    assert_eq!(reader.summary().unwrap().state("unknown").fen, 100);
    assert_eq!(reader.find("N0").unwrap().unwrap().snapshot.attempts(), 1);
    assert_eq!(reader.rows().count(), 3);
    drop((store, reader));
    // And when nobody is.
    assert_eq!(SqliteReader::open(bed.path(), MCH_ID).unwrap().rows().count(), 3);
}

#[test]
fn a_reader_makes_nothing() {
    let bed = SqliteBed::new();
    let error = SqliteReader::open(bed.path(), MCH_ID).unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");
    assert!(!bed.path().exists());
    let nowhere = SqliteStore::open(Path::new("/nonexistent/campaign.db"), MCH_ID).unwrap_err();
    assert!(matches!(nowhere, StoreError::File { .. }), "{nowhere}");
}

#[test]
fn a_text_that_is_none_is_an_error_with_its_number() {
    let bed = SqliteBed::new();
    let mut store = bed.open();
    store.insert(&many(2)).unwrap();
    bed.execute("UPDATE payout SET snapshot = CAST(x'77FFFE' AS TEXT) WHERE mch_billno = 'N0'");
    assert_eq!(store.take(START, LATE, 9).unwrap_err().broken(), Some("N0"));
    assert_eq!(take_one(&mut store).intent.mch_billno(), "N1");
}
