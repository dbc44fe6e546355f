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

#[cfg(unix)]
mod rights {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::{SqliteBed, SqliteReader};
    use crate::bed::Bed as _;
    use crate::packets::{MCH_ID, many};
    use wechatpay_proto::payout::Store as _;

    /// The rights of the files of a folder, by their names.
    fn modes(bed: &SqliteBed) -> Vec<(String, String)> {
        let mode = |file: fs::DirEntry| {
            let mode = file.metadata().unwrap().permissions().mode();
            (file.file_name().into_string().unwrap(), format!("{:o}", mode & 0o7777))
        };
        let mut modes: Vec<_> =
            fs::read_dir(bed.dir.path()).unwrap().map(|file| mode(file.unwrap())).collect();
        modes.sort();
        modes
    }

    fn only_the_owners(bed: &SqliteBed, ends: &[&str]) {
        let expected: Vec<_> =
            ends.iter().map(|end| (format!("campaign.db{end}"), "600".to_owned())).collect();
        assert_eq!(modes(bed), expected);
    }

    #[test]
    fn the_file_and_its_siblings_are_their_owners_alone() {
        let bed = SqliteBed::new();
        let mut store = bed.open();
        store.insert(&many(1)).unwrap();
        only_the_owners(&bed, &["", "-shm", "-wal", ".lock"]);
        drop(store);
        only_the_owners(&bed, &["", ".lock"]);
    }

    #[test]
    fn wider_rights_of_an_earlier_release_are_taken_away() {
        let bed = SqliteBed::new();
        let mut store = bed.open();
        store.insert(&many(1)).unwrap();
        let widen = |bed: &SqliteBed| {
            for (name, _) in modes(bed) {
                fs::set_permissions(bed.dir.path().join(name), Permissions::from_mode(0o666)).unwrap();
            }
        };
        let crashed = super::crash(&bed);
        fs::write(crashed.dir.path().join("campaign.db-shm"), "").unwrap();
        fs::write(crashed.dir.path().join("campaign.db.lock"), "").unwrap();
        widen(&crashed);
        let _store = crashed.open();
        only_the_owners(&crashed, &["", "-shm", "-wal", ".lock"]);
        // A reader keeps the same rule, beside a worker too.
        widen(&bed);
        let mut reader = SqliteReader::open(bed.path(), MCH_ID).unwrap();
        assert_eq!(wechatpay_campaign::store::Ledger::summary(&mut reader).unwrap().payouts(), 1);
        only_the_owners(&bed, &["", "-shm", "-wal", ".lock"]);
    }

    #[test]
    fn no_umask_changes_that() {
        for umask in ["0000", "0022", "0777"] {
            let bed = SqliteBed::new();
            let store = format!("sqlite:{}", bed.path().display());
            let sample = format!("{}/sample.csv", env!("CARGO_MANIFEST_DIR"));
            let report = bed.dir.path().join("campaign.db.report");
            let script = format!("umask {umask} && exec \"$@\"");
            let done = Command::new("sh")
                .args([
                    "-c",
                    &script,
                    "sh",
                    env!("CARGO_BIN_EXE_campaign"),
                    "run",
                    "--mock",
                    "--csv",
                    &sample,
                ])
                .args(["--store", &store, "--report"])
                .arg(&report)
                .output()
                .unwrap();
            assert!(done.status.success(), "umask {umask}: {}", String::from_utf8_lossy(&done.stderr));
            only_the_owners(&bed, &["", ".lock", ".report"]);
        }
    }

    #[test]
    fn a_report_keeps_the_rights_of_the_file_that_it_replaces() {
        let bed = SqliteBed::new();
        let report = bed.dir.path().join("report.csv");
        fs::write(&report, "").unwrap();
        fs::set_permissions(&report, Permissions::from_mode(0o640)).unwrap();
        drop(bed.open());
        let done = Command::new(env!("CARGO_BIN_EXE_campaign"))
            .args(["report", "--mch-id", MCH_ID, "--store", &format!("sqlite:{}", bed.path().display())])
            .arg("--report")
            .arg(&report)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(fs::metadata(&report).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
