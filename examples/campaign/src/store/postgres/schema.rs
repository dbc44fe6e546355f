//! The tables, and which version of them is there.

use ::postgres::Row as Columns;

use super::link::Tx;
use super::sql::PART;
use crate::store::error::StoreError;
use crate::store::names::{self, Keys, Unnamed};

/// The version of the tables that this release makes.
const VERSION: i64 = 2;

/// One worker at a time makes tables. The number is only ours.
const ALONE: &str = "SELECT pg_advisory_xact_lock(6294571903482201)";

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS wechatpay_payout_schema (version bigint NOT NULL)";

const FOUND: &str = "SELECT version FROM wechatpay_payout_schema";

/// The tables of version 1. Text is compared by its bytes, as in Rust. A lease is a number of the sequence, so that no two takings have the same.
const TABLES: &str = r#"
    CREATE SEQUENCE wechatpay_payout_lease;
    CREATE TABLE wechatpay_payout (
        mch_id text COLLATE "C" NOT NULL,
        business_id text COLLATE "C" NOT NULL,
        generation bigint NOT NULL CHECK (generation >= 0),
        mch_billno text COLLATE "C" NOT NULL,
        amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
        fingerprint text NOT NULL,
        intent text NOT NULL,
        state text COLLATE "C" NOT NULL,
        done boolean NOT NULL,
        attempts bigint NOT NULL,
        wake_at bigint NOT NULL,
        send_listid text,
        reason text,
        refunded_fen bigint,
        snapshot text NOT NULL,
        lease bigint,
        lease_until timestamptz,
        CHECK ((lease IS NULL) = (lease_until IS NULL)),
        CHECK (NOT done OR lease IS NULL),
        UNIQUE (mch_id, business_id, generation),
        UNIQUE (mch_id, mch_billno)
    );
    CREATE INDEX wechatpay_payout_due ON wechatpay_payout (mch_id, wake_at, mch_billno) WHERE NOT done;
    CREATE INDEX wechatpay_payout_leased ON wechatpay_payout (mch_id, lease_until) WHERE lease IS NOT NULL;
"#;

/// What version 2 adds: of all spellings of a business id, or of a number, there is one. A worker of an earlier release
/// that is still at it can insert nothing any more, as it has no keys.
const KEYS: &str = r#"
    ALTER TABLE wechatpay_payout
        ADD COLUMN business_key text COLLATE "C",
        ADD COLUMN number_key text COLLATE "C";
"#;

const KEYED: &str = "
    ALTER TABLE wechatpay_payout
        ALTER COLUMN business_key SET NOT NULL,
        ALTER COLUMN number_key SET NOT NULL,
        ADD UNIQUE (mch_id, business_key, generation),
        ADD UNIQUE (mch_id, number_key);
";

const UNNAMED: &str = "
    SELECT mch_id, business_id, generation, mch_billno, done FROM wechatpay_payout ORDER BY mch_id, mch_billno";

const NAME: &str = "
    UPDATE wechatpay_payout p SET business_key = n.business_key, number_key = n.number_key
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n (mch_id, mch_billno, business_key, number_key)
    WHERE p.mch_id = n.mch_id AND p.mch_billno = n.mch_billno";

/// Makes the tables if there are none, and brings those of an earlier release up to this one's.
pub(super) fn make(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.batch(ALONE)?;
    tx.batch(VERSIONS)?;
    match tx.query(FOUND, &[])?.first().map(|row| row.try_get(0)).transpose()? {
        None => {
            tx.batch(TABLES)?;
            add_keys(tx)?;
            Ok(tx.batch(&format!("INSERT INTO wechatpay_payout_schema VALUES ({VERSION})"))?)
        }
        Some(1) => {
            add_keys(tx)?;
            Ok(tx.batch(&format!("UPDATE wechatpay_payout_schema SET version = {VERSION}"))?)
        }
        Some(VERSION) => Ok(()),
        Some(found) => Err(StoreError::FutureSchema { found, known: VERSION }),
    }
}

fn add_keys(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.batch(KEYS)?;
    let unnamed = |row: &Columns| {
        Ok(Unnamed {
            mch_id: row.try_get(0)?,
            business_id: row.try_get(1)?,
            generation: row.try_get(2)?,
            mch_billno: row.try_get(3)?,
            done: row.try_get(4)?,
        })
    };
    let rows = tx.query(UNNAMED, &[])?.iter().map(unnamed).collect::<Result<Vec<_>, StoreError>>()?;
    let keys = names::of_all(&rows)?;
    for (rows, keys) in rows.chunks(PART).zip(keys.chunks(PART)) {
        let of_row = |of: fn(&Unnamed) -> &str| rows.iter().map(of).collect::<Vec<_>>();
        let of_keys = |of: fn(&Keys) -> &str| keys.iter().map(of).collect::<Vec<_>>();
        let (mch_ids, numbers) = (of_row(|row| &row.mch_id), of_row(|row| &row.mch_billno));
        let (by_id, by_number) = (of_keys(|keys| &keys.business_key), of_keys(|keys| &keys.number_key));
        tx.query(NAME, &[&mch_ids, &numbers, &by_id, &by_number])?;
    }
    Ok(tx.batch(KEYED)?)
}
