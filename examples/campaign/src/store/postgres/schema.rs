//! The tables, and which version of them is there.

use super::link::Tx;
use crate::store::error::StoreError;

/// The version of the tables that this release makes.
const VERSION: i64 = 1;

/// One worker at a time makes tables. The number is only ours.
const ALONE: &str = "SELECT pg_advisory_xact_lock(6294571903482201)";

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS wechatpay_payout_schema (version bigint NOT NULL)";

const FOUND: &str = "SELECT version FROM wechatpay_payout_schema";

/// Text is compared by its bytes, as in Rust. A lease is a number of the sequence, so that no two takings have the same.
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

/// Makes the tables if there are none.
pub(super) fn make(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.batch(ALONE)?;
    tx.batch(VERSIONS)?;
    match tx.query(FOUND, &[])?.first() {
        None => {
            tx.batch(TABLES)?;
            tx.batch(&format!("INSERT INTO wechatpay_payout_schema VALUES ({VERSION})"))?;
            Ok(())
        }
        Some(row) => match row.try_get(0)? {
            VERSION => Ok(()),
            found => Err(StoreError::FutureSchema { found, known: VERSION }),
        },
    }
}
